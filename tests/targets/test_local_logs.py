"""What services print, and what is kept of it when they are gone."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gonogo.targets import _local_logs as _logs
from tests.targets.conftest import Site, eventually


def test_logs_from_a_moment_on(site: Site) -> None:
    site.put("first")
    target = site.target()
    eventually(target, lambda seen: seen.health == "healthy")
    middle = target.since()
    site.put("second", number=2)
    eventually(target, lambda seen: seen.health == "healthy")
    everything = [json.loads(line) for line in target.logs("web", "2020-01-01T00:00:00Z").splitlines()]
    assert [(one["message"], one["release"]) for one in everything] == [
        ("starting", "first"),
        ("listening", "first"),
        ("starting", "second"),
        ("listening", "second"),
    ]
    later = [json.loads(line)["release"] for line in target.logs("web", middle).splitlines()]
    assert later == ["second", "second"]
    assert target.logs("web", target.since()) == b""
    assert target.logs("nobody", middle) == b""


def test_logs_hold_no_secret(site: Site) -> None:
    site.repository.write(".env.staging", "APP_SECRET=a-very-secret-value\n")
    site.params |= {"env_file": ".env.staging"}
    site.repository.commit("chore: ignore", {".gitignore": ".env.staging\n"})
    site.put("first")
    target = site.target()
    eventually(target, lambda seen: seen.health == "healthy")
    target._kept.config(site.release(target, 1))
    printed = target.logs("web", "2020-01-01T00:00:00Z")
    assert b"starting" in printed
    assert b"a-very-secret-value" not in printed


def test_an_autopsy_keeps_what_a_revert_would_hide(site: Site) -> None:
    target = site.target() if site.directory.is_dir() else None
    site.commit("first", "exit", code=5)
    target = site.target()
    since = target.since()
    target.up(site.release(target, 1))
    eventually(target, lambda seen: seen.exit == 5)
    blobs = {blob.name: site.contexts[-1].blobs[blob.sha256] for blob in target.autopsy(since)}
    assert sorted(blobs) == ["autopsy/services.json", "autopsy/supervisor.log", "autopsy/web.log"]
    assert json.loads(blobs["autopsy/services.json"])[0]["exit"] == 5
    assert b'"starting"' in blobs["autopsy/web.log"]
    assert b"exit status 5" in blobs["autopsy/supervisor.log"]


def at(moment: str) -> datetime:
    found = _logs.moment(moment)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ('{"time": "2026-01-02T00:00:00Z", "message": "x"}', True),
        ('{"time": "2026-01-01T00:00:00.000Z", "message": "x"}', False),
        ('{"ts": 1767312000.5}', True),
        ('{"timestamp": 1767225600000}', False),
        ("2026-01-02 00:00:00,123 INFO x", True),
        ("2026-01-01T00:00:00+01:00 x", False),
        ("no moment at all", False),
        ('{"time": "soon"}', False),
        ('{"time": true}', False),
        ('{"broken', False),
    ],
)
def test_the_moment_of_a_line(line: str, kept: bool) -> None:
    began, least = at("2026-01-01T00:00:00Z"), at("2026-01-01T12:00:00Z")
    found = _logs.from_moment(f"{line}\n".encode(), least, began)
    assert (found != b"") == kept


def test_a_line_without_a_moment_goes_with_the_one_before_it() -> None:
    text = b'{"time": "2026-01-01T00:00:00Z"}\n  old stack\n{"time": "2026-01-02T00:00:00Z"}\n  new stack\n'
    found = _logs.from_moment(text, at("2026-01-01T12:00:00Z"), None)
    assert found == b'{"time": "2026-01-02T00:00:00Z"}\n  new stack\n'


def test_a_line_is_there_although_the_time_of_its_file_is_of_the_tick_before(tmp_path: Path) -> None:
    since = at(_logs.now())
    log = tmp_path / "web.1.log"
    log.write_text(f'{{"time": "{since.isoformat()}"}}\n')
    for behind, found in ((0.01, True), (1.0, False)):
        moment = since.timestamp() - behind
        os.utime(log, (moment, moment))
        assert bool(_logs.printed(tmp_path, "web", since.isoformat(), lambda _: [])) is found


def test_logs_are_bounded_and_rotated_parts_are_read(tmp_path: Path) -> None:
    (tmp_path / "web.1.log").write_bytes(b"new\n" * 1000)
    (tmp_path / "web.1.log.1").write_bytes(b"old\n" * (1024 * 1024))
    (tmp_path / "webby.2.log").write_bytes(b"another service\n")
    found = _logs.printed(tmp_path, "web", "2020-01-01T00:00:00Z", lambda _: [])
    assert len(found) == _logs.MOST
    assert found.startswith(b"old\n")
    assert found.endswith(b"new\n")
    now = datetime.fromtimestamp(time.time() + 60, UTC).isoformat()
    assert _logs.printed(tmp_path, "web", now, lambda _: []) == b""
