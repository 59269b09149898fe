"""What a bundle attests, as in-toto Statements v1: the decision, the verdicts, and the tests of each test gate.

They are a pure function of the manifest and the record, so that whoever verifies makes them again and compares bytes.
Fields are picked by name: a later version of gonogo may know more of a verdict, and still proves old bundles.

Sources: in-toto attestation framework, spec/v1/statement.md and spec/predicates/test-result.md (v0.1); SLSA v1.2,
verification summary (`verification_summary/v1`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from gonogo.bundle import manifest as manifests
from gonogo.bundle.manifest import ATTESTATIONS, Manifest
from gonogo.bundle.record import Record
from gonogo.evidence.sign import STATEMENT, image_subjects
from gonogo.model import codec
from gonogo.model.outcome import DecisionWord, Outcome
from gonogo.model.run import GateView
from gonogo.model.verdict import Judgement, Verdict

VSA = "https://slsa.dev/verification_summary/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
VERDICT = "urn:gonogo:verdict:1"
"""Our own: `gonogo schema verdict` prints its JSON Schema."""
VERIFIER = "urn:gonogo"

_TESTS = re.compile(r"\btests\.")
_QUIET = {"flaky", "skipped", "info"}


def statements(manifest: Manifest, record: Record) -> dict[str, bytes]:
    """Name of each attestation's file -> its statement in canonical JSON."""
    subject = _subject(manifest, record.view.subject.images)
    found = {f"{ATTESTATIONS}verdict.intoto.json": _statement(subject, VERDICT, verdict_predicate(manifest, record))}
    for gate in record.view.gates:
        result = result_of_tests(gate)
        if result is not None:
            found[f"{ATTESTATIONS}tests-{_slug(gate.gate.id)}.intoto.json"] = _statement(subject, TEST_RESULT, result)
    summary = summary_predicate(manifest, record, found)
    found[f"{ATTESTATIONS}decision.intoto.json"] = _statement(subject, VSA, summary)
    return found


def _slug(gate: str) -> str:
    """A gate's id as part of a file's name: ids may hold what names in a bundle may not."""
    plain = re.sub(r"[^a-z0-9-]+", "-", gate.lower()).strip("-")[:80]
    return plain if plain == gate else f"{plain}-{hashlib.sha256(gate.encode()).hexdigest()[:12]}".strip("-")


def _subject(manifest: Manifest, images: Mapping[str, str]) -> list[dict[str, Any]]:
    """The manifest, and through it every byte of the bundle; the commit that is released, and the images of it."""
    digest = hashlib.sha256(manifest.text()).hexdigest()
    found: list[dict[str, Any]] = [{"name": manifests.NAME, "digest": {"sha256": digest}}]
    if manifest.commit:
        found.append({"name": "commit", "digest": {"gitCommit": manifest.commit}})
    return [*found, *image_subjects(images)]


def _statement(subject: list[dict[str, Any]], kind: str, predicate: Mapping[str, Any]) -> bytes:
    data = {"_type": STATEMENT, "subject": subject, "predicateType": kind, "predicate": dict(predicate)}
    return codec.canonical(data)


def summary_predicate(manifest: Manifest, record: Record, inputs: Mapping[str, bytes]) -> dict[str, Any]:
    """SLSA's verification summary of the decision. Only GO is PASSED; no SLSA level is claimed.

    The policy is the checklist with the waivers in force: its digest is over both, as `policy_digest` says.
    """
    went = manifest.decision == DecisionWord.GO.value
    return {
        "verifier": {"id": VERIFIER, "version": {"gonogo": manifest.gonogo}},
        "timeVerified": manifest.decided,
        "resourceUri": resource(record),
        "policy": {"uri": _uri(record.view.plan.source), "digest": {"sha256": policy_digest(record)}},
        "inputAttestations": [
            {"uri": name, "digest": {"sha256": hashlib.sha256(text).hexdigest()}} for name, text in inputs.items()
        ],
        "verificationResult": "PASSED" if went else "FAILED",
        "verifiedLevels": ["GONOGO_GO" if went else "FAILED"],
    }


def policy_digest(record: Record) -> str:
    """sha256 of the canonical JSON of the checklist's digest and the waivers, as the ledger has both."""
    return codec.digest({"checklist": record.view.plan.checklist_digest, "waivers": record.waivers})


def resource(record: Record) -> str:
    """What was verified, for where: the commit in its repository, on a target."""
    plan = record.view.plan
    where = f"git+{plan.subject.remote}" if "://" in plan.subject.remote else "urn:gonogo:commit"
    return f"{where}@{plan.subject.commit or 'none'}?target={quote(plan.target, safe='')}"


def _uri(path: str) -> str:
    return quote(path) or "gonogo.yaml"


# --- tests ---------------------------------------------------------------------------------------------------


def result_of_tests(gate: GateView) -> dict[str, Any] | None:
    """in-toto's test result of a gate that judged tests; None where it has none, or could not look at them.

    The predicate knows no "could not look", so that nothing is said of such a gate here. Its tests are not all named:
    reports list what failed, and what passed only in numbers; the reports' digests stand under `configuration`.
    """
    judged = [one for one in gate.verdict.judgements if _TESTS.search(one.criterion)]
    outcomes = {judgement.outcome for judgement in judged}
    if not judged or not outcomes <= {Outcome.PASS, Outcome.FAIL}:
        return None
    if Outcome.FAIL not in outcomes and any(t.outcome is not Outcome.FAIL for t in gate.verdict.troubles):
        return None
    tests = [finding for finding in gate.verdict.findings if finding.family == "tests"]
    flaky = sorted({finding.id for finding in tests if finding.severity == "flaky"})
    passed = "WARNED" if flaky or gate.verdict.flaky else "PASSED"
    return {
        "result": "FAILED" if Outcome.FAIL in outcomes else passed,
        "configuration": _reports(gate, judged),
        "warnedTests": flaky,
        "failedTests": sorted({finding.id for finding in tests if finding.severity not in _QUIET}),
    }


def _reports(gate: GateView, judged: list[Judgement]) -> list[dict[str, Any]]:
    """The reports the tests were read from, by digest; the commands they come from are in the annotations."""
    calls = {judgement.call for judgement in judged if judgement.call}
    found = []
    for capture in gate.verdict.captures:
        if calls and capture.call and capture.call not in calls:
            continue
        for ref in capture.reports:
            blob = capture.blob(ref.blob)
            if blob is not None:
                notes = {"command": capture.shown, "parser": ref.parser}
                found.append({"name": blob.path or blob.name, "digest": {"sha256": blob.sha256}, "annotations": notes})
    return found


# --- verdicts ------------------------------------------------------------------------------------------------


def verdict_predicate(manifest: Manifest, record: Record) -> dict[str, Any]:
    """Our own predicate: every gate's verdict with the digests it rests on (`gonogo.bundle.schema`)."""
    view, decision = record.view, record.view.decision
    assert decision is not None
    images = dict(sorted(view.subject.images.items()))
    return {
        **({"images": images} if images else {}),
        "gonogo": manifest.gonogo,
        "run": view.id,
        "title": view.plan.title,
        "target": view.plan.target,
        "plan": {"sha256": view.plan.digest},
        "checklist": {"sha256": view.plan.checklist_digest},
        "policy": {"sha256": policy_digest(record)},
        "clean": view.plan.subject.clean,
        "started": view.started,
        "decision": {
            "word": decision.word.value,
            "as_of": decision.as_of,
            "reasons": [{"gate": reason.gate, "text": reason.text} for reason in decision.reasons],
        },
        "gates": [_gate(gate) for gate in view.gates],
        "waivers": [
            {"id": w.id, "owner": w.owner, "approver": w.approver, "until": w.until.isoformat()} for w in view.waivers
        ],
        "sign_offs": [
            {"sha256": s.digest, "owner": s.owner, "person": s.person, "word": s.word.value, "gate": s.gate}
            for s in view.sign_offs
        ],
    }


def _gate(gate: GateView) -> dict[str, Any]:
    verdict = gate.verdict
    return {
        "id": gate.gate.id,
        "title": gate.gate.title,
        "phase": gate.gate.phase,
        "owners": list(gate.gate.owners),
        "required": not gate.gate.optional,
        "outcome": verdict.outcome.value,
        "state": verdict.state.value,
        "waived": verdict.waived,
        "flaky": verdict.flaky,
        "attempts": verdict.attempts,
        "judgements": [_judgement(judgement) for judgement in verdict.judgements],
        "troubles": [{"outcome": t.outcome.value, "slug": t.slug, "message": t.message} for t in verdict.troubles],
        "questions": list(verdict.questions),
        "findings": verdict.findings_total,
        "evidence": _evidence(verdict),
    }


def _judgement(judgement: Judgement) -> dict[str, Any]:
    return {
        "criterion": judgement.criterion,
        "outcome": judgement.outcome.value,
        "call": judgement.call,
        "value": judgement.value,
        "bound": judgement.bound,
        "distance": judgement.distance,
        "waived_by": list(judgement.waived_by),
    }


def _evidence(verdict: Verdict) -> list[dict[str, Any]]:
    return [
        {"name": blob.path or blob.name, "digest": {"sha256": blob.sha256}}
        for capture in verdict.captures
        for blob in capture.blobs
    ]
