"""What is read off PromQL without understanding all of it: the selectors in an expression."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
    (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
  | (?P<comment>\#[^\n]*)
  | (?P<labels>\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\))
  | (?P<function>[a-zA-Z_][a-zA-Z0-9_]*(?=\s*\(|\s+(?:by|without)\b))
  | (?P<selector>[a-zA-Z_:][a-zA-Z0-9_:]*(?:\s*\{(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|[^}"'`])*\})?
      | \{(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|[^}"'`])*\})
  | (?P<range>\[[^\]]*\])
  | (?P<number>\d[\w.]*)
    """,
    re.VERBOSE,
)
_WORDS = frozenset(
    {"and", "or", "unless", "bool", "offset", "inf", "nan", "atan2", "start", "end", "group_left", "group_right"}
)


def selectors(expression: str) -> tuple[str, ...]:
    """The vector selectors of an expression, each once, in order: `up{job="x"} == 0` has `up{job="x"}`."""
    return tuple(dict.fromkeys(_selectors(expression)))


def _selectors(expression: str) -> Iterator[str]:
    for match in _TOKEN.finditer(expression):
        text = match["selector"]
        if text and text.lower() not in _WORDS:
            yield text


def name_of(selector: str) -> str:
    """The metric of a selector; empty where only labels choose."""
    return selector.partition("{")[0].strip()
