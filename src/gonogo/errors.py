"""What can go wrong with gonogo itself, said so that the reader can mend it.

A failing gate is a value, never an exception. An exception means that gonogo cannot go on, and its class
decides the exit code of the process (`docs/reference/exit-codes.md`).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from gonogo.frozen import dataclass


class Severity(StrEnum):
    """How much a diagnostic weighs: an error stops the command, a warning and a note do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a text somebody wrote. Lines and columns count from 1; `end` is one past the last column."""

    file: str
    line: int
    column: int = 1
    end: int = 0
    source: str = ""
    """The whole source line, without its line end; empty where it is not known."""

    @property
    def width(self) -> int:
        """How many columns to underline: at least one."""
        return max(1, self.end - self.column)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake (or remark): what, where, why, and an order that mends it.

    The message is lower case without a full stop, names in backticks; `help` is an order the reader can carry out.
    """

    slug: str
    message: str
    span: Span | None = None
    label: str = ""
    """What stands beside the caret, such as ``did you mean `coverage.lines.pct`?``."""
    help: str = ""
    severity: Severity = Severity.ERROR


class GonogoError(Exception):
    """The root of every error gonogo raises on purpose."""

    exit_code = 70

    def __init__(self, message: str, *, help: str = "") -> None:  # noqa: A002 - the reader's word for it
        super().__init__(message)
        self.message = message
        self.help = help


class InputError(GonogoError):
    """What the user gave is wrong; carries *every* mistake found, not the first."""

    exit_code = 2

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        errors = [d for d in self.diagnostics if d.severity is Severity.ERROR]
        super().__init__("; ".join(d.message for d in errors) or "bad input")

    @classmethod
    def of(cls, slug: str, message: str, *, span: Span | None = None, help: str = "") -> InputError:  # noqa: A002 - as above
        """One mistake, for the many places that find just one."""
        return cls([Diagnostic(slug, message, span=span, help=help)])


class Refused(GonogoError):
    """Another holder, a missing precondition: gonogo will not do it now."""

    exit_code = 4


class OperationError(GonogoError):
    """gonogo tried and could not finish: no space, no git, a store that cannot be written."""

    exit_code = 4


class IntegrityError(GonogoError):
    """Something kept does not match its own digest or chain."""

    exit_code = 5


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name most like `word`, or None where nothing comes close."""
    import difflib  # only where somebody is told of a mistake

    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def render(diagnostic: Diagnostic) -> str:
    """The diagnostic as a person reads it: message, place, the line with a caret, help. Plain text, no colour."""
    lines = [f"{diagnostic.severity}: {diagnostic.message} [{diagnostic.slug}]"]
    span = diagnostic.span
    if span is not None:
        gutter = " " * len(str(span.line))
        lines.append(f"{gutter}--> {span.file}:{span.line}:{span.column}")
        if span.source:
            lines += _excerpt(span, gutter, diagnostic.label)
        elif diagnostic.label:
            lines.append(f"{gutter} = note: {diagnostic.label}")
    if diagnostic.help:
        lines.append(f"{' ' * len(str(span.line)) if span else ' '} = help: {diagnostic.help}")
    return "\n".join(lines)


_WIDEST_EXCERPT = 160


def _excerpt(span: Span, gutter: str, label: str) -> list[str]:
    """The source line with its caret; a very long line is cut around the caret, so that the caret stays under it."""
    source, column = span.source.expandtabs(1), span.column
    start = max(0, column - _WIDEST_EXCERPT // 2) if len(source) > _WIDEST_EXCERPT else 0
    shown = source[start : start + _WIDEST_EXCERPT]
    width = max(1, min(span.width, len(shown) - (column - 1 - start)))
    caret = " " * (column - 1 - start) + "^" * width
    return [
        f"{gutter} |",
        f"{span.line} | {shown}",
        f"{gutter} | {caret}{' ' + label if label else ''}",
        f"{gutter} |",
    ]
