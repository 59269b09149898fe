"""The listener that tells others of a run, in front of the one that tells the person at the terminal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gonogo.config import Settings
from gonogo.engine.listener import Listener
from gonogo.model.run import RunView
from gonogo.model.verdict import Verdict
from gonogo.plugins import Registry

if TYPE_CHECKING:
    from gonogo.telemetry.courier import Courier
    from gonogo.telemetry.moments import What


class Watched:
    """Passes everything on to `inner`; where somebody is to be told as well, couriers take it there.

    Nothing is imported and no thread started unless settings or the plan name somebody.
    """

    def __init__(self, inner: Listener, settings: Settings, registry: Registry) -> None:
        self._inner = inner
        self._settings = settings
        self._registry = registry
        self._couriers: list[Courier] = []
        self._view: RunView | None = None
        self._started: dict[str, int] = {}
        self._broken: list[str] = []

    def run_started(self, view: RunView) -> None:
        """Find out who is to be told."""
        self._inner.run_started(view)
        self._view = view
        if not (view.plan.notify or self._settings.watched):
            return
        try:
            from gonogo.telemetry.courier import Courier  # only where somebody is to be told
            from gonogo.telemetry.moments import What
            from gonogo.telemetry.ways import ways

            self._couriers = [Courier(way) for way in ways(view.plan, self._settings, self._registry, os.environ)]
            self._give(What.STARTED, view)
        except Exception as error:  # never able to break a run
            self._broken.append(f"nobody is told of this run: gonogo broke over it ({type(error).__name__})")

    def gate_started(self, gate_id: str, attempt: int) -> None:
        """An attempt begins."""
        self._inner.gate_started(gate_id, attempt)
        again = gate_id in self._started  # a further try belongs to what has begun already
        self._started.setdefault(gate_id, attempt)
        if self._couriers and not again:
            from gonogo.telemetry.moments import What

            self._give(What.GATE_STARTED, gate=gate_id, attempt=attempt)

    def gate_output(self, gate_id: str, line: str) -> None:
        """Stays here: what a gate prints is told to nobody else."""
        self._inner.gate_output(gate_id, line)

    def gate_finished(self, verdict: Verdict) -> None:
        """A verdict of this process; those of an earlier one were told by that."""
        self._inner.gate_finished(verdict)
        if self._couriers and verdict.gate in self._started:
            from gonogo.telemetry.moments import What

            self._give(What.GATE_FINISHED, gate=verdict.gate, attempt=self._started[verdict.gate], verdict=verdict)

    def run_waiting(self, view: RunView) -> None:
        """Nothing is left to do but to wait for people."""
        self._inner.run_waiting(view)
        if self._couriers:
            from gonogo.telemetry.moments import What

            self._give(What.WAITING, view)

    def run_finished(self, view: RunView) -> None:
        """The decision, or the end without one."""
        self._inner.run_finished(view)
        if self._couriers:
            from gonogo.telemetry.moments import What

            self._give(What.ENDED, view)

    def untold(self) -> Sequence[str]:
        """Wait for the couriers, a few seconds at most; what could not be sent, and why."""
        lost = [*self._broken, *self._inner.untold()]
        if self._couriers:
            from gonogo.telemetry.courier import close_all

            lost += close_all(self._couriers)
            self._couriers = []
        return lost

    def note(self, text: str) -> None:
        """Stays here; the notes of a run are told with its decision."""
        self._inner.note(text)

    def _give(
        self,
        what: What,
        view: RunView | None = None,
        *,
        gate: str = "",
        attempt: int = 0,
        verdict: Verdict | None = None,
    ) -> None:
        from gonogo.telemetry.moments import Moment, now

        seen = view or self._view
        assert seen is not None, "a run starts before anything happens in it"
        moment = Moment(what, now(), seen, gate, attempt, verdict)
        for courier in self._couriers:
            courier.give(moment)
