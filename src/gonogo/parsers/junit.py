"""JUnit XML, as hundreds of test runners write it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from gonogo.families import TESTS
from gonogo.model.observation import Reading
from gonogo.parsers import _safe_xml as safe_xml
from gonogo.parsers._gather import Tests, Unreadable
from gonogo.parsers._place import relative
from gonogo.plugins import parser

_RETRIED = frozenset({"flakyFailure", "flakyError"})
_NEVER_MEANT = frozenset({"notrun", "disabled", "ignored"})
_LONGEST_TEXT = 4000


def _sniff(head: bytes) -> bool:
    return b"<testsuite" in head and head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


@dataclass(slots=True)
class _Case:
    """The test case that is being read."""

    attributes: dict[str, str]
    outcome: str = "passed"
    message: str = ""
    retried: bool = False


@dataclass(slots=True)
class _Suite:
    """A suite that is open, with what its own attributes claim."""

    attributes: dict[str, str]
    failed_before: int
    errored_before: int


@dataclass(slots=True)
class _JUnit:
    """The state of the reading: which elements are open, and the counts so far."""

    params: Mapping[str, Any]
    tests: Tests = field(default_factory=Tests)
    suites: list[_Suite] = field(default_factory=list)
    case: _Case | None = None
    inside: str = ""
    text: list[str] = field(default_factory=list)
    length: int = 0
    root: str = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.root = self.root or name
        if name == "testsuite":
            self.suites.append(_Suite(attributes, self.tests.failed, self.tests.errored))
        elif name == "testcase":
            self.case = _Case(attributes)
            if attributes.get("status", "").lower() in _NEVER_MEANT:
                self.case.outcome = "skipped"
        elif name in {"failure", "error", "skipped"} or name in _RETRIED:
            self._child(name, attributes)

    def _child(self, name: str, attributes: dict[str, str]) -> None:
        self.inside, self.text, self.length = name, [], 0
        if self.case is None:
            if name == "error":
                self._suite_error(attributes)
            return
        if name in _RETRIED:
            self.case.retried = True
            return
        outcome = {"failure": "failed", "error": "errored", "skipped": "skipped"}[name]
        if _WORST.index(outcome) < _WORST.index(self.case.outcome):
            self.case.outcome = outcome
            self.case.message = attributes.get("message", "")

    def _suite_error(self, attributes: dict[str, str]) -> None:
        suite = self.suites[-1].attributes.get("name", "") if self.suites else ""
        self.tests.errored += 1
        self.tests.finding("errored", suite or "suite", attributes.get("message", "the suite could not be run"))

    def end(self, name: str) -> None:
        if name == self.inside:
            if self.case is not None and not self.case.message and name in {"failure", "error"}:
                self.case.message = "".join(self.text)
            self.inside = ""
        elif name == "testcase" and self.case is not None:
            self._count(self.case)
            self.case = None
        elif name == "testsuite":
            self._claims(self.suites.pop())

    def characters(self, data: str) -> None:
        if self.inside and self.length < _LONGEST_TEXT:
            self.text.append(data[: _LONGEST_TEXT - self.length])
            self.length += len(data)

    def _count(self, case: _Case) -> None:
        tests = self.tests
        outcome = case.outcome
        setattr(tests, outcome, getattr(tests, outcome) + 1)
        flaky = case.retried and outcome == "passed"
        tests.flaky += flaky
        if outcome in {"failed", "errored"} or flaky:
            attributes = case.attributes
            suite = self.suites[-1].attributes if self.suites else {}
            path = relative(attributes.get("file") or suite.get("file", ""), self.params)
            identity = "::".join(part for part in (attributes.get("classname", ""), attributes.get("name", "")) if part)
            line = attributes.get("line", "")
            tests.finding(
                "flaky" if flaky else outcome,
                identity or "test",
                case.message or "no message",
                path=path,
                line=int(line) if line.isdigit() else 0,
            )

    def _claims(self, suite: _Suite) -> None:
        """A suite that claims more failures than its cases show is believed: some writers list passed cases only."""
        for attribute, counted, before in (
            ("failures", "failed", suite.failed_before),
            ("errors", "errored", suite.errored_before),
        ):
            claimed = suite.attributes.get(attribute, "")
            more = (int(claimed) if claimed.isdigit() else 0) - (getattr(self.tests, counted) - before)
            if more > 0 and self._shown_elsewhere(suite, attribute) < more:
                setattr(self.tests, counted, getattr(self.tests, counted) + more)
                name = suite.attributes.get("name", "suite")
                self.tests.finding(
                    counted, name, f"the suite counts {claimed} {attribute}, {more} of them without a case"
                )

    def _shown_elsewhere(self, suite: _Suite, attribute: str) -> int:
        """Writers disagree on whether a broken case is a failure or an error; one shown as the other is shown."""
        other, before = (
            ("errored", suite.errored_before) if attribute == "failures" else ("failed", suite.failed_before)
        )
        claimed = suite.attributes.get("errors" if attribute == "failures" else "failures", "")
        return int(getattr(self.tests, other)) - before - (int(claimed) if claimed.isdigit() else 0)


_WORST = ("failed", "errored", "skipped", "passed")


@parser("junit", yields=TESTS.types, media_type="application/xml", sniff=_sniff)
def junit(stream: BinaryIO, params: Mapping[str, Any]) -> Reading:
    """JUnit XML: counts and findings of a test run, read as a stream, in constant memory.

    Reads `testsuite(s)`, `testcase` and in it `failure`, `error`, `skipped`; Surefire's `flakyFailure` and
    `flakyError`; `status="notrun"`. Traps: a suite may claim failures that it lists no case for (they are believed);
    the format cannot say that a run was stopped early, nor that a file could not be loaded, unless its writer makes a
    case of it; entity declarations are refused.

    Source: the Jenkins schema, Surefire's and pytest's writers, and runs of pytest, Vitest and Playwright.
    """
    state = _JUnit(params)
    safe_xml.read(stream, state.start, state.end, state.characters)
    if state.root not in {"testsuites", "testsuite"}:
        raise Unreadable(f"its root is `{state.root}`, not `testsuites`")
    reading = state.tests.reading()
    if not params.get("stops_early") or not state.tests.failed + state.tests.errored:
        return reading
    untold = {"tests.not_run", "tests.total"}
    told = tuple(o for o in reading.observations if o.name not in untold)
    note = "the run stops at a failure; JUnit XML does not tell how many tests never ran"
    return replace(reading, observations=told, notes=(*reading.notes, note))
