"""Images, run alone on a real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gonogo.model.outcome import Outcome
from gonogo.model.plan import Subject
from gonogo.model.release import TargetSpec
from tests.containers.bed import Engine
from tests.probes.conftest import Looked, MemoryContext, look_with

CHECK = "HEALTHCHECK --interval=1s --retries=1 --start-period=1s CMD test -e /well\n"


@pytest.fixture
def images(engine: Engine, compose_project: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Images that behave as their names say."""
    texts = {
        "well": f'FROM redis:7-alpine\nRUN touch /well\n{CHECK}ENTRYPOINT []\nCMD ["sleep", "600"]\n',
        "sick": f'FROM redis:7-alpine\n{CHECK}ENTRYPOINT []\nCMD ["sleep", "600"]\n',
        "mute": 'FROM redis:7-alpine\nENTRYPOINT []\nCMD ["sleep", "600"]\n',
        "gone": f'FROM redis:7-alpine\n{CHECK}ENTRYPOINT []\nCMD ["sh", "-c", "echo $REASON; exit 3"]\n',
    }
    made = {}
    for name, text in texts.items():
        (tmp_path / "Dockerfile").write_text(text)
        engine.docker("build", "--quiet", "--tag", f"{compose_project}/{name}", ".", cwd=tmp_path)
        made[name] = str(engine.inspect(f"{compose_project}/{name}")[0]["Id"])
    yield made
    engine.docker("rmi", "--force", *(f"{compose_project}/{name}" for name in made))


@pytest.fixture
def context(tmp_path: Path) -> MemoryContext:
    return MemoryContext(tmp_path, timeout=60, run_id=f"run-{tmp_path.name}-{id(tmp_path)}")


def alone(context: MemoryContext, images: dict[str, str], **params: object) -> Looked:
    context.subject = Subject("c" * 40, images=images)
    return look_with("image", context, **params)


def test_a_healthy_image_is_healthy_alone(context: MemoryContext, images: dict[str, str], engine: Engine) -> None:
    seen = alone(context, {"well": images["well"]})
    assert seen.values == {"images.unhealthy": 0}
    assert seen.troubles == {}
    left = engine.docker("ps", "--all", "--quiet", "--filter", f"label=gonogo.alone={context.run_id}")
    networks = engine.docker("network", "ls", "--quiet", "--filter", f"label=gonogo.alone={context.run_id}")
    assert (left, networks) == ("", "")


@pytest.mark.parametrize(
    ("name", "finding"), [("sick", "unhealthy:sick"), ("mute", "no-healthcheck:mute"), ("gone", "exited:gone")]
)
def test_s13_what_is_not_well_is_counted(
    context: MemoryContext, images: dict[str, str], name: str, finding: str
) -> None:
    seen = alone(context, {name: images[name]}, env={"REASON": "no-database-here"})
    assert seen.values == {"images.unhealthy": 1}
    assert seen.findings == [finding]
    if name == "gone":
        assert b"no-database-here" in seen.stored


def test_it_has_no_way_out(context: MemoryContext, images: dict[str, str], engine: Engine) -> None:
    from gonogo.docker import images as here
    from gonogo.docker.client import Docker
    from gonogo.probes import image

    docker = Docker(context)
    found = here.find(docker, images["well"])
    assert found is not None
    with image._running(docker, {"well": found}, {}) as running:
        (identity,) = running.names
        (network,) = engine.inspect(identity)[0]["NetworkSettings"]["Networks"]
        assert engine.inspect(network)[0]["Internal"] is True


def test_no_image_is_no_health(context: MemoryContext, engine: Engine) -> None:
    assert alone(context, {}).troubles == {"no-images": Outcome.UNKNOWN}
    seen = look_with("image", context, images=("gonogo-never/there:1",))
    assert (seen.troubles, seen.values) == ({"no-image": Outcome.UNKNOWN}, {})


def test_it_is_given_what_its_service_has_on_the_target(context: MemoryContext, images: dict[str, str]) -> None:
    text = "services: {gone: {image: x, environment: {REASON: as-the-files-say}}}"
    (context.root / "docker-compose.yml").write_text(text)
    context.spec = TargetSpec("staging", "compose", {"project": "gonogo-never"})
    assert b"as-the-files-say" in alone(context, {"gone": images["gone"]}).stored
    assert b"as-i-say" in alone(context, {"gone": images["gone"]}, env={"REASON": "as-i-say"}).stored
