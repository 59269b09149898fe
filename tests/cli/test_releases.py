"""Releases from the command line, on a real `local` target: deploy, list, go back, and say what became of an act."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Gonogo, Repository

APPLICATION = """\
import http.server, json, os

class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"status": "ok", "commit": os.environ["COMMIT"]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answers).serve_forever()
"""
CHECKLIST = """\
title: A service
inputs: {staging: where it answers}
targets:
  local:
    kind: local
    directory: ../target
    window: 0.5
    services:
      web:
        command: PYTHON application.py
        port: <staging>
        health: /health
        env: {PORT: "{port}", COMMIT: "{commit}"}
phases:
  - id: "1"
    gates:
      - {title: Looks, owners: [Ada], commands: ["true"], criteria: [exit == 0]}
  - id: "5"
    gates:
      - title: Rollout
        owners: [Ada]
        commands: [{kind: rollout, every: 0.1, within: 20}]
        criteria: [rollout.held]
      - title: Smoke
        owners: [Ada]
        needs: [rollout]
        commands: [{kind: http, url: "http://<staging>/health", json: true}]
        criteria: [http.status == 200, http.release_matches]
  - id: "7"
    gates:
      - title: Drill
        owners: [Ada]
        commands: [{kind: rollback, every: 0.1, within: 20}]
        criteria: [rollback.healthy, rollback.smoke_ok, rollback.forward_ok]
"""


@pytest.fixture
def service(repository: Repository) -> Iterator[tuple[Repository, tuple[str, ...]]]:
    """A service with a target of its own, and the options that every command takes."""
    repository.write("application.py", APPLICATION)
    repository.write("gonogo.yaml", CHECKLIST.replace("PYTHON", f"{sys.executable} -ISB"))
    repository.commit()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        where = f"staging=127.0.0.1:{free.getsockname()[1]}"
    yield repository, ("--target", "local", "--input", where)
    pid = repository.root.parent / "target/run/supervisord.pid"
    if pid.exists():
        os.kill(int(pid.read_text()), signal.SIGTERM)


def commit(repository: Repository) -> str:
    return repository.git("rev-parse", "HEAD").strip()


def listed(gonogo: Gonogo, options: tuple[str, ...]) -> dict[int, str]:
    said = gonogo("releases", *options, "--format", "json")
    assert said.exit == 0, said.err
    return {one["number"]: one["state"] for one in json.loads(said.out)["releases"]}


def test_deploy_run_rollback(service: tuple[Repository, tuple[str, ...]], gonogo: Gonogo) -> None:
    repository, options = service
    first = commit(repository)

    deployed = gonogo("deploy", *options, "--format", "json")
    assert deployed.exit == 0, deployed.err
    gates = {gate["id"]: gate["outcome"] for gate in json.loads(deployed.out)["gates"]}
    assert gates == {"looks": "PASS", "rollout": "PASS", "smoke": "PASS", "drill": "NOT_RUN", "keep_release": "PASS"}
    assert listed(gonogo, options) == {1: "stable"}

    repository.write("notes.txt", "more\n")
    repository.commit()
    whole = gonogo("run", *options, "--format", "json")
    assert whole.exit == 0, whole.err
    assert json.loads(whole.out)["decision"] == "GO"
    assert listed(gonogo, options) == {1: "stable", 2: "stable"}

    planned = gonogo("plan", *options)
    assert "r2 is this commit, and untouched: a rollout starts nothing anew" in planned.out
    assert "the way back: r2" in planned.out

    back = gonogo("rollback", *options, "--stable", "0.5s")
    assert back.exit == 0, back.err
    assert "r1 in the place of r2: PASS" in back.err
    shown = gonogo("releases", *options)
    assert "→ r1" in shown.out
    told = json.loads(gonogo("plan", *options, "--format", "json").out)["there"]
    assert (told["current"]["release"], told["same_commit"], told["services"]) == ("r1", False, ["web"])
    assert first[:12] in shown.out


def test_s41_a_release_that_the_target_does_not_know(
    service: tuple[Repository, tuple[str, ...]], gonogo: Gonogo
) -> None:
    _, options = service
    assert gonogo("deploy", *options).exit == 0
    said = gonogo("rollback", *options, "--to", "r9")
    assert said.exit not in {0, 2}
    assert "the target knows no release `r9`" in said.err
    assert "`r1`" in said.err
    assert listed(gonogo, options) == {1: "stable"}


def test_a_checklist_without_a_rollout_has_nothing_to_deploy(repository: Repository, gonogo: Gonogo) -> None:
    said = gonogo("deploy")
    assert said.exit == 2
    assert "no gate of the checklist puts a release on `staging`" in said.err


def test_releases_of_a_target_that_nobody_declared(repository: Repository, gonogo: Gonogo) -> None:
    said = gonogo("releases")
    assert said.exit == 4
    assert "declares no target `staging`" in said.err


ACT = """\
title: An act
phases:
  - id: "1"
    gates:
      - title: Act
        owners: [Ada]
        commands: [{run: echo x >> ../acted, effect: write}]
        criteria: [exit == 0]
"""


@pytest.mark.parametrize(("word", "times"), [("--done", 1), ("--not-done", 2)])
def test_a_person_says_what_became_of_an_act_that_nothing_can_look_at(
    repository: Repository, gonogo: Gonogo, word: str, times: int
) -> None:
    repository.write("gonogo.yaml", ACT)
    repository.commit()
    environment = {**os.environ, "GONOGO_CRASH_AT": "act-done@act:1"}
    killed = subprocess.run(
        [sys.executable, "-m", "gonogo", "run"], cwd=repository.root, env=environment, capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert gonogo("resolve", "act", word).exit == 2, "how do you know?"
    assert gonogo("run", "--resume").exit == 3, "nobody knows what it did"
    assert gonogo("resolve", "nothing", word, "-m", "I looked").exit == 2
    said = gonogo("resolve", "act", word, "-m", "I looked at the file")
    assert said.exit == 0, said.err
    assert gonogo("run", "--resume").exit == 0
    assert (repository.root.parent / "acted").read_text() == "x\n" * times
    if times == 1:
        assert "I looked at the file" in gonogo("show", "act").out


def test_what_was_never_cut_off_cannot_be_resolved(repository: Repository, gonogo: Gonogo) -> None:
    gonogo("run")
    said = gonogo("resolve", "counts", "--done", "-m", "I know")
    assert said.exit == 2
    assert "no act of gate `counts` was cut off" in said.err


def test_the_target_is_a_directory_of_its_own(service: tuple[Repository, tuple[str, ...]], gonogo: Gonogo) -> None:
    repository, options = service
    said = gonogo("releases", *options)
    assert said.exit == 0
    assert "no release was put on `local` by gonogo yet" in said.out
    assert "a rollout creates every service" in gonogo("plan", *options).out
    assert not (Path(repository.root) / "target").exists()
