"""Compare two runs, gate by gate. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from gonogo.judge.causes import of_gate, of_run
from gonogo.judge.comparison import Change, Comparison, Measure, Pair, Side
from gonogo.model.observation import Finding
from gonogo.model.outcome import Outcome, State
from gonogo.model.run import GateView
from gonogo.model.verdict import Judgement

_ORDER = ("worse", "better", "other", "moved")


def compare(before: Side, after: Side, *, files: Sequence[str] | None = None) -> Comparison:
    """Compare two runs.

    Args:
        before: The run that came first.
        after: The other.
        files: Paths that differ between the commits of the two; None where that is not known.
    """
    whole = tuple(of_run(before, after, files))
    old = {gate.gate.id: gate for gate in before.view.gates}
    new = {gate.gate.id: gate for gate in after.view.gates}
    pairs = [Pair(old.get(id_), new.get(id_)) for id_ in dict.fromkeys([*new, *old])]
    changes = []
    for pair in pairs:
        change = _change(pair)
        if change is not None:
            causes = of_gate(change, pair, (before, after), whole, files)
            changes.append(replace(change, causes=tuple(dict.fromkeys(causes))))
    changes.sort(key=lambda change: _ORDER.index(change.direction))
    return Comparison(before.view, after.view, tuple(changes), whole, len(pairs) - len(changes))


def _change(pair: Pair) -> Change | None:
    """What changed of a gate; None where nothing did."""
    old, new, some = pair.old, pair.new, pair.some
    measures = tuple(_measures(_judgements(old), _judgements(new)))
    appeared, gone = _findings(old, new), _findings(new, old)
    said_before, said_after = _said(old), _said(new)
    direction = "moved" if said_before == said_after else _direction(old, new)
    if direction == "moved" and not (measures or appeared or gone):
        return None
    return Change(some.gate.id, some.gate.title, said_before, said_after, direction, measures, appeared, gone)


def _said(gate: GateView | None) -> str:
    if gate is None:
        return ""
    verdict = gate.verdict
    waits = verdict.state is State.WAITING
    return verdict.outcome.value + ", waived" * verdict.waived + ", waits for an answer" * waits


def _direction(old: GateView | None, new: GateView | None) -> str:
    """Towards or away from a GO, which a gate that is gone or new does too."""
    was, is_ = old is None or _lets_go(old), new is None or _lets_go(new)
    if was != is_:
        return "better" if is_ else "worse"
    return "other"


def _lets_go(gate: GateView) -> bool:
    verdict = gate.verdict
    green = verdict.outcome in {Outcome.PASS, Outcome.NOT_APPLICABLE} or verdict.waived
    return (green and verdict.state is State.DONE) or gate.gate.optional


def _judgements(gate: GateView | None) -> dict[tuple[str, str, int], Judgement]:
    """The judgements of a gate by criterion, call, and how often that pair was there before."""
    found: dict[tuple[str, str, int], Judgement] = {}
    seen: dict[tuple[str, str], int] = {}
    for one in gate.verdict.judgements if gate is not None else ():
        pair = (one.criterion, one.call)
        found[(*pair, seen.get(pair, 0))] = one
        seen[pair] = seen.get(pair, 0) + 1
    return found


def _measures(
    old: Mapping[tuple[str, str, int], Judgement], new: Mapping[tuple[str, str, int], Judgement]
) -> Iterator[Measure]:
    for key in dict.fromkeys([*new, *old]):
        was, is_ = old.get(key), new.get(key)
        some = is_ or was
        assert some is not None
        before, after = _value(was), _value(is_)
        bounds = (was.bound if was else "", is_.bound if is_ else "")
        if (before, bounds[0]) == (after, bounds[1]):
            continue
        nearer = None
        if was and is_ and bounds[0] == bounds[1] and was.margin is not None and is_.margin is not None:
            nearer = is_.margin > was.margin if is_.margin != was.margin else None
        yield Measure(some.criterion, some.shown, before, after, *bounds, _difference(before, after), nearer)


def _value(judgement: Judgement | None) -> str:
    """What was measured; where nothing was, the outcome says so."""
    return (judgement.value or judgement.outcome.value) if judgement is not None else ""


_FIGURE = re.compile(r"(-?\d+(?:\.\d+)?)(.*)")


def _difference(before: str, after: str) -> str:
    """The signed difference of two figures of one unit."""
    was, is_ = _FIGURE.fullmatch(before), _FIGURE.fullmatch(after)
    if was is None or is_ is None or was[2] != is_[2]:
        return ""
    return f"{Decimal(is_[1]) - Decimal(was[1]):+f}"


def _findings(without: GateView | None, within: GateView | None) -> tuple[Finding, ...]:
    """The findings of one verdict whose ids the other does not have."""
    known = {finding.id for finding in without.verdict.findings} if without is not None else set()
    return tuple(f for f in within.verdict.findings if f.id not in known) if within is not None else ()
