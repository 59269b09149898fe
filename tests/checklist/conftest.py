from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gonogo import plugins
from gonogo.checklist import Loaded, load
from gonogo.checklist.schema import KINDS
from gonogo.errors import Diagnostic, InputError
from gonogo.plugins import Registry

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "checklist"


@pytest.fixture(scope="session")
def registry() -> Registry:
    return plugins.builtin(KINDS)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def loads(write: Callable[[str, str], Path], registry: Registry) -> Callable[[str, str], Loaded]:
    """The text, loaded from a file of that name."""
    return lambda name, text: load(write(name, text), registry)


@pytest.fixture
def mistakes(loads: Callable[[str, str], Loaded]) -> Callable[[str, str], tuple[Diagnostic, ...]]:
    """Everything that is wrong with the text."""

    def mistakes(name: str, text: str) -> tuple[Diagnostic, ...]:
        with pytest.raises(InputError) as caught:
            loads(name, text)
        return caught.value.diagnostics

    return mistakes
