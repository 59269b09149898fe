"""Logs in Loki: how soon a line of the application can be found."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.capture import Blob, Capture
from gonogo.model.observation import Finding, Reading
from gonogo.plugins import Clause, Context, probe
from gonogo.probes._api import INTERRUPTED, Api, Unanswered, no_url
from gonogo.probes._facts import measure
from gonogo.probes._loki import Line, Loki
from gonogo.probes._marker import Hunt, send, unique
from gonogo.probes._metrics_reading import seen, unknown
from gonogo.probes._place import url_of

_MINUTES = (1, 2, 3, 5, 10, 15, 30, 60)
"""The bounds in minutes that prose can ask for; another one becomes a question."""
_BEYOND = 60
"""Seconds that are waited beyond the bound, so that the lag itself is known where it is a little too great."""
_SKEW = 5.0
"""Seconds that two clocks may differ before that is named."""


@dataclass(frozen=True, slots=True)
class LokiParams:
    """Where to look for which line, and what makes the application write it."""

    url: str = ""
    """Base URL of Loki. Empty: the one that the target declares."""
    app: str = ""
    """Base URL of the application. Empty: the `app` that the target declares."""
    path: str = "/health"
    """What is asked of the application; `{marker}` in it is replaced."""
    marker_header: str = "x-request-id"
    """The header whose value the application writes into the log line of a request. Empty: none is sent."""
    selector: str = ""
    """Label selector of the application's log streams: `{service="backend"}`. Empty: every stream, by the first of the
    usual labels that Loki knows."""
    tenant: str = ""
    """Tenant, sent as `X-Scope-OrgID`. Empty: none."""
    wait: float = 300.0 + _BEYOND
    """Seconds to go on looking."""
    warm_up: float = 30.0
    """Seconds of silence of Loki that are borne: it says 503 for its first 15 s."""
    timeout: float = 10.0
    """Seconds for one request."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers to send to Loki. `Authorization` and `Cookie` are secrets."""


def _read(facts: Mapping[str, Any], _params: LokiParams) -> Reading:
    """The lag; where the line was not found, the time waited, if that decides a criterion already."""
    if "seconds" not in facts:
        return Reading()
    clocks = _clocks(facts)
    if facts["found"]:
        late = facts["silent"] > _SKEW
        notes = [f"found after {facts['seconds']:.1f} s in {facts['selector']}", *clocks]
        notes += [f"Loki had not answered for {facts['silent']:.0f} s before: the lag may be smaller"] if late else []
        return Reading((seen("logs.indexed_seconds", facts["seconds"]),), notes=tuple(notes))
    message = f"no line with `{facts['marker']}` in {facts['selector'] or 'Loki, which knows no label'}"
    message += f" within {facts['seconds']:.0f} s"
    if not facts["late"]:
        mend = "; ".join((*clocks, "read the log of what ships the lines, correct `selector`, or raise `wait`"))
        return Reading(troubles=(unknown("line-not-found", message, mend),))
    finding = Finding("loki", "marker", "failed", message)
    return Reading((seen("logs.indexed_seconds", facts["seconds"]),), (finding,), ("the lag is greater", *clocks))


def _clocks(facts: Mapping[str, Any]) -> list[str]:
    """What the clocks say that differ."""
    notes = []
    ahead, dated = facts["ahead"], (facts["found"] or {}).get("dated")
    if ahead is not None and abs(ahead) > _SKEW:
        notes.append(f"clock skew: Loki's clock is {_off(ahead)} this machine's")
    if dated is not None and not -_SKEW <= dated <= facts["seconds"] + _SKEW:
        off = dated if dated < 0 else dated - facts["seconds"]
        notes.append(f"clock skew: the line is dated by a clock that is {_off(off)} this machine's")
    return notes


def _off(seconds: float) -> str:
    return f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'}"


@probe(
    "loki",
    yields=(measure("logs.indexed_seconds", "from a line written to the same line found", "s"),),
    reader=_read,
    clauses=tuple(
        Clause(
            rf"logs (?:are )?(?:indexed|visible|found)(?: in loki)? (?:≤|<=|within|in under) ?{minutes} ?min(?:ute)?s?",
            (f"logs.indexed_seconds <= {60 * minutes}",),
            f"logs indexed in Loki ≤ {minutes} minutes",
            brings={} if minutes == 5 else {"wait": float(60 * minutes + _BEYOND)},  # noqa: PLR2004 - the default
        )
        for minutes in _MINUTES
    ),
    takes=lambda params: params.wait,
)
def loki(params: LokiParams, context: Context) -> Capture:
    """Put a unique marker through the application's own log, and look until Loki finds it.

    The application is asked for `path` with the marker in a header that it writes into the line of the request; from
    that moment on Loki is asked, every two seconds, for a line with the marker. What is measured is the whole way: the
    application, what ships its lines, and Loki.

    A line that is not found in `wait` seconds makes a criterion false if so long a lag does; otherwise nothing is
    known: UNKNOWN. Loki may say 503 for `warm_up` seconds. Lines are looked for ten minutes to either side of now, so
    that clocks that differ hide none, and a skew is named. The line itself is in the evidence.
    """
    shown = "logs in Loki"
    urls = {name: url_of(context, given, name) for name, given in (("loki", params.url), ("app", params.app))}
    for name, param, title in (("loki", "url", "Loki"), ("app", "app", "the application")):
        if not urls[name]:
            return no_url("loki", shown, param, title)
    api = Api.of("Loki", urls["loki"], params, context)
    tenant = {"X-Scope-OrgID": params.tenant} if params.tenant else {}
    server = Loki(dataclasses.replace(api, headers={**api.headers, **tenant}))
    hunt = Hunt(context, params.wait, params.warm_up)
    search = _Search(server, hunt, unique(), params.selector)
    facts: dict[str, Any] = {"url": api.shown, "marker": search.marker}
    try:
        facts["asked"] = send(search.marker, urls["app"], params, context)
        ended = hunt.run(search.look)
    except Unanswered as unanswered:
        return Capture("loki", shown, blobs=(context.keep_facts(facts),), troubles=(unanswered.trouble,))
    if ended is None:
        return Capture("loki", shown, troubles=(INTERRUPTED,))
    facts |= {**ended, "selector": search.selector, "ahead": server.ahead, "late": []}
    if not ended["found"]:
        facts["late"] = list(context.failing(Reading((seen("logs.indexed_seconds", ended["seconds"]),))))
    return Capture("loki", shown, blobs=(*search.kept(context), context.keep_facts(facts)), seconds=ended["seconds"])


@dataclass
class _Search:
    """Looks for the line with the marker, again and again."""

    server: Loki
    hunt: Hunt
    marker: str
    given: str
    """Selector of the streams; empty: every stream, by the labels that Loki knows by then."""
    selector: str = ""
    """That of the last look."""
    line: Line | None = None

    def look(self) -> dict[str, Any] | None:
        """Where the line is and how it is dated; None: it is not there."""
        self.selector = self.given or self.server.selector()
        if not self.selector:
            return None
        self.line = self.server.find(self.selector, self.marker, self.hunt.clock.wall())
        if self.line is None:
            return None
        return {"labels": self.line.labels, "dated": round(self.line.at - self.hunt.wall, 3)}

    def kept(self, context: Context) -> tuple[Blob, ...]:
        """The line itself, stored."""
        return () if self.line is None else (context.keep("line.txt", self.line.text.encode(), "text/plain"),)
