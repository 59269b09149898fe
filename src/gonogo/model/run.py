"""A run as the ledger tells it: what every output renders from, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from enum import StrEnum

from gonogo.frozen import dataclass
from gonogo.model.checklist import Gate
from gonogo.model.outcome import Outcome
from gonogo.model.plan import Plan, Subject
from gonogo.model.sign_off import SignOff
from gonogo.model.verdict import Decision, Verdict, Waiver


class RunState(StrEnum):
    """Where a run is in its life."""

    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    """Its process is gone, or was told to stop, before the decision; `--resume` goes on."""


@dataclass(frozen=True, slots=True)
class GateView:
    """A gate of the plan with its verdict; a gate that was never reached has one too: NOT_RUN, with its reason."""

    gate: Gate
    verdict: Verdict
    asked: Verdict | None = None
    """As it was judged before any answer; None: no answer has changed it."""

    @property
    def outcome(self) -> Outcome:
        """The verdict's outcome."""
        return self.verdict.outcome


@dataclass(frozen=True, slots=True)
class RunView:
    """One run, folded from its events."""

    id: str
    plan: Plan
    state: RunState
    started: str
    """UTC, RFC 3339."""
    ended: str = ""
    seconds: float = 0.0
    gates: tuple[GateView, ...] = ()
    """Every gate of the plan, in its order; behind them what closed a rollout: the release kept, or put back."""
    decision: Decision | None = None
    exit_code: int | None = None
    notes: tuple[str, ...] = ()
    """About the run as a whole: the dirty tree, what one gate removed that another needed, a time budget spent."""
    evidence_directory: str = ""
    holder: dict[str, object] = field(default_factory=dict)
    """Host, pid, boot id, user and gonogo version of the process that ran it last."""
    waivers: tuple[Waiver, ...] = ()
    """Those it was judged with."""
    sign_offs: tuple[SignOff, ...] = ()
    """What people said, in the order it came in; what was void when it was decided says why."""
    tails: Mapping[str, str] = field(default_factory=dict)
    """sha256 of a stored stream of a red gate -> its last lines. Not of the record: only where evidence is at hand."""

    @property
    def subject(self) -> Subject:
        """What is released, with every image that the run has built, pushed or deployed so far."""
        return self._with_images(self.gates)

    def subject_at(self, gate: str) -> Subject:
        """The subject as whoever looks at one gate sees it: with the images of earlier phases and its own."""
        phase = next((one.gate.phase for one in self.gates if one.gate.id == gate), "")
        seen = []
        for one in self.gates:
            if one.gate.phase == phase:
                break
            seen.append(one)
        return self._with_images([*seen, *(one for one in self.gates if one.gate.id == gate)])

    def _with_images(self, gates: Sequence[GateView]) -> Subject:
        images = dict(self.plan.subject.images)
        for gate in gates:
            for capture in gate.verdict.captures:
                images |= capture.images
        return replace(self.plan.subject, images=images)
