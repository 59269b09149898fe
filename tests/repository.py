"""A git repository that a test works in."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar


def identity(name: str) -> dict[str, str]:
    """Variables with which git commits as somebody, whatever it is set to on this machine."""
    address = f"{name.lower()}@example.org"
    who = {
        f"GIT_{role}_{part}": of
        for role in ("AUTHOR", "COMMITTER")
        for part, of in (("NAME", name), ("EMAIL", address))
    }
    return {**who, "GIT_CONFIG_GLOBAL": os.devnull}


IDENTITY = identity("Ada")


@dataclass
class Repository:
    """Files, and commits by one author."""

    root: Path
    author: ClassVar[str] = "Ada"

    @property
    def state(self) -> Path:
        """Where gonogo keeps its ledger and evidence."""
        return self.root / ".gonogo" / "state"

    def write(self, path: str, text: str) -> Path:
        """Write a file, making its directories."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def commit(self, message: str = "feat: change it") -> None:
        """Commit everything."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)

    def git(self, *arguments: str) -> str:
        """What git prints."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env={**os.environ, **identity(self.author)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"git {' '.join(arguments)} exited {done.returncode}\n{done.stderr}"
        return done.stdout
