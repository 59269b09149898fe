"""Metrics straight from an application: what it exposes, without a Prometheus that scrapes it."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.observation import Combine, Finding, Observation, ObservationType, Reading, Trouble, Type
from gonogo.plugins import Clause, Context, probe
from gonogo.probes import _release
from gonogo.probes._api import INTERRUPTED, Api, Unanswered, clock_text, moment, no_url
from gonogo.probes._exposition import NotMetrics, Point, parse, select
from gonogo.probes._facts import flag, measure
from gonogo.probes._metrics_reading import SKEW, seen, unknown
from gonogo.probes._page import page
from gonogo.probes._place import deployed_at, url_of

_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class MetricsParams:
    """Where to look, and for what."""

    url: str = ""
    """The whole URL, `http://host/metrics`. Empty: `/metrics` of the `app` that the target declares."""
    select: str = ""
    """A selector: `http_requests_total{code=~"5.."}`. The sum of what it chooses is `metrics.value`."""
    metric: str = "app_build_info"
    """The metric whose label names the release."""
    release_label: str = ""
    """That label. Empty: whichever of the usual ones holds a commit."""
    expect: str = ""
    """The release to find, exactly. Empty: the subject's commit, or its beginning."""
    deployed_at: str = ""
    """When the deploy began, RFC 3339; the process must have started after it. Empty: as the target remembers; where it
    does not, that is not compared."""
    wait: float = 30.0
    """Seconds to go on asking while nobody answers: a new process takes a moment to listen."""
    timeout: float = 10.0
    """Seconds for one request."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers to send. `Authorization` and `Cookie` are secrets."""


def _read(facts: Mapping[str, Any], params: MetricsParams) -> Reading:
    """What the stored series say."""
    if "series" not in facts:
        return Reading()
    observations = [seen("metrics.series", facts["series"])]
    notes = (f"{facts['series']} series at {facts['url']}",)
    parts = [_value(facts["selected"], params.select)] if params.select else []
    if facts["builds"] or not params.select:
        parts.append(_of_release(facts, params))
    return Reading(
        (*observations, *(o for part in parts for o in part.observations)),
        tuple(f for part in parts for f in part.findings),
        (*notes, *(n for part in parts for n in part.notes)),
        tuple(t for part in parts for t in part.troubles),
    )


def _value(selected: Sequence[Any], selector: str) -> Reading:
    if not selected:
        return Reading(troubles=(unknown("no-data", f"`{selector}` finds nothing: that is not zero", "correct it"),))
    values = [float(one["value"]) for one in selected]
    if not all(map(math.isfinite, values)):
        return Reading(troubles=(unknown("not-a-number", f"`{selector}` gives a value that is no number", ""),))
    return Reading((seen("metrics.value", math.fsum(values)),))


def _of_release(facts: Mapping[str, Any], params: MetricsParams) -> Reading:
    names = sorted({_release.named(labels, params.release_label) for labels in facts["builds"]})
    if not names:
        why = unknown("no-series", f"no series `{params.metric}`", "expose it, or name your build-info metric")
        return Reading(troubles=(why,))
    matched = [_release.matches(name, params.expect, facts["commit"]) for name in names]
    if None in matched:
        mend = "name the label with the commit as `release_label`, or the release as `expect`"
        return Reading(troubles=(unknown("release-unclear", f"`{names[0]}` is no commit to compare", mend),))
    findings = [
        Finding("metrics", f"release:{name}", "failed", f"`{name}` runs, not `{params.expect or facts['commit'][:12]}`")
        for name, same in zip(names, matched, strict=True)
        if not same
    ]
    deployed, start = moment(facts["deployed_at"]), facts["start"]
    notes: tuple[str, ...] = (f"release {', '.join(f'`{name}`' for name in names)}",)
    if deployed is None:
        late = None
        notes += ("not compared with the moment of the deploy, which is not known: `deployed_at` is not set",)
    elif start is None:
        mend = "expose `process_start_time_seconds`, as the client libraries do"
        return Reading(troubles=(unknown("no-process-start", "it does not say when its process started", mend),))
    else:
        late = bool(start >= deployed - SKEW)
        if not late:
            message = f"it runs since {clock_text(start)}, before the deploy at {clock_text(deployed)}"
            findings.append(Finding("metrics", "started", "failed", message))
    observations: list[Observation] = [seen("metrics.version_matches", not findings)]
    observations += [seen("metrics.started_after_deploy", late)] if late is not None else []
    return Reading(tuple(observations), tuple(findings), notes)


@probe(
    "metrics",
    yields=(
        flag("metrics.version_matches", "every scraped instance names the subject's release"),
        flag("metrics.started_after_deploy", "every process that names the release started after the deploy began"),
        measure("metrics.value", "sum of the series that `select` chooses", ""),
        ObservationType("metrics.series", Type.INT, "series that the application exposes", combine=Combine.SUM),
    ),
    reader=_read,
    clauses=(
        Clause(
            r"metrics (?:of|at|from) `?(?P<url>https?://[^\s`]+)`? (?:show|name) (?:the )?(?:new )?(?:release|version)",
            ("metrics.version_matches",),
            "metrics at `http://localhost:3000/metrics` name the release",
            brings={"url": "{url}"},
        ),
    ),
    takes=lambda params: params.wait,
)
def metrics(params: MetricsParams, context: Context) -> Capture:
    """Read an application's own `/metrics`, in Prometheus' text format or OpenMetrics.

    For targets without Prometheus. One look sees one process at one moment: what a rate or a restart is needs `soak`
    and Prometheus. A page that is no metrics, or is cut off, has none: UNKNOWN. The page itself is in the evidence.
    """
    shown = "metrics of the application"
    app = "" if params.url else url_of(context, "", "app")
    url = params.url or (f"{app.rstrip('/')}/metrics" if app else "")
    if not url:
        return no_url("metrics", shown, "url", "the application's metrics")
    api = Api.of("the application", url, params, context)
    until = time.monotonic() + params.wait
    while True:
        try:
            text, openmetrics = page(api)
            break
        except Unanswered as unanswered:
            if unanswered.trouble.slug not in {"unreachable", "refused"} or time.monotonic() >= until:
                facts = context.keep_facts({"url": api.shown})
                return Capture("metrics", shown, blobs=(facts,), troubles=(unanswered.trouble,))
            context.tell(unanswered.trouble.message)
        if not context.wait(_EVERY):
            return Capture("metrics", shown, troubles=(INTERRUPTED,))
    kept_page = context.keep("metrics.txt", text.encode(), "text/plain")
    found = _facts(text, openmetrics, params)
    if isinstance(found, Trouble):
        return Capture("metrics", shown, blobs=(kept_page, context.keep_facts({"url": api.shown})), troubles=(found,))
    deployed = deployed_at(context, params.deployed_at)
    kept = {"url": api.shown, "commit": context.subject.commit, "deployed_at": deployed, **found}
    return Capture("metrics", shown, blobs=(kept_page, context.keep_facts(kept)))


def _facts(text: str, openmetrics: bool, params: MetricsParams) -> dict[str, Any] | Trouble:
    try:
        points = parse(text, openmetrics=openmetrics)
        selected = select(points, params.select) if params.select else []
        builds = select(points, params.metric)
    except NotMetrics as why:
        return unknown("not-metrics", f"what is answered is no page of metrics: {why}", "see who answers there")
    except (ValueError, re.error) as why:
        return unknown("bad-selector", str(why), "correct it")
    starts = [point.value for point in points if point.name == "process_start_time_seconds"]
    return {
        "series": len(points),
        "selected": [_kept(point) for point in selected],
        "builds": [dict(point.labels) for point in builds],
        "start": min(starts) if starts and all(map(math.isfinite, starts)) else None,
    }


def _kept(point: Point) -> dict[str, Any]:
    return {"name": point.name, "labels": dict(point.labels), "value": str(point.value)}
