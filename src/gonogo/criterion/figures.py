"""Figures and the sentence that tells a person how far away something is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal

from gonogo.model.observation import Combine, ObservationType, Reading, Type, Value

Number = int | float
_TWO_DIGITS, _MOST_DIGITS = 2, 6


def figure(value: Number, bound: Number | None = None) -> str:
    """A number as short as it may be: never rounded onto or across its bound, so 64.999 is not shown as 65."""
    if isinstance(value, int):
        return str(value)
    for digits in range(_TWO_DIGITS, _MOST_DIGITS + 1):
        text = _plain(f"{value:.{digits}f}")
        if bound is None or _side(float(text), bound) == _side(value, bound):
            return text
    return repr(value)


def _plain(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _side(value: Number, bound: Number) -> int:
    return (value > bound) - (value < bound)


def exact(value: Number) -> Decimal:
    """The number as it is written: 61.2 is 61.2, not its binary neighbour."""
    return Decimal(repr(value))


def with_unit(text: str, unit: str) -> str:
    """`61.2` and `%` -> `61.2 %`."""
    return f"{text} {unit}" if unit else text


def quoted(value: Value | tuple[Number, ...]) -> str:
    """A value as it would be written in a criterion."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return "[" + ", ".join(quoted(item) for item in value) + "]"
    return figure(value)


def singular(word: str) -> str:
    """`vulnerabilities` -> `vulnerability`, `branches` -> `branch`, `errors` -> `error`."""
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("ches", "shes", "xes")) else word.removesuffix("s")


def _plural(word: str) -> bool:
    return word.endswith("s") and not word.endswith(("ss", "us"))


def counted(type_: ObservationType, shown: str) -> str:
    """A whole number with its noun: `3 lint errors`, `1 failed test`, `2 files that are not formatted`, `exit 2`."""
    family, _, last = _spaced(type_.name).rpartition(" . ")
    one = shown == "1"
    if family and _plural(last):
        return f"{shown} {singular(family)} {singular(last) if one else last}"
    if family and _plural(family):
        return f"{shown} {last} {singular(family) if one else family}"
    meaning = type_.meaning.partition(",")[0].partition(";")[0]
    if family and _plural(meaning.partition(" ")[0]):
        return f"{meaning}: 1" if one else f"{shown} {meaning}"
    return f"{family} {last} {shown}".strip()


def _spaced(name: str) -> str:
    """`load.dropped_iterations` -> `load . dropped iterations`; of three parts, the first two are one."""
    family, dot, last = name.replace("_", " ").rpartition(".")
    return family.replace(".", " ") + " . " * bool(dot) + last


def measured(type_: ObservationType, shown: str) -> str:
    """A figure with its label: `lines coverage 61.2 %`, `load duration p95 412 ms`, `3 lint errors`."""
    if not type_.name.replace(".", "").replace("_", "").isalnum() and not type_.name.startswith("findings."):
        return f"`{type_.name}` is {shown}"
    family, *rest = type_.name.replace("_", " ").split(".")
    if type_.combine is Combine.PERCENT and rest:
        return " ".join((*rest[:-1], family, shown))
    if not type_.unit and type_.type is Type.INT:
        return counted(type_, shown)
    words = " ".join((family, *rest))
    return f"{words.removesuffix(' pct') if type_.unit == '%' else words} {shown}"


def coverage_gap(name: str, operator: str, bound: Number, reading: Reading) -> str:
    """For `x.pct >= 65` with `x.covered` and `x.total` beside it: `412 lines`, what is still to be covered."""
    stem = name.removesuffix(".pct")
    covered, total = reading.value(f"{stem}.covered"), reading.value(f"{stem}.total")
    if stem == name or operator not in {">=", ">", "=="} or not _whole(covered) or not _whole(total):
        return ""
    assert isinstance(covered, int)
    assert isinstance(total, int)
    asked = exact(bound) * total / 100
    needed = (math.floor(asked) + 1 if operator == ">" else math.ceil(asked)) - covered
    noun = stem.rpartition(".")[2].replace("_", " ")
    return f"{needed} {singular(noun) if needed == 1 else noun}" if needed > 0 else ""


def _whole(value: Value | None) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


WORDS = {">=": "at least", ">": "above", "<=": "at most", "<": "below", "==": "to", "!=": "away from"}
"""Operator -> how an order says it: bring `tests.passed` above 0."""

MARGINS: Mapping[str, Callable[[Decimal], Decimal]] = {
    ">=": lambda gap: gap,
    ">": lambda gap: gap,
    "<=": lambda gap: -gap,
    "<": lambda gap: -gap,
    "==": lambda gap: -abs(gap),
}
"""Operator -> from value minus bound to the margin, which is positive (or zero) where it passes."""
