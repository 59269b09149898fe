"""Checklist + subject + target + selection -> Plan."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gonogo import criterion
from gonogo.model.checklist import Checklist, Gate, Question
from gonogo.model.codec import digest
from gonogo.model.plan import Node, PhaseTitle, Plan, Subject
from gonogo.model.roster import Person, Roster
from gonogo.plan import graph, inputs, rollout, selection
from gonogo.plan.commands import look
from gonogo.plan.project import directory_of, from_top, placed
from gonogo.plan.selection import Selection
from gonogo.plan.subject import authors
from gonogo.plugins import Registry

_ENV_FILE = re.compile(r"(?<![\w/.-])(?:[\w.-]+/)*\.env(?:\.[\w-]+)*(?![\w-])")
_TEMPLATE = re.compile(r"\.(?:example|sample|template|dist)\b")


def compile(  # noqa: A001 - the contract's word
    checklist: Checklist,
    *,
    subject: Subject,
    target: str,
    inputs: Mapping[str, str],
    selection: Selection | None = None,
    registry: Registry,
    root: Path,
    allow_dirty: bool = False,
    roster: Roster | None = None,
    people: Sequence[Person] = (),
) -> Plan:
    """Freeze what one run will do; the plan's digest names it.

    Args:
        checklist: As loaded.
        subject: What `gonogo.plan.subject.look` said. Declared input files are taken out of its dirty paths.
        target: Where the release goes.
        inputs: Input -> value. Missing ones are collected in `Plan.missing_inputs`; only a run refuses them.
        selection: What a person asked to run; None: everything required.
        registry: Every kind.
        root: The checkout that static looks read.
        allow_dirty: A tree that differs from the commit may still end in GO.
        roster: The checklist's, with what CODEOWNERS says; None: as the checklist has it.
        people: Those whose keys are trusted at the subject's commit.

    Raises:
        InputError: With every unknown name, bad need and bad input value found at the stage that fails.
    """
    roster = checklist.roster if roster is None else roster
    if roster.asks_four_eyes:
        subject = dataclasses.replace(subject, authors=authors(root))
    plan = _Compiler(checklist, subject, target, inputs, selection or Selection(), registry, root).plan(
        allow_dirty=allow_dirty
    )
    plan = dataclasses.replace(plan, digest="", source="", roster=roster, people=tuple(people))
    return dataclasses.replace(plan, digest=digest(plan), source=checklist.source)


@dataclasses.dataclass
class _Compiler:
    """What every stage of compiling needs."""

    checklist: Checklist
    subject: Subject
    target: str
    given: Mapping[str, str]
    chosen: Selection
    registry: Registry
    root: Path
    needed: frozenset[str] = frozenset()
    directory: str = ""

    def plan(self, *, allow_dirty: bool) -> Plan:
        graph.check(self.checklist)
        selection.check(self.chosen, self.checklist)
        checklist = self.checklist
        self.needed = self.chosen.needed(checklist)
        self.directory = directory_of(checklist, self.root)
        exempt = tuple(from_top(path, self.directory) for path in checklist.input_files)
        self.subject = dataclasses.replace(
            self.subject, dirty=tuple(path for path in self.subject.dirty if path not in exempt)
        )
        declared = next((one for one in checklist.targets if one.name == self.target), None)
        given = {**(declared.inputs if declared is not None else {}), **self.given}
        values = inputs.values(checklist, given, self.subject)
        nodes = tuple(self._node(gate, values) for gate in checklist.gates)
        secret = {item.name for item in checklist.inputs if item.secret}
        missing = self._missing(nodes, values)
        used = {name for node in nodes if node.runs for name, _ in inputs.places(checklist, node.gate)}
        return Plan(
            digest="",
            checklist_digest=digest(dataclasses.replace(checklist, source="")),
            title=checklist.title,
            source="",
            subject=self.subject,
            target=self.target,
            phases=tuple(PhaseTitle(phase.id, phase.title) for phase in checklist.phases),
            nodes=nodes,
            inputs={name: value for name, value in sorted(values.items()) if name not in secret},
            input_files=inputs.input_file_digests(exempt, self.root),
            directory=self.directory,
            allow_dirty=allow_dirty,
            missing_inputs=missing,
            secret_files=self._secret_files(),
            secret_inputs=tuple(sorted((secret & used) - set(missing))),
            sign_offs=checklist.sign_offs,
            evidence_bundle=checklist.evidence_bundle,
            spec=declared or rollout.described(self.target, nodes, self.registry),
            smoke=rollout.smoke(nodes, self.registry),
            closing=rollout.closing(nodes, self.registry),
            notify=checklist.notify,
        )

    def _node(self, gate: Gate, values: Mapping[str, str]) -> Node:
        gate = placed(selection.with_alternatives(gate, self.chosen), self.directory)
        here = self.root / self.directory if self.directory else self.root
        looks = {call.id: look(call, gate.phase, here, self.registry) for call in gate.calls}
        effects = {call: seen.effect for call, seen in looks.items()}
        still = selection.calls_left_out(gate, effects, self.chosen)
        left_out = self.chosen.leaves_out(gate, self.needed)
        if not left_out and looks and len(still) == len(looks) and not gate.questions:
            left_out = next(iter(still.values()))
        return Node(
            gate=gate,
            needs=gate.needs,
            not_applicable=self._not_applicable(gate, values),
            left_out=left_out,
            speaks={call: seen.speaks for call, seen in looks.items()},
            effects=effects,
            exclusive=gate.exclusive or any(seen.exclusive for seen in looks.values()),
            problems={call: seen.problem for call, seen in looks.items() if seen.problem},
            calls_left_out=still,
            asks=self._asks(gate, still),
        )

    def _asks(self, gate: Gate, still: Mapping[str, str]) -> tuple[Question, ...]:
        """Its questions, and its calls of a kind that asks a person."""
        found = list(gate.questions)
        for call in gate.calls:
            probe = self.registry.probes.get(call.kind)
            if probe is not None and probe.asks and call.id not in still:
                text = str(call.params.get(probe.asks, "") or call.text)
                found.append(Question(f"{gate.id}:{call.id}", text, "a person is asked"))
        return tuple(found)

    def _not_applicable(self, gate: Gate, values: Mapping[str, str]) -> str:
        if gate.when is None:
            return ""
        holds = criterion.context(gate.when.expression, self._variables(values), gate.when.span)
        return "" if holds else gate.when.reason or f"`{gate.when.expression}` is false"

    def _variables(self, values: Mapping[str, str]) -> dict[str, Any]:
        """What a `when:` may ask; an input without a value reads as empty text here, and a run refuses it."""
        subject = self.subject
        return {
            "target": self.target,
            "subject": {
                "commit": subject.commit,
                "branch": subject.branch,
                "clean": subject.clean,
                "dirty": list(subject.dirty),
                "remote": subject.remote,
                "pushed": bool(subject.pushed),
            },
            "inputs": {item.name: values.get(item.name, "") for item in self.checklist.inputs},
            "machine": {"os": {"darwin": "macos"}.get(sys.platform, sys.platform)},
        }

    def _missing(self, nodes: tuple[Node, ...], values: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for node in nodes:
            if node.runs:
                for name, place in inputs.places(self.checklist, node.gate):
                    if name not in values:
                        found.setdefault(name, []).append(place)
        return {name: tuple(places) for name, places in found.items()}

    def _secret_files(self) -> tuple[str, ...]:
        """Declared ones, input files, and every `.env*` that a call names; templates hold no secrets."""
        named = {*self.checklist.secret_files, *self.checklist.input_files}
        for gate in self.checklist.gates:
            for call in gate.calls:
                for text in inputs.texts(call.params):
                    named |= {m[0] for m in _ENV_FILE.finditer(text) if not _TEMPLATE.search(m[0])}
        return tuple(sorted(from_top(path, self.directory) for path in named))
