"""What can be told to others while a run happens, and the words for what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum

from gonogo.frozen import dataclass
from gonogo.model.outcome import DecisionWord, Outcome
from gonogo.model.run import RunView
from gonogo.model.verdict import Verdict
from gonogo.telling.words import because, crop

_LONGEST = 300
"""Characters of a reason."""


class What(StrEnum):
    """What happened."""

    STARTED = "started"
    GATE_STARTED = "gate-started"
    GATE_FINISHED = "gate-finished"
    WAITING = "waiting"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened in a run, as the ledger has it."""

    what: What
    at: str
    """UTC, RFC 3339."""
    view: RunView
    """The run: as it stood then for STARTED, WAITING and ENDED; as it began for what happens to a gate."""
    gate: str = ""
    attempt: int = 0
    verdict: Verdict | None = None


class Result(StrEnum):
    """What became of a run or a gate, in the words of OpenTelemetry's CI/CD conventions (1.43, `cicd.*.result`)."""

    SUCCESS = "success"
    FAILURE = "failure"
    """It was looked at, and it does not hold."""
    ERROR = "error"
    """It could not be looked at."""
    TIMEOUT = "timeout"
    CANCELLATION = "cancellation"
    SKIP = "skip"


_OF_OUTCOME = {
    Outcome.PASS: Result.SUCCESS,
    Outcome.FAIL: Result.FAILURE,
    Outcome.NOT_APPLICABLE: Result.SKIP,
    Outcome.NOT_RUN: Result.SKIP,
}
_OF_DECISION = {
    DecisionWord.GO: Result.SUCCESS,
    DecisionWord.NO_GO: Result.FAILURE,
    DecisionWord.HOLD: Result.ERROR,
}


def now() -> str:
    """This moment; UTC, RFC 3339 with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def result_of_gate(verdict: Verdict) -> Result:
    """UNKNOWN, ERROR and STALE are errors: nobody knows whether it holds."""
    if verdict.outcome is Outcome.ERROR and any(trouble.slug == "timeout" for trouble in verdict.troubles):
        return Result.TIMEOUT
    return _OF_OUTCOME.get(verdict.outcome, Result.ERROR)


def result_of_run(view: RunView) -> Result:
    """HOLD is an error: it could not be told. A run that was told to stop is cancelled."""
    return Result.CANCELLATION if view.decision is None else _OF_DECISION[view.decision.word]


def why(verdict: Verdict) -> str:
    """The first reason why a gate is not green; empty where it is."""
    return crop(next(iter(because(verdict)), ""), _LONGEST) if verdict.outcome is not Outcome.PASS else ""


def why_run(view: RunView, at_most: int = 5) -> Sequence[str]:
    """The reasons of a decision that hold it, with their gates; those of a run without one: that it was cut off."""
    if view.decision is None:
        return ["the run was told to stop before its decision"]
    reasons = [reason for reason in view.decision.reasons if not reason.remark]
    told = [crop(f"{reason.gate}: {reason.text}" if reason.gate else reason.text, _LONGEST) for reason in reasons]
    return told[:at_most] + ([f"and {len(told) - at_most} more"] if len(told) > at_most else [])
