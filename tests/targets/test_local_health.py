"""What a service does after it was started: crash, hang, flap, end, and how the target `local` tells it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gonogo.model.release import Instance
from gonogo.targets import _strays
from gonogo.targets.local import LocalTarget
from tests.targets.conftest import Site, eventually, web


def start(site: Site, mode: str, **more: object) -> LocalTarget:
    """Put the application there in a mode; nothing waits for it to be healthy."""
    site.commit("first", mode, **more)
    target = site.target()
    target.up(site.release(target, 1))
    return target


def test_s13_no_healthcheck_is_no_health(site: Site) -> None:
    site.params |= {"services": {"web": web(health="")}}
    one = eventually(start(site, "ok"), lambda seen: seen.status == "running")
    assert one.health == ""


def test_s14_s15_s16_a_crash_after_it_was_healthy_is_counted(site: Site) -> None:
    target = start(site, "crash", after=1.5)
    assert eventually(target, lambda seen: seen.health == "healthy").restarts == 0
    one = eventually(target, lambda seen: seen.restarts >= 2)
    assert one.exit == 3, "the code that supervisor's own interface loses"
    assert eventually(site.target(), lambda seen: seen.status == "running").restarts >= 2, "a later look knows it too"


def test_a_crash_loop_at_its_start_is_given_up(site: Site) -> None:
    target = start(site, "exit", code=7)
    one = eventually(target, lambda seen: seen.status == "exited", seconds=30)
    assert (one.exit, one.restarts) == (7, 3)
    assert one.error == "ended 4 times right after its start (exit status 7)"


def test_a_program_that_is_missing(site: Site) -> None:
    site.params |= {"services": {"web": web(command="no-such-program --now")}}
    target = start(site, "ok")
    one = eventually(target, lambda seen: seen.exit is not None)
    assert one.exit == 127
    printed = target.logs("web", "2020-01-01T00:00:00Z").decode()
    assert "cannot start `no-such-program`" in printed


def test_a_signal_tells_its_number(site: Site) -> None:
    target = start(site, "ok")
    one = eventually(target, lambda seen: seen.health == "healthy")
    pid = int(one.started.split()[1])
    os.kill(pid, signal.SIGKILL)
    now = eventually(target, lambda seen: seen.restarts == 1 and seen.health == "healthy")
    assert now.exit == 137
    assert not now.oom
    assert now.started != one.started
    assert now.id == one.id


GROUPS = Path("/sys/fs/cgroup/memory" if Path("/sys/fs/cgroup/memory").is_dir() else "/sys/fs/cgroup")


@pytest.fixture
def little_memory() -> Iterator[Path]:
    """A control group whose processes may use 48 MiB."""
    group = GROUPS / f"gonogo-test-{os.getpid()}"
    try:
        group.mkdir()
        limit = next(one for one in ("memory.max", "memory.limit_in_bytes") if (group / one).exists())
        (group / limit).write_text(str(48 * 1024 * 1024))
    except (OSError, StopIteration):
        pytest.skip("control groups of memory cannot be made here")
    yield group
    assert _strays.until(lambda: not (group / "cgroup.procs").read_text(), 5)
    group.rmdir()


def test_s22_memory_that_ran_out_is_told(site: Site, little_memory: Path) -> None:
    inside = f'sh -c \'echo $$ >{little_memory}/cgroup.procs; exec "$0" "$@"\' {web()["command"]}'
    site.params |= {"services": {"web": web(command=inside)}}
    target = start(site, "eat")
    one = eventually(target, lambda seen: seen.exit == 137)
    assert one.oom
    target.end()


def test_s17_a_one_shot_that_ends_well_lets_others_start(site: Site, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    seed = {"command": f"sh -c 'echo ran >>{marks}'", "one_shot": True}
    site.params |= {"services": {"web": web(needs=["seed"]), "seed": seed}}
    target = start(site, "ok")
    eventually(target, lambda seen: seen.health == "healthy")
    one = eventually(target, lambda seen: seen.status == "exited", "seed")
    assert (one.one_shot, one.exit) == (True, 0)
    assert marks.read_text() == "ran\n"


@pytest.mark.parametrize(("command", "seconds", "why"), [("exit 4", 10, "ended"), ("sleep 60", 1, "is not healthy")])
def test_s17_s18_a_one_shot_that_fails_or_never_ends(site: Site, command: str, seconds: int, why: str) -> None:
    seed = {"command": f"sh -c '{command}'", "one_shot": True, "start_seconds": seconds}
    site.params |= {"services": {"web": web(needs=["seed"]), "seed": seed}}
    site.commit("first")
    target = site.target()
    ran = target.up(site.release(target, 1))
    assert ran.exit == 1
    assert f"`seed` {why}".encode() in ran.err
    assert b"`web` needs it" in ran.err
    assert [one.status for one in target.instances() if one.service == "web"] == ["created"]


def test_s19_unhealthy_while_it_starts_and_then_for_good(site: Site) -> None:
    site.params |= {"services": {"web": web(start_seconds=2)}}
    target = start(site, "unhealthy")
    one = eventually(target, lambda seen: seen.health == "starting" and "503" in seen.said)
    assert one.said.startswith("`/health` on port ")
    assert eventually(target, lambda seen: seen.health == "unhealthy").restarts == 0


def test_s20_flapping_is_seen(site: Site) -> None:
    site.params |= {"services": {"web": web(start_seconds=0.1)}}
    target = start(site, "flapping")
    eventually(target, lambda seen: seen.health == "healthy")
    eventually(target, lambda seen: seen.health == "unhealthy")
    eventually(target, lambda seen: seen.health == "healthy")


def test_s21_a_port_that_is_taken_says_by_whom(site: Site) -> None:
    site.put("first")
    target = site.target()
    with socket.create_server(("127.0.0.1", 0)) as other:
        site.params |= {"services": {"web": web(port=other.getsockname()[1])}}
        site.commit("second")
        taken = site.target()
        ran = taken.up(site.release(taken, 2))
        assert ran.exit == 1
        assert f"cannot listen on port {other.getsockname()[1]}: pid ".encode() in ran.err
    assert target.instances()[0].status == "created"


def test_an_answer_of_somebody_else_is_not_its_health(site: Site, tmp_path: Path) -> None:
    """A service that lost its port to a stranger looks healthy to whoever only asks the port."""
    site.params |= {"services": {"web": web(command="sleep 60", start_seconds=0.1)}}
    target = start(site, "ok")
    one = eventually(target, lambda seen: seen.status == "running")
    assert one.health in {"starting", "unhealthy"}
    port = target.url("web").rpartition(":")[2]
    (tmp_path / "health").write_text("well")
    with subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", port],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as stranger:  # fmt: skip
        try:
            assert _strays.until(lambda: bool(_strays.listeners(int(port))), 10)
            one = target.instances()[0]
        finally:
            stranger.kill()
    assert one.health == "unhealthy"
    assert f"port {port} is served by pid {stranger.pid}" in one.error


def test_a_service_that_hangs(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gonogo.targets._local_health.WITHIN", 0.3)
    site.params |= {"services": {"web": web(start_seconds=0.1)}}
    target = start(site, "hang")
    eventually(
        target, lambda seen: "no answer within 0.3 s" in seen.said and not seen.error and seen.health == "unhealthy"
    )


def test_s23_a_service_that_was_paused(site: Site) -> None:
    target = start(site, "ok")
    pid = int(eventually(target, lambda seen: seen.health == "healthy").started.split()[1])
    os.kill(pid, signal.SIGSTOP)
    try:
        assert eventually(target, lambda seen: seen.status == "paused").health == ""
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually(target, lambda seen: seen.health == "healthy")


def test_health_by_tcp(site: Site) -> None:
    site.params |= {"services": {"web": web(health="tcp")}}
    eventually(start(site, "unhealthy"), lambda seen: seen.health == "healthy")


def test_what_was_removed_by_hand_is_dead(site: Site) -> None:
    target = start(site, "ok")
    one = eventually(target, lambda seen: seen.health == "healthy")
    supervisor = target._services.supervisor
    supervisor.stop(one.id, 2)
    supervisor._call("removeProcessGroup", one.id)
    dead: Instance = target.instances()[0]
    assert dead.status == "dead"
    assert "somebody removed it" in dead.error
