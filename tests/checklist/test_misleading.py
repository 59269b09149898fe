"""Checklists that would be green, or early, for the wrong reason: headings and commands that mislead."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gonogo.checklist import Loaded
from gonogo.errors import Diagnostic, Severity
from tests.checklist.test_bad_input import caret, gate, only

Mistakes = Callable[[str, str], tuple[Diagnostic, ...]]
Loads = Callable[[str, str], Loaded]

GATE_OF_PROSE = "- Lint:\n  - Command: `npm run lint`\n  - Owner: Ada\n  - Pass: exit 0\n"


@pytest.mark.parametrize("marks", ["###", "####"])
def test_a_phase_at_another_level_would_run_its_gates_early(mistakes: Mistakes, marks: str) -> None:
    later = GATE_OF_PROSE.replace("Lint", "Go")
    text = f"# T\n\n## Phase 1: check\n\n{GATE_OF_PROSE}\n{marks} Phase 2: ship\n\n{later}"
    found = only(mistakes("a.md", text), "phase-heading-level")
    assert (caret(found), found.help) == ("Phase 2: ship", "write `## Phase 2: ship`")


def test_a_first_phase_in_the_place_of_the_title_would_lose_its_gates(mistakes: Mistakes) -> None:
    later = GATE_OF_PROSE.replace("Lint", "Go")
    text = f"# Phase 1: check\n\n{GATE_OF_PROSE}\n## Phase 2: ship\n\n{later}"
    found = only(mistakes("a.md", text), "phase-heading-level")
    assert (caret(found), found.help) == ("Phase 1: check", "write `## Phase 1: check`")


@pytest.mark.parametrize("heading", ["### Phase alignment", "### Phases 1 and 2", "### Phase 2 of the moon"])
def test_a_heading_that_only_begins_like_a_phase_is_text(loads: Loads, heading: str) -> None:
    assert loads("a.md", f"# T\n\n## Phase 1: check\n\n{GATE_OF_PROSE}\n{heading}\n").checklist.gates


@pytest.mark.parametrize(
    ("line", "end"),
    [
        ("npm test || true", "|| true"),
        ("npm test; true", "; true"),
        ("npm test ||:", "||:"),
        ("npm test || exit 0", "|| exit 0"),
        ("(cd a && npm test || true)", "|| true"),
    ],
)
@pytest.mark.parametrize("form", ["yaml", "md"])
def test_a_command_that_cannot_fail(loads: Loads, line: str, end: str, form: str) -> None:
    prose = f"# T\n\n## Phase 1: check\n\n{GATE_OF_PROSE.replace('npm run lint', line)}"
    text = prose if form == "md" else gate("note: n").replace("[npm run lint]", f"['{line}']")
    (found,) = [d for d in loads(f"a.{form}", text).warnings if d.slug == "cannot-fail"]
    assert (caret(found), found.help, found.severity) == (end, f"remove `{end}`", Severity.WARNING)


@pytest.mark.parametrize(
    "line",
    ["true", "npm test && true", 'sh -c "npm test || true" x', "npm test # || true", "a || exit 1; true", "a; truest"],
)
def test_a_command_that_can_fail(loads: Loads, line: str) -> None:
    text = gate("note: n").replace("[npm run lint]", f"['{line}']")
    assert "cannot-fail" not in [d.slug for d in loads("a.yaml", text).warnings]
