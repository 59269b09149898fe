"""The one durable store: append-only, chained events in one SQLite file; views for reading."""

from __future__ import annotations

from gonogo.ledger.lease import Holder, Lease
from gonogo.ledger.store import Event, Ledger, Verified, new_run_id

__all__ = ["Event", "Holder", "Lease", "Ledger", "Verified", "new_run_id"]
