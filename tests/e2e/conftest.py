"""The example project as a user has it: a git repository of its own, npm packages installed, gonogo on the PATH."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from tests.repository import IDENTITY

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "examples" / "medianest"
GONOGO = Path(sys.executable).with_name("gonogo")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them share one installed copy of the example, so they run in one worker."""
    for item in items:
        if "e2e" in item.path.parts:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.xdist_group("medianest"))


def sh(*command: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **IDENTITY, **(env or {})}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command} exited {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Finished:
    """A gonogo process that ended, with its decision where it printed one."""

    exit: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The decision that `--format json` printed."""
        parsed: dict[str, Any] = json.loads(self.stdout)
        return parsed

    def gate(self, gate: str) -> dict[str, Any]:
        """The record of one gate."""
        return next(g for g in self.json["gates"] if g["id"] == gate)

    def outcome(self, gate: str) -> str:
        """The outcome of one gate."""
        return str(self.gate(gate)["outcome"])

    @property
    def everything(self) -> str:
        """All it printed, for asking whether a message was there."""
        return self.stdout + self.stderr


@dataclass(frozen=True)
class Project:
    """A copy of the example project that a test may break."""

    root: Path

    def write(self, path: str, text: str) -> Path:
        """Write a file, making its directories."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def commit(self, message: str = "test: break something on purpose") -> None:
        """Commit everything, without the hooks: the tests break what they would refuse."""
        sh("git", "add", "-A", cwd=self.root)
        sh("git", "commit", "-q", "--no-verify", "--allow-empty", "-m", message, cwd=self.root)

    def checklist(self, gates: str, head: str = "") -> None:
        """One phase with these gates (YAML list items, indented by six) as `e2e.yaml`, committed."""
        self.write(
            "e2e.yaml",
            f"gonogo: 1\ntitle: End to end\n{head}phases:\n  - id: '1'\n    title: Look\n    gates:\n{gates}",
        )
        self.commit()

    def gonogo(self, *arguments: str, env: dict[str, str] | None = None, timeout: float = 240) -> Finished:
        """Run gonogo in the project."""
        done = subprocess.run(
            [str(GONOGO), *arguments],
            cwd=self.root,
            env={**os.environ, "NO_COLOR": "1", **(env or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def run(self, *arguments: str, env: dict[str, str] | None = None, timeout: float = 240) -> Finished:
        """`gonogo run e2e.yaml --format json`: the decision on stdout, the talk on stderr."""
        return self.gonogo("run", "e2e.yaml", "--format", "json", *arguments, env=env, timeout=timeout)


@pytest.fixture(scope="session")
def installed_example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example as a committed git repository with its npm packages; copied, never used, by the tests."""
    root = tmp_path_factory.mktemp("medianest") / "medianest"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("node_modules", "dist", "site", ".gonogo"))
    sh("git", "init", "-q", "-b", "main", cwd=root)
    sh("git", "config", "user.name", "Ada", cwd=root)
    sh("git", "config", "user.email", "ada@example.org", cwd=root)
    sh("git", "add", "-A", cwd=root)
    sh("git", "commit", "-q", "-m", "feat: import the portal", cwd=root)
    sh("npm", "ci", "--no-audit", "--no-fund", cwd=root)
    return root


@pytest.fixture
def project(installed_example: Path, tmp_path: Path) -> Project:
    """A fresh copy; the files of `node_modules` are hard links, so it takes a fraction of a second."""
    root = tmp_path / "medianest"
    root.mkdir()
    for entry in installed_example.iterdir():
        link = entry.name == "node_modules"
        shutil.copytree(
            entry, root / entry.name, symlinks=True, copy_function=os.link if link else shutil.copy2
        ) if entry.is_dir() else shutil.copy2(entry, root / entry.name)
    return Project(root)


AdvisoryDouble = Callable[[int, dict[str, Any]], dict[str, str]]


@pytest.fixture
def advisory_double(httpserver: HTTPServer) -> AdvisoryDouble:
    """A loopback double of npm's advisory service; called with an HTTP code and an answer, gives the environment."""

    def answer(code: int, body: dict[str, Any]) -> dict[str, str]:
        for path in ("/-/npm/v1/security/advisories/bulk", "/-/npm/v1/security/audits/quick"):
            httpserver.expect_request(path, method="POST").respond_with_json(body, status=code)
        return {"npm_config_registry": httpserver.url_for("/"), "npm_config_fetch_retries": "0"}

    return answer
