"""The reference pages that are committed are those that the code gives."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from gonogo import plugins
from gonogo.cli.docs import pages
from gonogo.cli.reference import field_docs, type_name
from gonogo.model.outcome import ExitCode

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PAGES = (
    "probes.md",
    "tools.md",
    "parsers.md",
    "targets.md",
    "observations.md",
    "kinds.md",
    "notices.md",
    "exit-codes.md",
    "cli.md",
)


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_what_the_code_gives(name: str) -> None:
    given = pages(plugins.builtin())[name]
    assert (REFERENCE / name).read_text() == given, "run `make docs`"


def test_every_generated_page_is_compared() -> None:
    assert set(pages(plugins.builtin())) == set(PAGES)


def test_every_kind_observation_and_exit_code_is_on_its_page() -> None:
    registry = plugins.builtin()
    given = pages(registry)
    assert all(f"\n## {name}\n" in given["probes.md"] for name in registry.probes)
    assert all(f"\n## {name}\n" in given["tools.md"] for name in registry.tools)
    assert all(f"\n## {name}\n" in given["parsers.md"] for name in registry.parsers)
    assert all(f"\n## {name}\n" in given["targets.md"] for name in registry.targets)
    assert "\n### `services`\n" in given["targets.md"], "what a nested mapping holds"
    assert all(f"| `{name}` |" in given["observations.md"] for name in registry.observation_types)
    assert all(f"| {int(code)} |" in given["exit-codes.md"] for code in ExitCode)


def test_every_param_has_a_meaning() -> None:
    for probe in plugins.builtin().probes.values():
        missing = {field.name for field in dataclasses.fields(probe.params)} - set(field_docs(probe.params))
        assert not missing, f"{probe.name}: {missing}"


def test_types_are_said_in_words() -> None:
    assert type_name(dict[str, str]) == "mapping of text"
    assert type_name(tuple[str, ...]) == "list of text"
    assert type_name(float | None) == "number"
