"""Parity of env files by key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gonogo import plugins
from gonogo.model.outcome import Outcome
from tests.probes.conftest import Look, MemoryContext

FILES = {"template": ".env.example", "file": ".env.staging.example"}


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = {"template": ".env.example", "file": ".env.staging.example", "compose": "docker-compose.yml"}[name]
        (root / path).write_text(text, encoding="utf-8")


def test_raw_difference_is_no_difference(look: Look, tmp_path: Path) -> None:
    write(tmp_path, template="# development\nA=1\nB=dev\n", file="B=staging\n\n# other words\nA=2\n")
    seen = look("dotenv", **FILES)
    assert seen.values["parity.missing"] == 0
    assert seen.values["parity.extra"] == 0
    assert seen.values["parity.keys"] == 2
    assert seen.values["env.exists"] is True
    assert seen.findings == []
    assert seen.troubles == {}


def test_one_key_missing_names_its_place_and_no_value(look: Look, tmp_path: Path) -> None:
    write(tmp_path, template="A=1\nTOKEN=very-secret-value\n", file="A=another-secret\nEXTRA=third-secret\n")
    seen = look("dotenv", **FILES)
    assert seen.values["parity.missing"] == 1
    assert seen.values["parity.extra"] == 1
    missing, extra = seen.reading.findings
    assert (missing.id, missing.path, missing.line) == ("missing:.env.staging.example:TOKEN", ".env.example", 2)
    assert (extra.path, extra.line) == (".env.staging.example", 2)
    for value in (b"very-secret-value", b"another-secret", b"third-secret"):
        assert value not in seen.stored


def test_only_placeholders(look: Look, tmp_path: Path) -> None:
    write(tmp_path, template="A=1\nB=2\nC=3\n", file="A=<generate-me>\nB=changeme\nC=fine\n")
    seen = look("dotenv", **FILES)
    assert seen.values["parity.missing"] == 0
    assert seen.values["placeholders"] == 2
    assert [f.line for f in seen.reading.findings] == [1, 2]


def test_duplicates_and_empty_values(look: Look, tmp_path: Path) -> None:
    write(tmp_path, template="A=1\nB=\n", file="A=1\nB=\nA=changeme\n")
    seen = look("dotenv", **FILES)
    assert seen.values["parity.duplicate"] == 1
    assert seen.values["parity.empty"] == 1
    assert seen.values["placeholders"] == 1, "the last assignment is the one that counts"


def test_an_absent_file_is_a_fact(look: Look, tmp_path: Path) -> None:
    write(tmp_path, template="A=1\n")
    seen = look("dotenv", **FILES)
    assert seen.values == {"env.exists": False}
    assert seen.findings == ["absent:.env.staging.example"]


def test_without_a_template_nothing_was_compared(look: Look, tmp_path: Path) -> None:
    write(tmp_path, file="A=1\n")
    seen = look("dotenv", **FILES)
    assert seen.troubles == {"no-template": Outcome.UNKNOWN}
    assert seen.values == {}


def test_an_empty_template_asks_nothing(look: Look, tmp_path: Path) -> None:
    write(tmp_path, template="# nothing yet\n", file="A=1\n")
    seen = look("dotenv", **FILES)
    assert seen.troubles == {"empty-template": Outcome.UNKNOWN}
    assert "parity.missing" not in seen.values


def test_a_file_that_only_this_machine_has(look: Look, context: MemoryContext, tmp_path: Path) -> None:
    write(tmp_path, template="A=1\n", file="A=1\n")
    context.only_here = {".env.staging.example"}
    seen = look("dotenv", **FILES)
    assert seen.troubles == {"only-here": Outcome.UNKNOWN}
    assert seen.values == {}


def test_a_file_that_is_no_text(look: Look, tmp_path: Path) -> None:
    write(tmp_path, template="A=1\n")
    (tmp_path / ".env.staging.example").write_bytes("A=1\n".encode("utf-16"))
    assert look("dotenv", **FILES).troubles == {"unreadable": Outcome.UNKNOWN}


def test_variables_that_compose_files_need(look: Look, tmp_path: Path) -> None:
    write(
        tmp_path,
        template="A=1\n",
        file="A=1\n",
        compose=(
            "services:\n"
            "  app:\n"
            "    image: app:${TAG:?say which}  # ${COMMENT}\n"
            "    # ${ALSO_COMMENT}\n"
            "    command: sh -c 'echo $$ESCAPED $${ESCAPED}'\n"
            "    environment:\n"
            "      A: ${A}\n"
            "      B: ${WITH_DEFAULT:-x} ${WITH_DEFAULT2-x} ${REPLACED:+x}\n"
            "      C: $PLAIN\n"
            "      D: ${BRACED}\n"
            "      E: ${OUTER:-${INNER}}\n"
        ),
    )
    seen = look("dotenv", **FILES)
    assert sorted(seen.findings) == [
        "unnamed:docker-compose.yml:BRACED",
        "unnamed:docker-compose.yml:INNER",
        "unnamed:docker-compose.yml:PLAIN",
        "unnamed:docker-compose.yml:TAG",
    ]
    assert seen.values["parity.unnamed"] == 4
    assert next(f.line for f in seen.reading.findings if f.id.endswith("TAG")) == 3


def test_a_compose_file_that_is_named_must_be_there(look: Look, tmp_path: Path) -> None:
    write(tmp_path, template="A=1\n", file="A=1\n")
    seen = look("dotenv", **FILES, compose=("config/prod.yml",))
    assert seen.troubles == {"no-compose-file": Outcome.UNKNOWN}
    assert seen.values == {}


def test_lines_that_were_not_understood_are_shown(look: Look, tmp_path: Path) -> None:
    write(tmp_path, template="A=1\n", file="A=1\nB\n")
    assert look("dotenv", **FILES).reading.notes == (".env.staging.example:2 is neither assignment nor comment",)


@pytest.mark.parametrize(
    ("text", "template", "file"),
    [
        ("Diff `.env.example` vs `.env.staging.example`", ".env.example", ".env.staging.example"),
        ("diff .env.example .env.staging.example", ".env.example", ".env.staging.example"),
        ("`diff .env.staging .env.staging.example`", ".env.staging.example", ".env.staging"),
        ("Compare the keys of `.env.example` with `.env.staging`.", ".env.example", ".env.staging"),
        ("Compare `backend/.env.example` and `backend/.env`", "backend/.env.example", "backend/.env"),
    ],
)
def test_a_diff_of_env_files_whatever_the_wording(text: str, template: str, file: str) -> None:
    (phrase,) = plugins.builtin(("probes",)).probe("dotenv").phrases
    match = re.fullmatch(phrase.pattern, text, re.IGNORECASE)
    assert match
    assert dict(phrase.params(match)) == {"template": template, "file": file}


@pytest.mark.parametrize("text", ["Diff `a.txt` vs `b.txt`", "cp .env.example .env.staging", "source .env.example"])
def test_no_diff_of_env_files(text: str) -> None:
    (phrase,) = plugins.builtin(("probes",)).probe("dotenv").phrases
    assert not re.fullmatch(phrase.pattern, text, re.IGNORECASE)
