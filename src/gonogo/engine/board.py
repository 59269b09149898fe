"""Which gate may start now, and why another never will. Pure: it starts nothing and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gonogo.engine.aside import overlap
from gonogo.model.outcome import Outcome
from gonogo.model.plan import Node, Plan
from gonogo.model.verdict import Verdict

_ALONE_IN_WORKTREE = "worktree"


def green(verdict: Verdict | None) -> bool:
    """PASS, not applicable with the checklist's own reason, or red with every false criterion waived."""
    if verdict is None:
        return False
    return verdict.outcome in {Outcome.PASS, Outcome.NOT_APPLICABLE} or verdict.waived


@dataclass(slots=True)
class Board:
    """The gates of a plan while it runs: phases in order, needs first, some alone."""

    plan: Plan
    verdicts: Mapping[str, Verdict]
    """Filled by the engine as gates end."""
    claims: Mapping[str, tuple[str, ...]]
    """Gate -> paths that it moves aside and writes: two that share one cannot run at the same time."""
    keep_going: bool = False
    running: dict[str, Node] = field(default_factory=dict)
    _waiting: list[Node] = field(default_factory=list)
    _phases: list[str] = field(default_factory=list)
    _stopped_by: str = ""

    def __post_init__(self) -> None:
        self._phases = [phase.id for phase in self.plan.phases]

    def open_phase(self) -> str | None:
        """Begin the next phase, once the one before it is through; its id, or None where no phase is left."""
        if not self._phases:
            return None
        phase = self._phases.pop(0)
        self._waiting = [n for n in self.plan.nodes if n.gate.phase == phase and n.runs and n.id not in self.verdicts]
        return phase

    @property
    def phase_through(self) -> bool:
        """Whether nothing of the open phase waits or runs."""
        return not self._waiting and not self.running

    def close_phase(self, phase: str) -> None:
        """Remember whether the phase held."""
        red = [
            n.id
            for n in self.plan.nodes
            if n.gate.phase == phase and not n.gate.optional and self._outcome(n.id) is Outcome.FAIL
            and not green(self.verdicts.get(n.id))
        ]  # fmt: skip
        if red and not self._stopped_by:
            self._stopped_by = f"phase {phase} did not hold: {', '.join(f'{gate} FAIL' for gate in red)}"

    def never(self) -> Iterator[tuple[Node, str]]:
        """Waiting gates that cannot run any more, each with the reason; they no longer wait afterwards."""
        stopped = self._stopped_by and not self.keep_going
        for node in tuple(self._waiting):
            reason = self._why_never(node) if stopped or node.needs or node.acts else ""
            if reason:
                self._waiting.remove(node)
                yield node, reason

    def drain(self) -> Iterator[Node]:
        """Every gate that waits in this or any later phase; none waits afterwards."""
        yield from self._waiting
        self._waiting = []
        while self.open_phase() is not None:
            yield from self._waiting
            self._waiting = []

    def start(self, free: int) -> Iterator[Node]:
        """Gates to start now, at most `free`, in the order of the document; they count as running at once.

        A gate that must be alone is a border: what stands after it in the document does not overtake it.
        """
        for node in tuple(self._waiting):
            if free <= 0 or any(alone(other) for other in self.running.values()):
                return
            if not self._needs_through(node):
                continue
            if alone(node) and self.running:
                return
            if self._shares_a_path(node):
                continue
            self._waiting.remove(node)
            self.running[node.id] = node
            free -= 1
            yield node

    def done(self, gate: str) -> None:
        """The gate runs no longer."""
        self.running.pop(gate, None)

    # --- reasons ---------------------------------------------------------------------------------------------

    def _why_never(self, node: Node) -> str:
        if self._stopped_by and not self.keep_going:
            return self._stopped_by
        if not self._needs_through(node):
            return ""
        behind = self._not_green_behind(node) if node.acts else self._needs_not_green(node)
        if not behind:
            return self._no_subject() if node.acts else ""
        named = ", ".join(f"`{gate}` is {self._outcome(gate)}" for gate in behind)
        return f"acts only with green behind it: {named}" if node.acts else f"needs what is not green: {named}"

    def _no_subject(self) -> str:
        """What is acted with is a commit; a dirty tree may only be acted on where a person allowed it."""
        subject = self.plan.subject
        if not subject.commit:
            return "acts only on a commit: there is none yet"
        if subject.dirty and not self.plan.allow_dirty:
            named = ", ".join(f"`{path}`" for path in subject.dirty[:5])
            return f"acts only on a commit: the tree differs from it, {named}"
        return ""

    def _needs_through(self, node: Node) -> bool:
        if not node.needs:
            return True
        waiting = {n.id for n in self._waiting} | set(self.running)
        return not any(need in waiting for need in node.needs)

    def _needs_not_green(self, node: Node) -> list[str]:
        """A read may look without a need that this run was told to leave out, and anywhere with `--keep-going`."""
        if self.keep_going:
            return []
        return [n for n in node.needs if not self._tolerates(node, n) and not self.plan.node(n).left_out]

    def _not_green_behind(self, node: Node) -> list[str]:
        """An act needs every required gate of the earlier phases, and its needs, to be green or tolerated by name."""
        order = {phase.id: index for index, phase in enumerate(self.plan.phases)}
        mine = order[node.gate.phase]
        behind = [n.id for n in self.plan.nodes if order[n.gate.phase] < mine and not n.gate.optional]
        return [gate for gate in dict.fromkeys([*behind, *node.needs]) if not self._tolerates(node, gate)]

    def _tolerates(self, node: Node, gate: str) -> bool:
        return green(self.verdicts.get(gate)) or self._outcome(gate).value in node.gate.proceed_on.get(gate, ())

    def _outcome(self, gate: str) -> Outcome:
        verdict = self.verdicts.get(gate)
        return verdict.outcome if verdict is not None else Outcome.NOT_RUN

    def _shares_a_path(self, node: Node) -> bool:
        mine = self.claims.get(node.id, ())
        return bool(mine) and any(
            overlap(a, b) for gate in self.running for b in self.claims.get(gate, ()) for a in mine
        )


def alone(node: Node) -> bool:
    """Whether it shares the working tree with nobody: exclusive ones, those that declare changes, and acts."""
    if node.gate.isolation == _ALONE_IN_WORKTREE and not node.acts:
        return False
    return node.exclusive or bool(node.gate.changes) or node.acts
