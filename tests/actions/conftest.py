"""Acts on a real database: done in this process, or in one that is killed at a step."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gonogo import plugins
from gonogo.model.codec import canonical
from gonogo.model.plan import Subject
from tests.postgres import DatabaseTargetDouble, Server
from tests.probes.conftest import Look, Looked, MemoryContext, Repository, context, look_with, repository

__all__ = ["Repository", "context", "repository"]


class Site:
    """A repository, a target with a real database, and acts on it."""

    def __init__(self, repository: Repository, server: Server, database: str) -> None:
        self.repository, self.server, self.name = repository, server, database
        self.commit = repository.commit("feat: first", {"README.md": "x\n"})
        self.target = DatabaseTargetDouble(server.database(database))
        self.journal = repository.root / ".git" / "journal"  # of this test alone, and no part of the tree

    @property
    def root(self) -> Path:
        return self.repository.root

    @property
    def backups(self) -> Path:
        return self.root / ".gonogo/state/backups/staging"

    def sql(self, statement: str) -> str:
        return self.server.psql(statement, self.name)

    def context(self, run: str = "run-1", **more: Any) -> MemoryContext:
        """A new attempt, as the engine makes it: what was recorded and remembered before comes with it."""
        steps = [json.loads(line) for line in self._lines("steps")]
        kept = next((json.loads(line) for line in reversed(self._lines("kept"))), None)
        context = _Journaled(self.root, subject=Subject(self.commit), run_id=run, place=self.target, kept=kept, **more)
        context.recorded = tuple((step, data) for step, data in steps)
        context.journal = self.journal
        return context

    def act(self, kind: str, context: MemoryContext | None = None, **params: Any) -> Looked:
        done = look_with(kind, context or self.context(), **params)
        self.forget()
        return done

    def killed(self, kind: str, at: str, by: str = "run-1", **params: Any) -> None:
        """Do it in a process of its own, which `kill -9` ends once it has recorded the step."""
        child = os.fork()
        if child == 0:
            try:
                context = self.context(by)
                context.dies_at = at  # type: ignore[attr-defined]
                look_with(kind, context, **params)
            finally:
                os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, f"never came to {at}"

    def looked(self, kind: str, by: str = "run-1", **params: Any) -> plugins.Look:
        """What the act's look says, having changed nothing."""
        probe = plugins.builtin().probe(kind)
        assert probe.look is not None
        return probe.look(probe.params(**params), self.context(by))

    def forget(self) -> None:
        for name in ("steps", "kept"):
            self.journal.with_suffix(f".{name}").unlink(missing_ok=True)

    def _lines(self, name: str) -> list[str]:
        file = self.journal.with_suffix(f".{name}")
        return file.read_text().splitlines() if file.exists() else []

    def remember_release(self, release: Any, **more: Any) -> None:
        """Have the target remember that this release is there."""
        state = self.target.state
        self.target.state = replace(state, current=release.number, releases=(*state.releases, release), **more)


class _Journaled(MemoryContext):
    """Keeps its steps in a file, as the ledger would, and dies where it is told to."""

    journal: Path
    dies_at = ""

    def record(self, step: str, **data: Any) -> None:
        super().record(step, **data)
        with self.journal.with_suffix(".steps").open("a") as file:
            file.write(f"{json.dumps([step, data])}\n")
        if self.dies_at == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def remember(self, facts: Any) -> None:
        super().remember(facts)
        with self.journal.with_suffix(".kept").open("a") as file:
            file.write(f"{canonical(facts).decode()}\n")


@pytest.fixture
def site(repository: Repository, postgres: Server, database: str) -> Site:
    return Site(repository, postgres, database)


Act = Callable[..., Look]
