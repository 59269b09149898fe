"""The steps of acts on their way into the ledger: a worker waits until the one writer has written each down."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gonogo.errors import OperationError

_LOOK_AROUND = 0.2
"""Seconds between looks whether the writer is still there."""


@dataclass(slots=True)
class ActEntry:
    """One event that a worker wants written before it goes on."""

    gate: str
    event: str
    data: Mapping[str, Any]
    written: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True)
class ActLog:
    """Takes entries from workers to the thread that owns the ledger. Safe to use from several threads."""

    send: Callable[[ActEntry], None] = field(default=lambda _entry: None)
    """Puts an entry before the writer; set by the scheduler."""
    closed: threading.Event = field(default_factory=threading.Event)
    """Nobody writes any more: whoever waits must not act."""

    def write(self, gate: str, event: str, data: Mapping[str, Any]) -> None:
        """Return once the event is in the ledger, on the disk. Raises `OperationError` where it cannot be."""
        entry = ActEntry(gate, event, data)
        self.send(entry)
        while not entry.written.wait(_LOOK_AROUND):
            if self.closed.is_set():
                raise OperationError(
                    f"`{event}` of gate `{gate}` could not be written into the ledger, so nothing was done",
                    help="see why the ledger cannot be written (disk full, another owner), then `gonogo run --resume`",
                )
