"""The tiny project, on the real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.bed import Engine
from tests.targets.compose.tiny import Tiny


@pytest.fixture
def tiny(engine: Engine, compose_project: str, tmp_path: Path) -> Iterator[Tiny]:
    """A tiny project of its own; nothing is built or started yet."""
    made = Tiny(tmp_path / "tiny project", engine, compose_project)
    yield made
    made.clean()
