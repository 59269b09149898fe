"""The text of a checklist, and where each piece of it stands."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from gonogo.errors import InputError, Span
from gonogo.frozen import dataclass
from gonogo.text.source import Source, decoded

MAX_BYTES = 1 << 20
"""A checklist is written by people: what is larger than 1 MiB is something else."""

_CODE = re.compile(r"(`+)(.+?)(?<!`)\1(?!`)", re.DOTALL)


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
    return Source.of(file, decoded(file, data))


def _too_large(file: str, size: int) -> InputError:
    return InputError.of(
        "checklist-too-large",
        f"`{file}` has {size:,} bytes; a checklist has at most {MAX_BYTES:,}",
        help="name the checklist itself, or split it",
    )


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
