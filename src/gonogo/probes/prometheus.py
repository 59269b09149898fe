"""Metrics in Prometheus: any query as an observation, and whether the new release shows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.observation import Combine, ObservationType, Reading, Type
from gonogo.plugins import Clause, Context, probe
from gonogo.probes._api import INTERRUPTED, Api, Unanswered, no_url
from gonogo.probes._facts import count, flag, measure
from gonogo.probes._metrics_reading import of_query, of_release, of_rules, of_targets, oldest_allowed
from gonogo.probes._place import deployed_at, url_of
from gonogo.probes._prometheus import Prometheus, samples
from gonogo.probes._promql import selectors

_EVERY = 2.0
"""Seconds between two looks while waiting."""
_OF_RELEASE = ("metrics.version_matches", "metrics.started_after_deploy")
_OF_QUERY = ("prometheus.value", "prometheus.min", "prometheus.max", "prometheus.series")


@dataclass(frozen=True, slots=True)
class PrometheusParams:
    """What to ask Prometheus."""

    url: str = ""
    """Base URL. Empty: the one that the target declares."""
    query: str = ""
    """PromQL for an instant: its answer is `prometheus.value`. Empty: whether the release shows is asked instead."""
    metric: str = "app_build_info"
    """The metric whose label names the release; a selector may narrow it: `app_build_info{service="backend"}`."""
    release_label: str = ""
    """That label. Empty: whichever of the usual ones holds a commit."""
    expect: str = ""
    """The release to find, exactly. Empty: the subject's commit, or its beginning."""
    deployed_at: str = ""
    """When the deploy began, RFC 3339; each process must have started after it. Empty: as the target remembers; where
    it does not, that is not compared."""
    job: str = ""
    """Only scrape targets of this job. Empty: all."""
    oldest: float = 0.0
    """Seconds that a sample may be old. 0: two scrape intervals of the slowest target, and a little."""
    wait: float = 90.0
    """Seconds to go on asking while nothing is seen yet: a new process shows after its first scrape. 0: ask once."""
    timeout: float = 10.0
    """Seconds for one request."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers to send. `Authorization` and `Cookie` are secrets."""


def _read(facts: Mapping[str, Any], params: PrometheusParams) -> Reading:
    """What the stored answers say; nothing of it where one of them is missing."""
    if "answer" not in facts:
        return Reading()
    observations, troubles = of_targets(facts["targets"], params.job)
    of_all_rules, findings = of_rules(facts["rules"])
    if troubles:
        return Reading((*observations, *of_all_rules), tuple(findings), troubles=tuple(troubles))
    oldest = oldest_allowed(facts, params.oldest)
    asked = of_query(facts, params.query, oldest) if params.query else of_release(facts, params)
    return Reading(
        (*observations, *of_all_rules, *asked.observations),
        (*findings, *asked.findings),
        (f"Prometheus {facts['build']['version']} at {facts['url']}", *asked.notes),
        asked.troubles,
    )


@probe(
    "prometheus",
    yields=(
        flag("metrics.version_matches", "every scraped instance names the subject's release"),
        flag("metrics.started_after_deploy", "every process that names the release started after the deploy began"),
        count("metrics.targets", "scrape targets"),
        count("metrics.targets_down", "scrape targets that are not up"),
        measure("prometheus.value", "the one value that the query gives", ""),
        ObservationType("prometheus.min", Type.DOUBLE, "least value of the query's series", combine=Combine.MIN),
        measure("prometheus.max", "greatest value of the query's series", ""),
        count("prometheus.series", "series that the query gives"),
        count("prometheus.rules", "rules that are loaded"),
        count("prometheus.rules_broken", "rules that cannot be evaluated", "broken"),
    ),
    reader=_read,
    clauses=(
        Clause(
            r"(?:new )?(?:app )?version metrics? (?:are |is )?visible",
            ("metrics.version_matches",),
            "New app version metrics visible",
            brings={},
        ),
    ),
    takes=lambda params: params.wait,
    without=lambda params: _OF_RELEASE if params.get("query") else _OF_QUERY,
)
def prometheus(params: PrometheusParams, context: Context) -> Capture:
    """Ask Prometheus one query, or which release it sees.

    With `query`, `prometheus.value` is its answer; several calls with an `id` each, and `calls:` on the criteria, ask
    several queries. An empty answer, NaN, infinity, samples that are not scraped any more, a recording rule that cannot
    be evaluated, no scrape target and a target that was never scraped have no value: UNKNOWN, never zero.

    Without `query`, `metrics.version_matches` is true where every instance of the job that exposes the build-info
    metric names the subject's commit, none of that job is silent, and, where the moment of the deploy is known, every
    process started after it. A target that is down is UNKNOWN: what runs there is not seen. The resolved query, the
    raw answer and the server's build are in the evidence.
    """
    shown = f"Prometheus: {params.query or params.metric}"
    url = url_of(context, params.url, "prometheus")
    if not url:
        return no_url("prometheus", shown, "url", "Prometheus")
    server = Prometheus(Api.of("Prometheus", url, params, context))
    deployed = "" if params.query else deployed_at(context, params.deployed_at)
    until = time.monotonic() + params.wait
    started = time.monotonic()
    while True:
        facts, unanswered = _look(server, params, context.subject.commit, deployed)
        seen = _read(facts, params)
        if time.monotonic() >= until or not _may_change(seen, unanswered):
            break
        context.tell(f"{shown}: {_why(seen, unanswered)}")
        if not context.wait(min(_EVERY, until - time.monotonic())):
            return Capture("prometheus", shown, troubles=(INTERRUPTED,))
    troubles = (unanswered.trouble,) if unanswered else ()
    return Capture(
        "prometheus",
        shown,
        blobs=(context.keep_facts(facts),),
        troubles=troubles,
        seconds=time.monotonic() - started,
    )


_PASSING = frozenset({"no-data", "no-series", "stale-series", "target-unknown", "target-down", "no-targets"})
_PASSING_UNANSWERED = frozenset({"unreachable", "refused", "timeout", "broken-answer"})
"""What a system that has just started may say, and takes back."""


def _may_change(seen: Reading, unanswered: Unanswered | None) -> bool:
    if unanswered is not None:
        return unanswered.trouble.slug in _PASSING_UNANSWERED
    if seen.troubles:
        return all(trouble.slug in _PASSING for trouble in seen.troubles)
    return seen.value("metrics.version_matches") is False


def _why(seen: Reading, unanswered: Unanswered | None) -> str:
    said = [unanswered.trouble] if unanswered else list(seen.troubles)
    return next((trouble.message for trouble in said), "another release is still seen")


def _look(
    server: Prometheus, params: PrometheusParams, commit: str, deployed: str
) -> tuple[dict[str, Any], Unanswered | None]:
    """Everything that is asked, or why not all of it was answered: then none of it counts."""
    asked = params.query or params.metric
    begun = {"url": server.api.shown, "asked": asked, "commit": commit}
    try:
        facts: dict[str, Any] = {
            **begun,
            "deployed_at": deployed,
            "build": server.build(),
            "targets": server.targets(),
            "rules": server.rules(),
            "answer": server.query(asked),
            "ages": _ages(server, selectors(asked)),
            "starts": server.query("process_start_time_seconds") if deployed else None,
        }
    except Unanswered as unanswered:
        return begun, unanswered
    return facts, None


def _ages(server: Prometheus, wanted: tuple[str, ...]) -> dict[str, float]:
    """Selector -> how old its newest sample is, in seconds on the server's own clock; without those that find none."""
    ages = {}
    for selector in wanted:
        try:
            found = samples(server.query(f"time() - max(timestamp({selector}))"))
        except Unanswered as unanswered:
            if unanswered.trouble.slug != "refused":
                raise
            continue  # a selector that is not read right must not keep the query from its answer
        if found:
            ages[selector] = round(found[0].value, 3)
    return ages
