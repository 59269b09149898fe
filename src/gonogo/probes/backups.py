"""Backups: is there a fresh one that was restored, and is it still byte for byte what was restored."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import Clause, Context, probe
from gonogo.probes import _backups


@dataclass(frozen=True, slots=True)
class BackupsParams:
    """Which backup."""

    path: str = ""
    """File of the dump, relative to the repository. Empty: the newest one that gonogo knows of this target."""
    max_age: float = 3600.0
    """Seconds after which a backup of an earlier run is too old to go back to."""


@probe(
    "backups",
    yields=_backups.OBSERVED,
    reader=_backups.read_backup,
    clauses=(
        Clause(
            r"(?:db |database )?backup (?:artifact|file|dump)? ?(?:exists|is there|present)",
            ("backup.exists", "backup.fresh", "backup.restored"),
            "Backup artifact exists",
            brings={},
        ),
    ),
)
def backups(params: BackupsParams, context: Context) -> Capture:
    """Look at the newest backup of the target: is it there, fresh, and was it restored.

    Nothing is restored here: the action `backup` does that, and keeps a record. This looks whether the file is still
    byte for byte the one that was restored, and how old it is. A dump that gonogo never restored exists, and no more.
    """
    shown = f"the backup in {params.path}" if params.path else "the newest backup of the target"
    known = _backups.records(_backups.folder(context))
    if params.path:
        return _of_path(params, context, known, shown)
    if not known:
        trouble = Trouble(
            Outcome.UNKNOWN,
            "no-backup",
            f"gonogo knows of no backup of target `{context.target}`",
            "make one with the action `backup`, or name its file with `path:`",
        )
        return Capture("backups", shown, blobs=(context.keep_facts({}),), troubles=(trouble,))
    mine = [record for record in known if record.get("run") == context.run_id]
    return _told(context, shown, (mine or known)[-1], params.max_age)


def _of_path(params: BackupsParams, context: Context, known: list[dict[str, Any]], shown: str) -> Capture:
    file = context.root / params.path
    if not file.is_file():
        return Capture("backups", shown, blobs=(context.keep_facts({"exists": False}),))
    record = next((one for one in reversed(known) if Path(one["file"]) == file), None)
    if record is not None:
        return _told(context, shown, record, params.max_age)
    status = file.stat()
    unproved = {"name": file.name, "level": 0, "bytes": status.st_size}
    facts = {
        "exists": True,
        "fresh": time.time() - status.st_mtime <= params.max_age,
        "backup": unproved,
        "notes": ["gonogo has never restored it: let the action `backup` do so"],
    }
    return Capture("backups", shown, blobs=(context.keep_facts(facts),))


def _told(context: Context, shown: str, record: dict[str, Any], max_age: float) -> Capture:
    if not Path(record["file"]).is_file():
        facts: dict[str, Any] = {"exists": False, "notes": [f"`{record['name']}` is gone"]}
        return Capture("backups", shown, blobs=(context.keep_facts(facts),))
    same = _backups.intact(record)
    age = time.time() - datetime.fromisoformat(record["made"]).timestamp()
    facts = {
        "exists": True,
        "fresh": record.get("run") == context.run_id or age <= max_age,
        "backup": record if same else {**record, "level": 0},
        "notes": [] if same else [f"`{record['name']}` has other bytes now than when it was restored"],
    }
    return Capture("backups", shown, blobs=(context.keep_facts(facts),))
