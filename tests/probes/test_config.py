"""The configuration of a target: what is needed, where its values come from, what is wrong with them."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from gonogo.model.outcome import Outcome
from gonogo.model.release import TargetSpec
from gonogo.probes import _values as values
from tests.containers.bed import Engine
from tests.probes.conftest import Look, MemoryContext

SECRET = "c0rrect-h0rse-battery-staple"
URL = f"postgresql://app:{SECRET[:20]}@db:5432/app"
EXAMPLE = (
    "JWT_SECRET=<generate>\nDATABASE_URL=<url>\nREDIS_URL=<url>\nENCRYPTION_KEY=<generate>\nLOG_LEVEL=info\nPROXY=\n"
)
GOOD = f"JWT_SECRET={SECRET}1\nDATABASE_URL={URL}\nREDIS_URL=redis://redis:6379\nENCRYPTION_KEY={SECRET}2\nLOG_LEVEL=info\n"


@pytest.fixture
def site(context: MemoryContext) -> MemoryContext:
    subprocess.run(["git", "init", "-q", context.root], check=True)
    (context.root / ".env.staging.example").write_text(EXAMPLE)
    (context.root / ".env.staging").write_text(GOOD)
    return context


def staging(site: MemoryContext, *more: str, without: str = "") -> None:
    lines = [line for line in GOOD.splitlines() if not without or not line.startswith(without)]
    (site.root / ".env.staging").write_text("\n".join([*lines, *more, ""]))


def test_all_is_there(site: MemoryContext, look: Look) -> None:
    seen = look("config", groups="JWT, DB/Redis URLs, encryption keys")
    assert (seen.troubles, seen.findings) == ({}, [])
    assert seen.values == {
        "env.exists": True,
        "placeholders": 0,
        "config.required": 5,
        "config.unresolved": 0,
        "config.weak": 0,
        "config.reused": 0,
        "config.eaten": 0,
    }
    table = next(b for b in site.blobs.values() if b.startswith(b"| |")).decode()
    assert "| x | `JWT_SECRET` | JWT | .env.staging | 29 | " in table


def test_no_value_leaves_the_probe(site: MemoryContext, look: Look) -> None:
    seen = look("config")
    for secret in (SECRET, SECRET[:20], "redis:6379"):
        assert secret.encode() not in seen.stored
    assert {f"{SECRET}1", f"{SECRET}2", URL, SECRET[:20]} <= set(site.secrets)


def test_fingerprints_change_with_the_value_and_are_keyed(site: MemoryContext, look: Look) -> None:
    def prints() -> list[str]:
        site.blobs.clear()
        look("config")
        table = next(b for b in site.blobs.values() if b.startswith(b"| |")).decode()
        return [line.split("|")[6].strip() for line in table.splitlines()[2:]]

    first = prints()
    assert prints() == first
    assert len(set(first)) == 5
    staging(site, "LOG_LEVEL=debug")
    assert prints() != first
    (site.root / ".gonogo/state/salt").unlink()
    staging(site)
    assert not set(prints()) & set(first)


@pytest.mark.parametrize("without", ["JWT_SECRET", "LOG_LEVEL"])
def test_a_variable_that_the_template_names(site: MemoryContext, look: Look, without: str) -> None:
    staging(site, without=without)
    seen = look("config")
    assert seen.values["config.unresolved"] == 1
    assert seen.findings == [f"unresolved:.env.staging:{without}"]
    staging(site, f"{without}=", without=without)
    assert look("config").values["config.unresolved"] == 1, "an empty value is none"


def test_s30_a_variable_that_only_the_compose_file_needs(site: MemoryContext, look: Look) -> None:
    (site.root / "docker-compose.yml").write_text(
        "services:\n  a:\n    image: a:${TAG}\n    environment:\n      A: ${NEEDED:?}\n      B: ${SPARE:-x}\n"
    )
    seen = look("config", compose=("docker-compose.yml",))
    assert seen.findings == ["unresolved:.env.staging:NEEDED", "unresolved:.env.staging:TAG"]
    site.spec = TargetSpec("staging", "compose", {"files": ["docker-compose.yml"]})
    assert look("config").values["config.unresolved"] == 2, "the target says which files"


def test_groups_of_the_checklist(site: MemoryContext, look: Look) -> None:
    seen = look("config", groups="JWT, NextAuth, DB/Redis URLs, encryption keys")
    assert seen.findings == ["unresolved:.env.staging:group NextAuth"]
    assert values.groups("JWT, NextAuth, DB/Redis URLs and encryption keys") == [
        *("JWT", "NextAuth", "DB URLs", "Redis URLs", "encryption keys"),
    ]
    keys = [
        "JWT_SECRET",
        "NEXTAUTH_URL",
        "DATABASE_URL",
        "POSTGRES_PASSWORD",
        "REDIS_URL",
        "ENCRYPTION_KEY",
        "FEEDBACK",
    ]
    assert values.members("DB URL", keys) == ["DATABASE_URL"]
    assert values.members("database", keys) == ["DATABASE_URL", "POSTGRES_PASSWORD"]
    assert values.members("NextAuth", keys) == ["NEXTAUTH_URL"]
    assert values.members("encryption keys", keys) == ["ENCRYPTION_KEY"]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("JWT_SECRET=<generate-64-hex-digits>", "placeholder"),
        ("JWT_SECRET=short", "weak"),
        ("JWT_SECRET=aaaaaaaaaaaaaaaaaaaaaaaa", "weak"),
        ("JWT_SECRET=supersecret2024", "weak"),
        ("JWT_SECRET=012345678901", "weak"),
        (f"JWT_SECRET={SECRET}2", "reused"),
    ],
)
def test_values_that_are_none(site: MemoryContext, look: Look, line: str, kind: str) -> None:
    staging(site, line, without="JWT_SECRET")
    seen = look("config")
    named = "placeholders" if kind == "placeholder" else f"config.{kind}"
    assert seen.values[named] == 1, seen.findings
    assert any(each.startswith(f"{kind}:") for each in seen.findings)


def test_a_weak_password_within_a_url(site: MemoryContext, look: Look) -> None:
    staging(site, "DATABASE_URL=postgresql://app:app@db/app", without="DATABASE_URL")
    seen = look("config")
    assert [f.message for f in seen.reading.findings] == ["`DATABASE_URL`: its password has 3 characters, fewer than 8"]


# --- where values come from --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "provider",
    [
        f"printf %s 'JWT_SECRET={SECRET}9'",
        f"""printf %s '{{"JWT_SECRET": "{SECRET}9", "n": {{}}}}'""",
        f"test {{name}} = JWT_SECRET && echo '{SECRET}9'",
    ],
)
def test_from_the_command_of_a_secret_store(site: MemoryContext, look: Look, provider: str) -> None:
    staging(site, without="JWT_SECRET")
    seen = look("config", provider=provider)
    assert (seen.troubles, seen.values["config.unresolved"]) == ({}, 0)
    assert SECRET.encode() not in seen.stored, "its output is no evidence"
    assert f"{SECRET}9" in site.secrets
    table = next(b for b in site.blobs.values() if b.startswith(b"| |")).decode()
    assert "`JWT_SECRET` |  | provider | 29 |" in table


def test_a_store_that_does_not_answer(site: MemoryContext, look: Look) -> None:
    staging(site, without="JWT_SECRET")
    seen = look("config", provider="exit 3")
    assert seen.troubles == {"provider-failed": Outcome.ERROR}
    assert seen.values["config.unresolved"] == 1


def test_from_a_file_and_from_the_process(site: MemoryContext, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    staging(site, without="JWT_SECRET")
    monkeypatch.setenv("JWT_SECRET", f"{SECRET}7")
    assert look("config").values["config.unresolved"] == 1, "no target is given it by itself"
    assert look("config", environment=True).values["config.unresolved"] == 0
    (site.root / "jwt").write_text(f"{SECRET}8\n")
    seen = look("config", secret_files={"JWT_SECRET": "jwt"})
    assert seen.values["config.unresolved"] == 0
    assert f"{SECRET}8" in site.secrets


def test_no_file_or_nothing_required(site: MemoryContext, look: Look) -> None:
    (site.root / ".env.staging").unlink()
    assert look("config").values == {"env.exists": False}
    staging(site)
    (site.root / ".env.staging.example").unlink()
    assert look("config").troubles == {"nothing-required": Outcome.UNKNOWN}
    site.only_here = {".env.staging"}
    assert look("config").troubles == {"only-here": Outcome.UNKNOWN}


# --- S31 ---------------------------------------------------------------------------------------------------------

DOLLARS = ("EATEN=pa$word-and-more", 'ALSO="x${HOME}y"', "KEPT='pa$word-and-more'", "PLAIN=pa5$-fine", "DOUBLE=a$$b")


@pytest.fixture
def compose(site: MemoryContext) -> MemoryContext:
    site.spec = TargetSpec("staging", "compose", {})
    staging(site, *DOLLARS)
    return site


def test_s31_the_round_trip_through_compose(bare_engine: Engine, compose: MemoryContext, look: Look) -> None:
    seen = look("config")
    eaten = {each.rpartition(":")[2] for each in seen.findings if each.startswith("eaten:")}
    assert {"EATEN", "ALSO"} <= eaten
    assert not {"KEPT", "PLAIN", "JWT_SECRET", "DATABASE_URL"} & eaten
    assert seen.values["config.unresolved"] == len(eaten)
    assert b"and-more" not in seen.stored


def test_s31_without_compose_a_dollar_is_looked_for(
    compose: MemoryContext, look: Look, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    programs = tmp_path_factory.mktemp("bin")
    for name in ("sh", "git"):
        (programs / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(programs))
    seen = look("config")
    eaten = {each.rpartition(":")[2] for each in seen.findings if each.startswith("eaten:")}
    assert {"EATEN", "ALSO"} <= eaten
    assert not {"KEPT", "PLAIN"} & eaten
    assert any("only a `$` is looked for" in note for note in seen.reading.notes)
