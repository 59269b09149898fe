"""Cobertura XML, as coverage.py, gcovr, Jest and many more write it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from gonogo.families import COVERAGE
from gonogo.model.observation import Reading, Value
from gonogo.parsers import _safe_xml as safe_xml
from gonogo.parsers._gather import Unreadable, observations, silent, unknown
from gonogo.parsers.istanbul import part_of, scope
from gonogo.plugins import parser


def _sniff(head: bytes) -> bool:
    return b"<coverage" in head and (b"line-rate" in head or b"lines-valid" in head)


class _Counts:
    def __init__(self) -> None:
        self.root = ""
        self.claims: dict[str, str] = {}
        self.files: set[str] = set()
        self.total = self.covered = 0
        self._methods = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self.root:
            self.root, self.claims = name, attributes
        elif name == "class":
            self.files.add(attributes.get("filename", ""))
        elif name == "methods":
            self._methods += 1
        elif name == "line" and not self._methods:
            self.total += 1
            self.covered += attributes.get("hits", "0") not in {"0", ""}

    def end(self, name: str) -> None:
        self._methods -= name == "methods"

    def claimed(self, part: str) -> tuple[int, int] | None:
        """Covered and valid as the root says; None where it does not."""
        pair = (self.claims.get(f"{part}-covered", ""), self.claims.get(f"{part}-valid", ""))
        return (int(pair[0]), int(pair[1])) if pair[0].isdigit() and pair[1].isdigit() else None


@parser("cobertura", yields=COVERAGE.types, media_type="application/xml", sniff=_sniff)
def cobertura(stream: BinaryIO, params: Mapping[str, Any]) -> Reading:  # noqa: ARG001 - the seam gives both
    """Cobertura XML: lines and branches covered, from the root's counts, else from the lines themselves.

    Traps: `line-rate` alone is rounded and not used; lines appear a second time below `methods` and are counted once;
    a root that claims no valid line measured nothing.

    Source: cobertura's coverage-04.dtd; coverage.py's xmlreport.
    """
    counts = _Counts()
    safe_xml.read(stream, counts.start, counts.end)
    if counts.root != "coverage":
        raise Unreadable(f"its root is `{counts.root}`, not `coverage`")
    covered, total = counts.claimed("lines") or (counts.covered, counts.total)
    if not total:
        return silent(unknown("no-coverage", "coverage was measured over no line"))
    values: dict[str, Value | None] = {
        **part_of("lines", covered, total),
        **part_of("branches", *(counts.claimed("branches") or (0, 0))),
    }
    files = len(counts.files)
    return Reading(observations({**values, "coverage.files": files}), notes=(scope(files, total),))
