from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gonogo.errors import InputError
from gonogo.ledger import Ledger
from gonogo.ledger.view import find_run, fold, view
from gonogo.model.checklist import Call, Criterion, Effect, Gate
from gonogo.model.outcome import DecisionWord, Outcome, State
from gonogo.model.plan import Node, PhaseTitle, Plan, Subject
from gonogo.model.run import RunState
from gonogo.model.verdict import Decision, Reason, Verdict

GATES = tuple(
    Gate(
        id=name,
        title=name,
        phase="1",
        calls=(Call("1", "command", {"run": "true"}),),
        criteria=(Criterion("exit == 0"),),
    )
    for name in ("look", "act", "extra", "other")
)
PLAN = Plan(
    digest="d",
    checklist_digest="c",
    title="t",
    source="READINESS.md",
    subject=Subject("0" * 40),
    target="staging",
    phases=(PhaseTitle("1", "one"),),
    nodes=(
        Node(GATES[0], effects={"1": Effect.READ}),
        Node(GATES[1], effects={"1": Effect.WRITE}),
        Node(GATES[2], left_out="optional, not selected"),
        Node(GATES[3], not_applicable="no such thing here"),
    ),
)
STARTED = {"plan": PLAN, "evidence": "/e", "holder": {"pid": 1}, "settings": {}}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger.db")
    opened.take("r1")
    yield opened
    opened.close()


def begin(ledger: Ledger, gate: str, *, acts: bool, attempt: int = 1) -> None:
    data = {"attempt": attempt, "acts": acts, "aside": [["a", "/k/a"]], "root": "/r"}
    ledger.append("r1", "attempt-started", data, gate=gate)


def states(run_view: object) -> dict[str, tuple[str, str, str]]:
    return {g.gate.id: (g.outcome.value, g.verdict.state.value, g.verdict.reason) for g in run_view.gates}  # type: ignore[attr-defined]


def test_a_run_at_work(ledger: Ledger) -> None:
    ledger.append("r1", "run-started", STARTED)
    begin(ledger, "look", acts=False)
    seen = view(ledger, "r1")
    assert (seen.state, seen.decision, seen.plan, seen.evidence_directory) == (RunState.RUNNING, None, PLAN, "/e")
    assert states(seen) == {
        "look": ("NOT_RUN", "running", "still running"),
        "act": ("NOT_RUN", "pending", "not reached yet"),
        "extra": ("NOT_RUN", "done", "optional, not selected"),
        "other": ("NOT_APPLICABLE", "done", "no such thing here"),
    }


def test_a_run_whose_process_is_gone(ledger: Ledger) -> None:
    ledger.append("r1", "run-started", STARTED)
    begin(ledger, "look", acts=False)
    begin(ledger, "act", acts=True)
    ledger.give_back()
    seen = view(ledger, "r1")
    assert seen.state is RunState.INTERRUPTED
    assert states(seen)["look"] == ("NOT_RUN", "pending", "cut off; `gonogo run --resume` tries it again")
    assert states(seen)["act"] == ("UNKNOWN", "interrupted", "an act was cut off: what it did is not known")


def test_a_finished_run(ledger: Ledger) -> None:
    decision = Decision(DecisionWord.HOLD, (Reason("act", "why"),), "2026-11-22T00:00:00Z")
    verdict = Verdict("look", "1", Outcome.PASS, started="2026-11-22T00:00:00Z", seconds=1.5)
    ledger.append("r1", "run-started", STARTED)
    begin(ledger, "look", acts=False)
    ledger.append("r1", "verdict", {"verdict": verdict}, gate="look")
    ledger.append("r1", "note", {"text": "a remark"})
    ledger.append("r1", "run-finished", {"decision": decision, "exit_code": 3})
    seen = view(ledger)
    assert (seen.state, seen.decision, seen.exit_code, seen.notes) == (RunState.FINISHED, decision, 3, ("a remark",))
    assert seen.gates[0].verdict == verdict
    assert seen.ended >= seen.started


def test_attempts_and_reds_are_folded(ledger: Ledger) -> None:
    ledger.append("r1", "run-started", STARTED)
    begin(ledger, "look", acts=False)
    ledger.append("r1", "attempt-ended", {"attempt": 1, "outcome": "FAIL"}, gate="look")
    begin(ledger, "look", acts=False, attempt=2)
    folded = fold(ledger.events("r1"), "r1")
    assert (folded.attempts, folded.reds) == ({"look": 2}, {"look": Outcome.FAIL})
    assert folded.begun["look"].aside == (("a", "/k/a"),)
    assert folded.view(alive=True).gates[0].verdict.state is State.RUNNING


def test_a_run_is_found_by_its_beginning(ledger: Ledger) -> None:
    for run in ("20261122T000000Z-aaaaaa", "20261123T000000Z-bbbbbb"):
        ledger.append(run, "run-started", STARTED)
    assert find_run(ledger) == "20261123T000000Z-bbbbbb"
    assert find_run(ledger, "20261122") == "20261122T000000Z-aaaaaa"
    with pytest.raises(InputError, match="several runs begin so"):
        find_run(ledger, "2026")
    with pytest.raises(InputError, match="no run is called so"):
        find_run(ledger, "2027")
