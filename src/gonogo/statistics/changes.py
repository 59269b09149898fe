"""Where the level of a series changed: E-divisive of Matteson and James (2014), with a permutation test.

"A Nonparametric Approach for Multiple Change Point Analysis of Multivariate Data", J. Am. Stat. Assoc. 109(505). No
distribution is assumed, and a creep that passes every comparison of two neighbours is seen once it has lasted.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

from gonogo.frozen import dataclass
from gonogo.statistics.quantiles import median

FEWEST = 4
"""Runs that a level must last."""
SIGNIFICANT = 0.02
_PERMUTATIONS = 199
_MOST = 120
"""Values looked at: the work grows with their square."""


@dataclass(frozen=True, slots=True)
class Change:
    """The level became another one."""

    at: int
    """Index of the first value of the new level."""
    before: float
    """Median of the level that ended."""
    after: float
    p: float
    """Chance that a series without a change would show one so clear."""


def changes(values: Sequence[float], *, seed: int = 0) -> tuple[Change, ...]:
    """The changes, in order; none where there are too few values. The same values and seed give the same changes.

    Only the latest 120 values are looked at.
    """
    left_out = max(0, len(values) - _MOST)
    series = list(values[left_out:])
    rng = random.Random(seed)  # noqa: S311 - it shuffles, and keeps no secret
    borders, levels = [0, len(series)], {}
    while True:
        at, strength = _strongest(series, borders)
        if at is None:
            break
        p = _chance(series, borders, strength, rng)
        if p > SIGNIFICANT:
            break
        borders = sorted([*borders, at])
        levels[at] = p
    return tuple(
        Change(at + left_out, median(series[before:at]), median(series[at:after]), levels[at])
        for before, at, after in zip(borders, borders[1:], borders[2:], strict=False)
    )


def _strongest(series: Sequence[float], borders: Sequence[int]) -> tuple[int | None, float]:
    """The clearest split of any segment, and how clear it is; None where every segment is too short."""
    best: tuple[int | None, float] = (None, 0.0)
    for start, end in pairwise(borders):
        at, strength = _split(series[start:end])
        if at is not None and (best[0] is None or strength > best[1]):
            best = (start + at, strength)
    return best


def _split(segment: Sequence[float]) -> tuple[int | None, float]:
    """The split with the greatest energy distance between its sides, weighted by their lengths.

    Values go from the right side to the left one by one, so that the sums within and between need no new start.
    """
    n = len(segment)
    if n < 2 * FEWEST:
        return None, 0.0
    left = between = 0.0
    right = sum(abs(a - b) for at, a in enumerate(segment) for b in segment[:at])
    best: tuple[int | None, float] = (None, 0.0)
    for at, value in enumerate(segment[:-1]):
        to_left = sum(abs(value - other) for other in segment[:at])
        to_right = sum(abs(value - other) for other in segment[at + 1 :])
        left, right, between = left + to_left, right - to_right, between - to_left + to_right
        size, rest = at + 1, n - at - 1
        if size < FEWEST or rest < FEWEST:
            continue
        within = left * 2 / (size * (size - 1)) + right * 2 / (rest * (rest - 1))
        strength = size * rest / n * (2 * between / (size * rest) - within)
        if best[0] is None or strength > best[1]:
            best = (size, strength)
    return best


def _chance(series: Sequence[float], borders: Sequence[int], strength: float, rng: random.Random) -> float:
    """How often the segments, shuffled each for itself, split as clearly."""
    as_clear = 0
    for _ in range(_PERMUTATIONS):
        shuffled: list[float] = []
        for start, end in pairwise(borders):
            segment = list(series[start:end])
            rng.shuffle(segment)
            shuffled += segment
        as_clear += _strongest(shuffled, borders)[1] >= strength
    return (as_clear + 1) / (_PERMUTATIONS + 1)
