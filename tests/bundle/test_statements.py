"""What is attested, against the published shapes."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gonogo.bundle import manifest as manifests
from gonogo.bundle import record
from gonogo.bundle.schema import schema
from gonogo.bundle.statements import TEST_RESULT, VERDICT, VSA, result_of_tests, summary_predicate
from gonogo.bundle.verify import verify
from gonogo.evidence import sign
from gonogo.model import codec
from gonogo.model.observation import Finding, Trouble
from gonogo.model.outcome import Outcome
from gonogo.model.run import GateView
from gonogo.model.verdict import Judgement
from tests.bundle import forge
from tests.outputs import runs


def statement(bundle: Path, name: str) -> dict[str, Any]:
    with zipfile.ZipFile(bundle) as archive:
        text = archive.read(f"attestations/{name}.intoto.json")
    data = json.loads(text)
    payload = sign.parse(text).payload if "payload" in data else text
    found: dict[str, Any] = json.loads(payload)
    return found


@pytest.mark.parametrize("bundle", ["unsigned", "signed"])
def test_every_statement_is_over_manifest_and_commit(bundle: str, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(bundle)
    files = forge.unpacked(path.read_bytes())
    manifest = hashlib.sha256(files["manifest.json"]).hexdigest()
    commit = json.loads(files["plan.json"])["subject"]["commit"]
    for name in [name for name in files if name.startswith("attestations/")]:
        told = statement(path, name.removeprefix("attestations/").removesuffix(".intoto.json"))
        assert told["_type"] == "https://in-toto.io/Statement/v1"
        assert told["subject"] == [
            {"name": "manifest.json", "digest": {"sha256": manifest}},
            {"name": "commit", "digest": {"gitCommit": commit}},
        ]


def test_images_that_the_run_built_are_subjects_too(unsigned: Path, tmp_path: Path) -> None:
    def built(data: dict[str, Any]) -> None:
        data["verdict"]["captures"][0]["images"] = {"api": "sha256:" + "1" * 64, "web": "not pushed"}

    files = forge.edited(forge.unpacked(unsigned.read_bytes()), "verdict", built, rehash=True)
    files = forge.all_anew(files)
    for name in ("decision", "verdict"):
        told = json.loads(files[f"attestations/{name}.intoto.json"])
        assert told["subject"][2:] == [{"name": "image:api", "digest": {"sha256": "1" * 64}}]
    jsonschema.validate(told["predicate"], schema())
    images = {"api": "sha256:" + "1" * 64, "web": "not pushed"}
    assert told["predicate"]["images"] == images
    (tmp_path / "built.zip").write_bytes(forge.repacked(files))
    assert verify(tmp_path / "built.zip").facts["images"] == images


def test_decision_as_slsa_verification_summary(signed: Path) -> None:
    told = statement(signed, "decision")
    predicate = told["predicate"]
    assert told["predicateType"] == VSA == "https://slsa.dev/verification_summary/v1"
    assert predicate["verificationResult"] == "PASSED"
    assert predicate["verifiedLevels"] == ["GONOGO_GO"]
    assert predicate["resourceUri"].endswith("?target=staging")
    assert predicate["policy"]["uri"] == "gonogo.yaml"
    files = forge.unpacked(signed.read_bytes())
    policy = {"checklist": json.loads(files["plan.json"])["checklist_digest"], "waivers": []}
    assert predicate["policy"]["digest"]["sha256"] == codec.digest(policy)
    inputs = {one["uri"]: one["digest"]["sha256"] for one in predicate["inputAttestations"]}
    assert set(inputs) == {"attestations/verdict.intoto.json", "attestations/tests-unit-tests.intoto.json"}
    payload = sign.parse(files["attestations/verdict.intoto.json"]).payload
    assert inputs["attestations/verdict.intoto.json"] == hashlib.sha256(payload).hexdigest()


def test_no_go_and_hold_are_failed(unsigned: Path) -> None:
    def worse(data: dict[str, Any]) -> None:
        data["decision"]["word"] = "HOLD"

    files = forge.unpacked(unsigned.read_bytes())
    forged = forge.edited(files, "run-finished", worse, rehash=True)
    told = record.of(record.parse(forged["ledger.jsonl"]))
    manifest = manifests.of(told, (), ())
    predicate = summary_predicate(manifest, told, {})
    assert (predicate["verificationResult"], predicate["verifiedLevels"]) == ("FAILED", ["FAILED"])


def test_tests_as_in_toto_test_result(signed: Path) -> None:
    told = statement(signed, "tests-unit-tests")
    assert told["predicateType"] == TEST_RESULT == "https://in-toto.io/attestation/test-result/v0.1"
    predicate = told["predicate"]
    assert (predicate["result"], predicate["failedTests"], predicate["warnedTests"]) == ("PASSED", [], [])
    [report] = predicate["configuration"]
    assert report["name"] == "out/junit.xml"
    assert f"evidence/{report['digest']['sha256']}" in zipfile.ZipFile(signed).namelist()


def gate(outcome: Outcome, *findings: Finding, **fields: Any) -> GateView:
    of = runs.gate("Unit tests")
    judgements = (
        Judgement("tests.failed == 0", outcome, call="1"),
        Judgement("coverage.lines.pct >= 65", Outcome.FAIL),
    )
    return runs.green(of, judgements=judgements, findings=findings, **fields)


@pytest.mark.parametrize(
    ("outcome", "severity", "flaky", "result"),
    [
        (Outcome.PASS, "", False, "PASSED"),
        (Outcome.PASS, "flaky", False, "WARNED"),
        (Outcome.PASS, "", True, "WARNED"),
        (Outcome.FAIL, "failed", False, "FAILED"),
    ],
)
def test_results(outcome: Outcome, severity: str, flaky: bool, result: str) -> None:
    findings = [Finding("tests", "a::one", severity, "it")] if severity else []
    told = result_of_tests(gate(outcome, *findings, flaky=flaky))
    assert told is not None
    assert told["result"] == result
    assert told["failedTests"] == (["a::one"] if severity == "failed" else [])
    assert told["warnedTests"] == (["a::one"] if severity == "flaky" else [])


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.ERROR, Outcome.STALE])
def test_could_not_look_is_no_test_result(outcome: Outcome) -> None:
    """The predicate has no word for it, so nothing is said; least of all PASSED."""
    assert result_of_tests(gate(outcome)) is None
    assert result_of_tests(gate(Outcome.PASS, troubles=(Trouble(outcome, "x", "x"),))) is None


def test_a_gate_without_tests_has_none() -> None:
    assert result_of_tests(runs.green(runs.gate("Lint"))) is None


@pytest.mark.parametrize("bundle", ["unsigned", "signed"])
def test_our_own_predicate_keeps_its_schema(bundle: str, request: pytest.FixtureRequest) -> None:
    told = statement(request.getfixturevalue(bundle), "verdict")
    assert told["predicateType"] == VERDICT == schema()["$id"]
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.Draft202012Validator(_closed(schema())).validate(told["predicate"])
    assert told["predicate"]["decision"]["word"] == "GO"


def _closed(node: Any) -> Any:
    """The schema with nothing allowed that it does not describe."""
    if isinstance(node, dict):
        closed = {key: _closed(value) for key, value in node.items()}
        return {**closed, "additionalProperties": False} if node.get("type") == "object" else closed
    return [_closed(item) for item in node] if isinstance(node, list) else node
