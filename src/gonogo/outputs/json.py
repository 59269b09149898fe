"""The decision as JSON, and the JSON Schema it keeps (`gonogo schema decision`)."""

from __future__ import annotations

import json as codec
from typing import Any

from gonogo import __version__
from gonogo.model.codec import dump
from gonogo.model.outcome import Outcome
from gonogo.model.run import GateView, RunView
from gonogo.model.verdict import Decision
from gonogo.outputs.acts import acts
from gonogo.plugins import output
from gonogo.telling.kept import kept

FORMAT = "gonogo.decision/1"
"""Raised where a field changes its meaning or goes; new fields may come at any time."""


@output("json", media_type="application/json")
def json(view: RunView) -> str:
    """One JSON object: the decision, its reasons, and each gate with judgements, findings and evidence."""
    return codec.dumps(document(view), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def document(view: RunView) -> dict[str, Any]:
    """The run as plain data, in the shape of `decision.schema.json`."""
    plan, decision = view.plan, view.decision
    acted = {act.gate.gate.id for act in acts(view)}
    return {
        "format": FORMAT,
        "gonogo": __version__,
        "decision": decision.word.value if decision else None,
        "exit_code": view.exit_code,
        "reasons": _reasons(decision, remarks=False),
        "remarks": _reasons(decision, remarks=True),
        "as_of": decision.as_of if decision else "",
        "run": view.id,
        "state": view.state.value,
        "started": view.started,
        "ended": view.ended,
        "seconds": view.seconds,
        "title": plan.title,
        "checklist": {"path": plan.source, "digest": plan.checklist_digest},
        "plan": plan.digest,
        "subject": {**dump(view.subject), "clean": plan.subject.clean},
        "target": plan.target,
        "inputs": dict(plan.inputs),
        "input_files": dict(plan.input_files),
        "allow_dirty": plan.allow_dirty,
        "notes": list(view.notes),
        "waivers": [dump(waiver) for waiver in view.waivers],
        "sign_offs": [dump(sign_off) for sign_off in view.sign_offs],
        "evidence_directory": view.evidence_directory,
        "phases": [{"id": phase.id, "title": phase.title} for phase in plan.phases],
        "gates": [_gate(view, gate, acted=gate.gate.id in acted) for gate in view.gates],
    }


def _reasons(decision: Decision | None, *, remarks: bool) -> list[dict[str, str]]:
    said = decision.reasons if decision else ()
    return [{"gate": reason.gate, "text": reason.text} for reason in said if reason.remark is remarks]


def _gate(view: RunView, gate: GateView, *, acted: bool) -> dict[str, Any]:
    verdict = gate.verdict
    return {
        "id": gate.gate.id,
        "title": gate.gate.title,
        "phase": gate.gate.phase,
        "outcome": verdict.outcome.value,
        "state": verdict.state.value,
        "required": not gate.gate.optional,
        "owners": list(gate.gate.owners),
        "acted": acted,
        "reason": verdict.reason,
        "judgements": [_finite(dump(judgement)) for judgement in verdict.judgements],
        "findings": [dump(finding) for finding in verdict.findings],
        "findings_total": max(verdict.findings_total, len(verdict.findings)),
        "troubles": [dump(trouble) for trouble in verdict.troubles],
        "questions": list(verdict.questions),
        "notes": list(verdict.notes),
        "evidence": [
            {
                "path": file.path,
                "sha256": file.sha256,
                "name": file.name,
                "source": file.source,
                "shown": file.shown,
                "size": file.size,
                "total": file.total,
                "media_type": file.media_type,
            }
            for file in kept(view, verdict)
        ],
        "attempts": verdict.attempts,
        "flaky": verdict.flaky,
        "waived": verdict.waived,
        "started": verdict.started,
        "seconds": verdict.seconds,
    }


def _finite(judgement: dict[str, Any]) -> dict[str, Any]:
    """JSON knows no infinity: such a margin is no margin."""
    margin = judgement["margin"]
    if margin is not None and margin - margin != 0:
        judgement["margin"] = None
    return judgement


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `document`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:gonogo:decision:1",
        "title": "A decision of gonogo",
        "description": "GO, NO-GO or HOLD for a subject on a target, with every gate, its judgements and its evidence.",
        **_object(_DECISION),
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(items: dict[str, Any], description: str = "") -> dict[str, Any]:
    return {"type": "array", "items": items, **({"description": description} if description else {})}


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _count(description: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": 0, "description": description}


_STRING = {"type": "string"}
_BOOL = {"type": "boolean"}
_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_SECONDS = {"type": "number", "minimum": 0, "description": "duration on the monotonic clock"}
_OUTCOME = {"enum": [outcome.value for outcome in Outcome]}
_TEXTS = {"type": "object", "additionalProperties": _STRING}

_REASON = _object({"gate": _text("empty: the run"), "text": _STRING})

_JUDGEMENT = _object(
    {
        "criterion": _text("a boolean CEL expression over observations"),
        "outcome": _OUTCOME,
        "value": _text("measured, with its unit: `61.2 %`"),
        "bound": _text("asked: `>= 65 %`"),
        "margin": {
            "type": ["number", "null"],
            "description": "value minus bound in the observation's unit, positive where it passes; null: no distance",
        },
        "distance": _text("the sentence a person reads"),
        "reason": _text("why it is UNKNOWN, ERROR or STALE"),
        "mend": _text("an order that would turn it green"),
        "clause": _text("the clause of the `Pass:` line it came from"),
        "call": _text("id of the call whose capture was judged"),
        "shown": _text("the command or probe judged"),
        "waived_by": _list(_STRING, "ids of the waivers that cover it"),
    }
)

_FINDING = _object(
    {
        "family": _text("family of the observation that counts it"),
        "id": _text("stable across runs: what a waiver names"),
        "severity": _STRING,
        "message": _STRING,
        "path": _text("relative to the repository where the report allows it"),
        "line": _count("0: not known"),
        "column": _count("0: not known"),
    }
)

_EVIDENCE = _object(
    {
        "path": _text("the stored file, relative to the repository's main worktree, or absolute"),
        "sha256": {**_SHA256, "description": "digest of the stored, redacted bytes"},
        "name": _text("what it is: `stdout`, `report/eslint.json`"),
        "source": _text("path in the repository it was taken from; empty for streams"),
        "shown": _text("the command or probe it came from"),
        "size": _count("bytes stored"),
        "total": _count("bytes produced; more than `size` where only head and tail were kept"),
        "media_type": _STRING,
    }
)

_GATE = _object(
    {
        "id": _text("slug of the title"),
        "title": _STRING,
        "phase": _text("id of its phase"),
        "outcome": _OUTCOME,
        "state": {"enum": ["pending", "running", "waiting", "done", "interrupted"]},
        "required": {**_BOOL, "description": "whether the decision needs it"},
        "owners": _list(_STRING),
        "acted": {**_BOOL, "description": "it was begun, and may have changed something"},
        "reason": _text("for NOT_APPLICABLE and NOT_RUN: why"),
        "judgements": _list(_JUDGEMENT, "one for each criterion and capture"),
        "findings": _list(_FINDING, "at most 1,000, the worst first"),
        "findings_total": _count("all of them"),
        "troubles": _list(_object({"outcome": _OUTCOME, "slug": _STRING, "message": _STRING, "help": _STRING})),
        "questions": _list(_STRING, "questions still open"),
        "notes": _list(_STRING),
        "evidence": _list(_EVIDENCE),
        "attempts": _count("tries in this run"),
        "flaky": {**_BOOL, "description": "red, then green, in one run"},
        "waived": {**_BOOL, "description": "FAIL, and each false criterion is waived"},
        "started": _text("UTC, RFC 3339; empty: never started"),
        "seconds": _SECONDS,
    }
)

_SUBJECT = _object(
    {
        "commit": _text("40 or 64 hex digits; empty: no commit yet"),
        "branch": _text("empty when detached"),
        "clean": {**_BOOL, "description": "whether the working tree equalled the commit when the run began"},
        "dirty": _list(_STRING, "paths that differ from the commit"),
        "remote": _STRING,
        "pushed": {"type": ["boolean", "null"], "description": "null: that cannot be told"},
        "images": {**_TEXTS, "description": "service -> digest of the image the run built, pushed or deployed"},
    }
)

_WAIVER = _object(
    {
        "id": _text("what `waived_by` names"),
        "owner": _text("in whose name"),
        "approver": _text("who accepts it"),
        "reason": _STRING,
        "until": _text("its last day, to the end of it in UTC: `2026-12-31`"),
        "finding": _text("id of a finding; empty where it is for a criterion"),
        "criterion": _text("a looser bound; empty where it is for a finding"),
        "gate": _text("empty: any gate of its owner"),
        "link": _STRING,
        "matches": _count("how many of the finding one gate may have; 0: any number"),
        "justification": _text("why it does no harm, in a word of OpenVEX"),
        "authors": _list(_STRING, "who wrote its lines"),
        "written": _text("when its end was committed; UTC, RFC 3339"),
        "commit": _text("the commit that says when it ends"),
    }
)

_SIGN_OFF = _object(
    {
        "run": _STRING,
        "owner": _text("for whom it was said"),
        "person": _text("who said it"),
        "word": {"enum": ["go", "no-go"]},
        "message": _STRING,
        "seen": {**_SHA256, "description": "digest of exactly what the person saw"},
        "parts": {**_TEXTS, "description": "digests of the five parts of that"},
        "gate": _text("empty: the run as a whole"),
        "question": _text("empty: the gate as a whole"),
        "at": _text("by the signer's clock; UTC, RFC 3339"),
        "keyid": _text("sha256 of the public key, or who vouches for it"),
        "digest": _text("sha256 of the envelope"),
        "attachments": _list(_object({"name": _STRING, "sha256": _SHA256, "size": _count("bytes")})),
        "void": _text("why it no longer counts; empty: it stands"),
    }
)

_DECISION = {
    "format": {"const": FORMAT},
    "gonogo": _text("version of gonogo"),
    "decision": {"enum": ["GO", "NO-GO", "HOLD", None], "description": "null: the run is not finished"},
    "exit_code": {"type": ["integer", "null"]},
    "reasons": _list(_REASON, "why it is not GO, worst first; empty on GO"),
    "remarks": _list(_REASON, "what holds nothing: waived, not applicable, optional, notes"),
    "as_of": _text("the moment waivers were measured against"),
    "run": _text("id of the run"),
    "state": {"enum": ["running", "finished", "interrupted"]},
    "started": _text("UTC, RFC 3339"),
    "ended": _text("UTC, RFC 3339; empty: not ended"),
    "seconds": _SECONDS,
    "title": _STRING,
    "checklist": _object({"path": _STRING, "digest": _STRING}),
    "plan": _text("digest of the frozen plan"),
    "subject": _SUBJECT,
    "target": _STRING,
    "inputs": {**_TEXTS, "description": "values of the inputs that are not secret"},
    "input_files": {**_TEXTS, "description": "declared input file -> salted digest, or `missing`"},
    "allow_dirty": _BOOL,
    "notes": _list(_STRING, "about the run as a whole"),
    "waivers": _list(_WAIVER, "those that were in force, whether they covered anything or not"),
    "sign_offs": _list(_SIGN_OFF, "what people said, in the order it came in"),
    "evidence_directory": _text("where evidence was stored, on the machine that ran it"),
    "phases": _list(_object({"id": _STRING, "title": _STRING})),
    "gates": _list(_GATE, "every gate of the plan, in its order"),
}
