"""A run as SARIF 2.1.0, for code scanning: findings in their files, gates that are not green on the checklist.

Source: OASIS SARIF 2.1.0, sections 3.14 (run), 3.27 (result), 3.35 (suppression), 3.58 (notification).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from gonogo import __version__
from gonogo.model.observation import Finding
from gonogo.model.outcome import Outcome
from gonogo.model.run import GateView, RunView
from gonogo.model.verdict import Judgement, Waiver
from gonogo.outputs.accepted import accepting, said
from gonogo.owners.waivers_file import FILE
from gonogo.plugins import output
from gonogo.telling.words import because, mends

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"

_ERRORS = {"critical", "high", "error", "errored", "failed"}
_WARNINGS = {"medium", "moderate", "warning", "flaky"}
_UNSEEN = {Outcome.ERROR, Outcome.STALE, Outcome.UNKNOWN}


@output("sarif", media_type="application/sarif+json")
def sarif(view: RunView) -> str:
    """SARIF 2.1.0: a rule for each gate, a result for each of its findings, waived ones with `suppressions`.

    A red criterion that no finding tells of, and a gate that could not be seen, are results on the checklist itself;
    the latter is a notification too, and the invocation is not successful. Findings of a green gate are informational.
    """
    run: dict[str, Any] = {
        "tool": {"driver": _driver(view)},
        "automationDetails": {"id": f"gonogo/{_segment(view.plan.target)}/{view.id}"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "the top of the repository"}}},
        "invocations": [_invocation(view)],
        "results": [result for number, gate in enumerate(view.gates) for result in _results(view, gate, number)],
        "properties": {
            "decision": view.decision.word.value if view.decision is not None else None,
            "run": view.id,
            "plan": view.plan.digest,
            "target": view.plan.target,
            "commit": view.plan.subject.commit,
        },
    }
    if "://" in view.plan.subject.remote and view.plan.subject.commit:
        run["versionControlProvenance"] = [
            {
                "repositoryUri": quote(view.plan.subject.remote, safe=":/@%"),
                "revisionId": view.plan.subject.commit,
                **({"branch": view.plan.subject.branch} if view.plan.subject.branch else {}),
            }
        ]
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _segment(text: str) -> str:
    return quote(text, safe="") or "-"


def _driver(view: RunView) -> dict[str, Any]:
    return {
        "name": "gonogo",
        "version": __version__,
        "rules": [
            {
                "id": gate.gate.id,
                "shortDescription": {"text": gate.gate.title or gate.gate.id},
                "fullDescription": {"text": _asked(gate)},
                "help": {"text": f"see everything about it: gonogo show {gate.gate.id}"},
                "properties": {"owners": list(gate.gate.owners), "phase": gate.gate.phase},
            }
            for gate in view.gates
        ],
    }


def _asked(gate: GateView) -> str:
    asked = [criterion.expression for criterion in gate.gate.criteria]
    asked += [question.text for question in gate.gate.questions]
    return "; ".join(asked) or gate.gate.title or gate.gate.id


def _invocation(view: RunView) -> dict[str, Any]:
    notifications = [_notification(number, gate) for number, gate in enumerate(view.gates) if gate.outcome in _UNSEEN]
    found: dict[str, Any] = {
        "executionSuccessful": view.decision is not None and not notifications,
        "toolExecutionNotifications": notifications,
    }
    if view.exit_code is not None:
        found["exitCode"] = view.exit_code
    moments = {"startTimeUtc": view.started, "endTimeUtc": view.ended}
    return found | {name: moment for name, moment in moments.items() if moment}


def _notification(number: int, gate: GateView) -> dict[str, Any]:
    return {
        "level": "warning" if gate.gate.optional else "error",
        "message": {"text": _whole(gate)},
        "associatedRule": {"id": gate.gate.id, "index": number},
    }


def _whole(gate: GateView) -> str:
    why = "; ".join(because(gate.verdict)) or gate.verdict.reason
    return f"{gate.gate.title} is {gate.outcome}" + (f": {why}" if why else "")


# --- results -------------------------------------------------------------------------------------------------


def _results(view: RunView, gate: GateView, number: int) -> Iterator[dict[str, Any]]:
    rule = {"ruleId": gate.gate.id, "ruleIndex": number}
    for finding in gate.verdict.findings:
        yield {**rule, **_finding(view, gate, finding)}
    if gate.outcome in _UNSEEN:
        level = "warning" if gate.gate.optional else "error"
        text = "\n".join([_whole(gate), *(f"to mend: {order}" for order in mends(gate.verdict))])
        yield {**rule, **_on_checklist(view, gate, level, text, gate.outcome.value)}
    elif gate.outcome is Outcome.FAIL:
        for judgement in gate.verdict.judgements:
            if judgement.outcome is Outcome.FAIL:
                yield {**rule, **_criterion(view, gate, judgement)}
        for trouble in gate.verdict.troubles:
            text = f"{gate.gate.title}: {trouble.message}"
            yield {**rule, **_on_checklist(view, gate, _level_of(gate), text, trouble.slug)}


def _level_of(gate: GateView) -> str:
    return "warning" if gate.gate.optional else "error"


def _finding(view: RunView, gate: GateView, finding: Finding) -> dict[str, Any]:
    waivers = accepting(view, gate, finding)
    text = finding.message or finding.id
    if gate.outcome is Outcome.PASS:
        kind, level = "informational", "none"
    else:
        kind, level = "fail", _level(finding.severity)
    found: dict[str, Any] = {
        "kind": kind,
        "level": level,
        "message": {"text": text},
        "locations": [_place(finding.path or view.plan.source, finding.line, finding.column)],
        "partialFingerprints": {"gonogoFinding/v1": f"{gate.gate.id}:{finding.id}"},
        "properties": {"finding": finding.id, "severity": finding.severity, "family": finding.family},
    }
    if waivers and gate.outcome is not Outcome.PASS:
        found["suppressions"] = [_suppression(waiver) for waiver in waivers]
    return found


def _level(severity: str) -> str:
    lowered = severity.lower()
    return "error" if lowered in _ERRORS else "warning" if lowered in _WARNINGS else "note"


def _criterion(view: RunView, gate: GateView, judgement: Judgement) -> dict[str, Any]:
    text = f"{gate.gate.title}: {judgement.distance or judgement.reason or judgement.criterion}"
    text += f"\nto mend: {judgement.mend}" if judgement.mend else ""
    found = _on_checklist(view, gate, _level_of(gate), text, f"{judgement.criterion}:{judgement.call}")
    by_id = {waiver.id: waiver for waiver in view.waivers}
    covering = [by_id[id_] for id_ in judgement.waived_by if id_ in by_id]
    if covering and gate.verdict.waived:
        found["suppressions"] = [_suppression(waiver) for waiver in covering]
    return found


def _on_checklist(view: RunView, gate: GateView, level: str, text: str, mark: str) -> dict[str, Any]:
    return {
        "kind": "fail",
        "level": level,
        "message": {"text": text},
        "locations": [_place(view.plan.source)],
        "partialFingerprints": {"gonogoGate/v1": f"{gate.gate.id}:{mark}"},
        "properties": {"outcome": gate.outcome.value},
    }


def _suppression(waiver: Waiver) -> dict[str, Any]:
    return {
        "kind": "external",
        "status": "accepted",
        "justification": said(waiver),
        "location": _place(FILE),
        "properties": {"waiver": waiver.id, "until": waiver.until.isoformat(), "owner": waiver.owner},
    }


def _place(path: str, line: int = 0, column: int = 0) -> dict[str, Any]:
    """Where it is: relative to the top of the repository, or a file elsewhere on the machine that ran it."""
    if path.startswith("/"):
        artifact = {"uri": f"file://{quote(path)}"}
    else:
        artifact = {"uri": quote(path.removeprefix("./")) or ".", "uriBaseId": ROOT}
    physical: dict[str, Any] = {"artifactLocation": artifact}
    if line > 0:
        physical["region"] = {"startLine": line, **({"startColumn": column} if column > 0 else {})}
    return {"physicalLocation": physical}
