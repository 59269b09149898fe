"""What decided, in figures and in a sentence: value, bound, margin, distance, and what would turn it green."""

from __future__ import annotations

from dataclasses import replace

from gonogo.criterion import figures
from gonogo.criterion.evaluation import CannotTell, Evaluation, Program
from gonogo.criterion.marks import CROSS, TICK
from gonogo.criterion.tree import Node
from gonogo.model.observation import ObservationType, Reading, Type
from gonogo.model.outcome import Outcome

_MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def describe(program: Program, reading: Reading, outcome: Outcome) -> Evaluation:
    """The evaluation of an expression whose outcome is known: of the part that failed, else of the first."""
    part = _deciding(program, reading, outcome)
    said = _described(program, part, reading, outcome)
    return replace(said, mend="") if said.mend and outcome is Outcome.PASS else said


def _deciding(program: Program, reading: Reading, outcome: Outcome) -> Node:
    parts = list(_conjuncts(program.root))
    if outcome is Outcome.FAIL:
        for part in parts:
            try:
                if program.run(part, reading) is False:
                    return part
            except CannotTell:
                continue
    return parts[0]


def _conjuncts(node: Node) -> list[Node]:
    if node.op != "&&":
        return [node]
    return [part for operand in node.operands for part in _conjuncts(operand)]


def _described(program: Program, part: Node, reading: Reading, outcome: Outcome) -> Evaluation:
    if part.op in _MIRROR or part.op == "in":
        return _comparison(program, part, reading, outcome)
    inner, wanted = (part.operands[0], "false") if part.op == "!" else (part, "true")
    if inner.op == "name":
        return _truth(program, inner, reading, outcome, wanted)
    if inner.op == "method":
        return _method(program, inner, reading, outcome, wanted)
    return _anything(program, part, reading, outcome)


def _comparison(program: Program, part: Node, reading: Reading, outcome: Outcome) -> Evaluation:
    left, right = part.operands
    operator = part.op
    if not left.measured and operator in _MIRROR:
        left, right, operator = right, left, _MIRROR[operator]
    try:
        value, bound = program.run(left, reading), program.run(right, reading)
    except CannotTell:
        return _anything(program, part, reading, outcome)
    type_ = _type_of(program, left)
    if operator in figures.MARGINS and _number(value) and _number(bound):
        return _numbers(type_, operator, value, bound, reading=reading, outcome=outcome)  # type: ignore[arg-type]
    shown, asked = figures.quoted(value), figures.quoted(bound)
    needs = {"==": asked, "in": f"one of {asked}"}.get(operator, f"{operator} {asked}")
    label = figures.measured(type_, shown) if _number(value) else f"`{type_.name}` is {shown}"
    mend = f"make `{part.source(program.source)}` true"
    return Evaluation(outcome, shown, f"{operator} {asked}", distance=f"{label}, needs {needs}", mend=mend)


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _type_of(program: Program, node: Node) -> ObservationType:
    """The declaration of a name; for anything else, one that shows it as it is written."""
    if node.op == "name":
        return program.types[node.text]
    if node.op == "method" and node.text == "count":
        severities = "/".join(str(argument.value) for argument in node.operands[1:])
        return ObservationType(f"findings.{severities}", Type.INT, "")
    return ObservationType(node.source(program.source), Type.DOUBLE, "")


def _numbers(
    type_: ObservationType, operator: str, value: float, bound: float, *, reading: Reading, outcome: Outcome
) -> Evaluation:
    """`lines coverage 61.2 %, needs >= 65 %, short by 3.8 points: 412 lines`."""
    gap = figures.exact(value) - figures.exact(bound)
    shown = figures.with_unit(figures.figure(value, bound), type_.unit)
    asked = figures.with_unit(figures.figure(bound), type_.unit)
    margin = figures.MARGINS[operator](gap)
    needs = asked if operator == "==" else f"{operator} {asked}"
    sentence = f"{figures.measured(type_, shown)}, needs {needs}"
    mend = f"bring `{type_.name}` {figures.WORDS[operator]} {asked}"
    if outcome is Outcome.FAIL:
        unit = "points" if type_.unit == "%" else type_.unit
        away = figures.with_unit(figures.figure(abs(float(gap))), unit)
        if gap and operator != "==" and (bound != 0 or type_.unit):
            sentence += f", {'short' if gap < 0 else 'over'} by {away}"
        lines = figures.coverage_gap(type_.name, operator, bound, reading)
        if lines:
            sentence, mend = f"{sentence}: {lines}", f"cover {lines} more"
        elif operator == "==" and bound == 0 and type_.counts:
            mend = f"mend {figures.counted(type_, shown)}"
    return Evaluation(outcome, shown, f"{operator} {asked}", float(margin), sentence, mend=mend)


def _truth(program: Program, name: Node, reading: Reading, outcome: Outcome, wanted: str) -> Evaluation:
    shown = figures.quoted(program.bound(name.text, reading))
    meaning = program.types[name.text].meaning
    tail = f" ({meaning})" if meaning else ""
    sentence = f"`{name.text}` is {shown}, needs {wanted}{tail}"
    return Evaluation(outcome, shown, f"== {wanted}", distance=sentence, mend=f"make `{name.text}` {wanted}")


def _method(program: Program, node: Node, reading: Reading, outcome: Outcome, wanted: str) -> Evaluation:
    """`Backend is marked ❌, needs ✅`, or what a text does not contain."""
    argument = str(node.operands[1].value)
    holds = program.run(node, reading) is True
    if node.text == "marked":
        shown, asked = (TICK if holds else CROSS), (TICK if wanted == "true" else CROSS)
        sentence = f"{argument} is marked {shown}, needs {asked}"
        return Evaluation(outcome, shown, asked, distance=sentence, mend=f"make {argument} {asked}")
    what = node.operands[0].source(program.source)
    says, say = _VERBS[node.text]
    must = f'{"must" if wanted == "true" else "must not"} {say} "{argument}"'
    sentence = f'`{what}` {says if holds else f"does not {say}"} "{argument}"'
    return Evaluation(outcome, "yes" if holds else "no", must, distance=sentence, mend=f"`{what}` {must}")


_VERBS = {
    "contains": ("contains", "contain"),
    "matches": ("matches", "match"),
    "startsWith": ("starts with", "start with"),
    "endsWith": ("ends with", "end with"),
}


def _anything(program: Program, part: Node, reading: Reading, outcome: Outcome) -> Evaluation:
    """No single distance: the expression as written, and every value in it."""
    source = part.source(program.source)
    names = dict.fromkeys(node.text for node in part.walk() if node.op == "name" and node.text in program.types)
    values = [
        f"{name} = {figures.quoted(program.bound(name, reading))}"
        for name in names
        if program.types[name].type is not Type.TEXT
    ]
    shown = ", ".join(values)
    sentence = f"`{source}` is {'true' if outcome is Outcome.PASS else 'false'}" + (f": {shown}" if shown else "")
    return Evaluation(outcome, shown, source, distance=sentence, mend=f"make `{source}` true")
