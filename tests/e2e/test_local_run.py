"""`gonogo run` ships to the target `local` for real: rollout, drill, a crash that is reverted, and kills in between."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gonogo.targets import _strays
from tests.e2e.conftest import GONOGO
from tests.targets.conftest import APPLICATION, ask

CHECKLIST = """
gonogo: 1
title: Ship it
inputs:
  staging: where it answers
targets:
  local:
    kind: local
    directory: .gonogo/state/local
    inputs: {staging: '127.0.0.1:PORT'}
    services:
      web:
        command: python3 -ISB application.py
        port: <staging>
        health: /health
        env: {PORT: '{port}', APP_GIT_SHA: '{commit}'}
        stop_seconds: 2
phases:
  - id: '5'
    title: Deploy
    gates:
      - title: Deploy
        owners: [Ops]
        commands: [{kind: rollout, stable_seconds: 3.0, within: 60.0}]
        criteria: [services.unhealthy == 0, services.restarts == 0]
      - title: Smoke
        owners: [Ops]
        commands: [{kind: http, url: 'http://<staging>/health'}]
        criteria: [http.status == 200]
  - id: '7'
    title: Back
    gates:
      - title: Rollback
        owners: [Ops]
        commands: [{kind: rollback, stable_seconds: 3.0, within: 60.0}]
        criteria: [rollback.healthy, rollback.forward_ok]
"""


@dataclass
class Shop:
    """A repository whose commits are shipped."""

    root: Path
    port: int

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, name: str, mode: str = "ok", **more: Any) -> str:
        (self.root / "release.json").write_text(json.dumps({"name": name, "mode": mode, **more}))
        self.git("add", "-A")
        self.git("commit", "-q", "-m", f"feat: {name}")
        return self.git("rev-parse", "HEAD")

    def run(self, *arguments: str, crash: str = "") -> tuple[int, dict[str, Any]]:
        done = subprocess.run(
            [str(GONOGO), "run", "--target", "local", "--format", "json", *arguments],
            cwd=self.root,
            env={**os.environ, "GONOGO_CRASH_AT": crash} if crash else os.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, json.loads(done.stdout) if done.stdout else {}

    @property
    def there(self) -> str:
        """The commit of what answers."""
        return str(ask(f"http://127.0.0.1:{self.port}")["env"]["APP_GIT_SHA"])

    @property
    def states(self) -> list[str]:
        state = json.loads((self.root / ".gonogo/state/local/state.json").read_text())
        return [release["state"] for release in state["releases"]]

    @property
    def units(self) -> list[str]:
        """Every process that the target's services consist of."""
        pids = [int(one.name) for one in Path("/proc").glob("[0-9]*")]
        mine = f"{self.root}/.gonogo/state/local/releases/"
        return [cwd for pid in pids if (cwd := _cwd(pid)).startswith(mine)]


def _cwd(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return ""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    root = tmp_path / "shop"
    root.mkdir()
    made = Shop(root, _strays.free_port())
    made.git("init", "-q", "-b", "main")
    made.git("config", "user.name", "Ada")
    made.git("config", "user.email", "ada@example.org")
    (root / "application.py").write_bytes(APPLICATION.read_bytes())
    (root / "gonogo.yaml").write_text(CHECKLIST.replace("PORT'", f"{made.port}'", 1))
    try:
        yield made
    finally:
        pid = root / ".gonogo/state/local/run/supervisord.pid"
        if pid.exists():
            number = int(pid.read_text())
            os.kill(number, signal.SIGTERM)
            assert _strays.until(lambda: not _strays.alive(number), 30)
        assert made.units == []


def outcomes(decided: dict[str, Any]) -> dict[str, str]:
    return {gate["id"]: gate["outcome"] for gate in decided["gates"]}


def test_shipped_drilled_and_reverted(shop: Shop) -> None:
    first = shop.commit("first")
    code, decided = shop.run()
    assert code == 3, "the first has nothing to go back to"
    assert outcomes(decided)["deploy"] == outcomes(decided)["smoke"] == "PASS"
    assert outcomes(decided)["rollback"] == "UNKNOWN"
    assert (shop.there, shop.states) == (first, ["stable"])

    second = shop.commit("second")
    code, decided = shop.run()
    assert (code, outcomes(decided)["rollback"]) == (0, "PASS")
    assert (shop.there, shop.states) == (second, ["stable", "stable"])

    shop.commit("third", "crash", after=2, code=9)
    code, decided = shop.run()
    assert (code, outcomes(decided)["deploy"]) == (1, "FAIL")
    assert re.search(r"`web` ended .*exit code 9", json.dumps(decided))
    assert (shop.there, shop.states[2]) == (second, "reverted")
    assert len(shop.units) == 1


@pytest.mark.parametrize("point", ["act-step@deploy:keep", "act-step@deploy:up", "act-done"])
def test_s1_killed_while_it_ships_and_gone_on_with(shop: Shop, point: str) -> None:
    shop.commit("first")
    assert shop.run("--gate", "deploy")[0] in {0, 3}
    second = shop.commit("second")
    code, _ = shop.run(crash=point)
    assert code == -signal.SIGKILL
    code, decided = shop.run("--resume")
    assert outcomes(decided)["deploy"] == "PASS", decided
    assert shop.there == second
    assert len(shop.units) == 1


def test_the_documents_own_words_watch_the_services_of_the_target(shop: Shop) -> None:
    text = (shop.root / "gonogo.yaml").read_text()
    watched = "commands: [{kind: rollout, stable_seconds: 3.0, within: 60.0}, {kind: compose, window: 1.0}]"
    (shop.root / "gonogo.yaml").write_text(
        text.replace("commands: [{kind: rollout, stable_seconds: 3.0, within: 60.0}]", watched)
    )
    shop.commit("one")
    _, told = shop.run()
    deploy = next(gate for gate in told["gates"] if gate["id"] == "deploy")
    assert deploy["outcome"] == "PASS", deploy
    asked = [j["shown"] for j in deploy["judgements"] if j["criterion"] == "services.unhealthy == 0"]
    assert "services of `local`" in asked
