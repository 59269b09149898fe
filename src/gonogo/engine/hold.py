"""The lock of the target while a run acts on it: taken before the first act, given back when the run ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gonogo.ledger.lease import Holder, provably_dead, this_process
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import OutOfReach, Target

_AGAIN = 1.0
"""Seconds between two tries while another holds the lock."""


@dataclass(slots=True)
class Hold:
    """One run's hold on its target. Safe to use from several threads."""

    run: str = ""
    wait: float = 0.0
    """Seconds to wait for a lock that somebody holds."""
    fence: int = 0
    """The number under which the lock is held; grows with each holder. 0: it is not held."""
    taken_over: str = ""
    """Whose lock was taken over, and why that was proven to be safe; empty: nobody's."""
    _target: Target | None = None
    _mine: Mapping[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, target: Target, wait: Callable[[float], bool]) -> Trouble | None:
        """Hold the target's lock, or say who does. `wait` lets time pass, and is false when the run is told to stop."""
        with self._lock:
            if self._target is not None:
                return None
            mine = {**this_process().data(), "run": self.run}
            until = time.monotonic() + self.wait
            while (other := self._claim(target, mine)) is not None:
                if time.monotonic() >= until or not wait(_AGAIN):
                    return _locked(other)
            known = target.load()
            state = replace(known, fence=known.fence + 1)
            target.save(state, over=known)
            self._target, self._mine, self.fence = target, mine, state.fence
            return None

    def _claim(self, target: Target, mine: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Who else holds the lock; None: it is ours now. A holder is passed over only where it is provably dead."""
        holds = target.claim(mine)
        if holds == mine:
            return None
        dead = provably_dead(Holder.of(dict(holds)))
        if not dead:
            return holds
        now = target.claim(mine, instead_of=holds)
        if now != mine:
            return now
        self.taken_over = f"the target's lock was left by run {holds.get('run', '')}: {dead}"
        return None

    def give_back(self) -> list[str]:
        """Let others act on the target; what the run's notes must say of the lock."""
        with self._lock:
            target, self._target, self.fence = self._target, None, 0
            told = [self.taken_over] if self.taken_over else []
            if target is not None:
                try:
                    target.unclaim(self._mine)
                except OutOfReach as error:  # whoever comes next can prove that this process is gone
                    told.append(f"the target's lock could not be given back: {error.message}")
            return told


def _locked(holds: Mapping[str, Any]) -> Trouble:
    who = Holder.of(dict(holds))
    return Trouble(
        Outcome.ERROR,
        "target-locked",
        f"the target is locked by {who.shown}, for run {holds.get('run', '')}",
        "wait until that run has ended, or give `--lock-wait 10m`",
    )
