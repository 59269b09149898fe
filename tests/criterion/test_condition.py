"""`when:` conditions."""

from __future__ import annotations

from typing import Any

import pytest

from gonogo import criterion
from gonogo.errors import InputError, Span
from gonogo.model.plan import Subject

VARIABLES: dict[str, Any] = {
    "target": "local",
    "subject": Subject("a" * 40, branch="main", remote="", pushed=None, dirty=("x",)),
    "inputs": {"registry": "none", "GIT_SHA": "abc"},
    "machine": {"os": "linux"},
}


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ('target == "local"', True),
        ('target != "local"', False),
        ('subject.remote != ""', False),
        ("subject.clean", False),
        ('"x" in subject.dirty', True),
        ('inputs.registry == "none" && machine.os == "linux"', True),
        ('subject.branch in ["main", "release"]', True),
        ('subject.commit.startsWith("aaa")', True),
        ("false", False),
    ],
)
def test_a_condition_holds_or_not(expression: str, holds: bool) -> None:
    assert criterion.context(expression, VARIABLES) is holds


@pytest.mark.parametrize(
    ("expression", "slug"),
    [
        ('targt == "local"', "unknown-observation"),
        ("target == 1", "unlike-types"),
        ("target", "not-boolean"),
        ("subject.pushed", "condition-unknown"),
        ('target == "x" || subject.pushed', "condition-unknown"),
    ],
)
def test_what_cannot_be_told_decides_nothing(expression: str, slug: str) -> None:
    with pytest.raises(InputError) as caught:
        criterion.context(expression, VARIABLES, Span("gonogo.yaml", 3, 9, 0, f"  when: {expression}"))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.slug == slug
    assert diagnostic.span is not None
    assert (diagnostic.span.line, diagnostic.span.file) == (3, "gonogo.yaml")


def test_a_condition_is_checked_without_values() -> None:
    assert criterion.check_context('inputs.registry == "" && subject.pushed', ["registry"]).names == (
        "inputs.registry",
        "subject.pushed",
    )
    with pytest.raises(InputError, match=r"unknown observation `inputs\.registri`"):
        criterion.check_context('inputs.registri == ""', ["registry"])
