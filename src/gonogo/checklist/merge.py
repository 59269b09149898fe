"""What a `yaml gonogo` block says, laid over what the prose says."""

from __future__ import annotations

from gonogo.checklist.entries import CONDITIONAL
from gonogo.text.raw import Raw, named

_BY_ID = ("phases", "gates")


def merge(prose: Raw, block: Raw) -> Raw:
    """The mapping `prose` with the mapping `block` over it; both of the same form.

    A field of the block replaces the prose's, with three exceptions. Phases and gates are merged by id, new ones at the
    end. `commands` as a *mapping* is merged into the prose's calls by id (a list replaces them). A criterion of the
    block that names a `clause` replaces what that clause became, a question too; any other is one more criterion.
    A `when` of the block answers the questions that conditions in words became.
    """
    if prose.mapping is None or block.mapping is None:
        return block
    fields = dict(prose.mapping)
    keys = {**prose.keys, **block.keys}
    for name, value in block.mapping.items():
        before = fields.get(name)
        fields[name] = value if before is None else _merged(name, before, value)
    if "questions" in fields and "questions" not in block.mapping:
        fields["questions"] = _open(fields["questions"], block.mapping)
    return Raw(fields, prose.span, keys)


def _merged(name: str, before: Raw, value: Raw) -> Raw:
    if name in _BY_ID and before.items is not None and value.items is not None:
        return _by_id(before, value)
    if name == "commands" and before.items is not None and value.mapping is not None:
        return _calls(before, value)
    if name == "criteria" and before.items is not None and value.items is not None:
        return _criteria(before, value)
    if name == "inputs" and before.mapping is not None and value.mapping is not None:
        return Raw({**before.mapping, **value.mapping}, value.span, {**before.keys, **value.keys})
    return value


def _by_id(before: Raw, value: Raw) -> Raw:
    over = named(value.items or [])
    old = named(before.items or [])
    kept = [merge(item, over[key]) if key in over else item for key, item in old.items()]
    new = [item for item in value.items or [] if not any(item is over[key] for key in over if key in old)]
    return Raw(kept + new, before.span)


def _calls(before: Raw, value: Raw) -> Raw:
    calls, over = list(before.items or []), dict(value.mapping or {})
    for index, call in enumerate(calls):
        identity = call.get("id")
        key = str(identity.value) if identity is not None else str(index + 1)
        if key in over and call.mapping is not None:
            calls[index] = merge(call, over.pop(key))
    for key, call in over.items():  # an id that the prose does not have is one more call
        fields = {"id": Raw(key, value.key_span(key)), **(call.mapping or {"run": call})}
        calls.append(Raw(fields, call.span, {**call.keys}))
    return Raw(calls, before.span)


def _clause(criterion: Raw) -> str:
    clause = criterion.get("clause")
    return str(clause.value) if clause is not None else ""


def _criteria(before: Raw, value: Raw) -> Raw:
    replaced = {_clause(c) for c in value.items or []} - {""}
    kept = [c for c in before.items or [] if _clause(c) not in replaced]
    return Raw(kept + list(value.items or []), value.span)


def _open(questions: Raw, block: dict[str, Raw]) -> Raw:
    """The questions that the block leaves open: a `when` answers conditions, a criterion its clause."""
    criteria = block.get("criteria")
    answered = {_clause(c) for c in (criteria.items if criteria is not None else None) or []} - {""}
    whys = {CONDITIONAL} if "when" in block else set()
    left = [q for q in questions.items or [] if _said(q, "text") not in answered and _said(q, "why") not in whys]
    return Raw(list(left), questions.span)


def _said(question: Raw, name: str) -> str:
    value = question.get(name)
    return str(value.value) if value is not None else ""
