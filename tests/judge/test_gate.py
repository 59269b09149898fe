"""A gate's verdict: each row of the table of outcomes, and how captures are chosen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonogo.judge import judge
from gonogo.judge.gate import worst_findings
from gonogo.model.capture import Capture
from gonogo.model.checklist import Call, Criterion, Question
from gonogo.model.observation import Captured, Finding, Trouble
from gonogo.model.outcome import Outcome, State, worst
from tests.criterion.observed import TYPES
from tests.judge.gates import CHANGED, EMPTY, ERROR, STALE, TODAY, captured, gate, judged, outcomes

MISSING_TOOL = Trouble(Outcome.ERROR, "tool-missing", "`eslint` is not there: exit 127", "run `npm ci`")
NO_TESTS = Trouble(Outcome.UNKNOWN, "no-tests", "not one test was executed")
QUESTION = Question("site-live", "Is the site live?", "no rule understands this clause")


# --- the table -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "on", "expected"),
    [
        ("all true", captured("1", {"lint.errors": 0}), Outcome.PASS),
        ("a criterion is false", captured("1", {"lint.errors": 2}), Outcome.FAIL),
        ("changed tracked files", captured("1", {"lint.errors": 0}, troubles=[CHANGED]), Outcome.FAIL),
        ("report missing", captured("1", speaks=["lint.errors"]), Outcome.UNKNOWN),
        ("report empty", captured("1", speaks=["lint.errors"], troubles=[EMPTY]), Outcome.UNKNOWN),
        ("observation absent", captured("1", {"lint.warnings": 0}, speaks=["lint.errors"]), Outcome.UNKNOWN),
        ("stale report", captured("1", speaks=["lint.errors"], troubles=[STALE]), Outcome.STALE),
        ("timeout", captured("1", speaks=["lint.errors"], troubles=[ERROR]), Outcome.ERROR),
        ("tool missing", captured("1", {"exit": 127}, troubles=[MISSING_TOOL]), Outcome.ERROR),
        ("passing report, bad exit", captured("1", {"lint.errors": 0}, unexplained="exit 2"), Outcome.ERROR),
        ("one of two reports read", captured("1", {"lint.errors": 0}, troubles=[EMPTY]), Outcome.UNKNOWN),
    ],
)
def test_the_table_of_outcomes(what: str, on: Captured, expected: Outcome) -> None:
    assert judged(gate("lint.errors == 0"), on).outcome is expected


def test_zero_executed_tests_are_unknown_not_false() -> None:
    on = captured("1", speaks=["tests.failed", "tests.passed"], troubles=[NO_TESTS])
    verdict = judged(gate("tests.failed == 0", "tests.passed > 0"), on)
    assert (verdict.outcome, outcomes(verdict)) == (Outcome.UNKNOWN, ["UNKNOWN", "UNKNOWN"])
    assert verdict.judgements[0].reason == "`tests.failed` is absent: not one test was executed"


def test_an_open_question_waits() -> None:
    verdict = judged(gate("lint.errors == 0", questions=(QUESTION,)), captured("1", {"lint.errors": 0}))
    assert (verdict.outcome, verdict.state) == (Outcome.UNKNOWN, State.WAITING)
    assert verdict.questions == ("Is the site live?",)


def test_an_answer_would_not_help_a_gate_that_is_red() -> None:
    verdict = judged(gate("lint.errors == 0", questions=(QUESTION,)), captured("1", {"lint.errors": 1}))
    assert (verdict.outcome, verdict.state) == (Outcome.FAIL, State.DONE)


def test_a_gate_that_asks_nothing_is_unknown() -> None:
    verdict = judged(gate(), captured("1", {"exit": 0}))
    assert verdict.outcome is Outcome.UNKNOWN
    assert [t.slug for t in verdict.troubles] == ["asks-nothing"]


def test_trouble_beside_the_calls_counts_too() -> None:
    verdict = judged(gate("lint.errors == 0"), captured("1", {"lint.errors": 0}), extra_troubles=[STALE])
    assert (verdict.outcome, verdict.troubles) == (Outcome.STALE, (STALE,))


@pytest.mark.parametrize("claim", [Outcome.PASS, Outcome.NOT_APPLICABLE, Outcome.NOT_RUN])
def test_a_trouble_never_makes_anything_green(claim: Outcome) -> None:
    trouble = Trouble(claim, "odd", "says a plugin")
    assert judged(gate("lint.errors == 0"), captured("1", {"lint.errors": 0}, troubles=[trouble])).outcome is (
        Outcome.UNKNOWN
    )


def test_trouble_of_the_raw_capture_is_not_lost() -> None:
    on = captured("1", {"lint.errors": 0})
    capture = Capture("command", "npm run lint", troubles=(ERROR,))
    verdict = judge(gate("lint.errors == 0"), [on], [capture], as_of=TODAY, types=TYPES)
    assert (verdict.outcome, verdict.troubles, verdict.captures) == (Outcome.ERROR, (ERROR,), (capture,))


# --- exit codes ----------------------------------------------------------------------------------------------


def test_an_unexplained_exit_is_the_answer_where_the_criterion_is_the_exit_code() -> None:
    on = captured("1", {"exit": 2}, unexplained="exit 2")
    verdict = judged(gate("exit == 0"), on)
    assert (verdict.outcome, verdict.troubles) == (Outcome.FAIL, ())


def test_only_on_the_call_that_the_criterion_is_judged_on() -> None:
    asked = gate(Criterion("exit == 0", calls=("1",)), Criterion("lint.errors == 0", calls=("2",)))
    on = (captured("1", {"exit": 0}), captured("2", {"exit": 2, "lint.errors": 0}, unexplained="exit 2"))
    verdict = judged(asked, *on)
    assert verdict.outcome is Outcome.ERROR
    assert [t.message for t in verdict.troubles] == ["`command 2`: exit 2"]


def test_a_missing_tool_is_error_although_the_criterion_allows_the_exit_code() -> None:
    on = captured("1", {"exit": 127}, troubles=[MISSING_TOOL])
    assert judged(gate("exit == 127"), on).outcome is Outcome.ERROR
    assert judged(gate("exit == 0"), captured("1", {"exit": 0}, troubles=[MISSING_TOOL])).outcome is Outcome.ERROR


# --- which captures ------------------------------------------------------------------------------------------

LINT = ("lint.errors", "lint.warnings")


def test_lint_of_three_workspaces_is_judged_three_times() -> None:
    on = [captured(str(n), {"lint.errors": n // 3}, speaks=LINT, shown=f"lint {n}") for n in (1, 2, 3)]
    verdict = judged(gate("lint.errors == 0"), *on)
    assert (verdict.outcome, outcomes(verdict)) == (Outcome.FAIL, ["PASS", "PASS", "FAIL"])
    assert [j.call for j in verdict.judgements] == ["1", "2", "3"]
    assert verdict.judgements[2].shown == "lint 3"


def test_the_third_workspace_brought_no_report() -> None:
    on = (captured("1", {"lint.errors": 0}), captured("2", {"lint.errors": 0}), captured("3", speaks=LINT))
    verdict = judged(gate("lint.errors == 0"), *on)
    assert (verdict.outcome, outcomes(verdict)) == (Outcome.UNKNOWN, ["PASS", "PASS", "UNKNOWN"])
    assert verdict.judgements[2].reason == "`lint.errors` is absent after `command 3`"


def test_a_lint_script_that_lints_nothing_does_not_pass_beside_one_that_does() -> None:
    on = (captured("1", {"exit": 0, "lint.errors": 0}), captured("2", {"exit": 0, "output": ""}, shown="npm run lint"))
    verdict = judged(gate("lint.errors == 0"), *on)
    assert (verdict.outcome, [t.slug for t in verdict.troubles]) == (Outcome.UNKNOWN, ["not-judged"])
    assert verdict.troubles[0].message == "no criterion of the gate could be judged on `npm run lint`"
    assert judged(gate("lint.errors == 0", "exit == 0"), *on).outcome is Outcome.PASS


def test_no_capture_speaks_and_the_commands_are_named() -> None:
    on = (captured("1", {"exit": 0}, shown="npm ci"), captured("2", {"exit": 0}, shown="npm test"))
    verdict = judged(gate("coverage.lines.pct >= 65"), *on)
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.judgements[0].reason == "none of `npm ci`, `npm test` says `coverage.lines.pct`"
    assert verdict.judgements[0].mend
    assert judged(gate("exit == 0")).judgements[0].reason == "nothing was run that could say `exit`"


def test_names_spread_over_captures_are_judged_together() -> None:
    on = (captured("1", {"lint.errors": 0}), captured("2", {"types.errors": 0}))
    verdict = judged(gate("lint.errors == 0 && types.errors == 0"), *on)
    assert (verdict.outcome, outcomes(verdict)) == (Outcome.PASS, ["PASS"])
    assert verdict.judgements[0].shown == "command 1 + command 2"


def test_together_means_all_that_speak_of_any_of_them() -> None:
    on = (
        captured("1", {"lint.errors": 2, "exit": 1}),
        captured("2", {"lint.errors": 0, "types.errors": 0, "exit": 0}),
    )
    verdict = judged(gate("lint.errors == 0 && types.errors == 0"), *on)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.judgements[0].distance == "2 lint errors, needs 0"


def test_percentages_are_computed_anew_never_averaged() -> None:
    def part(call: str, covered: int, total: int, **more: int) -> Captured:
        values = {"coverage.lines.covered": covered, "coverage.lines.total": total, **more}
        return captured(call, {**values, "coverage.lines.pct": 100 * covered / total})

    on = (part("1", 10, 10), part("2", 0, 90, **{"tests.failed": 0}))
    verdict = judged(gate("coverage.lines.pct >= 50 && tests.failed == 0"), *on)
    assert verdict.judgements[0].value == "10 %"


def test_a_criterion_may_be_narrowed_to_a_call() -> None:
    on = (captured("1", {"exit": 3}), captured("2", {"exit": 0}))
    narrow = judged(gate(Criterion("exit == 0", calls=("2",)), Criterion("exit == 3", calls=("1",))), *on)
    assert narrow.outcome is Outcome.PASS
    assert [j.call for j in narrow.judgements] == ["2", "1"]


def test_a_criterion_narrowed_to_a_call_that_brought_nothing_is_unknown() -> None:
    verdict = judged(gate(Criterion("exit == 0", calls=("1", "2"))), captured("1", {"exit": 0}))
    assert (verdict.outcome, sorted(outcomes(verdict))) == (Outcome.UNKNOWN, ["PASS", "UNKNOWN"])


def test_a_mark_is_asked_of_the_output_that_carries_it() -> None:
    build = captured("1", {"exit": 0, "output": "> backend build\n"})
    asked = gate("exit == 0", 'output.marked("Backend")')
    assert outcomes(judged(asked, build, captured("2", {"exit": 0, "output": "Backend ✅"}))) == ["PASS"] * 3
    crossed = judged(asked, build, captured("2", {"exit": 0, "output": "Backend ❌"}))
    assert (crossed.outcome, crossed.judgements[-1].distance) == (Outcome.FAIL, "Backend is marked ❌, needs ✅")
    silent = judged(asked, build, captured("2", {"exit": 0, "output": "done"}))
    assert silent.outcome is Outcome.UNKNOWN


def test_a_call_that_was_not_run_leaves_the_gate_unknown() -> None:
    asked = gate("lint.errors == 0", calls=["npm run lint:a", "npm run lint:b"])
    verdict = judged(asked, captured("1", {"lint.errors": 0}))
    assert (verdict.outcome, [t.message for t in verdict.troubles]) == (
        Outcome.UNKNOWN,
        ["`npm run lint:b` was not run"],
    )


def test_a_selected_alternative_or_an_unmet_condition_leaves_nothing_open() -> None:
    asked = gate("exit == 0")
    calls = (
        Call("1", "command", alternatives=(Call("1-alt", "command"),)),
        Call("2", "command", condition="if using a registry"),
    )
    verdict = judged(replace(asked, calls=calls), captured("1-alt", {"exit": 0}))
    assert verdict.outcome is Outcome.PASS


# --- findings, notes, algebra --------------------------------------------------------------------------------


def test_at_most_a_thousand_findings_are_kept_the_worst_first() -> None:
    many = [Finding("lint", f"rule-{n}", "warning", "m") for n in range(1500)]
    on = captured("1", {"lint.errors": 1}, findings=[*many, Finding("lint", "bad", "error", "m")])
    verdict = judged(gate("lint.errors == 0"), on)
    assert (len(verdict.findings), verdict.findings_total) == (1000, 1501)
    assert verdict.findings[0].id == "bad"


def test_findings_that_a_report_counts_but_no_longer_lists_are_counted() -> None:
    listed = [Finding("lint", f"rule-{n}", "error", "m") for n in range(10)]
    first = captured("1", {"lint.errors": 25_000, "lint.warnings": 3}, findings=listed)
    second = captured("2", {"lint.errors": 0}, findings=[Finding("other", "x", "note", "m")])
    assert judged(gate("lint.errors == 0"), first, second).findings_total == 25_004


@given(
    st.permutations([Finding("x", str(n), s, "m") for n, s in enumerate(["low", "critical", "odd", "error", "high"])])
)
def test_the_order_of_findings_does_not_depend_on_who_came_first(findings: list[Finding]) -> None:
    assert [f.severity for f in worst_findings(findings)] == ["critical", "error", "high", "low", "odd"]


def test_notes_stay_on_a_pass() -> None:
    on = captured("1", {"tests.failed": 0}, notes=["1 flaky test", "1 flaky test"])
    verdict = judged(gate("tests.failed == 0"), on)
    assert (verdict.outcome, verdict.notes) == (Outcome.PASS, ("1 flaky test",))


ORDER = [Outcome.FAIL, Outcome.ERROR, Outcome.STALE, Outcome.UNKNOWN, Outcome.NOT_RUN, Outcome.PASS]


@given(st.lists(st.sampled_from(ORDER), min_size=1))
def test_the_worst_of_several_outcomes(several: list[Outcome]) -> None:
    assert worst(several) is min(several, key=ORDER.index)
    assert worst(several) is worst(reversed(several))
    assert (worst(several) is Outcome.PASS) == (set(several) == {Outcome.PASS})


@given(st.lists(st.sampled_from(ORDER)), st.lists(st.sampled_from(ORDER)))
def test_more_outcomes_never_make_it_better(some: list[Outcome], more: list[Outcome]) -> None:
    if some:
        assert ORDER.index(worst([*some, *more])) <= ORDER.index(worst(some))


def test_no_outcome_at_all_is_unknown_and_not_applicable_is_no_outcome_of_a_criterion() -> None:
    assert worst([]) is Outcome.UNKNOWN
    with pytest.raises(ValueError, match="NOT_APPLICABLE"):
        worst([Outcome.PASS, Outcome.NOT_APPLICABLE])


_CAPTURES = st.lists(
    st.builds(
        lambda errors, trouble, exit_: (errors, trouble, exit_),
        st.none() | st.integers(0, 2),
        st.none() | st.sampled_from([CHANGED, ERROR, STALE, EMPTY]),
        st.booleans(),
    ),
    max_size=4,
)


@given(_CAPTURES)
def test_a_gate_passes_only_where_everything_was_seen_and_true(
    parts: list[tuple[int | None, Trouble | None, bool]],
) -> None:
    on = [
        captured(
            str(n),
            {} if errors is None else {"lint.errors": errors},
            speaks=["lint.errors"],
            troubles=[trouble] if trouble else [],
            unexplained="exit 9" if bad else "",
        )
        for n, (errors, trouble, bad) in enumerate(parts)
    ]
    verdict = judged(gate("lint.errors == 0"), *on)
    clean = bool(parts) and all(errors == 0 and trouble is None and not bad for errors, trouble, bad in parts)
    assert (verdict.outcome is Outcome.PASS) == clean
    red = any(errors or trouble is CHANGED for errors, trouble, _ in parts)
    assert (verdict.outcome is Outcome.FAIL) == red
