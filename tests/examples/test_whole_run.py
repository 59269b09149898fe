"""The demo from an empty folder to its decision, with a double of npm's advisory service on this machine's loopback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("medianest"), pytest.mark.timeout(600)]

DEMO = Path(__file__).parents[2] / "demo" / "demo.py"
GONOGO = Path(sys.executable).with_name("gonogo")
ADVISORIES = ("/-/npm/v1/security/advisories/bulk", "/-/npm/v1/security/audits/quick")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's project, installed."""
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, str(DEMO), "--only-prepare"],
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    (root,) = folder.glob("gonogo-demo-*/medianest")
    return root


def run(root: Path, registry: HTTPServer, checklist: str = "READINESS.md") -> tuple[int, dict[str, Any]]:
    """Exit code and decision of one run on `local`, with npm's advisory service doubled."""
    path = f"{root.parent}/docs-venv/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"
    double = {"npm_config_registry": registry.url_for("/"), "npm_config_fetch_retries": "0"}
    done = subprocess.run(
        [str(GONOGO), "run", checklist, "--target", "local", "--format", "json"],
        cwd=root,
        env={**os.environ, "PATH": path, **double},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.stdout, done.stderr
    decision: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, decision


def outcomes(decision: dict[str, Any]) -> dict[str, str]:
    return {gate["id"]: gate["outcome"] for gate in decision["gates"] if gate["outcome"] != "NOT_APPLICABLE"}


def test_without_an_answer_about_vulnerabilities_it_holds_for_that_gate_alone(
    prepared: Path, httpserver: HTTPServer
) -> None:
    for path in ADVISORIES:
        httpserver.expect_request(path).respond_with_data("", status=405)
    code, decision = run(prepared, httpserver)
    found = outcomes(decision)
    assert {gate: outcome for gate, outcome in found.items() if outcome != "PASS"} == {"security": "UNKNOWN"}
    assert len(found) == 12
    assert (code, decision["decision"]) == (3, "HOLD")


def test_with_an_answer_that_names_none_it_goes_and_leaves_no_secret_behind(
    prepared: Path, httpserver: HTTPServer
) -> None:
    for path in ADVISORIES:
        httpserver.expect_request(path).respond_with_json({})
    code, decision = run(prepared, httpserver, "gonogo.yaml")
    assert set(outcomes(decision).values()) == {"PASS"}, outcomes(decision)
    assert (code, decision["decision"]) == (0, "GO")
    status = subprocess.run(["git", "status", "--porcelain"], cwd=prepared, capture_output=True, text=True, check=True)
    assert status.stdout == "", "looking left the tree as it was"
    assert_no_secret_in(prepared)


def assert_no_secret_in(root: Path) -> None:
    """None of the generated values is in any file of any run."""
    secrets = set(re.findall(r"[0-9a-f]{64}", (root / ".env.staging").read_text()))
    assert len(secrets) == 5, "two passwords, two keys and an access code"
    kept = [path for path in (root / ".gonogo").rglob("*") if path.is_file()]
    assert len(kept) > 20
    for path in kept:
        content = path.read_bytes()
        for secret in secrets:
            assert secret.encode() not in content, path
