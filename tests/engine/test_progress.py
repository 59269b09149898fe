"""What an unfinished call remembers: kept where `kill -9` does not reach it, and only for the same question."""

from __future__ import annotations

from pathlib import Path

from gonogo.engine.progress import Progress


def test_what_was_saved_is_there_for_the_next_attempt(tmp_path: Path) -> None:
    Progress(tmp_path / "run", "guards-2", "p1").save('{"samples":[1,2]}')
    assert Progress(tmp_path / "run", "guards-2", "p1").load() == {"samples": [1, 2]}


def test_what_was_saved_for_other_params_is_not_taken_up(tmp_path: Path) -> None:
    Progress(tmp_path, "guards-2", "p1").save('{"samples":[1,2]}')
    assert Progress(tmp_path, "guards-2", "p2").load() is None


def test_a_file_that_cannot_be_read_is_as_good_as_none(tmp_path: Path) -> None:
    progress = Progress(tmp_path, "guards-2", "p1")
    assert progress.load() is None
    progress.save('{"samples":[1,2]}')
    progress.path.write_text(progress.path.read_text()[:-5])
    assert progress.load() is None
    progress.path.write_text("[1]")
    assert progress.load() is None


def test_dropped_is_forgotten_and_dropping_twice_is_no_mistake(tmp_path: Path) -> None:
    progress = Progress(tmp_path, "guards-2", "p1")
    progress.save("{}")
    progress.drop()
    progress.drop()
    assert progress.load() is None
