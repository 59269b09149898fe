"""A text somebody wrote, where each piece of it stands, and the mistakes found in it."""

from __future__ import annotations

from gonogo.errors import Diagnostic, InputError, Severity, Span
from gonogo.frozen import dataclass


class Problems:
    """Collects every mistake, so that all of them are told at once and in the order of the text."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    def error(self, slug: str, message: str, span: Span | None, *, label: str = "", help: str = "") -> None:  # noqa: A002
        """Note a mistake that stops the command."""
        self.found.append(Diagnostic(slug, message, span, label, help))

    def warning(self, slug: str, message: str, span: Span | None, *, label: str = "", help: str = "") -> None:  # noqa: A002
        """Note a remark."""
        self.found.append(Diagnostic(slug, message, span, label, help, Severity.WARNING))

    def note(self, slug: str, message: str, span: Span | None, *, help: str = "") -> None:  # noqa: A002
        """Note something that needs nobody to act."""
        self.found.append(Diagnostic(slug, message, span, "", help, Severity.NOTE))

    def in_order(self) -> tuple[Diagnostic, ...]:
        """Everything found, by its place in the text; what has no place comes first."""
        return tuple(sorted(self.found, key=lambda d: (d.span.line, d.span.column) if d.span else (0, 0)))

    def raise_errors(self) -> None:
        """Raise `InputError` with everything found, if a mistake is among it."""
        if any(d.severity is Severity.ERROR for d in self.found):
            raise InputError(self.in_order())


@dataclass(frozen=True, slots=True)
class Source:
    """A whole text with its lines."""

    file: str
    text: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, file: str, text: str) -> Source:
        """The text with line ends made one kind and a byte order mark taken off."""
        text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        return cls(file, text, tuple(text.split("\n")))

    def span(self, line: int, start: int = 0, end: int | None = None) -> Span:
        """The place on a line; all counted from 0, `end` exclusive (None: to the end of the line)."""
        source = self.lines[line] if 0 <= line < len(self.lines) else ""
        last = len(source.rstrip()) if end is None else end
        return Span(self.file, line + 1, start + 1, max(last, start + 1) + 1, source)


def decoded(file: str, data: bytes) -> str:
    """The bytes as UTF-8; raises `InputError` with the place of the first that is not."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line_start = before.rfind(b"\n") + 1
        shown = data[line_start:].split(b"\n", 1)[0].decode("utf-8", "replace").rstrip("\r")
        column = len(before[line_start:].decode("utf-8", "replace")) + 1
        span = Span(file, before.count(b"\n") + 1, column, column + 1, shown)
        byte = f"0x{data[error.start]:02x}"
        raise InputError(
            [Diagnostic("not-utf8", f"`{file}` is not UTF-8", span, f"byte {byte}", f"save {file} as UTF-8")]
        ) from None
