"""Istanbul's coverage-summary.json, as Vitest, Jest and nyc write it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from gonogo.families import COVERAGE
from gonogo.model.observation import Reading, Value
from gonogo.parsers._gather import Unreadable, load_object, number, observations, silent, unknown
from gonogo.plugins import parser

_PARTS = ("lines", "statements", "functions", "branches")


def _sniff(head: bytes) -> bool:
    return b'"total"' in head and b'"covered"' in head and b'"pct"' in head and b'"statements"' in head


@parser("istanbul", yields=COVERAGE.types, media_type="application/json", sniff=_sniff)
def istanbul(stream: BinaryIO, params: Mapping[str, Any]) -> Reading:  # noqa: ARG001 - the seam gives both
    """coverage-summary.json: covered and total of lines, statements, functions and branches, over all files in scope.

    The percentage is computed from covered and total, not taken. Traps: `pct` may be the text "Unknown", and a total of
    0 has a `pct` of 100: both are absent here; the summary says nothing of files that were never in scope, so its
    scope is shown; Vitest writes none when a test fails, so that an older one may still lie there.

    Source: istanbul-reports' json-summary, and runs of Vitest 3.2 and Jest 29.
    """
    data = load_object(stream)
    total = data.get("total")
    if not isinstance(total, dict):
        raise Unreadable("it has no `total`")
    values: dict[str, Value | None] = {}
    for part in _PARTS:
        figures = total.get(part)
        if isinstance(figures, dict) and figures.get("pct") != "Unknown":
            values |= part_of(part, number(figures.get("covered")), number(figures.get("total")))
    files = len(data) - 1
    lines = values.get("coverage.lines.total")
    if not isinstance(lines, int):
        return silent(unknown("no-coverage", f"coverage was measured over {files} files and no line"))
    return Reading(observations({**values, "coverage.files": files}), notes=(scope(files, lines),))


def part_of(part: str, covered: int, total: int) -> dict[str, Value | None]:
    """Covered, total and percentage of lines or the like; empty where nothing is in scope."""
    if covered > total:
        raise Unreadable(f"{covered} of {total} {part} covered")
    if not total:
        return {}
    name = f"coverage.{part}"
    return {f"{name}.pct": 100 * covered / total, f"{name}.covered": covered, f"{name}.total": total}


def scope(files: int, lines: int) -> str:
    """The note that stands beside every coverage figure."""
    return f"coverage scope: {files:,} {'file' if files == 1 else 'files'}, {lines:,} lines"
