"""The database of a Compose target, and releases tried beside what is in service."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gonogo.plugins import Database
from tests.containers.bed import Engine
from tests.probes.conftest import MemoryContext
from tests.targets.compose.tiny import A, B, Tiny, stored

PASSWORD = "p@ss/w0rd$1:x"
STORE = """\
    depends_on: [store]
    networks: [front, data]
  store:
    image: postgres:15-alpine
    environment: {POSTGRES_USER: app, POSTGRES_DB: shop, POSTGRES_PASSWORD: "${PASSWORD}"}
    networks: [data]
    volumes: ["rows:/var/lib/postgresql/data"]
networks: {front: {}, data: {internal: true}}
volumes: {rows: {}}
"""


@pytest.fixture
def shop(engine: Engine, compose_project: str, tmp_path: Path) -> Iterator[Tiny]:
    """The tiny project with a database."""
    made = Tiny(tmp_path / "shop", engine, compose_project)
    made.write("docker-compose.yml", (made.root / "docker-compose.yml").read_text() + STORE)
    made.set(PASSWORD=PASSWORD)
    yield made
    made.clean()


def ask(context: MemoryContext, database: Database, *argv: str) -> str:
    ran = context.run(database.argv(*argv), env=database.env)
    assert ran.exit == 0, ran.err
    return ran.out.decode().strip()


def test_the_database_is_started_and_asked_by_its_own_programs(shop: Tiny) -> None:
    context = shop.context(A)
    database = shop.target(A, context).database()
    assert database is not None
    assert (
        ask(context, database, "psql", "--dbname", "shop", "-Atc", "select current_user, current_database()")
        == "app|shop"
    )
    assert database.env == {"PGPASSWORD": PASSWORD}
    assert PASSWORD not in " ".join(database.argv("psql", "--dbname", "shop"))
    assert database.url == "postgresql://app:p%40ss%2Fw0rd%241%3Ax@store:5432/shop"
    assert PASSWORD in context.secrets
    assert PASSWORD.encode() not in stored(context)
    with pytest.raises(AssertionError, match="password authentication failed"):
        ask(context, replace(database, env={"PGPASSWORD": "wrong"}), "psql", "--dbname", "shop", "-Atc", "select 1")


def test_a_project_without_a_database_has_none(tiny: Tiny) -> None:
    assert tiny.target(A).database() is None


def test_a_published_database_is_reached_from_this_machine(shop: Tiny) -> None:
    text = (shop.root / "docker-compose.yml").read_text()
    published = "networks: [data, front]\n    ports: ['127.0.0.1::5432']\n    volumes"
    shop.write("docker-compose.yml", text.replace("networks: [data]\n    volumes", published))
    database = shop.target(A).database()
    assert database is not None
    place = urlsplit(database.url)
    assert place.hostname == "127.0.0.1"
    with socket.create_connection((place.hostname, place.port or 0), timeout=5) as there:
        there.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")  # the first message of a client that asks for TLS
        assert there.recv(1) in {b"N", b"S"}


def test_a_trial_runs_beside_what_is_there(shop: Tiny) -> None:
    shop.deploy(A, 1)
    live = shop.container()
    shop.build(B, "the new one")
    context = shop.context(B)
    target = shop.target(B, context)
    release = target.keep(replace(target.draft(), number=2))
    with target.trial(release, {"GREETING": "s3cr3t$1", "NOT_OF_THIS_SERVICE": "x"}) as urls:
        assert urls["app"] == urls["web"]
        with urllib.request.urlopen(urls["app"], timeout=30) as answer:
            assert answer.read() == b"the new one\n"
        (trial,) = shop.engine.inspect(*_trial(shop))
        assert "GREETING=s3cr3t$1" in trial["Config"]["Env"]
        live_data = trial["NetworkSettings"]["Networks"][f"{shop.project}_data"]
        assert "web" not in (live_data["Aliases"] or []), "nobody in service may come upon it"
        assert "store" in shop.engine.docker(
            "exec", trial["Id"], "sh", "-c", "wget -T 1 -q -O - store:5432 2>&1; echo store"
        )
    assert _trial(shop) == []
    assert shop.container()["Id"] == live["Id"]
    assert shop.container()["State"]["StartedAt"] == live["State"]["StartedAt"]
    assert f"{shop.project}-trial" not in shop.engine.docker("network", "ls")


def test_a_trial_that_was_cut_off_is_swept(shop: Tiny) -> None:
    release = shop.deploy(A, 1)
    target = shop.target(A)
    trial = target.trial(release, {})
    trial.__enter__()
    left = _trial(shop)
    assert left
    with shop.target(A).trial(release, {}) as urls:
        assert urls
        assert not set(left) & set(_trial(shop))
    assert _trial(shop) == []
    del trial


def test_a_trial_that_is_never_well_gives_its_address(shop: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gonogo.targets.compose.TRIAL_TIMEOUT", 2.0)
    shop.set(MODE="crash", AFTER="60")
    shop.build(A)
    target = shop.target(A)
    release = target.keep(replace(target.draft(), number=1))
    target.database()
    with target.trial(release, {}) as urls:
        assert urls["web"].startswith("http://127.0.0.1:")


def _trial(shop: Tiny) -> list[str]:
    mine = f"label=com.docker.compose.project={shop.project}-trial"
    return shop.engine.docker("ps", "--all", "--quiet", "--no-trunc", "--filter", mine).split()
