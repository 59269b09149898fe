"""What a call does to the world, where its author does not say."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gonogo.checklist.fields import DEFAULT_KIND
from gonogo.model.checklist import Effect
from gonogo.plugins import Ask, Invocation, Registry, Tool, Unwrap
from gonogo.shell import DEEPEST, by_executable, recognise, simple_commands

FIRST_WRITING_PHASE = 3
"""`reading.md`: "a command no entry knows is a write in phases 3 to 7 and a read before"."""

_NOWHERE = Path(os.devnull) / "nowhere"
"""A directory that cannot exist: recognising a tool here reads no file, so that every machine agrees."""

_PUBLISHES = re.compile(
    r"\bgh-deploy\b|\bdeploy-docs\b|\b(?:docker|podman)(?: image| compose\b.*)? push\b|\s--push\b"
    r"|\b(?:npm|yarn|pnpm|uv|poetry|cargo) publish\b|\btwine upload\b"
)

_ORDER = (Effect.READ, Effect.WRITE, Effect.PUBLISH)


def effect_of(kind: str, params: Mapping[str, Any], phase: str, registry: Registry) -> Effect:
    """The effect of a call whose author names none.

    A probe or an action has its own. Of a command, the most that a program in it does: a program that a tool entry
    knows does what that says; one that none knows is a write from phase 3 on and a read before. What a launcher
    (`npm run x`) leads to stands in files: the plan, which reads them, decides by the same rule; here it is a read.
    """
    if kind != DEFAULT_KIND:
        known = registry.probes.get(kind)
        return known.effect if known is not None else Effect.READ
    line = str(params.get("run", ""))
    if _PUBLISHES.search(line):
        return Effect.PUBLISH
    unknown = Effect.WRITE if phase.isdecimal() and int(phase) >= FIRST_WRITING_PHASE else Effect.READ
    told = list(_told(line, by_executable(registry.tools), unknown, DEEPEST))
    return max(told or [unknown], key=_ORDER.index)


def _told(line: str, index: Mapping[str, tuple[Tool, ...]], unknown: Effect, depth: int) -> Iterator[Effect]:
    """What each program of a line does, through launchers whose own words name it (`npx playwright test`)."""
    for argv, _ in simple_commands(line, _NOWHERE):
        invocation = Invocation((argv[0].rpartition("/")[2], *argv[1:]), _NOWHERE)
        _, answer = recognise(invocation, index)
        if isinstance(answer, Ask):
            yield answer.effect
        elif not isinstance(answer, Unwrap):
            yield unknown
        elif answer.at or answer.lines:
            launched = [" ".join(argv[answer.at :])] if answer.at else [inner for inner, _ in answer.lines]
            for inner in launched:
                # What a launcher read in a file (a stray package.json at the root of the disk) is no word of this text.
                if depth and set(inner.split()) <= set(" ".join(argv[1:]).split()):
                    yield from _told(inner, index, unknown, depth - 1)
                else:
                    yield Effect.READ
        else:
            yield Effect.READ
