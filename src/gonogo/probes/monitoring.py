"""The monitoring stack: healthy by its own APIs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.observation import Observation, Reading, Trouble
from gonogo.plugins import Clause, Context, probe
from gonogo.probes._api import INTERRUPTED, Api, Unanswered, no_url, part
from gonogo.probes._facts import flag, problem, trouble
from gonogo.probes._place import url_of
from gonogo.probes._prometheus import Prometheus

_EVERY = 1.0
"""Seconds between two looks while something warms up."""
_OK = 200


@dataclass(frozen=True, slots=True)
class MonitoringParams:
    """Where its parts answer. Empty: where the target declares it; a part without any URL is not asked."""

    prometheus: str = ""
    """Base URL."""
    alertmanager: str = ""
    """Base URL."""
    grafana: str = ""
    """Base URL."""
    loki: str = ""
    """Base URL."""
    warm_up: float = 60.0
    """Seconds in which a part may say that it is not ready yet, or not answer: Loki does so for its first 15 s."""
    timeout: float = 10.0
    """Seconds for one request."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers to send to each. `Authorization` and `Cookie` are secrets."""


def _prometheus(api: Api) -> tuple[bool, str]:
    ready = api.page("/-/ready").status == _OK
    return ready, f"Prometheus {Prometheus(api).build()['version']}" + ("" if ready else " is not ready")


def _alertmanager(api: Api) -> tuple[bool, str]:
    ready = api.page("/-/ready").status == _OK
    version = part(api.json("/api/v2/status"), "versionInfo", "version", of=api.name)
    return ready, f"Alertmanager {version}" + ("" if ready else " is not ready")


def _grafana(api: Api) -> tuple[bool, str]:
    answer = api.json("/api/health")
    database = str(part(answer, "database", of=api.name))
    return database == "ok", f"Grafana {answer.get('version', '')}, database {database}"


def _loki(api: Api) -> tuple[bool, str]:
    answer = api.page("/ready")
    said = answer.body[:300].decode(errors="backslashreplace").strip()
    if answer.status == _OK and said != "ready":
        message = f"Loki at {api.shown} answers /ready with something else than `ready`"
        raise Unanswered("not-understood", message, "see who answers there: a login page or a proxy is not the service")
    return answer.status == _OK, f"Loki says {answer.status}: {said.splitlines()[0] if said else 'nothing'}"


PARTS: Mapping[str, Callable[[Api], tuple[bool, str]]] = {
    "prometheus": _prometheus,
    "alertmanager": _alertmanager,
    "grafana": _grafana,
    "loki": _loki,
}
"""Part -> how it is asked: whether it is healthy, and what it said."""


def _read(facts: Mapping[str, Any], _params: MonitoringParams) -> Reading:
    """Each part that answered."""
    observations, troubles, notes = [], [], []
    for name, found in facts.get("parts", {}).items():
        if found["trouble"]:
            troubles.append(trouble(found["trouble"]))
            continue
        observations.append(Observation(f"{name}.healthy", found["healthy"], "facts.json"))
        late = f", after {found['seconds']:.0f} s" if found["seconds"] >= _EVERY else ""
        notes.append(f"{found['said']}{late}")
    notes += [f"{name} was not asked: `{name}` is not set" for name in facts.get("not_asked", ())]
    return Reading(tuple(observations), notes=tuple(notes), troubles=tuple(troubles))


@probe(
    "monitoring",
    yields=(
        flag("prometheus.healthy", "Prometheus is ready, by its own API"),
        flag("alertmanager.healthy", "Alertmanager is ready, by its own API"),
        flag("grafana.healthy", "Grafana and its database are up, by its own API"),
        flag("loki.healthy", "Loki is ready, by its own API"),
    ),
    reader=_read,
    clauses=(
        Clause(
            r"prometheus ?[/,] ?grafana ?(?:[/,]|,? and) ?loki (?:are )?(?:healthy|up)",
            ("prometheus.healthy", "grafana.healthy", "loki.healthy"),
            "Prometheus/Grafana/Loki healthy",
            brings={},
        ),
        *(
            Clause(rf"{name} (?:is )?(?:healthy|up)", (f"{name.lower()}.healthy",), f"{name} healthy", brings={})
            for name in ("Prometheus", "Alertmanager", "Grafana", "Loki")
        ),
    ),
    takes=lambda params: params.warm_up,
)
def monitoring(params: MonitoringParams, context: Context) -> Capture:
    """Ask Prometheus, Alertmanager, Grafana and Loki how they are, each by its own API.

    A part that is not ready yet is asked again for `warm_up` seconds; then it is not healthy. One that does not answer,
    or that answers as something else would (a login page with status 200), was not seen: UNKNOWN.
    """
    urls = {name: url_of(context, str(getattr(params, name)), name) for name in PARTS}
    given = {name: url for name, url in urls.items() if url}
    shown = f"health of {', '.join(given) or 'the monitoring stack'}"
    if not given:
        return no_url("monitoring", shown, "prometheus`, `grafana` or `loki", "the monitoring stack")
    started = time.monotonic()
    parts: dict[str, Any] = {}
    for name, url in given.items():
        api = Api.of(name.capitalize(), url, params, context)
        found = _settled(PARTS[name], api, context, started, params.warm_up)
        if found is None:
            return Capture("monitoring", shown, troubles=(INTERRUPTED,))
        parts[name] = {"url": api.shown, **found}
    facts = {"parts": parts, "not_asked": [name for name in PARTS if name not in given]}
    return Capture("monitoring", shown, blobs=(context.keep_facts(facts),), seconds=time.monotonic() - started)


def _settled(
    ask: Callable[[Api], tuple[bool, str]], api: Api, context: Context, started: float, warm_up: float
) -> dict[str, Any] | None:
    """Ask until it is healthy or its time is up; None where the run was told to stop."""
    while True:
        healthy, said, why = False, "", None
        try:
            healthy, said = ask(api)
        except Unanswered as unanswered:
            why = unanswered.trouble
        seconds = round(time.monotonic() - started, 3)
        if healthy or seconds >= warm_up or (why is not None and why.slug in _LASTING):
            return {"healthy": healthy, "said": said, "seconds": seconds, "trouble": _kept(why)}
        context.tell(why.message if why else said)
        if not context.wait(_EVERY):
            return None


_LASTING = frozenset({"bad-url", "not-json", "not-understood", "answer-too-large"})
"""What time does not mend: somebody else answers there."""


def _kept(why: Trouble | None) -> dict[str, str] | None:
    if why is None:
        return None
    return problem(why.outcome, why.slug, why.message, why.help)
