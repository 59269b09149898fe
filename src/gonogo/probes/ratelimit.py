"""Rate limit: does the API refuse when asked too often, at the limit that is agreed, and does it recover."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.observation import Combine, ObservationType, Reading, Type
from gonogo.plugins import Clause, Context, probe
from gonogo.probes import _burst
from gonogo.probes._api import INTERRUPTED, no_url
from gonogo.probes._burst import REFUSED, Hit
from gonogo.probes._facts import flag, measure, problem, trouble
from gonogo.probes._fetch import bare, secrets_of
from gonogo.probes._metrics_reading import seen, unknown

_WINDOW = 60.0
_NOT_SERVED, _BROKEN = 300, 500
"""Status codes from which on an answer is none that a limit could follow, and a server is in trouble."""
_SLACK = 0.2
"""Seconds beyond the announced moment after which it must answer again."""


@dataclass(frozen=True, slots=True)
class RatelimitParams:
    """What to ask, and how often."""

    url: str = ""
    """An endpoint under the limit; it is asked with GET."""
    requests: int = 0
    """How many requests in one window are allowed; one more is refused. 0: as the answer's own headers say."""
    window: float = 0.0
    """Seconds of that window. 0: as the headers say, else 60."""
    most: int = 1000
    """Requests that are sent at most."""
    recovers: float = 90.0
    """Seconds to wait at most for it to answer again. 0: that is not looked at."""
    timeout: float = 10.0
    """Seconds for one request."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers to send. `Authorization` and `Cookie` are secrets."""


def _read(facts: Mapping[str, Any], params: RatelimitParams) -> Reading:
    """What the answers of the burst say, in order."""
    if facts.get("trouble"):
        return Reading(troubles=(trouble(facts["trouble"]),))
    if not facts.get("hits"):
        return Reading()
    hits = [Hit(**hit) for hit in facts["hits"]]
    if hits[0].status >= _NOT_SERVED:
        message = f"the first request was answered with {hits[0].status}: nothing is known of the limit"
        return Reading(troubles=(unknown("not-served", message, "name an endpoint that answers, or wait"),))
    named = _burst.declared(hits[0].headers)
    headers = (seen("ratelimit.declared", named),) if named is not None else ()
    wanted = params.requests or named or 0
    found = _refused(facts, hits, wanted, params) if hits[-1].status == REFUSED else _never(facts, hits, wanted)
    return Reading((*headers, *found.observations), notes=found.notes, troubles=found.troubles)


def _refused(facts: Mapping[str, Any], hits: list[Hit], wanted: int, params: RatelimitParams) -> Reading:
    last, accepted = hits[-1], len(hits) - 1
    odd = sorted({hit.status for hit in hits[:-1] if hit.status >= _BROKEN})
    notes = [f"{accepted} requests accepted in {last.at:.1f} s, the next refused with 429"]
    notes += [f"before that it answered {', '.join(map(str, odd))}"] if odd else []
    observations = [seen("ratelimit.limit", accepted)]
    wait = _burst.retry_after(last.headers, facts["now"])
    observations += [seen("ratelimit.retry_after_seconds", wait)] if wait is not None else []
    notes += ["the refusal has no `Retry-After`"] if wait is None else []
    stated = not wanted or _as_stated(accepted, wanted, last.at, facts["window"])
    if wanted:
        observations.append(seen("ratelimit.as_stated", stated))
        notes += [] if stated else [f"{wanted} were to be accepted, {accepted} were"]
    observations.append(seen("ratelimit.works", not odd and (stated or not params.requests)))
    if facts["recovered"] is not None:
        observations.append(seen("ratelimit.recovers", facts["recovered"]))
        notes.append(f"after {facts['waited']:.1f} s it answered {facts['after']}")
    return Reading(tuple(observations), notes=tuple(notes))


def _never(facts: Mapping[str, Any], hits: list[Hit], wanted: int) -> Reading:
    """No 429 at all: false where more were sent than are allowed; else nothing is known."""
    last = hits[-1]
    told = f"{len(hits)} requests in {last.at:.1f} s, none refused with 429"
    told += f"; it answers {last.status} by now" if last.status >= _BROKEN else ""
    if wanted and len(hits) > wanted and last.at <= facts["window"]:
        return Reading((seen("ratelimit.works", value=False),), notes=(f"{told}, {wanted} are allowed",))
    why = "it takes too long to send more than the limit" if wanted else "no limit is named, by headers or `requests`"
    return Reading(troubles=(unknown("limit-not-reached", f"{told}: {why}", "set `requests`, or raise `most`"),))


def _as_stated(accepted: int, wanted: int, seconds: float, window: float) -> bool:
    """Whether as many were accepted as agreed; a bucket that refills while it is emptied gives a few more."""
    return wanted <= accepted <= wanted + math.ceil(wanted * seconds / window)


@probe(
    "ratelimit",
    yields=(
        flag("ratelimit.works", "the request beyond the limit is refused with 429, and one before it is not"),
        ObservationType("ratelimit.limit", Type.INT, "requests accepted before the first refusal", combine=Combine.MIN),
        ObservationType("ratelimit.declared", Type.INT, "limit that the headers name", combine=Combine.MIN),
        flag("ratelimit.as_stated", "as many are accepted as `requests`, or the headers, say"),
        measure("ratelimit.retry_after_seconds", "how long the refusal asks to wait", "s"),
        flag("ratelimit.recovers", "after the announced time a request is accepted again"),
    ),
    reader=_read,
    clauses=(
        # checklist/reading.md, gate "Runtime guards": the limit works, and health alerts exist as rules.
        Clause(
            r"check (?:the )?(?:api )?rate limit and health ?check alerts",
            ("ratelimit.works", "alerts.rules > 0"),
            "Check API rate limit and healthcheck alerts",
            brings={},
        ),
        Clause(
            r"(?:check (?:the )?)?(?:api )?rate limit(?:ing)?(?: works| (?:is )?active)?",
            ("ratelimit.works",),
            "rate limit works",
            brings={},
        ),
    ),
    takes=lambda params: 2 * params.recovers + (params.window or _WINDOW),
)
def ratelimit(params: RatelimitParams, context: Context) -> Capture:
    """Ask one endpoint in a row until it refuses with 429, then once more when it says it will answer again.

    The burst is bounded by `most` requests and one window of time. Where the headers say that some of the window is
    used up already, the next one is waited for. With `requests`, the limit works only if as many were accepted. An
    endpoint whose first answer is an error, or a limit that nobody names and that was not reached, is UNKNOWN. Give the
    probe an endpoint, or a key, of its own: for one window nobody else of this address is served.
    """
    shown = "rate limit"
    if not params.url:
        return no_url("ratelimit", shown, "url", "an endpoint under the limit")
    context.add_secrets(secrets_of(params.url, params.headers))
    shown = f"rate limit of {bare(params.url)}"
    started = time.monotonic()
    asking = _Asking(params, context)
    facts = asking.look()
    if facts is None:
        return Capture("ratelimit", shown, troubles=(INTERRUPTED,))
    return Capture("ratelimit", shown, blobs=(context.keep_facts(facts),), seconds=time.monotonic() - started)


@dataclass(frozen=True, slots=True)
class _Asking:
    params: RatelimitParams
    context: Context

    def look(self) -> dict[str, Any] | None:
        """A fresh window, a burst, and whether it recovers; None where the run was told to stop."""
        first, why = self._burst(1, 2 * self.params.timeout)
        if why is None and first and self._used_up(first[0]):
            wait = _burst.reset(first[0].headers, time.time())
            if not self._wait(min(wait if wait is not None else _WINDOW, self.params.recovers)):
                return None
            first = []
        window = self.params.window or (_burst.window(first[0].headers) if first else None) or _WINDOW
        hits = first
        if why is None and not self._refuses(first):
            more, why = self._burst(self._most(first) - len(first), window)
            offset = first[-1].at if first else 0.0
            hits = [*first, *(Hit(hit.status, round(offset + hit.at, 4), hit.headers) for hit in more)]
        kept = problem(why.outcome, why.slug, why.message, why.help) if why else None
        plain = [{"status": hit.status, "at": hit.at, "headers": dict(hit.headers)} for hit in hits]
        facts = {"url": bare(self.params.url), "hits": plain, "trouble": kept, "now": time.time(), "window": window}
        recovered = self._recovers(hits) if why is None else {"recovered": None}
        return None if recovered is None else {**facts, **recovered}

    def _most(self, first: list[Hit]) -> int:
        """How many requests prove it: twice the limit that is named, and one."""
        wanted = self.params.requests or (_burst.declared(first[0].headers) if first else None) or self.params.most
        return min(self.params.most, 2 * wanted + 1)

    def _used_up(self, hit: Hit) -> bool:
        """Whether somebody has used some of this window already."""
        if hit.status == REFUSED:
            return True
        named, remaining = _burst.declared(hit.headers), _burst.left(hit.headers)
        return named is not None and remaining is not None and remaining < named - 1

    def _refuses(self, hits: list[Hit]) -> bool:
        return bool(hits) and hits[-1].status == REFUSED

    def _burst(self, most: int, seconds: float) -> tuple[list[Hit], Any]:
        headers = {"User-Agent": "gonogo", "Accept-Encoding": "identity", **self.params.headers}
        timeout = min(self.params.timeout, self.context.timeout)
        stopped = lambda: not self.context.wait(0)  # noqa: E731 - asked between two requests
        return _burst.burst(
            self.params.url, headers, most=most, seconds=seconds, timeout=timeout, stopped=stopped
        )  # fmt: skip

    def _recovers(self, hits: list[Hit]) -> dict[str, Any] | None:
        """Ask once more when it says it will answer; None where the run was told to stop."""
        if not self._refuses(hits) or not self.params.recovers:
            return {"recovered": None}
        announced = _burst.reset(hits[-1].headers, time.time())
        wait = min((announced if announced is not None else _WINDOW) + _SLACK, self.params.recovers)
        began = time.monotonic()
        while True:
            if not self._wait(wait):
                return None
            again, why = self._burst(1, 2 * self.params.timeout)
            waited = round(time.monotonic() - began, 2)
            accepted = why is None and bool(again) and again[0].status not in {REFUSED, 503}
            # Rounded to whole seconds, the announced time may be up to one too short.
            if accepted or waited >= min(wait + 1.5, self.params.recovers):
                after = again[0].status if again else (why.message if why else "nothing")
                return {"recovered": accepted, "waited": waited, "after": str(after)}
            wait = 0.5

    def _wait(self, seconds: float) -> bool:
        self.context.tell(f"waiting {seconds:.0f} s for the rate limit")
        return self.context.wait(seconds)
