""" "Mediums documented (owner/date)", as the example writes it: advisories from a loopback double, findings waived."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from tests.e2e.conftest import AdvisoryDouble, Finished, Project

MEDIUM = {
    "id": 1091173, "url": "https://github.com/advisories/GHSA-aaaa-bbbb-cccc", "title": "a medium hole",
    "severity": "moderate", "vulnerable_versions": "*", "cwe": [], "cvss": {"score": 5.3, "vectorString": None},
}  # fmt: skip
HIGH = {**MEDIUM, "id": 1091174, "severity": "high", "url": "https://github.com/advisories/GHSA-dddd-eeee-ffff"}


@pytest.fixture
def security(project: Project) -> Project:
    """The example's own security gate, alone in a document."""
    text = (project.root / "READINESS.md").read_text()
    found = re.search(r"^- Security \(.*?(?=^- )", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    assert "Mediums documented (owner/date)" in found[0]
    project.write("security.md", f"# Security alone\n\n## Phase 2: CI gates\n\n{found[0]}")
    project.commit()
    return project


def run(project: Project, env: dict[str, str]) -> Finished:
    return project.gonogo("run", "security.md", "--format", "json", env=env)


def waive(project: Project, *arguments: str) -> Finished:
    return project.gonogo(
        "waive", *arguments, "--owner", "DevOps", "--approver", "Ben", "--reason", "only used to build"
    )


def test_mediums_documented_as_written(security: Project, advisory_double: AdvisoryDouble) -> None:
    env = advisory_double(200, {"express": [MEDIUM]})

    red = run(security, env)
    assert (red.outcome("security"), red.json["decision"], red.exit) == ("FAIL", "NO-GO", 1), red.everything
    ids = [f["id"] for f in red.gate("security")["findings"] if f["severity"] == "medium"]
    assert "GHSA-aaaa-bbbb-cccc:express:*" in ids

    written = waive(security, *dict.fromkeys(ids))
    assert written.exit == 0, written.everything
    early = run(security, env)
    assert early.json["decision"] == "NO-GO"
    assert any("`.gonogo/waivers.yaml` is not committed" in note for note in early.json["notes"])

    security.commit("chore: bear the medium hole in express for 30 days")
    checked = security.gonogo("check", "security.md")
    assert checked.exit == 0, checked.everything
    assert "30 days left" in checked.stdout
    waived = run(security, env)
    gate = waived.gate("security")
    assert (gate["outcome"], gate["waived"], waived.json["decision"], waived.exit) == ("FAIL", True, "GO", 0), (
        waived.everything
    )
    until = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
    assert any(until in reason["text"] and "waived by" in reason["text"] for reason in waived.json["remarks"])
    stated = stated_in(security)
    assert stated["vulnerability"]["name"] == "GHSA-aaaa-bbbb-cccc"
    assert "pkg:npm/express" in json.dumps(stated)
    suppressed = suppressed_in(security)
    assert {one["properties"]["finding"] for one in suppressed if "finding" in one["properties"]} == set(ids)


def test_one_medium_more_is_red_again(
    security: Project, advisory_double: AdvisoryDouble, httpserver: HTTPServer
) -> None:
    env = advisory_double(200, {"express": [MEDIUM]})
    ids = [f["id"] for f in run(security, env).gate("security")["findings"]]
    assert waive(security, *dict.fromkeys(ids)).exit == 0
    security.commit()
    other = {**MEDIUM, "id": 7, "url": "https://github.com/advisories/GHSA-gggg-hhhh-jjjj"}
    for more in ({"express": [MEDIUM, other]}, {"express": [MEDIUM], "vite": [HIGH]}):
        httpserver.clear()
        again = run(security, advisory_double(200, more))
        assert (again.outcome("security"), again.json["decision"]) == ("FAIL", "NO-GO"), again.everything
        assert not again.gate("security")["waived"]


def test_an_audit_that_was_refused_is_not_waived(
    security: Project, advisory_double: AdvisoryDouble, httpserver: HTTPServer
) -> None:
    env = advisory_double(200, {"express": [MEDIUM]})
    ids = [f["id"] for f in run(security, env).gate("security")["findings"]]
    assert waive(security, *dict.fromkeys(ids)).exit == 0
    security.commit()
    httpserver.clear()
    refused = run(security, advisory_double(405, {}))
    assert (refused.outcome("security"), refused.exit) == ("UNKNOWN", 3), refused.everything
    assert "waiver" not in refused.gate("security")["troubles"][0]["help"]
    told = waive(security, "express", "--gate", "security")
    assert (told.exit, "cannot be waived" in told.stderr) == (4, True), told.everything


def stated_in(project: Project) -> dict[str, Any]:
    told = project.gonogo("report", "--format", "vex")
    assert told.exit == 0, told.everything
    statements: list[dict[str, Any]] = json.loads(told.stdout)["statements"]
    return statements[0]


def suppressed_in(project: Project) -> list[dict[str, Any]]:
    told = project.gonogo("report", "--format", "sarif")
    assert told.exit == 0, told.everything
    return [one for one in json.loads(told.stdout)["runs"][0]["results"] if one.get("suppressions")]
