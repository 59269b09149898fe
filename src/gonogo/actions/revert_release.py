"""Put the last stable release back, because a gate behind the rollout is red."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.observation import Observation, Reading, Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import Context, Done, Look, action
from gonogo.probes._facts import count, flag, measure
from gonogo.rollout import record
from gonogo.rollout.deliver import Patience
from gonogo.rollout.revert import revert


@dataclass(frozen=True, slots=True)
class RevertReleaseParams:
    """How long to look."""

    stable_seconds: float = 0.0
    """How long everything must hold without a break. 0: as long as the target says."""
    within: float = 300.0
    """Seconds from the start until that must have been so."""
    every: float = 1.0
    """Seconds between two looks."""
    away: float = 30.0
    """Seconds that the target may be out of reach, while its engine is started anew, before nothing is known."""


def _read(facts: Mapping[str, Any], _params: RevertReleaseParams) -> Reading:
    if "delivery" not in facts:
        return Reading()
    seen: list[tuple[str, Any]] = [("revert.release", facts["to"]), ("revert.seconds", facts["delivery"]["seconds"])]
    if facts["delivery"]["outcome"] in {"PASS", "FAIL"}:
        seen.append(("revert.held", facts["held"]))
    notes = [f"r{facts['from']} gave way to r{facts['to']} after {facts['delivery']['seconds']:.1f} s"]
    notes += [f"BROKEN: {facts['broken']}"] if facts["broken"] else []
    return Reading(tuple(Observation(name, value, "facts.json") for name, value in seen), notes=tuple(notes))


def look(_params: RevertReleaseParams, context: Context) -> Look:
    """Going back is safe to go on with: it ends at the release that was chosen when it began."""
    if not context.recorded:
        return Look(Done.NOT_DONE, "no step of it was taken")
    return Look(Done.HALF_DONE, "it had begun to go back, and goes on")


@action(
    "revert_release",
    yields=(
        flag("revert.held", "the last stable release is back and holds, smoke checks included"),
        count("revert.release", "number of the release that was put back"),
        measure("revert.seconds", "from the decision to go back until the earlier release was proven", "s"),
    ),
    reader=_read,
    look=look,
    closes="reverted",
)
def revert_release(params: RevertReleaseParams, context: Context) -> Capture:
    """Go back to the last stable release. A gate behind the rollout is red, so what is there does not stay.

    First captures what may be gone later. Then the same way as every rollout, once: where the earlier release does not
    hold either, it says BROKEN and touches nothing more. Gates that could not look never lead here.

    Source: failures S14, S15, S40, S46, S47.
    """
    target = context.reach()
    state = target.load()
    begun = next((data for step, data in context.recorded if step == "revert"), None)
    bad = state.release(int(begun["from"]) if begun is not None else state.current)
    earlier = None
    if bad is not None:
        back = record.way_back(state, apart_from=bad.number)
        earlier = state.release(int(begun["to"])) if begun is not None else back
    if bad is None or earlier is None:
        trouble = Trouble(
            Outcome.UNKNOWN,
            "no-earlier-release",
            "the target has no stable release to go back to: what is there was left where it is",
            "mend it and deploy again",
        )
        return Capture("revert_release", "go back", troubles=(trouble,))
    blobs = target.autopsy(bad.made) if begun is None else ()
    context.record("revert", **{"from": bad.number, "to": earlier.number})
    record.begin(target, context, "revert", into=earlier.number, back=bad.number, at="reverting")
    reverted = revert(target, context, bad, earlier.number, Patience.of(params, target))
    facts = {**reverted.facts(), "from": bad.number, "broken": reverted.broken}
    blobs += reverted.delivery.blobs
    stopped = reverted.delivery.interrupted
    return Capture(
        "revert_release",
        f"back to {earlier.id}",
        blobs=(context.keep_facts(facts), *blobs),
        troubles=(stopped,) if stopped is not None else (),
    )
