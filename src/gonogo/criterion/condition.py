"""The condition of a `when:`: CEL over the target, the subject, the inputs and the machine."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from gonogo.criterion.compiled import Compiled, checked
from gonogo.criterion.tree import place
from gonogo.errors import Diagnostic, InputError, Span
from gonogo.model.observation import Observation, ObservationType, Reading, Type
from gonogo.model.outcome import Outcome

CONDITION_TYPES: Mapping[str, ObservationType] = {
    name: ObservationType(name, type_, meaning)
    for name, type_, meaning in (
        ("target", Type.STRING, "where it goes: `local`, `staging`"),
        ("subject.commit", Type.STRING, "the commit that is being released"),
        ("subject.branch", Type.STRING, "its branch; empty when detached"),
        ("subject.remote", Type.STRING, "URL of the branch's remote; empty where there is none"),
        ("subject.clean", Type.BOOL, "whether the working tree equals the commit"),
        ("subject.pushed", Type.BOOL, "whether the commit is on the remote branch"),
        ("subject.dirty", Type.LIST, "paths that differ from the commit"),
        ("machine.os", Type.STRING, "`linux` or `macos`"),
    )
}
"""What every condition may name; `inputs.NAME` comes on top, as text."""


def check_context(expression: str, inputs: Iterable[str] = (), span: Span | None = None) -> Compiled:
    """Check a condition without values, when the checklist is loaded; raises `InputError` with all mistakes."""
    types = dict(CONDITION_TYPES)
    for name in inputs:
        types[f"inputs.{name}"] = ObservationType(f"inputs.{name}", Type.STRING, "an input of the checklist")
    return checked(expression, types, span, constant=True)


def context(expression: str, variables: Mapping[str, Any], span: Span | None = None) -> bool:
    """Whether a condition holds for these variables: `target`, `subject`, `inputs`, `machine`, nested or dotted.

    Raises `InputError` for mistakes in the expression, and where a variable it names has no value: a condition that
    cannot be told must not decide that a gate does not apply.
    """
    values = dict(_flat(variables))
    types = dict(CONDITION_TYPES)
    types.update({name: ObservationType(name, _type(value), "") for name, value in values.items() if value is not None})
    compiled = checked(expression, types, span, constant=True)
    facts = tuple(Observation(name, value) for name, value in values.items() if value is not None)
    evaluation = compiled.evaluate(Reading(facts))
    if evaluation.outcome is Outcome.UNKNOWN:
        where = place(span, expression, 0, len(expression))
        message = f"the condition cannot be told: {evaluation.reason}"
        raise InputError(
            [Diagnostic("condition-unknown", message, where, help="give it a value, or ask something else")]
        )
    return evaluation.outcome is Outcome.PASS


def _flat(variables: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for key, value in variables.items():
        name = f"{prefix}{key}"
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
            if hasattr(value, "clean"):
                fields["clean"] = value.clean
            flat += _flat(fields, f"{name}.")
        elif isinstance(value, Mapping):
            flat += _flat(value, f"{name}.")
        else:
            flat.append((name, tuple(value) if isinstance(value, (list, tuple)) else value))
    return flat


def _type(value: Any) -> Type:
    for plain, type_ in ((bool, Type.BOOL), (int, Type.INT), (float, Type.DOUBLE), (tuple, Type.LIST)):
        if isinstance(value, plain):
            return type_
    return Type.STRING
