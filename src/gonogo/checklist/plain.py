"""A `Checklist` -> plain data of the YAML form; what equals its default is left out."""

from __future__ import annotations

import dataclasses
from typing import Any

from gonogo.checklist import evidence as proof
from gonogo.checklist.effects import effect_of
from gonogo.checklist.fields import DEFAULT_KIND
from gonogo.checklist.notices import notice_data
from gonogo.checklist.roster import roster_data
from gonogo.checklist.shape import FORM_VERSION
from gonogo.checklist.source import gate_slug, slug
from gonogo.checklist.targets import target_data
from gonogo.model.checklist import Call, Checklist, CiJob, Criterion, Evidence, Gate, Input, Phase, Question
from gonogo.plugins import Registry

GROUPS = {
    "id": ("id",),
    "title": ("title",),
    "owners": ("owners",),
    "commands": ("calls",),
    "pass": ("passes", "criteria", "questions"),
    "evidence": ("evidence",),
    "action": ("action",),
    "note": ("note",),
    "ci_jobs": ("ci_jobs",),
    "cache": ("cache",),
    "flags": ("optional", "condition"),
    "unread": ("unread",),
}
"""Groups of a gate's attributes that prose can say, each by one line; the group's name -> the attributes."""

_GATE_DEFAULT = Gate("", "", "")


def checklist_data(checklist: Checklist, registry: Registry) -> dict[str, Any]:
    """The whole checklist as data."""
    return {
        "gonogo": FORM_VERSION,
        "title": checklist.title,
        **head_data(checklist),
        "phases": [phase_data(phase, registry) for phase in checklist.phases],
        **tail_data(checklist),
    }


def head_data(checklist: Checklist) -> dict[str, Any]:
    """What stands before the phases, without the title."""
    return _filled(
        objective=checklist.objective,
        assumptions=list(checklist.assumptions),
        inputs={item.name: _input(item) for item in checklist.inputs},
        directory=checklist.directory,
        input_files=list(checklist.input_files),
        secret_files=list(checklist.secret_files),
        targets={target.name: target_data(target) for target in checklist.targets},
        roster=roster_data(checklist.roster),
        sign_offs=list(checklist.sign_offs),
        notify=[notice_data(notice) for notice in checklist.notify],
    )


def tail_data(checklist: Checklist) -> dict[str, Any]:
    """What stands behind the phases."""
    return _filled(
        evidence_bundle=[_filled(group=e.group, items=list(e.items)) for e in checklist.evidence_bundle],
        ci_jobs=[_ci_job(job) for job in checklist.ci_jobs],
        other_sections=[{"heading": heading, "text": text} for heading, text in checklist.other_sections],
    )


def _filled(**fields: Any) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value not in ("", [], {}, None, False)}


def _input(item: Input) -> Any:
    if item.default is None and not item.secret:
        return item.meaning or None
    found = _filled(meaning=item.meaning, secret=item.secret)
    return {**found, "default": item.default} if item.default is not None else found


def _ci_job(job: CiJob) -> dict[str, Any]:
    return _filled(id=job.id, text=job.text, commands=list(job.commands), cache=job.cache, manual=job.manual)


def phase_data(phase: Phase, registry: Registry) -> dict[str, Any]:
    """A phase with its gates."""
    gates = [gate_data(gate, registry) for gate in phase.gates]
    return {"id": phase.id, **_filled(title=phase.title, gates=gates, unread=list(phase.unread))}


def gate_data(gate: Gate, registry: Registry) -> dict[str, Any]:
    """A gate; its owners are always there, so that "nobody" is said on purpose."""
    found = {"title": gate.title, "owners": list(gate.owners)}
    if gate.id != gate_slug(gate.title):
        found = {"id": gate.id, **found}
    for group in GROUPS:
        if group not in ("id", "title", "owners"):
            found.update({k: v for k, v in group_data(gate, group, registry).items() if v not in ("", [], False)})
    return {**found, **settings_data(gate)}


def group_data(gate: Gate, group: str, registry: Registry) -> dict[str, Any]:
    """The fields of one group of `GROUPS`, empty ones too."""
    if group == "commands":
        return {"commands": [_call(c, str(n), gate.phase, registry) for n, c in enumerate(gate.calls, 1)]}
    if group == "pass":
        return {
            "pass": gate.passes,
            "criteria": [_criterion(criterion) for criterion in gate.criteria],
            "questions": [_question(q, f"{gate.id}.{n}") for n, q in enumerate(gate.questions, 1)],
        }
    if group == "evidence":
        return {"evidence": [_evidence(item) for item in gate.evidence]}
    found = {}
    for name in GROUPS[group]:
        value = getattr(gate, name)
        found[name] = list(value) if isinstance(value, tuple) else value
    return found


def settings_data(gate: Gate) -> dict[str, Any]:
    """What no prose can say."""
    found = _filled(
        needs=list(gate.needs),
        exclusive=gate.exclusive,
        isolation=gate.isolation,
        changes=list(gate.changes),
        proceed_on={name: list(outcomes) for name, outcomes in gate.proceed_on.items()},
        retries=gate.retries or None,
        max_age=_number(gate.max_age),
    )
    if gate.when is not None:
        found["when"] = {"expression": gate.when.expression, "reason": gate.when.reason}
    if gate.timeout != _GATE_DEFAULT.timeout:
        found["timeout"] = _number(gate.timeout)
    return found


def _number(value: float | None) -> float | int | None:
    return int(value) if value is not None and value.is_integer() else value


def _call(call: Call, default_id: str, phase: str, registry: Registry) -> Any:
    found: dict[str, Any] = {}
    is_command = call.kind == DEFAULT_KIND
    if not is_command:
        found["kind"] = call.kind
    found.update(call.params)
    found.update(_filled(label=call.label, condition=call.condition))
    if call.id != (slug(call.label) or default_id):
        found["id"] = call.id
    if call.text != (call.params.get("run", "") if is_command else ""):
        found["text"] = call.text
    if call.effect_said or call.effect != effect_of(call.kind, call.params, phase, registry):
        found["effect"] = call.effect.value
    if call.alternatives:
        found["alternatives"] = [
            _call(other, f"{call.id}-or-{n}", phase, registry) for n, other in enumerate(call.alternatives, 1)
        ]
    return found["run"] if list(found) == ["run"] else found


def _criterion(criterion: Criterion) -> Any:
    found = _filled(
        expression=criterion.expression,
        clause=criterion.clause,
        calls=list(criterion.calls),
        documented=criterion.documented,
    )
    return criterion.expression if list(found) == ["expression"] else found


def _question(question: Question, default_id: str) -> Any:
    found = _filled(text=question.text, why=question.why)
    if question.id != default_id:
        found["id"] = question.id
    return question.text if list(found) == ["text"] else found


def _evidence(item: Evidence) -> Any:
    plain = dataclasses.replace(item, span=None)
    if plain == Evidence(**proof.short(item.text)):
        return item.text
    found: dict[str, Any] = _filled(text="" if item.text == item.path else item.text, path=item.path)
    if item.or_capture != proof.own_log(item.path):
        found["or_capture"] = item.or_capture
    return found
