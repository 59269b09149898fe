"""What a run changed: its acts, with what each says of itself; for outputs."""

from __future__ import annotations

from gonogo.frozen import dataclass
from gonogo.model.outcome import Outcome
from gonogo.model.run import GateView, RunView

_NEVER = (Outcome.NOT_RUN, Outcome.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class Act:
    """A gate that changed the world: a migration, a rollout, a way back."""

    gate: GateView
    told: tuple[str, ...]
    """What was done, and what it says of itself: which release, in whose place, after how many seconds."""
    images: tuple[tuple[str, str], ...] = ()
    """Service and digest of each image that it built, pushed or deployed."""


def acts(view: RunView) -> list[Act]:
    """Every gate that acted, in the order of the plan; what was not begun is left out."""
    found = []
    for gate in view.gates:
        if gate.outcome in _NEVER or not _acts(view, gate.gate.id):
            continue
        captures = gate.verdict.captures
        told = dict.fromkeys([*(one.shown for one in captures if one.shown), *gate.verdict.notes])
        images = {service: digest for one in captures for service, digest in one.images.items()}
        found.append(Act(gate, tuple(told), tuple(sorted(images.items()))))
    return found


def _acts(view: RunView, gate: str) -> bool:
    try:
        return view.plan.node(gate).acts
    except KeyError:
        return False
