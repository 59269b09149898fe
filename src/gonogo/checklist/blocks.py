"""The `yaml gonogo` blocks of a document, laid over its prose: under a gate, a phase, or elsewhere for the whole."""

from __future__ import annotations

from gonogo.checklist.fields import CHECKLIST, PHASE
from gonogo.checklist.markdown import Block, Document
from gonogo.checklist.merge import merge
from gonogo.text.raw import Raw
from gonogo.text.source import Problems, Source


def with_blocks(document: Document, prose: Raw, source: Source, problems: Problems) -> tuple[Raw, dict[str, str]]:
    """The prose with every block over it, and the gates that a block renamed (old id -> new id)."""
    renamed: dict[str, str] = {}
    phases: list[Raw] = []
    for_all: list[Raw] = []
    given = prose.get("phases")
    for text, phase in zip(document.phases, (given.items if given is not None else None) or [], strict=True):
        gates_raw = phase.get("gates")
        gates = []
        for gate_text, gate in zip(text.gates, (gates_raw.items if gates_raw is not None else None) or [], strict=True):
            merged = _over(gate, gate_text.blocks, source, problems)
            old, new = gate.get("id"), merged.get("id")
            if old is not None and new is not None and old.value != new.value:
                renamed[str(old.value)] = str(new.value)
            gates.append(merged)
        fields = {**(phase.mapping or {}), "gates": Raw(gates, phase.span)}
        mine, whole = _sorted(text.blocks, source, problems)
        phases.append(_laid(Raw(fields, phase.span, phase.keys), mine))
        for_all += whole
    everything = Raw({**(prose.mapping or {}), "phases": Raw(phases, source.span(0))}, source.span(0), prose.keys)
    everything = _over(everything, document.blocks, source, problems)
    return _laid(everything, for_all), renamed


def _sorted(blocks: list[Block], source: Source, problems: Problems) -> tuple[list[Raw], list[Raw]]:
    """Blocks below a phase's heading: those for the phase, and those that speak of the whole document."""
    mine: list[Raw] = []
    whole: list[Raw] = []
    for found in _parsed(blocks, source, problems):
        speaks_of_all = set(found.mapping or ()) & (set(CHECKLIST.names) - set(PHASE.names))
        (whole if speaks_of_all else mine).append(found)
    return mine, whole


def _over(prose: Raw, blocks: list[Block], source: Source, problems: Problems) -> Raw:
    return _laid(prose, _parsed(blocks, source, problems))


def _laid(prose: Raw, blocks: list[Raw]) -> Raw:
    for block in blocks:
        prose = merge(prose, block)
    return prose


def _parsed(blocks: list[Block], source: Source, problems: Problems) -> list[Raw]:
    from gonogo.text.yaml import parse_block

    parsed = []
    for block in blocks:
        found = parse_block(source, block.text, problems, first_line=block.line, indent=block.indent)
        if found is not None and found.mapping is None:
            problems.error(
                "wrong-type", "a `yaml gonogo` block must be a mapping", block.span, help="write `field: value`"
            )
        elif found is not None:
            parsed.append(found)
    return parsed
