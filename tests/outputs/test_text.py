# ruff: noqa: RUF001 - the dash of a gate that is not applicable
from __future__ import annotations

from dataclasses import replace

from inline_snapshot import snapshot

from gonogo.model.outcome import DecisionWord, Outcome
from gonogo.model.plan import Node
from gonogo.model.run import GateView, RunState
from gonogo.model.verdict import Decision, Reason, Verdict
from gonogo.outputs.text import text
from tests.outputs.pages import rollout_view
from tests.outputs.runs import gate, green, mixed, red, run, seen


def test_a_run_with_one_of_each_outcome() -> None:
    assert text(mixed()) == snapshot("""\
  MediaNest readiness
  a1b2c3d on main, clean → staging · 10 of 11 gates · run 20261122-100000-7f3a

  0  Phase 0 title
  ✓ pass     Tooling                                                                           0.4 s
  – n/a      Branch hygiene

  1  Phase 1 title
  ✗ FAIL     Formatting & linting                                                              8.1 s
             lint errors 3, needs 0: 3 too many
  ✓ pass     Type safety  (flaky)                                                              3.9 s
  ? UNKNOWN  Security                                                                          2.0 s
             npm audit gave an error, not a report: 405 Method Not Allowed
  ! ERROR    Docs build                                                                        2.0 s
             missing script: `docs:build`
  ~ STALE    Unit tests                                                                        2.0 s
             `test-results/coverage.json` was there before and was not written anew

  4  Phase 4 title
  ? UNKNOWN  Secrets set  (waits for an answer)                                                2.0 s
             Are all required vars resolved?

  5  Phase 5 title
  · not run  Deploy app
  · not run  Smoke endpoints
  · not run  Load test

────────────────────────────────────────────────────────────────────────────────────────────────────
  NO-GO  a1b2c3d on staging: a required gate fails
  2 pass, 1 FAIL, 1 ERROR, 1 STALE, 2 UNKNOWN, 3 not run, 1 n/a

  ✗ FAIL     Formatting & linting  phase 1
             lint errors 3, needs 0: 3 too many
    first    backend/src/app.ts:12:7 Unexpected console statement (+ 2 more)
    owner    Backend, Frontend, Shared
    alone    gonogo run READINESS.md --gate formatting-linting
    output   gonogo logs formatting-linting
    evidence .gonogo/state/evidence/ff/ffffffffffff* (report/eslint.json, 1 more file)

  ! ERROR    Docs build  phase 1
             missing script: `docs:build`
    to mend  run it again
    owner    Backend
    alone    gonogo run READINESS.md --gate docs-build

  ~ STALE    Unit tests  phase 1
             `test-results/coverage.json` was there before and was not written anew
    to mend  run it again
    owner    Backend
    alone    gonogo run READINESS.md --gate unit-tests

  ? UNKNOWN  Security  phase 1
             npm audit gave an error, not a report: 405 Method Not Allowed
    to mend  run it again
    owner    Backend
    alone    gonogo run READINESS.md --gate security

  ? UNKNOWN  Secrets set  (waits for an answer)  phase 4
    question Are all required vars resolved?
    owner    Backend
    alone    gonogo run READINESS.md --gate secrets-set

  · not run  phase 1 is not green
             Deploy app, Smoke endpoints
  · not run  optional, not selected
             Load test

  – n/a      Branch hygiene is not applicable: this demo has no remote, so no CI answers for its
             commit

    note     Type safety: 2 tests passed on a retry only

  run 20261122-100000-7f3a, 21 s · evidence in .gonogo/state/evidence
""")


def test_reasons_of_the_run_stand_where_the_decision_puts_them() -> None:
    view = run(green(gate("A")))
    reasons = (Reason("", "the tree is not the commit: 1 file differs: `a.txt`"),)
    said = text(replace(view, decision=Decision(DecisionWord.HOLD, reasons, "now")))
    assert "HOLD  a1b2c3d on staging: the run as a whole holds it" in said
    assert "! run      the tree is not the commit: 1 file differs: `a.txt`" in said


def test_a_note_is_not_told_twice() -> None:
    view = run(green(gate("A")), notes=("the clock went back",))
    said = text(replace(view, decision=Decision(DecisionWord.GO, (Reason("", "the clock went back"),), "now")))
    assert said.count("the clock went back") == 1


def test_an_optional_failure_is_shown_although_it_holds_nothing() -> None:
    said = text(run(green(gate("A")), red(gate("Load test", optional=True)), decision=DecisionWord.GO))
    assert "✗ FAIL     Load test  phase 1, optional" in said
    assert "GO  a1b2c3d" in said


def test_a_waived_failure_says_by_whom() -> None:
    view = run(red(gate("A"), waived=True), decision=DecisionWord.GO)
    waived = Reason("a", "waived by Ada until 2026-12-01 (`w1`): known and small")
    said = text(replace(view, decision=Decision(DecisionWord.GO, (waived,), "now")))
    assert "✗ FAIL     A  (waived)  phase 1" in said
    assert "waived   by Ada until 2026-12-01 (`w1`): known and small" in said


def test_an_interrupted_run_says_how_to_go_on() -> None:
    said = text(run(green(gate("A")), red(gate("B")), decision=None, state=RunState.INTERRUPTED))
    assert "INTERRUPTED  a1b2c3d on staging: no decision yet\n  go on with: gonogo run --resume\n" in said
    assert "✗ FAIL     B  phase 1" in said


def test_s73_tool_output_never_reaches_the_terminal_raw() -> None:
    said = text(run(seen(gate("A \x1b[2J"), Outcome.ERROR, "\x1b]0;x\x07boom\x1b[31m")))
    assert "\x1b" not in said
    assert "boom" in said


def test_many_sentences_of_one_gate_are_counted_not_listed() -> None:
    judgements = tuple(replace(red(gate("A")).verdict.judgements[1], distance=f"thing {n} is wrong") for n in range(40))
    said = text(run(red(gate("A"), judgements=judgements)))
    assert "and 34 more: gonogo show a" in said
    assert len(said.splitlines()) < 40


def test_a_run_of_one_gate_says_that_it_was_only_a_part() -> None:
    part, rest, excluded = gate("Part"), gate("Rest"), gate("Excluded")
    left = Verdict("rest", "1", Outcome.NOT_RUN, reason="not selected")
    none = GateView(excluded, Verdict("excluded", "1", Outcome.NOT_APPLICABLE, reason="not here"))
    shown = run(green(part), GateView(rest, left), none, decision=DecisionWord.HOLD)
    nodes = (Node(part), Node(rest, left_out="not selected"), Node(excluded, not_applicable="not here"))
    told = text(replace(shown, plan=replace(shown.plan, nodes=nodes)))
    assert "only part of the checklist was run" in told
    assert "is not applicable" not in told


def test_the_images_of_the_release_stand_with_what_is_looked_at() -> None:
    shown = text(rollout_view())
    assert f"  image api sha256:{'7' * 64}" in shown
    assert shown.index("image api") < shown.index("Phase 5 title")
