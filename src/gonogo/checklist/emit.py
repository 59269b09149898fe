"""Plain data -> YAML 1.2 text in one style, every text quoted that a reader might take for something else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_PLAIN = re.compile(r"(?:[^\W\d]|\d+ (?=[A-Za-z])|\.(?=[A-Za-z]))[^:#]*(?:(?::(?=[^\s,\[\]{}])|(?<!\s)#)[^:#]*)*")
_NOT_TEXT = re.compile(r"(?:true|false|null|yes|no|on|off|y|n|~|\.inf|\.nan|nan|inf)", re.IGNORECASE)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_FLOW = set(",[]{}")


def emit(data: dict[str, Any]) -> str:
    """The mapping as a YAML document."""
    return "\n".join(_mapping(data, 0)) + "\n"


def _mapping(data: dict[str, Any], indent: int) -> Iterator[str]:
    pad = " " * indent
    for key, value in data.items():
        head = f"{pad}{scalar(str(key))}:"
        if isinstance(value, dict) and value:
            yield head
            yield from _mapping(value, indent + 2)
        elif isinstance(value, (list, tuple)) and value:
            yield head
            yield from _sequence(list(value), indent + 2)
        else:
            yield f"{head} {scalar(value)}"


def _sequence(items: list[Any], indent: int) -> Iterator[str]:
    pad = " " * indent
    for item in items:
        nested: list[str] = []
        if isinstance(item, dict) and item:
            nested = list(_mapping(item, indent + 2))
        elif isinstance(item, (list, tuple)) and item:
            nested = list(_sequence(list(item), indent + 2))
        if nested:
            yield f"{pad}- {nested[0].lstrip(' ')}"
            yield from nested[1:]
        else:
            yield f"{pad}- {scalar(item)}"


def scalar(value: Any) -> str:
    """One value on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple, dict)):
        return "{}" if isinstance(value, dict) else "[]"
    return _text(str(value))


def _text(text: str) -> str:
    printable = all(char == " " or char.isprintable() for char in text)
    if printable and _is_plain(text):
        return text
    if printable and ('"' in text or "\\" in text):
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _is_plain(text: str) -> bool:
    return (
        bool(_PLAIN.fullmatch(text))
        and not text.endswith((" ", ":"))
        and not _FLOW & set(text)
        and not _NOT_TEXT.fullmatch(text)
    )


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char == " " or char.isprintable():
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - what `\u` can hold
