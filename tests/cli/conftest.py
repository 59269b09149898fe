"""A small git repository with a checklist of its own, and gonogo run in it as `main` runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import tests.repository
from gonogo.cli.main import run

CHECKLIST = """\
gonogo: 1
title: A small thing
phases:
  - id: "1"
    title: Look
    gates:
      - title: Says hello
        owners: [Ada]
        commands: [sh hello.sh]
        criteria: ["exit == 0", 'output.contains("hello")']
      - title: Counts
        owners: [Ben, Cleo]
        commands: [sh count.sh]
        criteria: ["exit == 0"]
  - id: "2"
    title: Later
    gates:
      - title: After that
        owners: [Ada]
        commands: ["true"]
        criteria: ["exit == 0"]
"""


@dataclass(frozen=True)
class Said:
    """What a command line gave."""

    exit: int
    out: str
    err: str


@dataclass
class Repository(tests.repository.Repository):
    """A git repository that gonogo runs in."""

    def started(self, *arguments: str) -> subprocess.Popen[str]:
        """Gonogo as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "gonogo", *arguments],
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Committed, clean, all three gates green, and the current directory."""
    for name in [name for name in os.environ if name.startswith("GONOGO_")]:
        monkeypatch.delenv(name)
    root = tmp_path / "thing"
    root.mkdir()
    made = Repository(root)
    made.git("init", "-q", "-b", "main")
    made.write("gonogo.yaml", CHECKLIST)
    made.write("hello.sh", "echo hello\n")
    made.write("count.sh", "echo one; echo two\n")
    made.commit()
    monkeypatch.chdir(root)
    return made


Gonogo = Callable[..., Said]


@pytest.fixture
def gonogo(capfd: pytest.CaptureFixture[str]) -> Gonogo:
    """Run a command line in this process."""

    def say(*arguments: str) -> Said:
        capfd.readouterr()
        code = run(list(arguments))
        told = capfd.readouterr()
        return Said(int(code), told.out, told.err)

    return say
