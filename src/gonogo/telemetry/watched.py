"""The listener that tells others of a run, in front of the one that tells the person at the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gonogo.config import Settings
from gonogo.engine.listener import Listener
from gonogo.model.run import RunView
from gonogo.model.verdict import Verdict
from gonogo.plugins import Registry

if TYPE_CHECKING:
    from gonogo.telemetry.office import Office


class Watched:
    """Passes everything on to `inner`; where somebody is to be told as well, tells them, whatever comes of it.

    Nothing is imported and no thread started unless settings or the plan name somebody.
    """

    def __init__(self, inner: Listener, settings: Settings, registry: Registry) -> None:
        self._inner = inner
        self._settings = settings
        self._registry = registry
        self._office: Office | None = None
        self._broken: list[str] = []

    def run_started(self, view: RunView) -> None:
        """Find out who is to be told."""
        self._inner.run_started(view)
        if view.plan.notify or self._settings.watched:
            self._safely(lambda: self._open(view))

    def _open(self, view: RunView) -> None:
        from gonogo.telemetry.office import Office  # only where somebody is to be told

        self._office = Office(view, self._settings, self._registry)

    def gate_started(self, gate_id: str, attempt: int) -> None:
        """An attempt begins."""
        self._inner.gate_started(gate_id, attempt)
        self._tell(lambda office: office.gate_started(gate_id, attempt))

    def gate_output(self, gate_id: str, line: str) -> None:
        """Stays here: what a gate prints is told to nobody else."""
        self._inner.gate_output(gate_id, line)

    def gate_finished(self, verdict: Verdict) -> None:
        """A gate has its verdict."""
        self._inner.gate_finished(verdict)
        self._tell(lambda office: office.gate_finished(verdict))

    def run_waiting(self, view: RunView) -> None:
        """Nothing is left to do but to wait for people."""
        self._inner.run_waiting(view)
        self._tell(lambda office: office.waiting(view))

    def run_finished(self, view: RunView) -> None:
        """The decision, or the end without one."""
        self._inner.run_finished(view)
        self._tell(lambda office: office.ended(view))

    def untold(self) -> Sequence[str]:
        """Wait a few seconds at most for what is under way; what could not be sent, and why."""
        lost: list[str] = [*self._inner.untold()]
        self._tell(lambda office: lost.extend(office.close()))
        return [*lost, *self._broken]

    def note(self, text: str) -> None:
        """Stays here; the notes of a run are told with its decision."""
        self._inner.note(text)

    def _tell(self, tell: Callable[[Office], None]) -> None:
        office = self._office
        if office is not None:
            self._safely(lambda: tell(office))

    def _safely(self, act: Callable[[], None]) -> None:
        """Do it; what breaks here is a note and never breaks the run. An error's own text may hold anything."""
        try:
            act()
        except Exception as error:
            text = f"others were not told of this run: gonogo broke over it ({type(error).__name__})"
            if text not in self._broken:
                self._broken.append(text)
