"""The example project as a Compose target: three files, a database, four networks, locked-down containers."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import replace
from typing import Any

from gonogo.model.plan import Subject
from gonogo.model.release import Release, TargetSpec
from gonogo.rollout.watch import watch
from gonogo.targets.compose import ComposeTarget, ComposeTargetParams
from tests.containers.bed import COMPOSE_FILES, Example
from tests.probes.conftest import MemoryContext


def context_of(example: Example) -> MemoryContext:
    spec = TargetSpec("staging", "compose", urls={"app": example.url})
    return MemoryContext(example.root, subject=Subject(example.sha), spec=spec, timeout=250)


def target_of(example: Example, context: MemoryContext) -> ComposeTarget:
    params = ComposeTargetParams(files=COMPOSE_FILES, project=example.project, env_file=".env.staging")
    return ComposeTarget(replace(params, services=("backend", "frontend")), context)


def answer(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/health", timeout=30) as response:
        told: dict[str, Any] = json.load(response)
    return told


def put(example: Example, number: int) -> tuple[ComposeTarget, Release, MemoryContext]:
    """What is checked out, as a release that holds still."""
    example.build()
    context = context_of(example)
    target = target_of(example, context)
    assert target.trouble() is None
    release = target.keep(replace(target.draft(), number=number))
    before = target.instances()
    assert target.up(release).exit == 0
    seen = watch(target, release.artifacts, context, window=2, timeout=60, before=before)
    assert seen.stable, seen
    return target, release, context


def test_the_example_goes_forward_and_back_and_is_tried(example: Example) -> None:
    try:
        _forward_and_back(example)
    finally:
        _forget(example)


def _forward_and_back(example: Example) -> None:
    target, first, _ = put(example, 1)
    old = example.sha
    assert answer(example.url)["sha"] == old
    database = target.database()
    assert database is not None
    assert f"127.0.0.1:{example.values['POSTGRES_PORT']}" in database.url
    store = example.container("postgres")
    example.change({"backend/src/index.ts": lambda text: text + "\n// another\n"}, "fix: another")
    target, second, context = put(example, 2)
    assert answer(example.url)["sha"] == example.sha != old
    assert example.container("postgres")["State"]["StartedAt"] == store["State"]["StartedAt"]
    with target.trial(first, {}) as urls:
        assert answer(urls["app"])["sha"] == old, "the previous release, beside the new one"
        assert answer(example.url)["sha"] == example.sha
    assert target.up(first).exit == 0
    assert watch(target, first.artifacts, context, window=1, timeout=60).stable
    assert answer(example.url)["sha"] == old
    for value in (example.values["JWT_SECRET"], example.values["POSTGRES_PASSWORD"]):
        assert value in context.secrets
        assert value.encode() not in b"\n".join(context.blobs.values())
    assert second.artifacts["backend"] != first.artifacts["backend"]


def _forget(example: Example) -> None:
    docker = example.engine.docker
    example.engine.clean(f"{example.project}-trial")
    example.engine.clean(example.project)
    mine = f"label=gonogo.target={example.project}"
    if found := docker("ps", "--all", "--quiet", "--filter", mine).split():
        docker("rm", "--force", "--volumes", *found)
    if volumes := docker("volume", "ls", "--quiet", "--filter", mine).split():
        docker("volume", "rm", *volumes)
    names = docker("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    if tags := [name for name in names if name.startswith(f"gonogo/{example.project}-")]:
        docker("rmi", *tags)
