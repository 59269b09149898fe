"""A real git repository, a checklist made by hand, and runs of it: in this process, or in one that can be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from gonogo import engine, plan, plugins
from gonogo.config import Settings
from gonogo.ledger import Ledger
from gonogo.ledger.view import view
from gonogo.model import codec
from gonogo.model.checklist import Call, Checklist, Criterion, Effect, Gate, Phase
from gonogo.model.plan import Plan
from gonogo.model.run import RunView
from gonogo.model.verdict import Verdict
from gonogo.plan.subject import look
from tests.engine import target_double
from tests.repository import Repository


@cache
def registry() -> plugins.Registry:
    known = plugins.load()
    for kind in plugins.kinds_in(target_double):
        known.add(kind)
    return known


def call(line: str, id_: str = "1", *, acts: bool = False, **params: Any) -> Call:
    """A command; `acts` makes it a write."""
    effect = Effect.WRITE if acts else Effect.READ
    return Call(id_, "command", {"run": line, **params}, text=line, effect=effect, effect_said=acts)


def gate(
    id_: str, *calls: Call | str, phase: str = "1", criteria: tuple[str, ...] = ("exit == 0",), **more: Any
) -> Gate:
    """A gate whose criterion is the exit code."""
    made = tuple(c if isinstance(c, Call) else call(c, str(n)) for n, c in enumerate(calls, start=1))
    return Gate(id=id_, title=id_, phase=phase, calls=made, criteria=tuple(map(Criterion, criteria)), **more)


def checklist(*gates: Gate, **more: Any) -> Checklist:
    """A checklist with the phases that its gates name."""
    names = list(dict.fromkeys(g.phase for g in gates))
    phases = tuple(Phase(name, f"Phase {name}", tuple(g for g in gates if g.phase == name)) for name in names)
    return Checklist("A checklist", phases, **more)


class Heard(engine.Silent):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, ...]] = []

    def gate_started(self, gate_id: str, attempt: int) -> None:
        self.said.append(("started", gate_id, str(attempt)))

    def gate_output(self, gate_id: str, line: str) -> None:
        self.said.append(("output", gate_id, line))

    def gate_finished(self, verdict: Verdict) -> None:
        self.said.append(("finished", verdict.gate, verdict.outcome.value))

    def note(self, text: str) -> None:
        self.said.append(("note", text))


@dataclass
class Place(Repository):
    """One repository with its state."""

    listener: Heard = field(default_factory=Heard)

    def plan(self, *gates: Gate, selection: plan.Selection | None = None, **more: Any) -> Plan:
        inputs = more.pop("given", {})
        allow_dirty = more.pop("allow_dirty", False)
        return plan.compile(
            checklist(*gates, **more),
            subject=look(self.root),
            target="staging",
            inputs=inputs,
            selection=selection,
            registry=registry(),
            root=self.root,
            allow_dirty=allow_dirty,
        )

    def run(self, *gates: Gate, settings: Settings | None = None, **more: Any) -> RunView:
        self.listener = Heard()
        return engine.run(
            self.plan(*gates, **more),
            root=self.root,
            state=self.state,
            registry=registry(),
            settings=settings or Settings(jobs=2),
            listener=self.listener,
        )

    def resume(self, run: str = "", **settings: Any) -> RunView:
        self.listener = Heard()
        return engine.resume(
            run,
            root=self.root,
            state=self.state,
            registry=registry(),
            settings=Settings(**{"jobs": 2, **settings}),
            listener=self.listener,
        )

    def start(
        self, *gates: Gate, crash_at: str = "", settings: Settings | None = None, **more: Any
    ) -> subprocess.Popen[bytes]:
        """Run in a process of its own, which can be killed, or kills itself at a named point."""
        frozen = self.root.parent / "plan.json"
        frozen.write_text(json.dumps(codec.dump(self.plan(*gates, **more))))
        chosen = json.dumps(codec.dump(settings or Settings(jobs=2)))
        with frozen.open("rb") as given, self.told.open("wb") as told:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.engine.child", str(self.root), chosen],
                cwd=Path(__file__).parents[2],
                env={**os.environ, "GONOGO_CRASH_AT": crash_at},
                stdin=given,
                stdout=subprocess.DEVNULL,
                stderr=told,
            )

    @property
    def told(self) -> Path:
        return self.root.parent / "stderr"

    def crash(self, *gates: Gate, at: str, settings: Settings | None = None, **more: Any) -> int:
        """Run until the crash point; returns how the process ended."""
        code = self.start(*gates, crash_at=at, settings=settings, **more).wait(60)
        assert code in {0, -9}, self.told.read_text()
        return code

    def view(self) -> RunView:
        ledger = Ledger(self.state / "ledger.db")
        try:
            return view(ledger)
        finally:
            ledger.close()


def outcomes(run: RunView) -> dict[str, str]:
    return {g.gate.id: g.outcome.value for g in run.gates}


def verdict(run: RunView, gate_id: str) -> Verdict:
    return next(g.verdict for g in run.gates if g.gate.id == gate_id)


def slugs(run: RunView, gate_id: str) -> list[str]:
    return [trouble.slug for trouble in verdict(run, gate_id).troubles]
