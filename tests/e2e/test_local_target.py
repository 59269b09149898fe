"""The example on the target `local`: its two services and its PostgreSQL as processes, back and forward."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import secrets
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from gonogo import checklist, plugins
from gonogo.model.plan import Subject
from gonogo.model.release import Release, TargetSpec
from gonogo.plan.inputs import fill_all
from gonogo.targets import _strays
from gonogo.targets._strays import free_port
from gonogo.targets.local import LocalTarget
from tests.e2e.conftest import Project, sh
from tests.probes.conftest import MemoryContext
from tests.targets.conftest import ask, eventually


@pytest.fixture
def spec(project: Project) -> TargetSpec:
    """The target as the example's own checklist declares it, in a directory and at a port of this test."""
    read = checklist.load(project.root / "gonogo.yaml", plugins.load()).checklist
    found = next(one for one in read.targets if one.kind == "local")
    example = (project.root / ".env.staging.example").read_text()
    project.write(".env.staging", re.sub(r"<[^<>]+>", lambda _: secrets.token_hex(32), example))
    params = fill_all({**found.params, "directory": ".gonogo/state/local"}, {"staging": f"127.0.0.1:{free_port()}"})
    return TargetSpec(found.name, found.kind, params)


@pytest.fixture
def reach(project: Project, spec: TargetSpec) -> Iterator[plugins.Target]:
    target = reached(project, spec)
    try:
        yield target
    finally:
        target.end()
        assert not _strays.marked(_strays.TARGET, target._home.token)
        shutil.rmtree(Path("/var/lib/gonogo") / target._home.token, ignore_errors=True)


def reached(project: Project, spec: TargetSpec) -> LocalTarget:
    commit = sh("git", "rev-parse", "HEAD", cwd=project.root).strip()
    context = MemoryContext(project.root, Subject(commit), "local", spec=spec, timeout=240)
    target = context.reach()
    assert isinstance(target, LocalTarget)
    return target


def released(project: Project, spec: TargetSpec, number: int) -> Release:
    """Build what is committed, migrate, and put it there."""
    target = reached(project, spec)
    release = target.keep(dataclasses.replace(target.draft(), number=number))
    database = target.database()
    assert database is not None
    sh("node", "dist/migrate-cli.js", cwd=project.root / "backend", env={"DATABASE_URL": database.url})
    ran = target.up(release)
    assert ran.exit == 0, ran.err.decode()
    return release


def look(target: LocalTarget, release: Release) -> None:
    for name in ("backend", "frontend", "postgres"):
        one = eventually(target, lambda seen: seen.health == "healthy", name, 30)
        assert (one.artifact, one.restarts) == (release.artifacts.get(name, one.artifact), 0)
    health = ask(target.url("app"))
    assert health["sha"] == release.commit
    assert health["store"] == {"kind": "postgres", "reachable": True}
    with urllib.request.urlopen(target.url("app"), timeout=30) as page:
        assert page.headers["x-release"] == release.commit
        assert b"<title>" in page.read()


def count(target: LocalTarget) -> str:
    database = target.database()
    assert database is not None
    query = "SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NOT NULL"
    argv = database.argv("psql", "-X", "-w", "-At", "-d", database.name, "-c", query)
    return subprocess.run(argv, env={**os.environ, **database.env}, capture_output=True, text=True, check=True).stdout


@pytest.mark.timeout(600)
def test_the_example_is_put_there_and_drilled(project: Project, spec: TargetSpec, reach: LocalTarget) -> None:
    sh("npm", "run", "build", cwd=project.root)
    first = released(project, spec, 1)
    look(reach, first)
    assert first.migrations == tuple(
        sorted(one.name for one in (project.root / "backend/prisma/migrations").iterdir() if one.is_dir())
    )
    assert count(reach) == f"{len(first.migrations)}\n"
    project.commit("feat: the next one")
    second = released(project, spec, 2)
    look(reach, second)
    assert second.config == first.config
    for release in (first, second):
        assert reached(project, spec).up(release).exit == 0
        look(reach, release)
    lines = [json.loads(line) for line in reach.logs("backend", "2020-01-01T00:00:00Z").splitlines()]
    assert {line["sha"] for line in lines} == {first.commit, second.commit}
    assert "listening" in {line["message"] for line in lines}
    with reach.trial(first, {"LOG_LEVEL": "debug"}) as urls:
        assert urls["app"] != reach.url("app")
        assert ask(urls["app"])["sha"] == first.commit
    look(reach, second)
