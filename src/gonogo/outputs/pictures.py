"""What is drawn of a run, as numbers: how far a value is from its bound, and when each gate was at work."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from gonogo.frozen import dataclass
from gonogo.model.run import GateView, RunView
from gonogo.model.verdict import Judgement

_FIGURE = re.compile(
    r"\s*(?P<operator>>=|<=|==|>|<)?\s*(?P<number>-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*(?P<unit>[^\d\s]*)\s*"
)
_WHOLE = 100.0
_ROOM = 1.15
"""A scale that has no end of its own ends a little beyond the larger of the two."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A value beside its bound on one scale, in percent of its length."""

    value: float
    bound: float
    good_from: float
    """Where the part of the scale begins that would pass."""
    good_to: float


def bar(judgement: Judgement) -> Bar | None:
    """The bar of a judgement; None where a length would say nothing: no distance, or a bound of zero."""
    if judgement.margin is None or not math.isfinite(judgement.margin):
        return None
    value, bound = _FIGURE.fullmatch(judgement.value), _FIGURE.fullmatch(judgement.bound)
    if value is None or bound is None or not bound["operator"] or value["unit"] != bound["unit"]:
        return None
    measured, asked = float(value["number"]), float(bound["number"])
    if measured < 0 or asked <= 0:
        return None
    percent = bound["unit"] == "%" and max(measured, asked) <= _WHOLE
    scale = _WHOLE if percent else max(measured, asked) * _ROOM
    at, limit = _share(measured, scale), _share(asked, scale)
    ranges = {">": (limit, _WHOLE), ">=": (limit, _WHOLE), "<": (0.0, limit), "<=": (0.0, limit), "==": (limit, limit)}
    return Bar(at, limit, *ranges[bound["operator"]])


def _share(part: float, scale: float) -> float:
    return round(part / scale * _WHOLE, 2)


@dataclass(frozen=True, slots=True)
class Span:
    """When one gate was at work."""

    gate: GateView
    after: float
    """Seconds from the run's start."""
    seconds: float
    left: float
    """Where it begins, in percent of the whole time shown."""
    width: float


def timeline(view: RunView) -> list[Span]:
    """Every gate that started, in the order of their starts, on one scale of time."""
    start = _moment(view.started)
    if start is None:
        return []
    begun = []
    for gate in view.gates:
        moment = _moment(gate.verdict.started)
        if moment is not None:
            begun.append((max(0.0, (moment - start).total_seconds()), gate))
    if not begun:
        return []
    whole = max(view.seconds, *(after + gate.verdict.seconds for after, gate in begun), 0.001)
    begun.sort(key=lambda pair: pair[0])
    return [
        Span(gate, after, gate.verdict.seconds, _share(after, whole), max(0.3, _share(gate.verdict.seconds, whole)))
        for after, gate in begun
    ]


def _moment(text: str) -> datetime | None:
    """The moment of a time as the ledger writes it; None where there is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
