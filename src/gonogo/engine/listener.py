"""Who is told what happens while it happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gonogo.model.run import RunView
from gonogo.model.verdict import Verdict


class Listener(Protocol):
    """Told by the thread that called `run`, one call at a time; an exception in it ends the run as a bug would."""

    def run_started(self, view: RunView) -> None:
        """The run is in the ledger and about to begin, or to go on."""

    def gate_started(self, gate_id: str, attempt: int) -> None:
        """An attempt begins; attempts count from 1."""

    def gate_output(self, gate_id: str, line: str) -> None:
        """The latest line a gate printed, redacted. Not every line: when many come, the last one of them."""

    def gate_finished(self, verdict: Verdict) -> None:
        """A gate has its verdict, and the ledger has it too."""

    def run_waiting(self, view: RunView) -> None:
        """Nothing is left to do but to wait for people's words."""

    def run_finished(self, view: RunView) -> None:
        """The run is decided, or was told to stop."""

    def untold(self) -> Sequence[str]:
        """What could not be told to others, and why; asked once, after `run_finished`, and kept with the run."""

    def note(self, text: str) -> None:
        """Something about the run as a whole."""


class Silent:
    """Listens to nothing."""

    def run_started(self, view: RunView) -> None:
        """Nothing."""

    def gate_started(self, gate_id: str, attempt: int) -> None:
        """Nothing."""

    def gate_output(self, gate_id: str, line: str) -> None:
        """Nothing."""

    def gate_finished(self, verdict: Verdict) -> None:
        """Nothing."""

    def run_waiting(self, view: RunView) -> None:
        """Nothing."""

    def run_finished(self, view: RunView) -> None:
        """Nothing."""

    def untold(self) -> Sequence[str]:
        """Nothing."""
        return ()

    def note(self, text: str) -> None:
        """Nothing."""
