from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    root = tmp_path / "a repository"
    root.mkdir()
    made = Place(root)
    made.git("init", "-q", "-b", "main")
    made.write("a.txt", "one\n")
    made.write("b.txt", "two\n")
    made.write(".gitignore", "out/\nnode_modules/\n*.log\n.env*\n")
    made.commit()
    yield made
    (root / "out").mkdir(exist_ok=True)
    (root / "out/go").touch()  # whatever a failed test left waiting
