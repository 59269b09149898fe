"""Secrets known by their shape: a literal anchor finds the place, then a regular expression looks at that place alone.

The anchors go into the same automaton as the secrets' values, so that a large log never runs through a regular
expression. Each expression looks forward only, and over at most `reach` bytes: whatever the chunks, it sees the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_VALUE = 4096
"""Bytes: the longest value that is taken for a secret as one piece."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One shape: where to look, what must stand there, and how many bytes from the anchor on matter."""

    anchors: tuple[bytes, ...]
    shape: re.Pattern[bytes]
    """Matched at the anchor; its group (the whole match where there is none) is replaced."""
    reach: int
    behind: bool = False
    """The shape begins behind the anchor."""


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
_KEY_VALUE = re.compile(
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
    Pattern(
        (b"://",),
        re.compile(
            rb"://[^\s/?#\"'<>:@\\]{0,256}:(?!\[redacted\]@|\*+@|\$\{?\w+\}?@)([^\s/\"'<>\\]{1,1024})@(?=[\w\[.$\x80-\xff-])"
        ),
        2048,
    ),
    Pattern(
        (b"eyJ",),
        re.compile(
            rb"eyJ[A-Za-z0-9_-]{8,4096}\.(?:eyJ[A-Za-z0-9_-]{4,8192}|[A-Za-z0-9_-]{8,8192}(?=\.[A-Za-z0-9_-]{8}))"
            rb"(?:\.[A-Za-z0-9_-]{0,4096}){0,3}"
        ),
        16384,
    ),
    Pattern(
        (b"-----BEGIN ",),
        re.compile(
            rb"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
            rb"(?:[A-Za-z0-9+/=\s\\:,|_]|-(?!----)){0,20000}+"
            rb"(?:-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----)?"
        ),
        20480,
    ),
    Pattern((b"AKIA", b"ASIA"), re.compile(rb"A[KS]IA[0-9A-Z]{16}"), 32),
    Pattern((b"AIza",), re.compile(rb"AIza[0-9A-Za-z_-]{35}"), 64),
    Pattern(
        (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_"),
        re.compile(rb"(?:gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255})"),
        512,
    ),
    Pattern((b"glpat-", b"npm_", b"dckr_pat_"), re.compile(rb"(?:glpat-|npm_|dckr_pat_)[A-Za-z0-9_-]{20,255}"), 512),
    Pattern((b"sk_live_", b"rk_live_"), re.compile(rb"[sr]k_live_[A-Za-z0-9]{16,255}"), 512),
    Pattern(
        tuple(b"xox%c-" % letter for letter in b"abeoprs"),
        re.compile(rb"xox[abeoprs]-[A-Za-z0-9-]{10,255}"),
        512,
    ),
    Pattern(
        (b"uthorization", b"UTHORIZATION"),
        re.compile(
            rb"(?i:uthorization)\\?[\"']?\s{0,2}[:=]\s{0,2}\\?[\"']?"
            rb"(?:(?i:bearer|basic|digest|token|apikey|negotiate) |(?=[A-Za-z._~+/=:-]{0,200}\d))"
            rb"([A-Za-z0-9._~+/=:-]{6,4096})"
        ),
        64 + _VALUE,
    ),
    Pattern(
        (b"earer ", b"EARER "),
        re.compile(rb"(?i:earer) (?=[A-Za-z._~+/=-]{0,200}\d)([A-Za-z0-9._~+/=-]{16,4096})"),
        64 + _VALUE,
    ),
)
"""In no particular order: what several find is taken together."""


def anchored() -> Iterator[tuple[bytes, Pattern]]:
    """Each anchor with its pattern."""
    for pattern in PATTERNS:
        for anchor in pattern.anchors:
            yield anchor, pattern
