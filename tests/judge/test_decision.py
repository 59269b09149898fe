"""GO, NO-GO, HOLD: DESIGN.md, section 3."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonogo.judge import decide
from gonogo.model.checklist import Gate
from gonogo.model.outcome import DecisionWord, Outcome, State
from gonogo.model.plan import Node, Plan, Subject
from gonogo.model.verdict import Decision, Judgement, Verdict
from tests.judge.gates import CHANGED, EMPTY, gate, plan
from tests.judge.test_waivers import waiver

NOW = "2026-11-22T15:00:00Z"
GO, NO_GO, HOLD = DecisionWord.GO, DecisionWord.NO_GO, DecisionWord.HOLD


def named(id_: str, **more: Any) -> Gate:
    return gate("exit == 0", id=id_, **more)


def verdict(id_: str, outcome: Outcome, **more: Any) -> Verdict:
    judgement = Judgement("exit == 0", outcome, distance="exit 2, needs 0" if outcome is Outcome.FAIL else "")
    judgements = () if outcome in {Outcome.NOT_APPLICABLE, Outcome.NOT_RUN} else (judgement,)
    return Verdict(id_, "1", outcome, **{"judgements": judgements, **more})


def decided(made: Plan, *verdicts: Verdict, **more: Any) -> Decision:
    return decide(made, {v.gate: v for v in verdicts}, **{"as_of": NOW, **more})


def texts(decision: Decision) -> list[tuple[str, str]]:
    return [(reason.gate, reason.text) for reason in decision.reasons]


GREEN = verdict("a", Outcome.PASS)


def test_go_needs_every_required_gate_green() -> None:
    decision = decided(plan(named("a"), named("b")), GREEN, verdict("b", Outcome.PASS))
    assert (decision.word, decision.reasons, decision.as_of) == (GO, (), NOW)


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Outcome.PASS, GO),
        (Outcome.FAIL, NO_GO),
        (Outcome.UNKNOWN, HOLD),
        (Outcome.ERROR, HOLD),
        (Outcome.STALE, HOLD),
        (Outcome.NOT_RUN, HOLD),
        (Outcome.NOT_APPLICABLE, HOLD),
    ],
)
def test_each_outcome_of_a_required_gate(outcome: Outcome, word: DecisionWord) -> None:
    decision = decided(plan(named("a"), named("b")), GREEN, verdict("b", outcome))
    assert decision.word is word
    assert all(reason.gate == "b" for reason in decision.reasons)
    assert bool(decision.reasons) is (word is not GO)


def test_not_applicable_counts_only_by_the_checklists_own_condition() -> None:
    lacking = Node(named("b"), not_applicable="no remote")
    decision = decided(plan(named("a"), lacking), GREEN, verdict("b", Outcome.NOT_APPLICABLE, reason="no remote"))
    assert (decision.word, texts(decision)) == (GO, [("b", "not applicable: no remote")])
    assert decided(plan(named("a"), lacking), GREEN).word is GO
    claimed = decided(plan(named("a"), named("b")), GREEN, verdict("b", Outcome.NOT_APPLICABLE, reason="I say so"))
    assert claimed.word is HOLD


def test_a_missing_verdict_holds() -> None:
    decision = decided(plan(named("a"), named("b")), GREEN)
    assert (decision.word, texts(decision)) == (HOLD, [("b", "never reached")])


def test_a_required_gate_that_was_left_out_holds() -> None:
    decision = decided(plan(named("a"), Node(named("b"), left_out="not selected")), GREEN)
    assert (decision.word, texts(decision)) == (HOLD, [("b", "not selected")])


@pytest.mark.parametrize(
    "nodes",
    [
        (),
        (named("b", optional=True),),
        (Node(named("a"), not_applicable="no remote"),),
    ],
)
def test_where_nothing_required_was_judged_it_is_hold(nodes: tuple[Any, ...]) -> None:
    decision = decided(plan(*nodes), verdict("b", Outcome.PASS))
    assert decision.word is HOLD
    assert ("", "no required gate was judged") in texts(decision)


@pytest.mark.parametrize("state", [State.RUNNING, State.WAITING, State.INTERRUPTED, State.PENDING])
def test_a_gate_that_is_not_done_is_not_green(state: State) -> None:
    assert decided(plan(named("a")), replace(GREEN, state=state)).word is HOLD


# --- optional ------------------------------------------------------------------------------------------------


def test_an_optional_gate_that_was_not_selected_does_not_count() -> None:
    made = plan(named("a"), Node(named("b", optional=True), left_out="optional, not selected"))
    assert decided(made, GREEN).word is GO
    assert decided(made, GREEN, verdict("b", Outcome.NOT_RUN)).reasons == ()


def test_an_optional_gate_that_fails_is_told_and_blocks_nothing() -> None:
    decision = decided(plan(named("a"), named("b", optional=True)), GREEN, verdict("b", Outcome.FAIL))
    assert (decision.word, texts(decision)) == (GO, [("b", "optional: exit 2, needs 0")])


# --- waivers -------------------------------------------------------------------------------------------------

WAIVED = Verdict("b", "1", Outcome.FAIL, judgements=(Judgement("lint.warnings == 0", Outcome.FAIL, waived_by=("W1",)),))


def test_a_waived_failure_goes_and_says_who_until_when() -> None:
    decision = decided(plan(named("a"), named("b")), GREEN, WAIVED, waivers=[waiver(criterion="x")])
    said = "waived by Ada for Backend until 2026-11-22 (`W1`): tracked in #7"
    assert (decision.word, texts(decision)) == (GO, [("b", said)])


def test_a_waiver_that_ended_since_the_gate_was_judged_covers_nothing() -> None:
    made = plan(named("a"), named("b"))
    late = decided(made, GREEN, WAIVED, waivers=[waiver(criterion="x")], as_of="2026-11-23T00:00:00Z")
    assert late.word is NO_GO
    assert decided(made, GREEN, WAIVED).word is NO_GO


def test_one_of_two_false_criteria_waived_is_no_go() -> None:
    two = replace(WAIVED, judgements=(*WAIVED.judgements, Judgement("exit == 0", Outcome.FAIL, distance="exit 2")))
    decision = decided(plan(named("a"), named("b")), GREEN, two, waivers=[waiver()])
    assert (decision.word, texts(decision)) == (NO_GO, [("b", "exit 2")])


def test_waived_but_not_wholly_seen_holds() -> None:
    unseen = replace(WAIVED, troubles=(EMPTY,))
    decision = decided(plan(named("a"), named("b")), GREEN, unseen, waivers=[waiver()])
    assert (decision.word, decision.reasons[0].text) == (HOLD, "the report is empty")
    asked = replace(WAIVED, questions=("Is it?",))
    assert decided(plan(named("a"), named("b")), GREEN, asked, waivers=[waiver()]).word is HOLD


def test_changed_files_are_not_waived() -> None:
    changed = replace(WAIVED, troubles=(CHANGED,))
    decision = decided(plan(named("a"), named("b")), GREEN, changed, waivers=[waiver()])
    assert (decision.word, texts(decision)) == (NO_GO, [("b", "the check changed `src/a.ts`")])


# --- the run as a whole --------------------------------------------------------------------------------------


def dirty(count: int) -> Subject:
    return Subject("a" * 40, "main", dirty=tuple(f"f{n}" for n in range(count)))


def test_a_dirty_tree_holds_and_names_its_files() -> None:
    decision = decided(plan(named("a"), subject=dirty(7)), GREEN)
    assert decision.word is HOLD
    assert texts(decision) == [
        ("", "the tree is not the commit: 7 files differ: `f0`, `f1`, `f2`, `f3`, `f4` and 2 more")
    ]
    assert "1 file differs: `f0`" in decided(plan(named("a"), subject=dirty(1)), GREEN).reasons[0].text


def test_an_allowed_dirty_tree_goes_and_is_on_record() -> None:
    decision = decided(plan(named("a"), subject=dirty(1), allow_dirty=True), GREEN)
    assert decision.word is GO
    assert decision.reasons[0].text == "the tree is not the commit: 1 file differs: `f0`; allowed by --allow-dirty"


def test_without_a_commit_there_is_nothing_to_release() -> None:
    assert decided(plan(named("a"), subject=Subject("")), GREEN).word is HOLD


def test_s82_a_spent_time_budget_holds() -> None:
    decision = decided(plan(named("a")), GREEN, holds=["the time budget of 60 s is spent"])
    assert (decision.word, texts(decision)) == (HOLD, [("", "the time budget of 60 s is spent")])


def test_notes_are_told_and_hold_nothing() -> None:
    decision = decided(plan(named("a")), GREEN, notes=["`build` removed `dist/`, which `docs` needs"])
    assert (decision.word, len(decision.reasons)) == (GO, 1)


def test_s81_a_report_made_while_a_gate_has_no_data_is_never_go() -> None:
    waiting = verdict("b", Outcome.UNKNOWN, state=State.WAITING, judgements=(), questions=("Is the site live?",))
    decision = decided(plan(named("a"), named("b"), named("c")), GREEN, waiting)
    assert (decision.word, texts(decision)) == (
        HOLD,
        [("b", "waits for an answer: Is the site live?"), ("c", "never reached")],
    )


def test_what_an_action_tolerated_keeps_the_decision_at_hold() -> None:
    act = named("b", proceed_on={"e2e": ("FAIL", "UNKNOWN")})
    made = plan(named("a"), named("e2e", optional=True), act)
    green = (GREEN, verdict("b", Outcome.PASS))
    tolerated = decided(made, *green, verdict("e2e", Outcome.FAIL))
    assert tolerated.word is HOLD
    assert ("b", "went ahead although `e2e` is FAIL, as the checklist tolerates") in texts(tolerated)
    assert decided(made, *green, verdict("e2e", Outcome.PASS)).word is GO
    assert decided(made, *green, verdict("e2e", Outcome.ERROR)).word is GO
    required = plan(named("a"), named("e2e"), act)
    assert decided(required, *green, verdict("e2e", Outcome.FAIL)).word is NO_GO
    assert decided(required, *green, verdict("e2e", Outcome.UNKNOWN)).word is HOLD


def test_reasons_come_the_worst_first() -> None:
    order = [Outcome.NOT_RUN, Outcome.UNKNOWN, Outcome.STALE, Outcome.ERROR, Outcome.FAIL]
    verdicts = [verdict(str(n), outcome) for n, outcome in enumerate(order)]
    decision = decided(plan(*(named(v.gate) for v in verdicts), subject=dirty(1)), *verdicts)
    assert decision.word is NO_GO
    assert [reason.gate for reason in decision.reasons] == ["4", "3", "2", "1", "0", ""]


def test_many_causes_are_counted_not_all_told() -> None:
    judgements = tuple(Judgement(f"x{n}", Outcome.FAIL, distance=f"cause {n}") for n in range(5))
    decision = decided(plan(named("a")), Verdict("a", "1", Outcome.FAIL, judgements=judgements))
    assert decision.reasons[0].text == "cause 0; cause 1; cause 2; and 2 more"


# --- properties ----------------------------------------------------------------------------------------------

_GATES = st.lists(
    st.tuples(st.booleans(), st.none() | st.sampled_from(list(Outcome)), st.booleans()), min_size=1, max_size=6
)


@given(_GATES, st.booleans(), st.booleans())
def test_the_decision_is_the_definition(
    gates: list[tuple[bool, Outcome | None, bool]], soiled: bool, held: bool
) -> None:
    nodes, verdicts = [], []
    for n, (optional, outcome, declared) in enumerate(gates):
        id_ = str(n)
        nodes.append(Node(named(id_, optional=optional), not_applicable="when: no" if declared else ""))
        if outcome is not None:
            verdicts.append(verdict(id_, outcome))
    decision = decided(
        plan(*nodes, subject=dirty(int(soiled))), *verdicts, holds=["the budget is spent"] if held else []
    )
    required = [(outcome, declared) for optional, outcome, declared in gates if not optional]
    seen = [o for o, _ in required if o not in {None, Outcome.NOT_APPLICABLE, Outcome.NOT_RUN}]
    fine = all(
        outcome is Outcome.PASS or (outcome in {None, Outcome.NOT_APPLICABLE} and declared)
        for outcome, declared in required
    )
    if Outcome.FAIL in seen:
        assert decision.word is NO_GO
    elif fine and seen and not soiled and not held:
        assert decision.word is GO
    else:
        assert decision.word is HOLD


@given(_GATES)
def test_taking_a_verdict_away_never_makes_a_go(gates: list[tuple[bool, Outcome | None, bool]]) -> None:
    made = plan(*(named(str(n), optional=optional) for n, (optional, _, _) in enumerate(gates)))
    verdicts = [verdict(str(n), outcome) for n, (_, outcome, _) in enumerate(gates) if outcome is not None]
    if decided(made, *verdicts).word is not GO:
        for n in range(len(verdicts)):
            fewer = verdicts[:n] + verdicts[n + 1 :]
            left = {v.gate for v in fewer}
            gone = verdicts[n].gate
            assert gone not in left
            if not made.node(gone).gate.optional:
                assert decided(made, *fewer).word is not GO
