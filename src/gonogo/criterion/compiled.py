"""A criterion that has passed the type check, ready to be judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from gonogo.criterion.check import Checked, check
from gonogo.criterion.describe import describe
from gonogo.criterion.evaluation import CannotTell, Evaluation, Program, counters, unusable
from gonogo.criterion.marks import marked
from gonogo.criterion.tree import Node, parse, place
from gonogo.errors import Diagnostic, InputError, Severity, Span
from gonogo.frozen import dataclass
from gonogo.model.observation import ObservationType, Reading, stem
from gonogo.model.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Compiled:
    """One criterion: what it names, and how to evaluate it. Pure; safe to share between threads."""

    source: str
    names: tuple[str, ...]
    """The observations it names, each once, in the order of the text."""
    severities: tuple[str, ...] = ()
    """The severities that `findings.count(…)` asks for."""
    warnings: tuple[Diagnostic, ...] = ()
    """Remarks that do not stop anything: `lint.errors >= 0` holds for every count."""
    _program: Program = field(default=None, repr=False, compare=False)  # type: ignore[assignment]

    @property
    def marks(self) -> tuple[str, ...]:
        """The names that `output.marked("…")` asks for."""
        return tuple(name for _, name in _marks(self._program.root))

    @property
    def bounded(self) -> tuple[str, str] | None:
        """Name and operator, where it is one comparison of one observation with a constant; else None."""
        root = self._program.root
        if root.op not in _TURNED or len(root.operands) != 2:  # noqa: PLR2004 - left and right
            return None
        left, right = root.operands
        if left.op == "name" and not right.measured:
            return left.text, root.op
        if right.op == "name" and not left.measured:
            return right.text, _TURNED[root.op]
        return None

    @property
    def limit(self) -> float | None:
        """The number that it compares with, where `bounded` is not None and it is one."""
        if self.bounded is None:
            return None
        left, right = self._program.root.operands
        value = self._program.run(right if left.op == "name" else left, Reading())
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def evaluate(self, reading: Reading) -> Evaluation:
        """Judge it on one reading. Any named observation that is absent makes it UNKNOWN, short circuit or not."""
        program = self._program
        problems = {name: unusable(program.types[name], reading.value(name)) for name in self.names}
        absent = tuple(name for name, problem in problems.items() if problem)
        silent = "; ".join(problems[name] for name in absent) or self._unasked(reading)
        if silent:
            return Evaluation(Outcome.UNKNOWN, reason=silent, absent=absent)
        try:
            holds = program.run(program.root, reading)
        except CannotTell as error:
            return Evaluation(Outcome.UNKNOWN, reason=f"`{self.source}` has no value: {error}")
        if not isinstance(holds, bool):
            return Evaluation(Outcome.UNKNOWN, reason=f"`{self.source}` is neither true nor false")
        return describe(program, reading, Outcome.PASS if holds else Outcome.FAIL)

    def _unasked(self, reading: Reading) -> str:
        """Why a method has nothing to look at: no line marks the name, no report counts the severity."""
        for owner, name in _marks(self._program.root):
            if marked(str(reading.value(owner)), name) is None:
                return f"no line of the output names {name} with a ✅ or ❌"
        for severity in self.severities:
            if all(reading.value(counter) is None for counter in counters(severity, self._program.types)):
                return f"no report counts findings of severity `{severity}`"
        return ""

    def speaks_for(self, names: frozenset[str]) -> bool:
        """Whether observations of these names are all it asks."""
        return all(_spoken(name, names) for name in self.names) and all(
            not names.isdisjoint(counters(severity, self._program.types)) for severity in self.severities
        )

    def asks(self, names: frozenset[str]) -> bool:
        """Whether it asks for at least one observation of these names."""
        return any(_spoken(name, names) for name in self.names) or any(
            not names.isdisjoint(counters(severity, self._program.types)) for severity in self.severities
        )


def _spoken(name: str, names: frozenset[str]) -> bool:
    """Whether it is among the names, or is one of several that are."""
    return name in names or stem(name) in names


_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}


def _marks(root: Node) -> list[tuple[str, str]]:
    return [
        (node.operands[0].text, str(node.operands[1].value))
        for node in root.walk()
        if node.op == "method" and node.text == "marked"
    ]


def compile(  # noqa: A001 - the word the reader expects; always called with its module
    expression: str, types: Mapping[str, ObservationType], span: Span | None = None
) -> Compiled:
    """Parse and type-check a criterion.

    `types` holds every observation that may be named; `span` is where the expression stands, for the caret. Raises
    `InputError` with all mistakes: syntax, unknown names with the nearest, unlike types, not boolean, constant.
    """
    known, found = _before[0]
    if known is not types or len(found) >= _MOST_KEPT:
        found = {}
        _before[0] = (types, found)
    if expression not in found:
        compiled = checked(expression, types, span, constant=False)
        if compiled.warnings:  # they name the place that was compiled
            return compiled
        found[expression] = compiled
    return found[expression]


_MOST_KEPT = 1000
_before: list[tuple[Mapping[str, ObservationType], dict[str, Compiled]]] = [({}, {})]
"""The declarations compiled against last, and what was compiled: 300 gates may all ask `exit == 0`."""


def checked(expression: str, types: Mapping[str, ObservationType], span: Span | None, *, constant: bool) -> Compiled:
    """`compile`, where `constant` allows an expression that names nothing, as the condition of a `when:` may."""
    root = parse(expression, span)
    found = check(root, expression, types, span)
    errors = [d for d in found.diagnostics if d.severity is Severity.ERROR]
    if not errors:
        errors = _whole(root, expression, found, span, constant=constant)
    if errors:
        raise InputError(found.diagnostics if errors[0] in found.diagnostics else [*found.diagnostics, *errors])
    program = Program(expression, root, types, tuple(found.widened))
    return Compiled(expression, tuple(found.names), tuple(found.severities), tuple(found.diagnostics), program)


def _whole(root: Node, expression: str, found: Checked, span: Span | None, *, constant: bool) -> list[Diagnostic]:
    """What is wrong with the whole, where no part is: it is no truth, or says the same whatever was measured."""
    where = place(span, expression, root.start, root.end)
    if found.type != "bool":
        advice = f"compare it, such as `{expression.strip()} == 0`" if found.type in {"int", "double"} else "compare it"
        return [Diagnostic("not-boolean", f"a criterion is true or false, not {found.type}", where, "", advice)]
    if not root.measured and not constant:
        message = f"`{expression.strip()}` names no observation: it says the same whatever was measured"
        return [Diagnostic("cannot-fail", message, where, "", "name what must hold, such as `exit == 0`")]
    return []
