"""TAP, the Test Anything Protocol, versions 12 to 14."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, BinaryIO

from gonogo.families import TESTS
from gonogo.model.observation import Reading
from gonogo.parsers._gather import Tests, Unreadable, text_lines
from gonogo.plugins import parser

_PLAN = re.compile(r"^1\.\.(?P<last>\d+)(?:\s*#\s*(?P<why>.*))?$")
_POINT = re.compile(
    r"^(?P<not>not )?ok\b(?:\s+(?P<number>\d+))?(?:\s+-?\s*(?P<text>[^#]*))?(?:#\s*(?P<directive>.*))?$"
)


def _sniff(head: bytes) -> bool:
    return re.match(rb"(?:TAP version 1[34]\r?\n|1\.\.\d+\r?\n(?:not )?ok |(?:not )?ok 1\b)", head) is not None


@parser("tap", yields=TESTS.types, media_type="text/plain", sniff=_sniff)
def tap(stream: BinaryIO, params: Mapping[str, Any]) -> Reading:  # noqa: ARG001 - the seam gives both
    """TAP: top-level test points against the plan; subtests (indented) are told by the point that closes them.

    Traps: fewer points than the plan says means that it stopped early (`tests.not_run`); no plan at all, that it was
    cut: UNKNOWN; `Bail out!` is an error; `not ok # TODO` is no failure, `ok # SKIP` no pass.

    Source: the TAP 14 specification.
    """
    tests, plan, points = Tests(), -1, 0
    for line in text_lines(stream):
        if planned := _PLAN.match(line):
            plan = int(planned["last"])
        elif line.startswith("Bail out!"):
            tests.errored += 1
            tests.finding("errored", "run", line)
        elif point := _POINT.match(line):
            points += 1
            _count(point, points, tests)
    if plan < 0:
        raise Unreadable("it has no plan line (`1..N`), so it may have been cut")
    if points > plan:
        raise Unreadable(f"it plans {plan} tests and lists {points}")
    tests.not_run = plan - points
    return tests.reading()


def _count(point: re.Match[str], number: int, tests: Tests) -> None:
    directive = (point["directive"] or "").upper()
    if directive.startswith(("SKIP", "TODO")):
        tests.skipped += 1
    elif point["not"]:
        tests.failed += 1
        name = (point["text"] or "").strip() or f"test {point['number'] or number}"
        tests.finding("failed", name, name)
    else:
        tests.passed += 1
