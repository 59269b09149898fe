"""Plain scalars as YAML 1.2's core schema reads them, whichever parser is underneath."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml as pyyaml

from gonogo.text.source import Problems, Source
from gonogo.text.yaml import _composer, parse


@pytest.fixture(params=["C", "Python"], autouse=True)
def _either_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if request.param == "Python":
        monkeypatch.delattr(pyyaml, "CBaseLoader", raising=False)
    _composer.cache_clear()
    yield
    _composer.cache_clear()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("on", "on"),
        ("~", None),
        ("", None),
        ("17", 17),
        ("-1_000", -1000),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("1:30", "1:30"),
        ("6.5", 6.5),
        ("1e3", 1000.0),
        ("-.5", -0.5),
        ("1.2.3", "1.2.3"),
        ("2026-11-22", "2026-11-22"),
        ("=", "="),
        ("'1'", "1"),
        ("'<<'", "<<"),
        ("!!str 1", "1"),
        (">-\n  a\n  b", "a b"),
    ],
)
def test_a_scalar(written: str, meant: Any) -> None:
    problems = Problems()
    found = parse(Source.of("a.yaml", f"k: {written}\n"), problems)
    assert problems.found == []
    assert found is not None
    assert found.data() == {"k": meant}


def test_places() -> None:
    text = "a: 1\nb: ['x', é: \"y\"]\n"
    found = parse(Source.of("a.yaml", text), Problems())
    assert found is not None
    items = found.mapping["b"].items if found.mapping else None
    assert items is not None
    assert [(i.span.line, i.span.column, i.span.end) for i in items if i.span] == [(2, 6, 7), (2, 10, 16)]


def test_ten_thousand_levels() -> None:
    problems = Problems()
    assert parse(Source.of("a.yaml", "[" * 10_000), problems) is None
    assert [found.slug for found in problems.found] == ["yaml-explodes"]
