"""Alerts: none firing, for long enough, with rules that could fire. Declared, not built in yet."""

from __future__ import annotations

from dataclasses import dataclass

from gonogo.model.capture import Capture
from gonogo.plugins import Clause, Context, probe
from gonogo.probes._facts import count, measure, not_built_in


@dataclass(frozen=True, slots=True)
class AlertmanagerParams:
    """Where to ask."""

    url: str = ""
    """Base URL of Alertmanager."""
    prometheus: str = ""
    """Base URL of Prometheus, which must agree: an Alertmanager that has just started knows of nothing."""


@probe(
    "alertmanager",
    yields=(
        count("alerts.firing", "alerts that fired within the window, silenced ones included", "firing"),
        measure("alerts.quiet_minutes", "minutes without a firing alert, gaps not counted", "min"),
        count("alerts.rules", "alert rules on health that are loaded and work"),
    ),
    clauses=(
        Clause(
            r"no (?:active|firing) (?:alarms|alerts) (?:after|for|over) (?P<minutes>\d+) ?min(?:ute)?s?"
            r"(?: (?:of )?steady state)?",
            ("alerts.firing == 0", "alerts.quiet_minutes >= {minutes}"),
            "No active alarms after 15 minutes steady state",
            brings={},
        ),
        Clause(r"no (?:active|firing) (?:alarms|alerts)", ("alerts.firing == 0",), "no active alerts", brings={}),
        Clause(
            r"(?:check )?health ?check alerts(?: exist)?", ("alerts.rules > 0",), "healthcheck alerts exist", brings={}
        ),
    ),
)
def alertmanager(_params: AlertmanagerParams, _context: Context) -> Capture:
    """Watch the alerts over a window. Declared, not built in yet: UNKNOWN."""
    return not_built_in("alertmanager", "alerts")
