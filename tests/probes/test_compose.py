"""Services of a Compose project, as the probe sees them on a real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gonogo.model.outcome import Outcome
from gonogo.model.plan import Subject
from tests.containers.bed import Engine
from tests.probes.conftest import Looked, look_with
from tests.targets.compose.tiny import A, Tiny


@pytest.fixture
def tiny(engine: Engine, compose_project: str, tmp_path: Path) -> Iterator[Tiny]:
    made = Tiny(tmp_path / "tiny", engine, compose_project)
    yield made
    made.clean()


def seen(tiny: Tiny, **params: object) -> Looked:
    context = tiny.context(A)
    return look_with("compose", context, **{"window": 1, "within": 20, **params})


def test_a_healthy_project(tiny: Tiny) -> None:
    tiny.build(A)
    tiny.compose("up", "--detach", "--no-build")
    looked = seen(tiny)
    assert looked.values == {"services.unhealthy": 0, "services.restarts": 0, "services.wrong_image": 0}
    assert looked.troubles == {}
    assert b"web" in looked.stored, "what `docker compose ps` prints is evidence"
    assert seen(tiny, files=("docker-compose.yml",), project=tiny.project).values["services.unhealthy"] == 0


def test_s13_a_service_without_a_healthcheck_is_not_healthy(tiny: Tiny) -> None:
    tiny.write("docker-compose.yml", "services: {web: {image: 'redis:7-alpine'}}")
    tiny.compose("up", "--detach")
    assert seen(tiny).findings == ["no-healthcheck:web"]


def test_s14_a_crash_loop_is_seen_whenever_one_looks(tiny: Tiny) -> None:
    tiny.set(MODE="crash", AFTER="0.3")
    tiny.build(A)
    tiny.compose("up", "--detach", "--no-build")
    looked = seen(tiny, window=10)
    assert looked.values["services.unhealthy"] == 1
    assert looked.findings == ["restarted:web"]


def test_s26_it_runs_another_image_than_its_name_means_now(tiny: Tiny) -> None:
    first = tiny.build(A, "first")
    tiny.compose("up", "--detach", "--no-build")
    tiny.build(A, "second")
    assert seen(tiny).findings == ["wrong-image:web"]
    context = tiny.context(A)
    context.subject = Subject(A, images={"web": first})
    assert look_with("compose", context, window=1).values["services.wrong_image"] == 0


def test_nothing_is_up(tiny: Tiny) -> None:
    looked = seen(tiny, within=0)
    assert looked.values["services.unhealthy"] == 1
    tiny.write("docker-compose.yml", "services: [")
    assert (seen(tiny).troubles, seen(tiny).values) == ({"out-of-reach": Outcome.ERROR}, {})


def test_a_target_that_is_no_compose_project(tiny: Tiny) -> None:
    context = tiny.context(A)
    context.spec = None
    assert look_with("compose", context).troubles == {"out-of-reach": Outcome.ERROR}
