"""Logs: how soon can a line be found. Declared, not built in yet."""

from __future__ import annotations

from dataclasses import dataclass

from gonogo.model.capture import Capture
from gonogo.plugins import Clause, Context, probe
from gonogo.probes._facts import measure, not_built_in

_MINUTES = (1, 2, 3, 5, 10, 15, 30, 60)
"""The bounds in minutes that prose can ask for; another one becomes a question."""


@dataclass(frozen=True, slots=True)
class LokiParams:
    """Where to look for which line."""

    url: str = ""
    """Base URL."""
    selector: str = ""
    """Label selector of the application's log stream: `{service="backend"}`."""


@probe(
    "loki",
    yields=(measure("logs.indexed_seconds", "from a line written to the same line found", "s"),),
    clauses=tuple(
        Clause(
            rf"logs (?:are )?(?:indexed|visible|found)(?: in loki)? (?:≤|<=|within|in under) ?{minutes} ?min(?:ute)?s?",
            (f"logs.indexed_seconds <= {60 * minutes}",),
            f"logs indexed in Loki ≤ {minutes} minutes",
            brings={},
        )
        for minutes in _MINUTES
    ),
)
def loki(_params: LokiParams, _context: Context) -> Capture:
    """Write a marked line and wait until Loki finds it. Declared, not built in yet: UNKNOWN."""
    return not_built_in("loki", "logs in Loki")
