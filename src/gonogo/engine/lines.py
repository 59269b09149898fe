"""What gates print while they run, on its way to whoever watches."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Lines:
    """The latest line of each gate, passed from workers to the main thread without piling up."""

    inbox: queue.SimpleQueue[Any]
    """Where the name of a gate goes that has a new line."""
    latest: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, gate: str) -> Callable[[str], None]:
        """What the worker of `gate` calls with each line."""

        def told(line: str) -> None:
            with self.lock:
                waiting = gate in self.latest
                self.latest[gate] = line
            if not waiting:
                self.inbox.put(gate)

        return told

    def take(self, gate: str) -> str:
        """The line to show now."""
        with self.lock:
            return self.latest.pop(gate, "")
