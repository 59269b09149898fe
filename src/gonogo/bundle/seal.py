"""Seal a decided run into one file: the same run gives the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from gonogo.bundle import manifest as manifests
from gonogo.bundle import pack, pieces, record, statements, wanted
from gonogo.bundle.manifest import Listed, Manifest, Signer
from gonogo.bundle.pieces import Piece
from gonogo.bundle.record import Record
from gonogo.bundle.wanted import Wanted
from gonogo.errors import IntegrityError, Refused
from gonogo.evidence import sign
from gonogo.evidence.redact import Redactor
from gonogo.evidence.store import Store
from gonogo.frozen import dataclass
from gonogo.ledger import Ledger
from gonogo.ledger.view import find_run, fold
from gonogo.model import codec
from gonogo.owners.keys import Key

README = "readme.txt"
_README = """\
This is a bundle of gonogo: one run of a release-readiness checklist, its evidence, and what came of it.

Prove it:         gonogo verify THIS-FILE            (offline; needs nothing but this file)
Judge it again:   gonogo verify --rejudge THIS-FILE

decision.json            GO, NO-GO or HOLD, and why
verdicts.json            what was judged, gate by gate
evidence.json            what each piece of evidence is, and which name of the checklist it answers
evidence/                the pieces, under their sha256
plan.json                what the run was to do; waivers.json: the waivers in force
sign-offs.intoto.jsonl   what people said, signed (DSSE, in-toto Statement v1)
ledger.jsonl             every event of the run, each chained to the one before
manifest.json            the sha256 of all of these
attestations/            statements over the manifest (in-toto Statement v1; in DSSE envelopes if somebody signed)
"""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was written."""

    path: Path
    size: int
    manifest: Manifest
    wanted: tuple[Wanted, ...]
    sha256: str


def seal(ledger: Ledger, run: str, state: Path, output: Path, keys: Sequence[Key] = ()) -> Sealed:
    """Write the bundle of a run.

    Args:
        ledger: Where its events are.
        run: Its id, or the beginning of it; empty: the last one.
        state: The state directory, for the evidence.
        output: The file to write.
        keys: Those who sign the attestations; none: they stay statements that nobody signed.

    Raises:
        InputError: There is no such run.
        Refused: It is not decided.
        IntegrityError: The ledger or a piece of evidence was altered, or is missing.
        OperationError: The file cannot be written.
    """
    found = find_run(ledger, run)
    verified = ledger.verify()
    if not verified.sound:
        raise IntegrityError(
            f"the ledger `{ledger.path}` was altered: {verified.problems[0]}",
            help="keep it for whoever looks into that; nothing was sealed",
        )
    extract = record.chain(ledger, found)
    if not fold(record.events_of(extract), found).finished:
        raise Refused(
            f"run {found} is not decided, so that there is nothing to seal",
            help=f"go on with it first: `gonogo run --resume {found}`",
        )
    told = record.of(extract)
    files, wishes = _files(told, Store(state / "evidence", Redactor()))
    manifest, files = _attested(told, files, keys)
    size = pack.write(output, files)
    with output.open("rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
    return Sealed(output, size, manifest, wishes, digest)


def _files(told: Record, store: Store) -> tuple[dict[str, bytes | Path], tuple[Wanted, ...]]:
    """Every file but the manifest and what attests it."""
    stored = {piece.sha256: _stored(piece, store) for piece in pieces.whole(told)}
    kept, files = pieces.files(told, stored)
    wishes = wanted.mapped(told.view, kept)
    listed = {"pieces": [piece.data() for piece in kept], "wanted": [wish.data() for wish in wishes]}
    files |= record.derived(told)
    files |= {
        README: _README.encode(),
        "ledger.jsonl": record.lines(told.chain),
        "evidence.json": codec.canonical(listed),
    }
    return files, wishes


def _stored(piece: Piece, store: Store) -> Path:
    """The stored file of a piece, if its bytes are still those that were judged."""
    path = store.path(piece.sha256)
    called = f"`{piece.name}` of gate `{piece.gate}` (`{path}`)"
    try:
        with path.open("rb") as file:
            same = hashlib.file_digest(file, "sha256").hexdigest() == piece.sha256
    except OSError as error:
        raise IntegrityError(
            f"the evidence {called} is gone: {error.strerror}", help="run the checklist again; nothing was sealed"
        ) from error
    if not same:
        raise IntegrityError(
            f"the evidence {called} was altered after it was judged",
            help="find out who changed it, and run the checklist again; nothing was sealed",
        )
    return path


def _attested(
    told: Record, files: dict[str, bytes | Path], keys: Sequence[Key]
) -> tuple[Manifest, dict[str, bytes | Path]]:
    """The manifest, and all files with it and its attestations."""
    signers = [Signer(key.person, _pem(key)) for key in keys]
    manifest = manifests.of(told, [_listed(name, source) for name, source in files.items()], signers)
    attested: dict[str, bytes | Path] = {manifests.NAME: manifest.text()}
    for name, statement in statements.statements(manifest, told).items():
        attested[name] = _envelope(statement, keys) if keys else statement
    return manifest, {**files, **attested}


def _envelope(statement: bytes, keys: Sequence[Key]) -> bytes:
    envelope = sign.sign(statement, keys[0].private)
    for key in keys[1:]:
        envelope = sign.add_signature(envelope, key.private)
    return envelope.line()


def _pem(key: Key) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _listed(name: str, source: bytes | Path) -> Listed:
    if isinstance(source, bytes):
        return Listed(name, len(source), hashlib.sha256(source).hexdigest())
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Listed(name, file.tell(), digest)
