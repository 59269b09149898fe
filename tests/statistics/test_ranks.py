"""The rank test against counting every arrangement, and against figures of SciPy 1.17 (`mannwhitneyu`, greater)."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonogo.statistics.quantiles import median, quantile
from gonogo.statistics.ranks import greater

SAMPLES = st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=12)


def counted(first: list[float], second: list[float]) -> float:
    """p by its definition: how many ways of choosing the first sample's ranks give at least this U."""
    n, m = len(first), len(second)
    u = sum(a > b for a in first for b in second)
    ways = [sum(ranks) - n * (n - 1) // 2 for ranks in combinations(range(n + m), n)]
    return sum(way >= u for way in ways) / len(ways)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=4, max_size=11, unique=True), st.data())
def test_exact_for_small_samples_without_ties(values: list[int], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(values) - 1))
    first, second = [float(v) for v in values[:cut]], [float(v) for v in values[cut:]]
    assert greater(first, second).p == pytest.approx(counted(first, second))


@pytest.mark.parametrize(
    ("first", "second", "p", "effect"),
    [
        # asymptotic, with continuity and ties: scipy.stats.mannwhitneyu(…, alternative="greater", method="asymptotic")
        ([3, 3, 4, 5, 7], [1, 2, 3, 3, 6, 2], 0.05567034937777041, 0.8),
        (list(range(10, 20)), list(range(0, 60, 2)), 0.9887160640317706, 0.2583333333333333),
        ([1.5] * 10, [1.5] * 12, 1.0, 0.5),
    ],
)
def test_figures_of_scipy(first: list[float], second: list[float], p: float, effect: float) -> None:
    found = greater(first, second)
    assert found.p == pytest.approx(p, rel=1e-9)
    assert found.effect == pytest.approx(effect)


def test_the_published_critical_value() -> None:
    """Mann and Whitney (1947), table 1, n = m = 5: P(U <= 4) = 0.048; here it is the upper end, by symmetry."""
    first, second = [5.0, 7.0, 8.0, 9.0, 10.0], [1.0, 2.0, 3.0, 4.0, 6.0]
    assert round(greater(first, second).p, 3) == 0.008  # U = 24, P(U <= 1) = 0.008
    first, second = [3.0, 6.0, 8.0, 9.0, 10.0], [1.0, 2.0, 4.0, 5.0, 7.0]
    assert round(greater(first, second).p, 3) == 0.048  # U = 21


@settings(max_examples=60, deadline=None)
@given(SAMPLES, SAMPLES)
def test_the_two_directions_agree(first: list[float], second: list[float]) -> None:
    there, back = greater(first, second), greater(second, first)
    assert there.effect + back.effect == pytest.approx(1)
    assert 0 <= there.p <= 1
    assert there.p + back.p >= 0.999, "what is not greater one way may well be so the other way"


@settings(max_examples=60, deadline=None)
@given(SAMPLES, SAMPLES, st.floats(0.5, 100))
def test_scale_does_not_matter(first: list[float], second: list[float], scale: float) -> None:
    assert greater([scale * v for v in first], [scale * v for v in second]) == greater(first, second)


def test_nothing_to_compare() -> None:
    with pytest.raises(ValueError, match="two samples"):
        greater([], [1.0])


def test_quantiles_are_those_of_k6() -> None:
    """The sink of k6 interpolates between neighbours (metrics/sink_test.go): of 0 … 100, the 95th is 95."""
    assert quantile([float(v) for v in range(101)], 0.95) == 95
    assert quantile([1.0, 2.0], 0.95) == pytest.approx(1.95)
    assert median([3.0, 1.0, 2.0]) == 2.0
