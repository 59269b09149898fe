"""A small real context for probes: processes really run, files are really read, bytes stay in memory."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from gonogo import criterion, plugins
from gonogo.model import codec
from gonogo.model.baseline import Baseline
from gonogo.model.capture import Blob, Capture
from gonogo.model.codec import canonical
from gonogo.model.observation import Captured, Observation, Reading, Trouble
from gonogo.model.outcome import Outcome
from gonogo.model.plan import Subject
from gonogo.model.release import TargetSpec
from gonogo.plugins import NoTarget, OnlyHere, Ran, Smoked


@dataclass
class MemoryContext:
    """`plugins.Context` over a real directory; `only_here` names the files that git does not know."""

    root: Path
    subject: Subject = field(default_factory=lambda: Subject(commit=""))
    target: str = "staging"
    inputs: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 60.0
    only_here: set[str] = field(default_factory=set)
    secrets: list[str] = field(default_factory=list)
    criteria: tuple[str, ...] = ()
    """Those of the gate, which `failing` judges."""
    kept: Mapping[str, Any] | None = None
    """What an attempt that was cut off remembered."""
    told: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    before: tuple[Captured, ...] = ()
    known: tuple[Baseline, ...] = ()
    blobs: dict[str, bytes] = field(default_factory=dict)
    spec: TargetSpec | None = None
    fence: int = 1
    smoked: Smoked = field(default_factory=lambda: Smoked(Outcome.PASS))
    """What the smoke checks say, of whatever release."""
    origins: list[str] = field(default_factory=list)
    run_id: str = "run-1"
    gate: str = "a-gate"
    recorded: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    place: plugins.Target | None = None

    @property
    def scratch(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self.root.parent))

    def reach(self) -> plugins.Target:
        if self.place is None:
            if self.spec is None:
                raise NoTarget("no target is declared")
            kind = plugins.builtin(("targets",)).targets[self.spec.kind]
            params: Any = codec.load(kind.params, self.spec.params)
            self.place = kind.function(params, self)
        return self.place

    def smoke(self, commit: str, *, origin: str = "") -> Smoked:
        self.origins.append(origin)
        return self.smoked

    def record(self, step: str, **data: Any) -> None:
        self.recorded = (*self.recorded, (step, data))

    def run(
        self,
        command: str | Sequence[str],
        *,
        cwd: str = ".",
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
        name: str = "",
        inherit: Collection[str] | None = None,
    ) -> Ran:
        start = time.monotonic()
        troubles: tuple[Trouble, ...] = ()
        exit_: int | None = None
        out = err = b""
        try:
            done = subprocess.run(
                command,
                shell=isinstance(command, str),
                cwd=self.root / cwd,
                env={k: v for k, v in os.environ.items() if inherit is None or k in inherit} | dict(env or {}),
                timeout=timeout or self.timeout,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
            exit_, out, err = done.returncode, done.stdout, done.stderr
        except subprocess.TimeoutExpired:
            troubles = (Trouble(Outcome.ERROR, "timeout", "took too long"),)
        except OSError as error:
            troubles = (Trouble(Outcome.ERROR, "not-started", str(error)),)
        prefix = f"{name}/" if name else ""
        return Ran(
            exit=exit_,
            signal="",
            stdout=self.keep(f"{prefix}stdout", out),
            stderr=self.keep(f"{prefix}stderr", err),
            troubles=troubles,
            seconds=time.monotonic() - start,
            out=out[: 1024 * 1024],
            err=err[: 1024 * 1024],
        )

    def keep(self, name: str, data: bytes, media_type: str = "application/octet-stream") -> Blob:
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return Blob(name, digest, len(data), len(data), media_type)

    def open(self, sha256: str) -> BinaryIO:
        """As the evidence store does."""
        return io.BytesIO(self.blobs[sha256])

    def redacted(self, data: bytes) -> bytes:
        for secret in self.secrets:
            data = data.replace(secret.encode(), b"***") if secret else data
        return data

    def keep_facts(self, facts: Mapping[str, Any]) -> Blob:
        return self.keep("facts.json", canonical(facts), "application/json")

    def read_file(self, path: str) -> bytes:
        data = (self.root / path).read_bytes()
        if path in self.only_here:
            raise OnlyHere(path)
        return data

    def add_secrets(self, values: Sequence[str]) -> None:
        self.secrets += values

    def baselines(self) -> tuple[Baseline, ...]:
        return self.known

    def tell(self, line: str) -> None:
        self.told.append(line)

    def once_told(self, act: Callable[[], object]) -> threading.Thread:
        """Do something else, in a thread, as soon as the first line was told: what is watched has been seen."""

        def later() -> None:
            end = time.monotonic() + 60
            while not self.told and time.monotonic() < end:
                time.sleep(0.02)
            act()

        thread = threading.Thread(target=later, daemon=True)
        thread.start()
        return thread

    def wait(self, seconds: float) -> bool:
        return not self.stopped.wait(seconds)

    def remembered(self) -> Mapping[str, Any] | None:
        return self.kept

    def remember(self, facts: Mapping[str, Any]) -> None:
        self.kept = json.loads(canonical(facts))

    def failing(self, reading: Reading) -> tuple[str, ...]:
        types = plugins.builtin().observation_types
        compiled = [criterion.compile(expression, types) for expression in self.criteria]
        return tuple(one.source for one in compiled if one.evaluate(reading).outcome is Outcome.FAIL)


@dataclass(frozen=True)
class Looked:
    """What a probe brought, and what its reader makes of the stored bytes."""

    capture: Capture
    reading: Reading
    stored: bytes
    """Every byte it kept."""

    @property
    def values(self) -> dict[str, Any]:
        return {observation.name: observation.value for observation in self.reading.observations}

    @property
    def troubles(self) -> dict[str, Outcome]:
        return {t.slug: t.outcome for t in (*self.capture.troubles, *self.reading.troubles)}

    @property
    def findings(self) -> list[str]:
        return [finding.id for finding in self.reading.findings]


Look = Callable[..., Looked]


def look_with(kind: str, context: MemoryContext, **params: Any) -> Looked:
    """Run the probe called `kind` and read what it stored, as the engine does."""
    probe = plugins.builtin(("probes", "actions")).probe(kind)
    given = probe.params(**params)
    capture = probe.function(given, context)
    facts = capture.blob("facts.json")
    reading = Reading()
    if facts is not None and probe.reader is not None:
        reading = probe.reader(json.loads(context.blobs[facts.sha256]), given)
    declared = {t.name for t in probe.yields}
    yielded: tuple[Observation, ...] = reading.observations
    assert {o.name for o in yielded} <= declared, "an observation that the probe does not declare"
    assert len({o.name for o in yielded}) == len(yielded), "one observation twice"
    return Looked(capture, reading, b"\n".join(context.blobs.values()))


@pytest.fixture
def context(tmp_path: Path) -> MemoryContext:
    return MemoryContext(tmp_path)


@pytest.fixture
def look(context: MemoryContext) -> Look:
    return lambda kind, **params: look_with(kind, context, **params)


class Repository:
    """A real git repository, with commits whose dates do not matter."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "--quiet", "--initial-branch=main")
        for key, value in (("user.name", "Ada"), ("user.email", "ada@example.org"), ("commit.gpgsign", "false")):
            self.git("config", key, value)

    def git(self, *argv: str) -> str:
        done = subprocess.run(["git", *argv], cwd=self.root, capture_output=True, check=True)
        return done.stdout.decode().strip()

    def write(self, path: str, text: str, *, executable: bool = False) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        if executable:
            file.chmod(0o755)
        return file

    def commit(self, message: str, files: Mapping[str, str] | None = None) -> str:
        for path, text in (files or {}).items():
            self.write(path, text)
            self.git("add", "--force", path)
        self.git("commit", "--quiet", "--allow-empty", "--no-verify", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository that no configuration of this user or machine reaches."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return Repository(tmp_path)
