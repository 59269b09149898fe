"""A real npm project, installed once: the tools that the tests run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import pytest

from gonogo import plugins, shim
from tests.turn import turn

FIXTURE = Path(__file__).parent / "fixtures" / "npm"


def installed() -> Path:
    """The directory with node_modules of the committed lockfile; installed where it is not there yet."""
    lockfile = (FIXTURE / "package-lock.json").read_bytes()
    place = Path(tempfile.gettempdir()) / f"gonogo-npm-{os.getuid()}-{sha256(lockfile).hexdigest()[:16]}"
    with turn(place.with_suffix(".lock")):
        if not (place / "installed").exists():
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(FIXTURE, place)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=place, check=True, capture_output=True, timeout=280)
            (place / "installed").touch()
    return place


@dataclass(frozen=True)
class Ended:
    """A command that ran with wrappers before its tools."""

    exit: int
    stdout: str
    stderr: str
    records: tuple[shim.Record, ...]


@dataclass(frozen=True)
class Project:
    """A scratch npm project below the installation, so that its tools are found as in a monorepo."""

    root: Path
    scratch: Path

    def write(self, files: dict[str, str | dict[str, object]]) -> None:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")

    def run(self, line: str, *, wrapped: bool = True, cwd: str = ".", env: dict[str, str] | None = None) -> Ended:
        reports = self.scratch / uuid4().hex
        tools = plugins.builtin(("tools",)).tools
        added = shim.prepare(self.scratch / "shims", tools, reports) if wrapped else {}
        ended = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=self.root / cwd,
            env={**os.environ, **(env or {}), **added},
            capture_output=True,
            check=False,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )
        records = shim.collect(reports, self.root) if wrapped else ()
        return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode(), records)


@pytest.fixture(name="project")
def npm_project(tmp_path: Path) -> Iterator[Project]:
    """An empty npm project; `eslint`, `prettier`, `tsc`, `vitest` and `playwright` are there."""
    root = installed() / "projects" / uuid4().hex[:12]
    root.mkdir(parents=True)
    yield Project(root, tmp_path)
    shutil.rmtree(root)


def uncoloured(text: str) -> str:
    """What a tool printed, without the colours that it adds where `CI` is set."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
