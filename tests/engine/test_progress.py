"""What an unfinished call remembers: kept where `kill -9` does not reach it, and only for the same question."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from gonogo import plugins
from gonogo.engine.progress import Progress
from gonogo.model.capture import Capture
from gonogo.model.checklist import Call
from gonogo.plugins import Context, probe
from tests.engine import place as places
from tests.engine.place import Place, gate, outcomes, verdict


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


@dataclass(frozen=True)
class Nothing:
    """No params."""


@probe("watches")
def watches(_params: Nothing, context: Context) -> Capture:
    """Fails, and says whether an attempt before it left something."""
    before = context.remembered()
    context.remember({"samples": [1]})
    ran = context.run("false")
    return Capture("watches", "watch", blobs=(ran.stdout, ran.stderr), exit=1, notes=(f"before: {before}",))


def test_a_call_that_ended_is_forgotten_and_tried_again_from_its_start(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelves = plugins.load()
    for kind in plugins.kinds_in(sys.modules[__name__]):
        shelves.add(kind)
    monkeypatch.setattr(places, "registry", lambda: shelves)
    run = place.run(gate("soak", Call("1", "watches"), retries=1))
    assert (outcomes(run), verdict(run, "soak").attempts) == ({"soak": "FAIL"}, 2)
    assert "before: None" in verdict(run, "soak").notes
