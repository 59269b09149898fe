from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.monitoring.servers import SWITCHES, Stack, running
from tests.probes.conftest import MemoryContext

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A healthy stack of its own, for a test that breaks it."""
    with running(tmp_path / "stack") as made:
        made.app.release(COMMIT, more=SWITCHES)
        yield made.start().settled()


@pytest.fixture
def context(tmp_path: Path) -> MemoryContext:
    return MemoryContext(tmp_path)
