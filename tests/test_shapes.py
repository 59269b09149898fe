"""Each shape of a secret is found by both who look for it: whoever keeps output, and whoever reads tracked files."""

from __future__ import annotations

import re

import pytest

from gonogo.evidence.redact import Redactor
from gonogo.shapes import SHAPES, Shape


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.rule)
def test_the_example_is_found_by_both(shape: Shape) -> None:
    text = b"before " + shape.example + b" after"
    match = shape.compiled.search(text)
    assert match is not None
    assert re.search(shape.search.encode(), text), "git would not name the file"
    secret = match[match.lastindex or 0]
    assert secret.strip() not in Redactor().bytes(text)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.rule)
def test_every_match_begins_with_an_anchor(shape: Shape) -> None:
    match = shape.compiled.search(shape.example)
    assert match is not None
    assert match[0].startswith(shape.anchors)
    assert len(match[0]) <= shape.reach


def test_names_are_unique() -> None:
    assert len({shape.rule for shape in SHAPES}) == len(SHAPES)
