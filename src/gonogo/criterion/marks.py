"""What is asked of printed text: `output.marked("Backend")`."""

from __future__ import annotations

import re
from functools import lru_cache

TICK, CROSS = "✅", "❌"

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")


@lru_cache(maxsize=8)
def _lines(text: str) -> tuple[str, ...]:
    """The marked lines without colours; a carriage return ends a line too, so that nothing is overwritten unseen."""
    marked = (line for line in re.split(r"[\r\n]+", text) if TICK in line or CROSS in line)
    return tuple(_ANSI.sub("", line) for line in marked)


def marked(text: str, name: str) -> bool | None:
    """Whether the text marks `name` with a tick: true, false (a cross), or None where no line says either.

    A line counts where it carries the name as a whole word, whatever its case, and a mark. One cross beats every
    tick. A line that names it without a mark says nothing (`checklist/reading.md`: "X ✅").
    """
    word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
    naming = [line for line in _lines(text) if word.search(line)]
    if not naming:
        return None
    return not any(CROSS in line for line in naming)
