"""Backup and migration as a person runs them: by the command line, on a `local` target, killed and gone on with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gonogo.model.plan import Subject
from gonogo.model.release import TargetSpec
from gonogo.probes._postgres import Sql
from gonogo.targets import _strays
from gonogo.targets.local import LocalTarget
from tests.probes.conftest import MemoryContext, Repository

MIGRATOR = Path(__file__).with_name("migrator_double.py")
CHECKLIST = """
gonogo: 1
title: Ship it
targets:
  here:
    kind: local
    directory: {directory}
    services: {{web: {{command: "true", one_shot: true}}}}
    database: {{}}
phases:
  - id: "4"
    title: Infrastructure
    gates:
      - id: db
        title: DB backup then migrate
        owners: [Ada]
        commands:
          - {{kind: backup, id: backup}}
          - {{kind: migrate, id: migrate, run: "{python} {migrator} prisma/migrations", label: Migrate}}
          - kind: backups
          - kind: migrations
        criteria: [backup.restored, "exit == 0", migrations.pending == 0]
"""
INIT = (
    "create table media (id serial primary key, title text not null);\ninsert into media (title) values ('Metropolis');"
)


@dataclass
class Ship:
    """A repository with a `local` target, and gonogo runs on it."""

    repository: Repository
    directory: Path

    def run(self, *options: str, crash_at: str = "") -> tuple[int, dict[str, Any]]:
        argv = [sys.executable, "-m", "gonogo", "run", "--target", "here", "--format", "json", *options]
        env = {**os.environ, "GONOGO_CRASH_AT": crash_at}
        done = subprocess.run(argv, cwd=self.repository.root, env=env, capture_output=True, text=True, check=False)
        if crash_at and done.returncode == -9:
            return -9, {}
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def target(self) -> LocalTarget:
        spec = TargetSpec("here", "local", {"directory": str(self.directory), "services": {}, "database": {}})
        root = self.repository.root
        context = MemoryContext(root, Subject(self.repository.git("rev-parse", "HEAD")), "here", spec=spec)
        found = context.reach()
        assert isinstance(found, LocalTarget)
        return found

    def ask(self, query: str) -> list[dict[str, Any]]:
        database = self.target().database()
        assert database is not None
        return Sql(database, MemoryContext(self.repository.root)).ask(query)

    @property
    def dumps(self) -> list[str]:
        return sorted(path.name for path in (self.repository.root / ".gonogo/state/backups/here").glob("*.dump"))


@pytest.fixture
def ship(repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ship]:
    directory = tmp_path_factory.mktemp("target")
    text = CHECKLIST.format(directory=directory, python=sys.executable, migrator=MIGRATOR)
    repository.commit("feat: all", {"gonogo.yaml": text, "prisma/migrations/001_init/migration.sql": INIT})
    made = Ship(repository, directory)
    try:
        yield made
    finally:
        target = made.target()
        target.end()
        token = target._home.token
        assert not _strays.marked(_strays.TARGET, token)
        shutil.rmtree(Path("/var/lib/gonogo") / token, ignore_errors=True)


def gate(run: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(gate for gate in run["gates"] if gate["id"] == "db")
    return found


def test_backed_up_restored_migrated(ship: Ship) -> None:
    code, run = ship.run()
    assert (code, gate(run)["outcome"]) == (0, "PASS"), json.dumps(gate(run), indent=1)
    assert ship.ask("select title from public.media") == [{"title": "Metropolis"}]
    assert len(ship.dumps) == 1
    evidence = ship.repository.root / ".gonogo/state"
    database = ship.target().database()
    assert database is not None
    password = database.env["PGPASSWORD"].encode()
    assert not [file for file in evidence.rglob("*") if file.is_file() and password in file.read_bytes()]


@pytest.mark.parametrize(
    "at", ["act-step@db:restore", "act-step@db:migrate", "act-done@db:backup", "act-done@db:migrate"]
)
def test_s1_killed_anywhere_a_resume_repeats_no_write(ship: Ship, at: str) -> None:
    code, _ = ship.run(crash_at=at)
    assert code == -9
    code, run = ship.run("--resume")
    assert (code, gate(run)["outcome"]) == (0, "PASS"), json.dumps(gate(run), indent=1)
    assert ship.ask("select count(*) as rows from public.media") == [{"rows": 1}], "migrated once"
    assert ship.ask("select count(*) as rows from public._prisma_migrations") == [{"rows": 1}]
    assert len(ship.dumps) == 1, "one backup"
    assert ship.ask("select datname from pg_database where datname like 'gonogo_scratch%'") == []
