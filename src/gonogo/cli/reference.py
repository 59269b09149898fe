"""Reference pages, made from the declarations of the code: what `gonogo explain` and `gonogo docs` print."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import sys
import textwrap
import typing
from collections.abc import Iterable
from typing import Any

from gonogo.model.checklist import Effect
from gonogo.model.observation import ObservationType
from gonogo.plugins import Clause, Family, Notice, Parser, Probe, Registry, TargetKind, Tool

HEAD = "<!-- Written by `gonogo docs --write`; change the code, not this page. -->\n\n"
_PARAMS_HEAD = ("Name", "Type", "Default", "Meaning")


def probe_page(probe: Probe) -> str:
    """What a probe or action does, its params, the observations it yields, and the prose it understands."""
    word = "probe" if probe.effect is Effect.READ else "action"
    parts = [f"## {probe.name}\n\n*{word}*" + (", runs alone in its tree" if probe.exclusive else ""), probe.doc]
    parts += [_table("Params", _PARAMS_HEAD, _params(probe.params))]
    parts += [_observations(probe.yields), _clauses(probe.clauses)]
    parts += [_list("Commands in prose", (f"{_code(phrase.example)}" for phrase in probe.phrases))]
    return _joined(parts)


def tool_page(tool: Tool) -> str:
    """How a tool is recognised, what its exit codes mean, and what it yields."""
    parts = [f"## {tool.name}", tool.doc, f"Recognised as {', '.join(_code(name) for name in tool.executables)}."]
    parts += [_table("Exit codes", ("Code", "Means"), ((str(code), text) for code, text in tool.exits.items()))]
    return _joined([*parts, _observations(tool.yields)])


def parser_page(parser: Parser) -> str:
    """What a format is and which observations it gives."""
    return _joined(
        [f"## {parser.name}", parser.doc, f"Media type {_code(parser.media_type)}.", _observations(parser.yields)]
    )


def target_page(kind: TargetKind) -> str:
    """What a kind of target is, and what a checklist says of one; each nested mapping has a table of its own."""
    parts = [f"## {kind.name}", kind.doc]
    parts += [_table("Params", _PARAMS_HEAD, _params(kind.params))]
    return _joined([*parts, *(_table(f"`{at}`", _PARAMS_HEAD, _params(inner)) for at, inner in _nested(kind.params))])


def notice_page(kind: Notice) -> str:
    """A way to tell people, and what a checklist says of it."""
    return _joined([f"## {kind.name}", kind.doc, _table("Params", _PARAMS_HEAD, _params(kind.params))])


def _nested(params: type) -> list[tuple[str, type]]:
    """The fields of a params type that hold further ones."""
    return [
        (name, inner)
        for name, hint in typing.get_type_hints(params).items()
        for inner in (hint, *typing.get_args(hint))
        if isinstance(inner, type) and dataclasses.is_dataclass(inner)
    ]


def family_page(family: Family) -> str:
    """The observations that several tools share, and the prose that asks for them."""
    return _joined([f"## {family.name}", family.doc, _observations(family.types), _clauses(family.clauses)])


def observation_text(registry: Registry, observation: ObservationType) -> str:
    """One observation: its declaration, who yields it, and the prose that asks for it."""
    unit = f", in {observation.unit}" if observation.unit else ""
    lines = [f"{observation.name}: {observation.type}{unit}", "", f"  {observation.meaning}", ""]
    lines += [f"  several reports of one capture: {observation.combine}"]
    if observation.each:
        lines.append(f'  one for each {observation.each}: `{observation.name}["…"]`')
    if observation.counts:
        lines.append(f"  counts findings of severity: {', '.join(observation.counts)}")
    lines.append(f"  yielded by: {', '.join(yielders(registry, observation.name)) or 'nothing that is installed'}")
    asking = [clause for clause in clauses_of(registry) if any(observation.name in c for c in _examples(clause))]
    lines += [f'  asked for by: "{clause.example}"' for clause in asking]
    return "\n".join(lines) + "\n"


def _examples(clause: Clause) -> tuple[str, ...]:
    """The criteria that a clause's own example becomes."""
    import re

    match = re.fullmatch(clause.pattern, clause.example, re.IGNORECASE)
    if match is None:
        return clause.criteria
    named = {name: value or "" for name, value in match.groupdict().items()}
    return tuple(_filled(criterion, named) for criterion in clause.criteria)


def _filled(criterion: str, named: dict[str, str]) -> str:
    for name, value in named.items():
        criterion = criterion.replace(f"{{{name}}}", value)
    return criterion


def clauses_of(registry: Registry) -> list[Clause]:
    """Every clause that any kind understands."""
    families = [clause for family in registry.families.values() for clause in family.clauses]
    return families + [clause for probe in registry.probes.values() for clause in probe.clauses]


def yielders(registry: Registry, name: str) -> list[str]:
    """The kinds that can yield an observation: `parser junit`, `tool eslint`."""
    shelves: tuple[tuple[str, dict[str, Any]], ...] = (
        ("probe", dict(registry.probes)),
        ("tool", dict(registry.tools)),
        ("parser", dict(registry.parsers)),
    )
    found = [
        f"{word} {k.name}" for word, shelf in shelves for k in shelf.values() if any(t.name == name for t in k.yields)
    ]
    return ["every command"] if name in {"exit", "output"} else found


def observations_page(registry: Registry) -> str:
    """Every observation, by family, with who yields it."""
    parts = ["# Observations\n\nEverything that a criterion may name. One that is absent is UNKNOWN, never false or 0."]
    shared = registry.families
    by_family: dict[str, list[ObservationType]] = {}
    for observation in sorted(registry.observation_types.values(), key=lambda o: o.name):
        by_family.setdefault(observation.family, []).append(observation)
    for name, types in sorted(by_family.items()):
        family = shared.get(name)
        parts += [f"## {name}", family.doc if family else "", _observations(types, registry)]
        parts += [_clauses(family.clauses) if family else ""]
    return HEAD + _joined(parts)


def kinds_page(title: str, about: str, pages: Iterable[str]) -> str:
    """The page of one open set."""
    return HEAD + _joined([f"# {title}\n\n{about}", *pages])


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _observations(types: Iterable[ObservationType], registry: Registry | None = None) -> str:
    head = ["Observation", "Type", "Unit", "Meaning"] + (["From"] if registry else [])
    rows = []
    for t in types:
        row = [_code(t.name), f"{t.type} for each {t.each}" if t.each else str(t.type), t.unit, t.meaning]
        rows.append((*row, ", ".join(yielders(registry, t.name))) if registry else tuple(row))
    return _table("" if registry else "Observations", tuple(head), rows)


def _clauses(clauses: Iterable[Clause]) -> str:
    rows = []
    for clause in clauses:
        needs = " (each finding waived)" if clause.documented else ""
        rows.append((clause.example, ", ".join(_code(criterion) for criterion in _examples(clause)) + needs))
    return _table("Clauses of a `Pass:` line", ("Example", "Becomes"), rows)


def _list(title: str, items: Iterable[str]) -> str:
    lines = [f"- {item}" for item in items]
    return "\n".join([f"### {title}", "", *lines]) if lines else ""


def _table(title: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    if not lines:
        return ""
    heading = [f"### {title}", ""] if title else []
    return "\n".join([*heading, f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _params(params: type) -> list[tuple[str, ...]]:
    if not dataclasses.is_dataclass(params):
        return []
    docs, hints = field_docs(params), typing.get_type_hints(params)
    return [
        (_code(f.name), type_name(hints[f.name]), _default(f), docs.get(f.name, "")) for f in dataclasses.fields(params)
    ]


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        return _code(repr(field.default)) if field.default != "" else ""
    return "" if field.default_factory is not dataclasses.MISSING else "required"


def type_name(hint: Any) -> str:
    """A type as a person writes it in YAML: `text`, `list of text`, `mapping of text`."""
    plain = {str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "nothing"}
    if hint in plain:
        return plain[hint]
    origin, arguments = typing.get_origin(hint), [a for a in typing.get_args(hint) if a is not Ellipsis]
    if origin in {tuple, list}:
        return f"list of {type_name(arguments[0])}" if arguments else "list"
    if origin is dict:
        return f"mapping of {type_name(arguments[1])}"
    if arguments:
        return " or ".join(type_name(argument) for argument in arguments if argument is not type(None))
    if dataclasses.is_dataclass(hint):
        return f"mapping ({', '.join(f.name for f in dataclasses.fields(hint))})"
    return getattr(hint, "__name__", str(hint)).lower()


def field_docs(kind: type) -> dict[str, str]:
    """The docstring beneath each field of a class, read from its source."""
    module = sys.modules.get(kind.__module__)
    if module is None:
        return {}
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    body = typing.cast("ast.ClassDef", tree.body[0]).body
    docs: dict[str, str] = {}
    for field, after in itertools.pairwise(body):
        told = (
            isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str)
        )
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and told:
            text = typing.cast("ast.Constant", typing.cast("ast.Expr", after).value).value
            docs[field.target.id] = " ".join(str(text).split())
    return docs
