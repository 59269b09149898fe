"""A run folded from its events, and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from gonogo.errors import InputError, IntegrityError, nearest
from gonogo.frozen import dataclass
from gonogo.ledger.lease import provably_dead
from gonogo.ledger.store import Event, Ledger
from gonogo.model import codec
from gonogo.model.capture import Capture
from gonogo.model.outcome import Outcome, State
from gonogo.model.plan import Node, Plan
from gonogo.model.run import GateView, RunState, RunView
from gonogo.model.sign_off import SignOff
from gonogo.model.verdict import Decision, Verdict, Waiver

_NOUNS: Mapping[str, Mapping[str, Any]] = {
    "run-started": {"plan": Plan, "waivers": tuple[Waiver, ...]},
    "run-resumed": {"waivers": tuple[Waiver, ...]},
    "verdict": {"verdict": Verdict},
    "act-ended": {"capture": Capture},
    "sign-off": {"sign_off": SignOff},
    "run-finished": {"decision": Decision, "sign_offs": tuple[SignOff, ...]},
}
"""Event -> the parts of its data that are nouns; those that came later may be missing."""


_NO_WORK = frozenset({"lease-taken-over", "sign-off", "untold"})
"""Events that count for no time: another process wrote them, on another clock, or the run had ended."""

_SMALL = frozenset({"sign_off", "sign_offs"})
"""Parts that are nouns even in a quick fold: few, and asked for their digests."""


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
class Acted:
    """How far one acting call has come, as the ledger tells it."""

    steps: tuple[tuple[str, dict[str, Any]], ...] = ()
    """The steps it recorded, oldest first."""
    capture: Capture | None = None
    """What it brought back; None: it was begun and never ended."""
    said: str = ""
    """What a person said became of it: `done` or `not done`; empty: nobody did."""
    by: str = ""
    """Who said so, and in which words."""


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
    acts: dict[str, dict[str, Acted]] = field(default_factory=dict)
    """Gate -> acting call -> how far it has come."""
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
    asked: dict[str, Verdict] = field(default_factory=dict)
    """Gate -> its verdict before any answer, where an answer has changed it."""
    waivers: tuple[Waiver, ...] = ()
    sign_offs: dict[str, SignOff] = field(default_factory=dict)
    """By the digest of their envelopes, in the order they came in."""
    envelopes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The same digests -> the signed envelopes."""
    decided_on: tuple[str, ...] | None = None
    """Digests of the sign-offs that the decision knew; None: there is no decision."""
    untold: list[str] = field(default_factory=list)
    """What could not be told to others, and why."""
    _since: float = 0.0
    _before: float = 0.0

    def apply(self, event: str, gate: str, data: Mapping[str, Any], time: str, monotonic: float) -> None:
        """Take in one event; nouns in `data` are nouns already."""
        act = getattr(self, "_" + event.replace("-", "_"), None)
        if event in {"run-started", "run-resumed"}:
            self._since, self._before = monotonic, self.seconds
            self.stopped, self.holder = False, data.get("holder", {})
            self.waivers = tuple(data.get("waivers", ()))
            self.decision = self.decided_on = self.exit_code = None
            self.places.append(data.get("scratch", ""))
        if event not in _NO_WORK:
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

    def _act_started(self, told: _Told) -> None:
        acts = self.acts.setdefault(told.gate, {})
        before = acts.get(told.data["call"], Acted())
        acts[told.data["call"]] = Acted(before.steps)

    def _act_step(self, told: _Told) -> None:
        acts, call = self.acts.setdefault(told.gate, {}), told.data["call"]
        before = acts.get(call, Acted())
        acts[call] = Acted((*before.steps, (told.data["step"], dict(told.data["data"]))))

    def _act_ended(self, told: _Told) -> None:
        acts, call = self.acts.setdefault(told.gate, {}), told.data["call"]
        acts[call] = Acted(acts.get(call, Acted()).steps, told.data["capture"])

    def _act_said(self, told: _Told) -> None:
        acts = self.acts.setdefault(told.gate, {})
        for call, act in acts.items():
            if act.capture is None:
                acts[call] = Acted(act.steps, said=told.data["said"], by=told.data["by"])

    def _attempt_ended(self, told: _Told) -> None:
        self.begun.pop(told.gate, None)
        if told.data.get("outcome"):
            self.reds[told.gate] = Outcome(told.data["outcome"])

    def _verdict(self, told: _Told) -> None:
        self.begun.pop(told.gate, None)
        if told.data.get("answered"):
            self.asked.setdefault(told.gate, self.verdicts[told.gate])
        else:
            self.asked.pop(told.gate, None)
        self.verdicts[told.gate] = told.data["verdict"]

    def _gate_reopened(self, told: _Told) -> None:
        self.verdicts.pop(told.gate, None)

    def _sign_off(self, told: _Told) -> None:
        sign_off: SignOff = told.data["sign_off"]
        self.sign_offs[sign_off.digest] = sign_off
        self.envelopes[sign_off.digest] = told.data["envelope"]

    def _note(self, told: _Told) -> None:
        self.notes.append(told.data["text"])

    def _untold(self, told: _Told) -> None:
        self.untold.append(told.data["text"])

    def _run_stopped(self, told: _Told) -> None:
        self.stopped, self.ended, self.exit_code = True, told.time, told.data["exit_code"]

    def _run_finished(self, told: _Told) -> None:
        self.decision, self.ended, self.exit_code = told.data["decision"], told.time, told.data["exit_code"]
        counted = told.data.get("sign_offs", ())
        self.sign_offs.update({sign_off.digest: sign_off for sign_off in counted})
        self.decided_on = tuple(sign_off.digest for sign_off in counted)

    @property
    def finished(self) -> bool:
        """Whether the run reached its decision."""
        return self.decision is not None

    @property
    def uncounted(self) -> tuple[SignOff, ...]:
        """Sign-offs that came in after the decision."""
        if self.decided_on is None:
            return ()
        return tuple(sign_off for digest, sign_off in self.sign_offs.items() if digest not in self.decided_on)

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
            gates=(
                *(
                    GateView(node.gate, self._verdict_of(node, state), self.asked.get(node.id))
                    for node in self.plan.nodes
                ),
                *(GateView(n.gate, self.verdicts[n.id]) for n in self.plan.closing if n.id in self.verdicts),
            ),
            decision=self.decision,
            exit_code=self.exit_code if state is not RunState.RUNNING else None,
            notes=(
                *self.notes,
                *self.untold,
                *(f"after the decision {_late(sign_off)}" for sign_off in self.uncounted),
            ),
            evidence_directory=self.evidence,
            holder=self.holder,
            waivers=self.waivers,
            sign_offs=tuple(self.sign_offs.values()),
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


def _late(sign_off: SignOff) -> str:
    said = f"{sign_off.person} said {sign_off.word} for {sign_off.owner}"
    return f"{said}: {sign_off.message}; `gonogo run --resume {sign_off.run}` decides anew"


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
        for part, noun in _NOUNS.get(event.event, {}).items():
            if part in data and (nouns or (part in _SMALL and data[part])):
                data[part] = codec.load(noun, data[part])
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
