"""The list of everything in a bundle but itself and the attestations over it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict

from pydantic import ValidationError

import gonogo
from gonogo.bundle.pack import Entry
from gonogo.bundle.record import Record, strict_json
from gonogo.errors import IntegrityError
from gonogo.frozen import dataclass
from gonogo.model import codec

NAME = "manifest.json"
FORMAT = "gonogo.bundle/1"
"""Raised where a bundle of the old format would not be proven by the code of the new one."""
ATTESTATIONS = "attestations/"


@dataclass(frozen=True, slots=True)
class Signer:
    """Who sealed a bundle, by their own account; whether the key is that person's is for the reader to say."""

    person: str
    public_key: str
    """Ed25519, PEM."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One file."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle is of, who sealed it, and its files."""

    format: str
    gonogo: str
    """Version of gonogo that sealed it."""
    run: str
    plan: str
    """Digest of the plan."""
    commit: str
    target: str
    decision: str
    decided: str
    """UTC, RFC 3339."""
    signers: tuple[Signer, ...]
    files: tuple[Listed, ...]

    def text(self) -> bytes:
        """Its file: canonical JSON."""
        return codec.canonical(asdict(self))


def of(record: Record, files: Iterable[Listed], signers: Iterable[Signer], *, version: str = "") -> Manifest:
    """The manifest over the files of a run's bundle."""
    decision = record.view.decision
    assert decision is not None
    return Manifest(
        format=FORMAT,
        gonogo=version or gonogo.__version__,
        run=record.run,
        plan=record.view.plan.digest,
        commit=record.view.plan.subject.commit,
        target=record.view.plan.target,
        decision=decision.word.value,
        decided=decision.as_of,
        signers=tuple(signers),
        files=tuple(sorted(files, key=lambda file: file.name)),
    )


def parse(text: bytes) -> Manifest:
    """The manifest in its file; raises `IntegrityError` where it is none of this format."""
    data = strict_json(text, "the manifest")
    told = data.get("format") if isinstance(data, dict) else None
    if told != FORMAT:
        raise IntegrityError(f"the bundle has format `{told}`, and this gonogo proves `{FORMAT}`")
    try:
        manifest: Manifest = codec.load(Manifest, data)
    except ValidationError as error:
        raise IntegrityError("the manifest is not of its form") from error
    if manifest.text() != text:
        raise IntegrityError("the manifest says more than a manifest does")
    return manifest


def compare(manifest: Manifest, entries: Mapping[str, Entry]) -> None:
    """Compare the list with the packed files.

    Raises:
        IntegrityError: A file is missing, altered, or not listed.
    """
    listed = {file.name: file for file in manifest.files}
    if len(listed) != len(manifest.files):
        raise IntegrityError("the manifest lists a file twice")
    for name, file in listed.items():
        entry = entries.get(name)
        if entry is None:
            raise IntegrityError(f"`{name}` is listed in the manifest, and missing")
        if (entry.size, entry.sha256) != (file.size, file.sha256):
            raise IntegrityError(f"`{name}` was altered: its sha256 is not the one in the manifest")
    free = [n for n in entries if n not in listed and n != NAME and not n.startswith(ATTESTATIONS)]
    if free:
        raise IntegrityError(f"`{free[0]}` is not listed in the manifest")
