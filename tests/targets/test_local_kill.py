"""Whatever is killed, and whatever does not want to end: nothing outlives a release, and another finishes it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from gonogo.plugins import OutOfReach
from gonogo.targets import _local_supervisor as _supervisor
from gonogo.targets import _strays
from tests.targets.conftest import Site, ask, eventually, web


def healthy_pid(site: Site) -> tuple[int, str]:
    one = eventually(site.target(), lambda seen: seen.health == "healthy")
    return int(one.started.split()[1]), one.id


def test_s76_what_ignores_the_signal_is_killed(site: Site) -> None:
    site.params |= {"services": {"web": web(stop_seconds=1)}}
    site.put("first", "ignore-term")
    pid, _ = healthy_pid(site)
    site.put("second", number=2)
    assert not _strays.alive(pid)
    healthy_pid(site)
    assert ask(site.target().url("web"))["release"] == "second"


def test_s76_grandchildren_end_with_their_service(site: Site, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    site.params |= {"services": {"web": web(env={"PORT": "{port}", "PIDS": str(pids)}, stop_seconds=2)}}
    site.put("first", "grandchildren")
    pid, _ = healthy_pid(site)
    children = [int(one) for one in pids.read_text().split()]
    assert all(_strays.alive(one) for one in children)
    site.put("second", number=2)
    assert not any(_strays.alive(one) for one in (pid, *children))


def test_s76_a_process_group_ends_where_no_variables_can_be_read(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS: supervisor counts a service as stopped although what it started lives on."""
    pids = tmp_path / "pids"
    site.params |= {"services": {"web": web(env={"PORT": "{port}", "PIDS": str(pids)}, stop_seconds=1)}}
    site.put("first", "grandchildren")
    healthy_pid(site)
    in_group, _ = (int(one) for one in pids.read_text().split())
    target = site.target()
    with monkeypatch.context() as patched:
        patched.setattr(_strays, "marked", lambda name, value: [])
        target._services.supervisor.stop(target.instances()[0].id, 1)
    assert not _strays.alive(in_group)


def test_a_supervisor_that_was_killed_takes_its_services_along(site: Site) -> None:
    first = site.put("first")
    pid, before = healthy_pid(site)
    target = site.target()
    os.kill(target._services.supervisor.pid(), signal.SIGKILL)
    assert _strays.until(lambda: not _strays.alive(pid), 5), "an orphan would hold its port"
    (one,) = target.instances()
    assert (one.status, one.id) == ("dead", before)
    assert "supervisor is gone" in one.error
    (difference,) = target.differences(first)
    assert difference.change == "recreate"
    assert target.up(first).exit == 0
    assert eventually(target, lambda seen: seen.health == "healthy").id != before


def test_orphans_that_did_not_want_to_end_are_swept(site: Site, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    site.params |= {"services": {"web": web(env={"PORT": "{port}", "PIDS": str(pids)})}}
    first = site.put("first", "grandchildren")
    healthy_pid(site)
    target = site.target()
    os.kill(target._services.supervisor.pid(), signal.SIGKILL)
    children = [int(one) for one in pids.read_text().split()]
    assert all(_strays.alive(one) for one in children)
    assert target.up(first).exit == 0
    assert not any(_strays.alive(one) for one in children)


def test_a_supervisor_that_does_not_answer_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_supervisor, "ANSWER_WITHIN", 0.5)
    site.put("first")
    healthy_pid(site)
    target = site.target()
    pid = target._services.supervisor.pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(OutOfReach, match=rf"supervisor \(pid {pid}\) does not answer within 0.5 s"):
            target.instances()
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually(target, lambda seen: seen.health == "healthy")


def test_a_socket_that_was_removed(site: Site) -> None:
    first = site.put("first")
    pid, _ = healthy_pid(site)
    target = site.target()
    target._services.supervisor._socket().unlink()
    assert target.instances()[0].status == "dead"
    assert target.up(first).exit == 0
    assert not _strays.alive(pid)
    eventually(target, lambda seen: seen.health == "healthy")


CALLER = textwrap.dedent(
    """
    import json, os, signal, sys
    from gonogo.model import codec
    from gonogo.model.release import Release
    from gonogo.targets import _local_services as _services, _local_supervisor as _supervisor
    from pathlib import Path
    from gonogo.model.plan import Subject
    from gonogo.model.release import TargetSpec
    from tests.probes.conftest import MemoryContext

    told = json.load(sys.stdin)
    owner, name = told["at"].split(".")
    kind = {"Supervisor": _supervisor.Supervisor, "Services": _services.Services}[owner]
    original = getattr(kind, name)
    left = [told["after"]]

    def dying(self, *arguments, **more):
        found = original(self, *arguments, **more)
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(kind, name, dying)
    spec = TargetSpec("local", "local", told["params"])
    context = MemoryContext(Path(told["root"]), Subject(told["commit"]), "local", spec=spec)
    context.reach().up(codec.load(Release, told["release"]))
    """
)


@pytest.mark.parametrize(
    ("at", "after"),
    [
        ("Services._write", 1),
        ("Supervisor.stop", 1),
        ("Supervisor._configure", 1),
        ("Supervisor.ensure", 1),
        ("Supervisor.start", 1),
        ("Supervisor.start", 2),
        ("Services._start", 2),
        ("Services._tidy", 1),
    ],
)
def test_a_caller_that_was_killed_at_any_point_is_finished_by_another(site: Site, at: str, after: int) -> None:
    site.params |= {"services": {"web": web(needs=["back"], stop_seconds=2), "back": web(stop_seconds=2)}}
    site.put("first")
    site.commit("second")
    target = site.target()
    second = site.release(target, 2)
    from gonogo.model import codec

    told = {
        "at": at,
        "after": after,
        "root": str(site.repository.root),
        "commit": second.commit,
        "params": site.params,
        "release": codec.dump(second),
    }
    done = subprocess.run(
        [sys.executable, "-c", CALLER],
        input=codec.canonical(told),
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert target.up(second).exit == 0
    for name in ("web", "back"):
        assert eventually(target, lambda seen: seen.health == "healthy", name).artifact == second.artifacts[name]
        assert ask(target.url(name))["release"] == "second"
    seen = target._services.supervisor.seen() or {}
    assert sorted(name.partition(".")[0] for name in seen) == ["back", "web"], "nothing of the first is left"
    token = target._home.token
    assert len({_strays.marked(_strays.UNIT, one)[0] for one in seen}) == 2
    running = [pid for pid in _strays.marked(_strays.TARGET, token) if pid != target._services.supervisor.pid()]
    assert len(running) == 2


def test_services_outlive_the_process_that_started_them(site: Site) -> None:
    site.put("first")
    pid, _ = healthy_pid(site)
    supervisor = site.target()._services.supervisor.pid()
    assert os.getsid(supervisor) not in {os.getsid(0), 0}
    variables = _strays._variables(pid)
    assert not [one for one in variables if one.startswith(b"GONOGO_ATTEMPT=")], "the engine sweeps what carries it"
