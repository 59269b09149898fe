"""Logs without Loki: what the services of a target printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.capture import Blob, Capture
from gonogo.model.observation import Finding, Observation, Reading
from gonogo.plugins import Clause, Context, OutOfReach, Target, probe
from gonogo.probes import _levels
from gonogo.probes._api import INTERRUPTED, Unanswered, no_url
from gonogo.probes._facts import count, flag, measure
from gonogo.probes._marker import Hunt, send, unique
from gonogo.probes._metrics_reading import seen, unknown
from gonogo.probes._place import deployed_at, url_of

_EVER = "1970-01-01T00:00:00Z"
_WARM_UP = 5.0
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class LogsParams:
    """Whose logs, and what makes the application write a line."""

    services: tuple[str, ...] = ()
    """Services of the target. Empty: all that are not meant to end."""
    app: str = ""
    """Base URL of the application. Empty: the `app` that the target declares."""
    path: str = "/health"
    """What is asked of the application; `{marker}` in it is replaced."""
    marker_header: str = "x-request-id"
    """The header whose value the application writes into the log line of a request. Empty: none is sent."""
    wait: float = 30.0
    """Seconds to go on looking for the line."""
    deployed_at: str = ""
    """When the deploy began, RFC 3339: lines since then are the release's. Empty: as the target remembers."""
    timeout: float = 10.0
    """Seconds for one request."""


def _read(facts: Mapping[str, Any], _params: LogsParams) -> Reading:
    """Whether the line came, and how bad the lines are since the deploy, and were before."""
    if "services" not in facts:
        return Reading()
    names = ", ".join(facts["services"])
    if not facts["found"] and not facts["any"]:
        message = f"nothing was printed by {names or 'any service'}: there are no logs to look at"
        return Reading(troubles=(unknown("no-logs", message, "log to standard output, or correct `services`"),))
    observations, findings, notes = [seen("logs.seen", bool(facts["found"]))], [], []
    if facts["found"]:
        observations.append(seen("logs.seen_seconds", facts["seconds"]))
        notes.append(f"found in the log of `{facts['found']['service']}` after {facts['seconds']:.1f} s")
    else:
        message = f"no line with `{facts['marker']}` of {names} within {facts['seconds']:.0f} s of the request"
        findings.append(Finding("logs", "marker", "failed", message))
        notes.append("does the application write `marker_header` of a request into its log?")
    if not facts["deployed_at"]:
        notes.append("errors were not counted: when the deploy began is not known, `deployed_at` is not set")
        return Reading(tuple(observations), tuple(findings), tuple(notes))
    observations += _rates(facts["since"], facts["before"])
    told = facts["before"]["told"]
    notes.append(f"{facts['since']['told']} lines with a level since the deploy, {told or 'none'} kept from before")
    findings += [Finding("logs", f"line:{at}", "error", line) for at, line in enumerate(facts["worst"], 1)]
    return Reading(tuple(observations), tuple(findings), tuple(notes))


def _rates(since: Mapping[str, int], before: Mapping[str, int]) -> list[Observation]:
    """Figures of lines that name a level; where none does, there is none."""
    found = []
    if since["told"]:
        found += [seen("logs.lines", since["told"]), seen("logs.errors", since["bad"])]
        found.append(seen("logs.error_pct", round(100.0 * since["bad"] / since["told"], 3)))
    if before["told"]:
        found.append(seen("logs.error_pct_before", round(100.0 * before["bad"] / before["told"], 3)))
    return found


@probe(
    "logs",
    yields=(
        flag("logs.seen", "a line written through the application's own log is found on the target"),
        measure("logs.seen_seconds", "from the request to its line found", "s"),
        count("logs.lines", "lines since the deploy that name a level"),
        count("logs.errors", "lines since the deploy at level `error` or worse", "error"),
        measure("logs.error_pct", "those lines, of all that name a level", "%"),
        measure("logs.error_pct_before", "the same of the lines kept from before the deploy", "%"),
    ),
    reader=_read,
    clauses=(
        Clause(
            r"logs (?:are )?(?:readable|visible|found|seen) on the target",
            ("logs.seen",),
            "logs visible on the target",
            brings={},
        ),
        Clause(
            r"no errors? in (?:the )?logs since the (?:deploy(?:ment)?|rollout)",
            ("logs.errors == 0",),
            "no errors in the logs since the deploy",
            brings={},
        ),
        Clause(
            r"error rate in (?:the )?logs (?:≤|<=|at most) ?(?P<pct>\d+(?:\.\d+)?) ?%",
            ("logs.error_pct <= {pct}",),
            "error rate in the logs ≤ 1%",
            brings={},
        ),
    ),
    takes=lambda params: params.wait,
)
def logs(params: LogsParams, context: Context) -> Capture:
    """Read what the services of the target printed: containers' logs of `compose`, files of `local`.

    The application is asked for `path` with a unique marker, and the logs are read until a line holds it. Then the
    lines since the deploy are counted by the level that they name, as JSON, as `level=…` or in plain words, and those
    that the target still has from before it. A target gives at most the last MiB of a service; containers that were
    replaced took their logs along, so that there may be nothing from before: absent, not zero.
    """
    shown = "logs on the target"
    app = url_of(context, params.app, "app")
    target = context.reach()
    if not app:
        return no_url("logs", shown, "app", "the application")
    facts: dict[str, Any] = {"marker": unique()}
    kept: list[Blob] = []
    try:
        services = params.services or _services(target)
        since = target.since()
        hunt = Hunt(context, params.wait, _WARM_UP)
        facts["asked"] = send(facts["marker"], app, params, context)
        ended = hunt.run(lambda: _find(target, services, since, facts["marker"]))
        if ended is None:
            return Capture("logs", shown, troubles=(INTERRUPTED,))
        if ended["found"]:
            kept.append(context.keep("line.txt", ended["found"].pop("line").encode(), "text/plain"))
        deployed = deployed_at(context, params.deployed_at)
        counted = _counted(target, services, deployed)
    except Unanswered as unanswered:
        return Capture("logs", shown, blobs=(context.keep_facts(facts),), troubles=(unanswered.trouble,))
    facts |= {**ended, "services": list(services), "deployed_at": deployed, **counted}
    return Capture("logs", shown, blobs=(*kept, context.keep_facts(facts)), seconds=ended["seconds"])


def _services(target: Target) -> tuple[str, ...]:
    try:
        return tuple(sorted({one.service for one in target.instances() if not one.one_shot}))
    except OutOfReach as error:
        raise Unanswered("out-of-reach", error.message, error.help) from error


def _lines(target: Target, service: str, since: str) -> list[str]:
    try:
        return target.logs(service, since).decode(errors="backslashreplace").splitlines()
    except OutOfReach as error:
        raise Unanswered("out-of-reach", error.message, error.help) from error


def _find(target: Target, services: tuple[str, ...], since: str, marker: str) -> dict[str, Any] | None:
    for service in services:
        for line in _lines(target, service, since):
            if marker in line:
                return {"service": service, "line": line}
    return None


def _counted(target: Target, services: tuple[str, ...], deployed: str) -> dict[str, Any]:
    """Tallies since the deploy and before it, over all services, and the last of the worst lines."""
    since: Counter[str] = Counter()
    before: Counter[str] = Counter()
    for service in services:
        every = Counter(_lines(target, service, _EVER))  # read first: what is printed meanwhile is not from before
        late = Counter(_lines(target, service, deployed)) if deployed else Counter[str]()
        since += late
        before += every - late
    worst = [line for line in since if _levels.bad(line)][-_SHOWN:]
    return {
        "since": _levels.tally(since.elements()),
        "before": _levels.tally(before.elements()),
        "any": bool(since or before),
        "worst": worst,
    }
