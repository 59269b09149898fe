"""`docs/failures.md` names, for each numbered scenario, the tests that play it; this compares it with the tests."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "failures.md"
SCENARIOS = 84


def by_number() -> dict[int, set[str]]:
    """Scenario -> its tests, as `path::name`."""
    found: dict[int, set[str]] = defaultdict(set)
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            numbers = re.match(r"test_((?:s\d+_)+)", node.name)
            for number in re.findall(r"\d+", numbers[1]) if numbers else ():
                found[int(number)].add(f"{path.relative_to(TESTS).as_posix()}::{node.name}")
    return found


def rows() -> dict[int, str]:
    """Scenario -> its row of the page."""
    found = re.findall(r"^\| S(\d+) \|(.*)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {int(number): rest for number, rest in found}


def test_every_scenario_has_a_test() -> None:
    assert sorted(set(range(1, SCENARIOS + 1)) - set(by_number())) == []


def test_the_page_names_one_of_its_tests_for_every_scenario() -> None:
    tests, page = by_number(), rows()
    assert sorted(page) == list(range(1, SCENARIOS + 1))
    for number, row in page.items():
        named = set(re.findall(r"`([\w/.]+::\w+)`", row))
        assert named, f"S{number} names no test"
        assert named <= tests[number], f"S{number} names a test that is not there: {sorted(named - tests[number])}"
