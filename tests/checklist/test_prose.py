"""Constructs of the document form that the real document does not have, or has in one wording only."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gonogo import plugins
from gonogo.checklist import Loaded, explain
from gonogo.checklist.near import why_a_question
from gonogo.checklist.schema import KINDS
from gonogo.model.checklist import Effect, Gate

Loads = Callable[[str, str], Loaded]


def document(gate: str, phase: str = "1") -> str:
    return f"# T\n\n## Phase {phase}: One\n\n{gate}\n"


@pytest.fixture
def gate(loads: Loads) -> Callable[..., Gate]:
    return lambda text, phase="1": loads("a.md", document(text, phase)).checklist.gates[0]


Reads = Callable[..., Gate]


@pytest.mark.parametrize(
    ("entry", "run"),
    [
        ("`a; b`", "a; b"),
        ("run `a`", "a"),
        ("``echo `date` ``", "echo `date`"),
        ("`a`.", "a"),
        ("`a | b (c)`", "a | b (c)"),
    ],
)
def test_a_command_is_what_stands_in_backticks(gate: Reads, entry: str, run: str) -> None:
    found = gate(f"- G:\n  - Command: {entry}\n  - Owner: Me")
    assert [(c.kind, c.params, c.id) for c in found.calls] == [("command", {"run": run}, "1")]


def test_commands_on_one_line_and_below(gate: Reads) -> None:
    found = gate("- G:\n  - Commands: `a`; `b`\n    - `c`\n    - Late: `d`\n  - Owner: Me")
    assert [(c.id, c.text) for c in found.calls] == [("1", "a"), ("2", "b"), ("3", "c"), ("late", "d")]


def test_alternatives_never_become_calls_of_their_own(gate: Reads) -> None:
    for entry in ("`a` (or `b`)", "`a` or `b`"):
        found = gate(f"- G:\n  - Command: {entry}\n  - Owner: Me")
        assert [c.text for c in found.calls] == ["a"]
        assert [(o.id, o.text) for o in found.calls[0].alternatives] == [("1-or-1", "b")]
        assert found.unread == ()


def test_directory_condition_and_alternative_together(gate: Reads) -> None:
    found = gate("- G:\n  - Command: `a` (or `b`) (from `x/y/`) (if the moon is full)\n  - Owner: Me")
    call = found.calls[0]
    assert (call.params, call.condition, len(call.alternatives)) == (
        {"run": "a", "cwd": "x/y"},
        "if the moon is full",
        1,
    )
    assert [q.why for q in found.questions] == ["a condition only a person can answer"]


def test_words_are_not_guessed_to_be_a_command(gate: Reads) -> None:
    found = gate("- G:\n  - Commands: poke it with a stick; compose `pg_dump`\n  - Owner: Me")
    assert found.calls == ()
    assert found.unread == ("poke it with a stick", "compose `pg_dump`")
    assert [(q.text, q.why) for q in found.questions] == [
        ("poke it with a stick", "a command in words only"),
        ("compose `pg_dump`", "a command in words only"),
    ]


def test_words_behind_a_command_are_kept(gate: Reads) -> None:
    found = gate("- G:\n  - Command: `a` on the big machine\n  - Owner: Me")
    assert ([c.text for c in found.calls], found.unread) == (["a"], ("on the big machine",))


def test_an_action_without_a_command_asks(gate: Reads) -> None:
    found = gate("- G:\n  - Action: Ring the bell\n  - Pass: exit 0\n  - Owner: Me")
    assert found.action == "Ring the bell"
    assert [(q.id, q.text, q.why) for q in found.questions] == [("g.1", "Ring the bell", "an action without a command")]


def test_an_action_beside_commands_is_a_remark(gate: Reads) -> None:
    found = gate("- G:\n  - Command: `a`\n  - Action: Ring the bell\n  - Pass: exit 0\n  - Owner: Me")
    assert (found.action, found.questions) == ("Ring the bell", ())


def test_a_clause_that_no_rule_understands_asks_and_the_others_stay(gate: Reads) -> None:
    found = gate("- Tests:\n  - Command: `npm test`\n  - Pass: All tests pass; everybody is happy\n  - Owner: Me")
    assert len(found.criteria) == 4
    assert [(q.text, q.why) for q in found.questions] == [("everybody is happy", "no rule understands this clause")]


@pytest.mark.parametrize(
    ("clause", "criteria", "questions"),
    [
        ("exit 0 + happy", ["exit == 0"], ["happy"]),
        ("exit 0 and happy people", ["exit == 0"], ["happy people"]),
        ("exit 0 (on Linux)", ["exit == 0"], ["on Linux"]),
        ("sun, moon and stars", [], ["sun, moon and stars"]),
        ("exit 0 or whatever you like", [], ["exit 0 or whatever you like"]),
        ("not exit 0", [], ["not exit 0"]),
        ("never exits 0", [], ["never exits 0"]),
        ("tests should not exit 0", [], ["tests should not exit 0"]),
        ("builds succeed, except on Mondays", ["exit == 0"], ["except on Mondays"]),
        ("all but flaky tests pass", [], ["all but flaky tests pass"]),
    ],
)
def test_a_clause_is_never_half_read(gate: Reads, clause: str, criteria: list[str], questions: list[str]) -> None:
    found = gate(f"- G:\n  - Command: `a`\n  - Pass: {clause}\n  - Owner: Me")
    assert [c.expression for c in found.criteria] == criteria
    assert [q.text for q in found.questions] == questions


_PASS = ["tests.failed == 0", "tests.errored == 0", "tests.not_run == 0", "tests.passed > 0"]


@pytest.mark.parametrize(
    ("title", "clause", "criteria"),
    [
        ("Build", "exits with 0", ["exit == 0"]),
        ("Build", "exits with code 0", ["exit == 0"]),
        ("Build", "exit code is 0", ["exit == 0"]),
        ("Build", "the command succeeds", ["exit == 0"]),
        ("Build", "exits with 1", []),
        ("Build", "exits with 05", []),
        ("Tests", "0 failures", _PASS),
        ("Tests", "no failures", _PASS),
        ("Tests", "no failing tests", _PASS),
        ("Tests", "no tests fail", _PASS),
        ("Tests", "unit and integration tests pass", _PASS),
        ("Tests", "no tests", []),
        ("Tests", "no tests pass", []),
        ("Tests", "some tests pass", []),
        ("Tests", "few tests pass", []),
        ("Tests", "90% of tests pass", []),
        ("Tests", "no skipped tests", ["tests.skipped == 0"]),
        ("Tests", "at least 10 tests pass", ["tests.passed >= 10"]),
        ("Coverage", "coverage >= 80%", ["coverage.lines.pct >= 80"]),
        ("Anything", "coverage is >= 80%", ["coverage.lines.pct >= 80"]),
        ("Anything", "0 tests failed", _PASS),
        ("Anything", "0 lint errors", ["lint.errors == 0"]),
        ("Anything", "0 TypeScript errors", ["types.errors == 0"]),
        ("Anything", "0 failures", []),
        ("Lint", "0 TypeScript errors", ["types.errors == 0"]),
        ("Coverage", "coverage at least 80 percent", ["coverage.lines.pct >= 80"]),
        ("Coverage", "code coverage of at least 80.5 %", ["coverage.lines.pct >= 80.5"]),
        ("Coverage", "80% branch coverage or better", ["coverage.branches.pct >= 80"]),
        ("Coverage", "coverage above 80%", ["coverage.lines.pct > 80"]),
        ("Coverage", "coverage below 80%", []),
        ("Coverage", "coverage not at least 80%", []),
        ("Lint", "no warnings", ["lint.warnings == 0"]),
        ("Lint", "without warnings", ["lint.warnings == 0"]),
        ("Lint", "no errors or warnings", ["lint.errors == 0", "lint.warnings == 0"]),
        ("Lint", "no errors but warnings", []),
        ("Formatting", "all files are formatted", ["format.unformatted == 0"]),
        ("Type check", "no type errors", ["types.errors == 0"]),
        (
            "Security",
            "no high or critical vulnerabilities",
            ["vulnerabilities.critical == 0", "vulnerabilities.high == 0"],
        ),
        (
            "Security",
            "no known vulnerabilities",
            [f"vulnerabilities.{severity} == 0" for severity in ("critical", "high", "medium", "low")],
        ),
        ("Performance", "p95 < 500ms", ["load.duration.p95 < 500"]),
        ("Performance", "error rate < 1%", ["load.errors.pct < 1"]),
    ],
)
def test_what_people_write_most(gate: Reads, title: str, clause: str, criteria: list[str]) -> None:
    found = gate(f"- {title}:\n  - Command: `a`\n  - Pass: {clause}\n  - Owner: Me")
    assert [c.expression for c in found.criteria] == criteria
    assert [q.text for q in found.questions] == ([] if criteria else [clause])


@pytest.mark.parametrize(
    ("title", "clause", "near"),
    [
        ("Coverage", "coverage is good", "coverage ≥ 65%"),
        ("Tests", "tests should be passing on Linux", "All tests pass"),
        ("Lint", "errors and warnings gone", "no errors or warnings"),
        ("Security", "critical vulnerabilities: none", "no critical vulnerabilities"),
        ("Anything", "coverage is good", "coverage ≥ 65%"),
        ("Anything", "everybody is happy", ""),
    ],
)
def test_a_clause_that_no_rule_understands_is_told_the_nearest(gate: Reads, title: str, clause: str, near: str) -> None:
    found = gate(f"- {title}:\n  - Command: `a`\n  - Pass: {clause}\n  - Owner: Me")
    (question,) = found.questions
    assert question.why == "no rule understands this clause", "what is nearest is told, and never kept"
    told = why_a_question(question.why, question.text, found, plugins.builtin(KINDS))
    assert told == question.why + (f'; nearest rule: "{near}"' if near else "")


@pytest.mark.parametrize(
    ("clause", "near"),
    [
        ("zero errors", '"0 errors" of lint or format'),
        ("0 failures", '"0 failures" of tests'),
        ("p95 < 500 ms", '"p95 < 500 ms" of load'),
    ],
)
def test_a_rule_that_is_not_tried_on_the_gate_is_told_with_its_family(gate: Reads, clause: str, near: str) -> None:
    found = gate(f"- Anything:\n  - Command: `a`\n  - Pass: {clause}\n  - Owner: Me")
    (question,) = found.questions
    told = why_a_question(question.why, question.text, found, plugins.builtin(KINDS))
    assert told == f"{question.why}; nearest rule: {near}, which this gate's title and commands do not speak of"


def test_only_a_clause_without_a_rule_has_a_nearest_one(gate: Reads) -> None:
    found = gate("- G:\n  - Action: run all tests\n  - Pass: exit 0\n  - Owner: Me")
    (question,) = found.questions
    assert why_a_question(question.why, question.text, found, plugins.builtin(KINDS)) == "an action without a command"


def test_hints_keep_families_apart(gate: Reads) -> None:
    """`0 errors` of a gate about nothing in particular is nobody's count."""
    found = gate("- Weather:\n  - Command: `sunny`\n  - Pass: 0 errors\n  - Owner: Me")
    assert (found.criteria, [q.text for q in found.questions]) == ((), ["0 errors"])


@pytest.mark.parametrize(
    ("written", "text", "path", "or_capture"),
    [
        ("`out/r.json`", "out/r.json", "out/r.json", False),
        ("`out/r.json` or a summary", "`out/r.json` or a summary", "out/r.json", True),
        ("`build.log`", "build.log", "build.log", True),
        ("`docker compose ps` output", "`docker compose ps` output", "", False),
        ("`node_modules` size", "`node_modules` size", "", False),
        ("Notes.", "Notes", "", False),
    ],
)
def test_evidence(gate: Reads, written: str, text: str, path: str, or_capture: bool) -> None:
    found = gate(f"- G:\n  - Command: `a`\n  - Evidence: {written}\n  - Owner: Me").evidence
    assert [(e.text, e.path, e.or_capture) for e in found] == [(text, path, or_capture)]


def test_fields_may_be_bold_and_gates_ticked(gate: Reads) -> None:
    found = gate(
        "- [ ] **Lint**:\n  - **Command:** `npm run lint`\n  - **Pass**: 0 errors\n  - *x*\n  - Owners: A and B"
    )
    assert (found.title, found.id, found.owners) == ("Lint", "lint", ("A", "B"))
    assert [c.expression for c in found.criteria] == ["lint.errors == 0"]
    assert found.unread == ("*x*",)


def test_a_field_over_two_lines(gate: Reads) -> None:
    found = gate("- Lint:\n  - Command: `npm run\n    lint`\n  - Pass: 0\n    errors; no\n    warnings\n  - Owner: Me")
    assert found.calls[0].params == {"run": "npm run lint"}
    assert [c.clause for c in found.criteria] == ["0 errors", "no warnings"]


def test_what_is_no_field_stays_with_its_gate_or_phase(loads: Loads) -> None:
    text = (
        "# T\n\nHello there.\n\n## Phase 1: One\n\nRead this first.\n\n- G:\n  - Command: `a`\n  - Pass: exit 0\n"
        "  - Owner: Me\n  - Rationale: because\n    - deeper\n\n  A paragraph.\n\n  ```sh\n  x\n  ```\n\n> Quote\n"
    )
    checklist = loads("a.md", text).checklist
    assert checklist.phases[0].unread == ("Read this first.", "> Quote")
    assert checklist.gates[0].unread == ("Rationale: because\n  - deeper", "A paragraph.", "```sh\nx\n```")
    assert checklist.other_sections == (("", "Hello there."),)


def test_titles_say_optional_and_conditions(gate: Reads) -> None:
    assert gate("- G (optional, on Fridays):\n  - Command: `a`\n  - Owner: Me").optional
    found = gate("- G (when on a branch):\n  - Command: `a`\n  - Pass: exit 0\n  - Owner: Me")
    assert (found.id, found.condition, found.optional) == ("g", "when on a branch", False)
    assert [q.text for q in found.questions] == ["when on a branch"]


def test_ids_are_unique_by_number(loads: Loads) -> None:
    text = document("- Same (one): exit 0\n- Same (two): exit 0\n- Same: exit 0")
    assert [g.id for g in loads("a.md", text).checklist.gates] == ["same", "same-2", "same-3"]


@pytest.mark.parametrize(
    ("command", "phase", "effect"),
    [
        ("sh smoke.sh", "2", Effect.READ),
        ("sh smoke.sh", "3", Effect.WRITE),
        ("cd backend && npx playwright test --reporter=line", "5", Effect.READ),
        ("cd backend && npx playwright test && sh x.sh", "5", Effect.WRITE),
        ("npx nobody-knows-this", "5", Effect.WRITE),
        ("docker push registry/x", "1", Effect.PUBLISH),
        ("docker buildx build --push .", "1", Effect.PUBLISH),
        ("mkdocs gh-deploy", "1", Effect.PUBLISH),
        ("npm run docs:gh-deploy", "3", Effect.PUBLISH),
        ("git push", "2", Effect.READ),
    ],
)
def test_effects(gate: Reads, command: str, phase: str, effect: Effect) -> None:
    assert gate(f"- G:\n  - Command: `{command}`\n  - Owner: Me", phase).calls[0].effect == effect


def test_clauses_on_the_line_of_the_title_with_an_owner_below(gate: Reads) -> None:
    found = gate("- Branch hygiene: Conventional Commits; hooks enabled.\n  - Owner: Me", "0")
    assert [c.expression for c in found.criteria] == ["commits.nonconforming == 0", "hooks.active"]
    assert (found.owners, found.unread) == (("Me",), ())


def test_inputs_are_found_in_calls_only(loads: Loads) -> None:
    text = document(
        "- G:\n  - Commands: `a ${ONE} <two> $THREE ${FOUR:-4}`; `b` (or `c <five>`)\n"
        "  - Pass: exit 0 (see <six>)\n  - Owner: Me"
    )
    assert [i.name for i in loads("a.md", text).checklist.inputs] == ["ONE", "two", "five"]


def test_explain_names_the_nearest_gate(loads: Loads) -> None:
    from gonogo.errors import InputError

    loaded = loads("a.md", document("- Lint: exit 0"))
    with pytest.raises(InputError) as caught:
        explain(loaded, "lnt")
    assert caught.value.diagnostics[0].help == "use `lint`"


def test_a_hard_to_split_line_does_not_take_for_ever(loads: Loads) -> None:
    long = "a, b and (c " * 4000
    assert loads("a.md", document(f"- G: {long}")).checklist.gates[0].questions


def test_ten_thousand_deep(loads: Loads) -> None:
    assert loads("a.md", document("- G: exit 0\n" + "> " * 10_000 + "x")).checklist.gates
