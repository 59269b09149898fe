"""Runs built by hand, for tests of what is shown."""

from __future__ import annotations

from dataclasses import replace

from gonogo.model.capture import Blob, Capture
from gonogo.model.checklist import Call, Criterion, Gate
from gonogo.model.observation import Finding, Trouble
from gonogo.model.outcome import DecisionWord, Outcome, State
from gonogo.model.plan import Node, PhaseTitle, Plan, Subject
from gonogo.model.run import GateView, RunState, RunView
from gonogo.model.verdict import Decision, Judgement, Reason, Verdict

SHA = "0123456789abcdef" * 4
COMMIT = "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334"


def gate(title: str, phase: str = "1", **fields: object) -> Gate:
    identity = title.lower().replace(" & ", "-").replace(" ", "-")
    base = Gate(
        id=identity,
        title=title,
        phase=phase,
        owners=("Backend",),
        calls=(Call("1", "command", {"run": f"npm run {identity}"}, text=f"npm run {identity}"),),
        criteria=(Criterion("exit == 0"),),
    )
    return replace(base, **fields)  # type: ignore[arg-type]


def capture(shown: str = "npm run lint", size: int = 40) -> Capture:
    return Capture(
        "command",
        shown,
        blobs=(
            Blob("stdout", SHA, size, size, "text/plain"),
            Blob("stderr", SHA[::-1], 0, 0, "text/plain"),
            Blob("report/eslint.json", "f" * 64, 900, 900, "application/json", path="reports/eslint.json"),
        ),
        exit=1,
        started="2026-11-22T10:00:00.000000Z",
        seconds=8.1,
    )


def green(of: Gate, seconds: float = 0.4, **fields: object) -> GateView:
    verdict = Verdict(
        of.id,
        of.phase,
        Outcome.PASS,
        judgements=(Judgement("exit == 0", Outcome.PASS, call="1", value="0", bound="== 0"),),
        captures=(capture(),),
        started="2026-11-22T10:00:00.000000Z",
        seconds=seconds,
    )
    return GateView(of, replace(verdict, **fields))  # type: ignore[arg-type]


def red(of: Gate, **fields: object) -> GateView:
    verdict = Verdict(
        of.id,
        of.phase,
        Outcome.FAIL,
        judgements=(
            Judgement("lint.files > 0", Outcome.PASS, value="20", bound="> 0", margin=20),
            Judgement(
                "lint.errors == 0",
                Outcome.FAIL,
                call="1",
                shown="npm run lint",
                value="3",
                bound="== 0",
                margin=-3,
                distance="lint errors 3, needs 0: 3 too many",
            ),
        ),
        findings=(
            Finding(
                "lint", "no-console:src/app.ts", "error", "Unexpected console statement", "backend/src/app.ts", 12, 7
            ),
            Finding("lint", "eqeqeq:src/app.ts", "error", "Expected '==='", "backend/src/app.ts", 20, 3),
        ),
        findings_total=3,
        captures=(capture(),),
        started="2026-11-22T10:00:01.000000Z",
        seconds=8.1,
    )
    return GateView(of, replace(verdict, **fields))  # type: ignore[arg-type]


def seen(of: Gate, outcome: Outcome, reason: str, **fields: object) -> GateView:
    """A gate that is neither green nor red, with its one reason."""
    told = outcome in {Outcome.NOT_RUN, Outcome.NOT_APPLICABLE}
    verdict = Verdict(
        of.id,
        of.phase,
        outcome,
        troubles=() if told else (Trouble(outcome, "some-trouble", reason, "run it again"),),
        reason=reason if told else "",
        seconds=0.0 if told else 2.0,
    )
    return GateView(of, replace(verdict, **fields))  # type: ignore[arg-type]


def run(*gates: GateView, decision: DecisionWord | None = DecisionWord.NO_GO, **fields: object) -> RunView:
    subject = Subject(COMMIT, "main", remote="git@example.com:o/r.git", pushed=True)
    phases = tuple(PhaseTitle(p, f"Phase {p} title") for p in dict.fromkeys(g.gate.phase for g in gates))
    nodes = tuple(
        Node(g.gate, not_applicable=g.verdict.reason if g.outcome is Outcome.NOT_APPLICABLE else "") for g in gates
    )
    plan = Plan("d" * 64, "c" * 64, "MediaNest readiness", "READINESS.md", subject, "staging", phases, nodes)
    order = [Outcome.FAIL, Outcome.ERROR, Outcome.STALE, Outcome.UNKNOWN, Outcome.NOT_RUN]
    bad = sorted((g for g in gates if g.outcome in order), key=lambda g: order.index(g.outcome))
    reasons = tuple(Reason(g.gate.id, f"{g.gate.title} is {g.outcome}") for g in bad if not g.gate.optional)
    base = RunView(
        "20261122-100000-7f3a",
        plan,
        RunState.FINISHED,
        "2026-11-22T10:00:00.000000Z",
        "2026-11-22T10:00:21.000000Z",
        21.0,
        gates,
        Decision(decision, reasons, "2026-11-22T10:00:21.000000Z") if decision else None,
        1,
        (),
        ".gonogo/state/evidence",
    )
    return replace(base, **fields)  # type: ignore[arg-type]


def mixed() -> RunView:
    """One gate of each outcome, over three phases."""
    return run(
        green(gate("Tooling", "0")),
        seen(
            gate("Branch hygiene", "0"),
            Outcome.NOT_APPLICABLE,
            "this demo has no remote, so no CI answers for its commit",
        ),
        red(gate("Formatting & linting", owners=("Backend", "Frontend", "Shared"))),
        green(gate("Type safety"), 3.9, notes=("2 tests passed on a retry only",), flaky=True, attempts=2),
        seen(gate("Security"), Outcome.UNKNOWN, "npm audit gave an error, not a report: 405 Method Not Allowed"),
        seen(gate("Docs build"), Outcome.ERROR, "missing script: `docs:build`"),
        seen(
            gate("Unit tests"), Outcome.STALE, "`test-results/coverage.json` was there before and was not written anew"
        ),
        seen(
            gate("Secrets set", "4"),
            Outcome.UNKNOWN,
            "",
            troubles=(),
            state=State.WAITING,
            questions=("Are all required vars resolved?",),
        ),
        seen(gate("Deploy app", "5"), Outcome.NOT_RUN, "phase 1 is not green"),
        seen(gate("Smoke endpoints", "5"), Outcome.NOT_RUN, "phase 1 is not green"),
        seen(gate("Load test", "5", optional=True), Outcome.NOT_RUN, "optional, not selected"),
    )
