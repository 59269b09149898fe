"""One criterion of a gate, judged on every capture it can speak of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gonogo import criterion
from gonogo.frozen import dataclass
from gonogo.judge.merge import merge
from gonogo.model.checklist import Criterion
from gonogo.model.observation import Captured, ObservationType, Reading, Trouble
from gonogo.model.outcome import Outcome, worst
from gonogo.model.verdict import Judgement


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement with what it was judged on, which waivers need to see again."""

    judgement: Judgement
    compiled: criterion.Compiled
    reading: Reading
    calls: tuple[str, ...] = ()
    """Ids of the calls whose captures it was judged on."""


def judge_criterion(
    asked: Criterion, captured: Sequence[Captured], types: Mapping[str, ObservationType]
) -> tuple[Judged, ...]:
    """Judge it on each capture that speaks of all it names; where its names are spread, on all of them together.

    At least one judgement comes back: where no capture speaks, an UNKNOWN that names the commands.
    """
    compiled = criterion.compile(asked.expression, types, asked.span)
    allowed = [c for c in captured if not asked.calls or c.call in asked.calls]
    judged = [_missing_call(asked, compiled, call) for call in asked.calls if all(c.call != call for c in captured)]
    speaking = _loudest(compiled, [c for c in allowed if compiled.asks(names(c))])
    if not speaking:
        return tuple(judged) or (_nobody(asked, compiled, allowed),)
    if all(compiled.speaks_for(names(c)) for c in speaking):
        return (*judged, *(_judged(asked, compiled, [c], c.reading) for c in speaking))
    return (*judged, _judged(asked, compiled, speaking, merge([c.reading for c in speaking], types)))


def names(captured: Captured) -> frozenset[str]:
    """Every observation it has, or is expected to have."""
    return frozenset(captured.speaks) | {o.name for o in captured.reading.observations}


def _loudest(compiled: criterion.Compiled, speaking: list[Captured]) -> list[Captured]:
    """For marks, the captures that mark the name at all: the build before the verify script says nothing of it."""
    if not compiled.marks:
        return speaking
    marking = [c for c in speaking if c.reading.troubles or compiled.evaluate(c.reading).outcome is not Outcome.UNKNOWN]
    return marking if any(not c.reading.troubles for c in marking) else speaking


def _judged(asked: Criterion, compiled: criterion.Compiled, on: Sequence[Captured], reading: Reading) -> Judged:
    evaluation = compiled.evaluate(reading)
    outcome, reason, mend = evaluation.outcome, evaluation.reason, evaluation.mend
    shown = " + ".join(c.shown for c in on)
    if outcome is Outcome.UNKNOWN:
        outcome, reason, mend = _explained(reason, shown, reading.troubles)
    judgement = Judgement(
        criterion=asked.expression,
        outcome=outcome,
        call=on[0].call if len(on) == 1 else "",
        shown=shown,
        value=evaluation.value,
        bound=evaluation.bound,
        margin=evaluation.margin,
        distance=evaluation.distance,
        reason=reason,
        mend=mend,
        clause=asked.clause,
    )
    return Judged(judgement, compiled, reading, tuple(c.call for c in on))


def _explained(reason: str, shown: str, troubles: Sequence[Trouble]) -> tuple[Outcome, str, str]:
    """Why an observation is absent: the capture's own trouble knows best, and its outcome is the honest one."""
    blocking = [t for t in troubles if t.outcome in {Outcome.ERROR, Outcome.STALE, Outcome.UNKNOWN}]
    if not blocking:
        return Outcome.UNKNOWN, f"{reason} after `{shown}`", ""
    outcome = worst(t.outcome for t in blocking)
    first = next(t for t in blocking if t.outcome is outcome)
    return outcome, f"{reason}: {first.message}", first.help


def _nobody(asked: Criterion, compiled: criterion.Compiled, captured: Sequence[Captured]) -> Judged:
    wanted = ", ".join(f"`{name}`" for name in (*compiled.names, *compiled.severities))
    commands = ", ".join(f"`{c.shown}`" for c in captured)
    if not captured:
        reason = f"nothing was run that could say {wanted}"
    elif len(captured) == 1:
        reason = f"{commands} does not say {wanted}"
    else:
        reason = f"none of {commands} says {wanted}"
    mend = f"add a command whose report says {wanted}, or name its report under `reports:`"
    judgement = Judgement(asked.expression, Outcome.UNKNOWN, reason=reason, mend=mend, clause=asked.clause)
    return Judged(judgement, compiled, Reading())


def _missing_call(asked: Criterion, compiled: criterion.Compiled, call: str) -> Judged:
    reason = f"call `{call}`, on which it is to be judged, brought nothing"
    judgement = Judgement(asked.expression, Outcome.UNKNOWN, call=call, reason=reason, clause=asked.clause)
    return Judged(judgement, compiled, Reading())
