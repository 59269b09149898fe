"""The events of `go test -json`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from gonogo.families import TESTS
from gonogo.model.observation import Reading
from gonogo.parsers._gather import Tests, Unreadable
from gonogo.plugins import parser

_PLACE = re.compile(r"^\s*(?P<file>[\w./-]+\.go):(?P<line>\d+):")
_MOST_OUTPUT = 40


def _sniff(head: bytes) -> bool:
    first = head.lstrip()[:4096]
    return first.startswith(b"{") and b'"Action"' in first and (b'"Package"' in first or b'"ImportPath"' in first)


@dataclass(slots=True)
class _Events:
    tests: Tests = field(default_factory=Tests)
    open: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """Tests that have started and not ended, with what they printed."""
    packages: dict[str, list[str]] = field(default_factory=dict)
    """Packages that have started and not ended, with what they printed outside tests."""
    failed_in: set[str] = field(default_factory=set)
    cached: int = 0

    def take(self, event: Mapping[str, Any]) -> None:
        action, package, test = event.get("Action"), str(event.get("Package", "")), str(event.get("Test", ""))
        if action == "run":
            self.open[package, test] = []
        elif action in {"start", "output", "build-output"}:
            self._said(action, package, test, str(event.get("Output", "")))
        elif action in {"pass", "fail", "skip"}:
            self._test(action, package, test) if test else self._package(action, package, event)

    def _said(self, action: str, package: str, test: str, output: str) -> None:
        if action == "start":
            self.packages[package] = []
            return
        kept = self.open.get((package, test)) if test else self.packages.get(package)
        if kept is not None and len(kept) < _MOST_OUTPUT:
            kept.append(output)
        self.cached += not test and output.startswith("ok ") and "(cached)" in output

    def _test(self, action: str, package: str, test: str) -> None:
        said = self.open.pop((package, test), [])
        outcome = {"pass": "passed", "fail": "failed", "skip": "skipped"}[action]
        setattr(self.tests, outcome, getattr(self.tests, outcome) + 1)
        if action == "fail":
            self.failed_in.add(package)
            text = "".join(line for line in said if not line.lstrip().startswith(("===", "---"))) or "no message"
            place = _PLACE.match(text)
            path = f"{package.rpartition('/')[2]}/{place['file']}" if place else ""
            self.tests.finding("failed", f"{package}.{test}", text, path=path, line=int(place["line"]) if place else 0)

    def _package(self, action: str, package: str, event: Mapping[str, Any]) -> None:
        said = self.packages.pop(package, [])
        if action == "fail" and (package not in self.failed_in or event.get("FailedBuild")):
            self.tests.errored += 1
            self.tests.finding("errored", package, "".join(said) or "the package failed outside its tests")


@parser("go_test_json", yields=TESTS.types, media_type="application/x-ndjson", sniff=_sniff)
def go_test_json(stream: BinaryIO, params: Mapping[str, Any]) -> Reading:  # noqa: ARG001 - the seam gives both
    """Events of `go test -json`: each test and subtest by its last event.

    Traps: a package that does not build fails without a test (`tests.errored`); a package without test files is
    skipped and counts nothing; a test that started and never ended was cut off (`tests.not_run`); results from the
    cache are noted. A test with subtests counts beside them, as Go counts it.

    Source: `go doc test2json`, and runs of Go 1.26.
    """
    events, lines = _Events(), 0
    for raw in stream:
        if not raw.strip():
            continue
        try:
            event = json.loads(raw)
        except ValueError as error:
            if raw.lstrip().startswith(b"{"):
                raise Unreadable(f"line {lines + 1} is no JSON: {error}") from error
            continue
        if isinstance(event, dict) and "Action" in event:
            lines += 1
            events.take(event)
    if not lines:
        raise Unreadable("it holds no event")
    events.tests.not_run += len(events.open)
    if events.packages:
        raise Unreadable(f"it ends before {len(events.packages)} packages did")
    if events.cached:
        events.tests.notes.append(f"results of {events.cached} packages come from Go's cache")
    return events.tests.reading()
