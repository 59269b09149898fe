"""A double of a target: a directory that remembers which release is "up", and behaves as its commit's marks say.

Everything is a file, so that it outlives `kill -9` of gonogo. A service "runs" the artifact that was put there last.
How a release behaves is written in `behaviour/<commit>`: `crash` restarts all the time, `port` cannot be started,
`blind` cannot be looked at, `sick` is unhealthy. Nothing written: it is well.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gonogo.model import codec
from gonogo.model.capture import Blob
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome
from gonogo.model.release import Difference, Instance, Release, TargetState
from gonogo.plugins import Context, Database, OutOfReach, Ran, target


@dataclass(frozen=True, slots=True)
class DoubleParams:
    """Where it lies."""

    directory: str = ""
    """Its directory."""


class TargetDouble:
    """One directory."""

    def __init__(self, directory: Path, context: Context) -> None:
        self.directory = directory
        self.context = context
        directory.mkdir(parents=True, exist_ok=True)

    def trouble(self) -> Trouble | None:
        with (self.directory / "troubles").open("a") as file:
            file.write("asked\n")
        return None

    window = 0.05

    def url(self, name: str) -> str:
        return ""

    # --- what lives there ------------------------------------------------------------------------------------------

    @property
    def _lock(self) -> Path:
        return self.directory / "lock"

    def claim(self, holder: Mapping[str, Any], *, instead_of: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        if instead_of is not None and self.holder() == instead_of:
            self._lock.unlink()
        try:
            with self._lock.open("x") as file:
                json.dump(dict(holder), file)
        except FileExistsError:
            return self.holder() or {}
        return holder

    def unclaim(self, holder: Mapping[str, Any]) -> None:
        if self.holder() == holder:
            self._lock.unlink()

    def holder(self) -> Mapping[str, Any] | None:
        try:
            held: Mapping[str, Any] = json.loads(self._lock.read_text())
        except FileNotFoundError:
            return None
        return held

    def load(self) -> TargetState:
        try:
            return codec.load(TargetState, json.loads((self.directory / "state.json").read_text()))
        except FileNotFoundError:
            return TargetState()

    def save(self, state: TargetState, *, over: TargetState | None = None) -> None:
        temporary = self.directory / "state.tmp"
        temporary.write_bytes(codec.canonical(state))
        temporary.replace(self.directory / "state.json")

    # --- releases --------------------------------------------------------------------------------------------------

    def draft(self) -> Release:
        commit = self.context.subject.commit
        return Release(0, commit, self.context.subject.clean, {"backend": f"sha256:{commit}"}, config="c1")

    def differences(self, release: Release) -> tuple[Difference, ...]:
        there = self._there()
        same = there is not None and there["artifact"] == release.artifacts["backend"]
        return (Difference("backend", "untouched" if same else "recreate", "" if same else "image"),)

    def present(self, release: Release) -> Trouble | None:
        if (self.directory / "pruned" / release.commit).exists():
            return Trouble(Outcome.FAIL, "artifact-gone", f"{release.id} is not there any more", "load it again")
        return None

    def keep(self, release: Release) -> Release:
        return replace(release, facts={**release.facts, "tag": f"kept-{release.number}"})

    def forget(self, release: Release) -> None:
        with (self.directory / "forgotten").open("a") as file:
            file.write(f"{release.id}\n")

    def up(self, release: Release) -> Ran:
        with (self.directory / "ups").open("a") as file:
            file.write(f"{release.id}\n")
        code = 1 if self._behaves(release.commit) == "port" else 0
        if not code and (self._there() or {}).get("artifact") != release.artifacts["backend"]:
            what = {"artifact": release.artifacts["backend"], "id": f"c{os.urandom(4).hex()}", "commit": release.commit}
            (self.directory / "there.json").write_text(json.dumps(what))
        said = b"bind: address already in use" if code else b""
        out, err = self.context.keep("up/stdout", b"done"), self.context.keep("up/stderr", said)
        return Ran(code, "", out, err, (), 0.1, b"", said)

    def instances(self) -> tuple[Instance, ...]:
        there = self._there()
        if there is None:
            return ()
        behaves = self._behaves(there["commit"])
        if behaves == "blind":
            raise OutOfReach("cannot connect to the daemon", help="start it")
        restarts = self._count("looks") if behaves == "crash" else 0
        health = "unhealthy" if behaves == "sick" else "healthy"
        if behaves == "slow":  # it is well until a test says otherwise
            restarts = 1 if (self.directory / "crashed").exists() else 0
        return (
            Instance(
                "backend", there["id"], there["artifact"], "running", health, restarts=restarts, started=f"t{restarts}"
            ),
        )

    def since(self) -> str:
        return "now"

    def autopsy(self, since: str) -> tuple[Blob, ...]:
        return (self.context.keep("autopsy/backend.log", b"it fell over"),)

    def logs(self, service: str, since: str) -> bytes:
        return b""

    def database(self) -> Database | None:
        return None

    @contextmanager
    def trial(self, release: Release, variables: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
        yield {}

    # --- what tests say of it ----------------------------------------------------------------------------------------

    def _behaves(self, commit: str) -> str:
        try:
            return (self.directory / "behaviour" / commit).read_text()
        except FileNotFoundError:
            return ""

    def _there(self) -> dict[str, str] | None:
        try:
            there: dict[str, str] = json.loads((self.directory / "there.json").read_text())
        except FileNotFoundError:
            return None
        return there

    def _count(self, name: str) -> int:
        path = self.directory / name
        number = int(path.read_text()) + 1 if path.exists() else 0
        path.write_text(str(number))
        return number


@target("double")
def double(params: DoubleParams, context: Context) -> TargetDouble:
    """A double of a target, for tests."""
    return TargetDouble(Path(params.directory), context)
