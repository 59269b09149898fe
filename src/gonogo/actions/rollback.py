"""Put the last stable release back, on purpose, and forward again. Declared, not built in yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gonogo.model.capture import Capture
from gonogo.plugins import Clause, Context, Phrase, action
from gonogo.probes._facts import flag, not_built_in


@dataclass(frozen=True, slots=True)
class RollbackParams:
    """What to put back."""

    to: str = ""
    """Release to go back to. Empty: the last stable one, as the ledger knows it."""


def _asked(_match: object) -> Mapping[str, Any]:
    return {}


@action(
    "rollback",
    yields=(
        flag("rollback.healthy", "the previous release was healthy after the rollback"),
        flag("rollback.smoke_ok", "the smoke checks passed on the previous release"),
        flag("rollback.forward_ok", "the new release is back, the very same image, and healthy"),
    ),
    clauses=(
        Clause(
            r"previous (?:version|release|tag) (?:is )?healthy ?(?:\+|and|,) ?smoke (?:checks? )?pass(?:es)?",
            ("rollback.healthy", "rollback.smoke_ok", "rollback.forward_ok"),
            "Previous version healthy + smoke pass",
            brings={},
        ),
    ),
    phrases=(
        Phrase(
            r"re-?deploy (?:the )?previous (?:tag|version|release)(?: via .+)?",
            _asked,
            "Redeploy previous tag via compose image override",
        ),
    ),
)
def rollback(_params: RollbackParams, _context: Context) -> Capture:
    """Rehearse the rollback. Declared, not built in yet: it changes nothing and is UNKNOWN."""
    return not_built_in("rollback", "a rollback drill")
