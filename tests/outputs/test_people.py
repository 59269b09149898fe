from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gonogo.model.checklist import Question
from gonogo.model.sign_off import SignOff, Word
from gonogo.outputs.people import accepted, awaited, days_left, spoken
from tests.outputs.pages import people_view


@pytest.mark.parametrize(
    ("days", "said"),
    [(30, "30 days left"), (1, "1 day left"), (0, "ends today"), (-1, "ended 1 day ago"), (-9, "ended 9 days ago")],
)
def test_days_as_a_person_says_them(days: int, said: str) -> None:
    assert days_left(days) == said


@pytest.mark.parametrize(
    ("as_of", "until", "days"),
    [
        ("2026-11-22T23:59:59.999999Z", date(2026, 11, 22), 0),
        ("2026-11-23T00:00:00Z", date(2026, 11, 22), -1),
        ("2026-11-23T01:00:00+02:00", date(2026, 11, 22), 0),
        ("2026-11-22T20:00:00-05:00", date(2026, 11, 22), -1),
        ("2028-02-28T12:00:00Z", date(2028, 3, 1), 2),
        ("2027-02-28T12:00:00Z", date(2027, 3, 1), 1),
    ],
)
def test_days_are_counted_in_utc_at_the_moment_of_the_decision(as_of: str, until: date, days: int) -> None:
    view = people_view()
    assert view.decision is not None
    decision = replace(view.decision, as_of=as_of)
    (row,) = accepted(replace(view, decision=decision, waivers=(replace(view.waivers[0], until=until),)))
    assert row.days == days


def test_the_end_is_near_from_fourteen_days_on() -> None:
    view = people_view()
    soon = {
        until.day: accepted(replace(view, waivers=(replace(view.waivers[0], until=until),)))[0].soon
        for until in (date(2026, 12, 6), date(2026, 12, 7), date(2026, 11, 22), date(2026, 11, 21))
    }
    assert soon == {6: True, 7: False, 22: True, 21: False}


def test_what_a_word_is_about() -> None:
    view = people_view()
    node = replace(view.plan.nodes[1], asks=(Question("q1", "Does it look right?", ""),))
    plan = replace(view.plan, nodes=(view.plan.nodes[0], node, view.plan.nodes[2]))
    word = SignOff("r", "Backend", "eve", Word.GO, "", "a" * 64, gate="coverage", question="q1")
    (row,) = spoken(replace(view, plan=plan, sign_offs=(word,)))
    assert (row.about, row.name) == ("Coverage: Does it look right?", "eve")


def test_a_void_word_is_still_awaited() -> None:
    assert [(one.owner, bool(one.missing)) for one in awaited(people_view())] == [("DevOps", False), ("Backend", True)]
