"""A static look at a call: which observations it should yield, what it does to the world, whether it must be alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.checklist import Call, Effect
from gonogo.plan.inputs import shell_fields
from gonogo.plugins import COMMAND_OBSERVATIONS, Ask, Probe, Registry
from gonogo.shell import Leaf, leaves

_HEAVIER = (Effect.READ, Effect.WRITE, Effect.PUBLISH)
FIRST_ACTING_PHASE = 3
"""A command that no tool knows is a write from this phase on, and a read before (`checklist/reading.md`, rules)."""

_BUILDS = re.compile(r"\b(?:run(?:-script)?\s+)?build(?:[:-][\w:-]*)?\b")


@dataclass(frozen=True, slots=True)
class Look:
    """What a call is expected to be."""

    speaks: tuple[str, ...]
    effect: Effect
    exclusive: bool
    problem: str = ""


def look(call: Call, phase: str, root: Path, registry: Registry) -> Look:
    """Look at one call without running it; reads package.json files and the like only."""
    probe = registry.probe(call.kind)
    lines = [str(call.params[name]) for name in sorted(shell_fields(probe.params)) if call.params.get(name)]
    if not lines:
        silent = probe.without(call.params) if probe.without is not None else ()
        names = tuple(t.name for t in probe.yields if t.name not in silent)
        return Look(names, heaviest(call.effect, probe.effect), probe.exclusive)
    cwd = root / str(call.params["cwd"]) if call.params.get("cwd", ".") != "." else root
    found = [leaf for line in lines for leaf in leaves(line, cwd, registry.tools)]
    names = tuple(dict.fromkeys(_names(call.params, found, probe, registry)))
    return Look(
        speaks=names,
        effect=heaviest(probe.effect, _effect(call, found, phase)),
        exclusive=probe.exclusive or any(_alone(leaf) for leaf in found),
        problem=next((leaf.problem for leaf in found if leaf.problem), ""),
    )


def heaviest(*effects: Effect) -> Effect:
    """The effect that changes most."""
    return max(effects, key=_HEAVIER.index)


def _names(params: Mapping[str, Any], found: list[Leaf], probe: Probe, registry: Registry) -> Iterator[str]:
    yield from (t.name for t in COMMAND_OBSERVATIONS)
    yield from (t.name for t in probe.yields)
    if params.get("ask", True):
        for leaf in found:
            if leaf.ask is not None and leaf.tool is not None:
                yield from _asked(leaf.ask, registry) or (t.name for t in leaf.tool.yields)
    for report in params.get("reports", ()):
        parser = registry.parsers.get(str(report.get("parser", "")))
        if parser is not None:
            yield from (t.name for t in parser.yields)


def _asked(ask: Ask, registry: Registry) -> list[str]:
    """What the parsers of the reports that we ask for yield."""
    reports = (*ask.reports, ask.stdout_report, ask.text_report)
    parsers = (registry.parsers.get(report.parser) for report in reports if report is not None)
    return [t.name for parser in parsers if parser is not None for t in parser.yields]


def _effect(call: Call, found: list[Leaf], phase: str) -> Effect:
    """What the command does: its author's word, else its tools', else by phase.

    A word of the author is never made less. Reading the document cannot see through `npm run`; this look can, so
    where every program is known, their word counts.
    """
    known = [leaf.ask.effect for leaf in found if leaf.ask is not None]
    if call.effect_said or call.effect is Effect.PUBLISH:
        return heaviest(call.effect, *known)
    if found and len(known) == len(found):
        return heaviest(*known)
    late = phase.isdecimal() and int(phase) >= FIRST_ACTING_PHASE
    return heaviest(call.effect, Effect.WRITE if late else Effect.READ, *known)


def _alone(leaf: Leaf) -> bool:
    """A tool says so, or a script is called a build: those write where other gates read."""
    return (leaf.ask is not None and leaf.ask.exclusive) or any(_BUILDS.search(line) for line in leaf.via)
