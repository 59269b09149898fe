"""OpenSLO v1 files: the objectives in them, and whether samples of their indicators meet them. Pure.

https://github.com/OpenSLO/OpenSLO: documents of kind `SLO`, with the indicator inside or as an `SLI` of the same file,
measured by Prometheus. Over a soak the time window of the file does not count: what is judged is whether the target is
met over the watched time. Budgeting by `Occurrences` only.
"""

from __future__ import annotations

import io
import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.observation import Finding, Observation, ObservationType, Reading, Trouble
from gonogo.probes._account import Sampled
from gonogo.probes._facts import count
from gonogo.probes._metrics_reading import seen, unknown

VERSION = "openslo/v1"
YIELDS: tuple[ObservationType, ...] = (
    count("slo.objectives", "objectives of the OpenSLO file that were judged"),
    count("slo.breached", "objectives that were not met over the watched time", "breached"),
)
_OPERATORS = {"lte": operator.le, "lt": operator.lt, "gte": operator.ge, "gt": operator.gt}
_ROUNDING = 1e-9


class NotUnderstood(Exception):
    """The file holds something that cannot be judged here."""


@dataclass(frozen=True, slots=True)
class Objective:
    """One objective with its indicator: what to ask, and what is good."""

    name: str
    target: float
    """Fraction of good events, or of good samples."""
    queries: Mapping[str, str]
    """`good` or `bad`, and `total`: a ratio; `value`: a threshold; `raw`: a ratio that is ready."""
    cumulative: bool = False
    """The queries of a ratio give counters that only grow."""
    op: str = ""
    bound: float = 0.0
    bad_raw: bool = False
    """`raw` is the fraction of failures, not of successes."""


def read(text: str) -> tuple[Objective, ...]:
    """The objectives of a file; raises `NotUnderstood`."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        documents = [one for one in YAML(typ="safe", pure=True).load_all(io.StringIO(text)) if one]
    except (YAMLError, ValueError, RecursionError) as error:
        raise NotUnderstood(f"it is no YAML: {str(error).splitlines()[0]}") from error
    for one in documents:
        if not isinstance(one, dict) or one.get("apiVersion") != VERSION:
            raise NotUnderstood(f"a document is not of `apiVersion: {VERSION}`")
    indicators = {_name(one): one for one in documents if one.get("kind") == "SLI"}
    found = tuple(o for one in documents if one.get("kind") == "SLO" for o in _objectives(one, indicators))
    if not found:
        raise NotUnderstood("it holds no objective")
    return found


def _name(document: Mapping[str, Any]) -> str:
    return str((document.get("metadata") or {}).get("name", ""))


def _objectives(slo: Mapping[str, Any], indicators: Mapping[str, Any]) -> Iterator[Objective]:
    spec, name = slo.get("spec") or {}, _name(slo)
    method = spec.get("budgetingMethod", "Occurrences")
    if method != "Occurrences":
        raise NotUnderstood(f"`{name}` budgets by `{method}`; only `Occurrences` can be judged over a soak")
    indicator = spec.get("indicator") or indicators.get(str(spec.get("indicatorRef", "")))
    if not indicator:
        raise NotUnderstood(f"`{name}` names an indicator that is not in the file")
    queries, cumulative, bad_raw = _queries(indicator.get("spec") or {}, name)
    objectives = spec.get("objectives") or ()
    for index, one in enumerate(objectives):
        label = str(one.get("displayName") or (index if len(objectives) > 1 else "")).strip()
        target = one["target"] if "target" in one else float(one.get("targetPercent", "nan")) / 100
        op = str(one.get("op", "")) if "value" in queries else ""
        if not isinstance(target, (int, float)) or not 0 < target <= 1:
            raise NotUnderstood(f"`{name}` has no target between 0 and 1")
        if "value" in queries and (op not in _OPERATORS or not isinstance(one.get("value"), (int, float))):
            raise NotUnderstood(f"`{name}` needs `op` and `value` for its threshold")
        bound = float(one.get("value") or 0)
        yield Objective(f"{name}/{label}" if label else name, float(target), queries, cumulative, op, bound, bad_raw)


def _queries(spec: Mapping[str, Any], name: str) -> tuple[dict[str, str], bool, bool]:
    if "thresholdMetric" in spec:
        return {"value": _query(spec["thresholdMetric"], name)}, False, False
    ratio = spec.get("ratioMetric") or {}
    if "raw" in ratio:
        return {"raw": _query(ratio["raw"], name)}, False, ratio.get("rawType") == "failure"
    kind = "good" if "good" in ratio else "bad"
    if kind not in ratio or "total" not in ratio:
        raise NotUnderstood(f"the indicator of `{name}` is neither a threshold nor a ratio")
    queries = {kind: _query(ratio[kind], name), "total": _query(ratio["total"], name)}
    return queries, bool(ratio.get("counter", False)), False


def _query(metric: Any, name: str) -> str:
    source = metric.get("metricSource") or {}
    query = (source.get("spec") or {}).get("query")
    if str(source.get("type", "Prometheus")).lower() != "prometheus" or not isinstance(query, str):
        raise NotUnderstood(f"an indicator of `{name}` is not a `query` to Prometheus")
    return query.strip()


# --- judging -------------------------------------------------------------------------------------------------


def of_samples(objectives: Sequence[Objective], samples: Sequence[Sampled], expected: float, *, whole: bool) -> Reading:
    """Whether each objective was met in these samples.

    While the watch goes on (`whole` is false), only what no later sample can mend is a breach: a threshold that was
    missed more often than the target allows of twice the `expected` samples.
    """
    good = [sample["seen"]["slo"] for sample in samples if not sample["why"] and "slo" in sample["seen"]]
    findings: list[Finding] = []
    notes: list[str] = []
    troubles: list[Trouble] = []
    for one in objectives:
        judged = _judged(one, [look[one.name] for look in good])
        if judged is None:
            message = f"`{one.name}` had no event to count: it says nothing"
            troubles.append(unknown("slo-no-events", message, "send traffic while it is watched"))
            continue
        met, of, share = judged
        told = f"{one.name}: {100 * share:.4g} % of {of:g} good, target {100 * one.target:.6g} %"
        missed = share < one.target - _ROUNDING if whole else _beyond_hope(one, of - met, expected)
        notes.append(told)
        if missed:
            findings.append(Finding("slo", one.name, "breached", told))
    observations: list[Observation] = []
    if good and (not troubles or not whole or findings):
        observations = [seen("slo.breached", len(findings))]
        observations += [seen("slo.objectives", len(objectives) - len(troubles))] if whole else []
    return Reading(
        tuple(observations), tuple(findings), tuple(notes) if whole else (), tuple(troubles) if whole else ()
    )


def _judged(one: Objective, looks: Sequence[Mapping[str, float]]) -> tuple[float, float, float] | None:
    """Good ones, all of them, and the share; None where there is nothing to divide by."""
    if "value" in one.queries:
        met = sum(_OPERATORS[one.op](look["value"], one.bound) for look in looks)
        return (met, len(looks), met / len(looks)) if looks else None
    if "raw" in one.queries:
        values = [1 - look["raw"] if one.bad_raw else look["raw"] for look in looks]
        return (sum(values), len(values), sum(values) / len(values)) if values else None
    kind = "good" if "good" in one.queries else "bad"
    counted, total = (_sum([look[key] for look in looks], one.cumulative) for key in (kind, "total"))
    if total <= 0:
        return None
    met = counted if kind == "good" else total - counted
    return met, total, met / total


def _sum(values: Sequence[float], cumulative: bool) -> float:
    """The sum; of counters, what they grew by, where one that falls has begun anew at zero."""
    if not cumulative:
        return math.fsum(values)
    return math.fsum(after - before if after >= before else after for before, after in pairwise(values))


def _beyond_hope(one: Objective, missed: float, expected: float) -> bool:
    return "value" in one.queries and missed > (1 - one.target) * 2 * expected + _ROUNDING
