"""What a probe may touch during one call, and nothing else: everything that leaves it is redacted and stored."""

from __future__ import annotations

import dataclasses
import os
import shutil
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field
from itertools import count
from pathlib import Path
from typing import Any

from gonogo import criterion, envfile, shim
from gonogo.engine import aside, leftovers, process, progress, said
from gonogo.engine.acts import ActLog
from gonogo.engine.hold import Hold
from gonogo.engine.order import Order, attempt_token
from gonogo.evidence import secrets
from gonogo.evidence.redact import Redactor
from gonogo.evidence.store import Store
from gonogo.frozen import dataclass
from gonogo.model import codec
from gonogo.model.baseline import Baseline
from gonogo.model.capture import Blob, Capture, ReportRef
from gonogo.model.checklist import Call
from gonogo.model.observation import Captured, Reading, Trouble
from gonogo.model.outcome import Outcome
from gonogo.model.plan import Subject
from gonogo.model.release import TargetSpec
from gonogo.plugins import NoTarget, OnlyHere, Ran, Registry, Smoked, Target
from gonogo.testing import crash_point

STREAM_CAP = 4 * 1024 * 1024
"""Bytes of a stream that are kept: its head and its tail. A tool's report is never cut."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """What all attempts of one run share. Safe to use from several threads."""

    store: Store
    redactor: Redactor
    registry: Registry
    scratch: Path
    """Private directory below the system's temporary one: wrappers, and raw reports until they are stored."""
    tracked: frozenset[str]
    environ: Mapping[str, str]
    """Variables of gonogo's own process, as they were when the run began."""
    progress: Path
    """Directory of what unfinished calls remember; it outlives this process."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set when the run is told to stop: no further call begins."""
    acts: ActLog = field(default_factory=ActLog)
    """Where workers have the steps of their acts written before they take them."""
    history: Callable[[], tuple[Baseline, ...]] = tuple
    """The baselines that stand; asked from workers."""
    hold: Hold = field(default_factory=Hold)
    """The lock of the target, once an act has taken it."""
    numbers: count[int] = field(default_factory=count)

    @property
    def wrappers(self) -> Path:
        """Directory of the wrappers that stand before known tools."""
        return self.scratch / "shims"


class CallContext:
    """The `plugins.Context` of one call."""

    def __init__(
        self,
        order: Order,
        call: Call,
        params: Any,
        workshop: Workshop,
        *,
        timeout: float,
        on_line: Callable[[str], None] | None,
        acting: bool = False,
        earlier: tuple[tuple[str, Capture], ...] = (),
    ) -> None:
        self._order = order
        self._call = call
        self._workshop = workshop
        self._params = params
        self._timeout = timeout
        self._on_line = on_line
        self._target: Target | None = None
        self._steps: list[tuple[str, Mapping[str, Any]]] = []
        self._acting = acting
        self._earlier = earlier
        self._remembers = False
        self.notes: list[str] = []
        """Remarks of the tools that ran."""

    @property
    def root(self) -> Path:
        """The project that this gate looks at, in its checkout; absolute."""
        return self._checkout / self._order.directory if self._order.directory else self._checkout

    @property
    def _checkout(self) -> Path:
        return Path(self._order.root)

    @property
    def subject(self) -> Subject:
        """What is being released."""
        return self._order.subject

    @property
    def target(self) -> str:
        """Where it goes."""
        return self._order.target

    @property
    def inputs(self) -> Mapping[str, str]:
        """Values of the checklist's inputs."""
        return self._order.inputs

    @property
    def timeout(self) -> float:
        """Seconds this call may take."""
        return self._timeout

    @property
    def before(self) -> tuple[Captured, ...]:
        """What the earlier calls of this attempt say."""
        return said.read(self._order, self._earlier, self._workshop.store, self._workshop.registry)

    def baselines(self) -> tuple[Baseline, ...]:
        """The figures of earlier load tests whose releases became stable."""
        return self._workshop.history()

    @property
    def run_id(self) -> str:
        """The run this is part of."""
        return self._order.run

    @property
    def gate(self) -> str:
        """The gate this is part of."""
        return self._order.gate

    @property
    def scratch(self) -> Path:
        """A private directory for this call's own files; gone when the run ends."""
        path = self._workshop.scratch / f"call-{next(self._workshop.numbers)}"
        path.mkdir(mode=0o700)
        return path

    @property
    def spec(self) -> TargetSpec | None:
        """The target as the checklist declares it."""
        return self._order.spec

    @property
    def fence(self) -> int:
        """The number under which this run holds the target's lock; 0: it does not."""
        return self._workshop.hold.fence

    def reach(self) -> Target:
        """The target itself, through its kind; raises `NoTarget`."""
        spec = self._order.spec
        if spec is None:
            raise NoTarget(
                f"the checklist declares no target `{self.target}`",
                help=f"add `{self.target}` under `targets:`, or name another with `--target`",
            )
        if self._target is None:
            kind = self._workshop.registry.targets[spec.kind]
            params: Any = codec.load(kind.params, spec.params)
            self._target = kind.function(params, self)
        return self._target

    def smoke(self, commit: str, *, origin: str = "") -> Smoked | None:
        """Do the plan's smoke checks now, and judge them as their own gates do."""
        from gonogo.engine.smoke import smoke  # it makes contexts of its own

        return smoke(self._order, self._workshop, commit, origin=origin, timeout=self._timeout)

    def record(self, step: str, **data: Any) -> None:
        """Write a step of this act into the ledger before it is taken."""
        if not self._acting:
            raise TypeError("only an act records steps")
        self._workshop.acts.write(self.gate, "act-step", {"call": self._call.id, "step": step, "data": data})
        self._steps.append((step, data))
        crash_point("act-step", f"{self.gate}:{step}")

    @property
    def recorded(self) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        """The steps that this act has recorded, oldest first."""
        before = self._order.before.get(self._call.id)
        return (*(before.steps if before is not None else ()), *self._steps)

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
        """Run a process and bring back its stored streams and the reports of the tools in it."""
        shop = self._workshop
        reports = f"{shop.scratch}/reports-{next(shop.numbers)}"
        asked = bool(getattr(self._params, "ask", True))
        wrapped = shim.prepare(shop.wrappers, shop.registry.tools, reports) if asked else {}
        given, troubles = self._from_files()
        variables = {**given, **(env or {})}
        if "PATH" in variables and wrapped:
            wrapped = {**wrapped, "PATH": f"{shop.wrappers}{os.pathsep}{variables['PATH']}"}
        prefix = f"{name}/" if name else ""
        own = shop.environ if inherit is None else {key: shop.environ[key] for key in inherit if key in shop.environ}
        ran = process.run(
            command,
            cwd=self.root if cwd == "." else self.root / cwd,
            env={**own, **variables, **wrapped, leftovers.MARKER: self._marker()},
            timeout=min(timeout or self._timeout, self._timeout),
            stdout=shop.store.sink(f"{prefix}stdout", "text/plain", STREAM_CAP),
            stderr=shop.store.sink(f"{prefix}stderr", "text/plain", STREAM_CAP),
            on_line=self._on_line,
            stopping=shop.stop.is_set,
        )
        return self._with_reports(ran, reports, prefix, troubles) if asked or troubles else ran

    def _marker(self) -> str:
        """What every process of this attempt carries, so that a later run finds those that outlived a killed one."""
        order = self._order
        return f"{self._workshop.environ[leftovers.MARKER]}/{attempt_token(order.run, order.gate, order.attempt)}"

    def _from_files(self) -> tuple[dict[str, str], list[Trouble]]:
        """Variables of the call's env files, whose values are secrets."""
        given: dict[str, str] = {}
        troubles: list[Trouble] = []
        for path in getattr(self._params, "env_files", ()):
            try:
                text = self.read_file(path).decode("utf-8", "surrogateescape")
            except (OnlyHere, OSError) as error:
                slug = "only-here" if isinstance(error, OnlyHere) else "env-file-missing"
                troubles.append(
                    Trouble(Outcome.UNKNOWN, slug, f"env file `{path}`: {_why(error)}", f"declare or create `{path}`")
                )
                continue
            entries, _ = envfile.parse(text, tolerant=True)
            self.add_secrets([entry.value for entry in entries if not secrets.public(entry.key, entry.value)])
            given |= {entry.key: entry.value for entry in entries}
        return given, troubles

    def _with_reports(self, ran: Ran, reports: str, prefix: str, troubles: list[Trouble]) -> Ran:
        """What it ran, with the reports of its tools redacted and stored; the raw ones are gone afterwards."""
        shop = self._workshop
        refs: list[ReportRef] = []
        blobs: list[Blob] = []
        asked_any = os.path.isdir(reports)  # noqa: PTH112 - after each process of a run
        if not asked_any and not troubles:
            return ran
        try:
            for record in shim.collect(Path(reports), self._checkout) if asked_any else ():
                self.notes += record.notes
                troubles += shim.troubles(record, shop.registry.tools.get(record.tool))
                for index, written in enumerate(record.reports):
                    name = f"{prefix}report/{record.name}-{index}"
                    media = shop.registry.parsers[written.parser].media_type
                    try:
                        blob = shop.store.put_file(name, written.file, media, self._in_repository(written.path))
                    except OSError as error:
                        troubles.append(_lost(record.tool, error))
                        continue
                    blobs.append(blob)
                    refs.append(ReportRef(name, written.parser, record.tool, record.exit, dict(written.params)))
        finally:
            if asked_any:
                shutil.rmtree(reports, ignore_errors=True)
        return dataclasses.replace(
            ran, troubles=(*ran.troubles, *troubles), reports=tuple(refs), report_blobs=tuple(blobs)
        )

    def _in_repository(self, path: str) -> str:
        return os.path.relpath(path, self._checkout) if path.startswith(f"{self._checkout}/") else ""

    def keep(self, name: str, data: bytes, media_type: str = "application/octet-stream") -> Blob:
        """Redact and store bytes."""
        return self._workshop.store.put(name, data, media_type)

    def redacted(self, data: bytes) -> bytes:
        """Bytes without secrets."""
        return self._workshop.redactor.bytes(data)

    def keep_facts(self, facts: Mapping[str, Any]) -> Blob:
        """Redact and store facts as canonical JSON."""
        return self.keep("facts.json", codec.canonical(facts), "application/json")

    def read_file(self, path: str) -> bytes:
        """Bytes of a file in the checkout; raises `FileNotFoundError`, or `OnlyHere` for what only this machine has."""
        name = os.path.normpath(Path(self._order.directory, path))
        place = aside.inside(self._checkout, name)
        if place is None:
            raise OnlyHere(f"`{path}` leads out of the repository")
        data = place.read_bytes()
        if name not in self._workshop.tracked and name not in self._order.input_files:
            raise OnlyHere(f"`{path}` is neither committed nor declared under `input_files`")
        return data

    def add_secrets(self, values: Sequence[str]) -> None:
        """From now on these values reach no file, log or screen."""
        self._workshop.redactor.add(values)

    def tell(self, line: str) -> None:
        """Show a line of progress to whoever watches the run."""
        if self._on_line is not None:
            self._on_line(process.shown(self._workshop.redactor.text(line).encode()))

    def wait(self, seconds: float) -> bool:
        """Let time pass; false at once when the run is told to stop."""
        return not self._workshop.stop.wait(max(0.0, seconds))

    @property
    def _progress(self) -> progress.Progress:
        name = f"{self._order.gate}-{self._call.id}"
        return progress.Progress(self._workshop.progress, name, codec.digest(self._call.params))

    def remembered(self) -> Mapping[str, Any] | None:
        """What an attempt of this run that was cut off kept; None: nothing."""
        self._remembers = True
        return self._progress.load()

    def remember(self, facts: Mapping[str, Any]) -> None:
        """Keep facts for the next attempt, should this one be cut off."""
        self._remembers = True
        self._progress.save(self._workshop.redactor.text(codec.canonical(facts).decode()))

    def forget(self) -> None:
        """Drop what was remembered: the call has ended."""
        if self._remembers:
            self._progress.drop()

    def failing(self, reading: Reading) -> tuple[str, ...]:
        """The criteria of the gate that a reading makes false already, though the call has not ended."""
        types = self._workshop.registry.observation_types
        mine = [c for c in self._order.node.gate.criteria if not c.calls or self._call.id in c.calls]
        compiled = [criterion.compile(asked.expression, types, asked.span) for asked in mine]
        return tuple(one.source for one in compiled if one.evaluate(reading).outcome is Outcome.FAIL)


def _why(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()


def _lost(tool: str, error: OSError) -> Trouble:
    return Trouble(
        Outcome.UNKNOWN, "report-unreadable", f"the report of `{tool}` cannot be read: {error.strerror}", "run it alone"
    )
