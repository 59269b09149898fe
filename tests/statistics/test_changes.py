"""Where a level changed: found where there is one, not where there is none, and the same each time."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonogo.statistics.changes import FEWEST, Change, changes


def noise(count: int, seed: int, *, spread: float = 3.0) -> list[float]:
    rng = random.Random(seed)
    return [100 + rng.gauss(0, spread) for _ in range(count)]


def test_a_step_is_found_where_it_is() -> None:
    values = [*noise(20, 1), *(value + 15 for value in noise(15, 2))]
    (found,) = changes(values)
    assert found.at == 20
    assert found.before == pytest.approx(100, abs=3)
    assert found.after == pytest.approx(115, abs=3)
    assert found.p <= 0.02


def test_two_steps_in_order() -> None:
    values = [*noise(15, 1), *(value + 20 for value in noise(15, 2)), *(value - 10 for value in noise(15, 3))]
    assert [change.at for change in changes(values)] == [15, 30]


def test_a_slow_creep_is_seen() -> None:
    """One per cent a run: no run differs from the one before by more than the noise."""
    values = [value * 1.01**at for at, value in enumerate(noise(30, 4))]
    assert all(abs(b / a - 1) < 0.15 for a, b in pairwise(values))
    found = changes(values)
    assert found
    assert all(change.after > change.before for change in found)


def test_noise_has_no_change() -> None:
    assert sum(bool(changes(noise(30, seed))) for seed in range(60)) <= 4


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(1, 1000), max_size=2 * FEWEST - 1))
def test_too_few_values_have_none(values: list[float]) -> None:
    assert changes(values) == ()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 100).map(float), min_size=8, max_size=25), st.integers(0, 5))
def test_the_same_values_give_the_same_changes(values: list[float], seed: int) -> None:
    found = changes(values, seed=seed)
    assert found == changes(values, seed=seed)
    borders = [0, *(change.at for change in found), len(values)]
    assert all(b - a >= FEWEST for a, b in pairwise(borders))


def test_the_same_value_all_along() -> None:
    assert changes([5.0] * 30) == ()


def test_of_a_long_history_the_latest_is_looked_at() -> None:
    values = [*([500.0] * 50), *noise(100, 1), *(value + 15 for value in noise(20, 2))]
    found = changes(values)
    assert [change.at for change in found] == [150]
    assert isinstance(found[0], Change)
