"""Where what happens in a run becomes moments, and the couriers set out from."""

from __future__ import annotations

import os
from collections.abc import Sequence

from gonogo.config import Settings
from gonogo.model.outcome import State
from gonogo.model.run import RunView
from gonogo.model.verdict import Verdict
from gonogo.plugins import Registry
from gonogo.telemetry.courier import Courier, close_all
from gonogo.telemetry.messages import awaited
from gonogo.telemetry.moments import Moment, What, now
from gonogo.telemetry.ways import ways


class Office:
    """Everybody who is told of one run. Nothing here waits before `close`."""

    def __init__(self, view: RunView, settings: Settings, registry: Registry) -> None:
        self._view = view
        self._couriers = [Courier(way) for way in ways(view.plan, settings, registry, os.environ)]
        self._started: dict[str, int] = {}
        self._awaited: frozenset[str] = frozenset()
        self._give(Moment(What.STARTED, now(), view))

    def gate_started(self, gate: str, attempt: int) -> None:
        """An attempt begins; a further try belongs to what has begun already."""
        if gate not in self._started:
            self._started[gate] = attempt
            self._give(Moment(What.GATE_STARTED, now(), self._view, gate, attempt))

    def gate_finished(self, verdict: Verdict) -> None:
        """A verdict of this process; those of an earlier one were told by that. What waits has not finished."""
        attempt = self._started.get(verdict.gate)
        if attempt is not None and verdict.state is not State.WAITING:
            self._give(Moment(What.GATE_FINISHED, now(), self._view, verdict.gate, attempt, verdict))

    def waiting(self, view: RunView) -> None:
        """The run waits for people; told only where somebody is awaited who was not before."""
        waiting = frozenset(awaited(view))
        if not waiting <= self._awaited:
            self._give(Moment(What.WAITING, now(), view))
        self._awaited = waiting

    def ended(self, view: RunView) -> None:
        """The decision, or the end without one."""
        self._give(Moment(What.ENDED, now(), view))

    def close(self) -> Sequence[str]:
        """Wait for the couriers, a few seconds at most; what could not be sent, and why."""
        return close_all(self._couriers)

    def _give(self, moment: Moment) -> None:
        for courier in self._couriers:
            courier.give(moment)
