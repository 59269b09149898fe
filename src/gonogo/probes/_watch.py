"""The watch itself: samples its sources at a steady pace until it is through, decided, or cannot tell any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, Protocol

from gonogo.frozen import dataclass
from gonogo.model.observation import Reading, Trouble
from gonogo.plugins import Context
from gonogo.probes._account import Account, Pace, Sampled, account, elapsed, expand
from gonogo.probes._api import Unanswered
from gonogo.probes._facts import Problem, problem


@dataclass(frozen=True, slots=True)
class Seen:
    """What one source said at one moment."""

    data: Mapping[str, Any]
    """Plain JSON; equal data of two samples is kept once, so no time of the look belongs in it."""
    started: Mapping[str, str] = field(default_factory=dict)
    """Program -> since when it runs: where that changes, the clock of the watch begins anew."""


class Source(Protocol):
    """Something that is looked at again and again: alerts, the lives of containers, an error rate."""

    @property
    def name(self) -> str:
        """What it is called in the facts."""

    def look(self, back: float) -> Seen:
        """What it says now, and of the `back` seconds since the last good sample; raises `Unanswered`."""

    def doubt(self, first: Mapping[str, Any], data: Mapping[str, Any]) -> Trouble | None:
        """Why what it says proves nothing, compared with what it said first; None: it does."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Two clocks: one that nobody sets and that goes on while the machine sleeps, and the one on the wall."""

    boot: str
    """Names this start of the machine: only within it can two readings be compared."""
    steady: Callable[[], float]
    wall: Callable[[], float] = time.time


def machine_clock() -> Clock:
    """The clocks of this machine; where there is no boot-time clock (macOS), the monotonic one."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        boot = ""
    number = getattr(time, "CLOCK_BOOTTIME", None)
    return Clock(boot, time.monotonic if number is None else lambda: time.clock_gettime(number))


THROUGH, DECIDED, SILENT, TOO_LONG, INTERRUPTED = "through", "decided", "silent", "too-long", "interrupted"
"""How a watch ends: watched long enough; a criterion is false already; a source was silent for too long; not through
in the longest time; told to stop."""


@dataclass(slots=True)
class Watch:
    """One watch; goes on with the samples of an attempt that was cut off."""

    context: Context
    sources: Sequence[Source]
    pace: Pace
    read: Callable[[Mapping[str, Any]], Reading]
    """From facts to the observations that can get no better."""
    given: Mapping[str, Any]
    """Facts that hold throughout."""
    clock: Clock = field(default_factory=machine_clock)
    samples: list[dict[str, Any]] = field(default_factory=list)

    def run(self) -> dict[str, Any]:
        """Watch to the end; the facts of it, with `ended` and, where it was decided early, `decided` by what."""
        kept = self.context.remembered()
        self.samples = list(kept["samples"]) if kept else []
        deadline = time.monotonic() + self.context.timeout
        while True:
            begun = time.monotonic()
            self.sample()
            facts = self.facts()
            self.context.remember({"samples": self.samples})
            now = account(expand(self.samples), self.pace)
            failing = self.context.failing(self.read(facts))
            self.context.tell(told(now, self.pace, self.samples[-1]["why"], failing))
            ended = self._ended(now, failing, begun + self.pace.interval > deadline)
            if ended:
                return {**facts, "ended": ended, "decided": list(failing)}
            if not self.context.wait(begun + self._next(now) - time.monotonic()):
                return {**facts, "ended": INTERRUPTED, "decided": []}

    def facts(self) -> dict[str, Any]:
        """What is known so far."""
        pace = {"minutes": self.pace.minutes, "interval": self.pace.interval, "gap": self.pace.gap}
        return {**self.given, "pace": {**pace, "longest": self.pace.longest}, "samples": self.samples}

    def _next(self, now: Account) -> float:
        """Seconds from one sample to the next; the last stride is no longer than what is left."""
        left = self.pace.wanted - now.watched
        return min(self.pace.interval, left + 0.05) if left > 0 and now.silent == 0 else self.pace.interval

    def _ended(self, now: Account, failing: Sequence[str], late: bool) -> str:
        if failing:
            return DECIDED
        good = not self.samples[-1]["why"]
        if good and now.watched >= self.pace.wanted:
            return THROUGH
        if not good and now.silent >= self.pace.gap:
            return SILENT
        return TOO_LONG if now.awake >= self.pace.longest or late else ""

    def sample(self) -> None:
        """Look at every source once. A source that does not answer makes the sample one that saw nothing of it."""
        before = expand(self.samples)
        good = next((one for one in reversed(before) if not one["why"]), None)
        began = round(self.clock.steady(), 3)
        stamp = {"at": self.clock.wall(), "clock": began, "boot": self.clock.boot}
        back = elapsed(good, stamp) if good else 0.0
        seen: dict[str, Any] = {}
        started: dict[str, str] = {}
        why: Problem | None = None
        for source in self.sources:
            try:
                looked = source.look(back)
            except Unanswered as unanswered:
                why = why or _problem(unanswered.trouble)
                continue
            seen[source.name] = dict(looked.data)
            started |= looked.started
            doubt = source.doubt(_first(before, source.name) or looked.data, looked.data)
            why = why or (_problem(doubt) if doubt else None)
        same = bool(before) and before[-1]["seen"] == seen
        stamp["took"] = round(self.clock.steady() - began, 3)
        self.samples.append({**stamp, "started": started, "why": why, "seen": None if same else seen})


def _first(before: Sequence[Sampled], source: str) -> Mapping[str, Any] | None:
    """What a source said in the first good sample."""
    return next((one["seen"][source] for one in before if not one["why"] and source in one["seen"]), None)


def _problem(trouble: Trouble) -> Problem:
    return problem(trouble.outcome, trouble.slug, trouble.message, trouble.help)


def told(now: Account, pace: Pace, why: Problem | None, failing: Sequence[str]) -> str:
    """One line of progress: how long it was watched, of how long, and what is in the way."""
    line = f"watched {now.watched / 60:.1f} of {pace.minutes:g} min, sample {now.samples}"
    if failing:
        return f"{line}: `{failing[0]}` is false"
    if why:
        return f"{line}: {why['message']}"
    return line + (f", {len(now.gaps)} gaps" if now.gaps else "")
