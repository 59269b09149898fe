"""What the tests of verifying share: how a proof is made, what it says, and whose keys are asked for."""

from __future__ import annotations

from collections.abc import Callable

from gonogo.bundle.proof import Finding, Proof
from gonogo.evidence import sign
from tests.bundle.conftest import People

Verified = Callable[..., Proof]


def why(proof: Proof) -> str:
    """The reason of the broken claim."""
    assert proof.broken is not None
    assert proof.broken.found is Finding.BROKEN
    assert proof.exit_code == 5
    return proof.broken.told


def ada(people: People) -> str:
    return sign.keyid(sign.public_key(people.pem["ada"]))


def ben(people: People) -> str:
    return sign.keyid(sign.public_key(people.pem["ben"]))
