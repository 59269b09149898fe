"""Engines against the node and npm of this machine; Docker by stand-ins that answer as the real one was seen to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gonogo import plugins
from gonogo.model.outcome import Outcome
from tests.probes.conftest import Look, Looked, MemoryContext

needs_node = pytest.mark.skipif(not shutil.which("npm"), reason="asks the real npm")


def write_package(root: Path, path: str = "package.json", **data: Any) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(data), encoding="utf-8")


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o755)


@pytest.fixture
def only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of stand-ins and nothing else."""
    folder = tmp_path / "only"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def node_and_npm(folder: Path, node: str = "v20.11.0", npm: str = "10.2.4") -> None:
    program(folder, "node", f"echo {node}")
    program(folder, "npm", f"echo {npm}")


@needs_node
def test_the_real_node_and_npm(look: Look, tmp_path: Path) -> None:
    write_package(tmp_path, engines={"node": ">=18", "npm": ">=8"}, workspaces=["backend", "packages/*"])
    write_package(tmp_path, "backend/package.json", engines={"node": ">=16 <99"})
    write_package(tmp_path, "packages/a/package.json", engines={"node": ">=99"})
    write_package(tmp_path, "elsewhere/package.json", engines={"node": ">=99"})
    seen = look("toolchain", engines=True)
    assert seen.values["engines.checked"] == 4
    assert seen.values["engines.unsatisfied"] == 1
    assert seen.findings == ["packages/a/package.json:node"]
    real = subprocess.check_output(["node", "--version"], text=True).strip().removeprefix("v")
    assert f"node {real}" in seen.reading.notes
    assert "docker.available" not in seen.values


def test_engines_that_are_not_met(look: Look, tmp_path: Path, only: Path) -> None:
    node_and_npm(only)
    write_package(tmp_path, engines={"node": "^18 || ^22", "npm": ">=8", "vscode": "^1"})
    seen = look("toolchain", engines=True)
    assert seen.values["engines.unsatisfied"] == 1
    assert seen.reading.findings[0].message == "node 20.11.0 does not satisfy `^18 || ^22` of package.json"
    assert "not looked at: engine `vscode`" in seen.reading.notes


def test_a_range_that_is_none_is_not_satisfied(look: Look, tmp_path: Path, only: Path) -> None:
    node_and_npm(only)
    write_package(tmp_path, engines={"node": "latest please"})
    assert look("toolchain", engines=True).values["engines.unsatisfied"] == 1


def test_a_program_that_is_missing(look: Look, tmp_path: Path, only: Path) -> None:
    program(only, "node", "echo v20.11.0")
    write_package(tmp_path, engines={"node": ">=18", "npm": ">=8"})
    seen = look("toolchain", engines=True)
    assert seen.troubles == {"tool-missing": Outcome.ERROR}
    assert "engines.unsatisfied" not in seen.values


def test_a_program_that_is_broken(look: Look, tmp_path: Path, only: Path) -> None:
    program(only, "node", "echo cannot load >&2; exit 1")
    write_package(tmp_path, engines={"node": ">=18"})
    seen = look("toolchain", engines=True)
    assert seen.troubles == {"tool-broken": Outcome.ERROR}
    assert seen.values == {}


@pytest.mark.parametrize(
    ("text", "slug"),
    [(None, "no-package-json"), ("{}", "no-engines"), ("[]", "unreadable"), ("{", "unreadable"), ("", "unreadable")],
)
def test_nothing_to_compare_is_unknown(look: Look, tmp_path: Path, text: str | None, slug: str) -> None:
    if text is not None:
        (tmp_path / "package.json").write_text(text, encoding="utf-8")
    seen = look("toolchain", engines=True)
    assert seen.troubles == {slug: Outcome.UNKNOWN}
    assert seen.values == {}


SERVER = '{"Client":{"Version":"28.2.2"},"Server":{"Version":"28.2.2"}}'
NO_SERVER = '{"Client":{"Version":"28.2.2"},"Server":null}'


def docker(only: Path, version: str, compose: str) -> None:
    program(only, "docker", f'if [ "$1" = compose ]; then {compose}; else {version}; fi')


def both(seen: Looked) -> tuple[Any, Any]:
    return seen.values.get("docker.available"), seen.values.get("compose.available")


def test_docker_and_compose_are_there(look: Look, only: Path) -> None:
    docker(only, f"echo '{SERVER}'", "echo 2.40.3")
    seen = look("toolchain", docker=True)
    assert both(seen) == (True, True)
    assert seen.troubles == {}


def test_the_daemon_does_not_answer(look: Look, only: Path) -> None:
    docker(only, f"echo '{NO_SERVER}'; echo Cannot connect to the Docker daemon >&2; exit 1", "exit 1")
    seen = look("toolchain", docker=True)
    assert both(seen) == (False, False)
    assert "the docker daemon does not answer: Cannot connect to the Docker daemon" in seen.reading.notes


def test_the_compose_plugin_is_absent(look: Look, only: Path) -> None:
    docker(only, f"echo '{SERVER}'", "echo 'unknown flag: --short' >&2; exit 125")
    assert both(look("toolchain", docker=True)) == (True, False)


def test_docker_is_not_installed(look: Look, only: Path) -> None:
    seen = look("toolchain", docker=True)
    assert both(seen) == (False, False)
    assert "`docker` is not installed" in seen.reading.notes


def test_docker_says_something_else(look: Look, only: Path) -> None:
    docker(only, "echo podman emulates docker", "echo")
    assert both(look("toolchain", docker=True)) == (False, False)


def test_both_parts_where_none_is_named(look: Look, tmp_path: Path, only: Path) -> None:
    node_and_npm(only)
    write_package(tmp_path, engines={"node": "20"})
    assert set(look("toolchain").values) >= {"engines.unsatisfied", "docker.available", "compose.available"}


@pytest.mark.parametrize(("command", "reachable"), [("true", True), ("exit 3", False), ("no-such-vault x", None)])
def test_the_secrets_store(look: Look, context: MemoryContext, command: str, reachable: bool | None) -> None:
    seen = look("toolchain", docker=True, secrets=command)
    assert seen.values.get("secrets.reachable") is reachable
    assert (seen.troubles == {"tool-missing": Outcome.ERROR}) is (reachable is None)


def test_without_a_provider_nothing_is_said_about_secrets(look: Look) -> None:
    assert "secrets.reachable" not in look("toolchain", docker=True).values


_RANGES = (
    *(">=18", ">= 18", "^18 || ^20", ">=18.0.0 <21", "20.x", "*", "", "^20.11.0", "~20.11", "18 - 20", ">=20.0.0-0"),
    *("<20", "v20", "^0.0.3", "~0.2.3", ">20", "<=20", "20.20.x", "1.2.3 - 2.3", "garbage", ">=18, <21", "^ 20", "x"),
    *("lts/*", "^20 ||", ">=18 <19 || >=20", "~20 ^20", ">20.20", "<=20.20", "^20.20.2-beta", "~> 20.1", "!=20"),
)
_VERSIONS = ("20.20.2", "18.0.0", "8.19.0", "22.0.0-nightly20240101", "0.2.3", "0.0.3", "19.9.9", "20.0.0", "2.3.9")


@needs_node
def test_ranges_are_read_as_npm_reads_them() -> None:
    semver = Path(os.path.realpath(shutil.which("npm") or "")).parent.parent / "node_modules/semver"
    if not semver.is_dir():
        pytest.skip("npm keeps its own semver elsewhere")
    script = (
        f"const s = require({json.dumps(str(semver))}); const [ranges, versions] = JSON.parse(process.argv[1]);"
        "console.log(JSON.stringify(ranges.map(r => versions.map(v =>"
        " s.validRange(r) === null ? null : s.satisfies(v, r, {includePrerelease: true})))))"
    )
    said = json.loads(subprocess.check_output(["node", "-e", script, json.dumps([_RANGES, _VERSIONS])]))
    probe = plugins.builtin(("probes",)).probe("toolchain")
    assert probe.reader
    for wanted, row in zip(_RANGES, said, strict=True):
        for version, expected in zip(_VERSIONS, row, strict=True):
            engines = [{"name": "node", "range": wanted, "path": "package.json"}]
            reading = probe.reader({"engines": engines, "versions": {"node": version}}, probe.params())
            assert reading.value("engines.unsatisfied") == (0 if expected else 1), (wanted, version)
            no_range = any("no version range" in finding.message for finding in reading.findings)
            assert no_range is (expected is None), wanted
