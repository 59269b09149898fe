"""`gonogo run` with somebody to tell: by settings and checklist, cut off and gone on with, sealed and proven."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gonogo.telemetry import courier
from tests.cli.conftest import CHECKLIST, Gonogo, Repository
from tests.monitoring.servers import until
from tests.telemetry.receiver import receiving

NOTIFY = """\
notify:
  - kind: webhook
    url_from: RELEASE_HOOK
"""
WATCHED = CHECKLIST.replace("phases:\n", f"{NOTIFY}phases:\n", 1)


@pytest.fixture
def watched(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setattr(courier, "AT_MOST", 60.0)  # the machine may be busy
    monkeypatch.setattr(courier, "_PATIENCE", 20.0)
    repository.write("gonogo.yaml", WATCHED)
    repository.commit()
    return repository


def test_a_run_that_could_tell_nobody_is_sealed_and_proven(
    watched: Repository, gonogo: Gonogo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving(403) as server:
        monkeypatch.setenv("RELEASE_HOOK", f"{server.url}/secret-part-of-it")
        ran = gonogo("run")
    note = "notice 1 (webhook): not sent: the answer was 403"
    assert ran.exit == 0
    assert note in ran.err
    assert note in gonogo("show").out
    path = tmp_path / "run.zip"
    assert gonogo("bundle", "--output", str(path)).exit == 0
    proven = gonogo("verify", str(path))
    assert proven.exit == 0, proven.out + proven.err
    assert b"secret-part-of-it" not in path.read_bytes()


def test_settings_by_variables(watched: Repository, gonogo: Gonogo, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as server:
        monkeypatch.setenv("RELEASE_HOOK", f"{server.url}/hook")
        monkeypatch.setenv("GONOGO_EVENTS", f"{server.url}/events")
        monkeypatch.setenv("GONOGO_METRICS_PUSH", server.url)
        monkeypatch.setenv("GONOGO_METRICS_FILE", str(watched.root.parent / "gonogo.prom"))
        assert gonogo("run").exit == 0
    paths = [taken.path.split("/")[1] for taken in server.taken]
    assert (paths.count("hook"), paths.count("metrics"), paths.count("events")) == (1, 1, 8)
    assert "gonogo_run_decision" in (watched.root.parent / "gonogo.prom").read_text()


def test_a_run_that_is_stopped_says_so_and_who_goes_on_tells_the_rest(
    watched: Repository, gonogo: Gonogo, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.write("count.sh", "touch ../begun; test -f ../go || sleep 60\n")
    watched.commit()
    with receiving() as server:
        monkeypatch.setenv("RELEASE_HOOK", server.url)
        process = watched.started("run", "--jobs", "1")
        until((watched.root.parent / "begun").exists)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=120)
        assert process.returncode == 143, err
        (watched.root.parent / "go").touch()
        resumed = gonogo("run", "--resume")
        assert resumed.exit == 0, resumed.err
    stopped, decided = [json.loads(taken.body) for taken in server.taken]
    assert (stopped["decision"], stopped["state"]) == (None, "interrupted")
    assert stopped["title"].startswith("stopped: A small thing of ")
    assert decided["decision"] == "GO"
    assert stopped["run"] == decided["run"]
    assert stopped["id"] != decided["id"]


def test_who_tells_nobody_imports_nothing_for_it(repository: Repository) -> None:
    code = """
import sys
from gonogo.cli.main import run
assert run(["run"]) == 0
assert "gonogo.telemetry.watched" in sys.modules
for name in ("gonogo.telemetry.office", "gonogo.notices", "httpx2", "smtplib", "opentelemetry"):
    assert name not in sys.modules, name
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository.root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
