"""YAML 1.2 text -> `Raw`, with the place of every value, and every duplicate key in it.

The nodes are walked here, not constructed by the library: no tag can make an object, a key that stands twice is
told with both places, and an alias that would grow without bound is refused before it grows.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from gonogo.errors import Span
from gonogo.text.raw import Raw, Scalar
from gonogo.text.source import Problems, Source

MAX_NODES = 100_000
"""Values after aliases are written out; a large checklist has some thousands."""
MAX_DEPTH = 64

_OTHER_BREAK = re.compile("[\u0085\u2028\u2029]")
"""Line ends of YAML 1.1 that are none in 1.2."""

_TAG = "tag:yaml.org,2002:"


class _Stop(Exception):
    """The text is not walked any further."""


class _Walk:
    def __init__(self, source: Source, problems: Problems, first_line: int, indent: int) -> None:
        self.source, self.problems = source, problems
        self.first_line, self.indent = first_line, indent
        self.left = MAX_NODES

    def span(self, node: Any) -> Span:
        start, end = node.start_mark, node.end_mark
        column = start.column + (1 if getattr(node, "style", None) in ("'", '"') else 0)
        stop = end.column if end.line == start.line else None
        if stop is not None and column > start.column:
            stop -= 1
        shift = self.indent
        return self.source.span(start.line + self.first_line, column + shift, None if stop is None else stop + shift)

    def value(self, node: Any, depth: int = 0) -> Raw:
        self.left -= 1
        if self.left < 0 or depth > MAX_DEPTH:
            what = f"more than {MAX_NODES:,} values" if self.left < 0 else f"more than {MAX_DEPTH} levels"
            self.problems.error(
                "yaml-explodes",
                f"written out, this has {what}",
                self.span(node),
                help="write the values out, without anchors and aliases",
            )
            raise _Stop
        if hasattr(node, "value") and isinstance(node.value, list):
            return self.mapping(node, depth) if node.tag == f"{_TAG}map" else self.sequence(node, depth)
        return self.scalar(node)

    def sequence(self, node: Any, depth: int) -> Raw:
        if node.tag != f"{_TAG}seq":
            self.foreign_tag(node)
            return Raw(None, self.span(node))
        return Raw([self.value(item, depth + 1) for item in node.value], self.span(node))

    def mapping(self, node: Any, depth: int) -> Raw:
        found: dict[str, Raw] = {}
        keys: dict[str, Span | None] = {}
        for key_node, value_node in node.value:
            if isinstance(key_node.value, list):
                self.problems.error(
                    "yaml-key", "a key must be plain text", self.span(key_node), help="write a word before the colon"
                )
                continue
            key, place = str(key_node.value), self.span(key_node)
            if key_node.tag == f"{_TAG}merge":
                self.problems.error(
                    "yaml-merge-key", "YAML 1.2 has no merge key `<<`", place, help="write the fields out"
                )
                continue
            value = self.value(value_node, depth + 1)
            first = keys.get(key)
            if first is not None:
                self.problems.error(
                    "duplicate-key",
                    f"`{key}` stands twice",
                    place,
                    label=f"first on line {first.line}",
                    help="keep one of them",
                )
                continue
            found[key], keys[key] = value, place
        return Raw(found, self.span(node), keys)

    def scalar(self, node: Any) -> Raw:
        text = str(node.value)
        tag = str(node.tag).removeprefix(_TAG)
        if tag in ("str", "timestamp", "merge"):
            return Raw(text, self.span(node))
        known = _SCALARS.get(tag)
        if known is None:
            self.foreign_tag(node)
            return Raw(text, self.span(node))
        try:
            return Raw(known(text), self.span(node), written=text)
        except ValueError:
            return Raw(text, self.span(node))

    def foreign_tag(self, node: Any) -> None:
        self.problems.error(
            "yaml-tag", f"unknown tag `{node.tag}`", self.span(node), help="write the value without a tag"
        )


def _integer(text: str) -> Scalar:
    digits = text.replace("_", "")
    return int(digits, 0) if digits.lstrip("+-")[:2].lower() in ("0x", "0o", "0b") else int(digits)


def _double(text: str) -> Scalar:
    lowered = text.replace("_", "").lower()
    return float(
        lowered.replace(".inf", "inf").replace(".nan", "nan") if lowered.endswith((".inf", ".nan")) else lowered
    )


_SCALARS = {
    "null": lambda _: None,
    "bool": lambda text: text.lower() == "true",
    "int": _integer,
    "float": _double,
}


def parse(source: Source, problems: Problems) -> Raw | None:
    """The whole text as `Raw`; None where it is empty or cannot be read (`problems` says why)."""
    return parse_block(source, source.text, problems, first_line=0, indent=0)


def parse_block(source: Source, text: str, problems: Problems, *, first_line: int, indent: int) -> Raw | None:
    """YAML that stands inside `source`, from line `first_line` (counted from 0) and column `indent` on."""
    from yaml import MarkedYAMLError, YAMLError

    walk = _Walk(source, problems, first_line, indent)
    broken = _OTHER_BREAK.search(text)
    if broken is not None:
        line = text.count("\n", 0, broken.start())
        why = f"U+{ord(broken[0]):04X} ends a line for some programs and for others not"
        problems.error(
            "yaml-syntax",
            f"this is not YAML: {why}",
            source.span(line + first_line),
            help="begin a plain new line there",
        )
        return None
    try:
        node = _composer()(text).get_single_node()
        return walk.value(node) if node is not None else None
    except _Stop:
        return None
    except RecursionError:
        problems.error("yaml-explodes", f"more than {MAX_DEPTH} levels", source.span(first_line), help="write it flat")
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark is not None else (0, 0)
        place = source.span(line + first_line, column + indent, column + indent + 1)
        why = " ".join(str(error.problem or error.context or "").split())
        if "nesting depth" in why:  # libyaml from 0.2.6 on stops by itself
            problems.error("yaml-explodes", f"more than {MAX_DEPTH} levels", place, help="write it flat")
            return None
        problems.error("yaml-syntax", f"this is not YAML: {why}", place, help="mend the line, or quote the text in it")
    except YAMLError as error:
        why = str(error).strip().splitlines()[0]
        problems.error("yaml-syntax", f"this is not YAML: {why}", source.span(first_line), help="mend the text")
    return None


_PLAIN = re.compile(
    r"(?P<bool>true|True|TRUE|false|False|FALSE)"
    r"|(?P<null>~|null|Null|NULL|)"
    r"|(?P<int>[-+]?(?:[0-9][0-9_]*|0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+))"
    r"|(?P<float>[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?"
    r"|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN))"
    r"|(?P<merge><<)"
)
"""What a plain scalar is, by YAML 1.2's core schema: `yes` and `1:30` are text. The first that fits counts."""


@cache
def _composer() -> Any:
    """From text to nodes: PyYAML's parser, in C where it is built with that."""
    import yaml

    class Composer(getattr(yaml, "CBaseLoader", yaml.BaseLoader)):  # type: ignore[misc]  # not typed
        depth = 0

        def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
            """The tag of a node that names none."""
            if kind is yaml.ScalarNode and implicit[0]:
                plain = _PLAIN.fullmatch(value)
                return f"{_TAG}{plain.lastgroup if plain else 'str'}"
            return super().resolve(kind, value, implicit)

        def descend_resolver(self, *_: object) -> None:
            """A node begins. The parser goes down in C, where nothing stops it before the stack is full."""
            self.depth += 1
            if self.depth > 2 * MAX_DEPTH:
                raise RecursionError

        def ascend_resolver(self) -> None:
            """A node ends."""
            self.depth -= 1

    return Composer
