"""Backups: is there a fresh one, and was it restored. Declared, not built in yet."""

from __future__ import annotations

from dataclasses import dataclass

from gonogo.model.capture import Capture
from gonogo.plugins import Clause, Context, probe
from gonogo.probes._facts import flag, not_built_in


@dataclass(frozen=True, slots=True)
class BackupsParams:
    """Which backup."""

    path: str = ""
    """Folder or file. Empty: what the gate's own backup wrote."""
    max_age: float = 3600.0
    """Seconds after which a backup is too old to go back to."""


@probe(
    "backups",
    yields=(
        flag("backup.exists", "a backup is there"),
        flag("backup.fresh", "it was made in this attempt, or within its age limit"),
        flag("backup.restored", "it was restored into a scratch database, and the counts match"),
    ),
    clauses=(
        Clause(
            r"backup (?:artifact|file|dump)? ?(?:exists|is there|present)",
            ("backup.exists", "backup.fresh", "backup.restored"),
            "Backup artifact exists",
            brings={},
        ),
    ),
)
def backups(_params: BackupsParams, _context: Context) -> Capture:
    """Look at the newest backup. A backup counts once it has been restored. Declared, not built in yet: UNKNOWN."""
    return not_built_in("backups", "backups")
