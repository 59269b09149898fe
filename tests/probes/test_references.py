"""What Compose files refer to: there, inside the repository, declared, free; and what only an engine can tell."""

from __future__ import annotations

import shutil
import socket

import pytest

from gonogo.model.outcome import Outcome
from gonogo.model.release import TargetSpec
from gonogo.probes._compose_text import ComposeText, Unreadable
from tests.containers.bed import COMPOSE_FILES, REPOSITORY, Engine, free_port
from tests.probes.conftest import Looked, MemoryContext, Repository, look_with

BASE = """
services:
  backend: &backend
    build: {context: ., dockerfile: Dockerfile, target: production}
    env_file: [.env.staging]
    volumes: [./config:/config:ro, data:/data]
    networks: [front]
    depends_on: {db: {condition: service_healthy}}
    secrets: [token]
  worker:
    <<: *backend
    build: .
  db:
    build: ./db
networks: {front: }
volumes: {data: }
secrets: {token: {file: ./token}}
"""
FILES = {
    "Dockerfile": "FROM scratch AS base\nFROM base AS production\n",
    "db/Dockerfile": "FROM scratch\n",
    ".env.staging": "A=1\n",
    "config/a": "x",
    "token": "t",
}


@pytest.fixture
def site(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> MemoryContext:
    """A project whose references all resolve, on a machine without Docker."""
    repository.commit("feat: all", {"docker-compose.yml": BASE, **FILES})
    programs = tmp_path_factory.mktemp("bin")
    for name in ("sh", "git"):
        (programs / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(programs))
    return MemoryContext(repository.root)


def write(site: MemoryContext, text: str, path: str = "docker-compose.yml") -> None:
    file = site.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_all_is_there(site: MemoryContext) -> None:
    seen = look_at(site)
    assert (seen.troubles, seen.findings) == ({}, [])
    assert seen.values == {
        "references.checked": 12,
        "references.broken": 0,
        "references.unset": 0,
        "references.clashes": 0,
        "references.to_pull": 0,
    }


def look_at(site: MemoryContext, **params: object) -> Looked:
    return look_with("references", site, **params)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("build: ./db", "build: ./nowhere", "build context `./nowhere` of `db` does not exist"),
        ("build: ./db", "build: ../outside", "build context `../outside` of `db` lies outside the repository"),
        ("build: ./db", "build: ./config", "dockerfile `Dockerfile` of `db` does not exist"),
        ("build: ./db", "build: ./token", "build context `./token` of `db` is no directory"),
        ("target: production", "target: nosuch", "build target `nosuch` of `backend` is no stage of `./Dockerfile`"),
        (
            "./config:/config",
            "./conf:/config",
            "bind mount `./conf` of `backend` does not exist; Docker would make an empty",
        ),
        ("[.env.staging]", "[.env.other]", "env file `.env.other` of `backend` does not exist"),
        ("file: ./token", "file: ./tokens", "secret file `./tokens` of `token` does not exist"),
        ("secrets: [token]", "secrets: [other]", "secret `other` of `backend` is declared in no file"),
        ("networks: [front]", "networks: [back]", "network `back` of `backend` is declared in no file"),
        ("data:/data", "more:/data", "volume `more` of `backend` is declared in no file"),
        ("{db: {condition", "{pg: {condition", "service `pg` of `backend` is declared in no file"),
    ],
)
def test_what_is_not_there_is_named(site: MemoryContext, old: str, new: str, told: str) -> None:
    assert old in BASE
    (site.root.parent / "outside").mkdir(exist_ok=True)
    write(site, BASE.replace(old, new))
    seen = look_at(site)
    messages = [finding.message for finding in seen.reading.findings]
    assert any(message.startswith(told) for message in messages), messages
    assert seen.values["references.broken"] == len(messages)


def test_a_dockerfile_that_no_commit_has(site: MemoryContext) -> None:
    site.only_here = {"db/Dockerfile"}
    (finding,) = look_at(site).reading.findings
    assert "exists on this machine only: commit it" in finding.message


def test_paths_of_a_second_file_are_relative_to_the_first(site: MemoryContext) -> None:
    write(site, "services:\n  backend:\n    volumes: ['./own:/own']\n", "deploy/prod.yml")
    (site.root / "deploy/own").mkdir()
    seen = look_at(site, files=("docker-compose.yml", "deploy/prod.yml"))
    (finding,) = seen.reading.findings
    assert "is looked for beside the first file, in `.`: write it relative to that" in finding.message
    assert finding.path == "deploy/prod.yml"


def test_s30_variables_without_a_value(site: MemoryContext) -> None:
    write(site, "services:\n  a:\n    build: ${DIR:-.}\n    command: $$PLAIN ${NONE} ${SOME} ${EMPTY:?} ${ALT:+x}\n")
    write(site, "SOME=1\nEMPTY=\n", ".env.staging")
    site.spec = TargetSpec("staging", "compose", {"env_file": ".env.staging"})
    seen = look_at(site)
    assert seen.findings == ["unset:docker-compose.yml:EMPTY", "unset:docker-compose.yml:NONE"]
    assert (seen.values["references.unset"], seen.values["references.broken"]) == (2, 0)


def test_two_services_on_one_port(site: MemoryContext) -> None:
    ports = "services:\n  a: {build: ., ports: ['127.0.0.1:8080:80', '9000-9002:1']}\n  b: {build: ., ports: [%s]}\n"
    write(site, ports % "'8080:80', {published: 9001, target: 9}, '127.0.0.1:7000:1/udp'")
    seen = look_at(site)
    assert seen.findings == ["clash:docker-compose.yml:8080/tcp:a", "clash:docker-compose.yml:9001/tcp:a"]
    assert seen.values["references.clashes"] == 2
    write(site, ports % "'127.0.0.2:8080:80', '80', '0:80'")
    assert "references.clashes" not in look_at(site).values, "whether they are free only a look at the machine tells"


def test_without_an_engine_what_only_it_knows_is_unknown(site: MemoryContext) -> None:
    write(site, "services:\n  a: {image: 'a:1', networks: [shared]}\nnetworks: {shared: {external: true}}\n")
    seen = look_at(site)
    assert set(seen.values) == {"references.checked", "references.unset"}
    assert any("were not looked at" in note for note in seen.reading.notes)


def test_no_file_and_no_compose_file(site: MemoryContext) -> None:
    assert look_at(site, files=("other.yml",)).troubles == {"no-file": Outcome.UNKNOWN}
    write(site, "- a\n")
    assert look_at(site).troubles == {"unreadable": Outcome.ERROR}
    (site.root / "docker-compose.yml").unlink()
    assert look_at(site).troubles == {"no-compose-file": Outcome.UNKNOWN}


def test_tags_of_compose_are_read_over() -> None:
    text = ComposeText({})
    text.add(
        "a.yml", "services:\n  a:\n    ports: !override ['80:80']\n    build: !reset null\n    x: !override {a: b}\n"
    )
    assert [(port.number, port.service) for port in text.ports()] == [(80, "a")]
    with pytest.raises(Unreadable, match="is not YAML"):
        text.add("b.yml", "a: [")


# --- with an engine ----------------------------------------------------------------------------------------------


def test_what_an_engine_knows(bare_engine: Engine, repository: Repository, compose_project: str) -> None:
    context = MemoryContext(repository.root)
    name = compose_project
    repository.write("Dockerfile", "FROM scratch\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port, free = taken.getsockname()[1], free_port()
        repository.write(
            "compose.yaml",
            f"services:\n  a:\n    build: .\n    networks: [shared, other]\n"
            f"    ports: ['127.0.0.1:{port}:1', '127.0.0.1:{free}:2']\n"
            f"  b:\n    image: {name}-nowhere:1\nnetworks:\n  shared: {{external: true, name: {name}}}\n"
            f"  other: {{external: true, name: {name}-other}}\n",
        )
        bare_engine.docker("network", "create", "--label", f"com.docker.compose.project={name}", name)
        seen = look_at(context)
    assert sorted(seen.findings) == [
        f"broken:compose.yaml:external-network:other:{name}-other",
        f"clash:compose.yaml:{port}/tcp",
        f"pull:compose.yaml:{name}-nowhere:1",
    ]
    assert "is taken by a process of this machine" in " ".join(f.message for f in seen.reading.findings)


def test_the_example_refers_to_nothing_that_is_missing(bare_engine: Engine) -> None:
    context = MemoryContext(REPOSITORY / "examples" / "medianest")
    seen = look_at(context, files=COMPOSE_FILES, env_file=".env.staging.example")
    assert (seen.troubles, seen.values["references.broken"], seen.values["references.unset"]) == ({}, 0, 0), (
        seen.findings
    )
