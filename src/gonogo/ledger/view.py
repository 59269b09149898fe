"""A run folded from its events, and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gonogo.errors import InputError, IntegrityError, nearest
from gonogo.ledger.lease import provably_dead
from gonogo.ledger.store import Event, Ledger
from gonogo.model import codec
from gonogo.model.outcome import Outcome, State
from gonogo.model.plan import Node, Plan
from gonogo.model.run import GateView, RunState, RunView
from gonogo.model.verdict import Decision, Verdict

_NOUNS: Mapping[str, tuple[str, type]] = {
    "run-started": ("plan", Plan),
    "verdict": ("verdict", Verdict),
    "run-finished": ("decision", Decision),
}
"""Event -> the part of its data that is a noun."""


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt that started and has no verdict yet."""

    attempt: int
    acts: bool
    started: str
    aside: tuple[tuple[str, str], ...]
    """(path in the tree, where it is kept meanwhile) of what was moved out of the attempt's way."""
    root: str


@dataclass(frozen=True, slots=True)
class _Told:
    """What one event says."""

    gate: str
    data: Mapping[str, Any]
    time: str


@dataclass(slots=True)
class Fold:
    """Everything the events of one run say so far. The engine keeps one while it runs, a reader makes one."""

    run: str
    plan: Plan | None = None
    started: str = ""
    ended: str = ""
    seconds: float = 0.0
    evidence: str = ""
    holder: dict[str, object] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    begun: dict[str, Begun] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    """Gate -> attempts started, over all processes that worked on this run."""
    reds: dict[str, Outcome] = field(default_factory=dict)
    """Gate -> outcome of an attempt that was tried again."""
    notes: list[str] = field(default_factory=list)
    decision: Decision | None = None
    exit_code: int | None = None
    stopped: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    places: list[str] = field(default_factory=list)
    """Private directories that its processes made outside the state directory."""
    _since: float = 0.0
    _before: float = 0.0

    def apply(self, event: str, gate: str, data: Mapping[str, Any], time: str, monotonic: float) -> None:
        """Take in one event; nouns in `data` are nouns already."""
        act = getattr(self, "_" + event.replace("-", "_"), None)
        if event in {"run-started", "run-resumed"}:
            self._since, self._before = monotonic, self.seconds
            self.stopped, self.holder = False, data.get("holder", {})
            self.places.append(data.get("scratch", ""))
        if event != "lease-taken-over":  # another process wrote that, on another clock
            self.seconds = self.seconds_until(monotonic)
        if act is not None:
            act(_Told(gate, data, time))

    def seconds_until(self, monotonic: float) -> float:
        """Seconds of work until that moment, over all processes that worked on this run."""
        return self._before + max(0.0, monotonic - self._since)

    def _run_started(self, told: _Told) -> None:
        self.plan, self.started, self.evidence = told.data["plan"], told.time, told.data["evidence"]
        self.settings = told.data.get("settings", {})

    def _attempt_started(self, told: _Told) -> None:
        aside = tuple((path, kept) for path, kept in told.data["aside"])
        self.begun[told.gate] = Begun(told.data["attempt"], told.data["acts"], told.time, aside, told.data["root"])
        self.attempts[told.gate] = told.data["attempt"]

    def _attempt_ended(self, told: _Told) -> None:
        self.begun.pop(told.gate, None)
        if told.data.get("outcome"):
            self.reds[told.gate] = Outcome(told.data["outcome"])

    def _verdict(self, told: _Told) -> None:
        self.begun.pop(told.gate, None)
        self.verdicts[told.gate] = told.data["verdict"]

    def _note(self, told: _Told) -> None:
        self.notes.append(told.data["text"])

    def _run_stopped(self, told: _Told) -> None:
        self.stopped, self.ended, self.exit_code = True, told.time, told.data["exit_code"]

    def _run_finished(self, told: _Told) -> None:
        self.decision, self.ended, self.exit_code = told.data["decision"], told.time, told.data["exit_code"]

    @property
    def finished(self) -> bool:
        """Whether the run reached its decision."""
        return self.decision is not None

    def view(self, *, alive: bool) -> RunView:
        """The run as outputs render it.

        Args:
            alive: Whether its process may still be at work.
        """
        if self.plan is None:
            raise IntegrityError(f"run `{self.run}` has no beginning in the ledger", help="run `gonogo doctor`")
        state = RunState.FINISHED if self.finished else RunState.RUNNING
        if not self.finished and (self.stopped or not alive):
            state = RunState.INTERRUPTED
        return RunView(
            id=self.run,
            plan=self.plan,
            state=state,
            started=self.started,
            ended=self.ended if state is not RunState.RUNNING else "",
            seconds=self.seconds,
            gates=tuple(GateView(node.gate, self._verdict_of(node, state)) for node in self.plan.nodes),
            decision=self.decision,
            exit_code=self.exit_code if state is not RunState.RUNNING else None,
            notes=tuple(self.notes),
            evidence_directory=self.evidence,
            holder=self.holder,
        )

    def _verdict_of(self, node: Node, state: RunState) -> Verdict:
        known = self.verdicts.get(node.id)
        if known is not None:
            return known
        unreached = still_verdict(node)
        if unreached is not None:
            return unreached
        begun = self.begun.get(node.id)
        outcome, where, reason = Outcome.NOT_RUN, State.PENDING, "not reached yet"
        if begun is not None and state is RunState.RUNNING:
            where, reason = State.RUNNING, "still running"
        elif begun is not None and begun.acts:
            outcome, where, reason = Outcome.UNKNOWN, State.INTERRUPTED, "an act was cut off: what it did is not known"
        elif begun is not None:
            reason = "cut off; `gonogo run --resume` tries it again"
        return Verdict(
            gate=node.id,
            phase=node.gate.phase,
            outcome=outcome,
            state=where,
            reason=reason,
            started=begun.started if begun else "",
            attempts=self.attempts.get(node.id, 0),
        )


def still_verdict(node: Node) -> Verdict | None:
    """The verdict of a gate that the plan itself does not run; None for all others."""
    if node.runs:
        return None
    outcome = Outcome.NOT_APPLICABLE if node.not_applicable else Outcome.NOT_RUN
    reason = node.not_applicable or node.left_out
    return Verdict(node.id, node.gate.phase, outcome, reason=reason, attempts=0)


def fold(events: tuple[Event, ...], run: str, *, nouns: bool = True) -> Fold:
    """All that these events say; without `nouns`, only what began and ended: plan and verdicts stay plain data."""
    folded = Fold(run)
    for event in events:
        data = event.value
        noun = _NOUNS.get(event.event) if nouns else None
        if noun is not None:
            data[noun[0]] = codec.load(noun[1], data[noun[0]])
        folded.apply(event.event, event.gate, data, event.time, event.monotonic)
    return folded


def find_run(ledger: Ledger, run: str = "") -> str:
    """The id of a run: as given (its beginning is enough where only one begins so), or the latest.

    Raises:
        InputError: There is none, or more than one begins so.
    """
    runs = ledger.runs()
    if not runs:
        raise InputError.of("no-run", "there is no run yet", help="start one with `gonogo run`")
    if not run:
        return runs[-1]
    found = [known for known in runs if known == run] or [known for known in runs if known.startswith(run)]
    if len(found) == 1:
        return found[0]
    near = nearest(run, runs)
    why = "several runs begin so" if found else "no run is called so"
    raise InputError.of("unknown-run", f"`{run}`: {why}", help=f"did you mean `{near or runs[-1]}`?")


def view(ledger: Ledger, run: str = "") -> RunView:
    """The run called `run` (absent: the latest) as its events tell it.

    Raises:
        InputError: There is no such run.
        IntegrityError: The ledger cannot be read.
    """
    found = find_run(ledger, run)
    lease = ledger.lease()
    alive = lease is not None and lease.run == found and not provably_dead(lease.holder)
    return fold(ledger.events(found), found).view(alive=alive)
