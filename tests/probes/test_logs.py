"""Logs without Loki: real processes on the target `local`, and every way in which a line says how bad it is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from gonogo.model.outcome import Outcome
from gonogo.model.release import Instance
from gonogo.probes import _levels
from tests.probes.conftest import Looked, MemoryContext, look_with
from tests.targets.conftest import Site, eventually, repository, site

__all__ = ["repository", "site"]

LOGGING = """
import datetime, http.server, json, os, sys
def log(level, message, **more):
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
    print(json.dumps({"time": now, "level": level, "message": message, **more}), flush=True)
release = json.load(open("release.json"))
for level in release["says"]:
    log(level, "starting")
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if "x-request-id" in self.headers and not release.get("mute"):
            log("info", "request", requestId=self.headers["x-request-id"])
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answers).serve_forever()
"""


def put(site: Site, number: int, says: list[str], **more: Any) -> str:
    """Put a release there that says so much when it starts; when that began."""
    import json

    site.params["services"]["web"]["command"] = f"{sys.executable} -ISB logging-app.py"
    files = {"logging-app.py": LOGGING, "release.json": json.dumps({"says": says, **more})}
    site.repository.commit(f"feat: release {number}", files)
    target = site.target()
    began = target.since()
    assert target.up(site.release(target, number)).exit == 0
    eventually(target, lambda one: one.health == "healthy")
    return began


def ask(site: Site, **params: Any) -> Looked:
    return look_with("logs", site.context(), **{"wait": 20, **params})


def test_the_marked_line_and_the_errors_before_and_after(site: Site) -> None:
    put(site, 1, ["info", "info", "info", "error"])
    began = put(site, 2, ["info", "error", "fatal"])
    seen = ask(site, deployed_at=began)
    assert seen.troubles == {}
    assert seen.values["logs.seen"] is True
    assert seen.values["logs.seen_seconds"] < 20
    assert seen.values["logs.error_pct_before"] == 25.0
    assert (seen.values["logs.lines"], seen.values["logs.errors"]) == (4, 2)
    assert seen.values["logs.error_pct"] == 50.0
    assert seen.findings == ["line:1", "line:2"]
    line = seen.capture.blob("line.txt")
    assert line is not None
    assert b"gonogo-" in seen.stored


def test_a_dead_log_path_is_not_seen(site: Site) -> None:
    began = put(site, 1, ["info"], mute=True)
    seen = ask(site, wait=1, deployed_at=began)
    assert seen.values["logs.seen"] is False
    assert (seen.findings, seen.troubles) == (["marker"], {})
    assert "logs.error_pct_before" not in seen.values


def test_no_line_at_all_says_nothing(site: Site) -> None:
    put(site, 1, [], mute=True)
    seen = ask(site, wait=0)
    assert (seen.values, seen.troubles) == ({}, {"no-logs": Outcome.UNKNOWN})


def test_without_the_moment_of_the_deploy_nothing_is_counted(site: Site) -> None:
    put(site, 1, ["error"])
    seen = ask(site)
    assert set(seen.values) == {"logs.seen", "logs.seen_seconds"}
    assert any("`deployed_at` is not set" in note for note in seen.reading.notes)


class TargetDouble:
    """Says what it is told to."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def url(self, name: str) -> str:
        return ""

    def since(self) -> str:
        return "2026-01-01T00:00:00Z"

    def instances(self) -> tuple[Instance, ...]:
        from gonogo.plugins import OutOfReach

        raise OutOfReach("the engine is away", help="start it")


def test_a_target_out_of_reach_is_unknown(tmp_path: Path) -> None:
    context = MemoryContext(tmp_path, place=TargetDouble())  # type: ignore[arg-type]
    seen = look_with("logs", context, app="http://127.0.0.1:1")
    assert (seen.values, seen.troubles) == ({}, {"out-of-reach": Outcome.UNKNOWN})


def test_an_application_without_a_url(tmp_path: Path) -> None:
    context = MemoryContext(tmp_path, place=TargetDouble())  # type: ignore[arg-type]
    seen = look_with("logs", context)
    assert seen.troubles == {"no-url": Outcome.UNKNOWN}
    assert "`app`" in seen.capture.troubles[0].message


@pytest.mark.parametrize(
    ("line", "bad"),
    [
        ('{"level":"error","message":"x"}', True),
        ('{"level":"info","message":"an ERROR of others"}', False),
        ('{"level":50,"msg":"pino"}', True),
        ('{"level":30,"msg":"pino"}', False),
        ('{"severity":"CRITICAL"}', True),
        ('{"message":"no level"}', None),
        ('{"level":"odd"}', None),
        ("{broken", None),
        ('ts=1 level=error msg="x"', True),
        ('ts=1 level=info msg="level of ERROR"', False),
        ("2026-01-01 12:00:00 ERROR something broke", True),
        ("2026-01-01 12:00:00 [warn] slow", False),
        ("error: cannot open", True),
        ("INFO no error here", False),
        ("there was no error in it", None),
        ("", None),
    ],
)
def test_how_bad_a_line_is(line: str, bad: bool | None) -> None:
    assert _levels.bad(line) is bad
