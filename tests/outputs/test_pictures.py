from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonogo.model.outcome import Outcome
from gonogo.model.verdict import Judgement
from gonogo.outputs.pictures import bar, timeline
from tests.outputs.runs import gate, green, run, seen


def judged(value: str, bound: str, margin: float | None) -> Judgement:
    return Judgement("x", Outcome.FAIL, value=value, bound=bound, margin=margin)


def test_a_percentage_is_drawn_on_the_whole_scale() -> None:
    drawn = bar(judged("57.85 %", ">= 65 %", -7.15))
    assert drawn is not None
    assert (drawn.value, drawn.bound, drawn.good_from, drawn.good_to) == (57.85, 65.0, 65.0, 100.0)


def test_a_figure_without_an_end_leaves_room_beyond_the_larger() -> None:
    drawn = bar(judged("412 ms", "<= 500 ms", 88))
    assert drawn is not None
    assert (drawn.good_from, drawn.good_to) == (0.0, drawn.bound)
    assert drawn.value < drawn.bound < 100


@pytest.mark.parametrize(
    ("value", "bound", "margin"),
    [
        ("3", "== 0", -3.0),
        ("111", "> 0", 111.0),
        ("true", "== true", None),
        ("✅", "✅", None),
        ("", "", None),
        ("5 ms", "<= 5 %", 1.0),
        ("5", "<= 7", float("inf")),
        ("-5", "<= 7", 12.0),
        ("5", "7", 1.0),
    ],
)
def test_where_a_length_says_nothing_there_is_none(value: str, bound: str, margin: float | None) -> None:
    assert bar(judged(value, bound, margin)) is None


@given(
    st.integers(0, 10**9),
    st.integers(1, 10**9),
    st.sampled_from([">=", ">", "<=", "<", "=="]),
    st.sampled_from(["", " %"]),
)
def test_everything_is_drawn_inside_the_scale_and_on_its_side(value: int, bound: int, sign: str, unit: str) -> None:
    drawn = bar(judged(f"{value}{unit}", f"{sign} {bound}{unit}", float(value - bound)))
    assert drawn is not None
    assert all(0 <= at <= 100 for at in (drawn.value, drawn.bound, drawn.good_from, drawn.good_to))
    assert (drawn.value - drawn.bound) * (value - bound) >= 0


def test_the_time_line_has_every_gate_that_started_in_order() -> None:
    late = green(gate("Late"), seconds=10.5, started="2026-11-22T10:00:10.500000Z")
    first = green(gate("First"), seconds=1.0, started="2026-11-22T10:00:00.000000Z")
    never = seen(gate("Never"), Outcome.NOT_RUN, "no")
    spans = timeline(run(late, first, never))
    assert [span.gate.gate.id for span in spans] == ["first", "late"]
    assert (spans[1].after, spans[1].left, spans[1].width) == (10.5, 50.0, 50.0)


def test_a_clock_that_jumped_draws_nothing_outside() -> None:
    before = green(gate("Before"), seconds=1.0, started="2026-11-22T09:00:00Z")
    after = green(gate("After"), seconds=5.0, started="2026-11-23T10:00:00+02:00")
    for span in timeline(run(before, after)):
        assert 0 <= span.left <= 100
        assert span.left + span.width <= 100.5


def test_a_run_whose_times_cannot_be_read_has_no_time_line() -> None:
    assert timeline(replace(run(green(gate("A"))), started="")) == []
    assert timeline(run(green(gate("A"), started="yesterday"))) == []
