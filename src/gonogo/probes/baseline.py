"""Load against the last stable release's own numbers. Declared, not built in yet."""

from __future__ import annotations

from dataclasses import dataclass

from gonogo.model.capture import Capture
from gonogo.plugins import Clause, Context, probe
from gonogo.probes._facts import measure, not_built_in


@dataclass(frozen=True, slots=True)
class BaselineParams:
    """What to compare with."""

    scenario: str = ""
    """Name of the load scenario; baselines of another one are not comparable."""
    runs: int = 5
    """How many earlier passing runs make the baseline; their median counts."""


@probe(
    "baseline",
    yields=(measure("baseline.p95.change_pct", "change of the 95th percentile against the baseline", "%"),),
    clauses=(
        # "within agreed band" names no band: no clause matches it, and the owner is asked.
        Clause(
            r"(?:baseline )?p95 within (?P<pct>\d+(?:\.\d+)?) ?% of (?:the )?baseline",
            ("baseline.p95.change_pct <= {pct}",),
            "p95 within 10 % of baseline",
            brings={},
        ),
    ),
)
def baseline(_params: BaselineParams, _context: Context) -> Capture:
    """Compare a load test with earlier ones. Declared, not built in yet: UNKNOWN."""
    return not_built_in("baseline", "a baseline of load tests")
