"""`gonogo status`: what runs now, and how the last run ended."""

from __future__ import annotations

import sys

import click

from gonogo.cli.options import format_option
from gonogo.cli.place import here, output_called, rendered, write
from gonogo.model.outcome import State
from gonogo.model.run import RunState, RunView
from gonogo.telling.sheet import Line, Piece, line, opening, verdict_sentence
from gonogo.telling.terminal import console_for, show, width_of
from gonogo.telling.words import safe


@click.command("status")
@format_option
def command(kind: str) -> int:
    """Say what runs now, and how the last run ended."""
    place = here()
    output_called(place, kind)
    view = place.run_view()
    if kind != "text":
        write(rendered(place, view, kind))
        return 0
    console = console_for(sys.stdout)
    width = width_of(console)
    show(console, [*opening(view, width), *verdict_sentence(view, width), *_now(view)])
    return 0


def _now(view: RunView) -> list[Line]:
    """Who runs it, and the gates at work."""
    if view.state is not RunState.RUNNING:
        return []
    holder = view.holder
    who = f"{holder.get('user', 'somebody')} on {holder.get('host', 'some host')}, process {holder.get('pid', '?')}"
    lines = [line(f"  by {safe(who)}, since {view.started}")]
    at_work = [gate.gate.title for gate in view.gates if gate.verdict.state is State.RUNNING]
    return [*lines, *((Piece("    running  ", "calm"), Piece(safe(title))) for title in at_work)]
