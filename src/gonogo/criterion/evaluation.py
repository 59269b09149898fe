"""One expression on one reading: the outcome, and how far away it was."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from gonogo.criterion.marks import marked
from gonogo.criterion.tree import Node, parse
from gonogo.frozen import dataclass
from gonogo.model.observation import ObservationType, Reading, Type, Value
from gonogo.model.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A criterion's outcome on one reading, with the distance of the part that decided."""

    outcome: Outcome
    """PASS, FAIL or UNKNOWN."""
    value: str = ""
    """Measured, with its unit: `61.2 %`."""
    bound: str = ""
    """Asked: `>= 65 %`."""
    margin: float | None = None
    """Value minus bound in the observation's unit, turned so that it is positive where it passes."""
    distance: str = ""
    """The sentence a person reads."""
    reason: str = ""
    """Why it is UNKNOWN."""
    mend: str = ""
    """An order that would turn it green."""
    absent: tuple[str, ...] = ()
    """Names whose observation is not there, or says nothing."""


class CannotTell(Exception):
    """The expression has no value: a division by zero, a number too large."""


_INT64 = 2**63


def unusable(type_: ObservationType, value: Value | None) -> str:
    """Why a value says nothing, such as coverage `"Unknown"` or NaN; empty where it can be judged."""
    if value is None:
        return f"`{type_.name}` is absent"
    fits = _FITS[type_.type]
    if not isinstance(value, fits) or (isinstance(value, bool) and type_.type is not Type.BOOL):
        return f"`{type_.name}` is no {type_.type}: {value!r}"
    if isinstance(value, float) and not math.isfinite(value):
        return f"`{type_.name}` is no number: {value!r}"
    if isinstance(value, int) and abs(value) >= _INT64:
        return f"`{type_.name}` is too large: {value!r}"
    return ""


_FITS: Mapping[Type, type | tuple[type, ...]] = {
    Type.BOOL: bool,
    Type.INT: int,
    Type.DOUBLE: (int, float),
    Type.STRING: str,
    Type.LIST: tuple,
    Type.TEXT: str,
}


def count(reading: Reading, severities: tuple[str, ...], types: Mapping[str, ObservationType]) -> int:
    """Findings of these severities: the larger of what the reports list and what they count."""
    total = 0
    for severity in severities:
        listed = sum(finding.severity == severity for finding in reading.findings)
        numbers = (reading.value(name) for name in counters(severity, types))
        total += max(listed, sum(n for n in numbers if isinstance(n, int)))
    return total


def counters(severity: str, types: Mapping[str, ObservationType]) -> tuple[str, ...]:
    """Names of the observations that count the findings of this severity and no other."""
    return tuple(name for name, type_ in types.items() if type_.counts == (severity,))


Found = bool | int | float | str | tuple[Any, ...]
Widened = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Program:
    """An expression made ready to run, with what its names mean."""

    source: str
    root: Node
    types: Mapping[str, ObservationType]
    widened: Widened = ()

    def run(self, node: Node, reading: Reading) -> Found:
        """The value of a part; every name in it is present. Raises `CannotTell`."""
        if node.op == "name":
            return self.bound(node.text, reading)
        if node.op == "literal" and node.value is not None:
            return node.value
        compared = _COMPARED.get(node.op)
        if compared is not None and all(_plain(operand) for operand in node.operands):
            left, right = (self.run(operand, reading) for operand in node.operands)
            return compared(left, right)
        from celpy.evaluation import CELEvalError

        activation = {flat: _cel(self.bound(name, reading)) for name, flat in _flat(node).items() if name in self.types}
        counts = self._counts(node, reading)
        try:
            runner = _runner(self.source, node.start, node.end, node.op, self.widened)
            found = runner.evaluate(activation | {"findings": counts})
        except CELEvalError as error:
            raise CannotTell(str(error.args[0] if error.args else error)) from error
        except (ArithmeticError, RecursionError, ValueError) as error:
            raise CannotTell(str(error)) from error
        if isinstance(found, CELEvalError):
            raise CannotTell(str(found.args[0] if found.args else found))
        return _python(found)

    def bound(self, name: str, reading: Reading) -> Found:
        """The observation's value, whole numbers widened where a double is declared."""
        value = reading.value(name)
        assert value is not None
        return float(value) if self.types[name].type is Type.DOUBLE and isinstance(value, int) else value

    def _counts(self, node: Node, reading: Reading) -> Any:
        """`findings` as a map from the severities asked to their number; `count` is the sum of its arguments."""
        from celpy import celtypes

        asked = {
            str(argument.value)
            for below in node.walk()
            if below.op == "method" and below.text == "count"
            for argument in below.operands[1:]
        }
        return celtypes.MapType(
            {celtypes.StringType(s): celtypes.IntType(count(reading, (s,), self.types)) for s in asked}
        )


_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
"""Between two values of types that the check lets meet, Python's comparisons are CEL's: by number, by code point."""


def _plain(operand: Node) -> bool:
    """Whether it stands for a value without any evaluation, one that CEL can hold."""
    if operand.op == "literal":
        return operand.value is not None and not (isinstance(operand.value, int) and abs(operand.value) >= _INT64)
    return operand.op == "name"


def _cel(value: Any) -> Any:
    from celpy import celtypes

    if isinstance(value, bool):
        return celtypes.BoolType(value)
    if isinstance(value, int):
        return celtypes.IntType(value)
    if isinstance(value, float):
        return celtypes.DoubleType(value)
    if isinstance(value, str):
        return celtypes.StringType(value)
    return celtypes.ListType([celtypes.StringType(item) for item in value])


def _python(value: Any) -> Found:
    """cel-python answers in its own types, and in plain ones after arithmetic."""
    from celpy import celtypes

    if isinstance(value, celtypes.BoolType):
        return bool(value)
    for plain in (int, float, str):
        if isinstance(value, plain):
            return plain(value)
    return tuple(_python(item) for item in value)


# --- cel-python ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _cel_python() -> Any:
    import celpy

    return celpy.Environment()


def _marked(text: Any, name: Any) -> Any:
    from celpy import celtypes

    return celtypes.BoolType(bool(marked(str(text), str(name))))


def _count(counts: Any, *severities: Any) -> Any:
    from celpy import celtypes

    return celtypes.IntType(sum(int(counts[severity]) for severity in severities))


@lru_cache(maxsize=4096)
def _runner(source: str, start: int, end: int, op: str, widened: Widened) -> Any:
    """cel-python's program of one part of a source; 300 gates with `exit == 0` share one."""
    root = parse(source, None)
    node = next(n for n in root.walk() if (n.start, n.end, n.op) == (start, end, op))
    names = {(n.start, n.end): flat for n in node.walk() if (flat := _flat(node).get(n.text)) and n.op == "name"}
    tree = _rewritten(node.tree, names, widened)
    return _cel_python().program(tree, functions={"marked": _marked, "count": _count})


def _flat(node: Node) -> dict[str, str]:
    """Each name below as one word: cel-python loses `coverage.lines` where `coverage.lines.pct` is bound too."""
    names = dict.fromkeys(below.text for below in node.walk() if below.op == "name")
    return {name: name if name == "findings" else f"o{number}" for number, name in enumerate(names)}


_LEVELS = ("expr", "conditionalor", "conditionaland", "relation", "addition", "multiplication", "unary", "member")


def _rewritten(tree: Any, names: Mapping[tuple[int, int], str], widened: Widened) -> Any:
    """The tree as cel-python can run it: names as single words, and whole numbers that meet a double in `double(…)`.

    cel-python compares no int with a double, which CEL allows.
    """
    from lark import Token, Tree

    if not isinstance(tree, Tree):
        return tree
    where = (getattr(tree.meta, "start_pos", -1), getattr(tree.meta, "end_pos", -1))
    if tree.data in {"ident", "member_dot", "member_index"} and where in names:
        ident = Tree("ident", [Token("IDENT", names[where])])
        return ident if tree.data == "ident" else Tree("primary", [ident])
    children = [_rewritten(child, names, widened) for child in tree.children]
    if tree.data == "relation" and len(children) > 1:
        left, right = tree.children[0].children[0], tree.children[1]
        operator, operand = children
        if (left.meta.start_pos, left.meta.end_pos) in widened:
            operator = Tree(operator.data, [_double(operator.children[0], Token, Tree, "relation")])
        if (right.meta.start_pos, right.meta.end_pos) in widened:
            operand = _double(operand, Token, Tree, "addition")
        children = [operator, operand]
    return Tree(tree.data, children, tree.meta)


def _double(operand: Any, token: Any, tree: Any, level: str) -> Any:
    """`operand` as the argument of `double`, dressed in the levels of the grammar that the evaluator expects."""
    for name in reversed(_LEVELS[: _LEVELS.index(operand.data)]):
        operand = tree(name, [operand])
    call = tree("primary", [tree("ident_arg", [token("IDENT", "double"), tree("exprlist", [operand])])])
    for name in reversed(_LEVELS[_LEVELS.index(level) :]):
        call = tree(name, [call])
    return call
