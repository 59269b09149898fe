"""From what an attempt brought back, and what was seen beside it, to a verdict."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from gonogo.config import Settings
from gonogo.engine import aside, attempt
from gonogo.engine.context import Workshop
from gonogo.engine.guard import Guard, Seen, in_worktree
from gonogo.engine.listener import Listener
from gonogo.engine.order import Brought, Order
from gonogo.engine.orders import Recipe
from gonogo.engine.tree import Tree
from gonogo.errors import GonogoError
from gonogo.frozen import dataclass
from gonogo.judge import judge
from gonogo.ledger.view import Fold
from gonogo.model.observation import Captured, Trouble
from gonogo.model.outcome import Outcome, State
from gonogo.model.plan import Node, Plan
from gonogo.model.verdict import Verdict, Waiver
from gonogo.owners.keys import Key


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a person asked of one run."""

    plan: Plan
    root: Path
    state: Path
    settings: Settings
    listener: Listener
    waivers: Sequence[Waiver]
    given: Mapping[str, str]
    """Values of the inputs."""
    recipes: Mapping[str, Recipe]
    remarks: Sequence[str] = ()
    """What the notes of the run say from its start."""
    wait: float = 0.0
    """Seconds to stay alive for people's words once nothing else is left to do."""
    signer: Key | None = None
    """Signs the decision; None: nobody does."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a worker hands back: what was brought, and what it says; or what broke."""

    order: Order
    brought: Brought | None = None
    captured: tuple[Captured, ...] = ()
    broke: BaseException | None = None

    @property
    def whole(self) -> bool:
        """Whether every call came to its own end, and none was ended because gonogo was told to stop."""
        if self.brought is None or len(self.brought.captures) < len(self.order.calls):
            return False
        troubles = [trouble for _, capture in self.brought.captures for trouble in capture.troubles]
        return not any(trouble.slug == "interrupted" for trouble in troubles)


class Ending:
    """Judges attempts as they end; used by the main thread, except `worktrees`, which workers fill."""

    def __init__(self, work: Assignment, folded: Fold, workshop: Workshop, guard: Guard) -> None:
        self._given = work
        self._fold = folded
        self._workshop = workshop
        self._guard = guard
        self._types = workshop.registry.observation_types
        self.worktrees: dict[str, Tree] = {}
        """Gate -> its own checkout, as it was before the attempt."""

    def verdict(self, done: Ended, active: Mapping[str, Order]) -> Verdict:
        """What became of an attempt, with everything the engine saw beside its captures.

        Args:
            done: The attempt that ended.
            active: Every attempt at work, the ended one included.
        """
        order, node = done.order, done.order.node
        seen = self._look_at_tree(order, active)
        brought = done.brought or Brought(order.gate, order.attempt, ())
        if brought.cut_short and not seen.troubles:
            return self._out_of_time(node, brought)
        verdict = judge(
            node.gate,
            done.captured,
            [capture for _, capture in brought.captures],
            extra_troubles=[*brought.troubles, *seen.troubles, *self._broken(done.broke)],
            waivers=self._given.waivers,
            as_of=datetime.now(UTC).date(),
            types=self._types,
        )
        if not order.worktree:
            self._guard.wrote(node.id, [path for path, _ in order.evidence if aside.matching(Path(order.root), path)])
        red = self._fold.reds.get(node.id)
        if any(trouble.slug == attempt.INTERRUPTED_ACT for trouble in verdict.troubles):
            verdict = dataclasses.replace(verdict, state=State.INTERRUPTED)
        return dataclasses.replace(
            verdict,
            notes=tuple(dict.fromkeys([*verdict.notes, *self._notes(node, verdict, brought, seen)])),
            attempts=order.attempt,
            flaky=red is not None and verdict.outcome is Outcome.PASS,
            started=brought.started,
            seconds=brought.seconds,
        )

    def _notes(self, node: Node, verdict: Verdict, brought: Brought, seen: Seen) -> list[str]:
        notes = [f"`{call}` {reason}" for call, reason in node.calls_left_out.items()]
        notes += [*brought.notes, *seen.notes, *self._tolerated(node)]
        return notes if verdict.outcome is Outcome.PASS else [*notes, *self._guard.missing_for(node.id)]

    def _broken(self, error: BaseException | None) -> list[Trouble]:
        """The trouble of a worker that broke; what is no `Exception` ends the run instead."""
        if error is None:
            return []
        if isinstance(error, GonogoError):
            return [Trouble(Outcome.ERROR, "could-not-look", error.message, error.help)]
        if not isinstance(error, Exception):
            raise error
        text = self._workshop.redactor.text(f"{type(error).__name__}: {error}")
        return [Trouble(Outcome.ERROR, "bug", f"gonogo broke while it looked: {text}", "report it, with the checklist")]

    def _look_at_tree(self, order: Order, active: Mapping[str, Order]) -> Seen:
        """Who changed what. A gate with a checkout of its own is looked at there."""
        if not order.worktree:
            return self._guard.after(order, {gate: other for gate, other in active.items() if not other.worktree})
        tree = self.worktrees.pop(order.gate, None)
        return in_worktree(tree, order) if tree is not None else Seen()

    def _out_of_time(self, node: Node, brought: Brought) -> Verdict:
        return Verdict(
            node.id,
            node.gate.phase,
            Outcome.NOT_RUN,
            reason=f"{budget_text(self._given)} while it ran",
            captures=tuple(capture for _, capture in brought.captures),
            attempts=brought.attempt,
            started=brought.started,
            seconds=brought.seconds,
        )

    def _tolerated(self, node: Node) -> list[str]:
        """What an act went ahead on although it was not green; the checklist says so by name."""
        found = []
        for gate, outcomes in node.gate.proceed_on.items():
            verdict = self._fold.verdicts.get(gate)
            if node.acts and verdict is not None and verdict.outcome.value in outcomes:
                found.append(f"went ahead although `{gate}` is {verdict.outcome}, as the checklist tolerates")
        return found


def budget_text(work: Assignment) -> str:
    """How the time budget is spoken of."""
    return f"the time budget of {work.settings.time_budget or 0:g} s was spent"
