"""What Docker and Compose print, in all the ways in which they do: read from real outputs, without an engine."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gonogo.docker import containers
from gonogo.docker.client import Docker, Versions, number, rows
from gonogo.docker.project import Config, single, unset
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome
from gonogo.stability import Rules
from tests.probes.conftest import MemoryContext

ONE = '{"Service":"web","State":"running","ExitCode":0,"Labels":"a=[1],b={2}"}'
TWO = '{"Service":"db","State":"exited"}'


@pytest.mark.parametrize(
    "printed",
    [
        f"[{ONE},{TWO}]",
        f"{ONE}\n{TWO}\n",
        f'time="2026-11-25T18:38:00Z" level=warning msg="The \\"FOO\\" variable is not set."\n{ONE}\n{TWO}',
        f"\x1b[2K{ONE}\nWARN[0000] [x] is {{odd}}\n{TWO}",
    ],
)
def test_s27_one_array_or_one_object_a_line(printed: str) -> None:
    assert rows(printed) == [json.loads(ONE), json.loads(TWO)]


@pytest.mark.parametrize("printed", ["", "[]", "null", "\n", "no containers"])
def test_s27_nothing_is_nothing(printed: str) -> None:
    assert rows(printed) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("v2.26.1", (2, 26, 1)),
        ("2.40.3-desktop.1", (2, 40, 3)),
        ("v5.0.0", (5, 0, 0)),
        ("2.26.1-4", (2, 26, 1)),
        ("", ()),
    ],
)
def test_s28_versions_with_whatever_stands_around_them(text: str, told: tuple[int, ...]) -> None:
    assert number(text) == told
    assert Versions(compose=text).compose_number == told


SERVER = '{"Client":{"Version":"28.2.2"},"Server":{"Version":"26.1.5"}}'
NO_SERVER = '{"Client":{"Version":"28.2.2"},"Server":null}'


def docker_double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Docker:
    """An engine behind a program called `docker` that answers as it is told."""
    double = tmp_path / "bin" / "docker"
    double.parent.mkdir()
    double.write_text(f"#!/bin/sh\n{script}\n")
    double.chmod(0o755)
    monkeypatch.setenv("PATH", f"{double.parent}:{os.environ['PATH']}")
    root = tmp_path / "root"
    root.mkdir()
    return Docker(MemoryContext(root))


def answering(compose: str) -> str:
    """A script whose engine answers, and whose Compose does this."""
    return f"[ \"$1\" = version ] && echo '{SERVER}' && exit 0\n{compose}"


@pytest.mark.parametrize(
    ("script", "slug"),
    [
        (f"echo '{NO_SERVER}'; echo 'Cannot connect to the Docker daemon' >&2; exit 1", "no-engine"),
        ("echo 'permission denied while trying to connect' >&2; exit 1", "no-engine"),
        (answering('echo "docker: unknown command: docker compose" >&2; exit 1'), "no-compose"),
        (answering("echo \"unknown shorthand flag: 'f' in -f\" >&2; exit 125"), "no-compose"),
        (answering("echo \"docker: 'compose' is not a docker command.\" >&2; exit 1"), "no-compose"),
        (answering("echo 2.19.1"), "compose-too-old"),
    ],
)
def test_s28_an_engine_or_a_compose_that_is_not_there(
    script: str, slug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = docker_double(tmp_path, monkeypatch, script).versions
    assert isinstance(found, Trouble)
    assert (found.slug, found.outcome) == (slug, Outcome.ERROR)
    assert found.help


@pytest.mark.parametrize("version", ["2.20.0", "v2.26.1", "5.0.1", "v5.5.0-desktop.1"])
def test_s28_a_compose_that_will_do(version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert docker_double(tmp_path, monkeypatch, answering(f"echo {version}")).versions == Versions(
        "28.2.2", "26.1.5", version
    )


def test_the_clock_is_asked_anew_and_what_stays_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = tmp_path / "asked"
    told = '{"ID":"engine-%s","DriverStatus":null,"SystemTime":"2026-11-25T18:00:0%s.5Z"}\\n'
    script = f"echo x >> {asked}; at=$(wc -l < {asked}); printf '{told}' $at $at"
    docker = docker_double(tmp_path, monkeypatch, script)
    assert [docker.clock(), docker.clock()] == ["2026-11-25T18:00:01.5Z", "2026-11-25T18:00:02.5Z"]
    assert (docker.info["ID"], docker.store) == ("engine-1", "classic")
    assert asked.read_text().split() == ["x", "x"]
    assert Docker(docker.context).info["ID"] == "engine-3", "another call asks for itself"


def test_s28_no_docker_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = Docker(MemoryContext(tmp_path)).versions
    assert isinstance(found, Trouble)
    assert found.outcome is Outcome.ERROR


@pytest.mark.parametrize(
    "line",
    [
        r'time="2026-11-25T18:38:00Z" level=warning msg="The \"FOO\" variable is not set. Defaulting to a blank."',
        'WARN[0000] The "FOO" variable is not set. Defaulting to a blank string. ',
        '\x1b[33mWARN\x1b[0m[0000] The "FOO" variable is not set. Defaulting to a blank string.',
    ],
)
def test_s30_a_variable_that_is_not_set_in_every_dialect(line: str) -> None:
    assert unset(f"{line}\nversion is obsolete\n{line}".encode()) == ("FOO",)


def test_s31_a_doubled_dollar_is_one() -> None:
    assert single({"A": "pa$$w$$$$x", "B": ["$$1", 3, None]}) == {"A": "pa$w$$x", "B": ["$1", 3, None]}


def test_what_a_service_depends_on_goes_all_the_way() -> None:
    services = {
        "web": {"depends_on": {"api": {"condition": "service_started"}}},
        "api": {"depends_on": {"db": {"condition": "service_healthy"}, "init": None}},
        "init": {"depends_on": {"db": {"condition": "service_completed_successfully"}}},
        "db": None,
    }
    config = Config({"name": "p", "services": services})
    assert config.dependencies(("web",)) == ("api", "db", "init")
    assert config.dependencies(("web", "api")) == ("db", "init")
    assert config.one_shots() == ("db",)


def test_values_that_must_reach_no_file() -> None:
    environment = {"JWT_SECRET": "one", "URL": "postgres://u:two@h/d", "PORT": "8080", "EMPTY": None}
    assert set(Config({"services": {"a": {"environment": environment}}}).secrets()) == {"one", "two"}


# --- containers ----------------------------------------------------------------------------------------------------


def container(**state: object) -> dict[str, object]:
    """As `docker inspect` tells of one that is well; shapes are those of Engine 20.10 to 28."""
    labels = {containers.SERVICE: "web", containers.PROJECT: "p"}
    well = {"Status": "running", "ExitCode": 0, "Error": "", "OOMKilled": False, "StartedAt": "2026-11-22T08:48:38.5Z"}
    return {
        "Id": "c1",
        "Name": "/p-web-1",
        "Image": "sha256:1",
        "RestartCount": state.pop("RestartCount", 0),
        "State": {**well, **state},
        "Config": {"Labels": labels, "Healthcheck": state.get("Check")},
    }


def slugs(*looks: dict[str, object]) -> list[str]:
    rules = Rules({"web": "sha256:1"}, 5.0)
    for second, look in enumerate(looks):
        rules.see(float(second), containers.instances([look]))
    return [problem.slug for problem in rules.problems]


def test_s16_a_crash_loop_in_both_of_its_phases() -> None:
    """`ps` says exit code 0 and no health of either."""
    back_off = container(Status="restarting", ExitCode=3, RestartCount=6)
    running = container(StartedAt="2026-11-22T08:48:49Z", RestartCount=6)
    assert slugs(back_off) == ["restarted"]
    assert slugs(running, container(StartedAt="2026-11-22T08:48:52Z", RestartCount=7)) == ["restarted"]


def test_s21_s22_what_the_engine_says_went_wrong() -> None:
    taken = "driver failed programming external connectivity: listen tcp4 0.0.0.0:80: bind: address already in use"
    assert slugs(container(Status="created", ExitCode=128, Error=taken)) == ["not-started"]
    assert slugs(container(Status="exited", ExitCode=137, OOMKilled=True)) == ["out-of-memory"]


def test_healthchecks_as_the_engine_tells_them() -> None:
    check = {"Test": ["CMD-SHELL", "true"], "Interval": 2_000_000_000, "StartPeriod": 5_000_000_000}
    (one,) = containers.instances([container(Health={"Status": "starting"}, Check=check)])
    assert (one.health, one.interval, one.start_period) == ("starting", 2.0, 5.0)
    (quiet,) = containers.instances([container(Check={"Test": ["CMD", "true"]}, Health={"Status": "healthy"})])
    assert quiet.interval == containers.DEFAULT_INTERVAL
    for none in (None, {"Test": ["NONE"]}):
        (bare,) = containers.instances([container(Check=none, Health={"Status": "none"})])
        assert (bare.health, bare.interval) == ("", 0.0)


def test_a_stopped_container_has_no_health() -> None:
    """Its status turns to `unhealthy` when it is stopped, with no failed check."""
    (one,) = containers.instances([container(Status="exited", Health={"Status": "unhealthy"})])
    assert (one.health, one.exit) == ("", 0)


def test_s2_names_that_a_killed_compose_leaves() -> None:
    old, new = container(), {**container(), "Id": "c2", "Name": "/0123456789ab_p-web-1"}
    assert containers.left_over([old, new]) == [("c2", "p-web-1", True)]
    assert containers.left_over([new]) == [("c2", "p-web-1", False)]
    assert containers.left_over([old, {**old, "Name": "/nothexatall_p-web-1"}]) == []
