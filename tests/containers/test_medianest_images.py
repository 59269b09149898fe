"""The example's images and Compose files: what they promise, on a real engine."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.containers.bed import COMPOSE_FILES, SERVICES, Engine, Example, run
from tests.containers.member import Member
from tests.npm_project import installed

pytestmark = pytest.mark.xdist_group("containers")

MIB = 1024 * 1024
LARGEST = 25 * MIB
"""Bytes that an image may have beyond the one it is made from."""


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_is_small_says_what_it_is_and_runs_as_nobody_special(
    engine: Engine, running_example: Example, service: str
) -> None:
    [image] = engine.inspect(running_example.image(service))
    assert image["Config"]["User"] == "node"
    assert image["Config"]["Healthcheck"]["Test"][0] == "CMD-SHELL"
    labels = image["Config"]["Labels"]
    assert labels["org.opencontainers.image.revision"] == running_example.sha
    assert labels["org.opencontainers.image.title"] == f"medianest-{service}"
    assert image["Size"] - engine.inspect("node:20-alpine")[0]["Size"] < LARGEST


def test_no_line_of_a_build_needs_a_registry(running_example: Example) -> None:
    dockerfile = (running_example.root / "Dockerfile").read_text()
    assert "# syntax" not in dockerfile.replace("`# syntax`", "")
    assert not any(line.startswith("FROM") and "@" in line for line in dockerfile.splitlines())


def test_no_secret_and_no_test_is_in_an_image(engine: Engine, running_example: Example) -> None:
    for service in SERVICES:
        look = "find /app -name '.env*' -o -name '*.test.*' -o -name e2e -o -name .git -o -name vitest"
        found = engine.docker("run", "--rm", "--entrypoint", "sh", running_example.image(service), "-c", look)
        # A package may bring tests of its own; nothing of the project's may be there.
        assert [path for path in found.split() if "node_modules" not in path] == []


def test_a_variable_that_is_missing_stops_everything_and_is_named(example: Example) -> None:
    for name in ("JWT_SECRET", "POSTGRES_PASSWORD", "REDIS_URL"):
        kept = example.values.pop(name)
        example.set_values()
        done = subprocess.run(
            example.argv("config", "--quiet"), cwd=example.root, capture_output=True, text=True, check=False
        )
        assert done.returncode != 0
        assert name in done.stderr
        example.set_values(**{name: kept})


def test_containers_may_do_little_and_only_the_frontend_can_be_reached(running_example: Example) -> None:
    config = json.loads(running_example.compose("config", "--format", "json"))
    for name in ("backend", "frontend", "redis"):
        service = config["services"][name]
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert int(service["mem_limit"]) <= 512 * MIB
    published = {name for name, service in config["services"].items() if service.get("ports")}
    assert published == {"frontend", "postgres"}
    assert {port["host_ip"] for name in published for port in config["services"][name]["ports"]} == {"127.0.0.1"}
    assert config["networks"]["data"]["internal"]


def test_every_file_named_in_the_checklist_is_one_that_compose_reads(running_example: Example) -> None:
    for name in (*COMPOSE_FILES, "monitoring/docker-compose.yml"):
        assert (running_example.root / name).is_file()


def test_all_stop_when_they_are_asked_to(example: Example) -> None:
    example.start()
    example.compose("stop", "--timeout", "10")
    codes = {name: example.container(name)["State"]["ExitCode"] for name in (*SERVICES, "postgres", "redis")}
    assert all(code in {0, 143} for code in codes.values()), codes


def test_a_callers_id_goes_through_the_log(running_example: Example) -> None:
    run("curl", "-sf", "-H", "x-request-id: look-4711", f"{running_example.url}/health")
    lines = running_example.compose("logs", "--no-log-prefix", "--no-color", "backend").splitlines()
    [line] = [json.loads(line.split("\x1b[2K")[-1]) for line in lines if "look-4711" in line]
    assert (line["level"], line["message"], line["path"], line["sha"]) == (
        *("info", "request", "/health"),
        running_example.sha,
    )


def test_the_tests_for_a_target_pass_on_it(running_example: Example) -> None:
    modules = running_example.root / "node_modules"
    modules.symlink_to(installed() / "node_modules")
    done = subprocess.run(
        [modules / ".bin/playwright", "test", "--grep", "@staging", "--reporter=json"],
        cwd=running_example.root / "backend",
        env={**os.environ, "E2E_BASE_URL": running_example.url, "ACCESS_CODE": running_example.values["ACCESS_CODE"]},
        capture_output=True,
        text=True,
        check=False,
    )
    modules.unlink()
    stats = json.loads(done.stdout)["stats"]
    assert (stats["unexpected"], stats["skipped"], stats["flaky"]) == (0, 0, 0), done.stdout
    assert stats["expected"] >= 13


# --- the backup script ------------------------------------------------------------------------------------------


def back_up(example: Example, label: str, **env: str) -> subprocess.CompletedProcess[str]:
    script = example.root / "backend/scripts/backup-procedures.sh"
    variables = {"BACKUP_DIR": str(example.root / "backups"), **env}
    return subprocess.run(
        [script, label], cwd=example.root, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )


def beside_the_server(example: Example) -> str:
    return " ".join(example.argv("exec", "-T", "postgres"))


def test_a_backup_can_be_restored(running_example: Example) -> None:
    Member(running_example, "Grace").ask("Nosferatu")
    done = back_up(running_example, "pre-deployment", BACKUP_THROUGH=beside_the_server(running_example))
    assert done.returncode == 0, done.stderr
    dump = Path(done.stdout.split()[0])
    assert int(done.stdout.split()[1]) == dump.stat().st_size
    assert stat.S_IMODE(dump.stat().st_mode) == 0o600
    assert dump.read_bytes().startswith(b"PGDMP"), "the custom format"
    server = running_example.container("postgres")["Id"]
    running_example.engine.docker("cp", dump, f"{server}:/tmp/restored.dump")
    psql = ("exec", server, "psql", "-U", "medianest", "-Atc")
    running_example.engine.docker(*psql, "CREATE DATABASE restored")
    running_example.engine.docker(
        *("exec", server, "pg_restore", "--exit-on-error", "-U", "medianest", "-d", "restored", "/tmp/restored.dump")
    )
    count = "SELECT count(*) FROM media_requests"
    there = running_example.engine.docker(*psql, count).strip()
    assert int(there) >= 1
    again = running_example.engine.docker("exec", server, "psql", "-U", "medianest", "-d", "restored", "-Atc", count)
    assert again.strip() == there


def test_the_same_with_programs_of_this_machine_and_no_password_in_a_command_line(
    running_example: Example, tmp_path: Path
) -> None:
    """`pg_dump` is recorded on its way: its arguments must not hold what DATABASE_URL holds."""
    seen = tmp_path / "seen"
    beside = beside_the_server(running_example)
    programs = {
        "pg_dump": f'{beside} env PGPASSWORD="$PGPASSWORD" pg_dump -h 127.0.0.1 -U "$PGUSER" -d "$PGDATABASE" "$@"',
        "pg_restore": f'{beside} pg_restore "$@"',
    }
    for name, line in programs.items():
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{seen}\nexec {line}\n')
        (tmp_path / name).chmod(0o755)
    url = running_example.values["DATABASE_URL"]
    done = back_up(running_example, "here", DATABASE_URL=url, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    assert seen.read_text().splitlines() == ["pg_dump --format=custom --no-owner", "pg_restore --file=/dev/null"]
    assert running_example.values["POSTGRES_PASSWORD"] not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("head -c 2000", "cut short"),
        ("cat; false", "pg_dump failed"),
        ("true", "nothing was written"),
    ],
)
def test_half_a_dump_leaves_no_file(running_example: Example, tmp_path: Path, program: str, why: str) -> None:
    through = tmp_path / "through"
    through.write_text(
        f'#!/bin/sh\ncase $1 in pg_dump) {beside_the_server(running_example)} "$@" | ({program}) ;;\n'
        f'*) exec {beside_the_server(running_example)} "$@" ;; esac\n'
    )
    through.chmod(0o755)
    folder = tmp_path / "backups"
    done = back_up(running_example, "half", BACKUP_THROUGH=str(through), BACKUP_DIR=str(folder))
    assert done.returncode != 0, why
    assert list(folder.iterdir()) == [], why
