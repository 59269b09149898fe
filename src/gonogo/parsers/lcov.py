"""LCOV trace files (`lcov.info`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from gonogo.families import COVERAGE
from gonogo.model.observation import Reading, Value
from gonogo.parsers._gather import Unreadable, observations, silent, unknown
from gonogo.parsers.istanbul import part_of, scope
from gonogo.plugins import parser

_COUNTS = {b"LF": ("lines", 1), b"LH": ("lines", 0), b"FNF": ("functions", 1), b"FNH": ("functions", 0)}
_COUNTS |= {b"BRF": ("branches", 1), b"BRH": ("branches", 0)}


def _sniff(head: bytes) -> bool:
    return head.startswith((b"TN:", b"SF:")) and b"\nDA:" in head


@parser("lcov", yields=COVERAGE.types, media_type="text/plain", sniff=_sniff)
def lcov(stream: BinaryIO, params: Mapping[str, Any]) -> Reading:  # noqa: ARG001 - the seam gives both
    """LCOV: lines, functions and branches covered, from the summary of each file, else from its `DA` lines.

    Traps: a file that ends within a record was cut; a source file may have several records (one a test), which are
    added up; statements are unknown to the format.

    Source: geninfo(1).
    """
    sums = {part: [0, 0] for part in ("lines", "functions", "branches")}
    files: set[bytes] = set()
    record: dict[str, list[int]] | None = None
    data = [0, 0]
    for raw in stream:
        key, _, value = raw.strip().partition(b":")
        if key == b"SF":
            files.add(value)
            record, data = {}, [0, 0]
        elif key == b"end_of_record" and record is not None:
            record.setdefault("lines", data)
            for part, pair in record.items():
                sums[part] = [sums[part][0] + pair[0], sums[part][1] + pair[1]]
            record = None
        elif record is not None and key in _COUNTS and value.isdigit():
            part, at = _COUNTS[key]
            record.setdefault(part, [0, 0])[at] = int(value)
        elif record is not None and key == b"DA":
            data = [data[0] + (value.split(b",")[1:2] not in ([b"0"], [])), data[1] + 1]
    if record is not None or not files:
        raise Unreadable("it ends within a record" if record is not None else "it names no source file")
    return _reading(sums, len(files))


def _reading(sums: dict[str, list[int]], files: int) -> Reading:
    values: dict[str, Value | None] = {}
    for part, (covered, total) in sums.items():
        values |= part_of(part, covered, total)
    if not sums["lines"][1]:
        return silent(unknown("no-coverage", f"coverage was measured over {files} files and no line"))
    return Reading(observations({**values, "coverage.files": files}), notes=(scope(files, sums["lines"][1]),))
