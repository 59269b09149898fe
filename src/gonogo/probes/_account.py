"""The account of a watch: how long it was really watched, where nobody looked, and when its clock began anew. Pure.

A watch is a list of samples. Time between two of them counts only where both saw all their sources and nothing lay
between; all else is a gap and lengthens the watch. `docs/adr/0013-soak.md` says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from gonogo.frozen import dataclass

CLOCK_JUMP = 2.0
"""Seconds between two samples by which wall clock and monotonic clock may differ before it is told."""
UNWATCHED = "nobody watched"

Sampled = Mapping[str, Any]
"""One sample: `at` (wall clock), `clock` and `boot` (monotonic, and since which start of the machine it counts), `took`
(seconds until all sources had answered), `started` (source -> since when it runs), `why` (the trouble of a source that
did not answer, or None), `seen`."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long is watched, and how closely."""

    minutes: float
    interval: float
    """Seconds between two samples."""
    gap: float
    """Seconds without an answer after which nothing can be told any more."""
    longest: float
    """Seconds awake after which a watch that did not get through is given up."""

    @property
    def wanted(self) -> float:
        """Seconds to watch."""
        return self.minutes * 60

    def stride(self, earlier: Sampled) -> float:
        """Seconds from one sample to the next that still count as watched: a slow answer is no gap, but a pause is."""
        return 2 * self.interval + 1 + min(float(earlier["took"]), self.gap)


@dataclass(frozen=True, slots=True)
class Gap:
    """A time that nobody saw."""

    at: float
    """Wall clock at its end."""
    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class Account:
    """What a list of samples amounts to."""

    watched: float = 0.0
    """Seconds since the clock began."""
    awake: float = 0.0
    """Seconds that the watcher was at work, gaps of its own not counted."""
    begun: int = 0
    """Index of the sample at which the clock began last."""
    gaps: tuple[Gap, ...] = ()
    restarts: tuple[tuple[float, str], ...] = ()
    """When the clock began anew, and why."""
    jumps: tuple[str, ...] = ()
    silent: float = 0.0
    """Seconds since the last good sample, where the latest is none."""
    good: int = 0
    samples: int = 0

    @property
    def coverage(self) -> float:
        """Percent of the samples that saw everything."""
        return 100.0 * self.good / self.samples if self.samples else 0.0


def elapsed(earlier: Sampled, later: Sampled) -> float:
    """Seconds between two samples, by a clock that nobody sets; across a start of the machine, by the wall clock."""
    if earlier["boot"] == later["boot"]:
        return max(0.0, float(later["clock"]) - float(earlier["clock"]))
    return max(0.0, float(later["at"]) - float(earlier["at"]))


def account(samples: Sequence[Sampled], pace: Pace) -> Account:
    """Go through the samples in order."""
    watched = awake = silent = 0.0
    begun = good = 0
    last: int | None = None
    gaps: list[Gap] = []
    restarts: list[tuple[float, str]] = []
    for index, sample in enumerate(samples):
        before = samples[index - 1] if index else sample
        step = min(elapsed(before, sample), pace.stride(before))
        awake += step
        if sample["why"]:
            silent += step
            continue
        good, silent = good + 1, 0.0
        why = "" if last is None else _begins_anew(samples[last], sample, last + 1 == index, pace)
        if last is None or why:
            watched, begun = 0.0, index
            restarts += [(float(sample["at"]), why)] if why else []
        elif last + 1 == index and elapsed(samples[last], sample) <= pace.stride(samples[last]):
            watched += elapsed(samples[last], sample)
        if last is not None and (last + 1 != index or elapsed(samples[last], sample) > pace.stride(samples[last])):
            reason = samples[last + 1]["why"]["message"] if last + 1 != index else UNWATCHED
            gaps.append(Gap(float(sample["at"]), elapsed(samples[last], sample), reason))
        last = index
    jumps = tuple(_jumps(samples))
    return Account(watched, awake, begun, tuple(gaps), tuple(restarts), jumps, silent, good, len(samples))


def _begins_anew(last: Sampled, now: Sampled, adjoining: bool, pace: Pace) -> str:
    """Why the clock begins anew at this sample; empty: it goes on."""
    for source, since in now["started"].items():
        before = last["started"].get(source)
        if before and since and before != since:
            return f"{source} was restarted"
    seconds = elapsed(last, now)
    if adjoining and seconds > max(pace.gap, pace.stride(last)):
        return f"{UNWATCHED} for {seconds:.0f} s"
    return ""


def _jumps(samples: Sequence[Sampled]) -> Iterator[str]:
    for before, after in pairwise(samples):
        if before["boot"] != after["boot"]:
            yield "the machine was started anew"
            continue
        jump = float(after["at"]) - float(before["at"]) - elapsed(before, after)
        if abs(jump) > CLOCK_JUMP:
            yield f"the wall clock was set {abs(jump):.0f} s {'forward' if jump > 0 else 'back'}"


def expand(samples: Sequence[Mapping[str, Any]]) -> list[Sampled]:
    """Samples with what they saw: one that saw the same as the one before says only so."""
    seen: Any = {}
    found: list[Sampled] = []
    for sample in samples:
        seen = sample["seen"] if sample["seen"] is not None else seen
        found.append({**sample, "seen": seen})
    return found
