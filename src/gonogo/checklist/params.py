"""A call's params against its kind's params type: unknown fields with the nearest name, types, one spelling."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from gonogo.errors import Span, nearest
from gonogo.model import codec
from gonogo.plugins import Notice, Probe, TargetKind
from gonogo.text.form import Form
from gonogo.text.raw import Raw
from gonogo.text.reader import Reader


@cache
def _adapter(params: type) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(params)


@cache
def schema_of(params: type) -> dict[str, Any]:
    """JSON Schema of a params type, with its `$defs` inside."""
    schema: dict[str, Any] = _adapter(params).json_schema()
    return schema


K = TypeVar("K", TargetKind, Notice)


def kind_of(reader: Reader, fields: dict[str, Raw], kinds: Mapping[str, K], form: Form) -> K | None:
    """The kind that the field `kind` names, of those that `form` is about; None: there is none, and that is told."""
    kind = reader.text(fields, "kind")
    known = kinds.get(kind)
    if known is None and kind:
        near = nearest(kind, kinds)
        reader.problems.error(
            "unknown-kind",
            f"unknown kind of {form.name} `{kind}`",
            fields["kind"].span,
            label=f"did you mean `{near}`?" if near else "",
            help=f"use one of: {', '.join(sorted(kinds)) or 'none is known'}",
        )
    return known


def read_params(reader: Reader, written: Raw, kind: Probe | TargetKind | Notice, form: Form) -> dict[str, Any]:
    """The params of a kind that stand beside the fields of `form`, JSON-able, without those that equal their default.

    Args:
        reader: Takes the mistakes.
        written: A call, a target or a notice, as it was written.
        kind: Whose params they are.
        form: The form of `written`: its own fields are no params.
    """
    fields = {key: value for key, value in (written.mapping or {}).items() if key not in form.names}
    given = Raw(fields, written.span, written.keys)
    flat: Any = codec.load_flat(kind.params, given.data())
    if flat is not None:  # most calls: pydantic, which takes longer to import than all else, is not needed for them
        default = {field.name: field.default for field in dataclasses.fields(flat)}
        return {name: value for name, value in given.data().items() if value != default[name]}
    schema = schema_of(kind.params)
    before = len(reader.problems.found)
    noun = f"a `{kind.name}` {form.name}"
    _unknown(reader, given, schema, schema.get("$defs", {}), of=noun, more=form.names)
    if len(reader.problems.found) > before:
        return {}
    return _validated(reader, given, kind.params, noun)


def _unknown(
    reader: Reader, raw: Raw, schema: Mapping[str, Any], defs: Mapping[str, Any], *, of: str, more: tuple[str, ...] = ()
) -> None:
    """Tell the fields that a (nested) params type does not have; mappings that are free by type stay free."""
    if "$ref" in schema:
        schema = defs.get(schema["$ref"].rpartition("/")[2], {})
    properties = schema.get("properties")
    known = (*(properties or ()), *more)
    if raw.mapping is not None and properties is not None:
        for name, value in raw.mapping.items():
            if name in properties:
                _unknown(reader, value, properties[name], defs, of=f"`{name}`")
            else:
                reader.unknown_field(raw, name, known, of)
    elif raw.items is not None and isinstance(schema.get("items"), Mapping):
        for item in raw.items:
            _unknown(reader, item, schema["items"], defs, of=of)


def _validated(reader: Reader, given: Raw, params: type, noun: str) -> dict[str, Any]:
    from pydantic import ValidationError

    adapter = _adapter(params)
    try:
        value = adapter.validate_json(_json(given), strict=True)
    except ValidationError as error:
        for one in error.errors():
            _tell(reader, given, noun, one)
        return {}
    dumped: dict[str, Any] = adapter.dump_python(value, mode="json", exclude_defaults=True)
    return dumped


def _json(given: Raw) -> bytes:
    import json

    return json.dumps(given.data()).encode()


def _tell(reader: Reader, given: Raw, noun: str, error: Mapping[str, Any]) -> None:
    place: Span | None = given.span
    at: Raw | None = given
    for part in error["loc"]:
        if at is not None and at.items is not None and isinstance(part, int) and part < len(at.items):
            at = at.items[part]
        else:
            at = at.get(str(part)) if at is not None else None
        place = at.span if at is not None else place
    name = ".".join(str(part) for part in error["loc"]) or "params"
    if error["type"] == "missing":
        near = nearest(str(error["loc"][-1]), (given.mapping or {}).keys())
        reader.problems.error(
            "missing-param",
            f"{noun} without `{name}`",
            place,
            label=f"did you mean that with `{near}`?" if near else "",
            help=f"add `{name}:`",
        )
        return
    why = str(error["msg"])
    reader.problems.error("wrong-type", f"`{name}` of {noun}: {why[:1].lower()}{why[1:]}", place, help="mend the value")
