"""A run that put a release on a target, sealed: what was done there is proven with the rest."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from pytest_httpserver import HTTPServer

from gonogo.bundle import rejudge
from gonogo.bundle.proof import Proof, Stopped
from gonogo.bundle.seal import seal
from gonogo.bundle.verify import open_bundle, prove
from gonogo.ledger import Ledger
from gonogo.model.outcome import DecisionWord
from tests.engine.conftest import place
from tests.engine.place import Place, outcomes
from tests.engine.test_rollout import answering, drill, put, release, smoke, there

__all__ = ["answering", "place", "there"]  # fixtures


def proven(run: Place, path: Path) -> Proof:
    with closing(Ledger(run.state / "ledger.db")) as ledger:
        seal(ledger, "", run.state, path)
    proof = Proof()
    try:
        with open_bundle(path, proof) as packed:
            rejudge.rejudge(proof, prove(proof, packed))
    except Stopped:
        pass
    return proof


def told(proof: Proof) -> list[str]:
    return [f"{claim.text}: {claim.found.value}: {claim.told}" for claim in proof.claims]


def test_a_release_that_was_kept(place: Place, there: Path, tmp_path: Path, httpserver: HTTPServer) -> None:
    release(place, there, put(), smoke())
    run = release(place, there, put(), smoke(), drill())
    assert outcomes(run)["keep_release"] == "PASS"
    assert outcomes(run)["drill"] == "PASS"
    proof = proven(place, tmp_path / "kept.zip")
    assert proof.broken is None, told(proof)
    assert proof.facts["decision"] == "GO"


def test_a_release_that_was_put_back(place: Place, there: Path, tmp_path: Path) -> None:
    release(place, there, put(), smoke())
    run = release(place, there, put(), smoke("false"))
    assert run.decision is not None
    assert run.decision.word is DecisionWord.NO_GO
    proof = proven(place, tmp_path / "back.zip")
    assert proof.broken is None, told(proof)
