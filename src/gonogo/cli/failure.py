"""What went wrong, said to a person, and the exit code that names its cause."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable

import click

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
    from gonogo.cli.crash import crash  # only when it crashed

    return crash(error, arguments)


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
