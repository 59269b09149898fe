"""OpenVEX of what is waived; read back, it waives the same."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import jsonschema
import pytest

from gonogo.errors import InputError
from gonogo.model.plan import Subject
from gonogo.model.run import RunView
from gonogo.outputs.vex import product, product_names, vex
from gonogo.owners.vex import read, speaks_of
from gonogo.owners.waivers_file import JUSTIFICATIONS
from tests.outputs.runs import COMMIT, gate, green, run
from tests.outputs.waived import DEPENDANT, MINIMIST, SCOPED, security, waived_run, waiver

_TEXT, _IRI = {"type": "string", "minLength": 1}, {"type": "string", "pattern": '^[a-z][a-z0-9+.-]*:[^\\s<>"{}|^`]+$'}
_TIME = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$"}


def _closed(required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    named = {name.replace("at_", "@"): value for name, value in properties.items()}
    return {"type": "object", "properties": named, "required": list(required), "additionalProperties": False}


_COMPONENT = _closed((), at_id=_IRI, identifiers={"type": "object"}, hashes={"type": "object"})
_PRODUCT = _closed(
    (), at_id=_IRI, identifiers={"type": "object"}, hashes={"type": "object"},
    subcomponents={"type": "array", "uniqueItems": True, "items": _COMPONENT},
)  # fmt: skip
_STATEMENT = {
    **_closed(
        ("vulnerability", "status"),
        at_id=_IRI,
        version={"type": "integer", "minimum": 1},
        vulnerability=_closed(("name",), at_id=_IRI, name=_TEXT, description=_TEXT, aliases={"type": "array"}),
        timestamp=_TIME,
        last_updated=_TIME,
        products={"type": "array", "uniqueItems": True, "items": _PRODUCT},
        status={"enum": ["not_affected", "affected", "fixed", "under_investigation"]},
        supplier=_TEXT,
        status_notes=_TEXT,
        justification={"enum": list(JUSTIFICATIONS)},
        impact_statement=_TEXT,
        action_statement=_TEXT,
        action_statement_timestamp=_TIME,
    ),
    "allOf": [
        {
            "if": {"properties": {"status": {"const": "not_affected"}}},
            "then": {"oneOf": [{"required": ["justification"]}, {"required": ["impact_statement"]}]},
        },
        {"if": {"properties": {"status": {"const": "affected"}}}, "then": {"required": ["action_statement"]}},
    ],
}
OPENVEX = _closed(
    ("@context", "@id", "author", "timestamp", "version", "statements"),
    at_context={"const": "https://openvex.dev/ns/v0.2.0"},
    at_id=_IRI,
    author=_TEXT,
    role=_TEXT,
    timestamp=_TIME,
    last_updated=_TIME,
    version={"type": "integer", "minimum": 1},
    tooling=_TEXT,
    statements={"type": "array", "uniqueItems": True, "minItems": 1, "items": _STATEMENT},
)
"""The structure that OpenVEX 0.2.0 publishes (openvex_json_schema_0.2.0), written down from the specification."""


def stated(view: RunView) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(vex(view))
    jsonschema.validate(told, OPENVEX)
    return told


BORNE, HARMLESS = (
    waiver("W1", MINIMIST, link="https://example.org/7"),
    waiver("W2", SCOPED, justification="vulnerable_code_not_in_execute_path", approver="Cleo"),
)


def test_a_finding_that_is_borne_is_affected_with_who_until_when() -> None:
    told = stated(waived_run(BORNE))
    statement = told["statements"][0]
    assert statement["vulnerability"] == {
        "name": "GHSA-xvch-5gv4-984h", "@id": "https://github.com/advisories/GHSA-xvch-5gv4-984h",
    }  # fmt: skip
    assert statement["status"] == "affected"
    assert statement["action_statement"] == (
        "borne until the end of 2026-12-22 (UTC), accepted by Ben for Backend: only used to build"
    )
    assert statement["products"][0]["subcomponents"] == [{"@id": "pkg:npm/minimist"}]
    assert statement["timestamp"] == "2026-11-20T09:00:00Z"
    assert "https://example.org/7" in statement["status_notes"]
    assert (told["author"], told["@id"]) == ("Ben", "urn:gonogo:vex:20261122-100000-7f3a")


def test_a_justified_one_is_not_affected() -> None:
    told = stated(waived_run(BORNE, HARMLESS))
    harmless = told["statements"][1]
    assert (harmless["status"], harmless["justification"]) == (
        "not_affected", "vulnerable_code_not_in_execute_path",
    )  # fmt: skip
    assert harmless["products"][0]["subcomponents"] == [{"@id": "pkg:npm/%40scope/name"}]
    assert told["author"] == "Ben, Cleo"


def test_one_that_does_no_harm_for_a_reason_of_its_own() -> None:
    statement = stated(waived_run(waiver("W1", MINIMIST, justification="impact_statement")))["statements"][0]
    assert (statement["status"], statement["impact_statement"]) == ("not_affected", "only used to build")


def test_a_dependant_is_no_vulnerability_of_its_own() -> None:
    told = stated(waived_run(BORNE, waiver("W2", DEPENDANT)))
    assert [one["vulnerability"]["name"] for one in told["statements"]] == ["GHSA-xvch-5gv4-984h"]


@pytest.mark.parametrize(
    "view",
    [
        run(green(gate("Security"))),
        waived_run(BORNE, gates=(security(SCOPED),)),
        waived_run(replace(BORNE, until=date(2026, 11, 21))),
        waived_run(replace(BORNE, owner="DevOps")),
        waived_run(replace(BORNE, matches=1), gates=(security(MINIMIST, MINIMIST),)),
        waived_run(waiver("W1", criterion="vulnerabilities.medium <= 2"), gates=(security(MINIMIST),)),
        waived_run(waiver("W1", "no-console:src/a.ts")),
    ],
    ids=["green", "another finding", "ended", "wrong owner", "outgrown", "a bound", "no advisory"],
)
def test_nothing_waived_is_nothing_stated(view: RunView) -> None:
    with pytest.raises(InputError, match="no vulnerability"):
        vex(view)


def test_a_waiver_that_covers_its_finding_is_stated_although_the_gate_is_still_red() -> None:
    view = waived_run(BORNE, gates=(security(MINIMIST, SCOPED),))
    assert [one["vulnerability"]["name"] for one in stated(view)["statements"]] == ["GHSA-xvch-5gv4-984h"]


def test_packages_of_another_tool_are_generic() -> None:
    view = waived_run(BORNE, gates=(security(MINIMIST, parser="sarif"),))
    assert stated(view)["statements"][0]["products"][0]["subcomponents"] == [{"@id": "pkg:generic/minimist"}]


@pytest.mark.parametrize(
    ("remote", "wanted", "names"),
    [
        ("git@github.com:Acme/Shop.git", f"pkg:github/acme/shop@{COMMIT}", ("Shop", "Acme/Shop")),
        ("https://github.com/acme/shop", f"pkg:github/acme/shop@{COMMIT}", ("shop", "acme/shop")),
        ("ssh://git@git.example.org:2222/a/b/shop.git", f"pkg:generic/shop@{COMMIT}", ("shop", "a/b/shop")),
        ("/srv/git/shop.git", f"pkg:generic/medianest-readiness@{COMMIT}", ()),
        ("", f"pkg:generic/medianest-readiness@{COMMIT}", ()),
    ],
)
def test_what_is_released_has_a_package_url(remote: str, wanted: str, names: tuple[str, ...]) -> None:
    plan = replace(run().plan, subject=Subject(COMMIT, remote=remote))
    assert product(plan) == wanted
    assert product_names(plan) == (*names, "medianest-readiness")


def test_read_back_it_speaks_of_the_same_findings() -> None:
    view = waived_run(BORNE, HARMLESS)
    borne, harmless = read(vex(view))
    assert (borne.status, harmless.status) == ("affected", "not_affected")
    assert harmless.justification == HARMLESS.justification
    found = view.gates[0].verdict.findings
    assert [speaks_of(harmless, finding) for finding in found] == [False, True]


def test_the_same_run_gives_the_same_bytes_at_its_own_time() -> None:
    view = waived_run(BORNE)
    assert vex(view) == vex(view)
    assert datetime.fromisoformat(stated(view)["timestamp"]).isoformat() == "2026-11-22T10:00:21+00:00"
