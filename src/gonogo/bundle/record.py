"""What the events of one run say: the one source from which every other part of a bundle is made, and made again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from gonogo.errors import IntegrityError
from gonogo.evidence import sign
from gonogo.evidence.sign import Envelope
from gonogo.ledger.store import Event, broken_link
from gonogo.ledger.view import Fold, fold
from gonogo.model import codec
from gonogo.model.run import RunView
from gonogo.model.verdict import Waiver

_FIELDS = ("seq", "run", "gate", "event", "time", "monotonic", "data", "prev_hash", "hash")


@dataclass(frozen=True, slots=True)
class Judged:
    """When a gate was judged, and the waivers in force then."""

    time: str
    """UTC, RFC 3339."""
    waivers: tuple[Waiver, ...]
    words: int = 0
    """How many sign-offs had come in."""


@dataclass(frozen=True, slots=True)
class Record:
    """One decided run: its events, and what they come to."""

    events: tuple[Event, ...]
    folded: Fold
    view: RunView
    plan: dict[str, Any]
    """As it stands in the ledger, whatever version of gonogo wrote it."""
    verdicts: dict[str, dict[str, Any]]
    waivers: list[dict[str, Any]]
    finish: dict[str, Any]
    """Data of the event that ended the run: decision, exit code, sign-offs counted."""
    judged: dict[str, Judged] = field(default_factory=dict)
    """Gate -> when it was judged on what its commands brought."""
    answered: dict[str, Judged] = field(default_factory=dict)
    """Gate -> when it was judged anew on what people said."""

    @property
    def run(self) -> str:
        """The run's id."""
        return self.view.id


def of(events: tuple[Event, ...]) -> Record:
    """The record in the events of one run.

    Raises:
        IntegrityError: They are not the events of one decided run.
    """
    run = events[0].run if events else ""
    try:
        folded = fold(events, run)
        view = folded.view(alive=False)
    except (ValidationError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise IntegrityError(f"the events of run `{run}` do not make sense: {type(error).__name__}") from error
    if view.decision is None:
        raise IntegrityError(f"run `{run}` has no decision")
    raw = _Raw()
    for event in events:
        raw.take(event)
    return Record(events, folded, view, raw.plan, raw.verdicts, raw.waivers, raw.finish, raw.judged, raw.answered)


@dataclass(slots=True)
class _Raw:
    """The data of the events, unread: a later version of gonogo adds fields, and must not add them to old bundles."""

    plan: dict[str, Any] = field(default_factory=dict)
    verdicts: dict[str, dict[str, Any]] = field(default_factory=dict)
    waivers: list[dict[str, Any]] = field(default_factory=list)
    finish: dict[str, Any] = field(default_factory=dict)
    judged: dict[str, Judged] = field(default_factory=dict)
    answered: dict[str, Judged] = field(default_factory=dict)
    words: int = 0

    def take(self, event: Event) -> None:
        data = event.value
        if event.event in {"run-started", "run-resumed"}:
            self.plan = data.get("plan", self.plan)
            self.waivers = data.get("waivers", [])
        elif event.event == "verdict":
            self.verdicts[event.gate] = data["verdict"]
            judged = self.answered if data.get("answered") else self.judged
            judged[event.gate] = Judged(event.time, codec.load(tuple[Waiver, ...], self.waivers), self.words)
        elif event.event == "sign-off":
            self.words += 1
        elif event.event == "gate-reopened":
            self.verdicts.pop(event.gate, None)
        elif event.event == "run-finished":
            self.finish = data


# --- as lines ------------------------------------------------------------------------------------------------


def lines(events: Iterable[Event]) -> bytes:
    """The events as JSON Lines, each in canonical JSON; raises `IntegrityError` for one that is not as it was kept."""
    found = []
    for event in events:
        data = event.value
        if codec.canonical(data).decode() != event.data:
            raise IntegrityError(f"event {event.seq} of the ledger is not in canonical JSON")
        found.append(codec.canonical({**{name: getattr(event, name) for name in _FIELDS}, "data": data}) + b"\n")
    return b"".join(found)


def parse(text: bytes) -> tuple[Event, ...]:
    """The events in JSON Lines; raises `IntegrityError` where they are not as `lines` writes them."""
    events = []
    for line in text.splitlines(keepends=True):
        data = strict_json(line[:-1], "a line of the ledger")
        if not isinstance(data, dict) or tuple(sorted(data)) != tuple(sorted(_FIELDS)) or not line.endswith(b"\n"):
            raise IntegrityError("a line of the ledger is no event")
        try:
            events.append(codec.load(Event, {**data, "data": codec.canonical(data["data"]).decode()}))
        except ValidationError as error:
            raise IntegrityError("a line of the ledger is no event") from error
    return tuple(events)


def strict_json(text: bytes, what: str) -> Any:
    """Parsed JSON; raises `IntegrityError` where it is none, or not in its canonical form (so: no name twice)."""
    try:
        data = json.loads(text)
        if codec.canonical(data) == text:
            return data
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{what} is no JSON") from error
    raise IntegrityError(f"{what} is not in canonical JSON")


def check_chain(events: tuple[Event, ...]) -> str:
    """What breaks the chain of one run's events, in words; empty: nothing.

    Between them stand the events of other runs, of which only the last one's hash is known; where two follow each
    other directly, the second must name the hash of the first.
    """
    runs = {event.run for event in events}
    if len(runs) != 1:
        return "the ledger extract holds events of more than one run" if runs else "the ledger extract is empty"
    if events[0].event != "run-started":
        return "the ledger extract does not begin with the start of the run"
    before = None
    for event in events:
        if before is not None and event.seq <= before.seq:
            return f"event {event.seq} follows event {before.seq}: they are out of order"
        adjacent = before is not None and event.seq == before.seq + 1
        prev = before.hash if adjacent and before is not None else event.prev_hash
        problem = broken_link(event, event.seq, prev)
        if problem:
            return problem
        before = event
    return ""


def gaps(events: tuple[Event, ...]) -> int:
    """How many events of other runs lie between these."""
    return events[-1].seq - events[0].seq + 1 - len(events) if events else 0


# --- what is made of it --------------------------------------------------------------------------------------


def plan_digest(plan: Mapping[str, Any]) -> str:
    """The digest that names a plan, from its data as kept (`gonogo.plan.compile` says what it covers)."""
    return codec.digest({**plan, "digest": "", "source": ""})


def sign_off_envelopes(record: Record) -> tuple[Envelope, ...]:
    """The signed words of the run, in the order they came in."""
    return tuple(sign.from_data(data) for data in record.folded.envelopes.values())


def decision_envelope(record: Record) -> Envelope | None:
    """The decision that lists the words it counted; None where nobody said anything and nobody signed."""
    data = record.finish.get("envelope")
    return sign.from_data(data) if data else None


def _poll(record: Record) -> bytes:
    """The whole poll as an in-toto bundle (spec/v1/bundle.md): one envelope on each line, the decision last."""
    decision = decision_envelope(record)
    envelopes = (*sign_off_envelopes(record), *((decision,) if decision else ()))
    return b"".join(envelope.line() + b"\n" for envelope in envelopes)


def derived(record: Record) -> dict[str, bytes]:
    """The files of a bundle that repeat what the ledger says, for people and programs that read no ledger."""
    return {
        "plan.json": codec.canonical(record.plan),
        "verdicts.json": codec.canonical(record.verdicts),
        "waivers.json": codec.canonical(record.waivers),
        "decision.json": codec.canonical(record.finish.get("decision")),
        "sign-offs.intoto.jsonl": _poll(record),
    }
