"""What the events of one run say: the one source from which every other part of a bundle is made, and made again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Any

from pydantic import ValidationError

from gonogo.errors import IntegrityError
from gonogo.evidence import sign
from gonogo.evidence.sign import Envelope
from gonogo.frozen import dataclass
from gonogo.ledger.store import Event, Ledger, broken_link, data_digest, link_hash
from gonogo.ledger.view import Fold, fold
from gonogo.model import codec
from gonogo.model.run import RunView
from gonogo.model.sign_off import SignOff
from gonogo.model.verdict import Waiver

_ABOUT = ("seq", "run", "gate", "event", "time", "monotonic")


@dataclass(frozen=True, slots=True)
class Link:
    """An event of another run that lies between those of this one: that it is there, and not what it says."""

    seq: int
    run: str
    gate: str
    event: str
    time: str
    monotonic: float
    data_sha256: str
    prev_hash: str
    hash: str

    @classmethod
    def of(cls, event: Event) -> Link:
        """The link that an event is."""
        about = {name: getattr(event, name) for name in _ABOUT}
        return cls(**about, data_sha256=data_digest(event.data), prev_hash=event.prev_hash, hash=event.hash)

    @property
    def whole(self) -> bool:
        """Whether it has the hash it claims."""
        about = tuple(getattr(self, name) for name in _ABOUT)
        return link_hash((*about, self.data_sha256, self.prev_hash)) == self.hash


Chain = tuple[Event | Link, ...]
"""Everything from the first to the last event of a run, in order."""


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

    chain: Chain
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


def of(extract: Chain) -> Record:
    """The record in the ledger extract of one run.

    Raises:
        IntegrityError: They are not the events of one decided run.
    """
    events = events_of(extract)
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
    return Record(extract, folded, view, raw.plan, raw.verdicts, raw.waivers, raw.finish, raw.judged, raw.answered)


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


def chain(ledger: Ledger, run: str) -> Chain:
    """The extract of a ledger for one run; the events of others in between as links."""
    own = ledger.events(run)
    between = ledger.span(own[0].seq, own[-1].seq) if own else ()
    return tuple(event if event.run == run else Link.of(event) for event in between)


def events_of(extract: Chain) -> tuple[Event, ...]:
    """The run's own events."""
    return tuple(event for event in extract if isinstance(event, Event))


def lines(extract: Chain) -> bytes:
    """The extract as JSON Lines in canonical JSON; raises `IntegrityError` for an event that is not as it was kept."""
    found = []
    for event in extract:
        data = asdict(event)
        if isinstance(event, Event):
            data["data"] = event.value
            if codec.canonical(data["data"]).decode() != event.data:
                raise IntegrityError(f"event {event.seq} of the ledger is not in canonical JSON")
        found.append(codec.canonical(data) + b"\n")
    return b"".join(found)


def parse(text: bytes) -> Chain:
    """The extract in JSON Lines; raises `IntegrityError` where it is not as `lines` writes it."""
    extract: list[Event | Link] = []
    for line in text.splitlines(keepends=True):
        data = strict_json(line[:-1], "a line of the ledger")
        if not isinstance(data, dict):
            raise IntegrityError("a line of the ledger is no event")
        if "data" in data:
            data["data"] = codec.canonical(data["data"]).decode()
        try:
            extract.append(codec.load(Event, data) if "data" in data else codec.load(Link, data))
        except ValidationError as error:
            raise IntegrityError("a line of the ledger is no event") from error
    if lines(tuple(extract)) != text:
        raise IntegrityError("the ledger extract is not spelled as gonogo spells it")
    return tuple(extract)


def strict_json(text: bytes, what: str) -> Any:
    """Parsed JSON; raises `IntegrityError` where it is none, or not in its canonical form (so: no name twice)."""
    try:
        data = json.loads(text)
        if codec.canonical(data) == text:
            return data
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{what} is no JSON") from error
    raise IntegrityError(f"{what} is not in canonical JSON")


def check_chain(extract: Chain) -> str:
    """What breaks the chain from the first to the last event of a run, in words; empty: nothing."""
    own = events_of(extract)
    runs = {event.run for event in own}
    if len(runs) != 1:
        return "the ledger extract holds events of more than one run" if runs else "the ledger extract is empty"
    if extract[0] is not own[0] or own[0].event != "run-started":
        return "the ledger extract does not begin with the start of the run"
    seq, prev = extract[0].seq, extract[0].prev_hash
    for event in extract:
        problem = broken_link(event, seq, prev) if isinstance(event, Event) else _broken(event, seq, prev, runs)
        if problem:
            return problem
        seq, prev = event.seq + 1, event.hash
    return ""


def _broken(link: Link, seq: int, prev: str, runs: set[str]) -> str:
    if link.run in runs:
        return f"event {link.seq} is of this run, and what it says is left out"
    if link.seq != seq:
        return f"event {seq} is missing"
    if link.prev_hash != prev:
        return f"event {link.seq} does not follow event {link.seq - 1}"
    return "" if link.whole else f"event {link.seq} (of run {link.run}) was altered"


# --- what is made of it --------------------------------------------------------------------------------------


def plan_digest(plan: Mapping[str, Any]) -> str:
    """The digest that names a plan, from its data as kept (`gonogo.plan.compile` says what it covers)."""
    return codec.digest({**plan, "digest": "", "source": ""})


def sign_off_envelopes(record: Record) -> tuple[Envelope, ...]:
    """The signed words of the run, in the order they came in."""
    return tuple(sign.from_data(data) for data in record.folded.envelopes.values())


def sign_offs(record: Record) -> tuple[SignOff, ...]:
    """What the ledger says of them, each time it does: as they came in, and as the decision counted them."""
    came = (event.value["sign_off"] for event in events_of(record.chain) if event.event == "sign-off")
    return codec.load(tuple[SignOff, ...], [*came, *record.finish.get("sign_offs", ())])


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
