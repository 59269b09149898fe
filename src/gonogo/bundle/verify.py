"""Prove a bundle: offline, from its bytes alone, without loading a plugin or starting a process.

What must hold, in order; each claim rests on those before it:

1. The file is packed in the one way gonogo packs: no byte of slack between, before or after its entries.
2. The manifest lists every other file with its sha256, but for the attestations over it.
3. The ledger's chain is unbroken: each event has the hash it claims and follows the one before.
4. The plan is the one the run began with, and has the digest that names it.
5. Verdicts, waivers, decision and sign-offs are those of the ledger, and the decision follows from them.
6. Each piece of evidence is the one that was judged, whole if it was judged, and there is no other.
7. Each sign-off is signed by a person whose key the plan trusts, for an owner they speak for, about this run.
8. Each attestation states what the bundle holds, word for word.
9. Each attestation is signed by those who sealed it; or by nobody, which is said.

Asked for: 10. who signed is trusted (`trust`); 11. owners have said go (`require`). `gonogo.bundle.rejudge` goes
further and parses the evidence again.

Without a signature (9) the chain is only consistent: whoever can make a bundle can make another one. A signature by a
key that the reader trusts (10) says who stands for it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gonogo.bundle import manifest as manifests
from gonogo.bundle import pack, pieces, record, statements
from gonogo.bundle.manifest import ATTESTATIONS, Manifest
from gonogo.bundle.pack import Packed
from gonogo.bundle.pieces import Piece
from gonogo.bundle.proof import Proof, Stopped, Unchecked
from gonogo.bundle.record import Chain, Record
from gonogo.errors import IntegrityError
from gonogo.evidence import sign
from gonogo.evidence.sign import Envelope
from gonogo.frozen import dataclass
from gonogo.judge.decision import decide
from gonogo.judge.sign_offs import lacking, refusals, spoken
from gonogo.model import codec
from gonogo.model.outcome import DecisionWord
from gonogo.model.sign_off import SignOff, Word
from gonogo.owners import keys
from gonogo.owners import sign_off as sign_offs
from gonogo.owners.keyless import INSTALL, NotInstalled


@dataclass(frozen=True, slots=True)
class Proven:
    """What the first nine claims give to those who look further."""

    packed: Packed
    manifest: Manifest
    record: Record
    pieces: tuple[Piece, ...]
    words: tuple[SignOff, ...]
    """What people said, void where something changed since."""
    signers: dict[str, str]
    """Key id -> person, of everybody whose signature each attestation bears."""


def verify(path: Path, *, require: Sequence[str] = (), trust: Mapping[str, str] | None = None) -> Proof:
    """Prove a bundle.

    Args:
        path: The file.
        require: Owners whose go must be in it.
        trust: Key id -> name of each key that is trusted; None: whoever signed is said, and nothing more.

    Raises:
        OperationError: There is no such file, or it cannot be read.
    """
    proof = Proof()
    try:
        with open_bundle(path, proof) as packed:
            demand(proof, prove(proof, packed), require, trust)
    except Stopped:
        pass
    return proof


def open_bundle(path: Path, proof: Proof) -> Packed:
    """Claim 1."""

    def check() -> tuple[Packed, str]:
        packed = pack.read(path)
        return packed, f"{len(packed.entries)} files, {path.stat().st_size:,} bytes"

    path.stat() if path.is_file() else pack.read(path)  # a file that is not there is no broken bundle
    return proof.claim("it is packed in the one canonical way", "every byte compared with its own packing", check)


def prove(proof: Proof, packed: Packed) -> Proven:
    """Claims 2 to 9."""
    manifest = proof.claim("the manifest lists every file", "sha256 and size of each file", lambda: _manifest(packed))
    proof.facts |= {"run": manifest.run, "gonogo": manifest.gonogo}
    extract = proof.claim(
        "the ledger's chain is unbroken", "each event hashed again, and compared with the next", lambda: _chain(packed)
    )
    told = proof.claim(
        "the plan is the one the run began with", "its digest computed again", lambda: _plan(packed, manifest, extract)
    )
    proof.claim(
        "the decision is the ledger's, and follows from the verdicts",
        "each file made again from the events, and decided again",
        lambda: _decision(packed, manifest, told),
    )
    proof.facts |= _facts(told)
    found = proof.claim(
        "the evidence is what was judged",
        "digests in the verdicts compared with the files",
        lambda: _evidence(packed, told),
    )
    words = proof.claim(
        "each sign-off is of the person it names, about this run",
        "signatures checked with the keys in the plan, and what was seen computed again",
        lambda: _words(told),
    )
    envelopes = proof.claim(
        "the attestations state what the bundle holds",
        "each statement made again, byte by byte",
        lambda: _attestations(packed, manifest, told),
    )
    signers = proof.claim(
        "the attestations are signed by those who sealed them",
        "ed25519 over the DSSE encoding",
        lambda: _signatures(manifest, envelopes),
    )
    proof.facts["signed_by"] = sorted(signers.values())
    return Proven(packed, manifest, told, found, words, signers)


def _facts(told: Record) -> dict[str, Any]:
    decision, plan = told.view.decision, told.view.plan
    assert decision is not None
    return {
        "decision": decision.word.value,
        "as_of": decision.as_of,
        "title": plan.title,
        "commit": plan.subject.commit,
        "clean": plan.subject.clean,
        "images": dict(sorted(told.view.subject.images.items())),
        "target": plan.target,
    }


# --- 2 to 6: what the bundle says ----------------------------------------------------------------------------


def _manifest(packed: Packed) -> tuple[Manifest, str]:
    manifest = manifests.parse(packed.read(manifests.NAME))
    manifests.compare(manifest, packed.entries)
    return manifest, f"{len(manifest.files)} files of run {manifest.run}"


def _chain(packed: Packed) -> tuple[Chain, str]:
    extract = record.parse(packed.read("ledger.jsonl"))
    problem = record.check_chain(extract)
    if problem:
        raise IntegrityError(problem)
    own = len(record.events_of(extract))
    others = f", and {len(extract) - own} of other runs between them" if len(extract) > own else ""
    return extract, f"{own} events of the run{others}: {extract[0].seq} to {extract[-1].seq} of the ledger"


def _plan(packed: Packed, manifest: Manifest, extract: Chain) -> tuple[Record, str]:
    told = record.of(extract)
    if told.run != manifest.run:
        raise IntegrityError(f"the ledger is of run {told.run}, and the manifest of run {manifest.run}")
    digest = record.plan_digest(told.plan)
    if not digest == told.view.plan.digest == manifest.plan:
        raise IntegrityError("the plan does not have the digest that names it: it was altered")
    if packed.read("plan.json") != codec.canonical(told.plan):
        raise IntegrityError("`plan.json` is not the plan of the ledger")
    commit = told.view.plan.subject.commit
    return told, f"plan {digest[:12]} for {commit[:12] or 'no commit'} on {told.view.plan.target or 'no target'}"


def _decision(packed: Packed, manifest: Manifest, told: Record) -> tuple[None, str]:
    for name, text in record.derived(told).items():
        if packed.read(name) != text:
            raise IntegrityError(f"`{name}` is not what the ledger says")
    same = manifests.of(told, manifest.files, manifest.signers, version=manifest.gonogo)
    if same != manifest:
        raise IntegrityError("the manifest names another decision, commit or target than the ledger")
    decision = told.view.decision
    assert decision is not None
    words = codec.load(tuple[SignOff, ...], told.finish.get("sign_offs", ()))
    again = decide(
        told.view.plan, told.folded.verdicts, waivers=told.view.waivers, as_of=decision.as_of, sign_offs=words
    ).word
    held = decision.word is DecisionWord.HOLD and again is DecisionWord.GO
    if again is not decision.word and not (held and any(not reason.gate for reason in decision.reasons)):
        raise IntegrityError(f"the verdicts come to {again}, and the ledger says {decision.word}")
    return None, f"{decision.word} as of {decision.as_of}, over {len(told.view.gates)} gates"


def _evidence(packed: Packed, told: Record) -> tuple[tuple[Piece, ...], str]:
    listed = record.strict_json(packed.read("evidence.json"), "`evidence.json`")
    if not isinstance(listed, dict) or set(listed) != {"pieces", "wanted"} or not isinstance(listed["pieces"], list):
        raise IntegrityError("`evidence.json` is not of its form")
    sizes = {name: (entry.size, entry.sha256) for name, entry in packed.entries.items()}
    found = pieces.check(told, listed["pieces"], sizes)
    _answers(listed["wanted"], {piece.file for piece in found})
    cut = sum(1 for piece in found if piece.cut)
    return found, f"{len(found)} pieces{f', {cut} long logs cut to head and tail' if cut else ''}"


def _answers(wanted: Any, files: set[str]) -> None:
    """What the checklist's names are answered with must be evidence of this run."""
    for wish in wanted:
        for name in wish["files"]:
            if name not in files:
                raise IntegrityError(f"`{wish['name']}` is answered by `{name}`, which is no evidence of this run")


# --- 7: what people said -------------------------------------------------------------------------------------


def _words(told: Record) -> tuple[tuple[SignOff, ...], str]:
    envelopes = record.sign_off_envelopes(told)
    try:
        admitted = {envelope.digest: sign_offs.admit(envelope, told.view) for envelope in envelopes}
    except NotInstalled as error:
        raise Unchecked(f"{error.message} ({INSTALL})") from error
    for kept in record.sign_offs(told):
        said = admitted.get(kept.digest)
        if said is None:
            raise IntegrityError(f"the sign-off of `{kept.person}` is in the ledger without its envelope")
        if said != replace(kept, void=""):
            raise IntegrityError(f"the sign-off of `{said.person}` says something else than the ledger says of it")
    words, refused = sign_offs.standing(told.view, envelopes)
    if refused:
        raise IntegrityError(refused[0])
    _decision_lists(told)
    if not words:
        return words, "nobody has said anything"
    void = [word for word in words if not word.stands]
    return words, f"{len(words)} sign-offs{f', {len(void)} void: {void[0].person} {void[0].void}' if void else ''}"


def _decision_lists(told: Record) -> None:
    """The decision's own envelope must be about this decision, and list exactly the sign-offs it counted."""
    envelope = record.decision_envelope(told)
    if envelope is None:
        return
    said = sign.statement(envelope, sign_offs.DECISION)["predicate"]
    decision, counted = told.view.decision, told.finish.get("sign_offs", [])
    assert decision is not None
    if (said["run"], said["decision"], said["as_of"]) != (told.run, decision.word.value, decision.as_of):
        raise IntegrityError("the envelope of the decision is about another decision")
    if [one["sha256"] for one in said["sign_offs"]] != [one["digest"] for one in counted]:
        raise IntegrityError("the envelope of the decision lists other sign-offs than the ledger")


# --- 8 and 9: what is attested -------------------------------------------------------------------------------


def _attestations(packed: Packed, manifest: Manifest, told: Record) -> tuple[dict[str, Envelope], str]:
    """The envelopes by name; those without a signature are statements in no envelope."""
    expected = statements.statements(manifest, told)
    found = {name for name in packed.entries if name.startswith(ATTESTATIONS)}
    if found != set(expected):
        odd = sorted(found ^ set(expected))[0]
        raise IntegrityError(f"`{odd}` is {'missing' if odd in expected else 'no attestation of this run'}")
    envelopes: dict[str, Envelope] = {}
    for name, statement in expected.items():
        text = packed.read(name)
        envelope = sign.parse(text) if manifest.signers else Envelope(sign.IN_TOTO, text)
        if (envelope.payload_type, envelope.payload) != (sign.IN_TOTO, statement):
            raise IntegrityError(_other_subject(name, envelope.payload, statement))
        envelopes[name] = envelope
    return envelopes, f"{len(envelopes)} statements over manifest {_manifest_digest(manifest)[:12]}"


def _manifest_digest(manifest: Manifest) -> str:
    return hashlib.sha256(manifest.text()).hexdigest()


def _other_subject(name: str, found: bytes, expected: bytes) -> str:
    """Why a statement is not the one that is due: about another bundle, or something else about this one."""
    try:
        subjects = json.loads(found)["subject"]
        other = subjects != json.loads(expected)["subject"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return f"`{name}` is no statement"
    if other:
        return f"`{name}` is about another run: its subject is not the manifest of this bundle"
    return f"`{name}` states something else than the bundle holds"


def _signatures(manifest: Manifest, envelopes: Mapping[str, Envelope]) -> tuple[dict[str, str], str]:
    sealers = [(signer.person, sign.public_key(signer.public_key)) for signer in manifest.signers]
    signers = {sign.keyid(key): person for person, key in sealers}
    if len(signers) != len(sealers):
        raise IntegrityError("one key stands for two of those who sealed it")
    for name, envelope in envelopes.items():
        verified = sign.verify(envelope, [key for _, key in sealers])
        missing = [person for keyid, person in signers.items() if keyid not in verified]
        if missing:
            raise IntegrityError(f"`{name}` does not bear the signature of `{missing[0]}`")
        if [signature.keyid for signature in envelope.signatures] != [sign.keyid(key) for _, key in sealers]:
            raise IntegrityError(f"`{name}` bears signatures that belong to none of those who sealed it")
    return signers, f"signed by {', '.join(sorted(signers.values()))}" if signers else "signed by nobody"


# --- 10 and 11: what is asked for ----------------------------------------------------------------------------


def demand(proof: Proof, proven: Proven, require: Sequence[str], trust: Mapping[str, str] | None) -> None:
    """Claims 10 and 11, where they are asked for."""
    if trust is not None:
        proof.claim(
            "those who signed are trusted", "key ids compared with the keys given", lambda: _trusted(proven, trust)
        )
    for owner in require:
        proof.claim(
            f"{owner} has said go",
            "standing sign-offs over the whole run, counted as the roster asks",
            lambda owner=owner: _required(proven, owner),  # type: ignore[misc]
        )


def _trusted(proven: Proven, trust: Mapping[str, str]) -> tuple[None, str]:
    """The bundle is sealed by a key that is trusted, by no other key, and so is each word that stands."""
    if not proven.signers:
        raise IntegrityError("the bundle is signed by nobody")
    for keyid, person in proven.signers.items():
        if keyid not in trust:
            raise IntegrityError(f"the key that sealed it as `{person}` is not trusted ({keyid[:12]})")
    people = {person.id: person for person in proven.record.view.plan.people}
    for word in proven.words:
        keyid = keys.keyid(people[word.person])
        if keyid not in trust:
            raise IntegrityError(f"the key that signed for {word.owner} as `{word.person}` is not trusted")
    return None, f"{len(proven.signers)} of the bundle, {len(proven.words)} of sign-offs"


def _required(proven: Proven, owner: str) -> tuple[None, str]:
    refused = refusals(proven.words)
    if refused:
        raise IntegrityError(spoken(refused[0]))
    latest = {
        word.person: word
        for word in proven.words
        if not word.gate and word.stands and word.word is Word.GO and word.owner.casefold() == owner.casefold()
    }
    missing = lacking(proven.record.view.plan, owner, tuple(latest.values()))
    if missing or not latest:
        void = next((w for w in proven.words if w.owner.casefold() == owner.casefold() and not w.stands), None)
        raise IntegrityError(f"{void.person}'s word is void: {void.void}" if void else missing or "nobody said go")
    return None, "; ".join(spoken(word) for word in latest.values())
