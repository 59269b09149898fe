"""The outline of a document -> the YAML form as `Raw`: what each gate's prose says, with the rules of `reading.md`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from gonogo.checklist import evidence as proof
from gonogo.checklist.clauses import ClauseReader, ClauseReading, GateCalls
from gonogo.checklist.entries import CONDITIONAL, phrase_of, read_entry
from gonogo.checklist.markdown import FIELD_NAMES, Document, Field, GateText, PhaseText, SectionText
from gonogo.checklist.source import Written, code_spans, gate_slug, hidden, only_code, slug
from gonogo.errors import nearest
from gonogo.plugins import Registry
from gonogo.text.raw import Raw, raw, record
from gonogo.text.source import Problems

NO_COMMAND = "an action without a command"

_OPTIONAL = re.compile(r"\((optional[^()]*)\)", re.IGNORECASE)
_CONDITION = re.compile(r"\(((?:if|when|unless) [^()]*)\)", re.IGNORECASE)
_OBJECTIVE = re.compile(r"^Objective:\s+", re.IGNORECASE)
_ITEM = re.compile(r"^(?P<id>[\w./-]+)(?:\s*\((?P<flags>[^()]*)\))?:\s+")
_CACHE = re.compile(r"^cache\s+", re.IGNORECASE)


@dataclass(slots=True)
class GateProse:
    """One gate's prose, read."""

    raw: Raw
    readings: tuple[ClauseReading, ...]


@dataclass(slots=True)
class DocumentProse:
    """A whole document's prose, read."""

    raw: Raw
    readings: dict[str, tuple[ClauseReading, ...]] = field(default_factory=dict)
    """By the gate's id in the prose."""


def compile_document(document: Document, registry: Registry, problems: Problems) -> DocumentProse:
    """Everything the prose says, in the YAML form; blocks are not looked at."""
    readings: dict[str, tuple[ClauseReading, ...]] = {}
    taken: set[str] = set()
    phases = []
    for phase in document.phases:
        gates = []
        for gate in phase.gates:
            identity = _unique(gate_slug(gate.title.plain) or f"phase-{phase.id}", taken)
            prose = _GateReader(gate, identity, registry, problems).read()
            gates.append(prose.raw)
            readings[identity] = prose.readings
        phases.append(_phase(phase, gates))
    fields = _head(document)
    return DocumentProse(record(None, **fields, phases=phases), readings)


def _unique(identity: str, taken: set[str]) -> str:
    """The id, with a number behind it where an earlier gate has it already."""
    number, candidate = 2, identity
    while candidate in taken:
        candidate, number = f"{identity}-{number}", number + 1
    taken.add(candidate)
    return candidate


def _phase(phase: PhaseText, gates: list[Raw]) -> Raw:
    unread = [raw(text.text, text.span) for text in phase.unread]
    return record(phase.span, id=phase.id, title=phase.title, gates=gates, unread=unread)


# --- what stands around the phases ------------------------------------------------------------------------------


def _head(document: Document) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if document.title is not None:
        fields["title"] = raw(document.title.plain, document.title.span)
    sections = []
    for section in document.sections:
        name = slug(re.sub(r"\([^()]*\)", "", section.heading.plain)) if section.heading is not None else ""
        known = _KNOWN_SECTIONS.get(name)
        if section.heading is None and "objective" not in fields and _OBJECTIVE.match(section.items[0].text):
            text = section.items[0]
            fields["objective"] = raw(text.cut(_end(_OBJECTIVE, text.text)).plain, text.span)
        elif known is not None and known[0] not in fields and section.items and section.only_items:
            fields[known[0]] = [known[1](item) for item in section.items]
        else:
            sections.append(_section(section))
    fields["other_sections"] = sections
    return fields


def _section(section: SectionText) -> Raw:
    heading = section.heading.plain if section.heading is not None else ""
    place = section.heading.span if section.heading is not None else section.items[0].span
    return Raw({"heading": Raw(heading, place), "text": Raw(section.body, place)}, place)


def _assumption(item: Written) -> Raw:
    return raw(item.plain, item.span)


def _bundle(item: Written) -> Raw:
    colon = re.search(r":\s", hidden(item.text))
    if colon is None:
        return record(item.span, group=item.plain)
    return record(item.span, group=item.cut(0, colon.start()).plain, items=proof.items(item.cut(colon.end())))


def _ci_job(item: Written) -> Raw:
    head = _ITEM.match(item.text)
    if head is None:
        return record(item.span, id=only_code(item.text) or item.plain)
    text = item.cut(head.end())
    pieces = text.split(r";")
    caches = [_CACHE.sub("", p.plain) for p in pieces if _CACHE.match(p.text)]
    commands = [s[2].strip() for p in pieces if not _CACHE.match(p.text) for s in code_spans(p.text)]
    manual = "manual" in (head["flags"] or "").lower()
    return record(
        item.span, id=head["id"], text=text.plain, commands=commands, cache="; ".join(caches), manual=manual or None
    )


_KNOWN_SECTIONS = {
    "assumptions": ("assumptions", _assumption),
    "pr-evidence-bundle": ("evidence_bundle", _bundle),
    "evidence-bundle": ("evidence_bundle", _bundle),
    "ci-job-map": ("ci_jobs", _ci_job),
    "ci-jobs": ("ci_jobs", _ci_job),
}


# --- one gate ---------------------------------------------------------------------------------------------------


class _GateReader:
    def __init__(self, gate: GateText, identity: str, registry: Registry, problems: Problems) -> None:
        self.gate, self.identity, self.registry, self.problems = gate, identity, registry, problems
        self.fields: dict[str, list[Field]] = {}
        for one in gate.fields:
            self.fields.setdefault(one.name, []).append(one)
        self.unread: list[Written] = list(gate.unread)
        self.questions: list[Raw] = []
        self.calls = GateCalls([])

    def read(self) -> GateProse:
        title = self.gate.title.plain
        condition = _CONDITION.search(title)
        if condition:
            self.questions.append(record(self.gate.title.span, text=condition[1], why=CONDITIONAL))
        self.commands()
        clauses = ClauseReader(self.registry, self.hints(), self.calls)
        action, note = self.words("action"), self.words("note")
        self.action(clauses)
        passes = self.passes(clauses)
        self.note(clauses, passes)
        for entry in self.entries("evidence"):
            clauses.read_evidence(entry)
        self.misspelt()
        fields = {
            "id": self.identity,
            "title": raw(title, self.gate.title.span),
            "owners": self.owners(),
            "commands": self.calls.authored + self.calls.brought,
            "criteria": clauses.criteria,
            "questions": self.questions + clauses.questions,
            "evidence": self.evidence(),
            "action": action,
            "note": note,
            "pass": "; ".join(text.plain for text in passes),
            "ci_jobs": self.ci_jobs(),
            "cache": self.words("cache"),
            "optional": True if _OPTIONAL.search(title) else None,
            "condition": condition[1] if condition else "",
            "unread": [raw(text.text, text.span) for text in self.unread],
        }
        return GateProse(record(self.gate.title.span, **fields), tuple(clauses.readings))

    def entries(self, name: str) -> list[Written]:
        return [entry for one in self.fields.get(name, ()) for entry in one.entries]

    def words(self, name: str) -> str:
        return "; ".join(entry.plain for entry in self.entries(name))

    def hints(self) -> str:
        """What the hints of families are looked for in: the title and the commands."""
        return "\n".join([self.gate.title.plain, *(entry.plain for entry in self.entries("commands"))])

    def commands(self) -> None:
        for entry in self.entries("commands"):
            for piece in entry.split(";"):
                reading = read_entry(piece, len(self.calls.authored) + 1, self.registry)
                self.unread += reading.unread
                self.questions += reading.questions
                if reading.call is not None:
                    self.calls.authored.append(reading.call)

    def action(self, clauses: ClauseReader) -> None:
        """An action's words may be a phrase or a clause that a kind understands; what is not, asks the owner."""
        if not self.fields.get("action"):
            return
        asked = bool(self.calls.authored)
        for entry in self.entries("action"):
            found = phrase_of(entry.bare().plain, self.registry)
            if found is not None:
                probe, params = found
                number = str(len(self.calls.authored) + 1)
                fields = {"id": number, "kind": probe.name, **params, "text": entry.plain}
                self.calls.authored.append(record(entry.span, **fields))
                continue
            clauses.read(entry, "action", ask=False)
            for piece in self.left(entry, clauses):
                if not asked:
                    clauses.questions.append(record(piece.span, text=piece.plain, why=NO_COMMAND))
                    clauses.readings.append(ClauseReading(piece.plain, "action", why=NO_COMMAND, span=piece.span))

    def left(self, entry: Written, clauses: ClauseReader) -> list[Written]:
        """The parts of an action that no rule understood."""
        return [part for piece in entry.split(";") for part, matches in clauses.parts(piece.bare()) if not matches]

    def passes(self, clauses: ClauseReader) -> list[Written]:
        texts = self.entries("pass")
        if self.gate.rest is not None:
            if texts or self.calls.authored or self.fields.get("action"):
                self.unread.insert(0, self.gate.rest)
            else:
                texts = [self.gate.rest]
        for text in texts:
            clauses.read(text, "pass")
        return texts

    def note(self, clauses: ClauseReader, passes: list[Written]) -> None:
        """A note asks nothing, except where the gate says nothing else: a kind may know what it is about."""
        if passes or self.calls.authored or self.fields.get("action"):
            return
        for entry in self.entries("note"):
            clauses.read(entry, "note", ask=False)

    def evidence(self) -> list[Raw]:
        return [record(entry.span, **item) for entry in self.entries("evidence") for item in proof.evidence(entry)]

    def owners(self) -> list[Raw]:
        return [
            raw(piece.plain, piece.span)
            for entry in self.entries("owners")
            for piece in entry.bare().split(r"[,;]\s*|\s+and\s+|\s*&\s*")
        ]

    def ci_jobs(self) -> list[Raw]:
        return [
            raw(only_code(piece.text) or piece.plain, piece.span)
            for entry in self.entries("ci_jobs")
            for piece in entry.bare().split(r"[,;]\s*|\s+and\s+")
        ]

    def misspelt(self) -> None:
        """Text stays text; but where it starts almost like a field, its author wants to know."""
        for text in self.unread:
            label = re.match(r"^\W*([A-Za-z][A-Za-z ]{2,20}):", text.text)
            near = nearest(label[1].lower(), FIELD_NAMES) if label else None
            if label and near:
                self.problems.warning(
                    "unknown-field",
                    f"`{label[1]}` is no field of a gate; it is kept as text",
                    text.cut(label.start(1), label.end(1)).span,
                    label=f"did you mean `{near.capitalize()}`?",
                    help=f"write `{near.capitalize()}:`, or leave it as a remark",
                )


def _end(pattern: re.Pattern[str], text: str) -> int:
    match = pattern.match(text)
    return match.end() if match else 0
