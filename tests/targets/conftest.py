"""A place for the target `local`: a real repository, real processes, and nothing left of them afterwards."""

from __future__ import annotations

import json
import shutil
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gonogo.model import codec
from gonogo.model.plan import Subject
from gonogo.model.release import Instance, Release, TargetSpec
from gonogo.targets import _strays
from gonogo.targets.local import LocalTarget
from tests.probes.conftest import MemoryContext, Repository

APPLICATION = Path(__file__).with_name("application.py")


@dataclass
class Site:
    """A repository, and the target that its releases are put on."""

    repository: Repository
    directory: Path
    params: dict[str, Any]
    contexts: list[MemoryContext] = field(default_factory=list)
    made: list[LocalTarget] = field(default_factory=list)

    def context(self, **more: Any) -> MemoryContext:
        """A context of a run on the present commit."""
        root = self.repository.root
        spec = TargetSpec("local", "local", codec.dump(self.params))
        context = MemoryContext(root, Subject(self.repository.git("rev-parse", "HEAD")), "local", spec=spec, **more)
        self.contexts.append(context)
        return context

    def target(self, **more: Any) -> LocalTarget:
        """The target as a new run reaches it."""
        found = self.context(**more).reach()
        assert isinstance(found, LocalTarget)
        self.made.append(found)
        return found

    def commit(self, name: str, mode: str = "ok", **more: Any) -> None:
        """A commit whose application is called so, and behaves so."""
        (self.repository.root / "application.py").write_bytes(APPLICATION.read_bytes())
        self.repository.git("add", "application.py")
        self.repository.commit(f"feat: {name}", {"release.json": json.dumps({"name": name, "mode": mode, **more})})

    def release(self, target: LocalTarget, number: int) -> Release:
        """The release of the present commit, kept under a number."""
        return target.keep(codec.load(Release, {**codec.dump(target.draft()), "number": number}))

    def put(self, name: str, mode: str = "ok", *, number: int = 1, **more: Any) -> Release:
        """Commit, draft, keep and put there; it must come up."""
        self.commit(name, mode, **more)
        target = self.target()
        release = self.release(target, number)
        ran = target.up(release)
        assert ran.exit == 0, ran.err.decode()
        return release


def eventually(
    target: LocalTarget, holds: Callable[[Instance], bool], service: str = "web", seconds: float = 60
) -> Instance:
    """The instance of a service, once it is so."""
    last: list[Instance] = []

    def so() -> bool:
        last[:] = [one for one in target.instances() if one.service == service]
        return bool(last) and holds(last[0])

    assert _strays.until(so, seconds), last
    return last[0]


def ask(url: str, path: str = "/health") -> dict[str, Any]:
    """What the application answers."""
    with urllib.request.urlopen(f"{url}{path}", timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def web(**more: Any) -> dict[str, Any]:
    """A service that runs the application."""
    command = f"{sys.executable} -ISB application.py"
    return {"command": command, "port": 0, "health": "/health", "env": {"PORT": "{port}"}, "start_seconds": 10, **more}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    root = tmp_path / "project"
    root.mkdir()
    return Repository(root)


@pytest.fixture
def site(repository: Repository, tmp_path: Path) -> Iterator[Site]:
    directory = tmp_path / "target"
    params = {"directory": str(directory), "services": {"web": web(stop_seconds=2)}}
    yield from a_site(repository, directory, params)


def a_site(repository: Repository, directory: Path, params: dict[str, Any]) -> Iterator[Site]:
    """A site that is ended in the end, whatever became of it."""
    site = Site(repository, directory, params)
    try:
        yield site
    finally:
        if directory.is_dir():
            target = site.target()
            target.end()
            token = target._home.token
            assert not _strays.marked(_strays.TARGET, token)
            shutil.rmtree(Path("/var/lib/gonogo") / token, ignore_errors=True)
