"""A daemon that is restarted while services are watched: one of the test's own, so that nobody else's goes."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gonogo.model.outcome import Outcome
from gonogo.rollout.watch import still, watch
from tests.containers.bed import IN_CI, Engine, wait_until
from tests.targets.compose.tiny import A, Tiny

FILE = """\
services:
  web:
    image: ${IMAGE}/web:${GIT_SHA}
    build: .
    init: true
    stop_grace_period: 1s
    restart: unless-stopped
    network_mode: none
    environment: {MODE: ""}
"""


@dataclass
class Daemon:
    """A Docker engine of its own, that can be ended and started again."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    def start(self) -> None:
        options = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
        # In a network of its own: a second daemon beside another takes the default bridge away from it.
        argv = ["unshare", "--net", "dockerd", "--host", self.host, "--iptables=false", "--ip6tables=false"]
        argv += [f"--{name}={self.folder / place}" for name, place in options.items()]
        argv += ["--containerd-namespace", self.folder.name, "--containerd-plugins-namespace", f"{self.folder.name}-p"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
        wait_until(self.answers, (self.folder / "log").read_text(errors="replace")[-2000:], within=180)

    def answers(self) -> bool:
        argv = ["docker", "--host", self.host, "info"]
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            self.process = None


@pytest.fixture
def daemon(engine: Engine, tmp_path: Path) -> Iterator[Daemon]:
    if os.getuid() != 0 or shutil.which("dockerd") is None:
        if IN_CI:
            pytest.fail("a daemon of its own needs root and `dockerd`")
        pytest.skip("a daemon of its own needs root and `dockerd`")
    folder = Path("/run") / f"gonogo-{tmp_path.parent.name[-8:]}-{os.getpid()}"
    folder.mkdir(mode=0o711)
    started = Daemon(folder)
    try:
        started.start()
        yield started
        started.stop()
    finally:
        started.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def there(tiny: Tiny, daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tiny]:
    """The tiny project on that daemon, its image built."""
    tiny.build(A)
    archive = daemon.folder / "image.tar"
    tiny.engine.docker("save", "--output", archive, tiny.image(A))
    private = Engine(daemon.host)
    private.docker("load", "--input", archive)
    archive.unlink()
    monkeypatch.setenv("DOCKER_HOST", daemon.host)
    moved = Tiny(tiny.root, private, tiny.project)
    moved.write("docker-compose.yml", FILE)
    yield moved
    moved.clean()


@contextmanager
def restarted(daemon: Daemon, *, back: bool = True) -> Iterator[None]:
    """It goes away a moment later, and comes back if it does."""

    def go() -> None:
        daemon.stop()
        if back:
            daemon.start()

    timer = threading.Timer(1.0, go)
    timer.start()
    try:
        yield
    finally:
        timer.join()


def test_s29_the_daemon_is_restarted_while_services_are_watched(there: Tiny, daemon: Daemon) -> None:
    context = there.context(A)
    target = there.target(A, context)
    release = target.keep(replace(target.draft(), number=1))
    assert target.up(release).exit == 0
    with restarted(daemon):
        seen = watch(target, release.artifacts, context, window=6, timeout=60, before=())
    assert seen.stable, seen
    assert any("the window began anew" in note for note in seen.notes), seen.notes
    assert seen.restarts == 0
    assert still(target, release.artifacts, seen.seen, context).stable
    with restarted(daemon, back=False):
        away = watch(target, release.artifacts, context, window=30, timeout=60, patience=2)
    assert (away.stable, away.problems) == (False, ())
    assert [(t.slug, t.outcome) for t in away.troubles] == [("out-of-reach", Outcome.UNKNOWN)]
    daemon.start()
    assert target.load() == target.load()
    assert target.present(release) is None, "what is kept outlives the daemon"
