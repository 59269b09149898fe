"""What goes wrong with containers, made to go wrong on a real engine, and told by the waiter and the target."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from gonogo.model.release import Release
from gonogo.plugins import OutOfReach
from gonogo.rollout.watch import still, watch
from gonogo.stability import Watched
from gonogo.targets.compose import ComposeTarget
from tests.containers.bed import free_port, wait_until
from tests.targets.compose.tiny import A, B, Tiny


def put(tiny: Tiny, commit: str = A, number: int = 1) -> tuple[ComposeTarget, Release]:
    """A release, put there however it fares."""
    tiny.build(commit)
    target = tiny.target(commit)
    release = target.keep(replace(target.draft(), number=number))
    target.up(release)
    return target, release


def watched(tiny: Tiny, target: ComposeTarget, release: Release, *, window: float = 3, timeout: float = 20) -> Watched:
    return watch(target, release.artifacts, tiny.context(), window=window, timeout=timeout, before=(), interval=0.25)


def slugs(seen: Watched) -> list[str]:
    return [problem.slug for problem in seen.problems]


@contextmanager
def meanwhile(tiny: Tiny, *arguments: str, after: float = 1.0) -> Iterator[None]:
    """Somebody else does this to the engine a moment later."""
    timer = threading.Timer(after, lambda: tiny.engine.docker(*arguments))
    timer.start()
    try:
        yield
    finally:
        timer.join()


def change(tiny: Tiny, old: str, new: str) -> None:
    text = (tiny.root / "docker-compose.yml").read_text()
    assert old in text
    tiny.write("docker-compose.yml", text.replace(old, new))


def test_s14_healthy_and_then_it_crashes(tiny: Tiny) -> None:
    tiny.set(MODE="crash-after-healthy", AFTER="4")
    target, release = put(tiny)
    context = tiny.context()
    seen = watch(target, release.artifacts, context, window=30, timeout=20, before=(), interval=0.25)
    assert slugs(seen) == ["restarted"]
    assert any(line.startswith("all well for") for line in context.told), "it was healthy first"


def test_s15_a_slow_crash_loop_is_seen_later(tiny: Tiny) -> None:
    target, release = put(tiny)
    seen = watched(tiny, target, release, window=1)
    assert seen.stable, seen
    assert still(target, release.artifacts, seen.seen, tiny.context()).stable
    tiny.engine.docker("exec", "--detach", seen.seen[0].id, "sh", "-c", "kill -9 -1")
    wait_until(lambda: tiny.container()["RestartCount"] > 0, "it was started again")
    assert slugs(still(target, release.artifacts, seen.seen, tiny.context())) == ["restarted"]


def test_s19_s20_health_that_comes_and_goes(tiny: Tiny) -> None:
    target, release = put(tiny)
    (one,) = watched(tiny, target, release, window=1).seen
    with meanwhile(tiny, "exec", one.id, "touch", "/tmp/sick", after=0.5):
        seen = watched(tiny, target, release, window=20)
    assert slugs(seen) == ["flapping"]
    assert "was healthy and became unhealthy again" in seen.problems[0].message


def test_s21_a_port_that_is_taken(tiny: Tiny) -> None:
    port = free_port()
    change(tiny, "127.0.0.1::8080", f"127.0.0.1:{port}:8080")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        seen = watched(tiny, *put(tiny))
    assert slugs(seen) == ["not-started"]
    assert "address already in use" in seen.problems[0].message
    assert seen.problems[0].help.startswith("free the port")


def test_s22_out_of_memory(tiny: Tiny) -> None:
    change(tiny, "    init: true\n", "    init: true\n    mem_limit: 24m\n")
    change(tiny, "restart: unless-stopped", "restart: 'no'")
    tiny.write("run.sh", "exec awk 'BEGIN { s = \"x\"; while (1) s = s s }'\n")
    seen = watched(tiny, *put(tiny))
    assert slugs(seen) == ["out-of-memory"]
    assert "137" not in seen.problems[0].message


@pytest.mark.parametrize(("deed", "slug"), [("pause", "paused"), ("kill", "exited"), ("rm", "foreign-change")])
def test_s23_s25_what_somebody_does_meanwhile(tiny: Tiny, deed: str, slug: str) -> None:
    """A container that is being removed is seen on its way, or gone."""
    change(tiny, "restart: unless-stopped", "restart: 'no'")
    target, release = put(tiny)
    (one,) = watched(tiny, target, release, window=1).seen
    with meanwhile(tiny, deed, *(("--force",) if deed == "rm" else ()), one.id, after=0.5):
        (told,) = slugs(watched(tiny, target, release, window=20))
    assert told == slug or (deed == "rm" and told in {"dead", "exited"})
    if deed == "pause":
        tiny.engine.docker("unpause", one.id)


def test_s25_somebody_deploys_meanwhile(tiny: Tiny) -> None:
    target, release = put(tiny)
    person = threading.Timer(1.0, lambda: tiny.compose("up", "--detach", "--no-build", "--force-recreate"))
    person.start()
    seen = watched(tiny, target, release, window=30)
    person.join()
    assert set(slugs(seen)) <= {"foreign-change", "exited", "dead", "wrong-artifact", "restarted"}
    assert "foreign-change" in slugs(seen) or seen.problems


def test_s17_s18_one_shots(tiny: Tiny) -> None:
    change(tiny, "restart: unless-stopped", "restart: 'no'")
    tiny.set(MODE="done")
    change(tiny, 'AFTER: "${AFTER:-}"', 'AFTER: "${AFTER:-}", CODE: "${CODE:-0}"')
    tiny.params["one_shots"] = ("web",)
    target, release = put(tiny)
    assert watched(tiny, target, release, window=1).stable
    tiny.set(CODE="1")
    target, release = put(tiny, B, 2)
    assert slugs(watched(tiny, target, release)) == ["one-shot-failed"]
    tiny.set(MODE="")
    target, release = put(tiny, A, 3)
    assert slugs(watched(tiny, target, release, timeout=2)) == ["not-ended"]


def test_s13_a_declared_answer_stands_in_for_a_healthcheck(tiny: Tiny) -> None:
    port = free_port()
    change(tiny, "    init: true\n", "    init: true\n    healthcheck: {disable: true}\n")
    change(tiny, "127.0.0.1::8080", f"127.0.0.1:{port}:8080")
    target, release = put(tiny)
    mute = watched(tiny, target, release, window=1)
    assert (mute.stable, mute.problems, mute.unproven) == (False, (), ("web",))
    for url in (f"http://127.0.0.1:{port}/", f"tcp://127.0.0.1:{port}"):
        answering = tiny.target(A, answers={"web": url})
        assert watched(tiny, answering, release, window=1).stable
    silent = tiny.target(A, answers={"web": f"http://127.0.0.1:{port}/not-there"})
    assert not watched(tiny, silent, release, window=1, timeout=2).stable


@pytest.mark.parametrize("delay", [0.15, 0.5, 1.0])
def test_s2_up_is_killed_and_taken_up_again(tiny: Tiny, delay: float) -> None:
    """`kill -9` at some moment within `docker compose up`; whatever it leaves, the next `up` ends well."""
    target, _ = put(tiny)
    tiny.build(B)
    second = tiny.target(B)
    release = second.keep(replace(second.draft(), number=2))
    argv = ("docker", "compose", "--project-name", tiny.project, "up", "--detach", "--no-build", "--force-recreate")
    with subprocess.Popen(argv, cwd=tiny.root, env=_environ(B), stderr=subprocess.DEVNULL) as cut_off:
        time.sleep(delay)  # no event tells of the moments within
        cut_off.send_signal(signal.SIGKILL)
    again = tiny.target(B)
    ran = again.up(release)
    assert ran.exit == 0, ran.err
    seen = watched(tiny, again, release, window=1)
    assert seen.stable, seen
    assert len(again.instances()) == 1
    del target


def _environ(commit: str) -> dict[str, str]:
    import os

    return {**os.environ, "GIT_SHA": commit}


def test_s32_a_question_is_never_answered(tiny: Tiny) -> None:
    """Compose 2.32 and newer ask before they lose a volume; standard input is empty, and `--yes` is never given."""
    target, release = put(tiny)
    told: list[tuple[str, ...]] = []
    context = tiny.context()
    run = context.run

    def heard(command: object, **more: object) -> object:
        told.append(tuple(command))  # type: ignore[arg-type]
        return run(command, **more)  # type: ignore[arg-type]

    context.run = heard  # type: ignore[method-assign, assignment]
    tiny.engine.docker("rm", "--force", tiny.container()["Id"])
    tiny.target(A, context).up(release)
    ups = [argv for argv in told if "up" in argv]
    assert ups
    for argv in ups:
        assert not {"-y", "--yes", "-V", "--renew-anon-volumes", "--build"} & set(argv)
        assert {"--no-build", "--no-deps", "--pull"} <= set(argv)
    del target


def test_s29_no_engine_is_out_of_reach(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tiny.target(A)
    assert target.instances() == ()
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(OutOfReach) as refused:
        target.instances()
    assert "start the Docker engine" in refused.value.help
    trouble = tiny.target(A).trouble()
    assert trouble is not None
    assert trouble.slug == "no-engine"
