"""Going back to the last stable release because of what the newer one showed: once, however that ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.outcome import Outcome
from gonogo.model.release import Release, ReleaseState
from gonogo.plugins import Context, OutOfReach, Target
from gonogo.rollout import record
from gonogo.rollout.deliver import Delivery, Patience, deliver


@dataclass(frozen=True, slots=True)
class Reverted:
    """What became of going back."""

    to: Release
    delivery: Delivery

    @property
    def held(self) -> bool:
        """Whether what is there now is proven."""
        return self.delivery.outcome is Outcome.PASS

    @property
    def broken(self) -> str:
        """Where nothing that is there is known to work: why; a person must act now (`failures.md` S40)."""
        if self.held:
            return ""
        return f"{self.to.id} was put back and is not proven either: {self.delivery.why}"

    def facts(self) -> Mapping[str, Any]:
        """As plain JSON data."""
        return {"to": self.to.number, "delivery": self.delivery.facts(), "held": self.held}


def revert(target: Target, context: Context, bad: Release, back: int, patience: Patience) -> Reverted:
    """Put release number `back` there in the place of `bad`, by the way of every rollout, with the smoke checks.

    The step must be in the ledger already. Raises `OutOfReach` where the target does not know that release.
    """
    record.at(target, context, "reverting")
    earlier = target.load().release(back)
    if earlier is None:
        raise OutOfReach(
            f"the target does not know release r{back} any more", help="put one back with `gonogo rollback --to …`"
        )
    context.tell(f"{bad.id} does not hold: going back to {earlier.id}")
    delivery = deliver(target, context, earlier, patience=patience, smoke=True)
    if delivery.interrupted is not None:
        return Reverted(earlier, delivery)
    held = delivery.outcome is Outcome.PASS
    become = {bad.number: ReleaseState.REVERTED if held else ReleaseState.FAILED}
    seen = delivery.snapshot if held else None
    record.end(target, context, current=earlier.number, become=become, seen=seen)
    return Reverted(earlier, delivery)
