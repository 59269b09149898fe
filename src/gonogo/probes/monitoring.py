"""The monitoring stack: healthy by its own APIs. Declared, not built in yet."""

from __future__ import annotations

from dataclasses import dataclass

from gonogo.model.capture import Capture
from gonogo.plugins import Clause, Context, probe
from gonogo.probes._facts import flag, not_built_in


@dataclass(frozen=True, slots=True)
class MonitoringParams:
    """Where its parts answer."""

    prometheus: str = ""
    """Base URL."""
    grafana: str = ""
    """Base URL."""
    loki: str = ""
    """Base URL."""


@probe(
    "monitoring",
    yields=(
        flag("prometheus.healthy", "Prometheus is ready, by its own API"),
        flag("grafana.healthy", "Grafana and its database are up, by its own API"),
        flag("loki.healthy", "Loki is ready, by its own API"),
    ),
    clauses=(
        Clause(
            r"prometheus ?[/,] ?grafana ?(?:[/,]|,? and) ?loki (?:are )?(?:healthy|up)",
            ("prometheus.healthy", "grafana.healthy", "loki.healthy"),
            "Prometheus/Grafana/Loki healthy",
            brings={},
        ),
        *(
            Clause(rf"{name} (?:is )?(?:healthy|up)", (f"{name.lower()}.healthy",), f"{name} healthy", brings={})
            for name in ("Prometheus", "Grafana", "Loki")
        ),
    ),
)
def monitoring(_params: MonitoringParams, _context: Context) -> Capture:
    """Ask Prometheus, Grafana and Loki how they are. Declared, not built in yet: UNKNOWN."""
    return not_built_in("monitoring", "Prometheus, Grafana and Loki")
