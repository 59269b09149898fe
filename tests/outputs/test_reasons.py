from __future__ import annotations

from dataclasses import replace

from gonogo.judge import decide
from gonogo.model.outcome import DecisionWord, Outcome
from gonogo.model.run import RunState, RunView
from gonogo.outputs.reasons import holding, remarks
from tests.outputs.pages import people_view
from tests.outputs.runs import gate, green, mixed, red, run, seen


def decided(view: RunView, holds: tuple[str, ...] = ()) -> RunView:
    """The view with the decision that the judge really makes."""
    verdicts = {one.gate.id: one.verdict for one in view.gates}
    decision = decide(
        view.plan,
        verdicts,
        waivers=view.waivers,
        as_of=view.ended,
        sign_offs=view.sign_offs,
        notes=view.notes,
        holds=holds,
    )
    return replace(view, decision=decision)


def told(view: RunView) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(tuple(gate.gate.id for gate in account.gates), account.sentences) for account in holding(view)]


def test_each_gate_once_the_worst_first_and_those_never_reached_together() -> None:
    found = told(decided(mixed()))
    assert [gates for gates, _ in found][:1] == [("formatting-linting",)]
    assert found[-1] == (("deploy-app", "smoke-endpoints"), ("phase 1 is not green",))
    assert len(found) == 6
    assert not any("branch-hygiene" in gates or "load-test" in gates for gates, _ in found)


def test_what_a_person_refused_stands_beside_the_gate() -> None:
    found = dict(told(decided(people_view())))
    assert found[("coverage",)] == (
        "lines coverage 57.85 %, needs >= 65 %, short by 7.15 points: 45 lines",
        "ben (Backend) says no-go: coverage is short",
    )


def test_waivers_and_words_for_go_hold_nothing_and_have_places_of_their_own() -> None:
    view = decided(people_view())
    assert ("security",) not in dict(told(view))
    assert remarks(view) == []


def test_the_run_itself_can_hold_it() -> None:
    view = decided(run(green(gate("A"))), holds=("the time budget of 60 s is spent",))
    assert view.decision is not None
    assert view.decision.word is DecisionWord.HOLD
    assert told(view) == [((), ("the time budget of 60 s is spent",))]


def test_a_go_holds_nothing() -> None:
    view = decided(run(green(gate("A")), red(gate("B", optional=True)), notes=("a note",)))
    assert view.decision is not None
    assert view.decision.word is DecisionWord.GO
    assert told(view) == []
    assert [account.gates[0].gate.id for account in remarks(view)] == ["b"]


def test_a_run_without_a_decision_tells_what_is_red_so_far() -> None:
    view = run(green(gate("A")), red(gate("B")), seen(gate("C"), Outcome.NOT_RUN, "not reached yet"), decision=None)
    assert [gates for gates, _ in told(replace(view, state=RunState.RUNNING))] == [("b",)]
