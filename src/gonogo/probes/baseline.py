"""Load against the numbers of earlier releases."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from gonogo.frozen import dataclass
from gonogo.model.baseline import NO_BASELINE, Baseline, Figures
from gonogo.model.capture import Blob, Capture
from gonogo.model.observation import Captured, Finding, Observation, Reading, Trouble, Value, stem
from gonogo.model.outcome import Outcome
from gonogo.plugins import Clause, Context, probe
from gonogo.probes._facts import Problem, count, last_line, measure, problem, trouble
from gonogo.statistics.comparison import MOST_FOR_RANKS, Compared, compare

_MOST_ERRORS = 5.0
"""Per cent of the requests that may fail: beyond, the durations are partly those of errors, which are quick."""
_MOST_PARTS = 50
"""Endpoints kept of one run, the busiest."""
_AGAIN = "see when in the run it was slow, then measure again, longer and with nothing beside it"


@dataclass(frozen=True, slots=True)
class BaselineParams:
    """What to compare with, and how much slower is slower."""

    runs: int = 5
    """How many earlier runs make the baseline; their median counts."""
    requests: int = 1000
    """Fewest requests that tell a change from chance; with fewer the answer is UNKNOWN. An endpoint needs as many."""
    slack_ms: float = 5.0
    """An increase of at most so many milliseconds is none, however large it is in per cent."""
    within: float = 15.0
    """Per cent that an endpoint may be slower before `baseline.endpoints.slower` counts it.

    Where a run was too unsteady to tell, twice as much is let pass; beyond, the answer is UNKNOWN."""
    first_run: Literal["unknown", "record"] = "unknown"
    """What a run without a baseline is: UNKNOWN, or, with `record`, one that is compared with itself and recorded."""
    call: str = ""
    """Id of the call in this gate whose load test is meant, where there are several."""
    series: str = ""
    """A name that comparable runs share; another one begins anew: other data, a slower release that was accepted."""
    machine: str = ""
    """The class of the machine that makes the load; empty: system, architecture, cores and model of the processor."""
    tool: str = ""
    """Name and version of what makes the load; empty: what `k6 version` says."""


# --- looking -------------------------------------------------------------------------------------------------


def _looked(params: BaselineParams, context: Context) -> tuple[dict[str, Any], tuple[Blob, ...]]:
    """The facts, and the blobs of what was run for them."""
    load = _load(params, context.before)
    if not isinstance(load, Captured):
        return {"problem": load}, ()
    parts = _parts(load.reading)
    if "" not in parts:
        said = "; ".join(one.message for one in load.reading.troubles) or "its report has no 95th percentile"
        return {"problem": _unknown("no-figures", f"`{load.shown}` measured no duration: {said}")}, ()
    tool, blobs = (params.tool, ()) if params.tool else _version(context)
    key = _key(load, tool, params, context.target)
    if not all(key[name] for name in ("script", "tool", "vus")):
        lacking = ", ".join(f"`{name}`" for name in ("script", "tool", "vus") if not key[name])
        message = f"which load `{load.shown}` was cannot be told: {lacking} is not known"
        return {"problem": _unknown("load-not-known", message, "let `k6 run SCRIPT` run on this machine")}, blobs
    known = context.baselines()
    facts = {
        "load": load.shown,
        "key": key,
        "errors_pct": load.reading.value("load.errors.pct"),
        "now": {name: asdict(figures) for name, figures in parts.items()},
        "runs": [asdict(one) for one in known if one.key == key][-max(params.runs, MOST_FOR_RANKS) :],
        "others": sorted({_difference(key, one.key) for one in known if one.key != key})[:5],
    }
    return facts, blobs


def _key(load: Captured, tool: str, params: BaselineParams, target: str) -> dict[str, str]:
    """What comparable runs have in common; a part that is empty is not known."""
    return {
        "script": str(load.reading.value("load.script") or ""),
        "tool": tool,
        "machine": params.machine or _machine(),
        "vus": str(load.reading.value("load.vus") or ""),
        "target": target,
        "series": params.series,
    }


def _load(params: BaselineParams, before: Sequence[Captured]) -> Captured | Problem:
    tests = [one for one in before if one.reading.value("load.requests") is not None]
    tests = [one for one in tests if not params.call or one.call == params.call]
    if len(tests) == 1:
        return tests[0]
    if tests:
        named = ", ".join(f"`{one.call}`" for one in tests)
        return _unknown("which-load", f"several load tests ran in this gate: {named}", "name one: `call:`")
    said = "; ".join(t.message for one in before for t in one.reading.troubles if "load" in " ".join(one.speaks))
    message = f"no load test before it in this gate measured anything{f': {said}' if said else ''}"
    return _unknown("no-load", message, "let the command of the load test stand before it in the gate")


def _unknown(slug: str, message: str, mend: str = "look at what the load test printed") -> Problem:
    return problem(Outcome.UNKNOWN, slug, message, mend)


def _parts(reading: Reading) -> dict[str, Figures]:
    """Figures of all requests and of each endpoint, as far as they are known."""
    values: dict[str, Value] = {one.name: one.value for one in reading.observations}
    p95, requests = values.get("load.duration.p95"), values.get("load.requests")
    found: dict[str, Figures] = {}
    if isinstance(p95, (int, float)) and isinstance(requests, int):
        found[""] = Figures(float(p95), requests, _tenths(values.get("load.tenths")))
    endpoints = {name[len(stem(name)) :] for name in values if stem(name) == "load.endpoint.p95"}
    each = []
    for index in endpoints:
        p95, requests = values[f"load.endpoint.p95{index}"], values.get(f"load.endpoint.requests{index}")
        if isinstance(p95, (int, float)) and isinstance(requests, int):
            tenths = _tenths(values.get(f"load.endpoint.tenths{index}"))
            each.append((json.loads(index[1:-1]), Figures(float(p95), requests, tenths)))
    busiest = sorted(each, key=lambda one: (-one[1].requests, one[0]))[:_MOST_PARTS]
    return found | {name: figures for name, figures in sorted(busiest, key=lambda one: one[0]) if name}


def _tenths(value: Value | None) -> tuple[float, ...]:
    return tuple(float(tenth) for tenth in value) if isinstance(value, tuple) else ()


def _version(context: Context) -> tuple[str, tuple[Blob, ...]]:
    ran = context.run(["k6", "version"], timeout=20, name="k6-version")
    found = re.search(r"k6(?:\.exe)? (v[\w.+-]+)", ran.out.decode(errors="replace"))
    said = "" if found else last_line(ran.out, ran.err)
    return (f"k6 {found[1]}" if found and ran.exit == 0 else ""), (ran.stdout,) if ran.stdout.size and not said else ()


def _machine() -> str:
    """The class of this machine, such as `linux x86_64, 8 cores, AMD EPYC 7763 64-Core Processor`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    model = ""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        model = platform.processor()
    about = f"{platform.system().lower()} {platform.machine()}, {cores} cores"
    return f"{about}, {model}" if model else about


def _difference(key: Mapping[str, str], other: Mapping[str, str]) -> str:
    """What another baseline was measured with instead: `k6 v1.0.0 instead of k6 v1.1.0`."""
    unlike = [name for name in key if key[name] != other.get(name, "")]
    return ", ".join(f"{name} `{other.get(name, '')}` instead of `{key[name]}`" for name in unlike)


# --- reading -------------------------------------------------------------------------------------------------


def _read(facts: Mapping[str, Any], params: BaselineParams) -> Reading:
    """Compare what is stored; pure, so that anybody comes to the same."""
    if "problem" in facts or "now" not in facts:
        return Reading(troubles=(trouble(facts["problem"]),) if "problem" in facts else ())
    now = {name: _figures(data) for name, data in facts["now"].items()}
    runs = [{name: _figures(data) for name, data in run["parts"].items()} for run in facts["runs"]]
    doubt = _doubt(now[""], facts["errors_pct"], params)
    if doubt is not None:
        return Reading(troubles=(doubt,))
    if not runs:
        return _first(now[""], facts, params)
    compared = compare(now[""], [run[""] for run in runs if "" in run], runs=params.runs, slack_ms=params.slack_ms)
    if compared is None:
        message = "the earlier runs have a 95th percentile of 0 ms: they measured nothing"
        return Reading(troubles=(Trouble(Outcome.UNKNOWN, "empty-baseline", message, "give a new `series`"),))
    if compared.doubtful(params.within):
        message = f"95th percentile {_told(compared)}: the run was too unsteady to tell"
        seen = tuple(one for one in _seen(compared) if one.name != "baseline.p95.change_pct")
        return Reading(seen, troubles=(Trouble(Outcome.UNKNOWN, "too-unsteady", message, _AGAIN),))
    endpoints = _endpoints(now, runs, params)
    slower = [
        Finding("baseline", f"slower:{name}", "slower", f"endpoint `{name}` is slower: {_told(one)}")
        for name, one in endpoints.items()
        if one.change_pct > params.within
    ]
    unsteady = [name for name, one in endpoints.items() if one.doubtful(params.within)]
    seen = (*_seen(compared), *_of_endpoints(endpoints, slower, unsteady))
    notes = [f"95th percentile {_told(compared)}", *(finding.message for finding in slower)]
    notes += [f"endpoint `{name}` was too unsteady to tell: {_told(endpoints[name])}" for name in unsteady]
    return Reading(seen, tuple(slower), tuple(notes))


def _figures(data: Mapping[str, Any]) -> Figures:
    return Figures(data["p95"], data["requests"], tuple(data["tenths"]))


def _doubt(now: Figures, errors: float | None, params: BaselineParams) -> Trouble | None:
    """Why these figures cannot be compared."""
    if now.requests < params.requests:
        message = f"{now.requests:,} requests are too few to tell a change from chance: at least {params.requests:,}"
        return Trouble(Outcome.UNKNOWN, "too-few-requests", message, "let the load test run longer")
    if errors is None or errors > _MOST_ERRORS:
        said = "how many requests failed is not known" if errors is None else f"{errors:.3g} % of the requests failed"
        message = f"{said}, so the durations may be those of errors"
        return Trouble(Outcome.UNKNOWN, "durations-of-errors", message, "mend what fails, then measure again")
    if now.p95 <= 0:
        return Trouble(Outcome.UNKNOWN, "no-duration", "a 95th percentile of 0 ms is no measurement")
    return None


def _first(now: Figures, facts: Mapping[str, Any], params: BaselineParams) -> Reading:
    """Nothing to compare with: UNKNOWN, unless the checklist says that the first run is to be recorded."""
    others = facts["others"]
    said = f"; there is one with {others[0]}" if others else ""
    seen = (Observation("baseline.runs", 0, "facts.json"), Observation("baseline.p95.now_ms", now.p95, "facts.json"))
    if params.first_run == "record":
        itself = compare(now, [now], runs=1, slack_ms=params.slack_ms)
        assert itself is not None
        note = f"there is no comparable baseline{said}: this run is the first, and is recorded as one"
        return Reading((seen[0], *(one for one in _seen(itself) if one.name != "baseline.runs")), notes=(note,))
    mend = "write `first_run: record` under this call, once; the run's figures become the baseline when it is GO"
    message = f"there is no comparable baseline yet{said}"
    return Reading(seen, troubles=(Trouble(Outcome.UNKNOWN, NO_BASELINE, message, mend),))


def _seen(compared: Compared) -> Iterator[Observation]:
    values: dict[str, Value | None] = {
        "baseline.runs": compared.runs,
        "baseline.p95.change_pct": compared.change_pct,
        "baseline.p95.measured_pct": compared.measured_pct,
        "baseline.p95.now_ms": compared.now,
        "baseline.p95.before_ms": compared.before,
        "baseline.p95.p_value": compared.p,
        "baseline.p95.effect": compared.effect,
    }
    yield from (Observation(name, value, "facts.json") for name, value in values.items() if value is not None)


def _endpoints(
    now: Mapping[str, Figures], runs: Sequence[Mapping[str, Figures]], params: BaselineParams
) -> dict[str, Compared]:
    """Each endpoint that this run and earlier ones asked often enough."""
    found: dict[str, Compared] = {}
    for name, figures in now.items():
        earlier = [run[name] for run in runs if name in run and run[name].requests >= params.requests]
        if name and figures.requests >= params.requests:
            compared = compare(figures, earlier, runs=params.runs, slack_ms=params.slack_ms)
            found |= {name: compared} if compared is not None else {}
    return found


def _of_endpoints(
    endpoints: Mapping[str, Compared], slower: Sequence[Finding], unsteady: Sequence[str]
) -> Iterator[Observation]:
    """That none is slower is said only where some could be compared, and each of these could be told."""
    compared = len(endpoints) - len(unsteady)
    if compared:
        yield Observation("baseline.endpoints.compared", compared, "facts.json")
    if compared and (slower or not unsteady):
        yield Observation("baseline.endpoints.slower", len(slower), "facts.json")


def _told(one: Compared) -> str:
    """`212 ms, was 130 ms (+63.1 %) in the median of 5 runs`, and why that does not count where it does not."""
    text = f"{one.now:.4g} ms, was {one.before:.4g} ms ({one.measured_pct:+.1f} %) in the median of {one.runs} runs"
    if one.runs == 1:
        text = text.replace("in the median of 1 runs", "in one earlier run")
    if one.now <= one.before or one.counts:
        return text
    if not one.beyond_slack:
        return f"{text}; within the slack"
    if one.p is not None and one.effect is not None:
        return f"{text}; chance may explain it (p = {one.p:.2g}, effect {one.effect:.2f})"
    noise = f": it may make {one.noise:.3g} ms" if one.noise is not None else ""
    return f"{text}; chance may explain it{noise}"


@probe(
    "baseline",
    yields=(
        measure("baseline.p95.change_pct", "change of the 95th percentile beyond slack and chance; 0: none", "%"),
        measure("baseline.p95.measured_pct", "change of the 95th percentile as measured", "%"),
        measure("baseline.p95.now_ms", "95th percentile of this run", "ms"),
        measure("baseline.p95.before_ms", "median of the 95th percentiles of the earlier runs", "ms"),
        measure("baseline.p95.p_value", "chance that ranks of one distribution differ so; from six runs on", ""),
        measure("baseline.p95.effect", "chance that a tenth of this run is slower than one before; 0.5: none", ""),
        count("baseline.runs", "earlier runs in the median"),
        count("baseline.endpoints.compared", "endpoints with enough requests then and now"),
        count("baseline.endpoints.slower", "of these, slower than `within` allows", "slower"),
    ),
    reader=_read,
    clauses=(
        # "within agreed band" names no band: no clause matches it, and the owner is asked.
        Clause(
            r"(?:baseline )?p95 within (?P<pct>\d+(?:\.\d+)?) ?% of (?:the )?baseline",
            ("baseline.p95.change_pct <= {pct}",),
            "p95 within 10 % of baseline",
            brings={"within": "{pct:number}"},
        ),
    ),
)
def baseline(params: BaselineParams, context: Context) -> Capture:
    """Compare the load test that ran before it in the same gate with those of earlier releases.

    Comparable are runs of the same script (with what it imports and the options that shape the load), the same version
    of the tool, class of machine, number of virtual users, target and `series`. A run adds its figures once its own
    gate has passed and its release is stable, never before; a run that failed changes no baseline.

    An increase counts where it is beyond `slack_ms` and beyond chance: with six earlier runs or more by the test of
    Mann and Whitney over the tenths of the runs (p below 0.01 and an effect of at least 0.71, both), with fewer by the
    standard error that the tenths show. How much may count is the criterion's own bound. Fewer than `requests`
    requests, more than 5 % of them failed, a run too unsteady to tell, or nothing to compare with: UNKNOWN.

    Source: the rules and their error rates are in `docs/adr/0008-baselines.md`.
    """
    facts, blobs = _looked(params, context)
    kept = context.keep_facts(facts)
    return Capture("baseline", "load against its baseline", blobs=(kept, *blobs), measured=_measured(facts, params))


def _measured(facts: Mapping[str, Any], params: BaselineParams) -> Baseline | None:
    """What this run may add to the baselines; None where it could not be compared either."""
    if "now" not in facts:
        return None
    parts = {name: _figures(data) for name, data in facts["now"].items()}
    if _doubt(parts[""], facts["errors_pct"], params) is not None:
        return None
    return Baseline(dict(facts["key"]), parts)
