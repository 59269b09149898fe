"""What a repository holds, and the gates that follow: what `gonogo init` proposes. Reads files, runs nothing."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path
from typing import Any

from gonogo.frozen import dataclass

TESTS = ("tests.failed == 0", "tests.errored == 0", "tests.not_run == 0", "tests.passed > 0")
LOCAL, BUILD = "1", "2"
PHASES = {"0": "Preconditions", LOCAL: "Local checks", BUILD: "Build and verify"}

_WRITES = re.compile(r"--(?:write|fix)\b")
_PLACEHOLDER = "no test specified"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A gate worth having here."""

    phase: str
    title: str
    commands: tuple[str | dict[str, Any], ...]
    criteria: tuple[str, ...]
    why: str
    """What was seen that calls for it."""
    more: dict[str, Any] = field(default_factory=dict)


def survey(root: Path) -> list[Proposal]:
    """The gates that the files at `root` call for, in the order of their phases; at least the one about secrets."""
    found = [*_everywhere(root), *_npm(root), *_python(root), *_go(root), *_docs(root), *_compose(root), *_env(root)]
    return sorted(found, key=lambda proposal: proposal.phase)


def _everywhere(root: Path) -> Iterator[Proposal]:
    del root
    secrets = {"kind": "git", "secrets": True}
    yield Proposal("0", "No secrets committed", (secrets,), ("secrets.committed == 0",), "every repository")


# --- npm -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Script:
    """What a kind of gate is called in scripts, and what it must show."""

    title: str
    names: tuple[str, ...]
    """Names of scripts that may stand for it, the best first."""
    phase: str
    criteria: tuple[str, ...]
    tool: str = ""
    """Regular expression over the script: where it does not match, only the exit code can be judged."""


_SCRIPTS = (
    _Script(
        "Formatting",
        ("format:check", "check:format", "prettier:check", "format", "prettier"),
        LOCAL,
        ("format.unformatted == 0",),
        "prettier",
    ),
    _Script("Linting", ("lint:check", "lint:ci", "lint"), LOCAL, ("lint.errors == 0",), r"\beslint\b|\bruff\b"),
    _Script(
        "Type safety",
        ("typecheck", "type-check", "check:types", "types", "tsc"),
        LOCAL,
        ("types.errors == 0",),
        r"\btsc\b",
    ),
    _Script("Build", ("build",), BUILD, ("exit == 0",)),
    _Script("Tests", ("test:ci", "test:unit", "test"), BUILD, TESTS, r"\bvitest\b|\bjest\b|\bplaywright\b"),
    _Script("End to end tests", ("test:e2e", "e2e"), BUILD, TESTS, r"\bplaywright\b|\bvitest\b|\bjest\b"),
    _Script("Docs build", ("docs:build", "build:docs"), BUILD, ("exit == 0",)),
)


def _npm(root: Path) -> Iterator[Proposal]:
    packages = _packages(root)
    if not packages:
        return
    top = packages["."]
    if top.get("engines"):
        toolchain = {"kind": "toolchain", "engines": True}
        yield Proposal("0", "Tooling", (toolchain,), ("engines.unsatisfied == 0",), "package.json names engines")
    for script in _SCRIPTS:
        proposal = _of_scripts(script, packages)
        if proposal is not None:
            yield proposal
    if (root / "package-lock.json").is_file():
        yield Proposal(
            BUILD,
            "Dependencies",
            ("npm audit",),
            ("vulnerabilities.critical == 0", "vulnerabilities.high == 0"),
            "package-lock.json",
        )


def _packages(root: Path) -> dict[str, dict[str, Any]]:
    """package.json of the root and of its workspaces, by directory; empty where the root has none."""
    top = _json(root / "package.json")
    if top is None:
        return {}
    workspaces = top.get("workspaces", [])
    patterns = workspaces.get("packages", []) if isinstance(workspaces, dict) else workspaces
    packages = {".": top}
    for pattern in patterns if isinstance(patterns, list) else []:
        if not isinstance(pattern, str) or pattern.startswith(("!", "/")) or ".." in pattern:
            continue
        for directory in sorted(root.glob(pattern.removeprefix("./").rstrip("/") or "*")):
            package = _json(directory / "package.json")
            if package is not None and "node_modules" not in directory.parts:
                packages[directory.relative_to(root).as_posix()] = package
    return packages


def _json(path: Path) -> dict[str, Any] | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def _scripts(package: dict[str, Any]) -> dict[str, str]:
    scripts = package.get("scripts")
    return {str(k): str(v) for k, v in scripts.items()} if isinstance(scripts, dict) else {}


def _of_scripts(script: _Script, packages: dict[str, dict[str, Any]]) -> Proposal | None:
    """A gate of the root's script, else one over the workspaces that have it."""
    commands: list[str] = []
    bodies: list[str] = []
    for directory, package in packages.items():
        name = _fitting(script, _scripts(package))
        if name is None:
            continue
        body = _scripts(package)[name]
        where = "" if directory == "." else f" --workspace {directory}"
        commands.append(f"npm run {name}{where}")
        bodies.append(body)
        if directory == ".":
            bodies += [text for p in packages.values() for text in _scripts(p).values()] if "npm" in body else []
            break
    if not commands:
        return None
    known = not script.tool or any(re.search(script.tool, body) for body in bodies)
    return Proposal(
        script.phase,
        script.title,
        tuple(commands),
        script.criteria if known else ("exit == 0",),
        f"script {commands[0].removeprefix('npm run ')} of package.json",
    )


def _fitting(script: _Script, scripts: dict[str, str]) -> str | None:
    """The first script that checks: one that writes, or that npm put there as a stand-in, does not."""
    for name in script.names:
        body = scripts.get(name, "")
        if body and not _WRITES.search(body) and _PLACEHOLDER not in body:
            return name
    return None


# --- other languages -----------------------------------------------------------------------------------------


def _python(root: Path) -> Iterator[Proposal]:
    project = _toml(root / "pyproject.toml")
    if project is None and not (root / "setup.py").is_file():
        return
    tools = (project or {}).get("tool", {})
    text = (root / "pyproject.toml").read_text(encoding="utf-8", errors="replace") if project is not None else ""
    if "ruff" in tools or (root / "ruff.toml").is_file() or (root / ".ruff.toml").is_file():
        yield Proposal(LOCAL, "Python linting", ("ruff check .",), ("lint.errors == 0",), "a configuration of ruff")
        yield Proposal(
            LOCAL, "Python formatting", ("ruff format --check .",), ("exit == 0",), "a configuration of ruff"
        )
    if "mypy" in tools or (root / "mypy.ini").is_file():
        yield Proposal(
            LOCAL, "Python types", ("mypy" if "mypy" in tools else "mypy .",), ("exit == 0",), "a configuration of mypy"
        )
    if "pytest" in text or (root / "pytest.ini").is_file() or any((root / name).is_dir() for name in ("tests", "test")):
        yield Proposal(BUILD, "Python tests", ("python -m pytest",), TESTS, "tests in Python")


def _toml(path: Path) -> dict[str, Any] | None:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _go(root: Path) -> Iterator[Proposal]:
    if (root / "go.mod").is_file():
        yield Proposal(LOCAL, "Go vet", ("go vet ./...",), ("exit == 0",), "go.mod")
        yield Proposal(BUILD, "Go build", ("go build ./...",), ("exit == 0",), "go.mod")
        yield Proposal(BUILD, "Go tests", ("go test ./...",), TESTS, "go.mod")


# --- around the code -----------------------------------------------------------------------------------------


def _docs(root: Path) -> Iterator[Proposal]:
    scripts = _scripts(_json(root / "package.json") or {})
    if any((root / name).is_file() for name in ("mkdocs.yml", "mkdocs.yaml")) and "docs:build" not in scripts:
        yield Proposal(BUILD, "Docs build", ("mkdocs build --strict",), ("exit == 0",), "mkdocs.yml")


def _compose(root: Path) -> Iterator[Proposal]:
    names = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
    found = [name for name in names if (root / name).is_file()]
    if found:
        command = f"docker compose -f {found[0]} config --quiet"
        yield Proposal("0", "Compose file", (command,), ("exit == 0",), found[0])


def _env(root: Path) -> Iterator[Proposal]:
    others = sorted(path.name for path in root.glob(".env.*.example"))
    if (root / ".env.example").is_file() and others:
        calls = tuple({"kind": "dotenv", "template": ".env.example", "file": other} for other in others)
        yield Proposal(LOCAL, "Env parity", calls, ("parity.missing == 0",), f".env.example and {', '.join(others)}")
