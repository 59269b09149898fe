"""A gate's verdict: every criterion, every trouble and every open question, the worst of them first."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from gonogo.judge.criteria import Judged, judge_criterion
from gonogo.judge.sign_offs import Answer
from gonogo.judge.waivers import day, waive
from gonogo.model.capture import Capture
from gonogo.model.checklist import Gate, Question
from gonogo.model.observation import WAITING, Captured, Finding, ObservationType, Reading, Trouble
from gonogo.model.outcome import Outcome, State, worst
from gonogo.model.verdict import Judgement, Verdict, Waiver

MOST_FINDINGS = 1000
"""Findings a verdict keeps; `findings_total` counts them all."""

_SEVERITIES = (
    "critical",
    "errored",
    "error",
    "failed",
    "high",
    "medium",
    "moderate",
    "warning",
    "low",
    "flaky",
    "note",
    "info",
)
_RANK = {severity: rank for rank, severity in enumerate(_SEVERITIES)}


def judge(
    gate: Gate,
    captured: Sequence[Captured],
    captures: Sequence[Capture],
    *,
    extra_troubles: Sequence[Trouble] = (),
    waivers: Sequence[Waiver] = (),
    as_of: date,
    types: Mapping[str, ObservationType],
    answers: Mapping[str, Answer] | None = None,
) -> Verdict:
    """Judge a gate from what its calls brought back; pure, so anyone can do it again from the stored bytes.

    `captured` are the readings, one for each call that ran; `captures` are kept in the verdict as they are.
    `extra_troubles` are what the engine saw beside the calls: stale or missing evidence, changed tracked files.
    `as_of` is the UTC day that waivers are measured against. Raises `InputError` where a criterion does not compile,
    which loading the checklist has ruled out. `answers` are what the gate's owners answered, by question; each is
    judged like a criterion: yes is PASS, no is FAIL.
    """
    judged = tuple(j for asked in gate.criteria for j in judge_criterion(asked, captured, types))
    troubles = _troubles(gate, judged, captured, captures, extra_troubles)
    answered = _answered(gate, answers or {})
    still = tuple(question for question in gate.questions if question.id not in (answers or {}))
    outcome = worst(_outcomes(judged, troubles, answered, still))
    waived = waive(gate, judged, waivers, captured=captured, as_of=day(as_of), types=types)
    judgements = (*(j.judgement for j in waived.judged), *answered)
    return Verdict(
        gate=gate.id,
        phase=gate.phase,
        outcome=outcome,
        state=State.WAITING if outcome is Outcome.UNKNOWN and _waits(still, troubles) else State.DONE,
        judgements=judgements,
        findings=worst_findings(finding for one in captured for finding in one.reading.findings),
        findings_total=sum(_total(one.reading, types) for one in captured),
        troubles=troubles,
        notes=_notes(captured, captures, waived.notes),
        captures=tuple(captures),
        questions=tuple(question.text for question in still),
        waived=_all_waived(still, judgements, troubles),
    )


def _outcomes(
    judged: Sequence[Judged], troubles: Sequence[Trouble], answered: Sequence[Judgement], still: Sequence[Question]
) -> list[Outcome]:
    """What each criterion, trouble and question comes out as; a question that nobody has answered is UNKNOWN."""
    of_criteria = (one.judgement.outcome for one in judged)
    of_answers = (judgement.outcome for judgement in answered)
    return [*of_criteria, *map(_forced, troubles), *of_answers, *(Outcome.UNKNOWN for _ in still)]


_FORCED = {Outcome.FAIL, Outcome.ERROR, Outcome.STALE, Outcome.UNKNOWN}


def _forced(trouble: Trouble) -> Outcome:
    """A trouble never makes anything green, whatever a plugin says."""
    return trouble.outcome if trouble.outcome in _FORCED else Outcome.UNKNOWN


def worst_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """At most 1,000 findings, the worst first; the order does not depend on who reported first."""
    return tuple(heapq.nsmallest(MOST_FINDINGS, findings, key=_order))


def _total(reading: Reading, types: Mapping[str, ObservationType]) -> int:
    """All findings of a capture: a reading lists only so many, but its observations count them all."""
    listed = Counter((finding.family, finding.severity) for finding in reading.findings)
    total = listed.total()
    for observation in reading.observations:
        type_ = types.get(observation.name)
        if type_ is not None and type_.counts and isinstance(observation.value, int):
            total += max(0, observation.value - sum(listed[type_.family, severity] for severity in type_.counts))
    return total


def _order(finding: Finding) -> tuple[int, str, str, int, str]:
    rank = _RANK.get(finding.severity.lower(), len(_RANK))
    return rank, finding.family, finding.path, finding.line, finding.id


def _answered(gate: Gate, answers: Mapping[str, Answer]) -> tuple[Judgement, ...]:
    """The answers to the gate's own questions, as judgements; no waiver covers a person's no."""
    return tuple(
        Judgement(
            criterion=question.text,
            outcome=Outcome.PASS if answers[question.id].agreed else Outcome.FAIL,
            value="yes" if answers[question.id].agreed else "no",
            bound="yes",
            distance=answers[question.id].shown,
            mend="" if answers[question.id].agreed else "mend what was refused, then run again",
            clause=question.text,
        )
        for question in gate.questions
        if question.id in answers
    )


def _waits(questions: Sequence[Question], troubles: Sequence[Trouble]) -> bool:
    return bool(questions) or any(trouble.slug == WAITING for trouble in troubles)


def _all_waived(questions: Sequence[Question], judgements: Sequence[Judgement], troubles: Sequence[Trouble]) -> bool:
    """Whether the gate is red for waived criteria only: a waiver must not hide what could not be seen."""
    failed = [j for j in judgements if j.outcome is Outcome.FAIL]
    rest = [j for j in judgements if j.outcome not in {Outcome.FAIL, Outcome.PASS}]
    return bool(failed) and all(j.waived_by for j in failed) and not rest and not troubles and not questions


def _notes(captured: Sequence[Captured], captures: Sequence[Capture], more: Sequence[str]) -> tuple[str, ...]:
    notes = [note for one in captured for note in one.reading.notes]
    notes += [note for capture in captures for note in capture.notes]
    return tuple(dict.fromkeys((*notes, *more)))


# --- what could not be seen ----------------------------------------------------------------------------------


def _troubles(
    gate: Gate,
    judged: Sequence[Judged],
    captured: Sequence[Captured],
    captures: Sequence[Capture],
    extra: Sequence[Trouble],
) -> tuple[Trouble, ...]:
    """Everything that keeps the gate from being green beside its criteria, each once."""
    found = [trouble for one in captured for trouble in one.reading.troubles]
    found += [trouble for capture in captures for trouble in capture.troubles]
    found += extra
    found += _unexplained(judged, captured)
    found += _not_run(gate, captured)
    if gate.criteria:
        found += _not_judged(judged, captured)
    elif not gate.questions:
        found.append(_ASKS_NOTHING)
    return tuple(dict.fromkeys(found))


_ASKS_NOTHING = Trouble(
    Outcome.UNKNOWN,
    "asks-nothing",
    "the gate asks nothing: it has no criterion and no question",
    "write down what must hold, such as `exit == 0`",
)


def _unexplained(judged: Sequence[Judged], captured: Sequence[Captured]) -> list[Trouble]:
    """A non-zero exit that nothing explains, unless a criterion *is* the exit code of that call."""
    asked = {call for item in judged if "exit" in item.compiled.names for call in item.calls}
    return [
        Trouble(
            Outcome.ERROR,
            "unexplained-exit",
            f"`{one.shown}`: {one.unexplained_exit}",
            "read its output: its report does not say why it failed",
        )
        for one in captured
        if one.unexplained_exit and one.call not in asked
    ]


def _not_run(gate: Gate, captured: Sequence[Captured]) -> list[Trouble]:
    """An unconditional call that brought nothing back: the gate was not looked at as a whole."""
    ran = {one.call for one in captured}
    return [
        Trouble(Outcome.UNKNOWN, "call-not-run", f"`{call.text or call.id}` was not run")
        for call in gate.calls
        if not call.condition and ran.isdisjoint({call.id, *(other.id for other in call.alternatives)})
    ]


def _not_judged(judged: Sequence[Judged], captured: Sequence[Captured]) -> list[Trouble]:
    """A capture that no criterion could speak of: a lint script that lints nothing must not pass beside two that do."""
    seen = {call for item in judged for call in item.calls}
    return [
        Trouble(
            Outcome.UNKNOWN,
            "not-judged",
            f"no criterion of the gate could be judged on `{one.shown}`",
            "add a criterion that its report or its exit code answers, such as `exit == 0`",
        )
        for one in captured
        if one.call not in seen and not one.reading.troubles
    ]
