"""The report of a bug in gonogo: versions, places in the code and no word of what was worked on."""

from __future__ import annotations

import os
import platform
import tempfile
import traceback
from pathlib import Path

from gonogo import __version__
from gonogo.cli.failure import say
from gonogo.model.outcome import ExitCode


def crash(error: BaseException, arguments: list[str]) -> int:
    """Write a crash report that holds no secret, and say where it is; returns the exit code of a bug.

    Args:
        error: What nobody caught.
        arguments: The command line; values in it are left out.
    """
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
