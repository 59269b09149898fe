"""An expression as a small tree with places, made from cel-python's parse tree.

cel-python's own tree has one level per rule of the grammar, thirteen for a single name. This one keeps what a check or
a sentence needs: an operator, its operands, and where they stand in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field, replace
from functools import lru_cache
from typing import Any

from gonogo.errors import Diagnostic, InputError, Span
from gonogo.frozen import dataclass
from gonogo.model.observation import indexed

LONGEST = 4096
"""Characters an expression may have."""
DEEPEST = 64
"""Operators an expression may nest; a pair of parentheses weighs as much as three, for the evaluator recurses."""
_PARENTHESES = 3

RELATIONS = {
    "relation_lt": "<",
    "relation_le": "<=",
    "relation_gt": ">",
    "relation_ge": ">=",
    "relation_eq": "==",
    "relation_ne": "!=",
    "relation_in": "in",
}
_ARITHMETIC = {
    "addition_add": "+",
    "addition_sub": "-",
    "multiplication_mul": "*",
    "multiplication_div": "/",
    "multiplication_mod": "%",
}
_NOT_IN_CRITERIA = {
    "member_object": "a message in braces",
    "map_lit": "a map",
    "dot_ident": "a name that starts with a dot",
    "dot_ident_arg": "a name that starts with a dot",
}
_TYPOS = {
    "=": "did you mean `==`?",
    "&": "did you mean `&&`?",
    "|": "did you mean `||`?",
    "and": "did you mean `&&`?",
    "or": "did you mean `||`?",
    "not": "did you mean `!`?",
    "is": "did you mean `==`?",
    "≥": "did you mean `>=`?",
    "≤": "did you mean `<=`?",
    "≠": "did you mean `!=`?",
    "%": "leave the percent sign out",
}


@dataclass(frozen=True, slots=True)
class Node:
    """One operator or leaf: `name`, `literal`, `list`, `call`, `method`, `?:`, or the operator as written."""

    op: str
    text: str
    """The name, the function's name, or the literal as written; empty for operators."""
    operands: tuple[Node, ...]
    start: int
    """Offset of its first character in the expression."""
    end: int
    value: bool | int | float | str | None = None
    """What a literal stands for; None also for `null`."""
    name_end: int = 0
    """For `call` and `method`: where the name ends; it ends where the arguments begin."""
    tree: Any = field(default=None, compare=False, repr=False)
    """cel-python's tree of it, from the outermost rule that says no more; None where it was not needed."""

    def walk(self) -> Iterator[Node]:
        """This node and all below, in the order of the text."""
        yield self
        for operand in self.operands:
            yield from operand.walk()

    @property
    def measured(self) -> bool:
        """Whether anything in it depends on what was measured."""
        return any(node.op == "name" for node in self.walk())

    def source(self, expression: str) -> str:
        """Its own part of the expression."""
        return expression[self.start : self.end]


def place(span: Span | None, expression: str, start: int, end: int) -> Span:
    """Where a part of the expression stands in the file: as exact as the quoting of the file's format allows."""
    if span is None:
        line = expression.count("\n", 0, start) + 1
        begin = expression.rfind("\n", 0, start) + 1
        text = expression.splitlines()[line - 1] if expression.strip() else expression
        return Span("criterion", line, start - begin + 1, end - begin + 1, text)
    whole = span.source.find(expression, span.column - 1) if span.source else -1
    if whole >= 0:
        return Span(span.file, span.line, whole + start + 1, whole + end + 1, span.source)
    part = span.source.find(expression[start:end], span.column - 1) if end > start else -1
    if part >= 0:
        return Span(span.file, span.line, part + 1, part + 1 + end - start, span.source)
    return span


def parse(expression: str, span: Span | None) -> Node:
    """The tree of an expression; raises `InputError` for what is no CEL, or CEL that criteria do without."""
    found = _parsed(expression)
    if isinstance(found, Node):
        return found
    slug, message, start, end, label, advice = found
    raise InputError([Diagnostic(slug, message, place(span, expression, start, end), label, advice)])


_Mistake = tuple[str, str, int, int, str, str]


class _Unsupported(Exception):
    """Carries the mistake out of the conversion."""

    def __init__(self, mistake: _Mistake) -> None:
        super().__init__(mistake[1])
        self.mistake = mistake


@lru_cache(maxsize=4096)
def _parsed(expression: str) -> Node | _Mistake:
    bound = _BOUND.fullmatch(expression)
    if bound is None or not _RESERVED.isdisjoint(bound["name"].split(".")):
        return _parsed_by_grammar(expression)
    return _comparison(bound) if bound["op"] else _name(bound)


_RESERVED_WORDS = """
as break const continue else false for function if import in let loop namespace null package return true var void while
"""
_RESERVED = frozenset(_RESERVED_WORDS.split())
_BOUND = re.compile(
    r"""[ ]*(?P<name>[a-z_][a-z_0-9]*(?:\.[a-z_][a-z_0-9]*)*)[ ]*
    (?:(?P<op>[=!]=|[<>]=?)[ ]*(?P<bound>(?P<whole>[0-9]{1,15})|[0-9]{1,15}\.[0-9]{1,15})[ ]*)?""",
    re.VERBOSE,
)
"""One observation alone or against one number, which is what most criteria are."""


def _comparison(bound: re.Match[str]) -> Node:
    """What the grammar makes of such a comparison, without building the grammar: that takes longer than to start up."""
    value = int(bound["bound"]) if bound["whole"] else float(bound["bound"])
    operands = (_name(bound), Node("literal", bound["bound"], (), *bound.span("bound"), value))
    return Node(bound["op"], "", operands, bound.start("name"), bound.end("bound"))


def _name(bound: re.Match[str]) -> Node:
    return Node("name", bound["name"], (), *bound.span("name"))


def _parsed_by_grammar(expression: str) -> Node | _Mistake:
    from celpy.celparser import CELParseError, CELParser  # 0.2 s to import: only where a criterion needs it

    if not expression.strip():
        return ("empty-criterion", "the expression is empty", 0, 0, "", "write a comparison such as `lint.errors == 0`")
    if len(expression) > LONGEST:
        return ("criterion-too-long", f"the expression is longer than {LONGEST} characters", 0, 1, "", _SPLIT)
    try:
        tree = CELParser().parse(expression)
        _place_truths(tree, _truths(expression))
        return _convert(tree, 0)
    except CELParseError as error:
        return _syntax(expression, error)
    except _Unsupported as unsupported:
        return unsupported.mistake
    except RecursionError:
        return _too_deep(0, len(expression))


_WORDS = re.compile(
    r"""(?:"{3}.*?"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|//[^\n]*)|(?P<truth>\b(?:true|false)\b)""",
    re.DOTALL,
)


def _truths(expression: str) -> Iterator[tuple[int, int]]:
    """Where `true` and `false` stand: cel-python makes their tokens anew and forgets the place."""
    return (match.span("truth") for match in _WORDS.finditer(expression) if match["truth"])


def _place_truths(tree: Any, truths: Iterator[tuple[int, int]]) -> None:
    """Give each truth its place, and then each rule that begins or ends with one."""
    for child in tree.children:
        if hasattr(child, "children"):
            _place_truths(child, truths)
        elif child.type == "BOOL_LIT":
            child.start_pos, child.end_pos = next(truths)
    if not tree.children:
        return
    first, last = (getattr(child, "meta", child) for child in (tree.children[0], tree.children[-1]))
    if getattr(tree.meta, "start_pos", None) is None:
        tree.meta.start_pos = first.start_pos
    if getattr(tree.meta, "end_pos", None) is None:
        tree.meta.end_pos = last.end_pos


_SPLIT = "split it into several criteria; all of them must hold"


def _too_deep(start: int, end: int) -> _Mistake:
    return ("criterion-too-deep", "the expression nests too deep", start, end, "", _SPLIT)


def _syntax(expression: str, error: Any) -> _Mistake:
    """cel-python names line and column; what it did not expect stands in the cause."""
    cause = error.__context__
    token = getattr(cause, "token", None)
    if token is not None and token.type == "$END":
        end = len(expression.rstrip())
        label = _TYPOS.get(expression[end - 1], "something is missing after this")
        return ("syntax", "the expression ends too early", end - 1, end, label, "")
    line, column = error.line or 1, error.column or 1
    start = sum(len(text) for text in expression.splitlines(keepends=True)[: line - 1]) + column - 1
    word = str(token) if token is not None else expression[start : start + 1]
    if word in {'"', "'"}:
        return ("syntax", "the text in quotes never ends", start, start + 1, "it begins here", "add the closing quote")
    label = _TYPOS.get(word, "not expected here")
    return ("syntax", f"`{word}` makes no expression here", start, start + len(word), label, "")


def _unsupported(tree: Any, what: str) -> _Unsupported:
    meta = tree.meta
    return _Unsupported(
        (
            "not-in-criteria",
            f"criteria have no use for {what}",
            meta.start_pos,
            meta.end_pos,
            "",
            "name one observation",
        )
    )


def _convert(tree: Any, depth: int) -> Node:
    """cel-python's tree -> ours. A rule with one child adds nothing; one with more is an operator."""
    if depth > DEEPEST:
        raise _Unsupported(_too_deep(tree.meta.start_pos, tree.meta.end_pos))
    whole = tree
    while len(tree.children) == 1 and tree.data in _CHAIN:
        tree = tree.children[0]
    if tree.data in _LEAVES:
        return replace(_LEAVES[tree.data](tree, depth), tree=whole)
    if tree.data in _NOT_IN_CRITERIA:
        raise _unsupported(tree, _NOT_IN_CRITERIA[tree.data])
    first = tree.children[0]
    match tree.data:
        case "expr":
            operator, operands = "?:", tree.children
        case "conditionalor" | "conditionaland":
            operator, operands = ("||" if tree.data == "conditionalor" else "&&"), tree.children
        case "unary":
            operator, operands = ("!" if first.data == "unary_not" else "neg"), tree.children[1:]
        case _:
            operator = (RELATIONS | _ARITHMETIC)[first.data]
            operands = [first.children[0], tree.children[1]]
    return _node(operator, "", operands, tree, depth)


_CHAIN = {
    "expr",
    "conditionalor",
    "conditionaland",
    "relation",
    "addition",
    "multiplication",
    "unary",
    "member",
    "primary",
}


def _node(operator: str, text: str, operands: list[Any], tree: Any, depth: int, *, name_end: int = 0) -> Node:
    children = tuple(_convert(operand, depth + 1) for operand in operands)
    return Node(operator, text, children, tree.meta.start_pos, tree.meta.end_pos, name_end=name_end, tree=tree)


def _literal(tree: Any, _depth: int) -> Node:
    from celpy.evaluation import celstr

    token = tree.children[0]
    value: bool | int | float | str | None
    match token.type:
        case "BOOL_LIT":
            value = token == "true"
        case "INT_LIT":
            value = int(token, 0) if "x" in token else int(token)
        case "FLOAT_LIT":
            value = float(token)
        case "STRING_LIT" | "MLSTRING_LIT":
            value = str(celstr(token))
        case "NULL_LIT":
            raise _Unsupported(
                (
                    "not-in-criteria",
                    "an observation is never `null`",
                    token.start_pos,
                    token.end_pos,
                    "an absent observation is UNKNOWN by itself",
                    "leave the comparison with `null` out",
                )
            )
        case _:
            raise _unsupported(tree, "unsigned numbers and bytes")
    return Node("literal", str(token), (), token.start_pos, token.end_pos, value, tree=tree)


def _ident(tree: Any, _depth: int) -> Node:
    token = tree.children[0]
    return Node("name", str(token), (), token.start_pos, token.end_pos, tree=tree)


def _dotted(tree: Any, depth: int) -> Node:
    base = _convert(tree.children[0], depth)
    if base.op != "name" or "[" in base.text:
        raise _unsupported(tree, "the field of a value")
    name = f"{base.text}.{tree.children[1]}"
    return Node("name", name, (), base.start, tree.meta.end_pos, tree=tree)


def _index(tree: Any, depth: int) -> Node:
    """One of several, by its name in quotes: it is a name of its own."""
    base, key = (_convert(child, depth + 1) for child in tree.children)
    if base.op != "name" or "[" in base.text or key.op != "literal" or not isinstance(key.value, str):
        raise _unsupported(tree, "an index that is no text in quotes")
    return Node("name", indexed(base.text, key.value), (), base.start, tree.meta.end_pos, tree=tree)


def _arguments(children: list[Any]) -> list[Any]:
    return list(children[0].children) if children else []


def _method(tree: Any, depth: int) -> Node:
    receiver, name, *rest = tree.children
    return _node("method", str(name), [receiver, *_arguments(rest)], tree, depth, name_end=name.end_pos)


def _function(tree: Any, depth: int) -> Node:
    name, *rest = tree.children
    return _node("call", str(name), _arguments(rest), tree, depth, name_end=name.end_pos)


def _list(tree: Any, depth: int) -> Node:
    return _node("list", "", _arguments(tree.children), tree, depth)


def _parentheses(tree: Any, depth: int) -> Node:
    return replace(_convert(tree.children[0], depth + _PARENTHESES), start=tree.meta.start_pos, end=tree.meta.end_pos)


_LEAVES = {
    "literal": _literal,
    "ident": _ident,
    "member_dot": _dotted,
    "member_index": _index,
    "member_dot_arg": _method,
    "ident_arg": _function,
    "list_lit": _list,
    "paren_expr": _parentheses,
}
