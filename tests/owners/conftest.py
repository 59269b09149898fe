"""A directory for private halves, and keys that are quick to make."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.owners import keys


@pytest.fixture
def key_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`$GONOGO_KEYS` of this test."""
    place = tmp_path / "keys"
    monkeypatch.setenv(keys.DIRECTORY_VARIABLE, str(place))
    monkeypatch.delenv(keys.PASSPHRASE_VARIABLE, raising=False)
    monkeypatch.setattr(keys, "ROUNDS", 1)
    return place
