"""Signatures, sign-offs and trust: who signed a bundle, what people said of its run, and who is believed."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gonogo.bundle.keyring import load
from gonogo.bundle.manifest import Signer
from gonogo.bundle.verify import verify
from gonogo.errors import InputError
from gonogo.evidence import sign
from gonogo.model.sign_off import Word
from gonogo.owners.keys import Key
from tests.bundle import forge
from tests.bundle.conftest import People, Repository
from tests.bundle.verifying import Verified, ada, ben, why

# --- attestations and signatures -----------------------------------------------------------------------------

DECISION = "attestations/decision.intoto.json"


def test_a_statement_that_says_something_else(unsigned: Path, verified: Verified) -> None:
    files = forge.unpacked(unsigned.read_bytes())
    rosy = files[DECISION].replace(b'"GONOGO_GO"', b'"GONOGO_OK"')
    assert why(verified({**files, DECISION: rosy})) == f"`{DECISION}` states something else than the bundle holds"


def test_an_attestation_left_out(signed: Path, verified: Verified) -> None:
    files = forge.unpacked(signed.read_bytes())
    del files[DECISION]
    assert why(verified(files)) == f"`{DECISION}` is missing"


def test_an_attestation_too_many(unsigned: Path, verified: Verified) -> None:
    files = forge.unpacked(unsigned.read_bytes())
    assert "no attestation of this run" in why(verified({**files, "attestations/more.json": b"{}"}))


def test_signature_over_another_run(signed: Path, unsigned: Path, people: People, verified: Verified) -> None:
    """Ben's true signature, taken from the bundle of another run."""
    files = forge.unpacked(unsigned.read_bytes())
    signer = Signer("ben", people.pem["ben"])
    mine = forge.stated_anew(forge.listed_anew(files, signers=(signer,)))
    borrowed = {name: data for name, data in forge.unpacked(signed.read_bytes()).items() if name in mine}
    for name in mine:
        if name.startswith("attestations/"):
            mine[name] = borrowed[name]
    assert "is about another run: its subject is not the manifest of this bundle" in why(verified(mine))


def test_signed_by_somebody_else(unsigned: Path, people: People, mallory: Key, verified: Verified) -> None:
    """Mallory signs and says it was Ben."""
    files = forge.stated_anew(
        forge.listed_anew(forge.unpacked(unsigned.read_bytes()), signers=(Signer("ben", people.pem["ben"]),))
    )
    for name in [name for name in files if name.startswith("attestations/")]:
        files[name] = sign.sign(files[name], mallory.private).line()
    assert "does not bear the signature of `ben`" in why(verified(files))


def test_signatures_taken_away(signed: Path, verified: Verified) -> None:
    """The manifest names who sealed it, so that taking the signatures away does not make it unsigned."""
    files = forge.unpacked(signed.read_bytes())
    for name in [name for name in files if name.startswith("attestations/")]:
        files[name] = replace(sign.parse(files[name]), signatures=()).line()
    assert "does not bear the signature of `ben`" in why(verified(files))


def test_a_signature_more(signed: Path, mallory: Key, verified: Verified) -> None:
    files = forge.unpacked(signed.read_bytes())
    files[DECISION] = sign.add_signature(sign.parse(files[DECISION]), mallory.private).line()
    assert "signatures that belong to none of those who sealed it" in why(verified(files))


def test_a_key_id_that_lies(signed: Path, verified: Verified) -> None:
    files = forge.unpacked(signed.read_bytes())
    envelope = sign.parse(files[DECISION])
    lying = replace(envelope, signatures=(replace(envelope.signatures[0], keyid="0" * 64),))
    assert "belong to none" in why(verified({**files, DECISION: lying.line()}))


def test_an_unsigned_forgery_of_a_signed_bundle_is_signed_by_nobody(
    signed: Path, people: People, verified: Verified
) -> None:
    files = forge.all_anew(forge.unpacked(signed.read_bytes()))
    assert verified(files).claims[-1].told == "signed by nobody"
    assert why(verified(files, trust={ben(people): "ben"})) == "the bundle is signed by nobody"


# --- sign-offs -----------------------------------------------------------------------------------------------


def test_a_sign_off_of_another_run(signed: Path, verified: Verified) -> None:
    files = forge.unpacked(signed.read_bytes())
    events = forge.events(files)
    own = events[0]["run"]
    for event in events:
        if event["run"] == own:
            event["run"] = "20200101T000000Z-000000"
    forged = forge.with_events(files, events, rehash=True)
    listed = forge.listed_anew(forged, run="20200101T000000Z-000000")
    assert "the sign-off is about run" in why(verified(forge.all_anew(listed)))


def test_a_sign_off_that_says_no_turned_into_go(signed: Path, verified: Verified) -> None:
    def someone_else(data: dict[str, Any]) -> None:
        data["sign_off"]["owner"] = "Backend"

    files = forge.unpacked(signed.read_bytes())
    forged = forge.all_anew(forge.edited(files, "sign-off", someone_else, rehash=True))
    assert "says something else than the ledger says of it" in why(verified(forged))


def test_a_sign_off_signed_by_a_stranger(signed: Path, mallory: Key, verified: Verified) -> None:
    def forged_by(data: dict[str, Any]) -> None:
        old = sign.from_data(data["envelope"])
        data["envelope"] = sign.sign(old.payload, mallory.private).data()

    files = forge.unpacked(signed.read_bytes())
    forged = forge.all_anew(forge.edited(files, "sign-off", forged_by, rehash=True))
    assert "the sign-off claims to be of `ada`, and its one signature is not" in why(verified(forged))


def test_a_no_go_after_the_decision_is_seen(large: Repository, decided: str, people: People, tmp_path: Path) -> None:
    made = Repository(_copied(large, tmp_path))
    made.say(people.ben, "Backend", Word.NO_GO, run=decided)
    path = tmp_path / "late.zip"
    made.seal(path, run=decided)
    assert verify(path).broken is None
    assert why(verify(path, require=["DevOps"])) == "ben (Backend) says no-go: because"


def _copied(repository: Repository, tmp_path: Path) -> Path:
    root = tmp_path / "copy"
    subprocess.run(["cp", "-a", str(repository.root), str(root)], check=True)
    return root


# --- trust and require ---------------------------------------------------------------------------------------


def test_trusted(signed: Path, people: People) -> None:
    proof = verify(signed, trust={ada(people): "ada", ben(people): "ben"})
    assert proof.broken is None
    assert proof.claims[9].text == "those who signed are trusted"


def test_key_not_trusted(signed: Path, people: People) -> None:
    assert "the key that sealed it as `ben` is not trusted" in why(verify(signed, trust={ada(people): "ada"}))


def test_a_persons_key_not_trusted(signed: Path, people: People) -> None:
    told = why(verify(signed, trust={ben(people): "ben"}))
    assert told == "the key that signed for DevOps as `ada` is not trusted"


def test_trust_asks_for_a_signature(unsigned: Path, people: People) -> None:
    assert why(verify(unsigned, trust={ben(people): "ben"})) == "the bundle is signed by nobody"


def test_required_owner(signed: Path) -> None:
    assert verify(signed, require=["DevOps"]).broken is None
    assert verify(signed, require=["devops"]).broken is None


@pytest.mark.parametrize(
    ("owner", "reason"), [("Backend", "0 of 2 said go; ada, ben may"), ("Frontend", "nobody who may speak")]
)
def test_required_owner_is_missing(signed: Path, owner: str, reason: str) -> None:
    assert reason in why(verify(signed, require=["DevOps", owner]))


def test_keys_from_where_people_keep_them(large: Repository, people: People, tmp_path: Path) -> None:
    pem = tmp_path / "ci.pem"
    pem.write_text(people.pem["ben"] + people.pem["mallory"])
    assert set(load([large.root / ".gonogo" / "people"])) == {ada(people), ben(people)}
    assert len(load([pem])) == 2
    revoked = tmp_path / "ada.yaml"
    revoked.write_text(json.dumps({"name": "Ada", "public_key": people.pem["ada"], "revoked": "lost"}))
    with pytest.raises(InputError, match="holds no public key that is trusted"):
        load([revoked])
    with pytest.raises(InputError, match="cannot be read"):
        load([tmp_path / "none.pem"])
