"""Outcomes of a gate, decisions about a run, and the exit codes that tell them apart."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, StrEnum


class Outcome(StrEnum):
    """What became of a gate. Only PASS is green; everything gonogo could not see has an outcome of its own."""

    PASS = "PASS"
    """At least one criterion, every one judged, all true."""
    FAIL = "FAIL"
    """A criterion is false, or a check changed tracked files."""
    UNKNOWN = "UNKNOWN"
    """Could not look: report missing, empty or unreadable, an observation absent, a question unanswered."""
    ERROR = "ERROR"
    """The look itself broke: tool missing, crash, timeout, permission, an exit code that nothing explains."""
    STALE = "STALE"
    """A report is there, but this attempt did not write it."""
    NOT_APPLICABLE = "NOT_APPLICABLE"
    """The checklist's own condition says so, with a reason."""
    NOT_RUN = "NOT_RUN"
    """Never reached."""


class State(StrEnum):
    """Where a gate is in its life; separate from its outcome."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    INTERRUPTED = "interrupted"


class DecisionWord(StrEnum):
    """The answer about a subject on a target."""

    GO = "GO"
    NO_GO = "NO-GO"
    HOLD = "HOLD"


class ExitCode(IntEnum):
    """What the process returns; each cause has its own number."""

    GO = 0
    NO_GO = 1
    BAD_INPUT = 2
    HOLD = 3
    COULD_NOT_FINISH = 4
    INTEGRITY = 5
    BUG = 70
    INTERRUPTED = 130
    TERMINATED = 143


EXIT_OF_DECISION = {
    DecisionWord.GO: ExitCode.GO,
    DecisionWord.NO_GO: ExitCode.NO_GO,
    DecisionWord.HOLD: ExitCode.HOLD,
}

_WORST_FIRST = (
    Outcome.FAIL,
    Outcome.ERROR,
    Outcome.STALE,
    Outcome.UNKNOWN,
    Outcome.NOT_RUN,
    Outcome.PASS,
)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome of several criteria together: FAIL beats ERROR beats STALE beats UNKNOWN beats NOT_RUN beats PASS.

    No criterion at all is UNKNOWN, never PASS: a gate that asks nothing has seen nothing. NOT_APPLICABLE is a
    property of a whole gate and takes no part here; passing it raises `ValueError`.
    """
    seen = set(outcomes)
    if Outcome.NOT_APPLICABLE in seen:
        raise ValueError("a criterion cannot be NOT_APPLICABLE; only a gate's own `when` can")
    return next((outcome for outcome in _WORST_FIRST if outcome in seen), Outcome.UNKNOWN)
