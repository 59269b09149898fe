"""SIGINT, SIGTERM and SIGHUP: the first one ends the run in order, the second one at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from gonogo.engine import leftovers
from gonogo.model.outcome import ExitCode


@dataclass(slots=True)
class Interrupts:
    """Whether somebody told this run to stop, and with which signal."""

    token: str
    """What every process of the run carries."""
    on_first: Callable[[], object]
    signal: int = 0
    _before: dict[int, Any] = field(default_factory=dict)

    @property
    def exit_code(self) -> ExitCode:
        """What the process returns for the signal: 130 or 143."""
        return ExitCode.INTERRUPTED if self.signal == signal.SIGINT else ExitCode.TERMINATED

    def _arrived(self, number: int, _: FrameType | None) -> None:
        if self.signal:
            for pid in leftovers.marked(self.token):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            os._exit(self.exit_code)
        self.signal = number
        self.on_first()

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Listen to the signals inside; only the main thread of a process can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        for wanted in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[wanted] = signal.signal(wanted, self._arrived)
        try:
            yield
        finally:
            for number, handler in self._before.items():
                signal.signal(number, handler)
