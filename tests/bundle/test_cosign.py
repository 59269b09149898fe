"""Somebody else's verifier: cosign accepts our envelopes and refuses tampered ones.

Debian's package is fetched where `CI=true`; elsewhere these tests run where the program is there already.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gonogo.bundle.statements import TEST_RESULT, VERDICT, VSA
from tests.bundle.conftest import People
from tests.cosign import cosign

TYPES = {"decision": VSA, "verdict": VERDICT, "tests-unit-tests": TEST_RESULT}


__all__ = ["cosign"]  # the fixture


@pytest.fixture
def verified(cosign: str, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(envelope: bytes, blob: bytes, pem: str, kind: str) -> subprocess.CompletedProcess[str]:
        for name, data in (("envelope.json", envelope), ("blob", blob), ("key.pem", pem.encode())):
            (tmp_path / name).write_bytes(data)
        return subprocess.run(
            [
                *(cosign, "verify-blob-attestation", "--key", "key.pem", "--signature", "envelope.json"),
                *("--type", kind, "--insecure-ignore-tlog=true", "blob"),
            ],
            cwd=tmp_path,
            env={**os.environ, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


Verified = Callable[..., subprocess.CompletedProcess[str]]


def parts(bundle: Path, name: str) -> tuple[bytes, bytes]:
    """An attestation, and the manifest it is about."""
    with zipfile.ZipFile(bundle) as archive:
        return archive.read(f"attestations/{name}.intoto.json"), archive.read("manifest.json")


@pytest.mark.parametrize("name", TYPES)
def test_cosign_accepts(name: str, signed: Path, people: People, verified: Verified) -> None:
    done = verified(*parts(signed, name), people.pem["ben"], TYPES[name])
    assert done.returncode == 0, done.stderr
    assert "Verified OK" in done.stderr


@pytest.mark.parametrize("name", TYPES)
def test_cosign_refuses_another_key(name: str, signed: Path, people: People, verified: Verified) -> None:
    assert verified(*parts(signed, name), people.pem["ada"], TYPES[name]).returncode != 0


def test_cosign_refuses_another_blob(signed: Path, people: People, verified: Verified) -> None:
    envelope, manifest = parts(signed, "decision")
    assert verified(envelope, manifest + b"\n", people.pem["ben"], VSA).returncode != 0


def test_cosign_refuses_another_type(signed: Path, people: People, verified: Verified) -> None:
    assert verified(*parts(signed, "decision"), people.pem["ben"], VERDICT).returncode != 0


def test_cosign_refuses_a_tampered_statement(signed: Path, people: People, verified: Verified) -> None:
    envelope, manifest = parts(signed, "decision")
    data = json.loads(envelope)
    payload = base64.b64decode(data["payload"])
    data["payload"] = base64.b64encode(payload.replace(b"gonogo.yaml", b"gonogO.yaml")).decode()
    assert payload.count(b"gonogo.yaml") == 1
    assert verified(json.dumps(data).encode(), manifest, people.pem["ben"], VSA).returncode != 0


def test_cosign_accepts_a_sign_off(signed: Path, people: People, verified: Verified) -> None:
    """What a person signed is the document of what that person saw."""
    from gonogo.bundle import record
    from gonogo.evidence import sign
    from gonogo.model import codec
    from gonogo.owners.sign_off import SIGN_OFF

    with zipfile.ZipFile(signed) as archive:
        told = record.of(record.parse(archive.read("ledger.jsonl")))
    envelope = record.sign_off_envelopes(told)[-1]
    said = sign.statement(envelope, SIGN_OFF)["predicate"]
    seen = codec.canonical({"run": said["run"], "gate": said["gate"], "parts": said["seen"]["parts"]})
    done = verified(envelope.line(), seen, people.pem["ada"], SIGN_OFF)
    assert done.returncode == 0, done.stderr
    assert verified(envelope.line(), seen, people.pem["ben"], SIGN_OFF).returncode != 0
