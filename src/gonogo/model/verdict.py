"""What was judged: judgements, verdicts, waivers, and the decision."""

from __future__ import annotations

from datetime import date

from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.observation import Finding, Trouble
from gonogo.model.outcome import DecisionWord, Outcome, State


@dataclass(frozen=True, slots=True)
class Waiver:
    """A named person's acceptance of one finding, or of one criterion up to a bound, until a date."""

    id: str
    owner: str
    approver: str
    reason: str
    until: date
    """Good to the end of this day, UTC."""
    finding: str = ""
    """A finding's id."""
    criterion: str = ""
    """A criterion with a bound, such as `lint.warnings <= 42`, which must hold in its place."""
    gate: str = ""
    """Limits it to one gate; empty: any gate of its owner."""
    link: str = ""
    matches: int = 0
    """How many findings of one gate it accepts: as many as there were when it was written; 0: any number."""
    justification: str = ""
    """Why the finding does no harm, in a word of OpenVEX; empty: it does, and is borne until the end."""
    authors: tuple[str, ...] = ()
    """Who wrote its lines, by git blame: `Ada <ada@example.org>`."""
    written: str = ""
    """When its end was committed; UTC, RFC 3339."""
    commit: str = ""
    """The commit that says when it ends."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One criterion's outcome on one capture, with its distance."""

    criterion: str
    outcome: Outcome
    call: str = ""
    """Id of the call whose capture was judged; empty where no capture could speak."""
    shown: str = ""
    """The command or probe judged, as a person reads it."""
    value: str = ""
    """Measured, with its unit: `61.2 %`."""
    bound: str = ""
    """Asked: `>= 65 %`."""
    margin: float | None = None
    """Value minus bound in the unit of the observation, positive where it passes; None where it has no distance."""
    distance: str = ""
    """The sentence a person reads: `lines coverage 61.2 %, needs 65 %, short by 3.8 points: 412 lines`."""
    reason: str = ""
    """Why it is UNKNOWN, ERROR or STALE."""
    mend: str = ""
    """An order that would turn it green."""
    clause: str = ""
    waived_by: tuple[str, ...] = ()
    """Ids of the waivers that cover it, where all of it is covered."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A gate's outcome with its judgements: the record everything else renders from."""

    gate: str
    phase: str
    outcome: Outcome
    state: State = State.DONE
    judgements: tuple[Judgement, ...] = ()
    findings: tuple[Finding, ...] = ()
    """At most 1,000, the worst first; `findings_total` counts them all."""
    findings_total: int = 0
    troubles: tuple[Trouble, ...] = ()
    notes: tuple[str, ...] = ()
    captures: tuple[Capture, ...] = ()
    questions: tuple[str, ...] = ()
    """Questions still open; the state is `waiting` while there are any and nothing is red."""
    attempts: int = 1
    flaky: bool = False
    """Red, then green, in one run."""
    waived: bool = False
    """FAIL, and each false criterion is waived."""
    reason: str = ""
    """For NOT_APPLICABLE and NOT_RUN: why."""
    started: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a decision: which gate (empty: the run), and why."""

    gate: str
    text: str
    remark: bool = False
    """It holds nothing: a waiver, a gate that is not applicable, a note."""


@dataclass(frozen=True, slots=True)
class Decision:
    """GO, NO-GO or HOLD for a subject on a target, as of a moment."""

    word: DecisionWord
    reasons: tuple[Reason, ...]
    as_of: str
    """The moment waivers were measured against; UTC, RFC 3339."""
