"""How waivers stand: ended, nobody's, dead, outgrown, ending soon; each with a word of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from gonogo.judge import Standing, standings
from gonogo.model.checklist import Gate
from gonogo.model.observation import Finding
from gonogo.model.outcome import Outcome
from gonogo.model.verdict import Verdict, Waiver
from tests.criterion.observed import TYPES
from tests.judge.gates import ERROR, TODAY, captured, gate, judged
from tests.judge.test_waivers import waiver

FAR = TODAY + timedelta(days=60)
LINT = gate("lint.warnings == 0")


def stand(
    waivers: Sequence[Waiver], verdicts: Sequence[Verdict] = (), gates: Sequence[Gate] = (LINT,), as_of: str = ""
) -> tuple[Standing, ...]:
    by_gate = {verdict.gate: verdict for verdict in verdicts}
    return standings(gates, by_gate, waivers, as_of=as_of or f"{TODAY}T12:00:00Z", types=TYPES)


def slugs(told: Sequence[Standing]) -> list[str]:
    return [one.slug for one in told]


def warned(*ids: str, waivers: Sequence[Waiver] = (), **more: Any) -> Verdict:
    findings = [Finding("lint", id_, "warning", "no-console") for id_ in ids]
    on = captured("1", {"lint.warnings": len(ids), "lint.errors": 0}, findings=findings)
    return judged(LINT, on, waivers=waivers, **more)


def test_a_waiver_that_covers_its_finding_needs_no_word() -> None:
    one = waiver(finding="a", until=FAR)
    assert stand([one], [warned("a", waivers=[one])]) == ()
    assert stand([one]) == ()


def test_s83_an_ended_waiver() -> None:
    told = stand([waiver(finding="a")], [warned("a")], as_of=f"{TODAY + timedelta(days=1)}T00:00:00Z")
    assert (slugs(told), told[0].text) == (["waiver-ended"], "waiver `W1` ended on 2026-11-22")
    assert stand([waiver(finding="a")], as_of=f"{TODAY}T23:59:59Z")[0].slug == "waiver-ends-soon"


@pytest.mark.parametrize("gate_id", ["", "lint"])
def test_s83_a_waiver_of_somebody_who_owns_nothing_here(gate_id: str) -> None:
    told = stand([waiver(finding="a", owner="DevOps", gate=gate_id, until=FAR)])
    assert (slugs(told), told[0].wrong) == (["waiver-wrong-owner"], bool(gate_id))
    assert "DevOps is no owner of" in told[0].text
    assert "`Backend`" in told[0].help


def test_a_waiver_for_a_gate_that_is_not_there_may_be_for_another_checklist() -> None:
    told = stand([waiver(finding="a", gate="lnt", until=FAR)])
    assert (slugs(told), told[0].wrong) == (["waiver-unknown-gate"], False)


def test_a_waiver_whose_finding_is_gone_is_dead() -> None:
    told = stand([waiver(finding="a", until=FAR)], [warned("b")])
    assert (slugs(told), told[0].wrong) == (["waiver-dead"], False)
    assert "`a` was not found any more" in told[0].text
    assert slugs(stand([waiver(finding="a", until=FAR)], [warned()])) == ["waiver-dead"]


def test_a_dead_waiver_that_ends_soon_is_just_dead() -> None:
    assert slugs(stand([waiver(finding="a")], [warned("b")])) == ["waiver-dead"]


@pytest.mark.parametrize(
    "unseen",
    [
        judged(LINT, captured("1", speaks=["lint.warnings"])),
        warned("b", extra_troubles=[ERROR]),
        Verdict("lint", "1", Outcome.NOT_RUN, reason="never reached"),
    ],
)
def test_what_was_not_wholly_seen_kills_no_waiver(unseen: Verdict) -> None:
    assert stand([waiver(finding="a", until=FAR)], [unseen]) == ()


def test_a_gate_that_lists_fewer_findings_than_it_has_kills_no_waiver() -> None:
    on = captured("1", {"lint.warnings": 3, "lint.errors": 0}, findings=[Finding("lint", "b", "warning", "x")])
    assert stand([waiver(finding="a", until=FAR)], [judged(LINT, on)]) == ()


def test_any_gate_of_the_owner_that_was_not_seen_may_still_have_it() -> None:
    other = gate("lint.errors == 0", id="other")
    assert stand([waiver(finding="a", until=FAR)], [warned("b")], gates=[LINT, other]) == ()
    assert slugs(stand([waiver(finding="a", gate="lint", until=FAR)], [warned("b")], gates=[LINT, other])) == [
        "waiver-dead"
    ]


def test_the_ratchet_more_of_it_than_when_it_was_written() -> None:
    one = waiver(finding="a", matches=1, until=FAR)
    verdict = warned("a", "a", waivers=[one])
    assert (verdict.outcome, verdict.waived) == (Outcome.FAIL, False)
    assert verdict.notes == ("waiver `W1` does not count: it was written for 1 of `a`, and there are 2 now",)
    told = stand([one], [verdict])
    assert slugs(told) == ["waiver-outgrown"]
    assert "there are 2 now" in told[0].text


def test_the_ratchet_lets_fewer_through_and_counts_over_all_calls() -> None:
    two = waiver(finding="a", matches=2, until=FAR)
    assert warned("a", waivers=[two]).waived
    assert warned("a", "a", waivers=[two]).waived
    found = [Finding("lint", "a", "warning", "x")] * 2
    calls = [captured(n, {"lint.warnings": 2, "lint.errors": 0}, findings=found) for n in ("1", "2")]
    assert not judged(LINT, *calls, waivers=[two]).waived
    assert judged(LINT, *calls, waivers=[waiver(finding="a", matches=4, until=FAR)]).waived


def test_a_bound_that_is_broken_is_outgrown() -> None:
    one = waiver(criterion="lint.warnings <= 1", until=FAR)
    verdict = warned("a", "b", waivers=[one])
    assert not verdict.waived
    assert "`lint.warnings <= 1` does not hold either" in verdict.notes[0]
    told = stand([one], [verdict])
    assert (slugs(told), "it is 2" in told[0].text) == (["waiver-outgrown"], True)


def test_a_bound_nobody_needs_any_more_is_dead() -> None:
    told = stand([waiver(criterion="lint.warnings <= 1", until=FAR)], [warned()])
    assert (slugs(told), told[0].wrong) == (["waiver-dead"], False)


@pytest.mark.parametrize("offered", ["lint.errors <= 3", "lint.warnings >= 3", "coverage.lines.pct >= 3"])
def test_a_bound_for_nothing_that_is_asked_is_a_mistake(offered: str) -> None:
    told = stand([waiver(criterion=offered, gate="lint", until=FAR)])
    assert (slugs(told), told[0].wrong) == (["waiver-dead"], True)
    assert not stand([waiver(criterion=offered, until=FAR)])[0].wrong


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (15, ""),
        (14, "ends in 14 days"),
        (8, "ends in 8 days"),
        (7, "red then"),
        (1, "ends tomorrow"),
        (0, "ends today"),
    ],
)
def test_fourteen_and_seven_days_before_the_end_it_says_so(days: int, words: str) -> None:
    one = waiver(finding="a", until=TODAY + timedelta(days=days))
    told = stand([one], [warned("a", waivers=[one])])
    assert slugs(told) == (["waiver-ends-soon"] if words else [])
    assert all(words in said.text for said in told)
    assert all(("red then" in said.text) is (days <= 7) for said in told)


def test_npm_lists_two_advisories_of_one_counted_package() -> None:
    asked = gate("vulnerabilities.medium == 0", id="audit")
    both = [Finding("vulnerabilities", f"GHSA-{n}:express:*", "medium", "x") for n in (1, 2)]
    on = captured("1", {"vulnerabilities.medium": 1}, findings=both)
    one, two = (waiver(f"W{n}", finding=f"GHSA-{n}:express:*") for n in (1, 2))
    assert not judged(asked, on, waivers=[one]).waived
    assert judged(asked, on, waivers=[one, two]).waived
