"""The text of a checklist, and where each piece of it stands."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from pathlib import Path

from gonogo.errors import Diagnostic, InputError, Severity, Span

MAX_BYTES = 1 << 20
"""A checklist is written by people: what is larger than 1 MiB is something else."""

_CODE = re.compile(r"(`+)(.+?)(?<!`)\1(?!`)", re.DOTALL)


class Problems:
    """Collects every mistake, so that all of them are told at once and in the order of the text."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    def error(self, slug: str, message: str, span: Span | None, *, label: str = "", help: str = "") -> None:  # noqa: A002 - as a diagnostic calls it
        """Note a mistake that stops the command."""
        self.found.append(Diagnostic(slug, message, span, label, help))

    def warning(self, slug: str, message: str, span: Span | None, *, label: str = "", help: str = "") -> None:  # noqa: A002 - as a diagnostic calls it
        """Note a remark."""
        self.found.append(Diagnostic(slug, message, span, label, help, Severity.WARNING))

    def note(self, slug: str, message: str, span: Span | None, *, help: str = "") -> None:  # noqa: A002 - as a diagnostic calls it
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


def read(path: Path) -> Source:
    """The text of the file at `path`.

    Raises `InputError` where there is none, where it cannot be read, is no ordinary file, is larger than
    `MAX_BYTES`, or is not UTF-8.
    """
    file = str(path)
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise InputError.of(
                "checklist-not-a-file", f"`{file}` is not an ordinary file", help="name the checklist's own file"
            )
        if about.st_size > MAX_BYTES:
            raise _too_large(file, about.st_size)
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InputError.of(
            "checklist-missing", f"there is no file `{file}`", help="check the path, or run `gonogo init` to write one"
        ) from None
    except OSError as error:
        raise InputError.of(
            "checklist-unreadable", f"cannot read `{file}`: {error.strerror or error}", help=f"make {file} readable"
        ) from error
    if len(data) > MAX_BYTES:
        raise _too_large(file, len(data))
    return Source.of(file, _decoded(file, data))


def _too_large(file: str, size: int) -> InputError:
    return InputError.of(
        "checklist-too-large",
        f"`{file}` has {size:,} bytes; a checklist has at most {MAX_BYTES:,}",
        help="name the checklist itself, or split it",
    )


def _decoded(file: str, data: bytes) -> str:
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


@dataclass(frozen=True, slots=True)
class Written:
    """A piece of prose that knows where each of its characters stands."""

    text: str
    source: Source
    starts: tuple[tuple[int, int, int], ...]
    """For each line of the whole prose: offset, line, column; counted from 0."""
    base: int = 0
    """Offset of `text` in the whole prose."""

    @property
    def plain(self) -> str:
        """The text on one line."""
        return " ".join(self.text.split())

    @property
    def span(self) -> Span:
        """Where it stands; where it runs over several lines, its part on the first."""
        offset, line, column = next(s for s in reversed(self.starts) if s[0] <= self.base)
        start = column + self.base - offset
        return self.source.span(line, start, start + len(self.text.split("\n", 1)[0].rstrip()))

    def cut(self, start: int, end: int | None = None) -> Written:
        """The piece from `start` to `end`, without blanks around it."""
        piece = self.text[start:end]
        lead = len(piece) - len(piece.lstrip())
        return Written(piece.strip(), self.source, self.starts, self.base + start + lead)

    def bare(self) -> Written:
        """Without a full stop at its end."""
        text = self.text.rstrip()
        return self.cut(0, len(text) - 1) if text.endswith(".") and not text.endswith("..") else self.cut(0)

    def split(self, separator: str) -> list[Written]:
        """The pieces between matches of `separator` that stand outside code spans and parentheses; no empty ones."""
        pieces, last = [], 0
        for match in re.finditer(separator, hidden(self.text)):
            pieces.append(self.cut(last, match.start()))
            last = match.end()
        pieces.append(self.cut(last))
        return [piece for piece in pieces if piece.text]


def hidden(text: str) -> str:
    """The text with its code spans and parentheses blanked out (same length), to look for separators in."""
    text = _CODE.sub(lambda m: "\0" * len(m[0]), text)
    out, depth = [], 0
    closing = text.count(")")
    for char in text:
        if char == "(" and closing > 0:
            depth += 1
        out.append("\0" if depth else char)
        if char == ")":
            closing -= 1
            depth = max(0, depth - 1)
    return "".join(out)


def code_spans(text: str) -> list[re.Match[str]]:
    """Every code span; group 2 is what it holds."""
    return list(_CODE.finditer(text))


def only_code(text: str) -> str | None:
    """What the text's one code span holds, where the text is nothing else; None otherwise."""
    match = _CODE.fullmatch(text.strip())
    return " ".join(match[2].split()) if match else None


def slug(text: str) -> str:
    """Lower case words of a title joined by dashes; empty where it has no letter and no digit."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", text.replace("\u2011", "-").replace("&", " ")).lower()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub(r"[^\w]+", "-", plain.replace("_", "-")).strip("-")


def gate_slug(title: str) -> str:
    """A gate's id: the slug of its title without what stands in parentheses.

    `Security (deps + SAST hooks)` is `security`; a title that is nothing but parentheses keeps them.
    """
    without = re.sub(r"\s*\([^()]*\)", "", title)
    return slug(without) or slug(title)
