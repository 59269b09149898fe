"""The container test bed: an engine, stand-in images, a registry, and throw-away copies of the example project.

`tests/conftest.py` makes the fixtures known everywhere. With `CI=true` they install and start what they need and never
skip; on a machine of somebody's own they skip where no engine answers, and say why.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest

from tests.containers import standins

REPOSITORY = Path(__file__).parents[2]
HERE = Path(__file__).parent
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}
COMPOSE_FILES = (
    "docker-compose.yml",
    "config/docker/docker-compose.prod.yml",
    "config/docker/docker-compose.staging.yml",
)
SERVICES = ("backend", "frontend")
WATCH = "-watch"
"""Added to a project's name for the one that watches it."""
PORTS = ("STAGING_PORT", "POSTGRES_PORT", "PROMETHEUS_PORT", "ALERTMANAGER_PORT", "GRAFANA_PORT", "LOKI_PORT")
"""Variables of `.env.staging` that are given a free port of this machine."""


# --- what everything stands on ----------------------------------------------------------------------------------


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Only one test process at a time gets past this, for work that all of them share."""
    folder = standins.cache_folder() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(*argv: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None, timeout: float = 280) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run(
        [str(part) for part in argv],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, argv))}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def wait_until(true: Callable[[], bool], what: str, within: float = 180) -> None:
    """Ask again and again, for events that nothing announces; fails with `what` when the time is up."""
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, f"not within {within:.0f} s: {what}"
        time.sleep(0.1)


@dataclass(frozen=True)
class Engine:
    """A Docker engine that answers."""

    host: str = ""
    """`DOCKER_HOST` for it; empty: whatever the `docker` command speaks to by itself."""

    @property
    def env(self) -> dict[str, str]:
        """Variables that lead `docker` to this engine."""
        return {"DOCKER_HOST": self.host} if self.host else {}

    def docker(self, *arguments: str | Path, cwd: Path | None = None, timeout: float = 280) -> str:
        """Standard output of `docker …`, which must succeed."""
        return run("docker", *arguments, cwd=cwd, env=self.env, timeout=timeout)

    def inspect(self, *names: str) -> list[dict[str, Any]]:
        """What `docker inspect` tells about containers, images, volumes or networks."""
        found: list[dict[str, Any]] = json.loads(self.docker("inspect", *names))
        return found

    def has_image(self, name: str) -> bool:
        """Whether an image of that name is there."""
        argv = ["docker", "image", "inspect", name]
        return subprocess.run(argv, env={**os.environ, **self.env}, capture_output=True, check=False).returncode == 0

    def clean(self, project: str) -> None:
        """Remove all that a Compose project and what watches it have: containers, volumes, networks."""
        for name in (f"{project}{WATCH}", project):
            self._clean(name)

    def _clean(self, project: str) -> None:
        mine = f"label=com.docker.compose.project={project}"
        if containers := self.docker("ps", "--all", "--quiet", "--filter", mine).split():
            self.docker("rm", "--force", "--volumes", *containers)
        for kind in ("volume", "network"):
            if found := self.docker(kind, "ls", "--quiet", "--filter", mine).split():
                self.docker(kind, "rm", *found)


def _answers() -> bool:
    for argv in (("docker", "version", "--format", "{{.Server.Version}}"), ("docker", "compose", "version")):
        try:
            if subprocess.run(argv, capture_output=True, check=False, timeout=30).returncode:
                return False
        except (FileNotFoundError, subprocess.TimeoutExpired):
            return False
    return True


@pytest.fixture(scope="session")
def bare_engine() -> Engine:
    """An engine, without any image."""
    if not _answers():
        if not IN_CI:
            pytest.skip("no Docker engine with Compose v2 answers; start one, or `bash tests/containers/engine.sh`")
        with alone("engine"):
            run("bash", HERE / "engine.sh", timeout=600)
    return Engine()


@pytest.fixture(scope="session")
def engine(bare_engine: Engine) -> Engine:
    """An engine with the images that the example is built from and runs beside."""
    with alone("stand-ins"):
        standins.make(standins.cache_folder())
    return bare_engine


@pytest.fixture
def compose_project(bare_engine: Engine) -> Iterator[str]:
    """A name for a Compose project that nobody else has; all that bears it is removed in the end."""
    name = f"gonogo-t-{uuid4().hex[:10]}"
    yield name
    bare_engine.clean(name)


# --- a registry -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def image_registry(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`127.0.0.1:<port>` of a real, empty registry. Engines take anything on 127.0.0.0/8 for trustworthy."""
    program = _registry_program()
    folder = tmp_path_factory.mktemp("registry")
    address = f"127.0.0.1:{free_port()}"
    settings = folder / "config.yml"
    settings.write_text(
        "version: 0.1\nlog: {level: error}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/blobs}}, delete: {{enabled: true}}}}\n"
        f"http: {{addr: '{address}'}}\n"
    )
    with subprocess.Popen([program, "serve", settings], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as server:
        wait_until(lambda: _is_up(f"http://{address}/v2/"), "the registry answers", within=180)
        yield address
        server.terminate()


def _registry_program() -> str:
    """Debian's `docker-registry`: installed, or unpacked below the cache."""
    if installed := shutil.which("docker-registry"):
        return installed
    place = standins.cache_folder() / "docker-registry"
    with alone("registry"):
        if not (place / "usr/bin/docker-registry").exists():
            place.mkdir(parents=True, exist_ok=True)
            run("apt-get", "-qq", "download", "docker-registry", cwd=place)
            run("dpkg-deb", "-x", *place.glob("docker-registry_*.deb"), place)
    return str(place / "usr/bin/docker-registry")


def _is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=30):
            return True
    except OSError:
        return False


@pytest.fixture(scope="session")
def registry_mirror(engine: Engine, image_registry: str) -> str:
    """The registry's address once it holds the stand-ins under their own names.

    An engine started with `--registry-mirror http://<address>` pulls `postgres:15-alpine` from it as from anywhere.
    """
    for standin in standins.STAND_INS:
        for name in standin.names:
            there = f"{image_registry}/{name if '/' in name else f'library/{name}'}"
            engine.docker("tag", name, there)
            engine.docker("push", "--quiet", there)
            engine.docker("rmi", there)
    return image_registry


# --- the example ------------------------------------------------------------------------------------------------


@dataclass
class Example:
    """A throw-away copy of examples/medianest in a git repository of its own, as a user has it."""

    root: Path
    engine: Engine
    project: str
    values: dict[str, str] = field(default_factory=dict)
    """What stands in its `.env.staging`."""

    @property
    def sha(self) -> str:
        """The commit that is checked out."""
        return run("git", "rev-parse", "HEAD", cwd=self.root).strip()

    @property
    def url(self) -> str:
        """Where the frontend answers once the project is up."""
        return f"http://127.0.0.1:{self.values['STAGING_PORT']}"

    def argv(self, *arguments: str) -> list[str]:
        """`docker compose …` on this project, with its files and values."""
        files = [part for file in COMPOSE_FILES for part in ("--file", file)]
        return ["docker", "compose", "--project-name", self.project, *files, "--env-file", ".env.staging", *arguments]

    def compose(self, *arguments: str, timeout: float = 280) -> str:
        """Standard output of `docker compose …` for the commit checked out, which must succeed."""
        return run(*self.argv(*arguments), cwd=self.root, env=self._env(), timeout=timeout)

    def container(self, service: str) -> dict[str, Any]:
        """What `docker inspect` tells about the container of a service."""
        identity = self.compose("ps", "--all", "--quiet", "--no-trunc", service).strip()
        return self.engine.inspect(identity)[0]

    def image(self, service: str) -> str:
        """The name of a service's image for the commit checked out."""
        return f"{self.values.get('REGISTRY', '')}medianest-{service}:{self.sha}"

    def build(self) -> dict[str, str]:
        """Build both images of the commit checked out, unless they are there; service -> image id."""
        with alone(f"build-{self.sha}"):
            if not all(self.engine.has_image(self.image(service)) for service in SERVICES):
                self.compose("build", "--quiet", timeout=600)
        return {service: str(self.engine.inspect(self.image(service))[0]["Id"]) for service in SERVICES}

    def start(self) -> None:
        """Build what is missing, migrate, and put the commit checked out into service: healthy when this returns."""
        self.build()
        self.compose("--profile", "tools", "run", "--rm", "-T", "migrate")
        self.compose("up", "--detach", "--no-build", "--pull", "never", "--wait", "--wait-timeout", "120", *SERVICES)

    def watch(self, *services: str) -> None:
        """Start what watches the project; without names, what there are stand-ins for."""
        chosen = services or ("prometheus", "alertmanager")
        run(
            *self.watch_argv("up", "--detach", "--pull", "never", "--wait", *chosen), cwd=self.root, env=self.engine.env
        )

    def watch_argv(self, *arguments: str) -> list[str]:
        """`docker compose …` on the monitoring stack that watches this project."""
        project = ("--project-name", f"{self.project}{WATCH}", "--file", "monitoring/docker-compose.yml")
        return ["docker", "compose", *project, "--env-file", ".env.staging", *arguments]

    def address(self, name: str) -> str:
        """Where a part of the monitoring stack answers: `prometheus`, `alertmanager`, `grafana`, `loki`."""
        return f"http://127.0.0.1:{self.values[f'{name.upper()}_PORT']}"

    def checkout(self, ref: str) -> str:
        """Put another commit into the working tree, such as the release before, `v1.4.0`; its sha."""
        run("git", "checkout", "--quiet", ref, cwd=self.root)
        return self.sha

    def change(self, edits: Mapping[str, Callable[[str], str]], message: str) -> str:
        """Rewrite files (path -> from the old text, empty where there is none, to the new), commit; the new commit."""
        for path, edit in edits.items():
            file = self.root / path
            before = file.read_text(encoding="utf-8") if file.exists() else ""
            after = edit(before)
            assert after != before, f"{path}: nothing changed"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(after, encoding="utf-8")
        run("git", "add", "--all", cwd=self.root)
        run("git", "commit", "--quiet", "--no-verify", "--message", message, cwd=self.root, env=_fixed_moment())
        return self.sha

    def set_values(self, **values: str) -> None:
        """Write `.env.staging` anew with these values changed or added."""
        self.values.update(values)
        text = "".join(f"{name}={value}\n" for name, value in self.values.items())
        (self.root / ".env.staging").write_text(text, encoding="utf-8")

    def _env(self) -> dict[str, str]:
        return {**self.engine.env, "GIT_SHA": self.sha}


def _fixed_moment() -> dict[str, str]:
    """The same change is the same commit in every session, and so its images are built once."""
    who = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in _WHO}
    return {**who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


_WHO = (("NAME", "Ada"), ("EMAIL", "ada@example.org"), ("DATE", "2025-10-01T12:00:00+00:00"))


@cache
def demo() -> ModuleType:
    """The demo's own steps: it knows how to make a repository of the example."""
    folder = REPOSITORY / "demo"
    sys.path.insert(0, str(folder))
    try:
        spec = importlib.util.spec_from_file_location("gonogo_demo_for_containers", folder / "demo.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    return module


def _make_example(engine: Engine, project: str, root: Path) -> Example:
    demo().make_repository(root)
    demo().write_values(root, {})
    made = Example(root, engine, project)
    lines = (root / ".env.staging").read_text(encoding="utf-8").splitlines()
    made.set_values(**dict(line.split("=", 1) for line in lines if "=" in line))
    made.set_values(**{name: str(free_port()) for name in PORTS}, PORTAL_PROJECT=project)
    return made


@pytest.fixture
def example(engine: Engine, compose_project: str, tmp_path: Path) -> Example:
    """A copy with values of its own and free ports; nothing is built or started yet."""
    return _make_example(engine, compose_project, tmp_path / "medianest")


@pytest.fixture(scope="session")
def running_example(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """A copy that is up, shared by all tests that only look at it or use it over HTTP."""
    name = f"gonogo-t-{uuid4().hex[:10]}"
    made = _make_example(engine, name, tmp_path_factory.mktemp("running") / "medianest")
    try:
        made.start()
        yield made
    finally:
        engine.clean(name)
