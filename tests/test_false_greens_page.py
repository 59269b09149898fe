"""`docs/false-greens.md` numbers the false greens; this compares it with the tests of those numbers."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "false-greens.md"
PLACES = ("e2e/test_not_talked_into_green.py", "tools/test_k6.py")


def numbers(place: str) -> list[int]:
    """Of the tests in a file, each once, in order."""
    text = (TESTS / place).read_text(encoding="utf-8")
    return sorted({int(number) for number in re.findall(r"^def test_(\d\d)_", text, re.MULTILINE)})


def test_every_row_has_a_test_and_every_test_a_row() -> None:
    rows = re.findall(r"^\| (\d+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    tested = [number for place in PLACES for number in numbers(place)]
    assert [int(row) for row in rows] == tested == list(range(1, len(rows) + 1))
