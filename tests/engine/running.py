"""A small bench for real processes: run one with a store of its own, and see who still lives."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gonogo.engine import process
from gonogo.engine.context import STREAM_CAP
from gonogo.evidence.store import Store
from gonogo.model.outcome import Outcome
from gonogo.plugins import Ran

SECRET = "correct-horse/battery+staple"


class Running:
    """Runs commands in one directory."""

    def __init__(self, store: Store, directory: Path) -> None:
        self.store = store
        self.directory = directory

    def __call__(self, command: str | list[str], **options: Any) -> Ran:
        given: dict[str, Any] = {"cwd": self.directory, "env": dict(os.environ), "timeout": 60.0, "grace": 0.5}
        sinks = {name: self.store.sink(name, cap=STREAM_CAP) for name in ("stdout", "stderr")}
        return process.run(command, **given | sinks | options)

    def stored(self, digest: str) -> bytes:
        with self.store.open(digest) as file:
            return file.read()


class Pids:
    """A file that processes write their numbers to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_text("")

    def __str__(self) -> str:
        return str(self.path)

    def all(self) -> list[int]:
        return [int(line) for line in self.path.read_text().split()]

    def alive(self) -> list[int]:
        return [pid for pid in self.all() if _alive(pid)]

    def until_the_end(self) -> Iterator[Pids]:
        """For a fixture: whoever lives at the end of the test is killed."""
        yield self
        for pid in self.alive():
            os.kill(pid, signal.SIGKILL)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] if sys.platform == "linux" else "S"
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state not in "ZX"


def python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]


def slugs(ran: Ran) -> list[str]:
    assert all(trouble.outcome is Outcome.ERROR for trouble in ran.troubles)
    return [trouble.slug for trouble in ran.troubles]
