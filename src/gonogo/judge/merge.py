"""Several readings of one gate as one, for a criterion whose names are spread over several captures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from gonogo.model.observation import Combine, Observation, ObservationType, Reading, Type, Value


def merge(readings: Sequence[Reading], types: Mapping[str, ObservationType]) -> Reading:
    """One reading: each observation combined as its declaration says; what cannot be combined honestly is absent."""
    given: dict[str, list[Observation]] = {}
    for reading in readings:
        for observation in reading.observations:
            given.setdefault(observation.name, []).append(observation)
    merged = {name: combine(types.get(name), [o.value for o in seen]) for name, seen in given.items()}
    for name, seen in given.items():
        type_ = types.get(name)
        if type_ is not None and type_.combine is Combine.PERCENT and len(seen) > 1:
            merged[name] = _percent(name.removesuffix(".pct"), merged)
    return Reading(
        observations=tuple(
            Observation(name, value, "; ".join(dict.fromkeys(o.source for o in given[name] if o.source)))
            for name, value in merged.items()
            if value is not None
        ),
        findings=tuple(finding for reading in readings for finding in reading.findings),
        notes=tuple(dict.fromkeys(note for reading in readings for note in reading.notes)),
        troubles=tuple(dict.fromkeys(trouble for reading in readings for trouble in reading.troubles)),
    )


_ARITHMETIC: Mapping[Combine | None, Callable[[list[int | float]], int | float]] = {
    Combine.SUM: sum,
    Combine.MAX: max,
    Combine.MIN: min,
}


def combine(type_: ObservationType | None, values: Sequence[Value]) -> Value | None:
    """Several values of one observation as one; None where no honest one exists (a mean would be none)."""
    if len(values) == 1:
        return values[0]
    how = type_.combine if type_ else None
    numbers = [v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
    if how in _ARITHMETIC and len(numbers) == len(values):
        return _ARITHMETIC[how](numbers)
    if how in {Combine.ALL, Combine.ANY} and all(isinstance(v, bool) for v in values):
        return all(values) if how is Combine.ALL else any(values)
    if how is Combine.JOIN and type_ is not None:
        return _joined(type_, values)
    return values[0] if all(v == values[0] for v in values) and how is not Combine.PERCENT else None


def _joined(type_: ObservationType, values: Sequence[Value]) -> Value | None:
    if type_.type is Type.LIST:
        return tuple(item for value in values if isinstance(value, tuple) for item in value)
    texts = [value for value in values if isinstance(value, str)]
    return "\n".join(texts) if len(texts) == len(values) else None


def _percent(stem: str, merged: Mapping[str, Value | None]) -> float | None:
    covered, total = merged.get(f"{stem}.covered"), merged.get(f"{stem}.total")
    if not isinstance(covered, int) or not isinstance(total, int) or total <= 0:
        return None
    return float(Decimal(100) * covered / total)
