"""What is taken out by its shape: those of `gonogo.shapes`, and what stands behind a word such as `password`.

The anchors go into the same automaton as the secrets' values, so that a large log never runs through a regular
expression. Each expression looks forward only, and over at most `reach` bytes: whatever the chunks, it sees the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from gonogo.frozen import dataclass
from gonogo.shapes import SHAPES

_VALUE = 4096
"""Bytes: the longest value that is taken for a secret as one piece."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One shape: where to look, what must stand there, and how many bytes from the anchor on matter."""

    anchors: tuple[bytes, ...]
    expression: bytes
    """Matched at the anchor; its group (the whole match where there is none) is replaced."""
    reach: int
    behind: bool = False
    """The shape begins behind the anchor."""

    @property
    def shape(self) -> re.Pattern[bytes]:
        """The expression; compiled where its anchor first occurs."""
        return _compiled(self.expression)


@cache
def _compiled(expression: bytes) -> re.Pattern[bytes]:
    return re.compile(expression)


def _spelled(*words: str) -> tuple[bytes, ...]:
    """The words as variables, constants and headers write them: `api_key`, `API_KEY`, `Api_key`, `apiKey`, `ApiKey`."""
    found: dict[bytes, None] = {}
    for word in words:
        pieces = re.split("[_-]", word)
        camel = "".join(piece.capitalize() for piece in pieces)
        for form in (word, word.upper(), word.capitalize(), "-".join(p.capitalize() for p in pieces), camel):
            found[form.encode()] = None
        found[(camel[0].lower() + camel[1:]).encode()] = None
    return tuple(found)


_KEYS = _spelled(
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "api-key",
    "apikey",
    "access_key",
    "private_key",
    "encryption_key",
    "signing_key",
)
_NO_VALUE = (
    rb"(?!(?:true|false|null|none|undefined|yes|no|\*+|x{3,}|\d{1,5}|\[redacted\]|\$\$?\{?\w+\}?|%\w|\{\{[^}]*\}\})"
    rb"(?:[\s\"'&,;)\]}<\\]|\Z)|<)"
)
_BARE = rb"[^\s\"'<>&\\]{%d,4095}[^\s\"'<>&\\,;)\]}]"
_SEPARATED = rb"(?:\\?[\"']\s{0,2}:|\s{0,2}=|:)\s{0,2}"
_KEY_VALUE = (
    rb"(?i:[_-]?(?:key|value|base)){0,2}(?:"
    # key=value: an env file, a command line, a query; no call such as `token=read()`
    rb"=(?![\w.$]{0,80}[(\[{])" + _NO_VALUE + rb"(" + _BARE % 0 + rb")"
    # "key": "value" and key='value': JSON, YAML, HCL; a number, a truth or prose stays, and JSON stays JSON
    rb"|" + _SEPARATED + rb"\"" + _NO_VALUE + rb"((?:[^\s\"\\]|\\[^\s]){1,2048})(?=\"|\Z)"
    rb"|" + _SEPARATED + rb"'" + _NO_VALUE + rb"([^\s']{1,2048})(?='|\Z)"
    rb"|" + _SEPARATED + rb"\\[\"']" + _NO_VALUE + rb"([^\s\"'\\]{1,2048})(?=\\|\Z)"
    # key: value: YAML and prose; prose is told by its lack of digits
    rb"|:[ \t]{1,2}" + _NO_VALUE + rb"(?=[^\s]{0,60}\d)(?=[^\s]{0,60}[A-Za-z])(" + _BARE % 5 + rb"))"
)

PATTERNS = (
    Pattern(_KEYS, _KEY_VALUE, 64 + _VALUE, behind=True),
    *(Pattern(shape.anchors, shape.expression, shape.reach) for shape in SHAPES),
    Pattern(
        (b"uthorization", b"UTHORIZATION"),
        (
            rb"(?i:uthorization)\\?[\"']?\s{0,2}[:=]\s{0,2}\\?[\"']?"
            rb"(?:(?i:bearer|basic|digest|token|apikey|negotiate) |(?=[A-Za-z._~+/=:-]{0,200}\d))"
            rb"([A-Za-z0-9._~+/=:-]{6,4096})"
        ),
        64 + _VALUE,
    ),
    Pattern(
        (b"earer ", b"EARER "),
        rb"(?i:earer) (?=[A-Za-z._~+/=-]{0,200}\d)([A-Za-z0-9._~+/=-]{16,4096})",
        64 + _VALUE,
    ),
)
"""In no particular order: what several find is taken together."""


def anchored() -> Iterator[tuple[bytes, Pattern]]:
    """Each anchor with its pattern."""
    for pattern in PATTERNS:
        for anchor in pattern.anchors:
            yield anchor, pattern
