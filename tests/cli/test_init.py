from __future__ import annotations

import json
from pathlib import Path

import pytest

from gonogo.cli.survey import survey
from tests.cli.conftest import Gonogo, Repository
from tests.npm_project import Project, npm_project  # noqa: F401 - the fixture `project`


@pytest.fixture
def bare(repository: Repository) -> Repository:
    """A repository without a checklist."""
    repository.git("rm", "-q", "gonogo.yaml", "hello.sh", "count.sh")
    repository.commit()
    return repository


def gates(gonogo: Gonogo) -> dict[str, dict[str, list[str]]]:
    plan = json.loads(gonogo("plan", "--format", "json").out)
    return {gate["id"]: gate for phase in plan["phases"] for gate in phase["gates"]}


def test_it_never_overwrites(gonogo: Gonogo, repository: Repository) -> None:
    before = (repository.root / "gonogo.yaml").read_text()
    said = gonogo("init")
    assert said.exit == 2
    assert "`gonogo.yaml` is there already" in said.err
    assert (repository.root / "gonogo.yaml").read_text() == before


def test_what_it_writes_for_an_empty_repository_loads_runs_and_is_green(gonogo: Gonogo, bare: Repository) -> None:
    said = gonogo("init")
    assert (said.exit, said.out) == (0, "")
    assert gonogo("check").exit == 0
    bare.commit()
    assert gonogo("run").exit == 0


def test_npm_workspaces_and_scripts(gonogo: Gonogo, bare: Repository) -> None:
    bare.write(
        "package.json",
        json.dumps(
            {
                "engines": {"node": ">=18"},
                "workspaces": ["apps/*"],
                "scripts": {
                    "format": "prettier --write .",
                    "format:check": "prettier --check .",
                    "test": 'echo "Error: no test specified" && exit 1',
                    "build": "tsc -b",
                    "typecheck": "tsc --noEmit",
                },
            }
        ),
    )
    bare.write("apps/a/package.json", json.dumps({"scripts": {"lint": "eslint .", "test": "vitest run"}}))
    bare.write("apps/b/package.json", json.dumps({"scripts": {"lint": "eslint .", "test:e2e": "playwright test"}}))
    bare.write("package-lock.json", "{}")
    assert gonogo("init", "--owner", "Team A", "--owner", "@org/b").exit == 0
    found = gates(gonogo)
    assert found["formatting"]["commands"] == ["npm run format:check"], "a script that writes is no check"
    assert found["linting"]["commands"] == ["npm run lint --workspace apps/a", "npm run lint --workspace apps/b"]
    assert found["tests"]["commands"] == ["npm run test --workspace apps/a"], "npm's stand-in is no test"
    assert "tests.passed > 0" in found["tests"]["criteria"]
    assert found["type-safety"]["criteria"] == ["types.errors == 0"]
    assert found["build"]["criteria"] == ["exit == 0"]
    assert found["end-to-end-tests"]["commands"] == ["npm run test:e2e --workspace apps/b"]
    assert "vulnerabilities.high == 0" in found["dependencies"]["criteria"]
    assert found["tooling"]["criteria"] == ["engines.unsatisfied == 0"]
    assert found["tooling"]["owners"] == ["Team A", "@org/b"]


def test_python_go_compose_mkdocs_and_env_files(gonogo: Gonogo, bare: Repository) -> None:
    bare.write("pyproject.toml", "[tool.ruff]\n[tool.mypy]\n[tool.pytest.ini_options]\n")
    for name in ("go.mod", "compose.yaml", "mkdocs.yml", ".env.example", ".env.staging.example"):
        bare.write(name, "")
    bare.write(".github/CODEOWNERS", "docs/ @org/docs\n* @org/core  # everything\n")
    assert gonogo("init").exit == 0
    found = gates(gonogo)
    assert {"python-linting", "python-types", "python-tests", "go-vet", "go-build", "go-tests"} <= set(found)
    assert {"compose-file", "docs-build", "env-parity"} <= set(found)
    assert found["python-tests"]["owners"] == ["@org/core"]


def test_files_that_cannot_be_read_are_no_trouble(bare: Repository) -> None:
    bare.write("package.json", "{ not json")
    bare.write("pyproject.toml", "not = [toml")
    (bare.root / "go.mod").mkdir()
    assert [proposal.title for proposal in survey(bare.root)] == ["No secrets committed"]


def test_a_python_project_runs(gonogo: Gonogo, bare: Repository) -> None:
    bare.write("pyproject.toml", "[tool.pytest.ini_options]\n")
    bare.write("tests/test_a.py", "def test_a():\n    assert True\n")
    bare.write(".gitignore", "__pycache__\n.pytest_cache\n")
    gonogo("init")
    bare.commit()
    said = gonogo("run", "--format", "json")
    assert said.exit == 0, said.out
    tests = next(g for g in json.loads(said.out)["gates"] if g["id"] == "python-tests")
    assert [j["value"] for j in tests["judgements"]] == ["0", "0", "0", "1"]


def test_what_it_writes_is_formatted_as_prettier_wants_it(gonogo: Gonogo, bare: Repository, project: Project) -> None:
    bare.write("package.json", json.dumps({"engines": {"node": ">=18"}, "scripts": {"format:check": "prettier -c ."}}))
    bare.write("pyproject.toml", "[tool.ruff]\n[tool.pytest.ini_options]\n")
    for name in ("go.mod", "compose.yaml", ".env.example", ".env.staging.example", ".env.a-rather-long-name.example"):
        bare.write(name, "")
    owners = ("Team A", "@org/b", "Somebody with a rather long name", 'Grace "Amazing" Hopper', "It's me", "42")
    assert gonogo("init", *(part for owner in owners for part in ("--owner", owner))).exit == 0
    text = Path("gonogo.yaml").read_text()
    project.write({"gonogo.yaml": text})
    checked = project.run("npx prettier --check .", wrapped=False)
    assert checked.exit == 0, project.run("npx prettier gonogo.yaml", wrapped=False).stdout
    assert gates(gonogo)["tooling"]["owners"] == list(owners)
