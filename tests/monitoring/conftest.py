from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.monitoring.servers import SWITCHES, Stack, running
from tests.probes.conftest import MemoryContext

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One stack for all tests of a module: Prometheus takes five seconds to find its targets."""
    with running(tmp_path_factory.mktemp("stack")) as made:
        made.app.release(COMMIT, more=SWITCHES)
        yield made.start().settled()


@pytest.fixture
def stack(lasting: Stack) -> Stack:
    """A healthy stack that a test may break: nothing fires, nothing is silenced, everything is evaluated."""
    lasting.app.release(COMMIT, more=SWITCHES)
    return lasting.reset(lasting.app.text)


@pytest.fixture
def context(tmp_path: Path) -> MemoryContext:
    return MemoryContext(tmp_path)
