"""Every mistake at once, each with its place, its caret and an order that mends it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gonogo.checklist import Loaded, find, load
from gonogo.errors import Diagnostic, InputError, Severity, render
from gonogo.plugins import Registry
from tests.everybody import as_everybody

Mistakes = Callable[[str, str], tuple[Diagnostic, ...]]
Loads = Callable[[str, str], Loaded]
Write = Callable[[str, str], Path]

HEAD = "title: T\nphases:\n  - id: '1'\n    title: One\n    gates:\n"
GATE = "      - title: Lint\n        owners: [Backend]\n        commands: [npm run lint]\n"


def gate(*lines: str) -> str:
    """A good gate with more lines; without a criterion of its own, it gets one."""
    more = (
        lines
        if any(line.startswith(("criteria", "questions")) for line in lines)
        else ("criteria: [exit == 0]", *lines)
    )
    return HEAD + GATE + "".join(f"        {line}\n" for line in more)


def only(found: tuple[Diagnostic, ...], slug: str) -> Diagnostic:
    assert [d.slug for d in found] == [slug], [render(d) for d in found]
    assert found[0].span is not None
    assert found[0].help
    assert not found[0].message.endswith(".")
    return found[0]


def caret(diagnostic: Diagnostic) -> str:
    """What the caret underlines."""
    span = diagnostic.span
    assert span is not None
    return span.source[span.column - 1 : span.end - 1]


def test_a_good_gate_is_good(loads: Loads) -> None:
    assert loads("a.yaml", gate()).checklist.gates[0].id == "lint"


def test_duplicate_keys_name_both_places(mistakes: Mistakes) -> None:
    found = only(mistakes("a.yaml", gate("note: one", "note: two")), "duplicate-key")
    assert (caret(found), found.label) == ("note", "first on line 10")
    assert found.span is not None
    assert (found.span.line, found.span.column) == (11, 9)


def test_unknown_field_with_the_nearest(mistakes: Mistakes) -> None:
    found = only(mistakes("a.yaml", gate("timout: 5m")), "unknown-field")
    assert (caret(found), found.label) == ("timout", "did you mean `timeout`?")


def test_unknown_field_of_a_call_and_below_it(mistakes: Mistakes) -> None:
    text = gate("note: n").replace("[npm run lint]", "[{run: x, cdw: a}, {run: x, reports: [{pth: b}]}]")
    found = mistakes("a.yaml", text)
    assert [(d.slug, caret(d), d.label) for d in found] == [
        ("unknown-field", "cdw", "did you mean `cwd`?"),
        ("unknown-field", "pth", "did you mean `path`?"),
    ]


def test_unknown_kind_with_the_nearest(mistakes: Mistakes) -> None:
    text = gate("note: n").replace("[npm run lint]", "[{kind: dotnev, file: a}]")
    found = only(mistakes("a.yaml", text), "unknown-kind")
    assert (caret(found), found.label) == ("dotnev", "did you mean `dotenv`?")


def test_a_param_that_is_missing_or_of_the_wrong_type(mistakes: Mistakes) -> None:
    text = gate("note: n").replace("[npm run lint]", "[{kind: dotenv, file: a}, {run: [x]}, {run: x, env: {A: 1}}]")
    found = mistakes("a.yaml", text)
    assert [(d.slug, caret(d)) for d in found[1:]] == [("wrong-type", "[x]"), ("wrong-type", "1")]
    assert (found[0].slug, found[0].message) == ("missing-param", "a `dotenv` call without `template`")


def test_unknown_observation_with_a_caret_inside_the_criterion(mistakes: Mistakes) -> None:
    found = only(mistakes("a.yaml", gate('criteria: ["lint.errors == 0 && lint.erors > 1"]')), "unknown-observation")
    assert caret(found) == "lint.erors"
    assert "lint.errors" in found.label
    assert found.span is not None
    assert (found.span.line, found.span.column) == (9, 41)


def test_unknown_observation_on_a_line_of_its_own(mistakes: Mistakes) -> None:
    found = only(mistakes("a.yaml", gate("criteria:", "  - expression: 0 == lint.erors")), "unknown-observation")
    assert caret(found) == "lint.erors"


@pytest.mark.parametrize("expression", ['lint.errors == "none"', "lint.errors", "lint.errors + 1", "1 == 1"])
def test_criterion_of_the_wrong_type(mistakes: Mistakes, expression: str) -> None:
    found = mistakes("a.yaml", gate("criteria:", f"  - '{expression}'"))
    assert len(found) == 1
    assert found[0].span is not None
    assert found[0].span.line == 10


def test_criterion_that_is_no_expression(mistakes: Mistakes) -> None:
    found = mistakes("a.yaml", gate("criteria: ['lint.errors ==']"))
    assert [d.span.line if d.span else 0 for d in found] == [9]


def test_a_cycle_is_told_once_as_a_way(mistakes: Mistakes) -> None:
    one = "      - {title: A, owners: [X], criteria: [exit == 0], needs: [c]}\n"
    two = "      - {title: B, owners: [X], criteria: [exit == 0], needs: [a]}\n"
    three = "      - {title: C, owners: [X], criteria: [exit == 0], needs: [b]}\n"
    found = only(mistakes("a.yaml", HEAD + one + two + three), "cycle")
    assert found.message == "gates need each other: `a` -> `c` -> `b` -> `a`"
    assert caret(found) == "c"


def test_a_gate_that_needs_itself(mistakes: Mistakes) -> None:
    assert "`lint` -> `lint`" in only(mistakes("a.yaml", gate("needs: [lint]")), "cycle").message


def test_needs_that_do_not_exist_or_run_later(mistakes: Mistakes) -> None:
    later = "  - id: '2'\n    gates:\n      - {title: Later, owners: [X], criteria: [exit == 0]}\n"
    found = mistakes("a.yaml", gate("needs: [later, lnt]") + later)
    assert [(d.slug, caret(d)) for d in found] == [("needs-later-phase", "later"), ("unknown-gate", "lnt")]
    assert found[1].label == "did you mean `lint`?"


def test_a_yaml_gate_without_owner_or_criterion(mistakes: Mistakes) -> None:
    found = mistakes("a.yaml", HEAD + "      - {title: A, commands: [x]}\n")
    assert [d.slug for d in found] == ["no-owner", "no-criterion"]
    assert {caret(d) for d in found} == {"A"}


def test_a_yaml_gate_that_says_so_on_purpose_is_a_warning(loads: Loads) -> None:
    loaded = loads("a.yaml", HEAD + "      - {title: A, owners: [], criteria: []}\n")
    assert [(d.slug, d.severity) for d in loaded.warnings] == [
        ("no-owner", Severity.WARNING),
        ("no-criterion", Severity.WARNING),
    ]
    assert [(q.id, q.text) for q in loaded.checklist.gates[0].questions] == [("a.1", "A")]


def test_a_markdown_gate_without_owner_or_criterion_is_a_warning(loads: Loads) -> None:
    loaded = loads("a.md", "# T\n\n## Phase 1: One\n\n- Look:\n  - Command: `ls`\n")
    assert [(d.slug, d.severity) for d in loaded.warnings] == [
        ("no-owner", Severity.WARNING),
        ("no-criterion", Severity.WARNING),
    ]
    assert [q.text for q in loaded.checklist.gates[0].questions] == ["Look"]


def test_several_mistakes_are_told_together_and_in_order(mistakes: Mistakes) -> None:
    text = (
        "titel: T\nphases:\n  - id: 1\n    gates:\n      - title: A\n        commands: [{kind: htpp}]\n"
        "        criteria: [lint.erors == 0]\n        timeout: soon\n        timeout: 3\n"
        "      - title: A\n        owners: Backend\n        criteria: [exit == 0]\n        needs: [b]\n"
    )
    found = mistakes("a.yaml", text)
    assert [(d.slug, d.span.line if d.span else 0) for d in found if d.severity is Severity.ERROR] == [
        ("unknown-field", 1),
        ("missing-field", 1),
        ("no-owner", 5),
        ("unknown-kind", 6),
        ("unknown-observation", 7),
        ("wrong-type", 8),
        ("duplicate-key", 9),
        ("duplicate-id", 10),
        ("wrong-type", 11),
        ("unknown-gate", 13),
    ]
    for diagnostic in found:
        told = render(diagnostic)
        assert "a.yaml:" in told
        assert "^" in told


def test_several_mistakes_in_a_block_stand_at_their_own_lines(mistakes: Mistakes) -> None:
    text = (
        "# T\n\n## Phase 1: One\n\n- Lint:\n  - Command: `npm run lint`\n  - Pass: 0 errors\n  - Owner: Me\n\n"
        "  ```yaml gonogo\n  timout: 3\n  criteria:\n    - lint.erors == 0\n  ```\n"
    )
    found = mistakes("a.md", text)
    assert [(d.slug, d.span.line if d.span else 0, caret(d)) for d in found] == [
        ("unknown-field", 11, "timout"),
        ("unknown-observation", 13, "lint.erors"),
    ]


def test_not_yaml(mistakes: Mistakes) -> None:
    found = only(mistakes("a.yaml", "title: T\nphases: [1\nx: 2\n"), "yaml-syntax")
    assert found.span is not None
    assert found.span.line == 3


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("title: !!python/object:os.system x\nphases: []\n", "yaml-tag"),
        ("<<: {title: T}\nphases: []\n", "yaml-merge-key"),
        ("? [a, b]\n: 1\n", "yaml-key"),
        ("", "empty-checklist"),
        ("- a\n- b\n", "wrong-type"),
        ("title: T\nphases: []\n", "no-gates"),
        ("gonogo: 2\ntitle: T\nphases: []\n", "unknown-version"),
        ("title: T\n---\ntitle: U\n", "yaml-syntax"),
        ("title: T # \u2028phases: []\n", "yaml-syntax"),
    ],
)
def test_yaml_that_is_no_checklist(mistakes: Mistakes, text: str, slug: str) -> None:
    assert slug in [d.slug for d in mistakes("a.yaml", text)]


def test_a_document_without_phases(mistakes: Mistakes) -> None:
    only(mistakes("a.md", "# T\n\nJust words.\n"), "no-gates")


def test_anchors_that_explode(mistakes: Mistakes) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    found = [d for d in mistakes("a.yaml", "\n".join(lines)) if d.slug == "yaml-explodes"]
    assert len(found) == 1
    assert "more than 100,000 values" in found[0].message


def test_an_anchor_inside_itself(mistakes: Mistakes) -> None:
    assert "yaml-explodes" in [d.slug for d in mistakes("a.yaml", "a: &a [*a]\n")]


def test_a_hundred_thousand_brackets(mistakes: Mistakes) -> None:
    assert "yaml-explodes" in [d.slug for d in mistakes("a.yaml", "a: " + "[" * 100_000)]


@pytest.mark.parametrize(
    "text", ["- " * 50_000, "{a: " * 50_000, "? " * 50_000, "".join(f"{' ' * n}a:\n" for n in range(900))]
)
def test_levels_without_end(mistakes: Mistakes, text: str) -> None:
    assert "yaml-explodes" in [d.slug for d in mistakes("a.yaml", text)]


def test_aliases_that_do_not_explode_are_fine(loads: Loads) -> None:
    text = gate("criteria: &c [exit == 0]").replace("gates:\n", "gates:\n") + (
        "      - {title: B, owners: [X], criteria: *c}\n"
    )
    assert [c.expression for g in loads("a.yaml", text).checklist.gates for c in g.criteria] == ["exit == 0"] * 2


def test_missing_file(tmp_path: Path, registry: Registry) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path / "gonogo.yaml", registry)
    assert [d.slug for d in caught.value.diagnostics] == ["checklist-missing"]


def test_unreadable_file(tmp_path: Path, registry: Registry) -> None:
    loop = tmp_path / "loop.md"
    loop.symlink_to(loop)
    with pytest.raises(InputError) as caught:
        load(loop, registry)
    assert [d.slug for d in caught.value.diagnostics] == ["checklist-unreadable"]


def test_file_without_permission(write: Write, registry: Registry) -> None:
    path = write("a.md", "# T\n")
    path.chmod(0)
    with as_everybody(), pytest.raises(InputError, match="Permission denied"):
        load(path, registry)


def test_a_directory_and_a_pipe_are_no_checklists(tmp_path: Path, registry: Registry) -> None:
    (tmp_path / "dir.md").mkdir()
    os.mkfifo(tmp_path / "pipe.md")  # reading it would wait for ever
    for name in ("dir.md", "pipe.md"):
        with pytest.raises(InputError) as caught:
            load(tmp_path / name, registry)
        assert [d.slug for d in caught.value.diagnostics] == ["checklist-not-a-file"]


def test_a_file_of_50_mb_is_refused_unread(tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "a.yaml"
    with path.open("wb") as stream:
        stream.truncate(50_000_000)
    with pytest.raises(InputError) as caught:
        load(path, registry)
    assert [d.slug for d in caught.value.diagnostics] == ["checklist-too-large"]
    assert "50,000,000" in caught.value.message


@pytest.mark.parametrize("name", ["a.yaml", "a.md"])
def test_not_utf8_names_the_byte(tmp_path: Path, registry: Registry, name: str) -> None:
    path = tmp_path / name
    path.write_bytes("title: T\n# fünf ".encode() + b"\xfcber\n")
    with pytest.raises(InputError) as caught:
        load(path, registry)
    found = only(caught.value.diagnostics, "not-utf8")
    assert found.span is not None
    assert (found.span.line, found.span.column, found.label) == (2, 8, "byte 0xfc")


def test_neither_markdown_nor_yaml(write: Write, registry: Registry) -> None:
    with pytest.raises(InputError) as caught:
        load(write("list.txt", "x"), registry)
    assert [d.slug for d in caught.value.diagnostics] == ["unknown-form"]


def test_find_takes_the_first_name_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        find(tmp_path)
    assert [d.slug for d in caught.value.diagnostics] == ["checklist-missing"]
    (tmp_path / "READINESS.md").touch()
    assert find(tmp_path).name == "READINESS.md"
    (tmp_path / "gonogo.yaml").touch()
    assert find(tmp_path).name == "gonogo.yaml"


@pytest.mark.parametrize(
    ("line", "slug"),
    [
        ("timeout: 0", "wrong-type"),
        ("timeout: .inf", "wrong-type"),
        ("timeout: 5 weeks", "wrong-type"),
        ("retries: -1", "wrong-type"),
        ("retries: true", "wrong-type"),
        ("optional: yes", "wrong-type"),
        ("isolation: wortree", "unknown-word"),
        ("needs: lint", "wrong-type"),
        ("owner: [A]", "unknown-field"),
        ("when: {expression: target == 'local'}", "missing-field"),
        ("when: {expression: targt == 'local', reason: r}", "unknown-observation"),
        ("proceed_on: {lint: [RED]}", "unknown-outcome"),
        ("proceed_on: {lnt: [FAIL]}", "unknown-gate"),
        ("evidence: [{or_capture: true}]", "missing-field"),
        ("questions: [{why: w}]", "missing-field"),
        ("criteria: [{expression: exit == 0, calls: ['2']}]", "unknown-call"),
    ],
)
def test_each_field_is_checked(mistakes: Mistakes, line: str, slug: str) -> None:
    extra = () if line.startswith("criteria") else ("criteria: [exit == 0]",)
    found = mistakes("a.yaml", HEAD + GATE + "".join(f"        {text}\n" for text in (*extra, line)))
    assert [d.slug for d in found] == [slug], [render(d) for d in found]
    assert found[0].span is not None
    assert found[0].span.line == 8 + len(extra) + 1


def test_two_calls_of_one_id(mistakes: Mistakes) -> None:
    text = gate("note: n").replace("[npm run lint]", "[{run: a, id: x}, {run: b, id: x}]")
    only(mistakes("a.yaml", text), "duplicate-id")


def test_retries_of_a_write_are_remarked(loads: Loads) -> None:
    loaded = loads("a.yaml", gate("retries: 1").replace("[npm run lint]", "[{run: x, effect: write}]"))
    assert [d.slug for d in loaded.warnings] == ["retries-of-a-write"]


def test_a_misspelt_field_of_the_document_form_is_remarked_and_kept(loads: Loads) -> None:
    loaded = loads("a.md", "# T\n\n## Phase 1: One\n\n- Lint:\n  - Comands: `ls`\n  - Pass: exit 0\n  - Owner: Me\n")
    told = [d for d in loaded.warnings if d.slug == "unknown-field"]
    assert [(d.severity, caret(d), d.label) for d in told] == [
        (Severity.WARNING, "Comands", "did you mean `Commands`?")
    ]
    assert loaded.checklist.gates[0].unread == ("Comands: `ls`",)


def test_windows_line_ends_and_a_byte_order_mark(write: Write, tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "w.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + gate().replace("\n", "\r\n").encode())
    assert load(path, registry).checklist == load(write("u.yaml", gate()), registry).checklist
