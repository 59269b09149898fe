"""GO, NO-GO or HOLD for a subject on a target (DESIGN.md, section 3), with every reason, the worst first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import IntEnum

from gonogo.frozen import dataclass
from gonogo.judge.sign_offs import tell
from gonogo.judge.waivers import live
from gonogo.model.checklist import Gate
from gonogo.model.outcome import DecisionWord, Outcome, State, worst
from gonogo.model.plan import Node, Plan, Subject
from gonogo.model.sign_off import SignOff
from gonogo.model.verdict import Decision, Judgement, Reason, Verdict, Waiver


class _Weight(IntEnum):
    """How a reason weighs, and where it stands in the list."""

    NO_GO = 0
    ERROR = 1
    STALE = 2
    UNKNOWN = 3
    NOT_RUN = 4
    HOLD = 5
    """The run as a whole: a dirty tree, a budget spent, nothing judged."""
    REMARK = 6
    """Does not hold anything: waived, not applicable, optional."""


@dataclass(frozen=True, slots=True)
class _Said:
    weight: _Weight
    reason: Reason


_OF_OUTCOME = {
    Outcome.FAIL: _Weight.NO_GO,
    Outcome.ERROR: _Weight.ERROR,
    Outcome.STALE: _Weight.STALE,
    Outcome.UNKNOWN: _Weight.UNKNOWN,
    Outcome.NOT_RUN: _Weight.NOT_RUN,
}
_OF_WORD = {"no-go": _Weight.NO_GO, "hold": _Weight.HOLD, "remark": _Weight.REMARK}
_QUIET = {Outcome.PASS, Outcome.NOT_APPLICABLE, Outcome.NOT_RUN}
"""Outcomes of an optional gate that need no remark."""
_FILES_NAMED = 5


def decide(
    plan: Plan,
    verdicts: Mapping[str, Verdict],
    *,
    waivers: Sequence[Waiver] = (),
    as_of: str,
    notes: Sequence[str] = (),
    holds: Sequence[str] = (),
    sign_offs: Sequence[SignOff] = (),
) -> Decision:
    """Decide from the verdicts, by gate id. A gate without a verdict was not run, and holds.

    `waivers` are those the gates were judged with: each one that covers something is measured against `as_of` (RFC
    3339) again. `holds` keep the decision at HOLD (a time budget spent, an interrupted write); `notes` are listed and
    hold nothing. `sign_offs` are what people said, in the order it came in, void ones with the reason: any that stands
    and says no-go is NO-GO, and what the plan demands and is not there holds.
    """
    alive = {waiver.id: waiver for waiver in waivers if live(waiver, as_of)}
    said = [one for node in plan.nodes for one in _of_node(node, verdicts.get(node.id), alive)]
    said += _of_run(plan, verdicts, holds)
    said += _tolerated(plan, verdicts, alive)
    said += [_Said(_OF_WORD[told.weight], Reason(told.gate, told.text)) for told in tell(plan, sign_offs)]
    weights = {one.weight for one in said}
    if _Weight.NO_GO in weights:
        word = DecisionWord.NO_GO
    elif weights - {_Weight.REMARK}:
        word = DecisionWord.HOLD
    else:
        word = DecisionWord.GO
    ordered = sorted(said, key=lambda one: one.weight)
    reasons = [replace(one.reason, remark=one.weight is _Weight.REMARK) for one in ordered]
    return Decision(word, (*reasons, *(Reason("", note, remark=True) for note in notes)), as_of)


# --- gates ---------------------------------------------------------------------------------------------------


def _of_node(node: Node, verdict: Verdict | None, alive: Mapping[str, Waiver]) -> Iterator[_Said]:
    """What one gate says to the decision; nothing where it is green without a remark."""
    gate = node.gate
    if gate.optional:
        if verdict is not None and verdict.outcome not in _QUIET:
            yield _Said(_Weight.REMARK, Reason(gate.id, f"optional: {_why(verdict)}"))
        return
    if verdict is None:
        yield from _unjudged(node)
    elif verdict.outcome is Outcome.NOT_APPLICABLE:
        yield from _not_applicable(node, verdict.reason)
    elif verdict.outcome is Outcome.PASS and verdict.state is State.DONE:
        return
    elif verdict.outcome is Outcome.PASS:
        yield _Said(_Weight.HOLD, Reason(gate.id, f"is {verdict.state}"))
    elif verdict.outcome is Outcome.FAIL:
        yield from _failed(verdict, alive)
    else:
        yield _Said(_OF_OUTCOME[verdict.outcome], Reason(gate.id, _why(verdict)))


def _unjudged(node: Node) -> Iterator[_Said]:
    if node.not_applicable:
        yield from _not_applicable(node, "")
    else:
        yield _Said(_Weight.NOT_RUN, Reason(node.id, node.left_out or "never reached"))


def _not_applicable(node: Node, reason: str) -> Iterator[_Said]:
    """Only the checklist's own condition makes a gate not applicable, and only with its reason."""
    if node.not_applicable:
        yield _Said(_Weight.REMARK, Reason(node.id, f"not applicable: {node.not_applicable}"))
    else:
        why = f"is called not applicable ({reason or 'no reason'}), but no condition of the checklist says so"
        yield _Said(_Weight.UNKNOWN, Reason(node.id, why))


def _failed(verdict: Verdict, alive: Mapping[str, Waiver]) -> Iterator[_Said]:
    """Red; or waived, and then only as good as the rest of the gate."""
    failed = [j for j in verdict.judgements if j.outcome is Outcome.FAIL]
    red = [j for j in failed if not _covered(j, alive)]
    broken = any(trouble.outcome is Outcome.FAIL for trouble in verdict.troubles)
    if red or broken or not failed:
        yield _Said(_Weight.NO_GO, Reason(verdict.gate, _why(verdict, red)))
        return
    for id_ in dict.fromkeys(id_ for judgement in failed for id_ in judgement.waived_by):
        waiver = alive[id_]
        who = f"{waiver.approver} for {waiver.owner}"
        text = f"waived by {who} until {waiver.until.isoformat()} (`{waiver.id}`): {waiver.reason}"
        yield _Said(_Weight.REMARK, Reason(verdict.gate, text))
    rest = _beyond_red(verdict)
    if rest is not Outcome.PASS:
        yield _Said(_OF_OUTCOME[rest], Reason(verdict.gate, _why(verdict, outcome=rest)))


def _covered(judgement: Judgement, alive: Mapping[str, Waiver]) -> bool:
    return bool(judgement.waived_by) and all(id_ in alive for id_ in judgement.waived_by)


def _beyond_red(verdict: Verdict) -> Outcome:
    """The worst of what a waived gate has beside its red criteria."""
    outcomes: list[Outcome] = [j.outcome for j in verdict.judgements if j.outcome != Outcome.FAIL]
    outcomes += [trouble.outcome for trouble in verdict.troubles]
    outcomes += [Outcome.UNKNOWN] * len(verdict.questions)
    return worst([*outcomes, Outcome.PASS])


_MOST_CAUSES = 3


def _why(verdict: Verdict, judgements: Sequence[Judgement] | None = None, *, outcome: Outcome | None = None) -> str:
    """The distances, reasons, troubles or questions behind a verdict's outcome, in words."""
    wanted = outcome or verdict.outcome
    told = verdict.judgements if judgements is None else judgements
    troubles = [trouble.message for trouble in verdict.troubles if trouble.outcome is wanted]
    causes = [j.distance or j.reason or j.criterion for j in told if j.outcome is wanted]
    # What several criteria could not look at for one reason is one cause.
    causes = [cause for cause in causes if not any(message in cause for message in troubles)] + troubles
    if wanted is Outcome.UNKNOWN:
        causes += [f"waits for an answer: {question}" for question in verdict.questions]
    causes = list(dict.fromkeys(causes))
    if not causes:
        return verdict.reason or ("never reached" if wanted is Outcome.NOT_RUN else f"is {wanted}")
    more = f"; and {len(causes) - _MOST_CAUSES} more" if len(causes) > _MOST_CAUSES else ""
    return "; ".join(causes[:_MOST_CAUSES]) + more


# --- the run as a whole --------------------------------------------------------------------------------------


def _of_run(plan: Plan, verdicts: Mapping[str, Verdict], holds: Sequence[str]) -> Iterator[_Said]:
    for text in holds:
        yield _Said(_Weight.HOLD, Reason("", text))
    if not any(_looked(verdicts.get(node.id)) for node in plan.nodes if not node.gate.optional):
        yield _Said(_Weight.HOLD, Reason("", "no required gate was judged"))
    subject = plan.subject
    if not subject.commit:
        yield _Said(_Weight.HOLD, Reason("", "there is no commit to release"))
    if subject.dirty:
        weight = _Weight.REMARK if plan.allow_dirty else _Weight.HOLD
        yield _Said(weight, Reason("", _dirt(subject, allowed=plan.allow_dirty)))


def _looked(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.outcome not in {Outcome.NOT_APPLICABLE, Outcome.NOT_RUN}


def _dirt(subject: Subject, *, allowed: bool) -> str:
    count, named = len(subject.dirty), ", ".join(f"`{path}`" for path in subject.dirty[:_FILES_NAMED])
    files = "1 file differs" if count == 1 else f"{count} files differ"
    more = f" and {count - _FILES_NAMED} more" if count > _FILES_NAMED else ""
    tail = "; allowed by --allow-dirty" if allowed else ""
    return f"the tree is not the commit: {files}: {named}{more}{tail}"


def _tolerated(plan: Plan, verdicts: Mapping[str, Verdict], alive: Mapping[str, Waiver]) -> Iterator[_Said]:
    """What an action went ahead on although it was not green keeps the decision at HOLD, optional gates too."""
    for node in plan.nodes:
        if not _looked(verdicts.get(node.id)):
            continue
        for id_, outcomes in node.gate.proceed_on.items():
            outcome = verdicts[id_].outcome if id_ in verdicts else Outcome.NOT_RUN
            if outcome.value in outcomes and not _green(id_, plan, verdicts, alive):
                text = f"went ahead although `{id_}` is {outcome}, as the checklist tolerates"
                yield _Said(_Weight.HOLD, Reason(node.id, text))


def _green(id_: str, plan: Plan, verdicts: Mapping[str, Verdict], alive: Mapping[str, Waiver]) -> bool:
    gate: Gate | None = next((node.gate for node in plan.nodes if node.id == id_), None)
    verdict = verdicts.get(id_)
    if gate is None or verdict is None:
        return False
    if verdict.outcome is Outcome.FAIL:
        return all(said.weight is _Weight.REMARK for said in _failed(verdict, alive))
    return verdict.outcome in {Outcome.PASS, Outcome.NOT_APPLICABLE}
