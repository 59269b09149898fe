"""Soak: watch a release for a while before it is believed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model import codec
from gonogo.model.capture import Capture
from gonogo.model.observation import Combine, ObservationType, Reading, Trouble, Type
from gonogo.model.outcome import Outcome
from gonogo.plugins import Clause, Context, probe
from gonogo.probes import _alerts, _facts, _openslo
from gonogo.probes._alert_source import Alerts
from gonogo.probes._api import Api, no_url
from gonogo.probes._facts import count, measure
from gonogo.probes._metrics_reading import seen
from gonogo.probes._page import Counters, lives_at, of_counters
from gonogo.probes._place import deployed_at, lives_on, url_of
from gonogo.probes._prometheus import Prometheus
from gonogo.probes._sources import Indicators, Living, Numbers, greatest, lives_in, of_lives
from gonogo.probes._watch import Source, Watch
from gonogo.probes._watch_reading import Watched, of_time, pace_of, watched


@dataclass(frozen=True, slots=True)
class SoakParams:
    """What to watch, and for how long."""

    minutes: float = 15.0
    """Minutes to watch."""
    prometheus: str = ""
    """Base URL of Prometheus. Empty: the one that the target declares; where there is none either, alerts are not
    looked at."""
    alertmanager: str = ""
    """Base URL of Alertmanager, for silences and what they hide. Empty: the one that the target declares; where there
    is none either, Prometheus alone says what fires."""
    lives: str = ""
    """PromQL for when each process started: `process_start_time_seconds{job="backend"}`. A change is a restart. Empty:
    the target is asked what runs there, or `metrics` when its process started."""
    error_rate: str = ""
    """PromQL for the fraction of requests that fail, from 0 to 1."""
    latency: str = ""
    """PromQL for a latency in seconds."""
    metrics: str = ""
    """Whole URL of the application's own metrics, where no Prometheus scrapes it."""
    requests: str = ""
    """Selector of the counter of requests in `metrics`: `http_requests_total`. The error rate is read off it."""
    errors: str = ""
    """Selector of the counter of failed requests in `metrics`: `http_requests_total{code=~"5.."}`."""
    slo: str = ""
    """Path of an OpenSLO v1 file, measured by Prometheus: its objectives are to be met over the watched time."""
    interval: float = 15.0
    """Seconds between two samples."""
    gap: float = 120.0
    """Seconds without an answer of a source after which nothing can be told."""
    health_rules: str = ""
    """Regular expression over name and query of alert rules: which are about health. Empty: those that look so."""
    watchdog: str = ""
    """Name of an alert that always fires, to prove the way; it is not counted, and its absence is UNKNOWN."""
    deployed_at: str = ""
    """When the deploy began, RFC 3339: what fires since then is new. Empty: as the target remembers; where it does not,
    what the first sample did not see is new."""
    timeout: float = 10.0
    """Seconds for one request."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers to send. `Authorization` and `Cookie` are secrets."""


def _read(facts: Mapping[str, Any], params: SoakParams) -> Reading:
    """What can get no better, at any time; what took the whole watch, once it has ended."""
    if "samples" not in facts:
        return Reading()
    one = watched(facts)
    alerts = _alerts.of_samples(one.samples, params, facts["deployed_at"], whole=one.whole)
    parts = [alerts, of_lives(one.samples), _numbers(one)]
    parts += [Reading(notes=_not_looked_at(facts["sources"]))] if one.whole else []
    parts += [_objectives(facts, one)] if facts["slo"] else []
    parts += [Reading(tuple(of_time(one)))] if one.whole else []
    if one.told and alerts.value("alerts.firing") is not None:
        quiet = _alerts.quiet_minutes(one.samples, one.account.begun, one.account.watched, params.watchdog)
        parts.append(Reading((seen("alerts.quiet_minutes", quiet),)))
    return Reading(
        tuple(observation for part in parts for observation in part.observations),
        tuple(finding for part in parts for finding in part.findings),
        (*(note for part in parts for note in part.notes), *(one.notes if one.whole else ())),
        (*one.troubles, *(trouble for part in parts for trouble in part.troubles)),
    )


def _not_looked_at(sources: Sequence[str]) -> tuple[str, ...]:
    missing = {
        "alerts": "alerts were not looked at: no Prometheus is declared, and `prometheus` is not set",
        "lives": "restarts were not looked at: no target is declared, and `lives` is not set",
    }
    return tuple(note for source, note in missing.items() if source not in sources)


def _numbers(one: Watched) -> Reading:
    rate = greatest(one.samples, "error_rate", "soak.error_rate_pct", 100.0)
    counted = of_counters(one.samples[one.account.begun :], whole=one.whole)
    latency = greatest(one.samples, "latency", "soak.latency_ms", 1000.0)
    return Reading((*(rate or counted.observations), *latency), troubles=counted.troubles)


def _objectives(facts: Mapping[str, Any], one: Watched) -> Reading:
    objectives = [codec.load(_openslo.Objective, stored) for stored in facts["slo"]]
    since = one.samples[one.account.begun :]
    expected = one.pace.wanted / one.pace.interval + 1
    return _openslo.of_samples(objectives, since, expected, whole=one.through)


@probe(
    "soak",
    yields=(
        *_alerts.YIELDS,
        *_openslo.YIELDS,
        ObservationType("soak.minutes", Type.DOUBLE, "minutes watched without a break", "min", combine=Combine.MIN),
        count("soak.restarts", "starts of a process or container within the watch", "restart"),
        count("soak.unhealthy", "processes or containers that were unhealthy or down in any sample", "unhealthy"),
        measure("soak.error_rate_pct", "greatest error rate of any sample", "%"),
        measure("soak.latency_ms", "greatest latency of any sample", "ms"),
        count("soak.samples", "samples taken"),
        ObservationType(
            "soak.coverage_pct", Type.DOUBLE, "samples that saw everything, of all", "%", combine=Combine.MIN
        ),
        count("soak.gaps", "times that nobody saw"),
        measure("soak.longest_gap_seconds", "longest time that nobody saw", "s"),
        count("soak.clock_restarts", "times the clock of the watch began anew"),
    ),
    reader=_read,
    clauses=(
        Clause(
            r"soaks? (?:for )?(?P<minutes>\d+) ?min(?:ute)?s?(?: without (?:a )?(?:restarts?|alerts?))?",
            ("alerts.firing == 0", "soak.minutes >= {minutes}"),
            "soak for 15 minutes",
            brings={"minutes": "{minutes:number}"},
        ),
        Clause(
            r"(?:all )?slos? (?:of|in) `?(?P<file>[\w./-]+\.ya?ml)`? (?:are |is )?(?:met|kept)",
            ("slo.breached == 0",),
            "SLOs of `monitoring/slo.yaml` are met",
            brings={"slo": "{file}"},
        ),
    ),
    takes=lambda params: pace_of(params).longest,
)
def soak(params: SoakParams, context: Context) -> Capture:
    """Watch alerts, restarts, error rate, latency and objectives for some minutes, by one clock that nobody sets.

    Time counts only between two samples that saw everything. A source that does not answer leaves a gap, which
    lengthens the watch; one that is silent for longer than `gap` makes it UNKNOWN. A restart of Prometheus or
    Alertmanager resets what they were about to tell, so the clock begins anew. So it does where nobody watched for
    longer than `gap`: the machine slept, or gonogo was killed. After `kill -9`, `gonogo run --resume` goes on with the
    samples there are, and asks Prometheus what fired meanwhile.

    It ends early when a criterion of the gate is false and no later sample could make it true, such as
    `alerts.firing == 0`, `soak.restarts == 0`, `soak.error_rate_pct < 1`. Each sample shows a line of progress. An
    error rate without requests, a query that finds nothing and an objective without events say nothing: UNKNOWN.

    `slo` names an OpenSLO v1 file with Prometheus as its source: `slo.breached == 0` is then its criterion.
    """
    shown = f"soak for {params.minutes:g} min"
    url = url_of(context, params.prometheus, "prometheus")
    server = Prometheus(Api.of("Prometheus", url, params, context)) if url else None
    try:
        objectives = _openslo.read(_text(params.slo, context)) if params.slo else ()
    except _openslo.NotUnderstood as why:
        message = f"cannot judge `{params.slo}`: {why}"
        trouble = Trouble(Outcome.UNKNOWN, "slo-not-understood", message, f"correct `{params.slo}`")
        return Capture("soak", shown, troubles=(trouble,))
    sources = tuple(_sources(params, context, server, objectives))
    if not sources or (server is None and (objectives or params.lives or params.error_rate or params.latency)):
        return no_url("soak", shown, "prometheus", "Prometheus")
    given = {
        "prometheus": server.api.shown if server else "",
        "slo": codec.dump(objectives),
        "sources": [one.name for one in sources],
        "deployed_at": deployed_at(context, params.deployed_at),
    }
    facts = Watch(context, sources, pace_of(params), lambda so_far: _read(so_far, params), given).run()
    return Capture("soak", shown, blobs=(context.keep_facts(facts),), troubles=watched(facts).troubles)


def _text(path: str, context: Context) -> str:
    try:
        text = _facts.read_text(context, path)
    except FileNotFoundError as error:
        raise _openslo.NotUnderstood("it is not there") from error
    if isinstance(text, str):
        return text
    raise _openslo.NotUnderstood(text["message"])


def _sources(
    params: SoakParams, context: Context, server: Prometheus | None, objectives: tuple[_openslo.Objective, ...]
) -> Iterator[Source]:
    """Everything there is to look at; each sample looks at all of it."""
    page = Api.of("the application", params.metrics, params, context) if params.metrics else None
    if server is not None:
        url = url_of(context, params.alertmanager, "alertmanager")
        beside = Api.of("Alertmanager", url, params, context) if url else None
        yield Alerts(server, beside, params.health_rules, params.watchdog)
    lives = lives_in(server, params.lives) if server and params.lives else lives_on(context)
    lives = lives or (lives_at(page) if page else None)
    if lives is not None:
        yield Living(lives)
    asked = {name: query for name, query in (("error_rate", params.error_rate), ("latency", params.latency)) if query}
    if server is not None and asked:
        yield Numbers("numbers", server, asked)
    if page is not None and params.requests and params.errors:
        yield Counters(page, params.requests, params.errors)
    if server is not None and objectives:
        yield Indicators(server, objectives)
