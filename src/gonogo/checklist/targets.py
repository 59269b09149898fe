"""The `targets` of a checklist: where releases go, each of a kind, with what is known about it."""

from __future__ import annotations

from typing import Any

from gonogo.checklist import fields as form
from gonogo.checklist.params import kind_of, read_params
from gonogo.errors import nearest
from gonogo.model.release import TargetSpec
from gonogo.plugins import Registry
from gonogo.text.raw import Raw
from gonogo.text.reader import Reader


def read_targets(
    reader: Reader, fields: dict[str, Raw], registry: Registry, inputs: tuple[str, ...]
) -> tuple[TargetSpec, ...]:
    """The targets under `targets`, in their order; mistakes go into the reader's problems."""
    raw = fields.get("targets")
    if raw is None or raw.value is None:
        return ()
    if raw.mapping is None:
        reader.wrong(raw, "targets", "a mapping of name to a target")
        return ()
    found = [_target(reader, name, value, registry, inputs) for name, value in raw.mapping.items()]
    return tuple(target for target in found if target is not None)


def _target(reader: Reader, name: str, raw: Raw, registry: Registry, inputs: tuple[str, ...]) -> TargetSpec | None:
    fields = reader.mapping(raw, form.TARGET, open_fields=True)
    if fields is None:
        return None
    kind = kind_of(reader, fields, registry.targets, form.TARGET)
    if kind is None:
        return None
    params = read_params(reader, raw, kind, form.TARGET)
    given = _values(reader, fields, "inputs")
    for unknown in [one for one in given if one not in inputs]:
        near = nearest(unknown, inputs)
        reader.problems.error(
            "unknown-input",
            f"the checklist has no input `{unknown}`",
            fields["inputs"].key_span(unknown),
            label=f"did you mean `{near}`?" if near else "",
            help="declare it under `inputs:`, or drop it here",
        )
    return TargetSpec(name, kind.name, params, given, _values(reader, fields, "urls"))


def _values(reader: Reader, fields: dict[str, Raw], name: str) -> dict[str, str]:
    raw = fields.get(name)
    if raw is None or raw.value is None:
        return {}
    if raw.mapping is None:
        reader.wrong(raw, name, "a mapping of name to text")
        return {}
    return {key: reader.identity(raw.mapping, key) for key in raw.mapping}


def target_data(target: TargetSpec) -> dict[str, Any]:
    """A target in the YAML form."""
    more = {name: value for name, value in (("inputs", target.inputs), ("urls", target.urls)) if value}
    return {"kind": target.kind, **more, **target.params}
