"""`gonogo check`: what a checklist says, and what gonogo could not make of it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from gonogo.checklist.near import why_a_question
from gonogo.cli.failure import tell
from gonogo.cli.options import checklist_argument
from gonogo.cli.place import here, write
from gonogo.cli.plan import shown
from gonogo.cli.waivers import looked_at, refuse_mistakes, section
from gonogo.model.checklist import Checklist
from gonogo.model.plan import Plan
from gonogo.plugins import Registry
from gonogo.telling.sheet import Line, Piece, line, plain
from gonogo.telling.terminal import console_for, is_terminal, show, width_of
from gonogo.telling.words import cells, crop, listed, number, safe, wrap


@click.command("check")
@checklist_argument
def command(checklist: Path | None) -> int:
    """Read CHECKLIST and tell every mistake in it and in the waivers, with its place.

    Then: its phases and gates, the questions its owners must answer, the text that no rule understood, and the
    commands that lead nowhere here. Exits 0 where there is no mistake, 2 where there is one.
    """
    place = here(repository=False)
    loaded = place.load(checklist)
    waivers, told = looked_at(place, loaded.checklist)
    refuse_mistakes([*loaded.warnings, *told])
    tell([*loaded.warnings, *told])
    frozen = place.plan(loaded.checklist, {})
    warnings = len(loaded.warnings) + len(told)
    console = console_for(sys.stdout) if is_terminal(sys.stdout) else None
    width = width_of(console) if console is not None else 100
    page = [*lines(loaded.checklist, frozen, place.registry, warnings, width), *section(waivers, width)]
    if console is not None:
        show(console, page)
    else:
        write(plain(page))
    return 0


def lines(checklist: Checklist, frozen: Plan, registry: Registry, warnings: int, width: int) -> list[Line]:
    """The report of a checklist that loads."""
    criteria = sum(len(gate.criteria) for gate in checklist.gates)
    questions = [(gate, question) for gate in checklist.gates for question in gate.questions]
    phases = number(len(checklist.phases), "phase")
    gates = number(len(checklist.gates), "gate")
    here = f" · commands run in `{frozen.directory}/`" if frozen.directory else ""
    page: list[Line] = [
        line(safe(f"{checklist.source or checklist.title}: {phases} and {gates}"), "head"),
        line(
            f"{number(criteria, 'criterion', 'criteria')}, {number(len(questions), 'question')}, "
            f"{number(warnings, 'warning')}{safe(here)}",
            "dim",
        ),
        line(),
    ]
    for phase in checklist.phases:
        count = number(len(phase.gates), "gate")
        title = crop(safe(phase.title), width - 20)
        gap = " " * max(1, width - 18 - cells(title))
        page.append((Piece(f"  {safe(phase.id)}  ", "dim"), Piece(title), Piece(f"{gap}{count:>10}", "dim")))
    page += _section(
        "questions for owners (answered by a person, so a run holds until then)",
        (
            f"{gate.title}: {question.text} ({why_a_question(question.why, question.text, gate, registry)})"
            for gate, question in questions
        ),
        width,
    )
    page += _section("text that no rule understood (kept, and judged by nobody)", _unread(checklist), width)
    page += _section("commands that lead nowhere here", _hollow(frozen), width)
    page += _section("values a run will ask for", _inputs(frozen), width)
    return page


def _unread(checklist: Checklist) -> Iterable[str]:
    for phase in checklist.phases:
        yield from (f"phase {phase.id}: {text}" for text in phase.unread)
        for gate in phase.gates:
            yield from (f"{gate.title}: {text}" for text in gate.unread)


def _hollow(frozen: Plan) -> Iterable[str]:
    """Commands whose script or file is missing, together under each reason."""
    reasons: dict[str, list[str]] = {}
    for node in frozen.nodes:
        for call in node.gate.calls:
            if call.id in node.problems:
                reasons.setdefault(node.problems[call.id], []).append(f"`{shown(call)}`")
    for reason, calls in reasons.items():
        yield f"{reason}: {listed(list(dict.fromkeys(calls)), 4)}"


def _inputs(frozen: Plan) -> Iterable[str]:
    for name, places in frozen.missing_inputs.items():
        yield f"--input {name}=VALUE, for {places[0]}" + (f" and {len(places) - 1} more" if len(places) > 1 else "")


def _section(heading: str, items: Iterable[str], width: int) -> list[Line]:
    page: list[Line] = []
    for item in items:
        first, *rest = wrap(safe(item), max(20, width - 4))
        page += [line(f"  · {first}"), *(line(f"    {more}") for more in rest)]
    return [line(), line(heading, "head"), *page] if page else []
