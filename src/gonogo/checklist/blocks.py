"""The `yaml gonogo` blocks of a document, laid over its prose: under a gate, a phase, or anywhere else for the whole."""

from __future__ import annotations

from gonogo.checklist.markdown import Block, Document
from gonogo.checklist.merge import merge
from gonogo.checklist.raw import Raw
from gonogo.checklist.source import Problems, Source


def with_blocks(document: Document, prose: Raw, source: Source, problems: Problems) -> tuple[Raw, dict[str, str]]:
    """The prose with every block over it, and the gates that a block renamed (old id -> new id)."""
    renamed: dict[str, str] = {}
    phases = []
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
        phases.append(_over(Raw(fields, phase.span, phase.keys), text.blocks, source, problems))
    whole = Raw({**(prose.mapping or {}), "phases": Raw(phases, source.span(0))}, source.span(0), prose.keys)
    return _over(whole, document.blocks, source, problems), renamed


def _over(prose: Raw, blocks: list[Block], source: Source, problems: Problems) -> Raw:
    from gonogo.checklist.yaml import parse_block

    for block in blocks:
        found = parse_block(source, block.text, problems, first_line=block.line, indent=block.indent)
        if found is None:
            continue
        if found.mapping is None:
            problems.error(
                "wrong-type", "a `yaml gonogo` block must be a mapping", block.span, help="write `field: value`"
            )
            continue
        prose = merge(prose, found)
    return prose
