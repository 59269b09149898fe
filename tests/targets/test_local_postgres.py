"""The PostgreSQL of the target `local`: a real server from the wheel, as whoever runs the tests."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gonogo.plugins import Database, OutOfReach
from gonogo.targets import _local_postgres as _postgres
from gonogo.targets import _strays
from gonogo.targets._local_postgres import Cluster, PostgresParams
from tests.probes.conftest import Repository
from tests.targets.conftest import Site, a_site, ask, eventually, web


@pytest.fixture
def site(repository: Repository, tmp_path: Path) -> Iterator[Site]:
    directory = tmp_path / "target"
    service = web(env={"PORT": "{port}", "APP_DATABASE": "{database}"}, stop_seconds=2)
    database = {"name": "portal", "user": "portal", "settings": {"max_connections": "20", "fsync": "off"}}
    params = {"directory": str(directory), "services": {"web": service}, "database": database}
    yield from a_site(repository, directory, params)


def sql(database: Database, text: str, name: str = "") -> str:
    done = subprocess.run(
        database.argv("psql", "-X", "-w", "-At", "-v", "ON_ERROR_STOP=1", "-d", name or database.name, "-c", text),
        env={**os.environ, **database.env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def of(site: Site) -> Database:
    found = site.target().database()
    assert found is not None
    return found


def test_it_is_there_before_the_first_release(site: Site) -> None:
    site.commit("first")
    database = of(site)
    assert sql(database, "SHOW max_connections") == "20"
    assert sql(database, "SELECT current_user || current_database()") == "portalportal"
    (one,) = site.target().instances()
    assert (one.service, one.status, one.health) == ("postgres", "running", "healthy")
    assert one.artifact.startswith("postgresql:1")


def test_a_release_is_put_beside_its_database(site: Site) -> None:
    site.commit("first")
    database = of(site)
    (before,) = site.target().instances()
    sql(database, "CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)")
    release = site.put("first")
    target = site.target()
    eventually(target, lambda seen: seen.health == "healthy")
    assert ask(target.url("web"))["env"]["APP_DATABASE"] == database.url
    assert set(release.artifacts) == {"web"}, "no release brings its own database"
    assert before in target.instances(), "s33: the database was not touched"
    site.put("second", number=2)
    assert before in site.target().instances()
    assert sql(of(site), "SELECT count(*) FROM kept") == "1"


def test_it_takes_no_wrong_password_and_no_socket(site: Site) -> None:
    site.commit("first")
    database = of(site)
    wrong = subprocess.run(
        database.argv("psql", "-X", "-w", "-d", "portal", "-c", "SELECT 1"),
        env={"PGPASSWORD": "wrong"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert wrong.returncode == 2
    assert "password authentication failed" in wrong.stderr
    assert sql(database, "SHOW unix_socket_directories") == ""
    assert sql(database, "SHOW listen_addresses") == "127.0.0.1"
    assert sql(database, "SHOW password_encryption") == "scram-sha-256"


def test_its_password_is_where_only_its_owner_looks(site: Site) -> None:
    site.commit("first")
    database = of(site)
    password = database.env["PGPASSWORD"]
    assert password in site.contexts[-1].secrets
    assert password not in " ".join((*database.prefix, *database.connection, database.programs))
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert password.encode() not in line.read_bytes()
        except OSError:
            continue
    home = site.target()._cluster.home  # type: ignore[union-attr]
    for file in (one for top in (site.directory, home) for one in top.rglob("*") if one.is_file()):
        if password in file.read_text(errors="replace"):
            assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file
    assert not list(home.glob("word*"))


def test_it_does_not_run_as_root(site: Site) -> None:
    site.commit("first")
    of(site)
    (one,) = site.target().instances()
    pid = int(one.started.split()[1])
    uids = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("Uid:"))
    assert "0" not in uids.split()[1:]
    groups = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("Groups:"))
    assert os.getuid() != 0 or groups.split()[1:] == []


def test_a_dump_can_be_made_and_restored(site: Site, tmp_path: Path) -> None:
    site.commit("first")
    database = of(site)
    sql(database, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS id")
    env = {**os.environ, **database.env}
    dump = tmp_path / "dump"
    for argv in (
        database.argv("pg_dump", "-w", "-Fc", "-f", str(dump), database.name),
        database.argv("createdb", "-w", "copy"),
        database.argv("pg_restore", "-w", "--exit-on-error", "--no-owner", "-d", "copy", str(dump)),
    ):
        subprocess.run(argv, env=env, check=True)
    assert sql(database, "SELECT count(*) FROM kept", "copy") == "1000"


def test_it_comes_back_when_its_first_process_is_killed(site: Site) -> None:
    site.commit("first")
    sql(of(site), "CREATE TABLE kept (id int)")
    target = site.target()
    (one,) = target.instances()
    os.kill(int(one.started.split()[1]), signal.SIGKILL)
    again = eventually(target, lambda seen: seen.restarts == 1 and seen.health == "healthy", "postgres")
    assert again.exit == 137
    assert sql(of(site), "SELECT count(*) FROM kept") == "0"


def test_it_ends_with_its_supervisor_and_is_started_again(site: Site) -> None:
    site.commit("first")
    sql(of(site), "CREATE TABLE kept (id int)")
    target = site.target()
    (one,) = target.instances()
    pid = int(one.started.split()[1])
    os.kill(target._services.supervisor.pid(), signal.SIGKILL)
    assert sql(of(site), "SELECT count(*) FROM kept") == "0"
    assert not _strays.alive(pid)
    assert eventually(site.target(), lambda seen: seen.health == "healthy", "postgres").id != one.id


def test_data_of_another_version_is_not_touched(site: Site) -> None:
    site.commit("first")
    of(site)
    target = site.target()
    cluster = target._cluster
    assert cluster is not None
    target.end()
    version = cluster.data / "PG_VERSION"
    version.write_text("9.6\n")
    trouble = site.target().trouble()
    assert trouble is not None
    assert "PostgreSQL 9.6, which the data of this target is of" in trouble.message
    with pytest.raises(OutOfReach, match=r"PostgreSQL 9.6"):
        site.target().database()


def test_no_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(tmp_path, "token", PostgresParams(programs=str(tmp_path)), 1)
    with pytest.raises(OutOfReach, match="cannot find the programs of PostgreSQL") as caught:
        cluster.programs()
    assert "gonogo[local]" in caught.value.help


def test_programs_of_the_machine_where_no_wheel_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = next(place for place in _postgres._candidates("") if (place / "postgres").exists())
    config = tmp_path / "bin" / "pg_config"
    config.parent.mkdir()
    config.write_text(f"#!/bin/sh\necho {real}\n")
    config.chmod(0o755)
    monkeypatch.setattr(_postgres, "_PACKAGE", "no_such_package")
    monkeypatch.setenv("PATH", str(config.parent), prepend=":")
    assert Cluster(tmp_path, "token", PostgresParams(), 1).programs() == real
