"""The YAML form as `Raw` -> `Checklist`, or every mistake in it. Both forms end here."""

from __future__ import annotations

import re
from typing import Any

from gonogo.checklist import evidence as proof
from gonogo.checklist import fields as form
from gonogo.checklist.effects import effect_of
from gonogo.checklist.notices import read_notices
from gonogo.checklist.params import read_params
from gonogo.checklist.roster import read_roster
from gonogo.checklist.source import gate_slug, slug
from gonogo.checklist.targets import read_targets
from gonogo.errors import InputError, nearest
from gonogo.model.checklist import (
    Call,
    Checklist,
    CiJob,
    Criterion,
    Effect,
    Evidence,
    EvidenceItem,
    Gate,
    Input,
    Phase,
    Question,
    When,
)
from gonogo.model.outcome import Outcome
from gonogo.plugins import Registry
from gonogo.text.raw import Raw
from gonogo.text.reader import Reader
from gonogo.text.source import Problems

FORM_VERSION = 1
PLACEHOLDER = re.compile(r"\$\{([A-Za-z_]\w*)\}|<([A-Za-z][\w-]*)>")
"""What declares an input by appearing in a call: `${GIT_SHA}`, `<staging>`."""

NO_CRITERION = "the gate has no criterion"


def shape(raw: Raw, source: str, registry: Registry, problems: Problems) -> Checklist:
    """The checklist that `raw` says; mistakes go into `problems`, and what is wrong is left out."""
    return _Shaper(registry, problems).checklist(raw, source)


class _Shaper(Reader):
    def __init__(self, registry: Registry, problems: Problems) -> None:
        super().__init__(problems)
        self.registry = registry
        self.types = registry.observation_types
        self.phase_id = ""
        self.conditions: list[tuple[When, Raw]] = []

    # --- the document ------------------------------------------------------------------------------------------

    def checklist(self, raw: Raw, source: str) -> Checklist:
        fields = self.mapping(raw, form.CHECKLIST) or {}
        version = fields.get("gonogo")
        if version is not None and version.value != FORM_VERSION:
            self.problems.error(
                "unknown-version", "this is not version 1 of the form", version.span, help="write `gonogo: 1`"
            )
        phases = tuple(self.phase(item) for item in self.items(fields, "phases"))
        declared = self.inputs(fields)
        inputs = {**{i.name: i for i in declared}, **_appearing(phases, {i.name for i in declared})}
        self.check_conditions(tuple(inputs))
        return Checklist(
            title=self.text(fields, "title"),
            objective=self.text(fields, "objective"),
            assumptions=self.texts(fields, "assumptions"),
            phases=phases,
            evidence_bundle=tuple(self.bundle(item) for item in self.items(fields, "evidence_bundle")),
            ci_jobs=tuple(self.ci_job(item) for item in self.items(fields, "ci_jobs")),
            inputs=tuple(inputs.values()),
            input_files=self.texts(fields, "input_files"),
            secret_files=self.texts(fields, "secret_files"),
            directory=self.text(fields, "directory"),
            other_sections=tuple(self.section(item) for item in self.items(fields, "other_sections")),
            source=source,
            roster=read_roster(self, fields),
            sign_offs=self.texts(fields, "sign_offs"),
            targets=read_targets(self, fields, self.registry, tuple(inputs)),
            notify=read_notices(self, fields, self.registry),
        )

    def inputs(self, fields: dict[str, Raw]) -> list[Input]:
        raw = fields.get("inputs")
        if raw is None or raw.value is None:
            return []
        if raw.mapping is None:
            self.wrong(raw, "inputs", "a mapping of name to an input")
            return []
        return [self.input(name, value, raw) for name, value in raw.mapping.items()]

    def input(self, name: str, raw: Raw, parent: Raw) -> Input:
        place = parent.key_span(name)
        if not re.fullmatch(r"[A-Za-z_][\w-]*", name):
            self.problems.error(
                "input-name", f"`{name}` cannot name an input", place, help="use letters, digits, `_` and `-`"
            )
        if isinstance(raw.value, str):
            return Input(name, meaning=raw.value, span=place)
        if raw.value is None:
            return Input(name, span=place)
        fields = self.mapping(raw, form.INPUT) or {}
        given = fields.get("default")
        default = self.identity(fields, "default") if given is not None and given.value is not None else None
        return Input(name, self.text(fields, "meaning"), default, self.flag(fields, "secret"), place)

    def bundle(self, raw: Raw) -> EvidenceItem:
        fields = self.mapping(raw, form.BUNDLE_GROUP) or {}
        return EvidenceItem(self.text(fields, "group"), self.texts(fields, "items"))

    def ci_job(self, raw: Raw) -> CiJob:
        fields = self.mapping(raw, form.CI_JOB) or {}
        return CiJob(
            id=self.identity(fields, "id"),
            text=self.text(fields, "text"),
            commands=self.texts(fields, "commands"),
            cache=self.text(fields, "cache"),
            manual=self.flag(fields, "manual"),
        )

    def section(self, raw: Raw) -> tuple[str, str]:
        fields = self.mapping(raw, form.SECTION) or {}
        return self.text(fields, "heading"), self.text(fields, "text")

    # --- phases and gates --------------------------------------------------------------------------------------

    def phase(self, raw: Raw) -> Phase:
        fields = self.mapping(raw, form.PHASE) or {}
        self.phase_id = self.identity(fields, "id")
        return Phase(
            id=self.phase_id,
            title=self.text(fields, "title"),
            gates=tuple(self.gate(item) for item in self.items(fields, "gates")),
            unread=self.texts(fields, "unread"),
            span=raw.span,
        )

    def gate(self, raw: Raw) -> Gate:
        fields = self.mapping(raw, form.GATE) or {}
        title = self.text(fields, "title")
        identity = self.identity(fields, "id") or gate_slug(title)
        title_raw = fields.get("title")
        calls = self.calls(fields)
        return Gate(
            id=identity,
            title=title,
            phase=self.phase_id,
            owners=self.texts(fields, "owners"),
            calls=calls,
            criteria=self.criteria(fields, calls),
            questions=self.questions(fields, identity, title),
            evidence=tuple(self.evidence(item) for item in self.items(fields, "evidence")),
            action=self.text(fields, "action"),
            note=self.text(fields, "note"),
            passes=self.text(fields, "pass"),
            ci_jobs=self.texts(fields, "ci_jobs"),
            cache=self.text(fields, "cache"),
            optional=self.flag(fields, "optional"),
            condition=self.text(fields, "condition"),
            when=self.when(fields),
            needs=self.texts(fields, "needs"),
            exclusive=self.flag(fields, "exclusive"),
            isolation=self.choice(fields, "isolation", ("", "worktree"), ""),
            timeout=self.seconds(fields, "timeout") or 900.0,
            retries=self.count(fields, "retries"),
            max_age=self.seconds(fields, "max_age"),
            changes=self.texts(fields, "changes"),
            proceed_on=self.tolerances(fields),
            unread=self.texts(fields, "unread"),
            span=title_raw.span if title_raw is not None else raw.span,
        )

    def when(self, fields: dict[str, Raw]) -> When | None:
        raw = fields.get("when")
        if raw is None or raw.value is None:
            return None
        inner = self.mapping(raw, form.WHEN)
        if inner is None:
            return None
        expression = inner.get("expression")
        when = When(
            self.text(inner, "expression"), self.text(inner, "reason"), expression.span if expression else raw.span
        )
        if when.expression:
            self.conditions.append((when, raw))
        return when

    def check_conditions(self, inputs: tuple[str, ...]) -> None:
        """Conditions may name inputs, which are known only when the whole text has been read."""
        from gonogo.criterion import check_context

        for when, _ in self.conditions:
            try:
                check_context(when.expression, inputs, when.span)
            except InputError as error:
                self.problems.found.extend(error.diagnostics)

    def tolerances(self, fields: dict[str, Raw]) -> dict[str, tuple[str, ...]]:
        raw = fields.get("proceed_on")
        if raw is None or raw.value is None:
            return {}
        if raw.mapping is None:
            self.wrong(raw, "proceed_on", "a mapping of gate id to outcomes")
            return {}
        found = {name: self.texts(raw.mapping, name) for name in raw.mapping}
        known = [o.value for o in Outcome]
        for name, outcomes in found.items():
            for outcome in outcomes:
                if outcome not in known:
                    near = nearest(outcome.upper(), known)
                    self.problems.error(
                        "unknown-outcome",
                        f"`{outcome}` is no outcome",
                        raw.mapping[name].span,
                        label=f"did you mean `{near}`?" if near else "",
                        help=f"use one of: {', '.join(known)}",
                    )
        return found

    # --- calls -------------------------------------------------------------------------------------------------

    def calls(self, fields: dict[str, Raw]) -> tuple[Call, ...]:
        found: list[Call] = []
        for item in self.items(fields, "commands"):
            call = self.call(item, str(len(found) + 1), {c.id for c in found})
            if call is not None:
                found.append(call)
        return tuple(found)

    def call(self, raw: Raw, default_id: str, taken: set[str]) -> Call | None:
        if isinstance(raw.value, str):
            raw = Raw({"run": Raw(raw.value, raw.span)}, raw.span)
        fields = self.mapping(raw, form.CALL, open_fields=True)
        if fields is None:
            return None
        kind = self.text(fields, "kind", form.DEFAULT_KIND)
        probe = self.registry.probes.get(kind)
        if probe is None:
            self.unknown_kind(kind, fields.get("kind", raw))
            return None
        params = read_params(self, raw, probe, form.CALL)
        label = self.text(fields, "label")
        identity = self.identity(fields, "id") or slug(label) or default_id
        if identity in taken:
            self.problems.error(
                "duplicate-id", f"two calls of the gate are called `{identity}`", raw.span, help="give one another `id`"
            )
        effect = self.choice(fields, "effect", tuple(e.value for e in Effect), "read")
        told = "effect" in fields
        return Call(
            id=identity,
            kind=kind,
            params=params,
            text=self.text(fields, "text") or str(params.get("run", "") if kind == form.DEFAULT_KIND else ""),
            label=label,
            effect=Effect(effect) if told else effect_of(kind, params, self.phase_id, self.registry),
            alternatives=self.alternatives(fields, identity),
            condition=self.text(fields, "condition"),
            span=raw.span,
            effect_said=told,
        )

    def alternatives(self, fields: dict[str, Raw], identity: str) -> tuple[Call, ...]:
        found: list[Call] = []
        for number, item in enumerate(self.items(fields, "alternatives"), 1):
            call = self.call(item, f"{identity}-or-{number}", {c.id for c in found})
            if call is not None:
                found.append(call)
        return tuple(found)

    def unknown_kind(self, kind: str, raw: Raw) -> None:
        try:
            self.registry.probe(kind)
        except InputError as error:
            near = nearest(kind, self.registry.probes)
            for one in error.diagnostics:
                self.problems.error(
                    one.slug, one.message, raw.span, label=f"did you mean `{near}`?" if near else "", help=one.help
                )

    # --- what is asked of them ---------------------------------------------------------------------------------

    def criteria(self, fields: dict[str, Raw], calls: tuple[Call, ...]) -> tuple[Criterion, ...]:
        found = [self.criterion(item, calls) for item in self.items(fields, "criteria")]
        return tuple(criterion for criterion in found if criterion is not None)

    def criterion(self, raw: Raw, calls: tuple[Call, ...]) -> Criterion | None:
        if isinstance(raw.value, str):
            raw = Raw({"expression": raw}, raw.span)
        inner = self.mapping(raw, form.CRITERION)
        expression = inner.get("expression") if inner else None
        if inner is None or expression is None:
            return None
        text = self.text(inner, "expression")
        self.compile(text, expression)
        of = self.texts(inner, "calls")
        for name in of:
            if name not in {call.id for call in calls}:
                near = nearest(name, [call.id for call in calls])
                self.problems.error(
                    "unknown-call",
                    f"the gate has no call `{name}`",
                    inner["calls"].span,
                    label=f"did you mean `{near}`?" if near else "",
                    help="name the `id` of one of its commands",
                )
        return Criterion(text, self.text(inner, "clause"), of, self.flag(inner, "documented"), expression.span)

    def compile(self, expression: str, raw: Raw) -> None:
        if not expression:
            return
        from gonogo.criterion import compile as compile_criterion

        try:
            compile_criterion(expression, self.types, raw.span)
        except InputError as error:
            self.problems.found.extend(error.diagnostics)

    def questions(self, fields: dict[str, Raw], gate: str, title: str) -> tuple[Question, ...]:
        """The gate's questions; one without criteria and questions asks about its whole self."""
        found: list[Question] = []
        for item in self.items(fields, "questions"):
            question = self.question(item, f"{gate}.{len(found) + 1}")
            if question is not None:
                found.append(question)
        if not found and not self.items(fields, "criteria"):
            text = self.text(fields, "note") or self.text(fields, "action") or title
            found.append(Question(f"{gate}.1", text, NO_CRITERION))
        return tuple(found)

    def question(self, raw: Raw, default_id: str) -> Question | None:
        if isinstance(raw.value, str):
            raw = Raw({"text": raw}, raw.span)
        inner = self.mapping(raw, form.QUESTION)
        if inner is None:
            return None
        text = self.text(inner, "text")
        return Question(self.identity(inner, "id") or default_id, text, self.text(inner, "why"), raw.span)

    def evidence(self, raw: Raw) -> Evidence:
        if isinstance(raw.value, str):
            return Evidence(**proof.short(raw.value), span=raw.span)
        fields = self.mapping(raw, form.EVIDENCE) or {}
        path = self.text(fields, "path")
        text = self.text(fields, "text") or path
        if not text:
            self.problems.error("missing-field", "evidence without `text` or `path`", raw.span, help="add `text:`")
        either = self.flag(fields, "or_capture", default=proof.own_log(path))
        return Evidence(text, path, either, raw.span)


def _appearing(phases: tuple[Phase, ...], declared: set[str]) -> dict[str, Input]:
    """Inputs that are not declared but appear in a call, in the order of the text."""
    found: dict[str, Input] = {}
    for phase in phases:
        for gate in phase.gates:
            for call in gate.calls:
                for one in (call, *call.alternatives):
                    for name in _names_in(one.params):
                        if name not in declared and name not in found:
                            found[name] = Input(name, span=one.span)
    return found


def _names_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [match[1] or match[2] for match in PLACEHOLDER.finditer(value)]
    if isinstance(value, dict):
        return [name for item in value.values() for name in _names_in(item)]
    if isinstance(value, list):
        return [name for item in value for name in _names_in(item)]
    return []
