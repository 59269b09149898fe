"""Publishing in a real registry on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gonogo.model.outcome import Outcome
from gonogo.model.plan import Subject
from gonogo.plugins import Done, Look, builtin
from tests.containers.bed import Engine
from tests.probes.conftest import MemoryContext, look_with


@pytest.fixture
def image(engine: Engine, image_registry: str, compose_project: str, tmp_path: Path) -> Iterator[str]:
    """A name in the registry for an image of this test's own."""
    name = f"{image_registry}/{compose_project}/app:1"
    (tmp_path / "Dockerfile").write_text(f"FROM scratch\nLABEL made={compose_project}\n")
    engine.docker("build", "--quiet", "--provenance=false", "--tag", name, ".", cwd=tmp_path)
    yield name
    engine.docker("rmi", "--force", name)


@pytest.fixture
def context(engine: Engine, image: str, tmp_path: Path) -> MemoryContext:
    identity = str(engine.inspect(image)[0]["Id"])
    return MemoryContext(tmp_path, subject=Subject("c" * 40, images={"app": identity}))


def looked(context: MemoryContext, image: str) -> Look:
    probe = builtin().probe("image_push")
    assert probe.look is not None
    return probe.look(probe.params(run=f"docker push {image}"), context)


def test_it_is_published_and_pinned_by_digest(context: MemoryContext, image: str, engine: Engine) -> None:
    assert looked(context, image).done is Done.NOT_DONE
    seen = look_with("image_push", context, run=f"docker push {image}")
    assert seen.capture.exit == 0, context.blobs
    assert seen.values == {"image.published": True}
    digest = seen.capture.images["app"]
    name = image.rpartition(":")[0]
    assert f"{name}@{digest}" in engine.inspect(image)[0]["RepoDigests"]
    assert seen.reading.notes == (f"published as `{name}@{digest}`",)
    assert looked(context, image).done is Done.DONE


def test_s26_a_tag_that_was_moved_is_not_published(context: MemoryContext, image: str, engine: Engine) -> None:
    engine.docker("tag", "redis:7-alpine", image)
    seen = look_with("image_push", context, run=f"docker push {image}")
    assert seen.troubles == {"not-judged": Outcome.ERROR}
    assert context.recorded == ()


def test_a_registry_that_does_not_answer(context: MemoryContext, image: str, engine: Engine) -> None:
    away = f"127.0.0.1:9/{image.partition('/')[2]}"
    engine.docker("tag", image, away)
    try:
        seen = look_with("image_push", context, run=f"docker push {away}")
    finally:
        engine.docker("rmi", away)
    assert seen.capture.exit not in {0, None}
    assert seen.values == {}
    assert seen.capture.images == {}


def test_an_image_that_is_not_there(context: MemoryContext, image: str) -> None:
    assert look_with("image_push", context, run=f"docker push {image}-not").troubles == {"no-image": Outcome.ERROR}
    assert look_with("image_push", context, run="docker push --all-tags a b").troubles == {
        "not-a-push": Outcome.UNKNOWN
    }
