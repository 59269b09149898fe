"""Metrics: does the new release show up. Declared, not built in yet."""

from __future__ import annotations

from dataclasses import dataclass

from gonogo.model.capture import Capture
from gonogo.plugins import Clause, Context, probe
from gonogo.probes._facts import count, flag, not_built_in


@dataclass(frozen=True, slots=True)
class PrometheusParams:
    """What to ask Prometheus."""

    url: str = ""
    """Base URL."""
    metric: str = "app_build_info"
    """The metric whose label names the release."""
    release_label: str = "version"
    """That label."""


@probe(
    "prometheus",
    yields=(
        flag("metrics.version_matches", "every scraped instance names the subject's release"),
        count("metrics.targets_down", "scrape targets that are not up"),
    ),
    clauses=(
        Clause(
            r"(?:new )?(?:app )?version metrics? (?:are |is )?visible",
            ("metrics.version_matches",),
            "New app version metrics visible",
            brings={},
        ),
    ),
)
def prometheus(_params: PrometheusParams, _context: Context) -> Capture:
    """Ask Prometheus which release it sees. Declared, not built in yet: UNKNOWN."""
    return not_built_in("prometheus", "metrics in Prometheus")
