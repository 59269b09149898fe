"""A repository whose runs are told to others, and nothing of the machine that would be heard beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.telemetry import courier
from tests.engine.place import Place
from tests.telemetry.watching import Watching


@pytest.fixture(autouse=True)
def _nothing_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of it, and no haste: it may be busy."""
    monkeypatch.setattr(courier, "AT_MOST", 60.0)
    monkeypatch.setattr(courier, "_PATIENCE", 20.0)
    for name in ("TRACEPARENT", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "repository")
    made.root.mkdir()
    made.git("init", "-q", "-b", "main")
    made.write("a.txt", "one\n")
    made.commit()
    return made


@pytest.fixture
def watching(place: Place) -> Watching:
    return Watching(place)
