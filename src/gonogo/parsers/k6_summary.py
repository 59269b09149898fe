"""k6's summaries: the export, `handleSummary`, and the machine-readable one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from gonogo.model.observation import Finding, Reading, Value, indexed
from gonogo.parsers._gather import Findings, Unreadable, load_object, observations, plain, silent, unknown
from gonogo.parsers._k6 import FIGURES, endpoint, yields
from gonogo.plugins import parser

_CROSSED = 99
"""Exit code: a threshold was crossed (errext/exitcodes/codes.go)."""
_READ = "read what it printed"
_NO_ITERATION = "not one iteration was completed: the requests are those of setup(), or of iterations cut off"
_PARTS = {"scenario": "scenario", "endpoint": "endpoint", "name": "endpoint"}
"""Tag of a sub-metric -> what it is a part of."""


def _sniff(head: bytes) -> bool:
    return head.lstrip().startswith(b"{") and (
        (b'"root_group"' in head or b'"metrics"' in head)
        and any(word in head for word in (b'"iterations"', b'"iteration_duration"', b'"vus_max"', b'"data_sent"'))
    )


_YIELDS = (
    *("load.requests", "load.rps", "load.iterations", "load.dropped_iterations", "load.errors.pct"),
    *("load.checks.passed", "load.checks.failed", "load.thresholds.crossed", "load.vus", "load.script"),
    *(f"load.duration.{figure}" for figure in FIGURES),
)


@parser("k6_summary", yields=yields(*_YIELDS), media_type="application/json", sniff=_sniff)
def k6_summary(stream: BinaryIO, params: Mapping[str, Any]) -> Reading:
    """k6's summary in its three shapes: requests, failures, durations, checks, thresholds crossed.

    Traps, each handled: in the export `"p(95)<500": true` means *crossed*, in `handleSummary` `ok: true` means held;
    `http_req_failed.passes` counts the requests that failed; without a single request k6 exits 0 and its durations
    are 0 (UNKNOWN here), and so it does with requests of `setup()` alone; where every request failed the durations are
    those of errors, often 0 (absent here); the machine-readable summary carries no thresholds (absent here, or one at
    least where k6 exits 99) and no p99; a threshold on a sub-metric that nothing emits holds, whatever it asks (a note
    here).

    Source: k6's summary-wrapper.js and types_gen.go, and runs of k6 1.1.0.
    """
    data = load_object(stream)
    metrics = dict(_metrics(data))
    if not metrics:
        raise Unreadable("it has no metrics")
    findings = Findings()
    crossed = _crossed(data, findings)
    checks = _checks(data, findings)
    requests, iterations = _count(metrics, "http_reqs"), _count(metrics, "iterations")
    if not requests or not iterations:
        said = f"k6 made no request in {iterations} iterations" if not requests else _NO_ITERATION
        return silent(unknown("no-requests" if not requests else "no-iterations", said, _READ), findings)
    if crossed is None and params.get("exit") == _CROSSED:
        crossed = 1
        text = "a threshold was crossed, says exit 99; the machine-readable summary does not say which"
        findings.add(Finding("load", "threshold", "crossed", text))
    script = str(params["script"]) if params.get("script") else None
    values = {"load.thresholds.crossed": crossed, "load.script": script, **_counts(metrics), **checks}
    durations, dead = _durations(metrics)
    notes = (*dead, *_said(findings), *_dropped(metrics), *_silent_thresholds(data), *findings.notes)
    return Reading(observations({**values, **durations, **_parts(metrics)}), tuple(findings.kept), notes)


def _counts(metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, Value | None]:
    """How much load there was."""
    return {
        "load.requests": _count(metrics, "http_reqs"),
        "load.rps": _float(metrics.get("http_reqs", {}).get("rate")),
        "load.iterations": _count(metrics, "iterations"),
        "load.dropped_iterations": _count(metrics, "dropped_iterations"),
        "load.vus": _whole(metrics.get("vus_max", {}).get("max")),
    }


def _durations(metrics: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Value | None], tuple[str, ...]]:
    """How many requests failed, and how long they took; where all failed, the durations are left out, with a note."""
    errors = _rate(metrics.get("http_req_failed", {}))
    found: dict[str, Value | None] = {"load.errors.pct": None if errors is None else 100 * errors}
    if errors is not None and errors >= 1:
        return found, ("every request failed, so the durations are those of errors and are left out",)
    duration = metrics.get("http_req_duration", {})
    found |= {f"load.duration.{ours}": _float(duration.get(theirs)) for ours, theirs in FIGURES.items()}
    return found, ()


def _metrics(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and figures of each metric, whichever shape."""
    results = data.get("results")
    if isinstance(results, dict):
        listed = [*(results.get("metrics") or ()), *((results.get("checks") or {}).get("metrics") or ())]
        for metric in listed:
            yield str(metric.get("name")), metric.get("values") or {}
        return
    metrics = data.get("metrics")
    if not isinstance(metrics, dict):
        raise Unreadable("it has no metrics")
    for name, metric in metrics.items():
        yield name, metric.get("values", metric)


def _dropped(metrics: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Iterations that could not be started: the target was asked less than the script says."""
    dropped = _count(metrics, "dropped_iterations")
    return (f"{dropped:,} iterations were dropped: the load was less than the script asks for",) if dropped else ()


def _parts(metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, Value | None]:
    """What sub-metrics say of scenarios and endpoints: k6 keeps one where a threshold of the script asks for it."""
    found: dict[str, Value | None] = {}
    for name, metric in metrics.items():
        stem, _, selector = name.rstrip("}").partition("{")
        tag, _, key = selector.partition(":")
        each = _PARTS.get(tag.strip())
        if each is None or "," in selector:
            continue
        key = endpoint(key) if tag.strip() == "name" else key
        if stem == "http_reqs" and _count(metrics, name):
            found[indexed(f"load.{each}.requests", key)] = _count(metrics, name)
        elif stem == "http_req_failed" and (rate := _rate(metric)) is not None and _emitted(metric):
            found[indexed(f"load.{each}.errors_pct", key)] = 100 * rate
        elif stem == "http_req_duration" and _emitted(metric):
            durations = {ours: _float(metric.get(theirs)) for ours, theirs in FIGURES.items()}
            found |= {indexed(f"load.{each}.{ours}", key): value for ours, value in durations.items()}
    return found


def _emitted(metric: Mapping[str, Any]) -> bool:
    """Whether anything was measured: a sub-metric that nothing emits has zeros only."""
    return any(value for value in metric.values() if isinstance(value, (int, float)) and not isinstance(value, bool))


def _said(findings: Findings) -> tuple[str, ...]:
    """Thresholds crossed stay on a PASS: the checklist need not ask for the script's own bounds."""
    crossed = [finding.message for finding in findings.kept if finding.severity == "crossed"]
    return (f"{crossed[0]}{f', and {len(crossed) - 1} more' if crossed[1:] else ''}",) if crossed else ()


def _silent_thresholds(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Sub-metrics with a threshold that nothing emitted: k6 calls the threshold held."""
    metrics = data.get("metrics")
    named = [
        name
        for name, metric in (metrics.items() if isinstance(metrics, dict) else ())
        if "{" in name and metric.get("thresholds") and not _emitted(metric.get("values", metric))
    ]
    return tuple(f"nothing was measured for the threshold on `{name}`, which k6 calls held" for name in named[:10])


def _crossed(data: Mapping[str, Any], findings: Findings) -> int | None:
    metrics = data.get("metrics")
    if not isinstance(metrics, dict):
        return None
    crossed = 0
    for name, metric in metrics.items():
        for expression, held in (metric.get("thresholds") or {}).items():
            # In handleSummary an object that says `ok`; in the export a bare truth that says "crossed".
            is_crossed = not held.get("ok") if isinstance(held, dict) else bool(held)
            crossed += is_crossed
            if is_crossed:
                text = f"{name}: {expression}"
                findings.add(Finding("load", f"threshold:{text}", "crossed", plain(f"threshold crossed: {text}")))
    return crossed


def _checks(data: Mapping[str, Any], findings: Findings) -> dict[str, Value | None]:
    passed = failed = 0
    for name, check in _each_check(data):
        passed += int(check.get("passes", 0))
        fails = int(check.get("fails", 0))
        failed += fails
        if fails:
            findings.add(Finding("load", f"check:{name}", "check", plain(f"check failed {fails} times: {name}")))
    return {"load.checks.passed": passed, "load.checks.failed": failed}


def _each_check(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    results = data.get("results")
    listed = (results.get("checks") or {}).get("results") or () if isinstance(results, dict) else ()
    for check in listed:
        yield str(check.get("name")), check
    pending = [data.get("root_group") or {}]
    while pending:
        group = pending.pop()
        for check in _values(group.get("checks")):
            yield str(check.get("path") or check.get("name")), check
        pending += _values(group.get("groups"))


def _values(collection: Any) -> list[Any]:
    """An object's values or a list's items: k6 writes groups and checks either way."""
    return list(collection.values()) if isinstance(collection, dict) else list(collection or ())


def _count(metrics: Mapping[str, Mapping[str, Any]], name: str) -> int:
    value = metrics.get(name, {}).get("count", 0)
    return int(value) if isinstance(value, (int, float)) else 0


def _rate(metric: Mapping[str, Any]) -> float | None:
    return next((found for key in ("rate", "value") if (found := _float(metric.get(key))) is not None), None)


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _float(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
