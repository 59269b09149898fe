"""A bundle of format 1, as it was sealed in November 2026: every later version must still prove it.

Where this turns red, the statements or the files made from the ledger have changed. Keep the old way for the old format
and raise `gonogo.bundle.manifest.FORMAT`; never seal the asset anew.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from gonogo.bundle.keyring import load
from gonogo.bundle.proof import Proof
from gonogo.bundle.rejudge import rejudge
from gonogo.bundle.verify import demand, open_bundle, prove

GOLDEN = Path(__file__).parent / "assets" / "bundle-1.zip"
SHA256 = "6af82159d8e90b562408df298faf67d9989b82d1d2a1de1db32b4a56de97b6c2"


def test_it_is_the_one_that_was_sealed() -> None:
    assert hashlib.sha256(GOLDEN.read_bytes()).hexdigest() == SHA256


def test_it_is_still_proven_and_comes_to_the_same_verdicts() -> None:
    proof = Proof()
    with open_bundle(GOLDEN, proof) as packed:
        demand(proof, proven := prove(proof, packed), ["DevOps"], load([GOLDEN.with_name("ada.pem")]))
        rejudge(proof, proven)
    assert [claim.text for claim in proof.claims if claim.found != "holds"] == []
    assert len(proof.claims) == 12
    assert proof.facts["decision"] == "GO"
    assert proof.facts["signed_by"] == ["ada"]
