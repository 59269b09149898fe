"""What a person asked to run, and what that leaves out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from gonogo.errors import Diagnostic, InputError, nearest
from gonogo.frozen import dataclass
from gonogo.model.checklist import Call, Checklist, Effect, Gate


@dataclass(frozen=True, slots=True)
class Selection:
    """Gates, phases, optional gates and alternatives, each by name; empty: everything that is required."""

    gates: tuple[str, ...] = ()
    """Gate ids: only these run, with the gates they need; what publishes in them does."""
    phases: tuple[str, ...] = ()
    """Phase ids: only their gates run."""
    optional: tuple[str, ...] = ()
    """Optional gates to run beside the required ones."""
    alternatives: tuple[str, ...] = ()
    """`GATE` for its first alternative, `GATE:2` for the second, `GATE:CALL` for the one with that id."""

    @property
    def named(self) -> frozenset[str]:
        """The gates a person named."""
        return frozenset(self.gates) | frozenset(self.optional)

    def leaves_out(self, gate: Gate, needed: frozenset[str] = frozenset()) -> str:
        """Why `gate` does not run; empty: it runs. `needed` are the gates that selected ones need."""
        if gate.id in self.named or gate.id in needed:
            return ""
        if (self.gates or self.phases) and gate.phase not in self.phases:
            return "not selected"
        return "optional, not selected" if gate.optional else ""

    def needed(self, checklist: Checklist) -> frozenset[str]:
        """What the selected gates need, and what that needs: an end-to-end test of an old build proves nothing."""
        gates = {gate.id: gate for gate in checklist.gates}
        waiting = [gate for gate in checklist.gates if gate.id in self.named or gate.phase in self.phases]
        found: set[str] = set()
        while waiting:
            fresh = set(waiting.pop().needs) - found
            found |= fresh
            waiting += [gates[need] for need in fresh]
        return frozenset(found)


def check(selection: Selection, checklist: Checklist) -> None:
    """Raise `InputError` naming every gate, phase and alternative that the checklist does not have."""
    gates = {gate.id: gate for gate in checklist.gates}
    phases = [phase.id for phase in checklist.phases]
    problems = [
        *_unknown("gate", selection.gates, gates),
        *_unknown("gate", selection.optional, gates),
        *_unknown("phase", selection.phases, phases),
        *_unknown("gate", [name.partition(":")[0] for name in selection.alternatives], gates),
    ]
    for name in selection.alternatives:
        gate, _, which = name.partition(":")
        if gate in gates and _chosen(gates[gate], which) is None:
            problems.append(
                Diagnostic(
                    "unknown-alternative",
                    f"gate `{gate}` has no alternative `{which or 1}`",
                    help=f"choose one that `gonogo explain {gate}` lists",
                )
            )
    if problems:
        raise InputError(problems)


def _unknown(word: str, names: Iterable[str], known: Iterable[str]) -> Iterator[Diagnostic]:
    known = list(known)
    for name in names:
        if name not in known:
            near = nearest(name, known)
            help_ = f"did you mean `{near}`?" if near else f"use one of {', '.join(f'`{k}`' for k in known)}"
            yield Diagnostic(f"unknown-{word}", f"the checklist has no {word} `{name}`", help=help_)


def _chosen(gate: Gate, which: str) -> tuple[str, Call] | None:
    """The id of the call that is replaced, and its replacement."""
    pairs = [(call.id, other) for call in gate.calls for other in call.alternatives]
    for index, (call, other) in enumerate(pairs, start=1):
        if which in {"", str(index), other.id}:
            return call, other
    return None


def with_alternatives(gate: Gate, selection: Selection) -> Gate:
    """The gate with each selected alternative in the place, and under the id, of the call it stands for."""
    for name in selection.alternatives:
        gate_id, _, which = name.partition(":")
        found = _chosen(gate, which) if gate_id == gate.id else None
        if found is not None:
            replaced, other = found
            calls = tuple(dataclasses.replace(other, id=c.id) if c.id == replaced else c for c in gate.calls)
            gate = dataclasses.replace(gate, calls=calls)
    return gate


def calls_left_out(gate: Gate, effects: dict[str, Effect], selection: Selection) -> dict[str, str]:
    """Calls that stay still: what publishes without being named, and what hangs on a condition nobody answered."""
    still: dict[str, str] = {}
    for call in gate.calls:
        effect = effects[call.id]
        if effect is Effect.PUBLISH and gate.id not in selection.named:
            still[call.id] = f"publishes: runs only when selected by name, `--gate {gate.id}`"
        elif call.condition and gate.when is None:
            still[call.id] = f"runs only {call.condition}: answer that in a `when:`"
        elif gate.condition and gate.when is None and effect is not Effect.READ:
            still[call.id] = f"acts, and the gate says {gate.condition}: answer that in a `when:`"
    return still
