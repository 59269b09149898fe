"""The YAML form as JSON Schema 2020-12, from the same declarations that read it."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import textwrap
from collections.abc import Sequence
from typing import Any

from gonogo import plugins
from gonogo.checklist import fields as form
from gonogo.checklist.fields import Shape
from gonogo.checklist.params import schema_of
from gonogo.checklist.shape import FORM_VERSION
from gonogo.model.outcome import Outcome
from gonogo.plugins import Notice, Probe, Registry, TargetKind
from gonogo.text.form import Form, FormField

DIALECT = "https://json-schema.org/draft/2020-12/schema"
KINDS = ("families", "parsers", "tools", "probes", "actions", "targets", "notices")

_PLAIN: dict[str, dict[str, Any]] = {
    Shape.TEXT: {"type": "string"},
    Shape.ID: {"type": ["string", "number"]},
    Shape.FLAG: {"type": "boolean"},
    Shape.COUNT: {"type": "integer", "minimum": 0},
    Shape.SECONDS: {
        "anyOf": [
            {"type": "number", "exclusiveMinimum": 0},
            {"type": "string", "pattern": r"^\d+(\.\d+)?\s*[smhd]$"},
        ]
    },
    Shape.TEXTS: {"type": "array", "items": {"type": "string", "minLength": 1}},
    Shape.TOLERANCES: {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"enum": [o.value for o in Outcome]}},
    },
    Shape.WHEN: {"$ref": "#/$defs/when"},
    Shape.ROSTER: {"$ref": "#/$defs/roster"},
    Shape.GROUPS: {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string", "minLength": 1}},
    },
    Shape.SEATS: {
        "type": "object",
        "additionalProperties": {
            "anyOf": [{"type": "array", "items": {"type": "string", "minLength": 1}}, {"$ref": "#/$defs/seat"}]
        },
    },
    Shape.TARGETS: {"type": "object", "additionalProperties": {"$ref": "#/$defs/target"}},
    Shape.NOTICES: {"type": "array", "items": {"$ref": "#/$defs/notice"}},
    Shape.VALUES: {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
    Shape.INPUTS: {
        "type": "object",
        "additionalProperties": {"anyOf": [{"type": ["string", "null"]}, {"$ref": "#/$defs/input"}]},
    },
}


def schema(registry: Registry | None = None) -> dict[str, Any]:
    """JSON Schema of a whole checklist in the YAML form, with the params of every kind in `registry`.

    Without a registry: of the kinds that come with gonogo.
    """
    registry = registry or plugins.builtin(KINDS)
    definitions: dict[str, Any] = {}
    for one in form.FORMS:
        if one not in (form.CHECKLIST, form.CALL, form.TARGET, form.NOTICE):
            definitions[_key(one)] = of_form(one)
    gate = definitions["gate"]
    gate["required"] += ["owners"]
    gate["anyOf"] = [{"required": ["criteria"]}, {"required": ["questions"]}]
    definitions.update(_any_kind(form.CALL, sorted(registry.probes.values(), key=lambda p: p.name)))
    definitions.update(_any_kind(form.TARGET, sorted(registry.targets.values(), key=lambda t: t.name)))
    definitions.update(_any_kind(form.NOTICE, sorted(registry.notices.values(), key=lambda n: n.name)))
    whole = of_form(form.CHECKLIST)
    whole["properties"]["gonogo"] = {"const": FORM_VERSION, "description": "Version of this form: 1."}
    head = {"$schema": DIALECT, "$id": f"urn:gonogo:checklist:{FORM_VERSION}", "title": "gonogo checklist"}
    return {**head, **whole, "$defs": dict(sorted(definitions.items()))}


def _key(one: Form) -> str:
    return one.name.replace(" ", "_")


def of_form(one: Form) -> dict[str, Any]:
    """JSON Schema of one form's own fields."""
    return {
        "type": "object",
        "description": one.doc,
        "properties": {f.name: _field(f) for f in one.fields},
        "required": [f.name for f in one.fields if f.required],
        "additionalProperties": False,
    }


def _field(field: FormField) -> dict[str, Any]:
    found = dict(_PLAIN.get(field.shape) or _list_of(form.FORM_OF[field.shape]))
    if field.choices:
        found["enum"] = list(field.choices)
    return {**found, "description": field.doc}


def _list_of(one: Form) -> dict[str, Any]:
    items: dict[str, Any] = {"$ref": f"#/$defs/{_key(one)}"}
    if one.short:
        items = {"anyOf": [{"type": "string", "minLength": 1, "description": f"Plain text: {one.short}."}, items]}
    return {"type": "array", "items": items}


def _any_kind(one: Form, kinds: Sequence[Probe | TargetKind | Notice]) -> dict[str, Any]:
    """One definition for each kind, and one called like the form, which is any of them."""
    definitions: dict[str, Any] = {}
    for kind in kinds:
        params = schema_of(kind.params)
        for name, inner in params.get("$defs", {}).items():
            definitions[f"{kind.name}.{name}"] = _renamed({**inner, "additionalProperties": False}, kind.name)
        definitions[f"{one.name}.{kind.name}"] = _of_kind(one, kind, params)
    any_of = [{"$ref": f"#/$defs/{name}"} for name in definitions if name.startswith(f"{one.name}.")]
    definitions[one.name] = {"description": one.doc, "anyOf": any_of or [False]}
    return definitions


def _of_kind(one: Form, kind: Probe | TargetKind | Notice, params: dict[str, Any]) -> dict[str, Any]:
    told = _attribute_docs(kind.params)
    own = {
        name: {**_renamed(value, kind.name), **({"description": told[name]} if name in told else {})}
        for name, value in params.get("properties", {}).items()
    }
    found = of_form(one)
    found["description"] = kind.doc.split("\n\n", 1)[0]
    found["properties"] = {**found["properties"], "kind": {"const": kind.name}, **own}
    needs_kind = [] if kind.name == form.DEFAULT_KIND else ["kind"]
    found["required"] = [*needs_kind, *params.get("required", [])]
    return found


def _renamed(value: Any, kind: str) -> Any:
    """Without the titles that pydantic makes up, and with references to the kind's own definitions."""
    if isinstance(value, dict):
        return {
            key: f"#/$defs/{kind}.{item.rpartition('/')[2]}" if key == "$ref" else _renamed(item, kind)
            for key, item in value.items()
            if key != "title" or not isinstance(item, str)
        }
    return [_renamed(item, kind) for item in value] if isinstance(value, list) else value


def _attribute_docs(params: type) -> dict[str, str]:
    """The docstrings below a params type's fields; empty where its source is not at hand."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(params)))
    except (OSError, TypeError, SyntaxError):
        return {}
    body = tree.body[0].body if tree.body and isinstance(tree.body[0], ast.ClassDef) else []
    known = {f.name for f in dataclasses.fields(params)}
    docs = {}
    for field, after in itertools.pairwise(body):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if field.target.id in known and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            docs[field.target.id] = " ".join(str(after.value.value).split())
    return docs
