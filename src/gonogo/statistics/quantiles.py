"""Quantiles of a sample."""

from __future__ import annotations

from collections.abc import Sequence


def quantile(ordered: Sequence[float], share: float) -> float:
    """The quantile of an ordered sample, interpolated between neighbours.

    Type 7 of Hyndman and Fan (1996), which k6 uses too (metrics/sink.go). Raises `IndexError` for an empty sample.

    Args:
        ordered: The sample, ascending.
        share: From 0 to 1: 0.95 for the 95th percentile.
    """
    place = (len(ordered) - 1) * share
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def median(sample: Sequence[float]) -> float:
    """The middle of a sample in any order; raises `IndexError` for an empty one."""
    return quantile(sorted(sample), 0.5)
