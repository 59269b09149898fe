"""The turn of one process at the ledger: whoever has it may write, and nobody else."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gonogo.engine import recover
from gonogo.errors import IntegrityError
from gonogo.ledger import Ledger


def whole(ledger: Ledger) -> None:
    """Raise `IntegrityError` where the ledger was altered."""
    verified = ledger.verify()
    if not verified.sound:
        raise IntegrityError(
            f"the ledger `{ledger.path}` was altered: {verified.problems[0]}",
            help="keep it for whoever looks into that, move it away, and run anew",
        )


@contextmanager
def lease(ledger: Ledger, run_id: str, root: Path) -> Iterator[dict[str, Any]]:
    """Hold the right to write, with what a killed run left put in order; gives what the first event says of us.

    Raises what `Ledger.take` raises.
    """
    holder = ledger.take(run_id)
    scratch = Path(tempfile.mkdtemp(prefix=f"{recover.SCRATCH_PREFIX}{run_id}-"))
    try:
        recover.tidy(ledger, root)
        yield {"holder": holder.data(), "scratch": str(scratch)}
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        ledger.give_back()
