"""A repository of several projects: a checklist is for the directory it lies in, wherever gonogo is started."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Gonogo, Repository

NESTED = """\
gonogo: 1
title: The portal
input_files: [.env.staging]
phases:
  - id: "1"
    title: Look
    gates:
      - title: Lint
        owners: [Ada]
        commands: [npm run lint]
        criteria: ["exit == 0"]
      - title: Build
        owners: [Ada]
        commands:
          - kind: command
            run: sh build.sh
            reports: [{path: out/report.xml, parser: junit}]
        criteria: ["exit == 0", "tests.failed == 0"]
        evidence: [{text: Build log, path: out/build.log}]
        changes: [generated.txt]
      - title: Env files
        owners: [Ada]
        commands: [{kind: dotenv, template: .env.example, file: .env.staging}]
        criteria: ["parity.missing == 0"]
"""
REPORT = '<testsuite tests="1"><testcase classname="a" name="b"/></testsuite>'
BUILD = f"""\
mkdir -p out
echo built > out/build.log
echo '{REPORT}' > out/report.xml
echo new > generated.txt
test -f package.json
"""


@pytest.fixture
def portal(repository: Repository) -> Repository:
    """Two projects in one repository; only that of the portal has a `lint` script, an env file and a checklist."""
    repository.write("package.json", json.dumps({"name": "all", "private": True, "scripts": {}}))
    repository.write(".gitignore", ".env.staging\nout/\n")
    repository.write("apps/portal/package.json", json.dumps({"name": "portal", "scripts": {"lint": "true"}}))
    repository.write("apps/portal/gonogo.yaml", NESTED)
    repository.write("apps/portal/build.sh", BUILD)
    repository.write("apps/portal/generated.txt", "old\n")
    repository.write("apps/portal/.env.example", "PORT=\n")
    repository.write("apps/portal/src/deep/code.js", "1\n")
    repository.commit()
    repository.write("apps/portal/.env.staging", "PORT=3000\n")
    return repository


@pytest.mark.parametrize("where", [".", "apps/portal", "apps/portal/src/deep"])
def test_static_looks_resolve_in_the_project(
    gonogo: Gonogo, portal: Repository, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.chdir(portal.root / where)
    named = () if where != "." else ("apps/portal/gonogo.yaml",)
    said = gonogo("check", *named)
    assert said.exit == 0, said.err
    assert "commands run in `apps/portal/`" in said.out
    assert "lead nowhere" not in said.out


@pytest.mark.parametrize("where", [".", "apps/portal", "apps/portal/src/deep"])
def test_a_run_works_in_the_project(
    gonogo: Gonogo, portal: Repository, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.chdir(portal.root / where)
    named = () if where != "." else ("apps/portal/gonogo.yaml",)
    said = gonogo("run", *named, "--format", "json")
    decision = json.loads(said.out)
    outcomes = {gate["id"]: gate["outcome"] for gate in decision["gates"]}
    assert (said.exit, outcomes) == (0, dict.fromkeys(("lint", "build", "env-files"), "PASS")), said.out
    paths = {item["name"] for gate in decision["gates"] for item in gate["evidence"]}
    assert {"evidence/apps/portal/out/build.log", "report/apps/portal/out/report.xml"} <= paths
    assert (portal.root / "apps/portal/generated.txt").read_text() == "old\n", "a declared change is undone"
    assert not portal.git("status", "--porcelain")


def test_what_is_stale_in_the_project_is_no_evidence(gonogo: Gonogo, portal: Repository) -> None:
    portal.write("apps/portal/build.sh", "true\n")
    portal.commit()
    portal.write("apps/portal/out/build.log", "yesterday\n")
    portal.write("apps/portal/out/report.xml", REPORT)
    said = gonogo("run", "apps/portal/gonogo.yaml", "--gate", "build", "--format", "json")
    (build,) = [gate for gate in json.loads(said.out)["gates"] if gate["id"] == "build"]
    assert (said.exit, build["outcome"]) == (3, "STALE")
    assert (portal.root / "apps/portal/out/build.log").read_text() == "yesterday\n"


def test_a_missing_script_of_the_project_is_told(gonogo: Gonogo, portal: Repository) -> None:
    portal.write("apps/portal/package.json", json.dumps({"name": "portal"}))
    assert 'missing script: "lint"' in gonogo("check", "apps/portal/gonogo.yaml").out


def test_a_checklist_among_the_documents_is_for_the_whole(gonogo: Gonogo, portal: Repository) -> None:
    portal.write("docs/release/gonogo.yaml", NESTED)
    said = gonogo("check", "docs/release/gonogo.yaml")
    assert "commands run in" not in said.out
    assert 'missing script: "lint"' in said.out


@pytest.mark.parametrize(("directory", "shown"), [("apps/portal", "commands run in `apps/portal/`"), (".", "")])
def test_a_checklist_may_say_what_it_is_for(gonogo: Gonogo, portal: Repository, directory: str, shown: str) -> None:
    place = "docs/gonogo.yaml" if shown else "apps/portal/whole.yaml"
    portal.write(place, f"directory: {directory}\n{NESTED}")
    said = gonogo("check", place)
    assert shown in said.out
    assert ("commands run in" in said.out, "lead nowhere" in said.out) == (bool(shown), not shown)


def test_a_directory_that_is_not_there_is_a_mistake(gonogo: Gonogo, portal: Repository) -> None:
    for directory in ("apps/nothing", "..", "/etc"):
        portal.write("whole.yaml", f"directory: {directory}\n{NESTED}")
        said = gonogo("check", "whole.yaml")
        assert (said.exit, "no such directory in the repository" in said.err) == (2, True)


def test_the_nearest_checklist_is_found(gonogo: Gonogo, portal: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    portal.write("apps/other/package.json", "{}")
    monkeypatch.chdir(portal.root / "apps/other")
    assert "../../gonogo.yaml" in gonogo("check").out or "A small thing" in gonogo("plan").out
