from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from gonogo import plan
from gonogo.errors import InputError
from gonogo.model import codec
from gonogo.model.checklist import Call, Checklist, Effect, Gate, Input, When
from gonogo.model.plan import Plan, Subject
from gonogo.plan import Selection
from gonogo.plan.inputs import refuse_missing, substitute
from tests.engine.place import call, checklist, gate, registry

SUBJECT = Subject("0" * 40, branch="main", dirty=("a.txt", "settings.env"), remote="https://example.org/r", pushed=True)


def compiled(tmp_path: Path, made: Checklist, **more: object) -> Plan:
    arguments = {"subject": SUBJECT, "target": "staging", "inputs": {}, "registry": registry(), "root": tmp_path}
    return plan.compile(made, **{**arguments, **more})  # type: ignore[arg-type]


def slugs(error: InputError) -> list[str]:
    return [diagnostic.slug for diagnostic in error.diagnostics]


def test_the_digest_names_the_plan(tmp_path: Path) -> None:
    made = checklist(gate("one", "true"))
    first = compiled(tmp_path, made)
    assert compiled(tmp_path, made).digest == first.digest
    assert compiled(tmp_path, dataclasses.replace(made, source="elsewhere.yaml")).digest == first.digest
    for other in (
        compiled(tmp_path, checklist(gate("one", "false"))),
        compiled(tmp_path, made, target="local"),
        compiled(tmp_path, made, allow_dirty=True),
        compiled(tmp_path, made, subject=Subject("1" * 40)),
    ):
        assert other.digest != first.digest


def test_a_plan_survives_the_ledger(tmp_path: Path) -> None:
    made = checklist(gate("one", call("npm run lint", acts=True), needs=(), when=When("subject.clean", "x")))
    frozen = compiled(tmp_path, made, selection=Selection(gates=("one",)))
    again = codec.load(Plan, json.loads(codec.canonical(frozen)))
    assert codec.canonical(again) == codec.canonical(frozen)
    assert again.node("one").effects == {"1": Effect.WRITE}


def test_declared_input_files_are_exempt_from_the_dirt(tmp_path: Path) -> None:
    assert compiled(tmp_path, checklist(gate("one", "true"))).subject.dirty == ("a.txt", "settings.env")


@pytest.mark.parametrize(
    ("expression", "applies"),
    [
        ('target == "staging"', True),
        ('subject.branch == "main" && subject.pushed', True),
        ("subject.clean", False),
        ('subject.remote != ""', True),
        ('inputs.registry == ""', True),
        ('machine.os == "plan9"', False),
    ],
)
def test_when(tmp_path: Path, expression: str, applies: bool) -> None:
    made = checklist(gate("one", "true", when=When(expression, "a reason")), inputs=(Input("registry", default=""),))
    node = compiled(tmp_path, made).node("one")
    assert node.not_applicable == ("" if applies else "a reason")
    assert node.runs is applies


def test_inputs_without_a_value_are_collected_with_their_places(tmp_path: Path) -> None:
    made = checklist(
        gate("one", "curl <staging>/health"),
        gate("two", Call("api", "command", {"run": "true", "env": {"TAG": "${TAG}"}})),
        gate("left-out", "echo <other>", optional=True),
        gate("sha", "echo ${GIT_SHA} ${HOME}"),
        inputs=(Input("staging"), Input("TAG"), Input("other"), Input("GIT_SHA"), Input("set", default="1")),
    )
    frozen = compiled(tmp_path, made)
    assert frozen.missing_inputs == {
        "staging": ("gate `one`, command 1: curl <staging>/health",),
        "TAG": ("gate `two`, command api: command",),
    }
    assert frozen.inputs == {"GIT_SHA": "0" * 40, "set": "1"}
    with pytest.raises(InputError) as caught:
        refuse_missing(frozen)
    assert slugs(caught.value) == ["missing-input", "missing-input"]
    refuse_missing(compiled(tmp_path, made, inputs={"staging": "x", "TAG": "y"}))


def test_given_inputs_are_checked(tmp_path: Path) -> None:
    made = checklist(gate("one", "true"), inputs=(Input("a"),))
    with pytest.raises(InputError) as caught:
        compiled(tmp_path, made, inputs={"b": "1", "a": "x\ny"})
    assert slugs(caught.value) == ["unknown-input", "bad-input"]


def test_secret_inputs_are_not_in_the_plan(tmp_path: Path) -> None:
    made = checklist(gate("one", "echo <token>"), inputs=(Input("token", secret=True),))
    frozen = compiled(tmp_path, made, inputs={"token": "hidden-value"})
    assert "hidden-value" not in codec.canonical(frozen).decode()
    assert frozen.secret_inputs == ("token",)
    with pytest.raises(InputError, match="secret input `token` has no value"):
        refuse_missing(frozen)
    refuse_missing(frozen, {"token": "hidden-value"})


@pytest.mark.parametrize(
    ("line", "value", "expected"),
    [
        ("curl http://<x>/health", "a.example:80", "curl http://a.example:80/health"),
        ("echo <x>", "a b", "echo 'a b'"),
        ("echo <x>", "", "echo ''"),
        ("echo <x>", "it's", "echo 'it'\"'\"'s'"),
        ('echo "<x>"', 'a "b" $c `d` \\', 'echo "a \\"b\\" \\$c \\`d\\` \\\\"'),
        ("echo '<x>'", "it's $c", "echo 'it'\"'\"'s $c'"),
        ('echo \\"<x>', "a b", "echo \\\"'a b'"),
        ("echo ${x} <x>", "1;2", "echo '1;2' '1;2'"),
        ("echo $(id) <x>", "plain", "echo $(id) plain"),
    ],
)
def test_values_are_quoted_for_their_place(line: str, value: str, expected: str) -> None:
    assert substitute(call(line), {"x": value}, registry()).params["run"] == expected


def test_values_outside_a_command_line_are_put_in_as_they_are() -> None:
    made = Call("1", "command", {"run": "true", "env": {"URL": "http://<x>/"}, "reports": [{"path": "out/<x>.xml"}]})
    params = substitute(made, {"x": "a b"}, registry()).params
    assert params == {"run": "true", "env": {"URL": "http://a b/"}, "reports": [{"path": "out/a b.xml"}]}


@pytest.mark.parametrize(
    ("gates", "slug", "words"),
    [
        ((gate("a", needs=("b",)), gate("b", needs=("a",))), "needs-circle", "`a` -> `b` -> `a`"),
        ((gate("a", needs=("a",)),), "needs-circle", "`a` -> `a`"),
        ((gate("build"), gate("a", needs=("biuld",))), "unknown-need", "`biuld`"),
        ((gate("a", needs=("b",)), gate("b", phase="2")), "need-in-later-phase", "phase 2"),
    ],
)
def test_a_graph_that_cannot_run(tmp_path: Path, gates: tuple[Gate, ...], slug: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        compiled(tmp_path, checklist(*gates))
    assert slugs(caught.value) == [slug]
    assert words in caught.value.message


def test_a_long_chain_of_needs(tmp_path: Path) -> None:
    gates = [gate(f"g{n}", needs=(f"g{n - 1}",) if n else ()) for n in range(3000)]
    assert len(compiled(tmp_path, checklist(*reversed(gates))).nodes) == 3000


def test_selection(tmp_path: Path) -> None:
    made = checklist(gate("a"), gate("b", optional=True), gate("c", phase="2"), gate("d", phase="2", optional=True))

    def runs(**selection: tuple[str, ...]) -> str:
        return "".join(n.id for n in compiled(tmp_path, made, selection=Selection(**selection)).nodes if n.runs)

    assert runs() == "ac"
    assert runs(optional=("b",)) == "abc"
    assert runs(gates=("d",)) == "d"
    assert runs(phases=("2",)) == "c"
    assert runs(phases=("2",), optional=("d",)) == "cd"
    assert runs(phases=("1",), gates=("c",)) == "ac"


def test_a_selection_of_what_is_not_there(tmp_path: Path) -> None:
    chosen = Selection(gates=("lnit",), phases=("9",), optional=("x",), alternatives=("lint:3", "nope"))
    with pytest.raises(InputError) as caught:
        compiled(tmp_path, checklist(gate("lint", "true")), selection=chosen)
    assert slugs(caught.value) == [
        "unknown-gate",
        "unknown-gate",
        "unknown-phase",
        "unknown-gate",
        "unknown-alternative",
    ]
    assert caught.value.diagnostics[0].help == "did you mean `lint`?"


def test_alternatives_stand_in_under_the_id_of_their_call(tmp_path: Path) -> None:
    other, third = call("npm run b", "1-or-1"), call("npm run c", "1-or-2")
    first = dataclasses.replace(call("npm run a", "1"), alternatives=(other, third))
    made = checklist(gate("one", first))

    def line(*alternatives: str) -> str:
        node = compiled(tmp_path, made, selection=Selection(alternatives=alternatives)).node("one")
        assert node.gate.calls[0].id == "1"
        return str(node.gate.calls[0].params["run"])

    assert line() == "npm run a"
    assert line("one") == "npm run b"
    assert line("one:2") == "npm run c"
    assert line("one:1-or-2") == "npm run c"


def test_a_condition_nobody_answered_keeps_a_call_still(tmp_path: Path) -> None:
    pull = dataclasses.replace(call("docker compose pull", "pull", acts=True), condition="if using registry")
    node = compiled(tmp_path, checklist(gate("one", pull, "true"))).node("one")
    assert list(node.calls_left_out) == ["pull"]
    assert not node.acts
    answered = gate("one", pull, "true", when=When("target == 'staging'", "x"))
    assert compiled(tmp_path, checklist(answered)).node("one").calls_left_out == {}
    whole = gate(
        "one", call("docker compose up", acts=True), call("true", "2"), condition="if separate host, skip here"
    )
    assert list(compiled(tmp_path, checklist(whole)).node("one").calls_left_out) == ["1"]


# --- the static look -----------------------------------------------------------------------------------------


def node_of(tmp_path: Path, made: Call, phase: str = "1") -> plan.compile:  # type: ignore[valid-type]
    return compiled(tmp_path, checklist(gate("one", made, phase=phase)), selection=Selection(gates=("one",))).node(
        "one"
    )


def package(tmp_path: Path, **scripts: str) -> None:
    (tmp_path / "package.json").write_text(json.dumps({"name": "x", "version": "1.0.0", "scripts": scripts}))


def test_what_a_tool_behind_a_script_speaks(tmp_path: Path) -> None:
    package(tmp_path, lint="eslint .", all="npm run lint && prettier --check .")
    speaks = node_of(tmp_path, call("npm run all")).speaks["1"]
    assert {"exit", "output", "lint.errors", "lint.warnings", "format.unformatted"} <= set(speaks)
    assert not any(name.startswith("tests.") for name in speaks)


def test_a_command_nobody_knows_speaks_of_exit_and_output_only(tmp_path: Path) -> None:
    assert node_of(tmp_path, call("./check.sh")).speaks == {"1": ("exit", "output")}


def test_a_declared_report_speaks_too(tmp_path: Path) -> None:
    made = call("./check.sh", reports=[{"path": "out/r.xml", "parser": "junit"}])
    assert "tests.failed" in node_of(tmp_path, made).speaks["1"]


def test_a_script_that_is_missing_is_told(tmp_path: Path) -> None:
    package(tmp_path, lint="eslint .")
    assert "tset" in node_of(tmp_path, call("npm run tset")).problems["1"]


@pytest.mark.parametrize(
    ("line", "phase", "effect"),
    [
        ("./check.sh", "2", Effect.READ),
        ("./check.sh", "3", Effect.WRITE),
        ("./check.sh", "deploy", Effect.READ),
        ("npm run e2e", "5", Effect.READ),
        ("npm run e2e && ./check.sh", "5", Effect.WRITE),
    ],
)
def test_read_or_write(tmp_path: Path, line: str, phase: str, effect: Effect) -> None:
    package(tmp_path, e2e="playwright test")
    assert node_of(tmp_path, call(line), phase).effects == {"1": effect}


@pytest.mark.parametrize(("said", "effect"), [(Effect.READ, Effect.READ), (Effect.WRITE, Effect.WRITE)])
def test_the_authors_word_counts(tmp_path: Path, said: Effect, effect: Effect) -> None:
    made = Call("1", "command", {"run": "./check.sh"}, effect=said, effect_said=True)
    assert node_of(tmp_path, made, "5").effects == {"1": effect}


@pytest.mark.parametrize(
    ("line", "alone"),
    [
        ("npm ci", True),
        ("npm install", True),
        ("npm run build", True),
        ("npm run build:all", True),
        ("npm run lint", False),
        ("npx eslint .", False),
        ("true", False),
    ],
)
def test_what_cannot_share_the_tree(tmp_path: Path, line: str, alone: bool) -> None:
    package(tmp_path, lint="eslint .", build="tsc -b", **{"build:all": "echo built"})
    assert node_of(tmp_path, call(line)).exclusive is alone


def test_input_files_are_recorded_by_a_digest_of_their_own_repository(tmp_path: Path) -> None:
    import subprocess

    digests = []
    for name in ("one", "two"):
        root = tmp_path / name
        root.mkdir()
        subprocess.run(["git", "init", "-q", str(root)], check=True)
        (root / "settings.env").write_text("A=1\n")
        made = checklist(gate("a", "true"), input_files=("settings.env",))
        digests.append(compiled(root, made).input_files["settings.env"])
        assert compiled(root, made).input_files["settings.env"] == digests[-1]
        (root / "settings.env").write_text("A=2\n")
        assert compiled(root, made).input_files["settings.env"] != digests[-1]
        assert (root / ".gonogo/state/salt").stat().st_mode & 0o077 == 0
    assert digests[0] != digests[1]


def test_files_with_secrets(tmp_path: Path) -> None:
    made = checklist(
        gate("a", Call("1", "dotenv", {"template": ".env.example", "file": "backend/.env.staging"})),
        gate("b", "docker run --env-file=.env x"),
        secret_files=("secrets/prod.env",),
    )
    assert compiled(tmp_path, made).secret_files == (".env", "backend/.env.staging", "secrets/prod.env")
