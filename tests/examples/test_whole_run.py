"""The demo from an empty folder to its decision, with a double of npm's advisory service on this machine's loopback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from gonogo.plugins import module_of

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("medianest"), pytest.mark.timeout(600)]

DEMO = Path(__file__).parents[2] / "demo" / "demo.py"
GONOGO = Path(sys.executable).with_name("gonogo")
ADVISORIES = ("/-/npm/v1/security/advisories/bulk", "/-/npm/v1/security/audits/quick")


@dataclass(frozen=True)
class Prepared:
    """The demo's project, installed, with its first release on the target `local`."""

    demo: ModuleType
    root: Path
    where: tuple[str, str]
    """The option that says where the release answers."""

    @property
    def docs(self) -> Path:
        return self.root.parent / "docs-venv"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
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
    demo = module()
    made = Prepared(demo, root, ("--input", f"staging=127.0.0.1:{demo.free_port()}"))
    try:
        demo.ship_first(root, made.docs, "local", made.where)
        yield made
    finally:
        demo.take_down(root, root.parent, "local")


def module() -> ModuleType:
    """The demo, imported."""
    sys.path.insert(0, str(DEMO.parent))
    try:
        found: ModuleType = module_of("gonogo_whole_demo", DEMO)
        return found
    finally:
        sys.path.remove(str(DEMO.parent))


def elsewhere(registry: HTTPServer) -> None:
    """Everything but advisories is answered by the registry that npm uses here: a release installs its packages."""
    told = subprocess.run(["npm", "config", "get", "registry"], capture_output=True, text=True, check=True)
    real = told.stdout.strip().rstrip("/")

    def away(request: Request) -> Response:
        return Response(status=307, headers={"Location": f"{real}{request.environ['REQUEST_URI']}"})

    registry.expect_request(re.compile("/.*"), method="GET").respond_with_handler(away)


def run(made: Prepared, registry: HTTPServer, checklist: str = "READINESS.md") -> tuple[int, dict[str, Any]]:
    """Exit code and decision of one run on `local`, with npm's advisory service doubled."""
    elsewhere(registry)
    double = {"npm_config_registry": registry.url_for("/"), "npm_config_fetch_retries": "0"}
    done = subprocess.run(
        [str(GONOGO), "run", checklist, "--target", "local", *made.where, "--format", "json"],
        cwd=made.root,
        env={**made.demo.variables(made.docs), **double},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.stdout, done.stderr
    decision: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, decision


def outcomes(decision: dict[str, Any]) -> dict[str, str]:
    """Of every gate that applies and is required."""
    return {g["id"]: g["outcome"] for g in decision["gates"] if g["outcome"] != "NOT_APPLICABLE" and g["required"]}


def why(decision: dict[str, Any]) -> str:
    """What every gate that is not green says of itself, for whoever reads that a test failed."""
    told = ("id", "outcome", "reason", "findings", "troubles", "notes", "seconds")
    return "\n".join(
        json.dumps({name: gate[name] for name in told}) for gate in decision["gates"] if gate["outcome"] != "PASS"
    )


def test_without_an_answer_about_vulnerabilities_it_ships_and_holds_for_that_gate_alone(
    prepared: Prepared, httpserver: HTTPServer
) -> None:
    for path in ADVISORIES:
        httpserver.expect_request(path).respond_with_data("", status=405)
    code, decision = run(prepared, httpserver)
    found = outcomes(decision)
    assert {gate: outcome for gate, outcome in found.items() if outcome != "PASS"} == {"security": "UNKNOWN"}, why(
        decision
    )
    assert {"db-backup-then-migrate", "deploy-app", "image-level-rollback", "keep_release"} <= set(found)
    assert len(found) == 19
    assert (code, decision["decision"]) == (3, "HOLD")


def test_with_an_answer_that_names_none_it_goes_and_leaves_no_secret_behind(
    prepared: Prepared, httpserver: HTTPServer
) -> None:
    for path in ADVISORIES:
        httpserver.expect_request(path).respond_with_json({})
    code, decision = run(prepared, httpserver, "gonogo.yaml")
    assert set(outcomes(decision).values()) == {"PASS"}, why(decision)
    assert (code, decision["decision"]) == (0, "GO")
    root = prepared.root
    status = subprocess.run(["git", "status", "--porcelain"], cwd=root, capture_output=True, text=True, check=True)
    assert status.stdout == "", "looking left the tree as it was"
    assert_no_secret_in(root)


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
