"""The test bed itself: what stands in behaves as the real thing does, and the example comes up on it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from tests.containers import standins, variants
from tests.containers.bed import Engine, Example, wait_until
from tests.containers.member import Member

pytestmark = pytest.mark.xdist_group("containers")


@pytest.fixture
def run_image(engine: Engine) -> Iterator[Callable[..., str]]:
    """Start a container in the background; gone after the test."""
    started: list[str] = []

    def start(*arguments: str) -> str:
        name = f"gonogo-t-{uuid4().hex[:10]}"
        started.append(name)
        engine.docker("run", "--detach", "--name", name, *arguments)
        return name

    yield start
    if started:
        engine.docker("rm", "--force", "--volumes", *started)


def is_healthy(engine: Engine, name: str) -> bool:
    return bool(engine.inspect(name)[0]["State"].get("Health", {}).get("Status") == "healthy")


@pytest.mark.parametrize(
    ("image", "options", "health"),
    [
        ("postgres:15-alpine", ("-e", "POSTGRES_PASSWORD=pw"), "pg_isready -h 127.0.0.1 -U postgres"),
        ("redis:7-alpine", (), "redis-cli ping | grep PONG"),
        ("nginx:1.22", (), "wget -q -O /dev/null http://127.0.0.1/"),
        ("prom/prometheus:v2.42.0", (), "wget -q -O /dev/null http://127.0.0.1:9090/-/ready"),
        ("prom/alertmanager:v0.25.0", (), "wget -q -O /dev/null http://127.0.0.1:9093/-/ready"),
    ],
)
def test_a_stand_in_is_well_by_its_own_check_and_stops_at_once(
    engine: Engine, run_image: Callable[..., str], image: str, options: tuple[str, ...], health: str
) -> None:
    name = run_image("--health-cmd", health, "--health-interval", "500ms", *options, image)
    wait_until(lambda: is_healthy(engine, name), f"{image} is healthy", within=180)
    assert engine.inspect(name)[0]["Config"]["Labels"][standins.LABEL] == standins.digest()
    engine.docker("stop", "--time", "10", name)
    assert engine.inspect(name)[0]["State"]["ExitCode"] in {0, 143}, "it took its signal; nobody had to kill it"


def test_postgres_wants_a_password_over_the_network(engine: Engine, run_image: Callable[..., str]) -> None:
    check = "pg_isready -h 127.0.0.1 -U app -d appdb"
    name = run_image(
        *("--health-cmd", check, "--health-interval", "500ms"),
        *("-e", "POSTGRES_PASSWORD=right", "-e", "POSTGRES_USER=app", "-e", "POSTGRES_DB=appdb", "postgres:15-alpine"),
    )
    wait_until(lambda: is_healthy(engine, name), "postgres is healthy", within=180)
    ask = 'psql -h "$(hostname -i)" -U app -d appdb -Atc "select current_user"'
    assert engine.docker("exec", "-e", "PGPASSWORD=right", name, "sh", "-c", ask).strip() == "app"
    with pytest.raises(AssertionError, match="password authentication failed"):
        engine.docker("exec", "-e", "PGPASSWORD=wrong", name, "sh", "-c", ask)


def test_a_second_look_makes_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> str:
        raise AssertionError("an image was made again")

    monkeypatch.setattr(standins, "_make", never)
    standins.make(standins.cache_folder())


def test_an_image_goes_to_the_registry_and_comes_back_by_digest(engine: Engine, image_registry: str) -> None:
    there = f"{image_registry}/t/redis:1"
    engine.docker("tag", "redis:7-alpine", there)
    engine.docker("push", "--quiet", there)
    pinned = engine.inspect(there)[0]["RepoDigests"][0]
    assert pinned.startswith(f"{image_registry}/t/redis@sha256:")
    engine.docker("rmi", there)
    engine.docker("pull", "--quiet", pinned)
    assert engine.inspect(pinned)[0]["Id"] == engine.inspect("redis:7-alpine")[0]["Id"]
    engine.docker("rmi", pinned)


def test_a_mirror_hands_out_the_stand_ins_by_their_own_names(engine: Engine, registry_mirror: str) -> None:
    """As `dockerd --registry-mirror` asks for them: `redis` is `library/redis` there."""
    for name in ("library/redis:7-alpine", "prom/alertmanager:v0.25.0"):
        engine.docker("pull", "--quiet", f"{registry_mirror}/{name}")
        [pulled] = engine.inspect(f"{registry_mirror}/{name}")
        assert pulled["Id"] == engine.inspect(name.removeprefix("library/"))[0]["Id"]
        engine.docker("rmi", f"{registry_mirror}/{name}")


def test_the_example_comes_up_and_names_its_release(example: Example) -> None:
    example.start()
    with urllib.request.urlopen(f"{example.url}/health", timeout=30) as answer:
        health = json.load(answer)
    assert (health["state"], health["sha"], health["store"]["kind"]) == ("ok", example.sha, "postgres")
    with urllib.request.urlopen(f"{example.url}/", timeout=30) as answer:
        assert answer.headers["x-release"] == example.sha
    backend = example.container("backend")
    assert backend["Config"]["Labels"]["org.opencontainers.image.revision"] == example.sha
    assert backend["Config"]["User"] == "node"
    assert backend["State"]["Health"]["Status"] == "healthy"


def test_the_release_before_works_on_the_schema_of_the_next(example: Example) -> None:
    """N, then N-1 on N's schema, then N again: what was written in between stays."""
    now = example.sha
    example.start()
    member = Member(example)
    first = member.ask("Nosferatu")
    example.checkout("v1.4.0")
    example.start()
    assert member.health()["version"] == "1.4.0"
    assert [wish["title"] for wish in member.wishes()] == ["Nosferatu"]
    member.ask("Faust")
    example.checkout(now)
    example.start()
    assert member.health()["version"] == "1.5.0"
    assert [wish["title"] for wish in member.wishes()] == ["Faust", "Nosferatu"]
    assert member.wishes()[1]["id"] == first


VARIANTS = {
    "never_healthy": variants.never_healthy(),
    "no_healthcheck": variants.no_healthcheck(),
    "memory_hog": variants.memory_hog(),
    "broken_frontend": variants.broken_frontend(),
    "slow_catalogue": variants.slow_catalogue(300),
    "silent_logs": variants.silent_logs(),
    "destructive_migration": variants.destructive_migration(),
    "failing_migration": variants.failing_migration(),
    "crash_loop": variants.crash_loop(20),
}


def test_every_variant_is_a_change_to_what_is_there(example: Example) -> None:
    for edits, message in VARIANTS.values():
        start = example.sha
        assert example.change(edits, message) != start
        example.checkout(start)


def test_a_variant_is_built_and_goes_wrong_as_it_says(example: Example) -> None:
    example.change(*variants.crash_loop(after=3))
    example.build()
    example.compose("up", "--detach", "--no-build", "--pull", "never", "backend")
    wait_until(lambda: example.container("backend")["RestartCount"] > 0, "the backend starts anew", within=180)
