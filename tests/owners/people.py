"""People with keys that are the same in every run, and a run that they look at."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gonogo.evidence.sign import Envelope
from gonogo.model.capture import Blob, Capture
from gonogo.model.checklist import Gate, Question
from gonogo.model.outcome import DecisionWord, Outcome, State
from gonogo.model.plan import Node, Plan, Subject
from gonogo.model.roster import Person, Roster, Seat
from gonogo.model.run import GateView, RunState, RunView
from gonogo.model.sign_off import SignOff, Word
from gonogo.model.verdict import Decision, Judgement, Verdict
from gonogo.owners import sign_off
from gonogo.owners.keys import Key
from gonogo.owners.sign_off import Saying
from tests.judge.gates import gate, plan

NOW = "2026-11-22T15:00:00Z"


def key(person: str) -> Key:
    """The private half of a person."""
    return Key(person, Ed25519PrivateKey.from_private_bytes(hashlib.sha256(person.encode()).digest()))


def person(name: str, **more: Any) -> Person:
    """Somebody whose key is trusted."""
    public = key(name).private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return Person(name, **{"name": name.title(), "public_key": public, "emails": (f"{name}@example.org",), **more})


ADA, BEN, CLEO, DAN = (person(name) for name in ("ada", "ben", "cleo", "dan"))
ROSTER = Roster(
    (Seat("Backend", ("ada", "dan")), Seat("DevOps", ("ben",), ("ops",), quorum=2)), groups={"ops": ("cleo", "dan")}
)
SUBJECT = Subject("a" * 40, "main", authors=("ada@example.org",))
BLOB = Blob("stdout", "ab" * 32, 6, 6, "text/plain")

LOOKS = gate("exit == 0", id="looks", title="Looks", calls=("true",))
BOARD = Gate("board", "Dashboard", "1", ("DevOps",), questions=(Question("board.1", "Does it look right?", "no rule"),))


def crew_plan(**more: Any) -> Plan:
    """Two gates, one of which asks; Backend and DevOps must say go."""
    nodes = (Node(LOOKS), Node(BOARD, asks=BOARD.questions))
    given: dict[str, Any] = {"roster": ROSTER, "people": (ADA, BEN, CLEO, DAN), "sign_offs": ("Backend", "DevOps")}
    return plan(*nodes, **{"subject": SUBJECT, **given, **more})


def crew_view(made: Plan | None = None, **more: Any) -> RunView:
    """The run as it waits for its people."""
    made = made or crew_plan()
    looked = Verdict(
        "looks",
        "1",
        Outcome.PASS,
        judgements=(Judgement("exit == 0", Outcome.PASS),),
        captures=(Capture("command", "true", (BLOB,), exit=0, started=NOW, call="1"),),
        started=NOW,
    )
    asks = Verdict("board", "1", Outcome.UNKNOWN, State.WAITING, questions=("Does it look right?",))
    verdicts = {"looks": looked, "board": asks}
    gates = tuple(GateView(node.gate, verdicts[node.id]) for node in made.nodes)
    decision = Decision(DecisionWord.HOLD, (), NOW)
    given: dict[str, Any] = {"id": "R1", "plan": made, "state": RunState.FINISHED, "started": NOW, "gates": gates}
    return RunView(**{**given, "decision": decision, **more})


def with_verdict(view: RunView, name: str, **changes: Any) -> RunView:
    """The run with another verdict for one gate."""
    gates = tuple(
        dataclasses.replace(one, verdict=dataclasses.replace(one.verdict, **changes)) if one.gate.id == name else one
        for one in view.gates
    )
    return dataclasses.replace(view, gates=gates)


def signed(view: RunView, who: str, owner: str, word: Word = Word.GO, **more: Any) -> tuple[Envelope, SignOff]:
    """A word as `gonogo sign` makes it."""
    at = more.pop("at", NOW)
    message = more.pop("message", "because")
    return sign_off.make(view, Saying(owner, word, message, **more), key(who), at)


def word(who: str, owner: str, said: Word = Word.GO, **more: Any) -> SignOff:
    """A word as it comes to the judge."""
    return SignOff(**{"run": "R1", "owner": owner, "person": who, "word": said, "message": "", "seen": "", **more})


def envelopes(*made: tuple[Envelope, SignOff]) -> Sequence[Envelope]:
    """The envelopes alone."""
    return [envelope for envelope, _ in made]
