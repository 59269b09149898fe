"""A git repository with a file of waivers, committed by whom and when a test says."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from gonogo.owners import waivers
from gonogo.owners.waivers import Loaded
from gonogo.owners.waivers_file import FILE
from tests.criterion.observed import TYPES

TODAY = date(2026, 11, 22)
NOON = "2026-11-22T12:00:00+00:00"
ADA, BEN = ("Ada", "ada@example.org"), ("Ben", "ben@example.org")

ONE = """\
gonogo: 1
waivers:
  - id: W1
    finding: no-console:src/a.ts
    gate: lint
    owner: Backend
    approver: Ben
    reason: tracked
    until: 2026-12-22
"""


def committer(who: tuple[str, str], when: str) -> dict[str, str]:
    """The variables that make git commit as somebody."""
    return {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in zip(("NAME", "EMAIL", "DATE"), (*who, when), strict=True)
    } | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


@dataclass(frozen=True)
class History:
    """The repository."""

    root: Path

    def git(self, *arguments: str, who: tuple[str, str] = ADA, when: str = NOON) -> str:
        """What git prints."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env={**os.environ, **committer(who, when)},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def write(self, text: str | bytes, path: str = FILE) -> None:
        """Write a file, the waivers unless told otherwise."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    def commit(
        self, text: str | bytes = ONE, who: tuple[str, str] = ADA, when: str = NOON, message: str = "chore: waive"
    ) -> str:
        """Write and commit the waivers; the commit."""
        self.write(text)
        self.git("add", "-A", who=who, when=when)
        self.git("commit", "-q", "--allow-empty", "-m", message, who=who, when=when)
        return self.head

    @property
    def head(self) -> str:
        """The commit that is checked out."""
        return self.git("rev-parse", "HEAD")

    def load(self, **more: Any) -> Loaded:
        """The waivers of the commit, as of today."""
        return waivers.load(self.root, self.head, **{"as_of": TODAY, "types": TYPES, **more})

    def present(self, **more: Any) -> Loaded:
        """The waivers of the working tree, as of today."""
        return waivers.present(self.root, self.head, **{"as_of": TODAY, "types": TYPES, **more})


def ids(loaded: Loaded) -> list[str]:
    """The ids of those that count."""
    return [waiver.id for waiver in loaded.waivers]


def slugs(loaded: Loaded) -> list[str]:
    """The slugs of what there is to say."""
    return [remark.slug for remark in loaded.remarks]
