"""The JSON Schema of our own predicate, `urn:gonogo:verdict:1` (`gonogo schema verdict`)."""

from __future__ import annotations

from typing import Any

from gonogo.bundle.statements import VERDICT
from gonogo.model.outcome import DecisionWord, Outcome, State


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the predicate of an in-toto Statement with our predicate type."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": VERDICT,
        "title": "The verdicts of a run of gonogo",
        "description": "The predicate of an in-toto Statement v1 whose `predicateType` is this schema's `$id`. Its "
        "subjects are the bundle's manifest and the commit that is released.",
        **_object(_PREDICATE, _OPTIONAL),
    }


def _object(properties: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "properties": {**properties, **(optional or {})}, "required": list(properties)}


def _list(items: dict[str, Any], description: str = "") -> dict[str, Any]:
    return {"type": "array", "items": items, **({"description": description} if description else {})}


def _text(description: str = "") -> dict[str, Any]:
    return {"type": "string", **({"description": description} if description else {})}


def _digest(description: str) -> dict[str, Any]:
    return {**_object({"sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"}}), "description": description}


_BOOL = {"type": "boolean"}
_COUNT = {"type": "integer", "minimum": 0}
_OUTCOME = {"enum": [outcome.value for outcome in Outcome]}

_JUDGEMENT = _object(
    {
        "criterion": _text("a boolean CEL expression over observations, or a question that was answered"),
        "outcome": _OUTCOME,
        "call": _text("id of the call whose capture was judged; empty: several, or none could speak"),
        "value": _text("measured, with its unit"),
        "bound": _text("asked"),
        "distance": _text("the sentence a person reads"),
        "waived_by": _list(_text(), "ids of the waivers that cover it"),
    }
)

_GATE = _object(
    {
        "id": _text("unique in the checklist"),
        "title": _text(),
        "phase": _text("id of its phase"),
        "owners": _list(_text()),
        "required": {**_BOOL, "description": "whether the decision needs it"},
        "outcome": {**_OUTCOME, "description": "only PASS is green"},
        "state": {"enum": [state.value for state in State]},
        "waived": {**_BOOL, "description": "FAIL, and each false criterion is waived"},
        "flaky": {**_BOOL, "description": "red, then green, in one run"},
        "attempts": _COUNT,
        "judgements": _list(_JUDGEMENT, "one for each criterion and capture"),
        "troubles": _list(
            _object({"outcome": _OUTCOME, "slug": _text(), "message": _text()}), "what could not be seen, and why"
        ),
        "questions": _list(_text(), "questions still open"),
        "findings": {**_COUNT, "description": "how many findings its reports count"},
        "evidence": _list(
            _object({"name": _text(), "digest": _digest("of the redacted bytes that were judged")}),
            "every piece the verdict rests on",
        ),
    }
)

_PREDICATE = {
    "gonogo": _text("version of gonogo that sealed it"),
    "run": _text("id of the run"),
    "title": _text("of the checklist"),
    "target": _text("where the release goes"),
    "plan": _digest("of the frozen plan"),
    "checklist": _digest("of the checklist"),
    "policy": _digest("of the canonical JSON of the checklist's digest and the waivers in force"),
    "clean": {**_BOOL, "description": "whether the working tree was the commit"},
    "started": _text("UTC, RFC 3339"),
    "decision": _object(
        {
            "word": {"enum": [word.value for word in DecisionWord]},
            "as_of": _text("the moment waivers were measured against; UTC, RFC 3339"),
            "reasons": _list(_object({"gate": _text("empty: the run"), "text": _text()}), "the worst first"),
        }
    ),
    "gates": _list(_GATE, "every gate of the plan, in its order"),
    "waivers": _list(
        _object(
            {
                "id": _text(),
                "owner": _text("whose gate it is"),
                "approver": _text("who accepts it"),
                "until": {"type": "string", "format": "date", "description": "good to the end of this day, UTC"},
            }
        ),
        "those the run was judged with",
    ),
    "sign_offs": _list(
        _object(
            {
                "sha256": _text("digest of the envelope's line in `sign-offs.intoto.jsonl`"),
                "owner": _text(),
                "person": _text(),
                "word": {"enum": ["go", "no-go"]},
                "gate": _text("empty: the run as a whole"),
            }
        ),
        "what people said, in the order it came in",
    ),
}

_OPTIONAL = {
    "images": {
        "type": "object",
        "additionalProperties": _text(),
        "description": "service -> digest of the image that the run built, pushed or deployed",
    }
}
