"""The type check: unknown names, unlike types, what is no truth, what cannot fail; all mistakes of a line at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gonogo.criterion.tree import Node, place
from gonogo.errors import Diagnostic, Severity, Span, nearest
from gonogo.model.observation import ObservationType, Type, stem

FINDINGS = "findings"
"""The one name that is no observation: all findings of a reading, asked with `findings.count("high")`."""

NUMBERS = frozenset({"int", "double"})
_TEXTS = {"contains", "startsWith", "endsWith", "matches"}
METHODS: Mapping[str, frozenset[str]] = {
    "text": frozenset({"marked", "contains", "matches"}),
    "string": frozenset(_TEXTS),
    "findings": frozenset({"count"}),
}
"""Type of the receiver -> methods it has."""
FUNCTIONS: Mapping[str, Mapping[str, str]] = {
    "size": {"string": "int", "list": "int"},
    "double": {"int": "double", "double": "double"},
    "int": {"int": "int", "double": "int"},
}
"""Function -> type of its argument -> type of its answer."""
_COMPARED = {"<", "<=", ">", ">="}
COMPARISONS = _COMPARED | {"==", "!="}


@dataclass(slots=True)
class Checked:
    """What the check learnt about one expression."""

    type: str = ""
    """Empty where a mistake hides it."""
    names: list[str] = field(default_factory=list)
    """Observations it names, in their order, each once."""
    severities: list[str] = field(default_factory=list)
    """Arguments of `findings.count`."""
    widened: list[tuple[int, int]] = field(default_factory=list)
    """Start and end of whole-number operands that are compared with a double: cel-python must be told `double(…)`."""
    diagnostics: list[Diagnostic] = field(default_factory=list)


def check(root: Node, expression: str, types: Mapping[str, ObservationType], span: Span | None) -> Checked:
    """Check the whole tree; mistakes and warnings are in the answer's diagnostics."""
    checker = _Checker(expression, types, span)
    checker.found.type = checker.type_of(root)
    return checker.found


class _Checker:
    def __init__(self, expression: str, types: Mapping[str, ObservationType], span: Span | None) -> None:
        self.expression = expression
        self.types = types
        self.span = span
        self.found = Checked()

    def report(
        self,
        slug: str,
        message: str,
        node: Node,
        *,
        label: str = "",
        advice: str = "",
        end: int = 0,
        severity: Severity = Severity.ERROR,
    ) -> str:
        """Note a mistake at the node; answers the type that hides all that follows from it."""
        where = place(self.span, self.expression, node.start, end or node.end)
        self.found.diagnostics.append(Diagnostic(slug, message, where, label, advice, severity))
        return ""

    def type_of(self, node: Node) -> str:
        if node.op == "literal":
            return _LITERALS[type(node.value)]
        if node.op in COMPARISONS:
            return self.comparison(node)
        rule = {
            "name": self.name,
            "list": self.items,
            "call": self.call,
            "method": self.method,
            "?:": self.choice,
            "!": self.logic,
            "&&": self.logic,
            "||": self.logic,
            "in": self.membership,
        }.get(node.op, self.arithmetic)
        return rule(node)

    # --- names and calls

    def name(self, node: Node) -> str:
        known = self.types.get(node.text)
        if node.text == FINDINGS:
            return self.report("bare-name", "`findings` is no value", node, advice=_COUNT_HELP)
        if known is None:
            return self.unknown_name(node)
        if known.each and "[" not in node.text:
            advice = f'name one, such as `{node.text}["…"]`'
            return self.report("which-one", f"`{node.text}` is one for each {known.each}", node, advice=advice)
        if node.text not in self.found.names:
            self.found.names.append(node.text)
        return known.type.value

    def unknown_name(self, node: Node) -> str:
        if stem(node.text) in self.types:
            message = f"`{stem(node.text)}` is one value, not one for each of several"
            return self.report("no-index", message, node, advice="leave the brackets out")
        near = nearest(node.text, self.types)
        family = node.text.partition(".")[0]
        known = any(name.partition(".")[0] == family for name in self.types)
        return self.report(
            "unknown-observation",
            f"unknown observation `{node.text}`",
            node,
            label=f"did you mean `{near}`?" if near else "nothing yields it",
            advice=f"run `gonogo explain {family}` to see what it offers" if known else "",
        )

    def items(self, node: Node) -> str:
        kinds = [self.type_of(item) for item in node.operands]
        if not kinds:
            return self.report("empty-list", "an empty list holds nothing", node, advice="name what may be in it")
        if "" in kinds:
            return ""
        if len(set(kinds)) > 1 or kinds[0] not in {"string", "int", "double"}:
            return self.report("unlike-types", "a list holds texts or numbers of one type", node)
        return "list" if kinds[0] == "string" else f"list of {kinds[0]}"

    def call(self, node: Node) -> str:
        signature = FUNCTIONS.get(node.text)
        if signature is None:
            near = nearest(node.text, FUNCTIONS)
            return self.report(
                "unknown-function",
                f"unknown function `{node.text}`",
                node,
                end=node.name_end,
                label=f"did you mean `{near}`?" if near else "",
                advice="use " + ", ".join(f"`{name}`" for name in FUNCTIONS),
            )
        if len(node.operands) != 1:
            return self.report("arguments", f"`{node.text}` takes one value", node)
        given = self.type_of(node.operands[0])
        if given.startswith("list of"):
            given = "list"
        if given and given not in signature:
            return self.report(
                "unlike-types", f"`{node.text}` takes {_either(signature)}, not {given}", node.operands[0]
            )
        return signature.get(given, "")

    def method(self, node: Node) -> str:
        receiver, *arguments = node.operands
        asks_findings = receiver.op == "name" and receiver.text == FINDINGS
        owner = "findings" if asks_findings else self.type_of(receiver)
        if not owner:
            return ""
        offered = METHODS.get(owner, frozenset())
        if node.text not in offered:
            return self.unknown_method(node, owner, offered)
        for argument in arguments:
            if argument.op != "literal" or not isinstance(argument.value, str):
                return self.report("arguments", f"`{node.text}` takes text in quotes", argument)
        if owner == "findings":
            return self.count(node, arguments)
        if len(arguments) != 1 or not arguments[0].value:
            return self.report("arguments", f"`{node.text}` takes one text in quotes", node)
        return self.pattern(node, arguments[0])

    def unknown_method(self, node: Node, owner: str, offered: frozenset[str]) -> str:
        near = nearest(node.text, offered)
        advice = "use " + ", ".join(f"`{name}`" for name in sorted(offered)) if offered else "compare the value instead"
        return self.report(
            "unknown-method",
            f"{owner} has no method `{node.text}`",
            node,
            label=f"did you mean `{near}`?" if near else "",
            advice=advice,
        )

    def pattern(self, node: Node, argument: Node) -> str:
        problem = _bad_pattern(str(argument.value)) if node.text == "matches" else ""
        if problem:
            return self.report("bad-pattern", f"not a regular expression (RE2): {problem}", argument)
        return "bool"

    def count(self, node: Node, arguments: list[Node]) -> str:
        if not arguments:
            return self.report("arguments", "`count` takes at least one severity", node, advice=_COUNT_HELP)
        known = sorted({severity for type_ in self.types.values() for severity in type_.counts})
        for argument in arguments:
            severity = str(argument.value)
            if severity not in known:
                near = nearest(severity, known)
                label = f"did you mean `{near}`?" if near else ""
                advice = "use " + ", ".join(f"`{name}`" for name in known)
                self.report("unknown-severity", f"unknown severity `{severity}`", argument, label=label, advice=advice)
            elif severity not in self.found.severities:
                self.found.severities.append(severity)
        return "int"

    # --- operators

    def logic(self, node: Node) -> str:
        for operand in node.operands:
            self.truth(operand, f"`{node.op}`")
        return "bool"

    def truth(self, operand: Node, asker: str) -> None:
        """An operand of a truth must be one, and must depend on something: `true || …` cannot fail."""
        kind = self.type_of(operand)
        if kind and kind != "bool":
            source = operand.source(self.expression)
            advice = f"compare it, such as `{source} == 0`" if kind in NUMBERS else "compare it"
            self.report("not-boolean", f"{asker} takes true or false, not {kind}", operand, advice=advice)
        elif kind and not operand.measured:
            self.constant(operand)

    def constant(self, node: Node) -> None:
        source = node.source(self.expression)
        self.report(
            "cannot-fail",
            f"`{source}` names no observation: it says the same whatever was measured",
            node,
            advice="name what must hold, such as `exit == 0`",
        )

    def choice(self, node: Node) -> str:
        condition, yes, no = node.operands
        self.truth(condition, "the condition of `? :`")
        kinds = {self.type_of(yes), self.type_of(no)}
        if "" in kinds:
            return ""
        if len(kinds) > 1:
            return self.report("unlike-types", f"the two sides of `? :` are {_both(kinds)}", node)
        return kinds.pop()

    def comparison(self, node: Node) -> str:
        left, right = (self.type_of(operand) for operand in node.operands)
        if not left or not right:
            return "bool"
        if "text" in {left, right}:
            asked = node.operands[0 if left == "text" else 1]
            advice = 'ask it with `output.marked("…")`, `output.contains("…")` or `output.matches("…")`'
            self.report("unlike-types", "what a command printed cannot be compared", asked, advice=advice)
        elif left != right and not {left, right} <= NUMBERS:
            self.unlike(node, left, right)
        elif node.op in _COMPARED and left not in NUMBERS | {"string"}:
            self.report("unlike-types", f"`{node.op}` orders numbers and texts, not {left}", node)
        else:
            if left != right:
                whole = node.operands[0 if left == "int" else 1]
                self.found.widened.append((whole.start, whole.end))
            self.tautology(node)
        return "bool"

    def unlike(self, node: Node, left: str, right: str) -> None:
        """Point at the side that is the likelier slip: the literal."""
        at = node.operands[0] if node.operands[0].op == "literal" else node.operands[1]
        want = left if at is node.operands[1] else right
        self.report(
            "unlike-types",
            f"`{node.op}` compares {left} with {right}",
            at,
            label=f"this is {right if at is node.operands[1] else left}",
            advice=f"write {_EXAMPLES[want]}" if want in _EXAMPLES and at.op == "literal" else "compare like with like",
        )

    def tautology(self, node: Node) -> None:
        left, right = node.operands
        if left.measured and left.source(self.expression) == right.source(self.expression):
            self.report("cannot-fail", "both sides are the same", node, advice="compare it with a bound")
            return
        kind = self.types.get(left.text) if left.op == "name" else None
        counted = kind is not None and (kind.type is Type.INT or kind.name.endswith(".pct"))
        if counted and right.op == "literal" and (node.op, right.value) in _ALWAYS:
            self.report(
                "cannot-fail",
                f"`{node.source(self.expression)}` holds for whatever is counted",
                node,
                advice="raise the bound until it can be missed",
                severity=Severity.WARNING,
            )

    def membership(self, node: Node) -> str:
        item, container = (self.type_of(operand) for operand in node.operands)
        wanted = {"string": "list", "int": "list of int", "double": "list of double"}.get(item)
        if item and container and container != wanted:
            self.report("unlike-types", f"`in` looks for {item} in {container}", node, advice=_IN_HELP)
        return "bool"

    def arithmetic(self, node: Node) -> str:
        kinds = [self.type_of(operand) for operand in node.operands]
        if "" in kinds:
            return ""
        sign = "-" if node.op == "neg" else node.op
        same = len(set(kinds)) == 1
        if not same and set(kinds) <= NUMBERS:
            advice = "write whole numbers with a point (`2.0`), or `double(…)`"
            return self.report("unlike-types", f"`{sign}` mixes int and double", node, advice=advice)
        if not same or kinds[0] not in NUMBERS:
            return self.report("unlike-types", f"`{sign}` takes numbers, not {_both(set(kinds) - NUMBERS)}", node)
        if sign == "%" and kinds[0] == "double":
            return self.report("unlike-types", "`%` takes whole numbers", node)
        return kinds[0]


_LITERALS = {bool: "bool", int: "int", float: "double", str: "string"}
_ALWAYS = {(">=", 0), (">", -1), ("!=", -1), (">=", -1)}
_EXAMPLES = {"int": "a whole number without quotes", "double": "a number without quotes", "string": "text in quotes"}
_EXAMPLES["bool"] = "`true` or `false`"
_COUNT_HELP = 'write `findings.count("high", "critical") == 0`'
_IN_HELP = 'write `"a" in list` or `name in ["a", "b"]`'


def _either(kinds: Mapping[str, str]) -> str:
    return " or ".join(kinds)


def _both(kinds: set[str]) -> str:
    return " and ".join(sorted(kinds))


def _bad_pattern(pattern: str) -> str:
    """Why RE2, which cel-python matches with, refuses the pattern; empty where it takes it."""
    import re2  # type: ignore[import-untyped]

    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0]
        return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return ""
