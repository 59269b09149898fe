"""`yaml gonogo` blocks over prose, and both forms saying the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gonogo.checklist import Loaded, explain
from gonogo.errors import Diagnostic

Loads = Callable[[str, str], Loaded]

PROSE = """# T

## Phase 1: One

- Lint (if you must):
  - Command: `npm run lint`
  - Pass: 0 errors; all is calm
  - Evidence: `lint.log`
  - Owner: Me
{gate}
{phase}
## Notes

Text.

{whole}
"""


def fenced(text: str, indent: str = "") -> str:
    lines = ["```yaml gonogo", *text.strip("\n").split("\n"), "```"]
    return "\n" + "\n".join(indent + line for line in lines)


def document(gate: str = "", phase: str = "", whole: str = "") -> str:
    return PROSE.format(
        gate=fenced(gate, "  ") if gate else "",
        phase=fenced(phase) + "\n" if phase else "",
        whole=fenced(whole) if whole else "",
    )


def test_a_field_of_a_block_replaces_the_proses(loads: Loads) -> None:
    gate = loads("a.md", document("owners: [You]\ntimeout: 2m\nneeds: []\nid: style")).checklist.gates[0]
    assert (gate.owners, gate.timeout, gate.id, len(gate.criteria)) == (("You",), 120.0, "style", 1)


def test_a_criterion_with_a_clause_answers_it_and_others_are_added(loads: Loads) -> None:
    text = document("criteria:\n  - {expression: lint.warnings == 0, clause: all is calm}\n  - lint.files > 0")
    loaded = loads("a.md", text)
    gate = loaded.checklist.gates[0]
    assert [c.expression for c in gate.criteria] == ["lint.errors == 0", "lint.warnings == 0", "lint.files > 0"]
    assert [q.text for q in gate.questions] == ["if you must"]
    assert [(r.clause, r.rules) for r in explain(loaded, "lint")] == [
        ("0 errors", ("lint",)),
        ("all is calm", ("yaml",)),
        ("lint.files > 0", ("yaml",)),
        ("if you must", ()),
    ]


def test_a_criterion_without_a_clause_does_not_weaken_the_prose(loads: Loads) -> None:
    gate = loads("a.md", document("criteria: [exit == 0]")).checklist.gates[0]
    assert [c.expression for c in gate.criteria] == ["lint.errors == 0", "exit == 0"]
    assert "all is calm" in [q.text for q in gate.questions]


def test_a_when_answers_the_condition(loads: Loads) -> None:
    gate = loads("a.md", document("when: {expression: target == 'local', reason: no need elsewhere}")).checklist.gates[
        0
    ]
    assert gate.when is not None
    assert [q.text for q in gate.questions] == ["all is calm"]


def test_commands_as_a_mapping_widen_the_proses_calls(loads: Loads) -> None:
    gate = loads(
        "a.md", document("commands:\n  1: {cwd: web, reports: [{path: out/l.json}]}\n  more: ls")
    ).checklist.gates[0]
    assert [(c.id, c.params) for c in gate.calls] == [
        ("1", {"run": "npm run lint", "cwd": "web", "reports": [{"path": "out/l.json"}]}),
        ("more", {"run": "ls"}),
    ]


def test_commands_as_a_list_replace_them(loads: Loads) -> None:
    assert [c.text for c in loads("a.md", document("commands: [ls]")).checklist.gates[0].calls] == ["ls"]


def test_a_block_of_a_phase(loads: Loads) -> None:
    text = document(
        phase="title: Uno\ngates:\n  - {id: lint, retries: 1}\n  - {title: More, owners: [Me], criteria: [exit == 0]}"
    )
    phase = loads("a.md", text).checklist.phases[0]
    assert (phase.title, [(g.id, g.retries) for g in phase.gates]) == ("Uno", [("lint", 1), ("more", 0)])
    assert phase.gates[0].owners == ("Me",)


WHOLE = """
inputs: {staging: the host}
phases:
  - {id: '1', gates: [{id: lint, exclusive: true}]}
  - {id: '2', gates: [{title: B, owners: [Me], criteria: [exit == 0], needs: [lint]}]}
"""


def test_a_block_for_the_whole_stands_in_any_section_or_at_the_end_of_the_last_phase(loads: Loads) -> None:
    in_section = loads("a.md", document(whole=WHOLE)).checklist
    in_phase = loads("b.md", document(phase=WHOLE)).checklist
    assert in_section == in_phase
    assert [i.meaning for i in in_section.inputs] == ["the host"]
    assert [(g.id, g.phase, g.exclusive) for g in in_section.gates] == [("lint", "1", True), ("b", "2", False)]
    assert in_section.other_sections == (("Notes", "Text."),)


def test_other_fences_are_text(loads: Loads) -> None:
    text = document("timeout: 2m").replace("yaml gonogo", "yaml")
    gate = loads("a.md", text).checklist.gates[0]
    assert (gate.timeout, gate.unread) == (900.0, ("```yaml\ntimeout: 2m\n```",))


@pytest.mark.parametrize("text", ["- a\n- b", "just words"])
def test_a_block_must_be_a_mapping(mistakes: Callable[[str, str], tuple[Diagnostic, ...]], text: str) -> None:
    found = mistakes("a.md", document(text))
    assert [(d.slug, d.span.line if d.span else 0) for d in found] == [("wrong-type", 11)]


BOTH_MD = """# Ready

Objective: ship.

Assumptions

- Node 20

## Phase 1: Look

- Lint:
  - Commands: `npm run lint` (from `web/`); verify with `npm run check`
  - Pass: 0 errors; Web ✅ in verify output
  - Evidence: `out/lint.json`; `lint.log`; notes
  - Owner: Ada, Grace
  - CI job: `lint` | Cache: by lock file

  ```yaml gonogo
  timeout: 5m
  ```

## PR Evidence Bundle

- Lint: `out/lint.json`, notes

## CI Job Map

- lint: `npm run lint`; cache by lock file
"""

BOTH_YAML = """
gonogo: 1
title: Ready
objective: ship.
assumptions: [Node 20]
phases:
  - id: 1
    title: Look
    gates:
      - title: Lint
        owners: [Ada, Grace]
        commands:
          - {run: npm run lint, cwd: web}
          - {label: verify, run: npm run check}
        pass: 0 errors; Web ✅ in verify output
        criteria:
          - {expression: lint.errors == 0, clause: 0 errors}
          - {expression: 'output.marked("Web")', clause: Web ✅ in verify output, calls: [verify]}
        evidence: [out/lint.json, lint.log, notes]
        ci_jobs: [lint]
        cache: by lock file
        timeout: 300
evidence_bundle:
  - {group: Lint, items: [out/lint.json, notes]}
ci_jobs:
  - {id: lint, text: '`npm run lint`; cache by lock file', commands: [npm run lint], cache: by lock file}
"""


def test_both_forms_are_the_same_checklist(loads: Loads) -> None:
    assert loads("a.md", BOTH_MD).checklist == loads("a.yaml", BOTH_YAML).checklist
