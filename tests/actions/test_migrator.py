"""A migration that runs in a container of Compose: it has a name, and does not outlive its program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gonogo.actions import _migrator
from tests.containers.bed import Engine
from tests.probes.conftest import MemoryContext


@pytest.fixture
def project(engine: Engine, compose_project: str, context: MemoryContext) -> MemoryContext:
    """A project with a migration that says what it was given, and waits."""
    script = 'echo "$DATABASE_URL|$PGOPTIONS"; test -n "$QUICK" || sleep 120'
    service = {"image": "postgres:15-alpine", "entrypoint": ["/bin/sh", "-c", script], "environment": {"QUICK": ""}}
    (context.root / "compose.yaml").write_text(json.dumps({"name": compose_project, "services": {"migrate": service}}))
    context.target = compose_project
    return context


def left(engine: Engine, context: MemoryContext) -> str:
    return engine.docker("ps", "--all", "--quiet", "--filter", f"name=^{_migrator.name_of(context)}$").strip()


GIVEN = ("DATABASE_URL", "PGOPTIONS", "QUICK")
ENV = {"DATABASE_URL": "postgresql://db/app", "PGOPTIONS": "-c lock_timeout=5000"}


def test_it_is_given_what_it_needs_under_a_name(project: MemoryContext, engine: Engine) -> None:
    env = {**ENV, "QUICK": "1"}
    command = "docker compose run --rm -T migrate"
    ran = _migrator.run(command, project, GIVEN, cwd=".", env=env, timeout=60)
    assert (ran.exit, ran.out) == (0, b"postgresql://db/app|-c lock_timeout=5000\n"), ran.err
    assert left(engine, project) == ""


def test_s54_at_its_timeout_its_container_goes_too(project: MemoryContext, engine: Engine) -> None:
    ran = _migrator.run("exec docker compose run --rm -T migrate", project, GIVEN, cwd=".", env=ENV, timeout=6)
    assert ran.exit is None
    assert left(engine, project) == ""


def test_s54_a_container_left_by_a_killed_run_is_removed(project: MemoryContext, engine: Engine) -> None:
    name = _migrator.name_of(project)
    engine.docker("run", "--detach", "--name", name, "--entrypoint", "sleep", "postgres:15-alpine", "120")
    assert left(engine, project) != ""
    (told,) = _migrator.sweep_containers(project)
    assert told.startswith("removed container ")
    assert left(engine, project) == ""


@pytest.mark.parametrize(
    ("command", "inside", "named"),
    [
        ("docker compose -f a.yml run --rm migrate", True, True),
        ("docker-compose run migrate", True, True),
        ("docker compose exec -T backend npm run db:migrate", True, False),
        ("docker compose run --name mine migrate", True, False),
        ("npm run db:migrate", False, False),
        ("docker compose up -d && npm run db:migrate", False, False),
    ],
)
def test_which_commands_run_in_a_container(
    command: str, inside: bool, named: bool, context: MemoryContext, tmp_path: Path
) -> None:
    assert _migrator.in_container(command) is inside
    assert (_migrator.named(command, context, ()) != command) is named
