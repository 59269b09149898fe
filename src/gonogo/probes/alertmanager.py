"""Alerts: none firing, for long enough, with rules that could fire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.observation import Reading
from gonogo.plugins import Clause, Context, probe
from gonogo.probes import _alerts
from gonogo.probes._alert_source import Alerts
from gonogo.probes._api import Api, no_url
from gonogo.probes._metrics_reading import seen
from gonogo.probes._place import deployed_at, url_of
from gonogo.probes._prometheus import Prometheus
from gonogo.probes._watch import Watch
from gonogo.probes._watch_reading import pace_of, watched


@dataclass(frozen=True, slots=True)
class AlertmanagerParams:
    """Where to ask, and for how long."""

    url: str = ""
    """Base URL of Alertmanager. Empty: the one that the target declares."""
    prometheus: str = ""
    """Base URL of Prometheus, which must agree: an Alertmanager that has just started knows of nothing. Empty: the one
    that the target declares."""
    minutes: float = 0.0
    """Minutes to watch. 0: one look."""
    interval: float = 15.0
    """Seconds between two looks."""
    gap: float = 120.0
    """Seconds without an answer, or without a rule that could fire, after which nothing can be told."""
    health_rules: str = ""
    """Regular expression over name and query of alert rules: which are about health. Empty: those that look so."""
    watchdog: str = ""
    """Name of an alert that always fires, to prove the way; it is not counted, and its absence is UNKNOWN."""
    deployed_at: str = ""
    """When the deploy began, RFC 3339: what fires since then is new. Empty: as the target remembers; where it does not,
    what the first look did not see is new."""
    timeout: float = 10.0
    """Seconds for one request."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers to send. `Authorization` and `Cookie` are secrets."""


def _read(facts: Mapping[str, Any], params: AlertmanagerParams) -> Reading:
    """What fired in all samples; that it was quiet only once the watch has ended."""
    if "samples" not in facts:
        return Reading()
    one = watched(facts)
    found = _alerts.of_samples(one.samples, params, facts["deployed_at"], whole=one.whole)
    observations = list(found.observations)
    if one.told and params.minutes and found.value("alerts.firing") is not None:
        quiet = _alerts.quiet_minutes(one.samples, one.account.begun, one.account.watched, params.watchdog)
        observations.append(seen("alerts.quiet_minutes", quiet))
    looked_once = () if params.minutes else ("looked once: set `minutes` to watch",)
    notes = (*found.notes, *one.notes, *looked_once) if one.whole else ()
    return Reading(tuple(observations), found.findings, notes, one.troubles)


@probe(
    "alertmanager",
    yields=_alerts.YIELDS,
    reader=_read,
    clauses=(
        Clause(
            r"no (?:active|firing) (?:alarms|alerts) (?:after|for|over) (?P<minutes>\d+) ?min(?:ute)?s?"
            r"(?: (?:of )?steady state)?",
            ("alerts.firing == 0", "alerts.quiet_minutes >= {minutes}"),
            "No active alarms after 15 minutes steady state",
            brings={"minutes": "{minutes:number}"},
        ),
        Clause(r"no (?:active|firing) (?:alarms|alerts)", ("alerts.firing == 0",), "no active alerts", brings={}),
        Clause(
            r"(?:check )?health ?check alerts(?: exist)?", ("alerts.rules > 0",), "healthcheck alerts exist", brings={}
        ),
    ),
    takes=lambda params: pace_of(params).longest,
    without=lambda params: () if params.get("minutes") else ("alerts.quiet_minutes",),
)
def alertmanager(params: AlertmanagerParams, context: Context) -> Capture:
    """Look at the alerts once, or watch them for some minutes.

    What fires is what Prometheus says fires, what fired between two looks, and what Alertmanager knows beside it: its
    list alone is empty after each of its starts. Silenced and inhibited alerts count as firing and are told apart, so
    are those that fired before the deploy. Silences made after the deploy, and those that hide everything, are
    findings of their own.

    An empty list proves nothing where no alert rule is loaded, a rule cannot be evaluated or was not yet, a rule that
    was there is gone, or Prometheus sends its alerts to nobody: UNKNOWN. The watch is that of `soak`; it ends early
    when a criterion of the gate is false.
    """
    shown = f"alerts for {params.minutes:g} min" if params.minutes else "alerts"
    url, prometheus = url_of(context, params.url, "alertmanager"), url_of(context, params.prometheus, "prometheus")
    if not url:
        return no_url("alertmanager", shown, "url", "Alertmanager")
    if not prometheus:
        return no_url("alertmanager", shown, "prometheus", "Prometheus, which knows what fires,")
    server = Prometheus(Api.of("Prometheus", prometheus, params, context))
    beside = Api.of("Alertmanager", url, params, context)
    source = Alerts(server, beside, params.health_rules, params.watchdog)
    given = {
        "prometheus": server.api.shown,
        "alertmanager": beside.shown,
        "deployed_at": deployed_at(context, params.deployed_at),
    }
    watch = Watch(context, (source,), pace_of(params), lambda facts: _read(facts, params), given)
    facts = watch.run()
    return Capture("alertmanager", shown, blobs=(context.keep_facts(facts),), troubles=watched(facts).troubles)
