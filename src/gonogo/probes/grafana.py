"""Dashboards as pictures. Declared, not built in yet."""

from __future__ import annotations

from dataclasses import dataclass

from gonogo.model.capture import Capture
from gonogo.plugins import Clause, Context, probe
from gonogo.probes._facts import count, not_built_in


@dataclass(frozen=True, slots=True)
class GrafanaParams:
    """Which dashboards."""

    url: str = ""
    """Base URL."""
    dashboards: tuple[str, ...] = ()
    """Their uids."""


@probe(
    "grafana",
    yields=(
        count("dashboards.pictured", "dashboards with a real picture"),
        count("dashboards.placeholders", "pictures that only say that there is none", "placeholder"),
    ),
    clauses=(
        Clause(
            r"(?:grafana )?dashboard (?:screenshots?|pictures?)|grafana (?:screenshots?|pictures?)",
            (),  # it asks nothing: pictures are evidence
            "Grafana dashboard screenshots",
            brings={},
        ),
    ),
)
def grafana(_params: GrafanaParams, _context: Context) -> Capture:
    """Take pictures of dashboards. Declared, not built in yet: UNKNOWN."""
    return not_built_in("grafana", "dashboards")
