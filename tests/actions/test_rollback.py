"""The rollback drill is declared: an action that changes nothing yet, and is never green."""

from __future__ import annotations

from pathlib import Path

from gonogo import plugins
from gonogo.model.checklist import Effect
from gonogo.model.outcome import Outcome
from tests.probes.conftest import MemoryContext


def test_it_is_a_write_that_does_nothing(tmp_path: Path) -> None:
    kind = plugins.builtin().probe("rollback")
    assert kind.effect is Effect.WRITE
    assert kind.exclusive
    context = MemoryContext(tmp_path)
    capture = kind.function(kind.params(), context)
    assert [trouble.outcome for trouble in capture.troubles] == [Outcome.UNKNOWN]
    assert capture.exit is None
    assert context.blobs == {}
    assert list(tmp_path.iterdir()) == []
