"""Which values are secrets: telling the plainly public apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.evidence.redact import Redactor
from gonogo.evidence.secrets import from_variables, harvest, public, too_weak


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("NODE_ENV", "production"),
        ("PORT", "3000"),
        ("DEBUG", "true"),
        ("RATE_WINDOW", "15m"),
        ("FRONTEND_URL", "https://portal.example/app"),
        ("CORS_ORIGINS", "http://localhost:3000,https://portal.example"),
        ("POSTGRES_DB", "portal_staging"),
        ("REDIS_HOST", "cache.internal"),
        ("LOG_LEVEL", "verbose"),
        ("JWT_SECRET", "<generate-with-openssl>"),
        ("JWT_SECRET", "${FROM_VAULT}"),
        ("ADMIN_PASSWORD", "changeme"),
        ("EMPTY", ""),
    ],
)
def test_plainly_public(key: str, value: str) -> None:
    assert public(key, value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("JWT_SECRET", "staging-portal"),
        ("ANYTHING", "who knows"),
        ("DATABASE_URL", "postgres://portal:pw@db/portal"),
        ("WEBHOOK_URL", "https://hooks.example/services/T0123/B0123/abcDEF123456ghiJKL"),
        ("SENTRY", "https://portal.example/?key=abc"),
        ("SERVICE_NAME", "f81d4fae7dec11d0a76500a0c91e6bf6"),
        ("API_KEY_NAME", "abc-def"),
        ("USERNAME_OF_ADMIN", "root-portal"),
    ],
)
def test_when_in_doubt_it_is_a_secret(key: str, value: str) -> None:
    assert not public(key, value)


def test_harvest_takes_secrets_only_and_each_once(tmp_path: Path) -> None:
    one, two = tmp_path / ".env", tmp_path / ".env.staging"
    one.write_text("NODE_ENV=test\nJWT_SECRET=0123456789abcdef\nDB_PASSWORD=pass-word-1\n")
    two.write_bytes(b"JWT_SECRET=0123456789abcdef\r\nLATIN=caf\xe9-secret\r\n")
    found = harvest([one, two, tmp_path / "missing", tmp_path])
    assert found == ["0123456789abcdef", "pass-word-1", "caf\udce9-secret"]
    assert Redactor(found).bytes(b"caf\xe9-secret pass-word-1") == b"[redacted] [redacted]"


def test_of_a_template_only_what_looks_drawn_by_lot(tmp_path: Path) -> None:
    path = tmp_path / ".env.staging.example"
    path.write_text(
        "JWT_ISSUER=portal-staging\nJWT_SECRET=your-secret-here\nLEAKED_KEY=9f86d081884c7d659a2feaa0c55ad015\n"
    )
    assert harvest([path]) == ["9f86d081884c7d659a2feaa0c55ad015"]


def test_variables_are_told_by_their_names() -> None:
    variables = {"GITHUB_TOKEN": "abcdefgh", "HOME": "/root", "DB_PASSWORD": "x", "DEBUG": "1"}
    variables |= {"SSH_AUTH_SOCK": "/tmp/ssh-x/agent.1", "APP_KEY": "/x+y=z"}
    assert set(from_variables(variables)) == {"abcdefgh", "x", "/x+y=z"}


def test_s75_weak_secrets_are_named_by_key_and_line_never_by_value(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("JWT_SECRET=0123456789abcdef\nAPP_TOKEN=app\nDB_PASSWORD=Portal\n")
    assert too_weak([path], common=["portal"]) == [
        f"`APP_TOKEN` in {path}:2 cannot be redacted by value: shorter than 6 characters",
        f"`DB_PASSWORD` in {path}:3 cannot be redacted by value: a common word",
    ]
