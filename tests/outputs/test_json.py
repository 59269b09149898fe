from __future__ import annotations

import json
import math
from dataclasses import replace

import jsonschema
import pytest

from gonogo.model.outcome import DecisionWord, Outcome
from gonogo.model.run import RunState, RunView
from gonogo.model.verdict import Judgement
from gonogo.outputs.json import document, schema
from gonogo.outputs.json import json as render
from tests.outputs.pages import people_view, rollout_view
from tests.outputs.runs import SHA, gate, green, mixed, red, run

NOT_A_NUMBER = Judgement("a > 0", Outcome.FAIL, margin=-math.inf)


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize(
    "view",
    [
        mixed(),
        run(green(gate("A")), decision=DecisionWord.GO, exit_code=0),
        run(green(gate("A")), decision=None, state=RunState.RUNNING, exit_code=None, ended=""),
        people_view(),
        run(red(gate("A"), judgements=(NOT_A_NUMBER,))),
        run(),
    ],
)
def test_every_decision_keeps_the_schema(view: RunView) -> None:
    jsonschema.validate(json.loads(render(view)), schema())


def test_every_field_is_in_the_schema() -> None:
    """A field that the schema does not name would be published by accident."""
    found, known = document(mixed()), schema()
    assert set(found) == set(known["properties"])
    assert set(found["gates"][0]) == set(known["properties"]["gates"]["items"]["properties"])
    judgement = known["properties"]["gates"]["items"]["properties"]["judgements"]["items"]["properties"]
    assert set(found["gates"][0]["judgements"][0]) == set(judgement)


def test_sign_offs_and_images_are_there() -> None:
    said = document(people_view())
    assert [(one["person"], one["word"], bool(one["void"])) for one in said["sign_offs"]] == [
        ("ada", "go", False),
        ("ben", "go", True),
        ("ben", "no-go", False),
    ]
    assert said["subject"]["images"] == {"api": "sha256:" + "7" * 64}
    jsonschema.validate(said, schema())
    assert set(said["sign_offs"][0]) == set(schema()["properties"]["sign_offs"]["items"]["properties"])


def test_what_acted_is_told() -> None:
    said = document(rollout_view())
    jsonschema.validate(said, schema())
    assert {g["id"]: g["acted"] for g in said["gates"]} == {
        "deploy-app": True, "performance-sanity": False, "metrics-logs-flowing": False, "image-level-rollback": True,
    }  # fmt: skip


def test_a_wrong_document_breaks_the_schema() -> None:
    wrong = document(mixed()) | {"decision": "MAYBE"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema())


def test_what_the_issue_promises_is_there() -> None:
    said = document(mixed())
    assert said["decision"] == "NO-GO"
    failing = next(g for g in said["gates"] if g["id"] == "formatting-linting")
    assert (failing["phase"], failing["outcome"], failing["owners"]) == ("1", "FAIL", ["Backend", "Frontend", "Shared"])
    judged = failing["judgements"][1]
    assert [judged[k] for k in ("criterion", "outcome", "value", "bound", "margin")] == [
        "lint.errors == 0",
        "FAIL",
        "3",
        "== 0",
        -3,
    ]
    assert failing["findings"][0]["path"] == "backend/src/app.ts"
    assert {"path": f".gonogo/state/evidence/01/{SHA}", "sha256": SHA}.items() <= failing["evidence"][1].items()
    assert (failing["started"], failing["seconds"]) == ("2026-11-22T10:00:01.000000Z", 8.1)


def test_infinity_is_no_json() -> None:
    view = run(red(gate("A"), judgements=(replace(NOT_A_NUMBER, margin=math.nan), NOT_A_NUMBER)))
    said = json.loads(render(view), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert [j["margin"] for j in said["gates"][0]["judgements"]] == [None, None]
