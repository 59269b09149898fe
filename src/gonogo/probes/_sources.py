"""Further sources of a watch: lives of processes and containers, numbers that PromQL gives, objectives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.observation import Finding, Observation, Reading, Trouble
from gonogo.probes._account import Sampled
from gonogo.probes._api import Unanswered
from gonogo.probes._metrics_reading import seen, unknown
from gonogo.probes._openslo import Objective
from gonogo.probes._prometheus import Prometheus, samples, shown_labels, unusable
from gonogo.probes._watch import Seen


@dataclass(frozen=True, slots=True)
class Life:
    """One process or container at one moment."""

    token: str
    """Changes when it is started anew, such as `<id> <restarts> <started>`."""
    ill: str = ""
    """Why it does not do its work: `unhealthy`, `restarting`; empty: it does, as far as can be seen."""


Lives = Callable[[], Mapping[str, Life]]
"""What runs, by name. Raises `Unanswered` where that cannot be seen."""


@dataclass(frozen=True, slots=True)
class Living:
    """Whether processes or containers live on: each start of one is a breach that no later sample takes back."""

    lives: Lives

    @property
    def name(self) -> str:
        """What it is called in the facts."""
        return "lives"

    def look(self, back: float) -> Seen:
        """Who lives, and since when; the token tells of what happened in between."""
        del back
        return Seen({name: [life.token, life.ill] for name, life in sorted(self.lives().items())})

    def doubt(self, first: Mapping[str, Any], data: Mapping[str, Any]) -> Trouble | None:
        """Nobody, or somebody who is not seen any more: whether it comes back the same is not known."""
        if not data:
            return unknown("no-lives", "no process is seen that could restart", "correct `lives`")
        gone = sorted(set(first) - set(data))
        if gone:
            return unknown("life-unseen", f"{', '.join(gone[:5])} is not seen any more", "see whether it still runs")
        return None


def lives_in(prometheus: Prometheus, selector: str) -> Lives:
    """Lives by a metric that holds when each process started: `process_start_time_seconds{job="backend"}`."""

    def lives() -> Mapping[str, Life]:
        found = samples(prometheus.query(selector)) or ()
        return {_place(one.labels): Life(f"{one.value:.3f}") for one in found}

    return lives


def _place(labels: Mapping[str, str]) -> str:
    return labels.get("instance") or shown_labels(labels)


def of_lives(watched: Sequence[Sampled]) -> Reading:
    """How often somebody was started anew, between any two samples that saw it, and who was ill in any of them."""
    last: dict[str, str] = {}
    restarts: dict[str, int] = {}
    ill: dict[str, str] = {}
    for look in (sample["seen"]["lives"] for sample in watched if "lives" in sample["seen"]):
        for name, (token, why) in look.items():
            if last.get(name, token) != token:
                restarts[name] = restarts.get(name, 0) + 1
            last[name] = token
            if why:
                ill.setdefault(name, why)
    findings = [
        Finding("soak", f"restart:{name}", "restart", f"{name} was started anew {_times(many)} within the watch")
        for name, many in restarts.items()
    ]
    findings += [Finding("soak", f"unhealthy:{name}", "unhealthy", f"{name} was {why}") for name, why in ill.items()]
    if not last:
        return Reading()
    return Reading((seen("soak.restarts", sum(restarts.values())), seen("soak.unhealthy", len(ill))), tuple(findings))


def _times(many: int) -> str:
    return "once" if many == 1 else f"{many} times"


@dataclass(frozen=True, slots=True)
class Numbers:
    """Single numbers that PromQL gives, each by a name."""

    name: str
    prometheus: Prometheus
    queries: Mapping[str, str]

    def look(self, back: float) -> Seen:
        """Each number now; raises `Unanswered` for one that says nothing: empty, several, NaN, infinite."""
        del back
        return Seen({name: self._number(query) for name, query in self.queries.items()})

    def doubt(self, first: Mapping[str, Any], data: Mapping[str, Any]) -> Trouble | None:
        """Nothing: what says nothing was not answered."""
        del first, data
        return None

    def _number(self, query: str) -> float:
        found = samples(self.prometheus.query(query))
        if not found:
            raise Unanswered("no-data", f"`{query}` finds nothing: that is not zero", "correct it, or send traffic")
        odd = unusable(found)
        if odd:
            raise Unanswered("not-a-number", f"`{query}`: {odd}", "see that there is traffic to divide by")
        if len(found) > 1:
            raise Unanswered("several-series", f"`{query}` gives {len(found)} series", "aggregate it to one")
        return found[0].value


@dataclass(frozen=True, slots=True)
class Indicators:
    """The indicators of an OpenSLO file."""

    prometheus: Prometheus
    objectives: Sequence[Objective]

    @property
    def name(self) -> str:
        """What it is called in the facts."""
        return "slo"

    def look(self, back: float) -> Seen:
        """What each objective's queries give now; raises `Unanswered`."""
        return Seen(
            {one.name: Numbers(one.name, self.prometheus, one.queries).look(back).data for one in self.objectives}
        )

    def doubt(self, first: Mapping[str, Any], data: Mapping[str, Any]) -> Trouble | None:
        """Nothing: what says nothing was not answered."""
        del first, data
        return None


def greatest(watched: Sequence[Sampled], name: str, observation: str, factor: float) -> list[Observation]:
    """The greatest value of one number in all samples that saw it."""
    values = [sample["seen"]["numbers"][name] for sample in watched if name in sample["seen"].get("numbers", {})]
    return [seen(observation, round(max(values) * factor, 6))] if values else []
