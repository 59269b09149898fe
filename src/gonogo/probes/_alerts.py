"""Samples of alerts -> observations: what fired, what was new, what was hidden and by whom. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gonogo.model.observation import Finding, Observation, ObservationType, Reading
from gonogo.probes._account import Sampled, elapsed
from gonogo.probes._api import clock_text, moment
from gonogo.probes._facts import count, measure
from gonogo.probes._metrics_reading import SKEW, seen
from gonogo.probes._prometheus import shown_labels

YIELDS: tuple[ObservationType, ...] = (
    count("alerts.firing", "alerts that fired within the window, silenced ones included", "firing", "new"),
    count("alerts.new", "of them, those that did not fire before the deploy, or at the first look", "new"),
    count("alerts.silenced", "of them, those that a silence hides"),
    count("alerts.inhibited", "of them, those that another alert hides"),
    count("alerts.pending", "alerts that would fire soon, at the last look"),
    measure("alerts.quiet_minutes", "minutes without a firing alert, gaps not counted", "min"),
    count("alerts.rules", "alert rules on health that are loaded and work"),
    count("silences.active", "silences in force at any look"),
    count("silences.fresh", "of them, those made after the deploy began, or after the first look", "fresh"),
    count("silences.blanket", "of them, those that hide everything, or everything of one severity", "blanket"),
)
_PROBE_VALUES = ("gonogo-is-not-a-name", "x", "0.0.0.0:1")
"""What a matcher that lets everything through lets through."""


@dataclass(slots=True)
class Alert:
    """One alert over the whole watch, by its labels."""

    labels: Mapping[str, str]
    since: str = ""
    at_first: bool = False
    """It fired at the first look already."""
    silenced_by: str = ""
    inhibited: bool = False

    @property
    def id(self) -> str:
        """Its name and labels: the same in each run."""
        return shown_labels(self.labels)

    def new(self, deployed: float | None) -> bool:
        """Whether it began after the deploy; where that moment is not known, after the first look."""
        began = moment(self.since)
        if deployed is None or began is None:
            return not self.at_first
        return began >= deployed - SKEW


def of_samples(samples: Sequence[Sampled], params: Any, deployed_at: str, *, whole: bool) -> Reading:
    """What the samples say of alerts; `whole`: the watch has ended, so that also what it took its length for is told.

    Without a sample that saw the alerts nothing is said; rules are counted in each sample that saw them.
    """
    looked = [sample for sample in samples if "alerts" in sample["seen"]]
    good = [sample for sample in looked if not sample["why"]]
    observations = _rules(looked)
    alerts = [one for one in _fired(looked).values() if one.labels.get("alertname") != params.watchdog]
    if not good and not alerts:
        return Reading(tuple(observations))
    good = good or looked  # what fires does so, whatever else was not seen
    deployed = moment(deployed_at)
    new = [one for one in alerts if one.new(deployed)]
    observations += [seen("alerts.firing", len(alerts)), seen("alerts.new", len(new))]
    if good[0]["seen"]["alerts"]["alertmanager"] is not None:
        observations.append(seen("alerts.silenced", sum(bool(one.silenced_by) for one in alerts)))
        observations.append(seen("alerts.inhibited", sum(one.inhibited for one in alerts)))
    of_silences, hidden, told = _silences(good, deployed)
    last = good[-1]["seen"]["alerts"]
    pending = [alert for alert in last["alerts"] if alert["state"] == "pending"]
    if whole:
        observations.append(seen("alerts.pending", len(pending)))
    notes = (*told, *_notes(last, pending, params)) if whole else ()
    findings = [*(_finding(one, new=one in new) for one in alerts), *hidden]
    return Reading((*observations, *of_silences), tuple(findings), notes)


def _rules(looked: Sequence[Sampled]) -> list[Observation]:
    """The fewest health rules that were there at any look."""
    return [seen("alerts.rules", min(len(s["seen"]["alerts"]["rules"]["health"]) for s in looked))] if looked else []


# --- what fired ----------------------------------------------------------------------------------------------


def _fired(looked: Sequence[Sampled]) -> dict[str, Alert]:
    """Every alert that fired at any look, or between two, by its labels."""
    fired: dict[str, Alert] = {}
    for index, sample in enumerate(looked):
        for alert in firing(sample):
            known = fired.setdefault(alert.id, alert)
            known.at_first = known.at_first or index == 0
            known.since = known.since or alert.since
            known.silenced_by = known.silenced_by or alert.silenced_by
            known.inhibited = known.inhibited or alert.inhibited
    return fired


def firing(sample: Sampled) -> list[Alert]:
    """What fires in one sample: by Prometheus, between the looks, and whatever else Alertmanager was told."""
    data = sample["seen"]["alerts"]
    beside = data["alertmanager"]
    silences = {one["id"]: one for one in beside["silences"]} if beside else {}
    found = {}
    for one in data["alerts"]:
        if one["state"] == "firing":
            alert = Alert(one["labels"], one["activeAt"])
            found[alert.id] = alert
    for labels in data["past"]:
        found.setdefault(shown_labels(labels), Alert(labels))
    for told in beside["alerts"] if beside else ():
        names = told["labels"].items()
        # Prometheus adds its external labels to what it sends.
        same = next((one for one in found.values() if one.labels.items() <= names), None)
        alert = same or found.setdefault(shown_labels(told["labels"]), Alert(told["labels"], told["since"]))
        alert.silenced_by = alert.silenced_by or _by(told["silenced_by"], silences)
        alert.inhibited = alert.inhibited or bool(told["inhibited_by"])
    return list(found.values())


def _by(ids: Iterable[str], silences: Mapping[str, Any]) -> str:
    for id_ in ids:
        one = silences.get(id_)
        return f"{one['createdBy']} until {one['endsAt']}: {one['comment']}" if one else f"silence {id_}"
    return ""


def _finding(alert: Alert, *, new: bool) -> Finding:
    began = moment(alert.since)
    when = f" since {clock_text(began)}" if began else ""
    message = f"{alert.id} fires{when}, " + ("new" if new else "as it did before")
    if alert.silenced_by:
        message += f", silenced by {alert.silenced_by}"
    elif alert.inhibited:
        message += ", inhibited by another alert"
    return Finding("alerts", alert.id, "new" if new else "firing", message)


# --- silences ------------------------------------------------------------------------------------------------


def _silences(
    good: Sequence[Sampled], deployed: float | None
) -> tuple[list[Observation], list[Finding], tuple[str, ...]]:
    """Silences that were in force at any look: all, those made late, those that hide too much."""
    views = [sample["seen"]["alerts"]["alertmanager"] for sample in good]
    if any(view is None for view in views):
        return [], [], ("silences were not looked at: no Alertmanager is given",)
    at_first = {one["id"] for one in views[0]["silences"]}
    every = {one["id"]: one for view in views for one in view["silences"]}
    fresh = [one for one in every.values() if _made_late(one, at_first, deployed)]
    blanket = [one for one in every.values() if _hides_too_much(one["matchers"])]
    observations = [
        seen("silences.active", len(every)),
        seen("silences.fresh", len(fresh)),
        seen("silences.blanket", len(blanket)),
    ]
    findings = [Finding("silences", _matchers(one), "fresh", f"made after the deploy: {_told(one)}") for one in fresh]
    findings += [Finding("silences", _matchers(one), "blanket", f"hides everything: {_told(one)}") for one in blanket]
    return observations, findings, tuple(f"silence in force: {_told(one)}" for one in every.values())


def _made_late(silence: Mapping[str, Any], at_first: set[str], deployed: float | None) -> bool:
    made = moment(silence["updatedAt"])
    if deployed is not None and made is not None:
        return made >= deployed - SKEW
    return silence["id"] not in at_first


def _told(silence: Mapping[str, Any]) -> str:
    who, until = silence["createdBy"], silence["endsAt"]
    return f"{_matchers(silence)} by {who} until {until}: {silence['comment']}"


def _matchers(silence: Mapping[str, Any]) -> str:
    signs = {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}
    return ",".join(
        f'{m["name"]}{signs[bool(m.get("isEqual", True)), bool(m["isRegex"])]}"{m["value"]}"'
        for m in sorted(silence["matchers"], key=lambda m: str(m["name"]))
    )


def _hides_too_much(matchers: Sequence[Mapping[str, Any]]) -> bool:
    """Whether nothing narrows a silence, or a severity alone."""
    return all(m["name"] == "severity" or all(_lets_through(m, value) for value in _PROBE_VALUES) for m in matchers)


def _lets_through(matcher: Mapping[str, Any], value: str) -> bool:
    import re2  # type: ignore[import-untyped]  # heavy; and linear, whatever pattern somebody wrote

    wanted = bool(matcher.get("isEqual", True))
    if not matcher["isRegex"]:
        return (value == matcher["value"]) is wanted
    try:
        return (re2.fullmatch(matcher["value"], value) is not None) is wanted
    except re2.error:
        return False


# --- quiet ---------------------------------------------------------------------------------------------------


def quiet_minutes(samples: Sequence[Sampled], begun: int, watched: float, watchdog: str) -> float:
    """Minutes that were watched since the clock began, or since the last look at which an alert fired."""
    loud = begun
    for index, sample in enumerate(samples[begun:], start=begun):
        if not sample["why"] and any(one.labels.get("alertname") != watchdog for one in firing(sample)):
            loud = index
    if loud == len(samples) - 1 and _loud(samples[loud], watchdog):
        return 0.0
    lost = elapsed(samples[begun], samples[loud]) if loud != begun else 0.0
    return round(max(0.0, watched - lost) / 60, 3)


def _loud(sample: Sampled, watchdog: str) -> bool:
    return not sample["why"] and any(one.labels.get("alertname") != watchdog for one in firing(sample))


def _unheard(last: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Alerts that fire by Prometheus and that Alertmanager does not know: nobody is told of them."""
    if last["alertmanager"] is None:
        return []
    known = [told["labels"].items() for told in last["alertmanager"]["alerts"]]
    fires = [alert for alert in last["alerts"] if alert["state"] == "firing"]
    return [alert for alert in fires if not any(alert["labels"].items() <= names for names in known)]


def _notes(last: Mapping[str, Any], pending: Sequence[Mapping[str, Any]], params: Any) -> Iterator[str]:
    rules = last["rules"]
    health = ", ".join(rules["health"][:10]) or "none"
    yield f"{len(rules['names'])} alert rules, on health: {health}"
    for name, selector in rules["idle"]:
        yield f"rule `{name}` can never fire: no series answers `{selector}`"
    for alert in _unheard(last)[:10]:
        yield f"Alertmanager has not heard of {shown_labels(alert['labels'])}, which fires"
    for alert in pending[:10]:
        yield f"pending: {shown_labels(alert['labels'])}"
    if 0 < params.minutes * 60 < rules["longest_for"]:
        yield f"a rule waits {rules['longest_for']:.0f} s before it fires, which is longer than this watch"
    if params.watchdog:
        yield f"`{params.watchdog}` fires, as it should"
