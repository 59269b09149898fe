"""The smallest probes: a question, and one file."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from gonogo.model.outcome import Outcome
from gonogo.probes.person import PersonParams
from tests.probes.conftest import Look, MemoryContext


def test_a_question_waits(look: Look) -> None:
    seen = look("person", question="Is the site live?")
    assert seen.troubles == {"waiting": Outcome.UNKNOWN}
    assert seen.values == {}
    assert "Is the site live?" in seen.reading.troubles[0].message


def test_a_checklist_cannot_answer_for_its_owners() -> None:
    assert [field.name for field in dataclasses.fields(PersonParams)] == ["question"]


def test_a_file(look: Look, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"12345")
    seen = look("file", path="a.txt")
    assert seen.values == {"file.exists": True, "file.bytes": 5}
    assert b"12345" not in seen.stored


def test_no_file(look: Look, tmp_path: Path) -> None:
    assert look("file", path="a.txt").values == {"file.exists": False}
    assert look("file", path=".").values == {"file.exists": False}


def test_a_file_of_this_machine_only(look: Look, context: MemoryContext, tmp_path: Path) -> None:
    (tmp_path / ".env.staging").write_text("A=1", encoding="utf-8")
    context.only_here = {".env.staging"}
    seen = look("file", path=".env.staging")
    assert seen.troubles == {"only-here": Outcome.UNKNOWN}
    assert seen.values == {}
