"""Load over many runs: every figure that a run measured, in series that can be compared, and where a level changed."""

from __future__ import annotations

from collections.abc import Iterable

from gonogo.engine.baselines import measured_in
from gonogo.frozen import dataclass
from gonogo.ledger import Ledger
from gonogo.ledger.store import Event
from gonogo.model import codec
from gonogo.model.outcome import Outcome
from gonogo.model.verdict import Verdict
from gonogo.statistics.changes import Change, changes


@dataclass(frozen=True, slots=True)
class Point:
    """What one run measured."""

    run: str
    gate: str
    commit: str
    at: str
    """UTC, RFC 3339."""
    p95: float
    """In ms."""
    requests: int
    outcome: Outcome
    """Of its gate."""
    baseline: bool
    """Whether later runs are compared with it."""


@dataclass(frozen=True, slots=True)
class Series:
    """Comparable runs, the oldest first."""

    key: dict[str, str]
    part: str
    """The endpoint; empty: all requests."""
    points: tuple[Point, ...]
    changes: tuple[Change, ...]

    @property
    def title(self) -> str:
        """What was measured, without the digest that only tells scripts apart."""
        script, _, mark = self.key["script"].partition(" ")
        return f"{script}{f' ({mark[:7]})' if mark else ''}, {self.part or 'all requests'}"

    @property
    def where(self) -> str:
        """What comparable runs have in common."""
        key = self.key
        users = f"{key['vus']} virtual users"
        return ", ".join(part for part in (users, key["target"], key["tool"], key["machine"], key["series"]) if part)


def history(ledger: Ledger, part: str = "", gate: str = "") -> tuple[Series, ...]:
    """Every series in the ledger, the one measured last at the end.

    Args:
        ledger: Open for reading.
        part: The endpoint; empty: all requests.
        gate: Only what this gate measured; empty: any.
    """
    stands = {(event.run, event.gate) for event in ledger.baselines()}
    grouped: dict[str, tuple[dict[str, str], list[Point]]] = {}
    for event in _latest(ledger.measured()):
        verdict = codec.load(Verdict, event.value["verdict"])
        for one in measured_in(verdict):
            figures = one.parts.get(part)
            if figures is None or (gate and gate != event.gate):
                continue
            place = event.run, event.gate
            commit = ledger.subject_of(event.run)
            found = Point(
                *place, commit, one.at, figures.p95, figures.requests, verdict.outcome, baseline=place in stands
            )
            grouped.setdefault(codec.canonical(one.key).decode(), (one.key, []))[1].append(found)
    ordered = sorted(grouped.values(), key=lambda group: group[1][-1].at)
    return tuple(Series(key, part, tuple(points), changes([point.p95 for point in points])) for key, points in ordered)


def _latest(events: Iterable[Event]) -> list[Event]:
    """Of each gate of each run the last verdict; one that was taken over from an earlier run measured nothing."""
    last = {(event.run, event.gate): event for event in events if not event.value.get("reused_from")}
    return sorted(last.values(), key=lambda event: event.seq)
