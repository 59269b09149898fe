"""What went wrong, said to a person, and the exit code that names its cause."""

from __future__ import annotations

import os
import platform
import re
import sys
import tempfile
import traceback
from collections.abc import Iterable
from pathlib import Path

import click

from gonogo import __version__
from gonogo.errors import Diagnostic, GonogoError, InputError, Severity, nearest, render
from gonogo.model.outcome import ExitCode
from gonogo.telling.words import number, safe

_SEVERITY_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


def told(error: BaseException, arguments: list[str]) -> int:
    """Tell `error` on standard error and return the exit code of its cause.

    Args:
        error: What reached the last door.
        arguments: The command line, for the crash report; values in it are left out.
    """
    if isinstance(error, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return ExitCode.INTERRUPTED
    if isinstance(error, InputError):
        tell(error.diagnostics)
        errors = sum(1 for d in error.diagnostics if d.severity is Severity.ERROR)
        if errors > 1:
            say(number(errors, "mistake"))
        return error.exit_code
    if isinstance(error, GonogoError):
        tell([Diagnostic(_slug(error), error.message, help=error.help)])
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        _stop_writing()
        return ExitCode.COULD_NOT_FINISH
    return _crash(error, arguments)


def told_usage(error: click.ClickException, commands: Iterable[str]) -> int:
    """Tell a command line that click refused, as every other mistake is told; returns the exit code of bad input.

    `commands` are those there are, for the nearest one.
    """
    context = getattr(error, "ctx", None)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return ExitCode.BAD_INPUT
    message = error.format_message().rstrip(".").replace("'", "`")
    path = context.command_path if context is not None else "gonogo"
    near = None
    if isinstance(error, click.exceptions.NoSuchCommand):
        near = nearest(error.command_name, commands)
    help_ = f"did you mean `gonogo {near}`?" if near else f"run `{path} --help`"
    tell([Diagnostic("usage", message[:1].lower() + message[1:], help=help_)])
    return ExitCode.BAD_INPUT


def _slug(error: GonogoError) -> str:
    """`OperationError` -> `could-not-finish` and the like: the cause that the exit code names."""
    return {2: "bad-input", 4: "could-not-finish", 5: "integrity"}.get(error.exit_code, "bug")


def colour_wanted() -> bool:
    """Whether standard error is a terminal and nobody asked for no colour."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def say(text: str) -> None:
    """Talk: a line on standard error."""
    click.echo(text, err=True)


def tell(diagnostics: list[Diagnostic] | tuple[Diagnostic, ...]) -> None:
    """Every diagnostic on standard error, with carets, in colour only where that is wanted."""
    for diagnostic in diagnostics:
        lines = render(diagnostic).split("\n")
        for at, text in enumerate(lines):
            shown = safe(text)
            say(_coloured(shown, diagnostic.severity, first=at == 0) if colour_wanted() else shown)
        say("")


def _coloured(text: str, severity: Severity, *, first: bool) -> str:
    colour = _SEVERITY_COLOURS[severity]
    if first:
        word, colon, rest = text.partition(":")
        return click.style(word + colon, fg=colour, bold=True) + click.style(rest, bold=True)
    caret = re.match(r"( *\| +)(\^.*)$", text)
    if caret:
        return click.style(caret[1], fg="blue") + click.style(caret[2], fg=colour, bold=True)
    mark = re.match(r"( *(?:-->|=|\d* *\|))(.*)$", text)
    return click.style(mark[1], fg="blue") + mark[2] if mark else text


def _stop_writing() -> None:
    """Nobody reads standard output any more: let the interpreter flush into nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _crash(error: BaseException, arguments: list[str]) -> int:
    """Write a crash report that holds no secret, and say where it is."""
    say(f"error: gonogo has a bug: {type(error).__name__} [bug]")
    try:
        path = _write_report(_report(error, arguments))
    except OSError as problem:
        say(f" = note: the crash report could not be written: {problem.strerror}")
        say(" = help: run it again with TMPDIR set to a directory that can be written")
    else:
        say(f" = note: what happened is in {path}")
        say(" = help: open an issue and attach that file; read it first, it should hold no secret")
    return ExitCode.BUG


def _write_report(text: str) -> Path:
    handle, name = tempfile.mkstemp(prefix="gonogo-crash-", suffix=".txt")  # mkstemp makes it 0600
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(name)


def _report(error: BaseException, arguments: list[str]) -> str:
    """Versions, the command line without values, and the trace: places and our own source lines, no local values."""
    return "\n".join(
        [
            f"gonogo {__version__}",
            f"python {platform.python_version()} on {platform.platform()}",
            f"command gonogo {' '.join(_without_values(arguments))}",
            "",
            *_trace(error),
            "",
        ]
    )


def _without_values(arguments: list[str]) -> list[str]:
    """Command and option names only: any other argument may be, or hold, a secret."""
    shown = []
    for at, argument in enumerate(arguments):
        option = argument.partition("=")[0] if argument.startswith("-") else ""
        shown.append(option or (argument if at == 0 and argument.isalpha() else "…"))
    return shown


_ABOUT_CODE = (ImportError, AttributeError, NameError)
"""Exceptions whose messages name parts of programs, never what was worked on."""


def _trace(error: BaseException) -> list[str]:
    """Frames of the whole chain. Other messages are left out: they quote what was worked on."""
    lines: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        frames = traceback.extract_tb(current.__traceback__)
        said = f": {current}" if isinstance(current, _ABOUT_CODE) else ""
        lines += [f"{type(current).__module__}.{type(current).__qualname__}{said}"]
        lines += [f"  {_shortened(f.filename)}:{f.lineno} in {f.name}\n    {f.line or ''}" for f in frames]
        current = current.__cause__ or current.__context__
        lines += ["caused by"] if current is not None else []
    return lines


def _shortened(path: str) -> str:
    """The part of a path below `site-packages`, `src` or the standard library, without the reader's home."""
    parts = Path(path).parts
    for mark in ("site-packages", "src"):
        if mark in parts:
            return "/".join(parts[parts.index(mark) + 1 :])
    return "/".join(parts[-2:])
