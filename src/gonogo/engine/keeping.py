"""How a rollout ends once every phase is through: the release is kept, or it gives way. Pure: it only chooses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gonogo.engine.baselines import only_the_first
from gonogo.engine.board import green
from gonogo.model.outcome import Outcome
from gonogo.model.plan import Node, Plan
from gonogo.model.verdict import Verdict
from gonogo.plan.rollout import puts_a_release, rehearses
from gonogo.plugins import Registry

KEPT, REVERTED = "kept", "reverted"


def choose(plan: Plan, verdicts: Mapping[str, Verdict], registry: Registry) -> Node | None:
    """What closes the plan now; None: nothing does, or it is done already.

    Kept: the rollout and every required gate between it and the next act that puts a release there are green.
    Reverted: one of those that only look has looked, and a criterion of it is false; or the copies that were proven
    are not there any more. Where a gate could not look, nothing is done: a broken look says nothing of a release.
    """
    span = _span(plan, registry)
    if not span or not _up(span[0], verdicts.get(span[0].id), registry):
        return None
    known = verdicts.get(_node(plan, registry, KEPT).id)
    if any(_red(node, verdicts.get(node.id)) for node in span) or (known is not None and _is_red(known)):
        return _once(_node(plan, registry, REVERTED), verdicts)
    if all(node.gate.optional or _holds(verdicts.get(node.id)) for node in span):
        return None if kept(plan, verdicts, registry) else _node(plan, registry, KEPT)
    return None


def settles_early(plan: Plan, verdicts: Mapping[str, Verdict], registry: Registry) -> bool:
    """Whether what `choose` names need not wait for later phases: no gate is red; at most the keeping itself is.

    A release is kept before anything is rehearsed on it: what a rehearsal starts anew has forgotten its restarts.
    """
    return not any(_red(node, verdicts.get(node.id)) for node in _span(plan, registry))


def kept(plan: Plan, verdicts: Mapping[str, Verdict], registry: Registry) -> bool:
    """Whether the release that this run put there is stable now."""
    verdict = verdicts.get(_node(plan, registry, KEPT).id)
    return verdict is not None and verdict.outcome is Outcome.PASS


def holds(plan: Plan, verdicts: Mapping[str, Verdict], registry: Registry) -> list[str]:
    """What keeps the decision from GO: a release that is up and was neither kept nor put back."""
    span = _span(plan, registry)
    if not span or not _up(span[0], verdicts.get(span[0].id), registry):
        return []
    told = []
    for node in plan.closing:
        verdict = verdicts.get(node.id)
        if verdict is not None and verdict.outcome is not Outcome.PASS:
            why = next((trouble.message for trouble in verdict.troubles), f"`{node.id}` is {verdict.outcome}")
            told.append(f"{node.gate.title}: {why}")
    if not any(verdicts.get(node.id) is not None for node in plan.closing):
        told.append("the release is up and not proven: it is not stable, and a rollback will not go back to it")
    return told


def _span(plan: Plan, registry: Registry) -> tuple[Node, ...]:
    """The rollout, and what follows it up to the phase of the next act that puts a release there."""
    if not plan.closing:
        return ()
    putting = [node for node in plan.nodes if node.runs and puts_a_release(node, registry)]
    if not putting:
        return ()
    order = {phase.id: index for index, phase in enumerate(plan.phases)}
    first = putting[0]
    begins = order[first.gate.phase]
    others = [node for node in plan.nodes if node is not first]
    after = [node for node in others if puts_a_release(node, registry) or rehearses(node, registry)]
    ends = next((order[node.gate.phase] for node in after if order[node.gate.phase] > begins), len(order))
    inside = [node for node in plan.nodes if begins <= order[node.gate.phase] < ends and node not in after]
    return (first, *(node for node in inside if node is not first))


def _up(node: Node, verdict: Verdict | None, registry: Registry) -> bool:
    """Whether the act itself put it there, and left it there; the rest of its gate may be red all the same."""
    if verdict is None or verdict.outcome not in {Outcome.PASS, Outcome.FAIL}:
        return False
    acts = {call.id for call in node.gate.calls if registry.probe(call.kind).releases}
    judged = [one for one in verdict.judgements if one.call in acts]
    return bool(judged) and all(one.outcome is Outcome.PASS for one in judged)


def _holds(verdict: Verdict | None) -> bool:
    """Green, or lacking nothing but an earlier run to be compared with."""
    return green(verdict) or (verdict is not None and only_the_first(verdict))


def _red(node: Node, verdict: Verdict | None) -> bool:
    return not node.gate.optional and verdict is not None and _is_red(verdict)


def _is_red(verdict: Verdict) -> bool:
    """Whether something was measured and is false; a changed file or a person's no tells nothing of the release."""
    failed = [judgement for judgement in verdict.judgements if judgement.outcome is Outcome.FAIL]
    return verdict.outcome is Outcome.FAIL and not verdict.waived and any(one.call for one in failed)


def _once(node: Node, verdicts: Mapping[str, Verdict]) -> Node | None:
    return node if node.id not in verdicts else None


def _node(plan: Plan, registry: Registry, how: str) -> Node:
    return next(_of(plan, registry, how))


def _of(plan: Plan, registry: Registry, how: str) -> Iterator[Node]:
    for node in plan.closing:
        if any(registry.probe(call.kind).closes == how for call in node.gate.calls):
            yield node
