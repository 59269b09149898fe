"""The waiter: watch services on a target until they have held still for a window, or something is wrong.

It never asks the target's own `--wait`: that one is content with one lucky moment. The rules are in
`gonogo.stability`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome
from gonogo.model.release import Instance
from gonogo.plugins import Context, OutOfReach
from gonogo.stability import Rules, Watched

INTERVAL = 1.0
"""Seconds between two looks."""
QUICK = 0.25
"""The same until all is well, so that the window begins as soon as it can."""
PATIENCE = 30.0
"""Seconds that a target may be out of reach, while its engine is restarted, before nothing is known of it."""


class Watchable(Protocol):
    """What can be looked at: any `Target`."""

    def instances(self) -> tuple[Instance, ...]:
        """One look at every copy of every service; raises `OutOfReach`."""


def watch(
    target: Watchable,
    expected: Mapping[str, str],
    context: Context,
    *,
    window: float,
    timeout: float,
    before: Iterable[Instance] | None = None,
    patience: float = PATIENCE,
    interval: float = INTERVAL,
) -> Watched:
    """Look at the services in `expected` (service -> artifact, or empty) until they held still for `window` seconds.

    Ends at once on a problem that waiting cannot mend. Within `timeout` seconds all must be well; the window comes on
    top. `before` are the copies that were there before the rollout: any other has a clean record to begin with. A
    target that is out of reach is asked again for `patience` seconds; whatever its engine restarted meanwhile begins
    its window anew. Times are monotonic: a changed clock changes nothing.
    """
    known = None if before is None else {one.id: one for one in before}
    return _Loop(target, context, Rules(expected, window, known), timeout, patience).run(interval)


def still(
    target: Watchable,
    expected: Mapping[str, str],
    since: Iterable[Instance],
    context: Context,
    *,
    patience: float = PATIENCE,
    interval: float = INTERVAL,
) -> Watched:
    """One look, compared with an earlier one (`Watched.seen`): same copies, no restart since, healthy now.

    Later phases ask it at their end, for what crashes too slowly to be seen within a window.
    """
    rules = Rules.against(expected, since, time.monotonic())
    return _Loop(target, context, rules, 0.0, patience).run(interval)


class _Loop:
    """Looks at a target again and again, and feeds the rules."""

    def __init__(self, target: Watchable, context: Context, rules: Rules, timeout: float, patience: float) -> None:
        self._target = target
        self._context = context
        self._rules = rules
        self._timeout = timeout
        self._patience = patience
        self._lost: float | None = None
        self._clock: Callable[[], float] = time.monotonic
        self._began = self._clock()

    def run(self, interval: float) -> Watched:
        """Until it is stable, hopeless, late, out of reach or interrupted."""
        while True:
            trouble = self._look()
            now = self._clock()
            if trouble is None and self._lost is None and self._decided(now):
                return self._rules.outcome(now, self._began)
            if trouble is None and not self._context.wait(self._pause(interval, now)):
                trouble = Trouble(Outcome.UNKNOWN, "interrupted", "told to stop while watching the services")
            if trouble is not None:
                return self._rules.outcome(self._clock(), self._began, (trouble,))

    def _pause(self, interval: float, now: float) -> float:
        """Seconds to the next look: the last one falls on the end of the window."""
        rules = self._rules
        if not rules.settled or self._lost is not None:
            return min(interval, QUICK) if self._lost is None else interval
        return min(interval, rules.needed - rules.held(now))

    def _decided(self, now: float) -> bool:
        rules = self._rules
        if rules.problems:
            return True
        if rules.settled:
            return rules.held(now) >= rules.needed
        if now - self._began < self._timeout:
            return False
        rules.late(now - self._began)
        return True

    def _look(self) -> Trouble | None:
        """One look; a trouble once the target has been out of reach for too long."""
        try:
            seen = self._target.instances()
        except OutOfReach as error:
            now = self._clock()
            self._lost = now if self._lost is None else self._lost
            away = now - self._lost
            if away < self._patience:
                self._context.tell(f"out of reach for {away:.0f} s: {error.message}")
                return None
            return Trouble(Outcome.UNKNOWN, "out-of-reach", error.message, error.help)
        now = self._clock()
        if self._lost is not None and self._rules.samples:
            self._rules.again(now - self._lost)
        self._lost = None
        self._rules.see(now, seen)
        self._tell(now)
        return None

    def _tell(self, now: float) -> None:
        rules = self._rules
        if rules.settled:
            self._context.tell(f"all well for {rules.held(now):.0f} of {rules.needed:.0f} s")
            return
        words = {one.service: one.health or one.status for one in rules.seen}
        self._context.tell(", ".join(f"{service} {word}" for service, word in words.items()))
