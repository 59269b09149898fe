"""One courier for each place that is told of a run: a thread of its own, tries that end, and what is lost.

Whatever the other side does, the run goes on: nobody waits for a courier before the end, and then not for long.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence

from gonogo.frozen import dataclass
from gonogo.plugins import NotSent
from gonogo.telemetry.moments import Moment, What

AT_MOST = 5.0
"""Seconds that the end of a run waits for all couriers together."""
_PATIENCE = 2.0
"""Seconds for one answer."""
_PAUSES = (0.2, 0.8)
"""Seconds before the second and the third try."""
_OF_GATES = frozenset({What.GATE_STARTED, What.GATE_FINISHED})


@dataclass(frozen=True, slots=True)
class Way:
    """A place that is told."""

    name: str
    """As a note calls it; without addresses and secrets."""
    takes: frozenset[What]
    send: Callable[[Moment, float], None]
    """One try, in so many seconds; raises `NotSent`."""
    prepare: Callable[[], None] = lambda: None
    """Imports what sending takes, while the run goes on: there is little time at its end."""


class Courier:
    """Carries moments along one way, in their order."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self._moments: queue.SimpleQueue[Moment | None] = queue.SimpleQueue()
        self._over = threading.Event()
        self._given = self._carried = 0
        self._why = ""
        self._thread = threading.Thread(target=self._work, name=f"courier of {way.name}", daemon=True)
        self._thread.start()

    def give(self, moment: Moment) -> None:
        """Take a moment along; never waits."""
        if moment.what in self.way.takes:
            self._given += 1
            self._moments.put(moment)

    def close(self, until: float) -> str:
        """Wait for what is under way until that moment of `time.monotonic`; what was lost, in words. Empty: nothing."""
        self._moments.put(None)
        self._thread.join(max(0.0, until - time.monotonic()))
        self._over.set()  # what is accounted for as lost is not tried again behind the run's back
        lost = self._given - self._carried
        if not lost:
            return ""
        why = self._why or f"no end within {AT_MOST:g} s"
        count = "" if self._given == 1 else f" ({lost} of {self._given})"
        return f"{self.way.name}: not sent{count}: {why}"

    def _work(self) -> None:
        with contextlib.suppress(Exception):  # sending will tell why
            self.way.prepare()
        while (moment := self._moments.get()) is not None:
            if self._over.is_set():
                return
            if self._why and moment.what in _OF_GATES:  # after a loss only what matters most is tried
                continue
            try:
                self._carry(moment)
            except NotSent as error:
                self._why = str(error)
            except Exception as error:  # a bug here, or another's code: its text may hold anything, and is not told
                self._why = f"gonogo broke over it ({type(error).__name__})"
            else:
                self._carried += 1

    def _carry(self, moment: Moment) -> None:
        for pause in _PAUSES:
            try:
                self.way.send(moment, _PATIENCE)
            except NotSent as error:
                if not error.again:
                    raise
                if self._over.wait(pause):
                    raise
            else:
                return
        self.way.send(moment, _PATIENCE)


def close_all(couriers: Sequence[Courier]) -> list[str]:
    """Wait for all of them together, at most `AT_MOST` seconds; what was lost."""
    until = time.monotonic() + AT_MOST
    return [lost for courier in couriers if (lost := courier.close(until))]
