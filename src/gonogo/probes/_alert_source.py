"""Alerts as a source of a watch: Prometheus says what fires, Alertmanager beside it what hides it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.observation import Trouble
from gonogo.probes._api import Api, Unanswered, moment, part
from gonogo.probes._metrics_reading import unknown
from gonogo.probes._prometheus import Prometheus, samples, shown_labels
from gonogo.probes._promql import name_of, selectors
from gonogo.probes._watch import Seen

HEALTH = r"\bup\b|\bprobe_success\b|health|absent\(|down\b|unreachable"
"""Which alert rules are about health, by name or query, unless the call says otherwise."""
_ALERTS = {"active": "true", "silenced": "true", "inhibited": "true", "unprocessed": "true"}


@dataclass(frozen=True, slots=True)
class Alerts:
    """What fires, pends, and is hidden; with the rules that could fire."""

    prometheus: Prometheus
    alertmanager: Api | None
    health: str = ""
    """Regular expression over name and query of a rule: those it finds are about health."""
    watchdog: str = ""
    """Name of an alert that always fires."""

    @property
    def name(self) -> str:
        """What it is called in the facts."""
        return "alerts"

    def look(self, back: float) -> Seen:
        """Ask both; raises `Unanswered` where one of them does not answer."""
        prometheus, beside = self.prometheus, self._alertmanager()
        rules = [rule for rule in prometheus.rules() if rule["type"] == "alerting"]
        data = {
            "alerts": prometheus.alerts(),
            "past": self._past(back),
            "rules": self._rules(rules),
            "sends_to": prometheus.sends_to(),
            "alertmanager": beside,
        }
        started = {"Prometheus": prometheus.started()}
        if beside is not None:
            started["Alertmanager"] = str(beside.pop("started"))
        return Seen(data, started)

    def _past(self, back: float) -> list[dict[str, str]]:
        """Alerts that fired at any moment since the last look, though they may not do so any more."""
        if back < 1:
            return []
        answer = self.prometheus.query(f'max_over_time(ALERTS{{alertstate="firing"}}[{int(back)}s])')
        hidden = {"__name__", "alertstate"}
        found = [{k: v for k, v in one.labels.items() if k not in hidden} for one in samples(answer) or ()]
        return sorted(found, key=shown_labels)

    def _rules(self, rules: list[dict[str, Any]]) -> dict[str, Any]:
        """What matters of the alert rules: their names, those that cannot fire, those that are about health."""
        pattern = re.compile(self.health or HEALTH, re.IGNORECASE)
        health = [rule for rule in rules if pattern.search(f"{rule['name']} {rule['query']}")]
        idle = {rule["name"]: self._watches_nothing(str(rule["query"])) for rule in health}
        never = [rule["name"] for rule in rules if rule["health"] == "unknown" or moment(rule["evaluated"]) is None]
        return {
            "names": sorted(f"{rule['group']}/{rule['name']}" for rule in rules),
            "broken": [[rule["name"], rule["error"]] for rule in rules if rule["health"] == "err"],
            "unevaluated": never,
            "health": sorted(rule["name"] for rule in health if rule["health"] == "ok" and not idle[rule["name"]]),
            "idle": [[name, selector] for name, selector in idle.items() if selector],
            "longest_for": max((rule["for"] for rule in rules), default=0.0),
        }

    def _watches_nothing(self, query: str) -> str:
        """A selector of the query that no series answers, so that the rule can never fire; empty: there is none.

        `absent(…)` means to find nothing, and a count of errors may have no series while all is well: only `up` and
        `probe_success` are asked with their labels, other metrics by name.
        """
        if "absent" in query:
            return ""
        for selector in selectors(query):
            name = name_of(selector)
            asked = selector if name in {"up", "probe_success"} or not name else name
            try:
                found = samples(self.prometheus.query(f"count({asked})"))
            except Unanswered as unanswered:
                if unanswered.trouble.slug != "refused":
                    raise
                continue  # a piece of PromQL that is not read right is no reason to doubt the rule
            if not found:
                return asked
        return ""

    def _alertmanager(self) -> dict[str, Any] | None:
        """Its alerts and silences, and since when it runs. Its configuration holds passwords and is never kept."""
        api = self.alertmanager
        if api is None:
            return None
        status = api.json("/api/v2/status")
        alerts, silences = api.json("/api/v2/alerts", _ALERTS), api.json("/api/v2/silences")
        if not isinstance(alerts, list) or not isinstance(silences, list):
            message = f"{api.name} at {api.shown} does not answer as Alertmanager does"
            raise Unanswered("not-understood", message, "see who answers there")
        return {
            "started": part(status, "uptime", of=api.name),
            "version": part(status, "versionInfo", "version", of=api.name),
            "alerts": sorted((_alert(one, api.name) for one in alerts), key=lambda a: shown_labels(a["labels"])),
            "silences": [_silence(one, api.name) for one in silences if one["status"]["state"] == "active"],
        }

    def doubt(self, first: Mapping[str, Any], data: Mapping[str, Any]) -> Trouble | None:
        """Why an empty list proves nothing: no rule that could fire, or nobody who would be told."""
        return _of_rules(first["rules"], data["rules"]) or self._of_the_way(data)

    def _of_the_way(self, data: Mapping[str, Any]) -> Trouble | None:
        beside = data["alertmanager"]
        if beside is not None and not data["sends_to"]:
            message = "Prometheus sends its alerts to no Alertmanager: its empty list says nothing"
            return unknown("not-sent", message, "mend `alerting:` in the configuration of Prometheus")
        firing = {alert["labels"].get("alertname") for alert in data["alerts"] if alert["state"] == "firing"}
        if self.watchdog and self.watchdog not in firing:
            message = f"alert `{self.watchdog}`, which always fires, does not fire"
            return unknown("watchdog-silent", message, "see why its rule is not evaluated")
        known = {alert["labels"].get("alertname") for alert in (beside or {}).get("alerts", ())}
        if self.watchdog and beside is not None and self.watchdog not in known:
            message = f"Alertmanager has not heard of `{self.watchdog}`, which always fires"
            return unknown("watchdog-silent", message, "wait a minute if it has just started, else see what it is sent")
        return None


def _of_rules(first: Mapping[str, Any], rules: Mapping[str, Any]) -> Trouble | None:
    if not rules["names"]:
        message = "no alert rule is loaded: nothing can fire"
        return unknown("no-rules", message, "load the rule files of Prometheus")
    gone = sorted(set(first["names"]) - set(rules["names"]))
    if gone:
        shown = ", ".join(f"`{name}`" for name in gone[:5])
        return unknown("rules-removed", f"alert rule {shown} was loaded before, and is gone", "load it again")
    if rules["broken"]:
        name, error = rules["broken"][0]
        return unknown("rule-broken", f"alert rule `{name}` cannot be evaluated: {error}", f"mend rule `{name}`")
    if rules["unevaluated"]:
        name = rules["unevaluated"][0]
        return unknown("rule-unevaluated", f"alert rule `{name}` has not been evaluated yet", "wait for its interval")
    return None


def _alert(alert: Any, of: str) -> dict[str, Any]:
    status = part(alert, "status", of=of)
    return {
        "labels": part(alert, "labels", of=of),
        "since": part(alert, "startsAt", of=of),
        "silenced_by": list(status.get("silencedBy") or ()),
        "inhibited_by": list(status.get("inhibitedBy") or ()),
    }


def _silence(silence: Any, of: str) -> dict[str, Any]:
    kept = {key: part(silence, key, of=of) for key in ("id", "comment", "createdBy", "startsAt", "endsAt", "matchers")}
    return {**kept, "updatedAt": silence.get("updatedAt", kept["startsAt"])}
