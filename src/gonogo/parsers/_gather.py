"""Gathering findings and counts into a reading, the same way for each format."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from gonogo.model.observation import Finding, Observation, Reading, Trouble, Value
from gonogo.model.outcome import Outcome

MOST_FINDINGS = 1000
"""Findings kept; counts are always of all."""

_LONGEST_MESSAGE = 600
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


class Unreadable(Exception):
    """The bytes are not what the format says: broken, cut, or something else altogether."""


def plain(text: object) -> str:
    """One message without colours, of bounded length."""
    clean = _ANSI.sub("", str(text)).strip()
    return clean if len(clean) <= _LONGEST_MESSAGE else clean[:_LONGEST_MESSAGE] + " …"


def text_lines(stream: BinaryIO) -> Iterator[str]:
    """Lines of what a tool prints, without the colours that it puts in where `CI` or `FORCE_COLOR` is set."""
    for raw in stream:
        yield _ANSI.sub("", raw.decode("utf-8", "replace")).rstrip("\r\n")


@dataclass(slots=True)
class Findings:
    """At most `MOST_FINDINGS` findings, and how many there were."""

    kept: list[Finding] = field(default_factory=list)
    seen: int = 0

    def add(self, finding: Finding) -> None:
        """Keep the finding while there is room; errors are worth more than warnings and push them out."""
        self.seen += 1
        if len(self.kept) < MOST_FINDINGS:
            self.kept.append(finding)
        elif finding.severity not in _MILD:
            mild = next((at for at in range(len(self.kept) - 1, -1, -1) if self.kept[at].severity in _MILD), None)
            if mild is not None:
                del self.kept[mild]
                self.kept.append(finding)

    @property
    def notes(self) -> tuple[str, ...]:
        """A word about those that were left out."""
        left = self.seen - len(self.kept)
        return (f"{left:,} more findings are counted but not listed",) if left else ()


_MILD = frozenset({"warning", "info", "low", "flaky"})


def unknown(slug: str, message: str, help: str = "") -> Trouble:  # noqa: A002 - the reader's word for it
    """A trouble that says: could not look."""
    return Trouble(Outcome.UNKNOWN, slug, message, help)


def silent(trouble: Trouble, findings: Findings | None = None, notes: tuple[str, ...] = ()) -> Reading:
    """A reading without observations: whatever asks for them is UNKNOWN."""
    return Reading(findings=tuple(findings.kept) if findings else (), notes=notes, troubles=(trouble,))


def observations(values: Mapping[str, Value | None]) -> tuple[Observation, ...]:
    """The observations that have a value, in order."""
    return tuple(Observation(name, value) for name, value in values.items() if value is not None)


def load_json(stream: BinaryIO) -> Any:
    """The JSON document; raises `Unreadable` for what is empty or none."""
    data = stream.read()
    if not data.strip():
        raise Unreadable("it is empty")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"it is no JSON: {error}") from error


def load_object(stream: BinaryIO) -> dict[str, Any]:
    """The JSON object; raises `Unreadable` for anything else."""
    data = load_json(stream)
    if not isinstance(data, dict):
        raise Unreadable("it is no JSON object")
    return data


def number(value: object) -> int:
    """A count; raises `Unreadable` for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value) or value < 0:
        raise Unreadable(f"`{plain(value)}` is no count")
    return int(value)


def whole(value: object) -> int:
    """A line or column number, 0 where there is none."""
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0 else 0


@dataclass(slots=True)
class Tests:
    """Counts of a test run while it is read."""

    passed: int = 0
    failed: int = 0
    errored: int = 0
    skipped: int = 0
    flaky: int = 0
    not_run: int = 0
    findings: Findings = field(default_factory=Findings)
    notes: list[str] = field(default_factory=list)

    def finding(
        self, severity: str, identity: str, message: str, *, path: str = "", line: int = 0, column: int = 0
    ) -> None:
        """Add a finding of the family `tests`; `identity` is the test's own id."""
        self.findings.add(Finding("tests", identity, severity, plain(message), path, line, column))

    def reading(self) -> Reading:
        """Observations, or, where not one test was executed, the trouble `no-tests` and none of them."""
        notes = [*self.notes, *self.findings.notes]
        if self.skipped and self.passed + self.failed:
            notes.insert(0, f"{self.skipped} {'test' if self.skipped == 1 else 'tests'} skipped")
        if self.flaky:
            notes.insert(0, f"{self.flaky} flaky: failed first, passed on a retry")
        if self.passed + self.failed == 0:
            return silent(unknown("no-tests", self._why(), self._help()), self.findings, tuple(notes))
        values: dict[str, Value | None] = {
            "tests.total": self.passed + self.failed + self.errored + self.skipped + self.not_run,
            "tests.passed": self.passed,
            "tests.failed": self.failed,
            "tests.errored": self.errored,
            "tests.skipped": self.skipped,
            "tests.flaky": self.flaky,
            "tests.not_run": self.not_run,
        }
        return Reading(observations(values), tuple(self.findings.kept), tuple(notes))

    def _why(self) -> str:
        parts = [
            text
            for count, text in (
                (self.skipped, f"{self.skipped} skipped"),
                (self.errored, f"{self.errored} could not be run"),
                (self.not_run, f"{self.not_run} never started"),
            )
            if count
        ]
        return f"no test was executed: {', '.join(parts) or 'none was found'}{self._not_loaded()}"

    def _not_loaded(self) -> str:
        """What could not be loaded, and what was said about it: `; src/a.test.ts: cannot find module "x"`."""
        first = next((finding for finding in self.findings.kept if finding.severity == "errored"), None)
        if not self.errored or first is None:
            return ""
        said = first.message.partition("\n")[0]
        where = first.path or first.id
        return f"; {where}: {said}" if said and where not in said else f"; {said or where}"

    def _help(self) -> str:
        return "mend what keeps it from loading" if self.errored else "look at which tests the command selects"
