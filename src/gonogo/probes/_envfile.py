"""Env files: keys, values, lines, as the dotenv libraries read them; and what is no value but a placeholder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?(?P<key>[A-Za-z_][\w.-]*)\s*=[^\S\n]*(?P<rest>.*)", re.DOTALL)
_QUOTED = re.compile(
    r"""(?P<quote>['"`])(?P<body>(?:\\.|(?!(?P=quote)).)*)(?P=quote)[^\S\n]*(?:\#[^\n]*)?""", re.DOTALL
)
_LONGEST_VALUE = 200  # lines; a PEM key has about 50. A quote that nobody closes ends with its own line
_PLACEHOLDER = re.compile(
    r"""
      <[^<>]+>                                            # <generate-with-openssl>, postgres://app:<password>@db
    | (?<![a-z0-9]) change [-_ ]? (?:me|this|it) (?![a-z0-9])
    | (?<![a-z0-9]) your [-_ ] \w
    | (?<![a-z0-9]) x{3,} (?![a-z0-9])
    | (?<![a-z0-9]) (?:todo|fixme|tbd|placeholder) (?![a-z0-9])
    | (?<![a-z0-9]) replace [-_ ]? (?:me|this|with) (?![a-z0-9])
    | ^ (?:insert|enter|put|generate|set) [-_ ] \w
    | \{\{ .* \}\}
    | ^ \.{3,} $
    | ^ \[ .+ \] $
    """,
    re.IGNORECASE | re.VERBOSE,
)
_TEMPLATE = re.compile(r"\b(?:example|sample|template|dist|defaults?)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One assignment of an env file."""

    key: str
    value: str
    line: int


def parse(text: str) -> tuple[tuple[Entry, ...], tuple[int, ...]]:
    """The assignments in their order, and the numbers of lines that are neither assignment, comment nor blank.

    Reads `export KEY=…`, single, double and back quotes over several lines, and comments behind an unquoted value.
    """
    lines = text.splitlines()
    entries: list[Entry] = []
    unread: list[int] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        number, taken = at + 1, 1
        match = _ASSIGNMENT.match(line)
        if match:
            value, taken = _value(match["rest"], lines[at + 1 : at + 1 + _LONGEST_VALUE])
            entries.append(Entry(match["key"], value, number))
        elif line.strip() and not line.lstrip().startswith("#"):
            unread.append(number)
        at += taken
    return tuple(entries), tuple(unread)


def _value(rest: str, following: list[str]) -> tuple[str, int]:
    """The value that starts with `rest`, and how many lines it takes."""
    if rest[:1] in {"'", '"', "`"}:
        for extra in range(len(following) + 1):
            match = _QUOTED.fullmatch("\n".join([rest, *following[:extra]]))
            if match:
                return match["body"], extra + 1
    return re.sub(r"(?:^|\s)#.*$", "", rest).strip(), 1


def is_placeholder(value: str) -> bool:
    """Whether the value asks to be replaced: `<generate-…>`, `changeme`, `your-…`, `xxx`, `TODO`."""
    return bool(_PLACEHOLDER.search(value.strip()))


def is_template(path: str) -> bool:
    """Whether the file's name says that it holds examples: `.env.example`, `.env.staging.sample`."""
    return bool(_TEMPLATE.search(PurePosixPath(path).name))
