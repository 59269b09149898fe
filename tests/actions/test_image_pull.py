"""Pulling the images of a Compose project, and why one cannot be pulled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gonogo.actions.image_pull import why
from gonogo.model.outcome import Outcome
from gonogo.model.release import TargetSpec
from tests.containers.bed import Engine
from tests.probes.conftest import MemoryContext, look_with

FAILED = """\
 backend Pulling\x20
 postgres Pulling\x20
 backend Warning Get "https://registry.example/v2/": dial tcp: lookup registry.example: no such host
\x1b[2K redis Error pull access denied for redis, repository does not exist or may require 'docker login'
WARNING: Some service image(s) must be built from source by running:
    docker compose build backend
Error response from daemon: pull access denied for redis
"""


def test_what_compose_says_of_each_image() -> None:
    assert why(FAILED, "Error") == (
        "`redis`: pull access denied for redis, repository does not exist or may require 'docker login'",
    )
    assert why(FAILED, "Warning")[0].startswith('`backend`: Get "https://registry.example/v2/"')


@pytest.fixture
def context(tmp_path: Path) -> MemoryContext:
    return MemoryContext(tmp_path, timeout=100)


@pytest.fixture
def pushed(engine: Engine, image_registry: str, compose_project: str) -> Iterator[str]:
    name = f"{image_registry}/{compose_project}/store:1"
    engine.docker("tag", "redis:7-alpine", name)
    engine.docker("push", "--quiet", name)
    engine.docker("rmi", name)
    yield name
    engine.docker("rmi", "--force", name)


def compose(context: MemoryContext, text: str) -> None:
    (context.root / "docker-compose.yml").write_text(text)
    context.spec = TargetSpec("staging", "compose", {"files": ["docker-compose.yml"]})


def test_images_that_a_registry_has_are_here_by_digest(context: MemoryContext, pushed: str) -> None:
    compose(context, f"services: {{store: {{image: '{pushed}'}}}}")
    before = look_with("image", context, of_target=True)
    assert before.values == {"images.missing": 1}
    assert before.findings == [f"missing:{pushed}"]
    seen = look_with("image_pull", context, run="docker compose -f docker-compose.yml pull")
    assert (seen.capture.exit, seen.troubles) == (0, {})
    assert look_with("image", context, of_target=True).values == {"images.missing": 0}


def test_images_that_are_only_here_are_told_in_plain_words(context: MemoryContext, engine: Engine) -> None:
    local = "services: {app: {build: ., image: 'gonogo-never/app:1'}}"
    compose(context, local)
    seen = look_with("image_pull", context, run="docker compose pull")
    assert "every image that was not pulled is built here: there is nothing to pull" in seen.capture.notes
    assert seen.troubles == {}
    compose(context, "services: {store: {image: 'redis:7-alpine'}}")
    here = look_with("image", context, of_target=True)
    if not engine.inspect("redis:7-alpine")[0]["RepoDigests"]:
        assert here.findings == ["local-only:redis:7-alpine"]


def test_a_registry_that_does_not_answer_is_no_missing_image(context: MemoryContext, engine: Engine) -> None:
    compose(context, "services: {store: {image: '127.0.0.1:9/gonogo-never/store:1'}}")
    seen = look_with("image_pull", context, run="docker compose pull")
    assert seen.capture.exit not in {0, None}
    assert seen.troubles == {"registry-unreachable": Outcome.ERROR}


def test_an_image_that_the_registry_does_not_have(context: MemoryContext, image_registry: str) -> None:
    compose(context, f"services: {{store: {{image: '{image_registry}/gonogo-never/store:1'}}}}")
    seen = look_with("image_pull", context, run="docker compose pull")
    assert seen.capture.exit not in {0, None}
    assert any("not found" in note or "unknown" in note for note in seen.capture.notes) or seen.troubles
