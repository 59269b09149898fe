"""What must come before what: the checks that a graph of gates can be run at all."""

from __future__ import annotations

from collections.abc import Iterator

from gonogo.errors import Diagnostic, InputError, nearest
from gonogo.model.checklist import Checklist, Gate


def check(checklist: Checklist) -> None:
    """Raise `InputError` naming each need that is unknown, lies in a later phase, or goes round in a circle."""
    order = {phase.id: index for index, phase in enumerate(checklist.phases)}
    gates = {gate.id: gate for gate in checklist.gates}
    problems = [problem for gate in checklist.gates for problem in _bad_needs(gate, gates, order)]
    circle = _circle(gates)
    if circle:
        problems.append(
            Diagnostic(
                "needs-circle",
                f"gates need each other in a circle: {' -> '.join(f'`{gate}`' for gate in circle)}",
                span=gates[circle[0]].span,
                help="take one of these out of a `needs:`",
            )
        )
    if problems:
        raise InputError(problems)


def _bad_needs(gate: Gate, gates: dict[str, Gate], order: dict[str, int]) -> Iterator[Diagnostic]:
    for need in gate.needs:
        other = gates.get(need)
        if other is None:
            near = nearest(need, gates)
            yield Diagnostic(
                "unknown-need",
                f"gate `{gate.id}` needs `{need}`, which the checklist does not have",
                span=gate.span,
                help=f"did you mean `{near}`?" if near else "name a gate of the checklist",
            )
        elif order[other.phase] > order[gate.phase]:
            yield Diagnostic(
                "need-in-later-phase",
                f"gate `{gate.id}` of phase {gate.phase} needs `{need}` of phase {other.phase}, which comes later",
                span=gate.span,
                help="move one of them, or drop the need: phases run in order",
            )


def _circle(gates: dict[str, Gate]) -> tuple[str, ...]:
    """One circle of needs, first gate repeated at its end; empty where there is none."""
    done: set[str] = set()
    for start in gates:
        path: list[str] = []
        pending = [(start, False)]
        while pending:
            gate, leaving = pending.pop()
            if leaving:
                done.add(path.pop())
                continue
            if gate in path:
                return (*path[path.index(gate) :], gate)
            if gate in done or gate not in gates:
                continue
            path.append(gate)
            pending.append((gate, True))
            pending.extend((need, False) for need in gates[gate].needs)
    return ()
