"""What a JavaScript or TypeScript configuration says, read as text: nothing of the project is run for it.

Only literals are understood (`reporters: ["default", ["junit", { outputFile: "x.xml" }]]`). A value that is computed
is reported as such, and the tool's own file decides what then.
"""

from __future__ import annotations

import re
from pathlib import Path

from gonogo.frozen import dataclass

_LARGEST = 256 * 1024


def find(directory: Path, stems: tuple[str, ...], given: str = "") -> str:
    """The text of the configuration: the file given, else the first `stem.{ts,mts,cts,js,mjs,cjs}`; empty: none."""
    if given:
        names = [directory / given]
    else:
        names = [directory / f"{stem}.{end}" for stem in stems for end in ("ts", "mts", "cts", "js", "mjs", "cjs")]
    for name in names:
        try:
            with name.open("rb") as file:
                return without_comments(file.read(_LARGEST).decode("utf-8", "replace"))
        except OSError:
            continue
    return ""


_COMMENT_OR_TEXT = r"""(?s)//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`"""


def without_comments(text: str) -> str:
    """The text without comments; what looks like one inside a string stays."""
    return re.sub(_COMMENT_OR_TEXT, lambda m: " " if m[0].startswith(("//", "/*")) else m[0], text)


_OPEN = {"[": "]", "{": "}", "(": ")"}


def after(text: str, key: str) -> str | None:
    """The expression after `key:`, up to the comma or bracket that ends it; None where the key does not occur."""
    match = re.search(rf"""(?<![\w$.])["']?{re.escape(key)}["']?\s*:""", text)
    return _expression(text, match.end()) if match else None


def _expression(text: str, start: int) -> str:
    depth, at = 0, start
    while at < len(text):
        literal = re.compile(_COMMENT_OR_TEXT).match(text, at)
        if literal:
            at = literal.end()
            continue
        char = text[at]
        if char in "[{(":
            depth += 1
        elif char in "]})":
            if not depth:
                break
            depth -= 1
        elif char == "," and not depth:
            break
        at += 1
    return text[start:at].strip()


def string(text: str, key: str) -> str | None:
    """The string after `key:`; None where it is absent or computed."""
    found = after(text, key)
    return _string(found) if found is not None else None


def _string(expression: str) -> str | None:
    match = re.fullmatch(r"""(["'`])((?:(?!\1).)*)\1""", expression)
    return match[2] if match and "${" not in match[2] else None


@dataclass(frozen=True, slots=True)
class Reporter:
    """One reporter of a configuration: its name, and its own options as text."""

    name: str
    options: str = ""


def reporters(text: str, key: str) -> tuple[tuple[Reporter, ...], bool]:
    """The reporters after `key:`, and whether every one of them was understood (a computed list is not)."""
    expression = after(text, key)
    if expression is None:
        return (), True
    single = _string(expression)
    if single is not None:
        return (Reporter(single),), True
    if not (expression.startswith("[") and expression.endswith("]")):
        return (), False
    found = [_reporter(item) for item in items(expression)]
    return tuple(r for r in found if r), all(found)


def member(literal: str, key: str) -> str | None:
    """The expression after `key:` of an object literal itself, not of what it contains; None: no such key."""
    for item in items(literal):
        match = re.match(rf"""["']?{re.escape(key)}["']?\s*:\s*""", item)
        if match:
            return item[match.end() :].strip()
    return None


def items(array: str) -> list[str]:
    """The elements of an array literal, or the members of an object literal, as text."""
    found, at = [], 1
    while at < len(array) - 1:
        element = _expression(array[:-1], at)
        at += len(array[at:-1]) - len(array[at:-1].lstrip()) + len(element) + 1
        while at < len(array) - 1 and array[at - 1] != "," and array[at - 1].isspace():
            at += 1
        if element:
            found.append(element)
    return found


def _reporter(element: str) -> Reporter | None:
    name = _string(element)
    if name is not None:
        return Reporter(name)
    if not element.startswith("["):
        return None
    parts = items(element)
    name = _string(parts[0]) if parts else None
    return Reporter(name, parts[1] if len(parts) > 1 else "") if name is not None else None
