"""Gates, captures and plans that the tests of judging share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from gonogo.judge import judge
from gonogo.model.checklist import Call, Criterion, Gate
from gonogo.model.observation import Captured, Finding, Trouble, Value
from gonogo.model.outcome import Outcome
from gonogo.model.plan import Node, PhaseTitle, Plan, Subject
from gonogo.model.verdict import Verdict, Waiver
from tests.criterion.observed import TYPES, reading

TODAY = date(2026, 11, 22)


def gate(*criteria: str | Criterion, calls: Sequence[str] = (), **more: Any) -> Gate:
    """A gate with these criteria; `calls` are the command lines, with ids 1, 2, 3."""
    asked = tuple(c if isinstance(c, Criterion) else Criterion(c) for c in criteria)
    commands = tuple(Call(str(n), "command", {"run": line}, line) for n, line in enumerate(calls, 1))
    return Gate(
        **{"id": "lint", "title": "Lint", "phase": "1", "owners": ("Backend",), **more}, criteria=asked, calls=commands
    )


def captured(
    call: str,
    values: Mapping[str, Value] | None = None,
    *,
    shown: str = "",
    speaks: Sequence[str] = (),
    findings: Sequence[Finding] = (),
    troubles: Sequence[Trouble] = (),
    notes: Sequence[str] = (),
    unexplained: str = "",
) -> Captured:
    """What one call brought back."""
    found = reading(values, findings=tuple(findings), troubles=tuple(troubles), notes=tuple(notes))
    return Captured(call, shown or f"command {call}", found, tuple(speaks), unexplained)


def judged(asked: Gate, *on: Captured, waivers: Sequence[Waiver] = (), **more: Any) -> Verdict:
    """The verdict, as of today."""
    return judge(asked, on, (), **{"as_of": TODAY, "types": TYPES, "waivers": waivers, **more})


def outcomes(verdict: Verdict) -> list[str]:
    """The outcome of each judgement, in their order."""
    return [j.outcome.value for j in verdict.judgements]


def plan(*gates: Gate | Node, subject: Subject | None = None, **more: Any) -> Plan:
    """A plan of these gates on a clean commit."""
    return Plan(
        **{
            "digest": "d",
            "checklist_digest": "c",
            "title": "Staging",
            "source": "gonogo.yaml",
            "subject": subject or Subject("a" * 40, "main"),
            "target": "staging",
            "phases": (PhaseTitle("1", "Pre-flight"),),
            "nodes": tuple(g if isinstance(g, Node) else Node(g) for g in gates),
            **more,
        }
    )


ERROR = Trouble(Outcome.ERROR, "timeout", "timed out after 900 s", "raise the gate's `timeout`")
STALE = Trouble(Outcome.STALE, "stale-report", "`report.xml` was there before and was not written anew")
EMPTY = Trouble(Outcome.UNKNOWN, "empty-report", "the report is empty")
CHANGED = Trouble(Outcome.FAIL, "changed-files", "the check changed `src/a.ts`")
