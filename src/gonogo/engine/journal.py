"""The ledger and the fold of this run, kept in step: every event goes into both, nothing into one alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from gonogo.ledger import Ledger
from gonogo.ledger.view import Fold
from gonogo.model.run import RunView


class Journal:
    """What happens in one run, written before anybody hears of it."""

    def __init__(self, ledger: Ledger, fold: Fold) -> None:
        self.ledger = ledger
        self.fold = fold

    def record(self, event: str, data: Mapping[str, Any], *, gate: str = "", durable: bool = False) -> None:
        """Write one event; raises what `Ledger.append` raises."""
        self.record_all([(event, gate, data)], durable=durable)

    def record_all(self, entries: Sequence[tuple[str, str, Mapping[str, Any]]], *, durable: bool = False) -> None:
        """Write several events in one transaction."""
        if not entries:
            return
        written = self.ledger.append_all(self.fold.run, list(entries), durable=durable)
        for entry, (event, gate, data) in zip(written, entries, strict=True):
            self.fold.apply(event, gate, data, entry.time, entry.monotonic)

    def together(self) -> AbstractContextManager[None]:
        """Everything recorded within is one transaction; nobody may be told of it before that has ended."""
        return self.ledger.together()

    @property
    def open(self) -> bool:
        """Whether what was recorded last is not yet in the ledger for good."""
        return self.ledger.in_transaction

    def view(self) -> RunView:
        """The run as it stands."""
        return self.fold.view(alive=True)
