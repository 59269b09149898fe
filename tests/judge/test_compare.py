from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gonogo.judge.compare import compare
from gonogo.judge.comparison import Change, Comparison, Side
from gonogo.model.capture import Capture, ReportRef
from gonogo.model.checklist import Criterion
from gonogo.model.outcome import DecisionWord, Outcome, State
from gonogo.model.run import GateView, RunView
from gonogo.model.sign_off import SignOff, Word
from gonogo.model.verdict import Judgement, Waiver
from tests.outputs.runs import gate, green, red, run, seen

WAIVER = Waiver("W1", "Backend", "Cleo", "why", date(2026, 12, 1), criterion="lint.errors <= 3")


def between(before: RunView, after: RunView, **more: object) -> Comparison:
    return compare(Side(before), Side(after), **more)  # type: ignore[arg-type]


def only(found: Comparison) -> Change:
    assert len(found.changes) == 1
    return found.changes[0]


def covered(pct: str, margin: float, outcome: Outcome = Outcome.PASS, bound: str = ">= 65 %") -> GateView:
    one = green(gate("Coverage"))
    judged = Judgement("coverage.lines.pct >= 65", outcome, call="1", value=pct, bound=bound, margin=margin)
    return replace(one, verdict=replace(one.verdict, outcome=outcome, judgements=(judged,)))


def at(view: RunView, commit: str) -> RunView:
    return replace(view, plan=replace(view.plan, subject=replace(view.plan.subject, commit=commit)))


def causes(found: Comparison) -> list[tuple[str, str]]:
    return [(cause.kind, cause.text) for cause in only(found).causes]


def test_a_run_beside_itself_has_no_change() -> None:
    view = run(green(gate("A")), red(gate("B")))
    found = between(view, view)
    assert found.changes == ()
    assert found.causes == ()
    assert found.same == 2


def test_by_how_much_and_whether_it_is_nearer() -> None:
    found = between(run(covered("75.37 %", 10.37)), run(covered("57.85 %", -7.15, Outcome.FAIL)))
    change = only(found)
    assert (change.before, change.after, change.direction) == ("PASS", "FAIL", "worse")
    (measure,) = change.measures
    assert (measure.before, measure.after, measure.change, measure.nearer) == ("75.37 %", "57.85 %", "-17.52", False)
    back = only(between(run(covered("57.85 %", -7.15, Outcome.FAIL)), run(covered("75.37 %", 10.37))))
    assert (back.direction, back.measures[0].change, back.measures[0].nearer) == ("better", "+17.52", True)


def test_values_that_move_without_a_new_outcome_are_told_last() -> None:
    before = run(covered("75.3 %", 10.3), green(gate("Z")))
    after = run(covered("75.1 %", 10.1), red(gate("Z")))
    assert [(c.gate, c.direction) for c in between(before, after).changes] == [("z", "worse"), ("coverage", "moved")]


def test_another_bound_is_told_and_nobody_says_nearer() -> None:
    found = between(run(covered("70 %", 5)), run(covered("70 %", 0, bound=">= 70 %")))
    (measure,) = only(found).measures
    assert (measure.bound_before, measure.bound_after, measure.nearer) == (">= 65 %", ">= 70 %", None)


def test_figures_of_two_units_have_no_difference() -> None:
    found = between(run(covered("70 %", 5)), run(covered("70 ms", 5)))
    assert only(found).measures[0].change == ""


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        (green(gate("A")), seen(gate("A"), Outcome.UNKNOWN, "no"), "worse"),
        (red(gate("A")), seen(gate("A"), Outcome.UNKNOWN, "no"), "other"),
        (red(gate("A")), red(gate("A"), waived=True), "better"),
        (green(gate("A")), green(gate("A"), state=State.WAITING), "worse"),
        (seen(gate("A"), Outcome.NOT_RUN, "late"), green(gate("A")), "better"),
        (green(gate("A")), seen(gate("A"), Outcome.NOT_APPLICABLE, "no images"), "other"),
    ],
)
def test_direction_is_towards_a_go(before: GateView, after: GateView, direction: str) -> None:
    assert only(between(run(before), run(after))).direction == direction


def test_gates_that_came_and_went() -> None:
    found = between(run(green(gate("Old")), green(gate("Both"))), run(green(gate("Both")), red(gate("New"))))
    told = {change.gate: (change.before, change.after, change.direction) for change in found.changes}
    assert told == {"new": ("", "FAIL", "worse"), "old": ("PASS", "", "other")}
    assert found.same == 1


def test_findings_that_appeared_and_went() -> None:
    found = only(between(run(green(gate("Lint"))), run(red(gate("Lint")))))
    assert [finding.id for finding in found.appeared] == ["no-console:src/app.ts", "eqeqeq:src/app.ts"]
    assert only(between(run(red(gate("Lint"))), run(green(gate("Lint"))))).gone == found.appeared


def test_a_commit_that_touched_the_file_of_a_new_finding_is_named_with_it() -> None:
    before, after = at(run(green(gate("Lint"))), "a" * 40), at(run(red(gate("Lint"))), "b" * 40)
    found = between(before, after, files=["docs/x.md", "backend/src/app.ts"])
    assert causes(found) == [("commit", "commit aaaaaaa → bbbbbbb, in backend/src/app.ts")]
    assert found.causes[0].text == "commit aaaaaaa → bbbbbbb, 2 files: docs/x.md, backend/src/app.ts"
    assert causes(between(before, after)) == [("commit", "commit aaaaaaa → bbbbbbb")]


def test_a_commit_of_waivers_alone_is_no_cause_beside_the_waiver() -> None:
    before, after = at(run(green(gate("Lint"))), "a" * 40), at(run(red(gate("Lint"))), "b" * 40)
    found = between(before, after, files=[".gonogo/waivers.yaml"])
    assert causes(found)[0][0] == "outside"
    assert found.causes[0].kind == "commit"
    assert causes(between(before, after, files=[".gonogo/waivers.yaml", "a.ts"]))[0][0] == "commit"


def test_where_nothing_differs_that_is_said() -> None:
    assert causes(between(run(green(gate("A"))), run(red(gate("A")))))[0][0] == "outside"


def test_the_checklist_is_a_cause_for_the_gates_it_changed_only() -> None:
    changed = gate("A", criteria=(Criterion("exit == 1"),), timeout=5.0)
    before, after = run(green(gate("A")), green(gate("B"))), run(red(changed), red(gate("B")))
    after = replace(after, plan=replace(after.plan, checklist_digest="e" * 64))
    found = between(before, after)
    told = {change.gate: [cause.text for cause in change.causes] for change in found.changes}
    assert told["a"] == ["the checklist changed its criteria, timeout"]
    assert "nothing that the two runs recorded" in told["b"][0]
    assert found.causes[0].kind == "checklist"


def with_report(view: GateView, tool: str) -> GateView:
    capture = Capture("command", "npm run x", reports=(ReportRef("r", "p", tool),))
    return replace(view, verdict=replace(view.verdict, captures=(capture,)))


def test_a_tool_is_a_cause_for_the_gates_whose_reports_it_wrote() -> None:
    before = run(with_report(green(gate("Lint")), "eslint"), with_report(green(gate("Test")), "vitest"))
    after = run(with_report(red(gate("Lint")), "eslint"), with_report(red(gate("Test")), "vitest"))
    found = compare(Side(before, {"eslint": "9.1.0", "vitest": "3.0.0"}), Side(after, {"eslint": "9.2.0"}))
    told = {change.gate: [cause.text for cause in change.causes] for change in found.changes}
    assert told["lint"] == ["eslint 9.1.0 → 9.2.0"]
    assert "nothing that the two runs recorded" in told["test"][0]


def test_versions_that_a_gate_remarked_are_compared() -> None:
    before = run(green(gate("Toolchain"), notes=("node 20.1.0", "a remark 3.1.0 that is none")), green(gate("B")))
    after = run(green(gate("Toolchain"), notes=("node 22.0.0", "a remark 4.1.0 that is none")), red(gate("B")))
    assert causes(between(before, after)) == [("tool", "node 20.1.0 → 22.0.0")]


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ((), (WAIVER,), "is in force now, until 2026-12-01"),
        ((WAIVER,), (), "is not there any more"),
        ((WAIVER,), (replace(WAIVER, until=date(2026, 11, 1)),), "ended on 2026-11-01"),
        ((WAIVER,), (replace(WAIVER, reason="another"),), "reads otherwise now"),
    ],
)
def test_a_waiver_is_a_cause_where_it_covers_something(
    old: tuple[Waiver, ...], new: tuple[Waiver, ...], text: str
) -> None:
    plain = red(gate("Lint"))
    waived = replace(
        plain, verdict=replace(plain.verdict, waived=True, judgements=(replace(
            plain.verdict.judgements[1], waived_by=("W1",)),))
    )  # fmt: skip
    before = run(waived if old else plain, green(gate("B")), waivers=old)
    after = run(plain if old else waived, red(gate("B")), waivers=new)
    found = between(before, after)
    told = {change.gate: [(cause.kind, cause.text) for cause in change.causes] for change in found.changes}
    assert told["lint"] == [("waiver", f"waiver `W1` for `lint.errors <= 3` {text}")]
    assert told["b"][0][0] == "outside"


def test_answers_order_inputs_target_machine_and_tree() -> None:
    word = SignOff("r", "DevOps", "ada", Word.GO, "", "a" * 64, gate="look", question="q")
    before = run(seen(gate("Look"), Outcome.NOT_RUN, "phase 0 is not green"), holder={"host": "one"})
    after = run(green(gate("Look")), sign_offs=(word,), holder={"host": "two"}, decision=DecisionWord.GO)
    subject = replace(after.plan.subject, dirty=("x.ts",))
    plan = replace(after.plan, inputs={"A": "2"}, target="production", subject=subject)
    found = causes(between(before, replace(after, plan=plan)))
    assert found == [
        ("order", "before: phase 0 is not green"),
        ("word", "ada (DevOps) says go"),
        ("tree", "uncommitted changes: x.ts"),
        ("target", "target staging → production"),
        ("input", "input `A`: nothing → 2"),
        ("machine", "machine one → two"),
    ]


def test_an_input_that_is_the_commit_is_no_second_cause() -> None:
    before, after = at(run(green(gate("A"))), "a" * 40), at(run(red(gate("A"))), "b" * 40)
    before = replace(before, plan=replace(before.plan, inputs={"GIT_SHA": "a" * 40}))
    after = replace(after, plan=replace(after.plan, inputs={"GIT_SHA": "b" * 40}))
    assert [kind for kind, _ in causes(between(before, after))] == ["commit"]
