"""Prometheus' HTTP API, version 1: what is asked, and what the answers are cut down to before they are kept.

https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from gonogo.frozen import dataclass
from gonogo.probes._api import Api, Unanswered, part

Labels = dict[str, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """One series of an instant query."""

    labels: Labels
    value: float
    at: float
    """When it was evaluated, on the server's clock; not when it was scraped."""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """The API of one server."""

    api: Api

    def data(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """The `data` of an answer that says success; raises `Unanswered`."""
        answer = self.api.json(path, query)
        if not isinstance(answer, dict) or answer.get("status") != "success":
            raise Unanswered(
                "not-understood", f"{self.api.name} at {self.api.shown} does not answer as Prometheus does"
            )
        return part(answer, "data", of=self.api.name)

    def query(self, expression: str) -> dict[str, Any]:
        """The whole answer to an instant query: `data`, and the warnings that came with it."""
        answer = self.api.json("/api/v1/query", {"query": expression})
        part(answer, "data", "result", of=self.api.name)
        part(answer, "data", "resultType", of=self.api.name)
        return {key: answer[key] for key in ("data", "warnings", "infos") if key in answer}

    def build(self) -> dict[str, str]:
        """Version and revision of the server."""
        data = self.data("/api/v1/status/buildinfo")
        return {key: str(part(data, key, of=self.api.name)) for key in ("version", "revision")}

    def started(self) -> str:
        """When the server started, RFC 3339: its pending alerts count from there."""
        return str(part(self.data("/api/v1/status/runtimeinfo"), "startTime", of=self.api.name))

    def targets(self) -> list[dict[str, str]]:
        """The active scrape targets: job, instance, health, last scrape and its error."""
        active = part(self.data("/api/v1/targets", {"state": "active"}), "activeTargets", of=self.api.name)
        return [_target(target, self.api.name) for target in active]

    def rules(self) -> list[dict[str, Any]]:
        """Every rule that is loaded, without the alerts it has made."""
        groups = part(self.data("/api/v1/rules"), "groups", of=self.api.name)
        return [
            _rule(rule, group, self.api.name) for group in groups for rule in part(group, "rules", of=self.api.name)
        ]

    def alerts(self) -> list[dict[str, Any]]:
        """Its pending and firing alerts, in the order of their labels."""
        found = part(self.data("/api/v1/alerts"), "alerts", of=self.api.name)
        kept = [{key: part(alert, key, of=self.api.name) for key in ("labels", "state", "activeAt")} for alert in found]
        return sorted(kept, key=lambda alert: shown_labels(alert["labels"]))

    def sends_to(self) -> int:
        """How many Alertmanagers it sends its alerts to."""
        return len(part(self.data("/api/v1/alertmanagers"), "activeAlertmanagers", of=self.api.name))


def _target(target: Any, of: str) -> dict[str, str]:
    labels = part(target, "labels", of=of)
    return {
        "job": str(labels.get("job", "")),
        "instance": str(labels.get("instance", "")),
        "health": str(part(target, "health", of=of)),
        "error": str(target.get("lastError", ""))[:300],
        "scraped": str(target.get("lastScrape", "")),
        "every": str(target.get("scrapeInterval", "")),
    }


def _rule(rule: Any, group: Any, of: str) -> dict[str, Any]:
    wanted = {key: part(rule, key, of=of) for key in ("name", "query", "health", "type")}
    return {
        **wanted,
        "for": float(rule.get("duration") or 0),
        "error": str(rule.get("lastError", ""))[:300],
        "evaluated": str(rule.get("lastEvaluation", "")),
        "file": str(group.get("file", "")).rpartition("/")[2],
        "group": str(group.get("name", "")),
    }


def samples(answer: Mapping[str, Any]) -> list[Sample] | None:
    """The series of an instant query's answer, a scalar as one without labels; None for a range or a text."""
    data = answer["data"]
    try:
        if data["resultType"] == "scalar":
            at, value = data["result"]
            return [Sample({}, float(value), float(at))]
        if data["resultType"] != "vector":
            return None
        return [Sample(dict(one["metric"]), float(one["value"][1]), float(one["value"][0])) for one in data["result"]]
    except (KeyError, TypeError, ValueError, IndexError):
        return None


def unusable(found: Sequence[Sample]) -> str:
    """Which value says nothing: NaN is a division of nothing by nothing, infinity one by nothing; empty: none."""
    for sample in found:
        if not math.isfinite(sample.value):
            return f"{shown_labels(sample.labels) or 'the value'} is {sample.value}"
    return ""


def shown_labels(labels: Mapping[str, str]) -> str:
    """Labels as PromQL writes them, in one order: the identity of a series or an alert."""
    rest = {key: value for key, value in labels.items() if key not in {"__name__", "alertname"}}
    name = labels.get("alertname") or labels.get("__name__") or ""
    inner = ",".join(f'{key}="{value}"' for key, value in sorted(rest.items()))
    return f"{name}{{{inner}}}" if inner else name


def seconds_of(text: str) -> float:
    """A Prometheus duration in seconds: `15s`, `1m30s`; 0 for what is none."""
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
    if not re.fullmatch(r"(?:\d+(?:ms|[smhdwy]))+", text):
        return 0.0
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdwy])", text))
