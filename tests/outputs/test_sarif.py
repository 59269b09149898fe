"""SARIF of a run: findings in their files, waived ones suppressed, what was not seen never silent."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from gonogo.model.observation import Finding, Trouble
from gonogo.model.outcome import DecisionWord, Outcome
from gonogo.model.plan import Subject
from gonogo.model.run import RunView
from gonogo.outputs.sarif import sarif
from gonogo.parsers.sarif import sarif as reader
from tests.outputs.runs import gate, green, mixed, red, run, seen
from tests.outputs.waived import MINIMIST, SCOPED, security, waived_run, waiver

_TEXT: dict[str, Any] = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 1}
_INDEX = {"type": "integer", "minimum": -1}
_TIME = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$"}
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
_BAG = {"type": "object"}


def _closed(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _list(items: dict[str, Any], *, unique: bool = True) -> dict[str, Any]:
    return {"type": "array", "items": items, "uniqueItems": unique}


_MESSAGE = {**_closed(text=_TEXT, markdown=_TEXT, id=_TEXT), "anyOf": [{"required": ["text"]}, {"required": ["id"]}]}
_STRINGS = _closed("text", text=_TEXT, markdown=_TEXT)
_ARTIFACT = _closed(
    uri={"type": "string", "pattern": r"^[^\s\\<>\"{}|^`]+$"}, uriBaseId=_TEXT, index=_INDEX, description=_MESSAGE
)
_REGION = _closed(startLine=_COUNT, startColumn=_COUNT, endLine=_COUNT, endColumn=_COUNT)
_LOCATION = _closed(physicalLocation=_closed(artifactLocation=_ARTIFACT, region=_REGION), message=_MESSAGE)
_SUPPRESSION = _closed(
    "kind",
    kind={"enum": ["inSource", "external"]},
    status={"enum": ["accepted", "underReview", "rejected"]},
    justification=_TEXT,
    location=_LOCATION,
    properties=_BAG,
)
_RESULT = {
    **_closed(
        "message",
        ruleId=_TEXT,
        ruleIndex=_INDEX,
        kind={"enum": ["notApplicable", "pass", "fail", "review", "open", "informational"]},
        level=_LEVEL,
        message=_MESSAGE,
        locations=_list(_LOCATION, unique=False),
        partialFingerprints={"type": "object", "additionalProperties": _TEXT},
        suppressions=_list(_SUPPRESSION),
        properties=_BAG,
    ),
    "if": {"properties": {"kind": {"const": "fail"}}},
    "else": {"properties": {"level": {"const": "none"}}},
}
_RULE = _closed("id", id=_TEXT, shortDescription=_STRINGS, fullDescription=_STRINGS, help=_STRINGS, properties=_BAG)
_NOTIFICATION = _closed("message", message=_MESSAGE, level=_LEVEL, associatedRule=_closed(id=_TEXT, index=_INDEX))
_INVOCATION = _closed(
    "executionSuccessful",
    executionSuccessful={"type": "boolean"},
    toolExecutionNotifications=_list(_NOTIFICATION, unique=False),
    exitCode={"type": "integer"},
    startTimeUtc=_TIME,
    endTimeUtc=_TIME,
)
_CONTROL = _closed(
    "repositoryUri", repositoryUri={"type": "string", "pattern": r"^[a-z]+://\S+$"}, revisionId=_TEXT, branch=_TEXT
)
_RUN = _closed(
    "tool",
    tool=_closed("driver", driver=_closed("name", name=_TEXT, version=_TEXT, rules=_list(_RULE))),
    automationDetails=_closed(id=_TEXT),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    originalUriBaseIds={"type": "object", "additionalProperties": _ARTIFACT},
    invocations=_list(_INVOCATION, unique=False),
    results=_list(_RESULT, unique=False),
    versionControlProvenance=_list(_CONTROL),
    properties=_BAG,
)
SARIF = _closed(
    "version", "runs", **{"$schema": _TEXT}, version={"const": "2.1.0"}, runs=_list(_RUN, unique=False)
)  # fmt: skip
"""The part of the published structure that is used (OASIS, sarif-schema-2.1.0), written down from the specification."""


def written(view: RunView) -> dict[str, Any]:
    told = json.loads(sarif(view))
    jsonschema.validate(told, SARIF)
    found: dict[str, Any] = told["runs"][0]
    rules = [rule["id"] for rule in found["tool"]["driver"]["rules"]]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in found["results"])
    return found


def places(results: list[dict[str, Any]]) -> list[tuple[str, dict[str, int]]]:
    physical = [one["locations"][0]["physicalLocation"] for one in results]
    return [(one["artifactLocation"]["uri"], one.get("region", {})) for one in physical]


def test_findings_stand_in_their_files() -> None:
    found = written(run(red(gate("Lint"))))
    assert places(found["results"]) == [
        ("backend/src/app.ts", {"startLine": 12, "startColumn": 7}),
        ("backend/src/app.ts", {"startLine": 20, "startColumn": 3}),
        ("READINESS.md", {}),
    ]
    assert [one["level"] for one in found["results"]] == ["error"] * 3
    assert found["results"][0]["message"]["text"] == "Unexpected console statement"
    assert "lint errors 3, needs 0" in found["results"][2]["message"]["text"]
    assert found["originalUriBaseIds"].keys() == {"%SRCROOT%"}


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("src/a b.ts", "src/a%20b.ts"),
        ("./src/ä#1.ts", "src/%C3%A4%231.ts"),
        ("/srv/a b.ts", "file:///srv/a%20b.ts"),
        ("", "READINESS.md"),
    ],
)
def test_places_are_uris(path: str, uri: str) -> None:
    one = Finding("lint", "x", "warning", "m", path)
    found = written(run(red(gate("Lint"), findings=(one,), findings_total=1)))
    assert places(found["results"])[0] == (uri, {})


@pytest.mark.parametrize(
    ("severity", "level"),
    [
        ("critical", "error"),
        ("high", "error"),
        ("failed", "error"),
        ("medium", "warning"),
        ("low", "note"),
        ("?", "note"),
    ],
)
def test_levels(severity: str, level: str) -> None:
    one = Finding("vulnerabilities", MINIMIST, severity, "m")
    found = written(run(red(gate("Security"), findings=(one,), findings_total=1)))
    assert found["results"][0]["level"] == level


def test_a_waived_finding_is_suppressed_with_who_and_until() -> None:
    found = written(waived_run(waiver("W1", MINIMIST), waiver("W2", SCOPED, link="https://example.org/7")))
    told = [one["suppressions"] for one in found["results"]]
    assert [(one[0]["kind"], one[0]["status"]) for one in told] == [("external", "accepted")] * 3
    assert told[0][0]["justification"] == ("waived by Ben for Backend until 2026-12-22 (`W1`): only used to build")
    assert told[1][0]["justification"].endswith("(https://example.org/7)")
    assert [one["properties"]["waiver"] for one in told[2]] == ["W1", "W2"]


def test_what_is_not_waived_is_not_suppressed() -> None:
    found = written(waived_run(waiver("W1", MINIMIST), gates=(security(MINIMIST, SCOPED),)))
    assert ["suppressions" in one for one in found["results"]] == [True, False, False]


def test_a_waiver_that_ended_or_is_outgrown_suppresses_nothing() -> None:
    from datetime import date

    ended = waiver("W1", MINIMIST, until=date(2026, 11, 21))
    assert not any("suppressions" in one for one in written(waived_run(ended, gates=(security(MINIMIST),)))["results"])
    grown = waiver("W1", MINIMIST, matches=1)
    view = waived_run(grown, gates=(security(MINIMIST, MINIMIST),))
    assert not any("suppressions" in one for one in written(view)["results"])


def test_a_bound_suppresses_what_it_bears() -> None:
    bound = waiver("W1", criterion="vulnerabilities.medium <= 2")
    found = written(waived_run(bound, gates=(security(MINIMIST, waived_by=("W1",)),)))
    assert ["suppressions" in one for one in found["results"]] == [True, True]


def test_what_could_not_be_seen_is_never_silent() -> None:
    view = run(seen(gate("Security"), Outcome.UNKNOWN, "405 Method Not Allowed"), decision=DecisionWord.HOLD)
    found = written(view)
    assert found["invocations"][0]["executionSuccessful"] is False
    notification = found["invocations"][0]["toolExecutionNotifications"][0]
    assert (notification["level"], "405" in notification["message"]["text"]) == ("error", True)
    assert (found["results"][0]["kind"], found["results"][0]["level"]) == ("fail", "error")
    assert "UNKNOWN" in found["results"][0]["message"]["text"]


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.ERROR, Outcome.STALE])
def test_our_own_reader_takes_a_run_that_could_not_look_for_unknown(outcome: Outcome) -> None:
    reading = reader(io.BytesIO(sarif(run(seen(gate("Lint"), outcome, "no"))).encode()), {})
    assert reading.troubles[0].outcome is Outcome.UNKNOWN
    fine = reader(io.BytesIO(sarif(run(red(gate("Lint")))).encode()), {})
    assert (fine.troubles, fine.value("lint.errors")) == ((), 3)


def test_a_waived_run_read_back_counts_nothing_that_is_suppressed() -> None:
    reading = reader(io.BytesIO(sarif(waived_run(waiver("W1", MINIMIST))).encode()), {})
    assert (reading.value("lint.errors"), reading.value("lint.warnings")) == (0, 0)


def test_findings_of_a_green_gate_inform() -> None:
    one = Finding("lint", "x:a.ts", "warning", "m", "a.ts", 3)
    found = written(run(green(gate("Lint"), findings=(one,), findings_total=1), decision=DecisionWord.GO))
    assert [(one["kind"], one["level"]) for one in found["results"]] == [("informational", "none")]
    assert found["invocations"][0]["executionSuccessful"] is True


def test_a_gate_that_changed_tracked_files_says_so() -> None:
    changed = Trouble(Outcome.FAIL, "changed-tracked-files", "it changed `a.txt`", "undo it")
    found = written(run(red(gate("Lint"), findings=(), judgements=(), findings_total=0, troubles=(changed,))))
    assert "it changed `a.txt`" in found["results"][0]["message"]["text"]


def test_every_outcome_at_once_is_valid() -> None:
    found = written(mixed())
    told = {one["ruleId"] for one in found["results"]}
    assert {"formatting-linting", "security", "docs-build", "unit-tests", "secrets-set"} <= told
    assert "tooling" not in told
    assert len(found["tool"]["driver"]["rules"]) == 11


def test_where_it_comes_from() -> None:
    view = run(green(gate("Lint")), decision=DecisionWord.GO)
    assert "versionControlProvenance" not in written(view)
    plan = replace(view.plan, subject=Subject("a" * 40, "main", remote="https://example.org/o/r.git"))
    assert written(replace(view, plan=plan))["versionControlProvenance"] == [
        {"repositoryUri": "https://example.org/o/r.git", "revisionId": "a" * 40, "branch": "main"}
    ]
