"""What others make of our words, with nothing of gonogo: openssl, and cosign (fetched where `CI=true`)."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gonogo.owners import sign_off
from tests.cosign import cosign
from tests.owners.people import ADA, BEN, crew_view, signed

__all__ = ["cosign"]  # the fixture
VIEW = crew_view()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A sign-off as it is kept, what it is over, and the people's public keys."""
    envelope, _ = signed(VIEW, "ada", "Backend")
    (tmp_path / "envelope.json").write_bytes(envelope.line())
    (tmp_path / "seen.json").write_bytes(sign_off.seen_document(VIEW))
    (tmp_path / "ada.pem").write_text(ADA.public_key)
    (tmp_path / "ben.pem").write_text(BEN.public_key)
    return tmp_path


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")
@pytest.mark.parametrize(("key", "holds"), [("ada", True), ("ben", False)])
def test_openssl_and_a_few_lines_verify_a_word(kept: Path, key: str, holds: bool) -> None:
    envelope = json.loads((kept / "envelope.json").read_bytes())
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    (kept / "signed").write_bytes(b" ".join([b"DSSEv1", b"%d" % len(kind), kind, b"%d" % len(payload), payload]))
    (kept / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    command = f"openssl pkeyutl -verify -pubin -inkey {key}.pem -rawin -in signed -sigfile sig"
    done = subprocess.run(command.split(), cwd=kept, capture_output=True, check=False)
    assert (done.returncode == 0) is holds
    digest = subprocess.run(
        ["openssl", "dgst", "-sha256", "-r", "seen.json"], cwd=kept, capture_output=True, check=True
    )
    assert digest.stdout.split()[0].decode() == json.loads(payload)["subject"][0]["digest"]["sha256"]


def test_cosign_accepts_a_word_and_refuses_a_changed_one(kept: Path, cosign: str) -> None:
    def verified(key: str = "ada", kind: str = sign_off.SIGN_OFF) -> bool:
        command = [cosign, "verify-blob-attestation", "--key", f"{key}.pem", "--signature", "envelope.json"]
        command += ["--type", kind, "--insecure-ignore-tlog=true", "seen.json"]
        return subprocess.run(command, cwd=kept, env=env, capture_output=True, check=False).returncode == 0

    env = {**os.environ, "HOME": str(kept)}
    assert verified()
    assert not verified(key="ben")
    assert not verified(kind=sign_off.DECISION)
    seen = (kept / "seen.json").read_bytes()
    (kept / "seen.json").write_bytes(seen.replace(b"R1", b"R2"))
    assert not verified()
    (kept / "seen.json").write_bytes(seen)
    envelope = json.loads((kept / "envelope.json").read_bytes())
    payload = base64.b64decode(envelope["payload"]).replace(b'"word":"go"', b'"word":"no"')
    (kept / "envelope.json").write_text(json.dumps({**envelope, "payload": base64.b64encode(payload).decode()}))
    assert not verified()
