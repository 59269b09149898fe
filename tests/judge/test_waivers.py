"""What a waiver covers, and what it must not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from gonogo.judge.waivers import live
from gonogo.model.checklist import Criterion, Question
from gonogo.model.observation import Finding
from gonogo.model.outcome import Outcome
from gonogo.model.verdict import Verdict, Waiver
from tests.judge.gates import CHANGED, ERROR, TODAY, captured, gate, judged

NONE = Criterion("lint.warnings == 0", documented=True)


def waiver(id_: str = "W1", **more: Any) -> Waiver:
    told = {"owner": "Backend", "approver": "Ada", "reason": "tracked in #7", "until": TODAY}
    return Waiver(id_, **{**told, **more})


def warning(id_: str) -> Finding:
    return Finding("lint", id_, "warning", "no-console")


def warned(count: int, *ids: str, waivers: list[Waiver], criterion: Criterion | str = NONE) -> Verdict:
    on = captured("1", {"lint.warnings": count, "lint.errors": 0}, findings=[warning(id_) for id_ in ids])
    return judged(gate(criterion), on, waivers=waivers)


# --- through findings ----------------------------------------------------------------------------------------


def test_every_finding_waived_covers_the_criterion_and_the_outcome_stays_fail() -> None:
    verdict = warned(2, "a", "b", waivers=[waiver("W1", finding="a"), waiver("W2", finding="b")])
    assert (verdict.outcome, verdict.waived) == (Outcome.FAIL, True)
    assert verdict.judgements[0].waived_by == ("W1", "W2")


def test_one_finding_left_over_covers_nothing() -> None:
    verdict = warned(2, "a", "b", waivers=[waiver(finding="a")])
    assert (verdict.waived, verdict.judgements[0].waived_by) == (False, ())


def test_even_where_the_bound_would_allow_the_rest() -> None:
    verdict = warned(2, "a", "b", waivers=[waiver(finding="a")], criterion="lint.warnings <= 1")
    assert not verdict.waived


def test_a_report_that_lists_fewer_findings_than_it_counts_is_not_covered() -> None:
    assert not warned(3, "a", "b", waivers=[waiver("W1", finding="a"), waiver("W2", finding="b")]).waived


def test_the_same_rule_found_twice_needs_one_waiver() -> None:
    assert warned(2, "a", "a", waivers=[waiver(finding="a")]).waived


def test_waived_warnings_cover_no_errors() -> None:
    on = captured("1", {"lint.warnings": 1, "lint.errors": 1}, findings=[warning("a")])
    both = judged(gate("lint.warnings == 0", "lint.errors == 0"), on, waivers=[waiver(finding="a")])
    assert [bool(j.waived_by) for j in both.judgements] == [True, False]
    assert not both.waived
    one = judged(gate("lint.warnings == 0 && lint.errors == 0"), on, waivers=[waiver(finding="a")])
    assert not one.waived


def test_waived_failures_cover_no_missing_passes() -> None:
    failed = Finding("tests", "t1", "failed", "boom")
    on = captured("1", {"tests.failed": 1, "tests.passed": 0}, findings=[failed])
    verdict = judged(gate("tests.failed == 0 && tests.passed > 0"), on, waivers=[waiver(finding="t1")])
    assert not verdict.waived


def test_findings_counted_by_severity_are_covered_too() -> None:
    high = Finding("vulnerabilities", "GHSA-1", "high", "pollution")
    on = captured("1", {"vulnerabilities.high": 1, "vulnerabilities.critical": 0}, findings=[high])
    asked = gate('findings.count("high", "critical") == 0')
    assert judged(asked, on, waivers=[waiver(finding="GHSA-1")]).waived
    assert not judged(asked, on, waivers=[waiver(finding="GHSA-2")]).waived


# --- directly ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instead", "covered"),
    [
        ("lint.warnings <= 42", True),
        ("lint.warnings == 2", True),
        ("42 >= lint.warnings", True),
        ("lint.warnings <= 1", False),
        ("lint.warnings >= 0", False),
        ("lint.errors == 0", False),
        ("lint.warnings <= 42 && lint.errors == 0", False),
        ("lint.warnings <= 42 || lint.warnings > 42", False),
        ("lint.warnings <=", False),
        ("nope <= 3", False),
        ("true", False),
    ],
)
def test_a_looser_bound_in_its_place(instead: str, covered: bool) -> None:
    verdict = warned(2, waivers=[waiver(criterion=instead)])
    assert (verdict.outcome, verdict.waived) == (Outcome.FAIL, covered)


@pytest.mark.parametrize(
    ("instead", "covered"), [("coverage.lines.pct >= 60", True), ("coverage.lines.pct <= 65", False)]
)
def test_the_bound_must_loosen_in_the_same_direction(instead: str, covered: bool) -> None:
    on = captured("1", {"coverage.lines.pct": 61.2})
    assert judged(gate("coverage.lines.pct >= 65"), on, waivers=[waiver(criterion=instead)]).waived is covered


def test_a_truth_is_waived_by_its_opposite() -> None:
    on = captured("1", {"hooks.active": False})
    assert judged(gate("hooks.active"), on, waivers=[waiver(criterion="hooks.active == false")]).waived
    assert judged(gate("hooks.active"), on, waivers=[waiver(criterion="!hooks.active")]).waived


# --- whose, where, until when --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"owner": "DevOps"}, "DevOps is no owner of this gate"),
        ({"owner": ""}, "nobody is no owner of this gate"),
        ({"until": TODAY - timedelta(days=1)}, "it ended on 2026-11-21"),
        ({"reason": "  "}, "it gives no reason"),
    ],
)
def test_s83_a_waiver_that_does_not_count_says_why(more: dict[str, Any], why: str) -> None:
    verdict = warned(1, "a", waivers=[waiver(finding="a", **more)])
    assert not verdict.waived
    assert verdict.notes == (f"waiver `W1` does not count: {why}",)


def test_s83_a_waiver_for_another_finding_is_ignored_with_the_reason() -> None:
    verdict = warned(1, "a", waivers=[waiver(finding="b", gate="lint")])
    assert (verdict.waived, verdict.notes) == (False, ("waiver `W1` does not count: no finding is called `b`",))


def test_a_waiver_for_another_gate_is_none_of_this_gates_business() -> None:
    verdict = warned(1, "a", waivers=[waiver(finding="a", gate="audit")])
    assert (verdict.waived, verdict.notes) == (False, ())


def test_a_waiver_holds_to_the_end_of_its_last_day_in_utc() -> None:
    last = waiver(until=date(2026, 11, 22))
    assert live(last, "2026-11-22T23:59:59.999999Z")
    assert not live(last, "2026-11-23T00:00:00Z")
    assert live(last, "2026-11-23T01:30:00+02:00")
    assert not live(last, "2026-11-22T20:00:00-05:00")
    assert live(last, datetime(2026, 11, 23, 13, tzinfo=timezone(timedelta(hours=14))))
    assert not live(last, datetime(2026, 11, 23, tzinfo=UTC))


def test_a_waiver_until_a_leap_day() -> None:
    leap = waiver(until=date(2028, 2, 29))
    assert live(leap, date(2028, 2, 29))
    assert live(leap, "2028-02-29T23:59:59Z")
    assert not live(leap, date(2028, 3, 1))


# --- never waived --------------------------------------------------------------------------------------------

EVERYTHING = [waiver("W1", finding="a"), waiver("W2", criterion="lint.warnings <= 42")]


def test_nothing_but_fail_is_waived() -> None:
    verdict = judged(gate(NONE), captured("1", speaks=["lint.warnings"]), waivers=EVERYTHING)
    assert (verdict.outcome, verdict.waived, verdict.judgements[0].waived_by) == (Outcome.UNKNOWN, False, ())


def test_a_waiver_does_not_hide_what_could_not_be_seen() -> None:
    red = captured("1", {"lint.warnings": 1}, findings=[warning("a")])
    assert judged(gate(NONE), red, waivers=EVERYTHING).waived
    unseen = captured("2", speaks=["lint.warnings"])
    assert not judged(gate(NONE), red, unseen, waivers=EVERYTHING).waived
    assert not judged(gate(NONE), red, waivers=EVERYTHING, extra_troubles=[ERROR]).waived
    assert not judged(gate(NONE), red, waivers=EVERYTHING, extra_troubles=[CHANGED]).waived
    question = Question("q", "Is it?", "no rule")
    assert not judged(gate(NONE, questions=(question,)), red, waivers=EVERYTHING).waived
