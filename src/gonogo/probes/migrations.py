"""Migrations: which are pending, and which cannot be undone. Declared, not built in yet."""

from __future__ import annotations

from dataclasses import dataclass

from gonogo.model.capture import Capture
from gonogo.plugins import Clause, Context, probe
from gonogo.probes._facts import count, not_built_in


@dataclass(frozen=True, slots=True)
class MigrationsParams:
    """Which migrations."""

    path: str = ""
    """Folder of the migrations. Empty: `prisma/migrations`, at the root or in a workspace."""
    since: str = ""
    """Commit of the last stable release. Empty: as the ledger knows it."""


@probe(
    "migrations",
    yields=(
        count("migrations.pending", "migrations that are not applied", "pending"),
        count(
            "migrations.irreversible",
            "migrations since the last stable release that old code cannot live with",
            "irreversible",
        ),
    ),
    clauses=(
        Clause(
            r"(?:db |database )?migrat(?:e|ions?) (?:exits? 0|succeeds?|\(exit 0\))",
            ("exit == 0", "migrations.pending == 0"),
            "migrate exit 0",
            brings={},
        ),
        Clause(
            r"if migrations are (?:non[-\u2010\u2011]?reversible|irreversible), document impact",
            ("migrations.irreversible == 0",),
            "If migrations are non-reversible, document impact",
            documented=True,
            brings={},
        ),
    ),
)
def migrations(_params: MigrationsParams, _context: Context) -> Capture:
    """Look at the database's migrations. Declared, not built in yet: UNKNOWN."""
    return not_built_in("migrations", "migrations")
