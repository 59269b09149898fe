"""What a killed run left behind, tidied before the next begins: processes, files aside, checkouts, raw reports."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from gonogo.engine import aside, leftovers, worktree
from gonogo.engine.order import attempt_token
from gonogo.errors import Refused
from gonogo.ledger import Ledger
from gonogo.ledger.view import Begun, Fold, fold

SCRATCH_PREFIX = "gonogo-"


def tidy(ledger: Ledger, root: Path) -> None:
    """Put in order what the last run left, where it did not end by itself. Call it with the lease in hand.

    Raises:
        Refused: An act of that run is still at work; nothing may run beside it.
    """
    last = ledger.last_run()
    if not last or not ledger.unfinished(last):
        return
    left = fold(ledger.events(last), last, nouns=False)
    for gate, begun in left.begun.items():
        token = attempt_token(left.run, gate, begun.attempt)
        working = leftovers.marked(token)
        if begun.acts and working:
            raise Refused(
                f"gate `{gate}` of run {left.run} acts, and its process still runs: pid {working[0]}",
                help="wait until it has ended, or end it yourself",
            )
        leftovers.sweep(token)
        _put_back(begun)
    _remove_places(left, root)


def _put_back(begun: Begun) -> None:
    for path, kept in begun.aside:
        aside.put_back(aside.Moved(path, kept), Path(begun.root))


def _remove_places(left: Fold, root: Path) -> None:
    for place in left.places:
        path = Path(place)
        if path.parent == Path(tempfile.gettempdir()) and path.name.startswith(SCRATCH_PREFIX):
            shutil.rmtree(path, ignore_errors=True)
    for begun in left.begun.values():
        if Path(begun.root) != root and "worktrees" in Path(begun.root).parts:
            worktree.remove(root, Path(begun.root))
