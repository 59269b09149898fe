"""Following a command line to the programs that it would run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonogo import plugins
from gonogo.model.checklist import Effect
from gonogo.shell import Leaf, leaves, simple_commands

TOOLS = plugins.builtin(("tools",)).tools


def package(directory: Path, scripts: dict[str, str], **more: object) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    content = {"name": directory.name, "scripts": scripts, **more}
    (directory / "package.json").write_text(json.dumps(content), encoding="utf-8")


def shown(found: tuple[Leaf, ...], root: Path) -> list[tuple[str, str, str]]:
    """Tool, command line and directory of each leaf; a problem in place of the tool."""
    return [
        (
            leaf.problem or (leaf.tool.name if leaf.tool else "-"),
            " ".join(leaf.invocation.argv),
            str(leaf.invocation.cwd.relative_to(root)),
        )
        for leaf in found
    ]


def follow(line: str, root: Path) -> list[tuple[str, str, str]]:
    return shown(leaves(line, root, TOOLS), root)


@pytest.fixture
def monorepo(tmp_path: Path) -> Path:
    scripts = {
        "lint": "eslint .",
        "prelint": "prettier --check .",
        "all": "npm run lint && npm run typecheck -- --noEmit",
        "typecheck": "tsc",
        "loop": "npm run loop",
        "everywhere": "npm run lint --workspaces",
        "bad": "npm run nope",
    }
    package(tmp_path, scripts, workspaces=["packages/*", "backend"])
    package(tmp_path / "backend", {"lint": "eslint src", "test:e2e": "playwright test"})
    package(tmp_path / "packages" / "shared", {"lint": "eslint lib"}, name="@x/shared")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("eslint .", [("eslint", "eslint .", ".")]),
        ("./node_modules/.bin/eslint .", [("eslint", "eslint .", ".")]),
        ("cd backend && npm run lint", [("eslint", "eslint src", "backend")]),
        ("(cd backend; npm run lint); eslint x", [("eslint", "eslint src", "backend"), ("eslint", "eslint x", ".")]),
        ("npm --prefix backend run lint", [("eslint", "eslint src", "backend")]),
        ("npm run lint -w backend", [("eslint", "eslint src", "backend")]),
        ("npm run lint --workspace=@x/shared", [("eslint", "eslint lib", "packages/shared")]),
        ("npm run lint", [("prettier", "prettier --check .", "."), ("eslint", "eslint .", ".")]),
        ("npm run typecheck -- -p 'a b'", [("tsc", "tsc -p a b", ".")]),
        ("npm run typecheck && npm run typecheck", [("tsc", "tsc", "."), ("tsc", "tsc", ".")]),
        ("CI=1 env A=b npx --yes eslint@9 . > out.txt 2>&1", [("eslint", "eslint .", ".")]),
        ("npx -c 'eslint . && tsc'", [("eslint", "eslint .", "."), ("tsc", "tsc", ".")]),
        ("npm exec -w backend -- eslint .", [("eslint", "eslint .", "backend")]),
        ("bash -euc 'eslint . | tee log'", [("eslint", "eslint .", "."), ("-", "tee log", ".")]),
        ("! eslint . || true", [("eslint", "eslint .", "."), ("-", "true", ".")]),
        ("if eslint .; then tsc; fi", [("eslint", "eslint .", "."), ("tsc", "tsc", ".")]),
        ("yarn lint", [("prettier", "prettier --check .", "."), ("eslint", "eslint .", ".")]),
        ("yarn workspace @x/shared lint", [("eslint", "eslint lib", "packages/shared")]),
        ("pnpm -C backend lint", [("eslint", "eslint src", "backend")]),
        ("pnpm --filter backend exec eslint .", [("eslint", "eslint .", "backend")]),
        ("pnpm -r lint", [("eslint", "eslint lib", "packages/shared"), ("eslint", "eslint src", "backend")]),
        ("python -m pytest -q", [("pytest", "pytest -q", ".")]),
        ("uv run --with x -- pytest", [("pytest", "pytest", ".")]),
        ("uv run --with x python -m pytest", [("pytest", "pytest", ".")]),
        ("npm audit --audit-level=high", [("npm_audit", "npm audit --audit-level=high", ".")]),
        ("make lint", [("-", "make lint", ".")]),
        ("# a remark", []),
        ("cd $HOME && eslint .", [("only the shell knows its directory", "eslint .", ".")]),
        ("npm run bad", [('missing script: "nope" in {root}/package.json', "npm run nope", ".")]),
        ("npm run lint -w nope", [("no workspace called `nope`", "npm run lint -w nope", ".")]),
        ("npm run nope --if-present", []),
    ],
)
def test_where_a_line_leads(monorepo: Path, line: str, expected: list[tuple[str, str, str]]) -> None:
    named = [(problem.format(root=monorepo.name), argv, cwd) for problem, argv, cwd in expected]
    assert follow(line, monorepo) == named


def test_every_workspace_in_turn(monorepo: Path) -> None:
    found = follow("npm run everywhere", monorepo)
    assert {cwd for _, _, cwd in found} == {"packages/shared", "backend"}


def test_the_way_is_told(monorepo: Path) -> None:
    *_, last = leaves("npm run all", monorepo, TOOLS)
    assert last.via == ("npm run all", "npm run typecheck -- --noEmit")
    assert last.ask is not None
    assert last.ask.argv == ("tsc", "--noEmit", "--pretty", "false", "--diagnostics")


def test_script_that_runs_itself_ends(monorepo: Path) -> None:
    (leaf,) = leaves("npm run loop", monorepo, TOOLS)
    assert leaf.problem == "it leads back to itself"


def test_two_scripts_that_run_each_other_with_more_words_end(tmp_path: Path) -> None:
    package(tmp_path, {"a": "npm run a -- x"})
    (leaf,) = leaves("npm run a", tmp_path, TOOLS)
    assert leaf.problem == "it leads back to itself"


def test_no_package_at_all(tmp_path: Path) -> None:
    (leaf,) = leaves("npm run lint", tmp_path, TOOLS)
    assert leaf.problem.startswith("no package.json")


def test_broken_package_is_no_crash(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"scripts": ["x"]')
    (leaf,) = leaves("npm run lint", tmp_path, TOOLS)
    assert leaf.problem.startswith('missing script: "lint"')


@pytest.mark.parametrize(
    ("line", "effect"),
    [
        ("docker build -f Dockerfile -t x .", Effect.WRITE),
        ("docker compose -f a.yml -f b.yml up -d", Effect.WRITE),
        ("docker compose -f a.yml pull", Effect.WRITE),
        ("docker compose ps", Effect.READ),
        ("docker compose -f monitoring/docker-compose.yml config", Effect.READ),
        ("docker-compose up", Effect.WRITE),
        ("docker image inspect x", Effect.READ),
        ("docker history x", Effect.READ),
        ("docker run x", Effect.WRITE),
        ("docker system prune -f", Effect.WRITE),
        ("docker push x", Effect.PUBLISH),
        ("docker compose push", Effect.PUBLISH),
        ("docker buildx build --push .", Effect.PUBLISH),
        ("docker never-heard-of", Effect.WRITE),
        ("mkdocs gh-deploy", Effect.PUBLISH),
        ("npm publish", Effect.PUBLISH),
        ("mkdocs build --strict", Effect.READ),
    ],
)
def test_effect(tmp_path: Path, line: str, effect: Effect) -> None:
    (leaf,) = leaves(line, tmp_path, TOOLS)
    assert leaf.ask is not None
    assert leaf.ask.effect is effect


def test_installs_share_the_tree_with_nothing(tmp_path: Path) -> None:
    for line in ("npm ci", "npm i x", "yarn", "pnpm install --frozen-lockfile"):
        (leaf,) = leaves(line, tmp_path, TOOLS)
        assert leaf.ask is not None
        assert leaf.ask.exclusive


@pytest.mark.parametrize(
    "line",
    ["mkdocs build --strict -q", "prettier --write .", "ruff check --fix .", "docker stack deploy x", "eslint --fix ."],
)
def test_traps_are_noted(tmp_path: Path, line: str) -> None:
    (leaf,) = leaves(line, tmp_path, TOOLS)
    assert leaf.ask is not None
    assert leaf.ask.notes


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("a 'b c' \"d $X\" e\\ f", ["a", "b c", "d $X", "e f"]),
        ("a 2>&1 >out <in b", ["a", "b"]),
        ("a >> 'out file' b", ["a", "b"]),
        ("a $(b c) `d e`", ["a", "$(b c)", "`d e`"]),
        ("a \\\n b", ["a", "b"]),
        ("a b#c # d", ["a", "b#c"]),
        ("a ''", ["a", ""]),
    ],
)
def test_words(tmp_path: Path, line: str, argv: list[str]) -> None:
    assert [found for found, _ in simple_commands(line, tmp_path)] == [argv]


@given(st.text(max_size=80))
def test_any_text_is_followed_without_a_crash(line: str) -> None:
    leaves(line, Path("/nowhere"), TOOLS)


@given(st.text(alphabet="ab '\"\\$`(){};&|<>#\n=!", max_size=40))
def test_any_shell_text_is_followed_without_a_crash(line: str) -> None:
    leaves(line, Path("/nowhere"), TOOLS)
