"""A deployment that is verified, against plain `docker compose up -d --wait` of the same stack; and the way back."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from uuid import uuid4

from tests.containers import standins
from tests.containers.bed import Engine, free_port
from tests.targets.compose.tiny import FILE, Tiny

WINDOW = 3.0
"""Seconds that a release must hold still: three checks of its health, and so the shortest that counts."""
LIMIT = 2.0
"""Seconds that we may take beyond the window and what plain Compose takes."""
ROUNDS = 5
GONOGO = (str(Path(sys.executable).with_name("gonogo")),)
CHECKLIST = """\
gonogo: 1
title: Ship it
inputs: {{staging: where it answers}}
targets:
  staging: {{kind: compose, project: {project}, window: {window}, inputs: {{staging: '127.0.0.1:{port}'}}}}
phases:
  - id: '5'
    title: Deploy
    gates:
      - {{title: Deploy, owners: [Ops], commands: [{{kind: rollout}}], criteria: [services.unhealthy == 0]}}
      - title: Smoke
        owners: [Ops]
        commands: [{{kind: http, url: 'http://<staging>/'}}]
        criteria: [http.status == 200]
        needs: [deploy]
"""


@dataclass
class Measured:
    """Seconds of each round."""

    plain: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    back: list[float] = field(default_factory=list)
    """From the first step back until the earlier release was proven, its window included."""
    missing: str = ""
    """Why nothing was measured; empty: it was."""

    @property
    def overhead(self) -> float:
        """Seconds beyond the window, by the median round: within a round both ran under one load."""
        return median(mine - WINDOW - its for mine, its in zip(self.ours, self.plain, strict=True))

    @property
    def held(self) -> bool:
        """Whether the limit holds; what could not be measured breaks none."""
        return bool(self.missing) or self.overhead <= LIMIT

    @property
    def rows(self) -> tuple[str, ...]:
        """Lines of the table."""
        if self.missing:
            return (f"{'gonogo deploy':<26} not measured: {self.missing}",)
        beyond = f"{self.overhead:>+7.3f} s beyond the window of {WINDOW:.0f} s and Compose"
        return (
            f"{_row('gonogo deploy', self.ours)}  {beyond}  limit {LIMIT:.0f} s",
            _row("compose up -d --wait", self.plain),
            f"{_row('rollback: to safety', self.back)}  the window of {WINDOW:.0f} s included",
        )


def _row(name: str, seconds: Sequence[float]) -> str:
    return f"{name:<26} {median(seconds):>8.3f} s  ±{max(seconds) - min(seconds):>6.3f}"


def _no_engine() -> str:
    """Why no engine can be used; empty: one answers."""
    for argv in (("docker", "version", "--format", "{{.Server.Version}}"), ("docker", "compose", "version")):
        try:
            done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
        except (FileNotFoundError, subprocess.TimeoutExpired) as error:
            return f"no Docker engine answers ({type(error).__name__})"
        if done.returncode:
            return f"no Docker engine with Compose v2 answers ({(done.stderr.splitlines() or [''])[0]})"
    return ""


@dataclass
class _Stack:
    """The tiny project in a repository with two commits, of each of which the image is there."""

    tiny: Tiny
    commits: list[str] = field(default_factory=list)

    def prepare(self) -> None:
        port = free_port()
        self.tiny.set(PORT=str(port))
        self.tiny.write("docker-compose.yml", FILE.replace("127.0.0.1::", "127.0.0.1:${PORT-}:"))
        self.tiny.write("gonogo.yaml", CHECKLIST.format(project=self.tiny.project, window=WINDOW, port=port))
        self.tiny.write(".gitignore", ".env\n.gonogo/\n")
        self._git("init", "-q")
        for version in ("one", "two"):
            self.tiny.write("version", version)
            self._git("add", "-A")
            self._git(
                "-c", "user.name=bench", "-c", "user.email=bench@example.org", "commit", "-qm", f"feat: {version}"
            )
            commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=self.tiny.root, text=True).strip()
            self.tiny.build(commit)
            self.commits.append(commit)

    def checkout(self, at: int) -> None:
        self._git("checkout", "-q", self.commits[at])

    def gonogo(self, command: str) -> float:
        return self._seconds([*GONOGO, command, "--target", "staging"], {})

    def plain(self, at: int) -> float:
        argv = ["docker", "compose", "--project-name", f"{self.tiny.project}-plain", "up", "--detach", "--wait"]
        return self._seconds([*argv, "--no-build", "--pull", "never"], {"GIT_SHA": self.commits[at], "PORT": ""})

    def go_back(self) -> float:
        """Seconds to safety, as the rollback itself says."""
        done = self._run([*GONOGO, "rollback", "--target", "staging", "--stable", f"{WINDOW:.0f}s"], {})
        told = re.search(r"PASS after ([\d.]+) s", done.stderr + done.stdout)
        if told is None:
            raise RuntimeError(f"the rollback does not say how long it took:\n{done.stdout}\n{done.stderr}")
        return float(told[1])

    def clean(self) -> None:
        self.tiny.engine.clean(f"{self.tiny.project}-plain")
        self.tiny.clean()

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.tiny.root, check=True)

    def _seconds(self, argv: Sequence[str], env: Mapping[str, str]) -> float:
        started = time.perf_counter()
        self._run(argv, env)
        return time.perf_counter() - started

    def _run(self, argv: Sequence[str], env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        # with its byte code, as wherever it is installed: the first release, which is not timed, has written it
        env = {**os.environ, "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "", **env}
        done = subprocess.run(argv, cwd=self.tiny.root, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(argv)} exited {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done


def measure(rounds: int = ROUNDS) -> Measured:
    """Each round puts the second release in the place of the first, both ways, and goes back."""
    measured = Measured(missing=_no_engine())
    if measured.missing:
        return measured
    standins.make(standins.cache_folder())
    with tempfile.TemporaryDirectory() as name:
        stack = _Stack(Tiny(Path(name), Engine(), f"gonogo-bench-{uuid4().hex[:10]}"))
        try:
            stack.prepare()
            stack.checkout(0)
            stack.gonogo("run")
            stack.plain(0)
            stack.checkout(1)
            for _ in range(rounds):
                measured.plain.append(stack.plain(1))
                measured.ours.append(stack.gonogo("deploy"))
                measured.back.append(stack.go_back())
                stack.plain(0)
        finally:
            stack.clean()
    return measured


if __name__ == "__main__":
    print("\n".join(measure(int(sys.argv[1]) if sys.argv[1:] else ROUNDS).rows))
