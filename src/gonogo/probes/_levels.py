"""How bad a line of a log says it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

_FIELDS = ("level", "severity", "lvl", "levelname", "log.level", "severity_text")
_BAD = frozenset({"error", "err", "fatal", "critical", "crit", "panic", "alert", "emerg", "emergency", "severe"})
_FINE = frozenset({
    *("trace", "verbose", "silly", "debug", "dbug", "info", "information", "informational", "notice", "http", "log"),
    *("warn", "warning", "wrn"),
})  # fmt: skip
_NUMBER_OF_ERROR = 50
"""pino and bunyan count in tens: 50 is `error`, 60 `fatal`."""
_KEY = re.compile(r"\b(?:level|severity|lvl)=\"?(\w+)", re.IGNORECASE)
_WORD = re.compile(rf"[\[<(]?\b({'|'.join(sorted(_BAD | _FINE, key=len, reverse=True))})\b[\]>):]?", re.IGNORECASE)
_HEAD = 80
"""Characters in which a plain line names its level."""


def bad(line: str) -> bool | None:
    """Whether a line is at `error` or worse; None: it names no level.

    Read are JSON (`level`, `severity` …, a word, or a number of pino's), `level=…`, and, of plain lines, the first
    word of a level near their beginning that is in capitals or in brackets, or has a colon behind.
    """
    text = line.strip()
    if text.startswith("{"):
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return _of_fields(fields)
    key = _KEY.search(text)
    if key is not None:
        return _of_word(key[1])
    for match in _WORD.finditer(text[:_HEAD]):
        if match[1].isupper() or match[0] != match[1]:
            return _of_word(match[1])
    return None


def _of_fields(fields: Mapping[str, object]) -> bool | None:
    for name in _FIELDS:
        value = fields.get(name)
        if isinstance(value, str):
            return _of_word(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value >= _NUMBER_OF_ERROR
    return None


def _of_word(word: str) -> bool | None:
    lower = word.lower()
    return True if lower in _BAD else False if lower in _FINE else None


def tally(lines: Iterable[str]) -> dict[str, int]:
    """Lines, those that name a level, and those at `error` or worse."""
    found = [bad(line) for line in lines]
    return {
        "lines": len(found),
        "told": sum(one is not None for one in found),
        "bad": sum(one is True for one in found),
    }
