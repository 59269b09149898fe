"""An application's own `/metrics` as a source of a watch, for targets that no Prometheus scrapes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.observation import Reading, Trouble
from gonogo.probes._account import Sampled
from gonogo.probes._api import Api, Unanswered
from gonogo.probes._exposition import NotMetrics, Point, parse, select
from gonogo.probes._metrics_reading import seen, unknown
from gonogo.probes._sources import Life, Lives
from gonogo.probes._watch import Seen

START = "process_start_time_seconds"
_OK = 200
_ACCEPT = "application/openmetrics-text;version=1.0.0;q=0.9,text/plain;version=0.0.4"


def page(api: Api) -> tuple[str, bool]:
    """The text of a page of metrics, and whether it claims to be OpenMetrics; raises `Unanswered`."""
    asked = Api(api.name, api.url, api.timeout, {"Accept": _ACCEPT, **api.headers})
    answer = asked.page("")
    if answer.status != _OK:
        message = f"{api.name} at {api.shown} answers {answer.status}"
        raise Unanswered("refused", message, "see that it exposes metrics there")
    return answer.body.decode(errors="backslashreplace"), "openmetrics" in answer.headers.get("content-type", "")


def points_of(api: Api) -> list[Point]:
    """Every sample of the page; raises `Unanswered`."""
    text, openmetrics = page(api)
    try:
        return parse(text, openmetrics=openmetrics)
    except NotMetrics as why:
        message = f"what {api.shown} answers is no page of metrics: {why}"
        raise Unanswered("not-metrics", message, "see who answers there") from why


def lives_at(api: Api) -> Lives:
    """The life of the one process that answers, by when it says that it started."""

    def lives() -> Mapping[str, Life]:
        starts = [point.value for point in points_of(api) if point.name == START]
        if not starts:
            message = f"{api.shown} does not say when its process started"
            raise Unanswered("no-process-start", message, f"expose `{START}`, as the client libraries do")
        return {api.shown: Life(f"{min(starts):.3f}")}

    return lives


@dataclass(frozen=True, slots=True)
class Counters:
    """Counters of requests and of those that failed, read off the page itself."""

    api: Api
    requests: str
    errors: str
    """Selectors; no series of errors is none of them, no series of requests says nothing."""

    @property
    def name(self) -> str:
        """What it is called in the facts."""
        return "counters"

    def look(self, back: float) -> Seen:
        """Both counters now; raises `Unanswered`."""
        del back
        points = points_of(self.api)
        try:
            requests, errors = select(points, self.requests), select(points, self.errors)
        except ValueError as why:
            raise Unanswered("bad-selector", str(why), "correct it") from why
        if not requests:
            message = f"`{self.requests}` finds nothing at {self.api.shown}: that is not zero"
            raise Unanswered("no-data", message, "correct it, or send traffic")
        return Seen({"requests": _sum(requests), "errors": _sum(errors)})

    def doubt(self, first: Mapping[str, Any], data: Mapping[str, Any]) -> Trouble | None:
        """Nothing: what says nothing was not answered."""
        del first, data
        return None


def _sum(points: Sequence[Point]) -> float:
    values = [point.value for point in points]
    if not all(map(math.isfinite, values)):
        raise Unanswered("not-a-number", f"`{points[0].name}` is no number", "see what counts it")
    return math.fsum(values)


def of_counters(watched: Sequence[Sampled], *, whole: bool) -> Reading:
    """The greatest error rate between two samples that had requests in between; without any it is UNKNOWN."""
    looks = [sample["seen"]["counters"] for sample in watched if not sample["why"] and "counters" in sample["seen"]]
    rates = [100 * errors / requests for requests, errors in map(_grown, pairwise(looks)) if requests > 0]
    if rates:
        return Reading((seen("soak.error_rate_pct", round(max(rates), 6)),))
    why = unknown("no-requests", "no request was counted while it was watched", "send traffic")
    return Reading(troubles=(why,) if whole and looks else ())


def _grown(pair: tuple[Mapping[str, float], Mapping[str, float]]) -> tuple[float, float]:
    """By how much requests and errors grew; one that fell has begun anew at zero."""
    before, after = pair
    grown = [after[key] - before[key] if after[key] >= before[key] else after[key] for key in ("requests", "errors")]
    return grown[0], grown[1]
