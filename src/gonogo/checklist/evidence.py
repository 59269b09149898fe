"""What a gate or the bundle must bring, from prose: backticked paths, and words that our own capture serves."""

from __future__ import annotations

import re
from typing import Any

from gonogo.checklist.source import Written, code_spans, only_code

_PATH = re.compile(r"[^\s`<>|*?]+")
_OR = re.compile(r"\s+or\s+", re.IGNORECASE)
LIST = r"[;,]\s*"


def is_path(text: str) -> bool:
    """Whether a text reads as a path: no blanks, and a `/` or an extension in it."""
    return bool(_PATH.fullmatch(text)) and ("/" in text or bool(re.search(r"\w\.\w|^\.\w", text))) and "://" not in text


def own_log(path: str) -> bool:
    """Whether our own capture serves as well: a log is what a command printed."""
    return path.endswith(".log")


def short(text: str) -> dict[str, Any]:
    """Evidence written as one plain text in YAML."""
    if not is_path(text):
        return {"text": text}
    return {"text": text, "path": text, "or_capture": own_log(text)}


def evidence(field: Written) -> list[dict[str, Any]]:
    """The things an `Evidence:` line names, in order.

    A backticked path is expected from this attempt. "`path` or words" lets our own capture serve instead. Where a
    piece names no path, it is words.
    """
    found: list[dict[str, Any]] = []
    for piece in field.bare().split(LIST):
        path = _path_in(piece.text)
        if path is None:
            found.append({"text": piece.plain})
            continue
        words = only_code(piece.text) or piece.plain
        either = bool(_OR.search(piece.text.split("`")[-1]))
        found.append({"text": words, "path": path, "or_capture": either or own_log(path)})
    return found


def _path_in(text: str) -> str | None:
    paths = [span[2].strip() for span in code_spans(text)]
    return next((path for path in paths if is_path(path)), None)


def items(text: Written) -> list[str]:
    """The items of one line of the bundle; an item that is nothing but a path loses its backticks."""
    found = []
    for piece in text.split(LIST):
        code = only_code(piece.text)
        found.append(code if code is not None and is_path(code) else piece.plain)
    return found
