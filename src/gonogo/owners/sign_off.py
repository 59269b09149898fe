"""A person's word: a signed in-toto statement over the digest of exactly what the person saw.

Making one and admitting one ask the same: the person's key is trusted at the subject's commit, and the roster lets
that person speak for the owner. What is signed is a digest of five parts, so that a later change can be named.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import gonogo
from gonogo.errors import IntegrityError, Refused, nearest
from gonogo.evidence import sign
from gonogo.evidence.sign import Envelope
from gonogo.frozen import dataclass
from gonogo.model import codec
from gonogo.model.capture import Blob
from gonogo.model.roster import Person
from gonogo.model.run import GateView, RunView
from gonogo.model.sign_off import SignOff, Word
from gonogo.model.verdict import Decision, Verdict, Waiver
from gonogo.owners import keyless, keys
from gonogo.owners.keys import Key

SIGN_OFF = "urn:gonogo:sign-off:1"
"""Predicate type of a sign-off."""
DECISION = "urn:gonogo:decision-of-run:1"
"""Predicate type of a decision, which lists the sign-offs it counted."""

PARTS = ("plan", "subject", "verdicts", "evidence", "waivers")
_PLURAL = {"verdicts", "waivers"}


# --- what was seen -------------------------------------------------------------------------------------------


def seen_digest(view: RunView, gate: str = "") -> tuple[str, dict[str, str]]:
    """The digest of what a person sees of a run, or of one gate of it, and the digests of its parts.

    Of a gate it is the verdict before any answer, the evidence of that gate, and the waivers that cover something in
    it: another answer to the same gate changes none of them.
    """
    parts = _parts(view, gate)
    return hashlib.sha256(_document(view, gate, parts)).hexdigest(), parts


def seen_document(view: RunView, gate: str = "") -> bytes:
    """The bytes whose sha256 is signed: canonical JSON of run, gate and parts."""
    return _document(view, gate, _parts(view, gate))


def _document(view: RunView, gate: str, parts: Mapping[str, str]) -> bytes:
    return codec.canonical({"run": view.id, "gate": gate, "parts": dict(parts)})


def _parts(view: RunView, gate: str) -> dict[str, str]:
    closing = {node.id for node in view.plan.closing}  # what follows from the verdicts is nothing new to sign
    gates = [one for one in view.gates if one.gate.id not in closing and (one.gate.id == gate or not gate)]
    verdicts = {one.gate.id: _verdict(one) if gate else one.verdict for one in gates}
    waivers = [w for w in view.waivers if not gate or _covers(w, verdicts.values())]
    return {
        "plan": codec.digest(_lean(dataclasses.replace(view.plan, digest="", source=""))),
        "subject": codec.digest(_lean(view.subject_at(gate) if gate else view.subject)),
        "verdicts": codec.digest({name: _lean(verdict) for name, verdict in verdicts.items()}),
        "evidence": codec.digest(evidence_entries(verdicts)),
        "waivers": codec.digest([_lean(waiver) for waiver in sorted(waivers, key=lambda w: w.id)]),
    }


def _verdict(gate: GateView) -> Verdict:
    return gate.asked or gate.verdict


def _covers(waiver: Waiver, verdicts: Iterable[Verdict]) -> bool:
    return any(waiver.id in judgement.waived_by for verdict in verdicts for judgement in verdict.judgements)


def evidence_entries(verdicts: Mapping[str, Verdict]) -> list[dict[str, Any]]:
    """Every piece of evidence, by gate and capture: what the manifest of a run lists."""
    return [
        {"gate": gate, "capture": number, "name": b.name, "path": b.path, "sha256": b.sha256, "size": b.size}
        for gate, verdict in sorted(verdicts.items())
        for number, capture in enumerate(verdict.captures, start=1)
        for b in capture.blobs
    ]


def _lean(value: Any) -> Any:
    """Plain data of a noun without the fields that equal their default.

    So a field that a later version of gonogo adds does not void what was signed before.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kept = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.name != "span"}
        usual = {f.name: _default(f) for f in dataclasses.fields(value)}
        return {name: _lean(item) for name, item in kept.items() if item != usual[name]}
    if isinstance(value, dict):
        return {str(key): _lean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_lean(item) for item in value]
    return codec.dump(value)


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not dataclasses.MISSING else dataclasses.MISSING


# --- making one ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Saying:
    """What a person wants to say."""

    owner: str
    word: Word
    message: str
    gate: str = ""
    question: str = ""
    attachments: tuple[Blob, ...] = ()


class Signer(Protocol):
    """Who signs: a key, or an identity without one."""

    @property
    def person(self) -> str:
        """Id of the person."""

    def sign(self, payload: bytes) -> Envelope:
        """The payload in an envelope with one signature."""


def make(view: RunView, saying: Saying, signer: Signer, at: str) -> tuple[Envelope, SignOff]:
    """Sign it; what comes back has been admitted as every other sign-off is.

    Args:
        view: The run as the person sees it.
        saying: Owner, word, message, and what it is about.
        signer: The person's private half, or the identity that they sign in with.
        at: The moment; UTC, RFC 3339.

    Raises:
        Refused: The person's key is not trusted, or the person does not speak for that owner.
    """
    seen, parts = seen_digest(view, saying.gate)
    predicate = {
        "run": view.id,
        "owner": saying.owner,
        "person": signer.person,
        "word": saying.word.value,
        "message": saying.message,
        "gate": saying.gate,
        "question": saying.question,
        "seen": {"sha256": seen, "parts": parts},
        "at": at,
        "attachments": codec.dump(list(saying.attachments)),
        "gonogo": gonogo.__version__,
    }
    only_seen = isinstance(signer, keyless.Identity)  # Sigstore's client refuses a statement with git's digests
    envelope = signer.sign(codec.canonical(_statement(view, seen, SIGN_OFF, predicate, only_seen=only_seen)))
    return envelope, admit(envelope, view)


def _statement(
    view: RunView, seen: str, kind: str, predicate: dict[str, Any], *, only_seen: bool = False
) -> dict[str, Any]:
    subjects: list[dict[str, Any]] = [{"name": f"{view.id}.seen.json", "digest": {"sha256": seen}}]
    if view.plan.subject.commit and not only_seen:
        subjects.append({"name": "commit", "digest": {"gitCommit": view.plan.subject.commit}})
    subjects += [] if only_seen else sign.image_subjects(view.subject.images)
    return {"_type": sign.STATEMENT, "subject": subjects, "predicateType": kind, "predicate": predicate}


# --- admitting one -------------------------------------------------------------------------------------------


def parse(envelope: Envelope) -> SignOff:
    """What an envelope says, whoever signed it; raises `IntegrityError` where it is no sign-off."""
    statement = sign.statement(envelope, SIGN_OFF)
    said = statement["predicate"]
    try:
        sign_off = SignOff(
            run=_text(said["run"]),
            owner=_text(said["owner"]),
            person=_text(said["person"]),
            word=Word(said["word"]),
            message=_text(said["message"]),
            seen=_text(said["seen"]["sha256"]),
            parts=codec.load(dict[str, str], said["seen"]["parts"]),
            gate=_text(said["gate"]),
            question=_text(said["question"]),
            at=_text(said["at"]),
            attachments=codec.load(tuple[Blob, ...], said["attachments"]),
            keyid=envelope.signatures[0].keyid if envelope.signatures else "",
            digest=envelope.digest,
        )
        named = statement["subject"][0]["digest"]["sha256"]
    except (KeyError, IndexError, TypeError, ValueError) as error:  # what does not fit its noun is a ValueError
        raise IntegrityError("the statement is no sign-off: a part of it is missing or of the wrong form") from error
    document = codec.canonical({"run": sign_off.run, "gate": sign_off.gate, "parts": sign_off.parts})
    if not sign_off.seen == named == hashlib.sha256(document).hexdigest() or set(sign_off.parts) != set(PARTS):
        raise IntegrityError("the sign-off contradicts itself: its digest is not that of the parts it lists")
    return sign_off


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def admit(envelope: Envelope, view: RunView) -> SignOff:
    """The sign-off in an envelope, if it may count in this run.

    What must hold, in order: (1) it is a sign-off in canonical form, (2) over this run, (3) by a person whose key is
    trusted at the subject's commit and not revoked, (4) whose signature it bears, (5) who speaks for that owner,
    (6) about a gate of that owner, and a question of that gate.

    Raises:
        IntegrityError: (1) or (4) does not hold.
        Refused: One of the others does not hold.
    """
    said = parse(envelope)  # (1)
    if said.run != view.id:  # (2)
        raise Refused(f"the sign-off is about run {said.run}, not {view.id}", help="sign this run anew")
    person = _trusted(said.person, view)  # (3)
    _signed_by(person, envelope)  # (4)
    owner = spoken_for(view, person, said.owner)  # (5)
    if said.gate:
        _about(view, said.gate, said.question, owner)  # (6)
    return said


def _signed_by(person: Person, envelope: Envelope) -> None:
    """Raises `IntegrityError` unless the envelope bears one signature, and that is the person's."""
    if person.keyless:
        if [one.keyid for one in envelope.signatures] != [keys.keyid(person)]:
            raise IntegrityError(f"the sign-off claims to be of `{person.id}`, and does not name their identity")
        keyless.verify(envelope, person.identity, person.issuer)
        return
    signed = sign.verify(envelope, [sign.public_key(person.public_key)])
    if not signed or [(one.keyid, one.extension) for one in envelope.signatures] != [(signed[0], "")]:
        raise IntegrityError(f"the sign-off claims to be of `{person.id}`, and its one signature is not")


def _trusted(person: str, view: RunView) -> Person:
    found = next((one for one in view.plan.people if one.id == person), None)
    if found is None:
        raise Refused(
            f"the key of `{person}` is not trusted at the subject's commit",
            help=f"commit `{keys.PEOPLE}/{person}.yaml` in a reviewed change, and run again",
        )
    if found.revoked:
        raise Refused(f"the key of `{person}` was revoked: {found.revoked}", help="let somebody else sign")
    return found


def spoken_for(view: RunView, person: Person, owner: str) -> str:
    """The owner's name, if the person may speak for it; raises `Refused` where not: nobody signs for another."""
    roster = view.plan.roster
    if person.id in {one.id for one in roster.speakers(owner, view.plan.people)}:
        return owner
    own = owners_of(view, person.id)
    near = f"sign for {', '.join(f'`{name}`' for name in own)}" if own else "add them to the `roster` of the checklist"
    raise Refused(f"`{person.id}` does not speak for `{owner}`", help=near)


def owners_of(view: RunView, person: str) -> tuple[str, ...]:
    """The owners of the run's checklist that a person may speak for."""
    plan = view.plan
    named = [seat.owner for seat in plan.roster.seats]
    named += [*plan.sign_offs, *(owner for node in plan.nodes for owner in node.gate.owners)]
    return tuple(
        owner
        for owner in dict.fromkeys(named)
        if any(one.id == person for one in plan.roster.speakers(owner, plan.people))
    )


def _about(view: RunView, gate: str, question: str, owner: str) -> None:
    node = next((one for one in view.plan.nodes if one.id == gate), None)
    if node is None:
        near = nearest(gate, [one.id for one in view.plan.nodes])
        raise Refused(
            f"run {view.id} has no gate `{gate}`", help=f"did you mean `{near}`?" if near else "run `gonogo ask`"
        )
    if owner.casefold() not in {name.casefold() for name in node.gate.owners}:
        named = ", ".join(f"`{name}`" for name in node.gate.owners) or "nobody"
        raise Refused(f"gate `{gate}` belongs to {named}, not to `{owner}`", help="leave it to its owners")
    if question and question not in {one.id for one in node.asks}:
        known = ", ".join(f"`{one.id}`" for one in node.asks) or "nothing"
        raise Refused(f"gate `{gate}` asks no question `{question}`", help=f"it asks {known}")


# --- what still counts ---------------------------------------------------------------------------------------


def standing(
    view: RunView,
    envelopes: Iterable[Envelope],
    *,
    revoked: Mapping[str, str] | None = None,
    altered: Sequence[str] = (),
) -> tuple[tuple[SignOff, ...], tuple[str, ...]]:
    """The sign-offs that may count, void ones with the reason; and why each other envelope may not count at all.

    Args:
        view: The run as it is now.
        envelopes: In the order they came in.
        revoked: Person -> why, of keys revoked since the plan was made.
        altered: Digests of evidence that is missing or no longer has its digest.
    """
    counted, refused = [], []
    for envelope in envelopes:
        try:
            said = admit(envelope, view)
            if revoked and said.person in revoked:
                raise Refused(f"the key of `{said.person}` was revoked: {revoked[said.person]}")  # noqa: TRY301
        except (IntegrityError, Refused) as error:
            refused.append(f"a sign-off does not count: {error.message}")
            continue
        counted.append(said)
    return still(view, counted, altered), tuple(dict.fromkeys(refused))


def still(view: RunView, sign_offs: Iterable[SignOff], altered: Sequence[str] = ()) -> tuple[SignOff, ...]:
    """Sign-offs that were admitted, each with what has changed since it was signed, if anything has."""
    now: dict[str, dict[str, str]] = {}
    found = []
    for said in sign_offs:
        if said.gate not in now:
            now[said.gate] = seen_digest(view, said.gate)[1]
        changed = [part for part in PARTS if said.parts[part] != now[said.gate][part]]
        if _touches(view, said.gate, altered) and "evidence" not in changed:
            changed.append("evidence")
        found.append(dataclasses.replace(said, void=_changed(changed)))
    return tuple(found)


def _touches(view: RunView, gate: str, altered: Sequence[str]) -> bool:
    if not altered:
        return False
    verdicts = {one.gate.id: one.verdict for one in view.gates if one.gate.id == gate or not gate}
    return any(entry["sha256"] in altered for entry in evidence_entries(verdicts))


def _changed(parts: Sequence[str]) -> str:
    if not parts:
        return ""
    named = f"{', the '.join(parts[:-1])} and the {parts[-1]}" if len(parts) > 1 else parts[0]
    verb = "have" if len(parts) > 1 or parts[0] in _PLURAL else "has"
    return f"the {named} {verb} changed since"


# --- the decision --------------------------------------------------------------------------------------------


def decision_envelope(
    view: RunView, decision: Decision, sign_offs: Sequence[SignOff], key: Key | None = None
) -> Envelope:
    """The decision as an envelope of its own, which lists the digests of the sign-offs it counted.

    Without a key nobody signs it: it then proves nothing but its own spelling, and the ledger's chain holds it.
    """
    seen, parts = seen_digest(view)
    predicate = {
        "run": view.id,
        "decision": decision.word.value,
        "as_of": decision.as_of,
        "reasons": codec.dump(list(decision.reasons)),
        "seen": {"sha256": seen, "parts": parts},
        "sign_offs": [
            {"sha256": s.digest, "owner": s.owner, "person": s.person, "word": s.word.value, "void": s.void}
            for s in sign_offs
        ],
        "target": view.plan.target,
        "gonogo": gonogo.__version__,
    }
    payload = codec.canonical(_statement(view, seen, DECISION, predicate))
    return sign.sign(payload, key.private) if key is not None else Envelope(sign.IN_TOTO, payload)
