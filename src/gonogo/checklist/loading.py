"""A file -> `Loaded`: which form it has, its blocks, every mistake in it at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from gonogo.checklist.clauses import ClauseReading
from gonogo.checklist.lint import lint
from gonogo.checklist.roster import lint_roster
from gonogo.checklist.shape import shape
from gonogo.checklist.source import read
from gonogo.errors import Diagnostic, InputError, Severity, nearest
from gonogo.frozen import dataclass
from gonogo.model.checklist import Checklist, Gate
from gonogo.plugins import Registry
from gonogo.text.raw import Raw
from gonogo.text.source import Problems, Source

NAMES = ("gonogo.yaml", "gonogo.yml", "READINESS.md")
"""What a checklist is called where none is named, the first that is there."""

MARKDOWN = (".md", ".markdown")
YAML = (".yaml", ".yml", ".json")
FROM_YAML = "yaml"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checklist, what there is to remark on it, and how its clauses were read."""

    checklist: Checklist
    warnings: tuple[Diagnostic, ...] = ()
    """Warnings and notes, in the order of the text."""
    readings: Mapping[str, tuple[ClauseReading, ...]] = field(default_factory=dict)
    """By the gate's id, for `explain`."""


def find(root: Path, current: Path | None = None) -> Path:
    """The nearest checklist from the directory `current` (absent: the top) up to the top of the repository at `root`.

    Raises `InputError` where there is none.
    """
    start = root if current is None or not current.is_relative_to(root) else current
    directories = [place for place in (start, *start.parents) if place.is_relative_to(root)]
    for place in (directory / name for directory in directories for name in NAMES):
        if place.is_file():
            return place
    raise InputError.of(
        "checklist-missing",
        f"there is no checklist in `{start}`{' or above it' if start != root else ''}: "
        f"looked for {', '.join(f'`{name}`' for name in NAMES)}",
        help="name one (`gonogo run READINESS.md`), or run `gonogo init` to write one",
    )


def load(path: Path, registry: Registry) -> Loaded:
    """The checklist in the file at `path`, in the form that its extension says.

    A pure function of the text and the registry: no other file is read. Raises `InputError` with every mistake.
    """
    extension = path.suffix.lower()
    if extension not in (*MARKDOWN, *YAML):
        raise InputError.of(
            "unknown-form", f"`{path}` is neither Markdown nor YAML by its name", help="name it .md, .yaml or .yml"
        )
    source = read(path)
    return load_markdown(source, registry) if extension in MARKDOWN else load_yaml(source, registry)


def load_yaml(source: Source, registry: Registry) -> Loaded:
    """A text in the YAML form."""
    from gonogo.text.yaml import parse

    problems = Problems()
    raw = parse(source, problems)
    if raw is None:
        if not problems.found:
            problems.error(
                "empty-checklist", "the file says nothing", source.span(0), help="write `title:` and `phases:`"
            )
        problems.raise_errors()
        raise AssertionError("unreachable: an empty text is an error")
    return _finish(raw, source, registry, problems, {}, prose=False)


def load_markdown(source: Source, registry: Registry) -> Loaded:
    """A text in the document form."""
    problems = Problems()
    raw, readings = _compiled(source, registry, problems)
    return _finish(raw, source, registry, problems, readings, prose=True)


def read_back(text: str, registry: Registry) -> Checklist:
    """The checklist that a Markdown text says, whatever its mistakes: for export, which compares it."""
    problems = Problems()
    source = Source.of("", text)
    raw, _ = _compiled(source, registry, problems)
    return shape(raw, "", registry, problems)


def _compiled(
    source: Source, registry: Registry, problems: Problems
) -> tuple[Raw, dict[str, tuple[ClauseReading, ...]]]:
    from gonogo.checklist.blocks import with_blocks
    from gonogo.checklist.markdown import parse
    from gonogo.checklist.prose import compile_document

    document = parse(source)
    for stray in document.strays:
        problems.error(
            "phase-heading-level",
            f"`{stray.plain}` reads like a phase, but only a heading of level 2 opens one",
            stray.span,
            help=f"write `## {stray.plain}`",
        )
    prose = compile_document(document, registry, problems)
    raw, renamed = with_blocks(document, prose.raw, source, problems)
    readings = {renamed.get(name, name): found for name, found in prose.readings.items()}
    if raw.get("title") is None:
        problems.warning("no-title", "the document has no title", source.span(0), help="begin it with `# Title`")
        fields = {**(raw.mapping or {}), "title": Raw(Path(source.file).stem, source.span(0))}
        raw = Raw(fields, raw.span or source.span(0), raw.keys)
    return raw, readings


def _finish(
    raw: Raw,
    source: Source,
    registry: Registry,
    problems: Problems,
    readings: Mapping[str, tuple[ClauseReading, ...]],
    *,
    prose: bool,
) -> Loaded:
    checklist = shape(raw, source.file, registry, problems)
    if raw.mapping is not None:
        lint(checklist, problems, prose=prose, raws=_gates(raw))
        lint_roster(checklist, raw, problems)
    problems.raise_errors()
    told = tuple(d for d in problems.in_order() if d.severity is not Severity.ERROR)
    return Loaded(checklist, told, {g.id: _readings(g, readings.get(g.id, ())) for g in checklist.gates})


def _gates(raw: Raw) -> list[Raw]:
    """The gates as written, in the order of the checklist's."""
    phases = raw.get("phases")
    return [
        gate
        for phase in (phases.items if phases is not None else None) or ()
        if (gates := phase.get("gates")) is not None
        for gate in gates.items or ()
    ]


def _readings(gate: Gate, prose: tuple[ClauseReading, ...]) -> tuple[ClauseReading, ...]:
    """What became of each clause in the end: blocks may have answered what the prose left open."""
    by_text = {question.text: question for question in gate.questions}
    found = []
    for one in prose:
        kept = tuple(c for c in one.criteria if any(k.expression == c for k in gate.criteria))
        question = by_text.get(one.clause)
        written = tuple(c.expression for c in gate.criteria if c.clause == one.clause)
        if one.source == "evidence":
            found.append(one)
        elif one.criteria and kept:
            found.append(ClauseReading(one.clause, one.source, one.rules, kept, brought=one.brought, span=one.span))
        elif written:
            found.append(ClauseReading(one.clause, one.source, (FROM_YAML,), written, span=one.span))
        else:
            found.append(
                ClauseReading(
                    one.clause, one.source, question=question.id if question else "", why=one.why, span=one.span
                )
            )
    told = {c for one in found for c in one.criteria}
    for criterion in gate.criteria:
        if criterion.expression not in told:
            text = criterion.clause or criterion.expression
            found.append(ClauseReading(text, FROM_YAML, (FROM_YAML,), (criterion.expression,), span=criterion.span))
    asked = {one.question for one in found}
    found += [
        ClauseReading(question.text, FROM_YAML, question=question.id, why=question.why, span=question.span)
        for question in gate.questions
        if question.id not in asked
    ]
    return tuple(found)


def explain(loaded: Loaded, gate: str) -> tuple[ClauseReading, ...]:
    """What became of each clause of a gate: the criteria and the rules, or the question and why.

    Raises `InputError` naming the nearest gate where there is no such gate.
    """
    found = loaded.readings.get(gate)
    if found is None:
        near = nearest(gate, loaded.readings)
        raise InputError.of(
            "unknown-gate",
            f"there is no gate `{gate}`",
            help=f"use `{near}`" if near else "run `gonogo check` to see the gates",
        )
    return found
