"""`gonogo plan`: what a run would do, without doing any of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from gonogo import plan
from gonogo.cli.failure import tell
from gonogo.cli.options import INPUTS, checklist_argument, output_option, pairs
from gonogo.cli.place import Place, here, write
from gonogo.model.checklist import Call, Checklist
from gonogo.model.codec import dump
from gonogo.model.plan import Node, Plan
from gonogo.outputs.sheet import Line, Piece, line, phase_heading, plain
from gonogo.outputs.terminal import console_for, is_terminal, show, width_of
from gonogo.outputs.words import crop, number, safe
from gonogo.owners import roster


@click.command("plan")
@checklist_argument
@INPUTS
@click.option("--target", metavar="NAME", help="Where the release would go.  [default: staging]")
@click.option("--format", "kind", type=click.Choice(["text", "json"]), default="text", show_default=True)
@output_option
def command(checklist: Path | None, inputs: tuple[str, ...], target: str | None, kind: str, output: Path | None) -> int:
    """Print what a run of CHECKLIST would do.

    Works without the values of inputs and without a git repository; commands are shown as they are written.
    """
    place = here(repository=False, target=target)
    loaded = place.load(checklist)
    tell(loaded.warnings)
    frozen = compiled(place, loaded.checklist, pairs(inputs))
    if kind == "json":
        write(json.dumps(document(frozen), indent=2, ensure_ascii=False) + "\n", output)
    elif output is None and is_terminal(sys.stdout):
        console = console_for(sys.stdout)
        show(console, _lines(frozen, width_of(console)))
    else:
        write(plain(_lines(frozen, 100)), output)
    return 0


def compiled(place: Place, checklist: Checklist, inputs: dict[str, str]) -> Plan:
    """The frozen plan of everything required."""
    subject = place.subject()
    crew = roster.at(checklist, place.root, subject.commit)
    return plan.compile(
        checklist,
        subject=subject,
        target=place.settings.target,
        inputs=inputs,
        registry=place.registry,
        root=place.root,
        allow_dirty=place.settings.allow_dirty,
        roster=crew.roster,
        people=crew.people,
    )


def document(frozen: Plan) -> dict[str, Any]:
    """The plan as plain data: phases, and in each its gates."""
    return {
        "format": "gonogo.plan/1",
        "title": frozen.title,
        "checklist": {"path": frozen.source, "digest": frozen.checklist_digest},
        "digest": frozen.digest,
        "subject": {**dump(frozen.subject), "clean": frozen.subject.clean},
        "target": frozen.target,
        "inputs": dict(frozen.inputs),
        "missing_inputs": {name: list(places) for name, places in frozen.missing_inputs.items()},
        "phases": [
            {
                "id": phase.id,
                "title": phase.title,
                "gates": [_gate(node) for node in frozen.nodes if node.gate.phase == phase.id],
            }
            for phase in frozen.phases
        ],
    }


def _gate(node: Node) -> dict[str, Any]:
    gate = node.gate
    return {
        "id": gate.id,
        "title": gate.title,
        "phase": gate.phase,
        "owners": list(gate.owners),
        "commands": [shown(call) for call in gate.calls],
        "calls": [dump(call) for call in gate.calls],
        "action": gate.action,
        "passes": gate.passes,
        "criteria": [criterion.expression for criterion in gate.criteria],
        "questions": [question.text for question in gate.questions],
        "evidence": [item.path or item.text for item in gate.evidence],
        "ci_job": ", ".join(gate.ci_jobs) or None,
        "cache": gate.cache or None,
        "optional": gate.optional,
        "needs": list(node.needs),
        "not_applicable": node.not_applicable,
        "left_out": node.left_out,
        "unread": list(gate.unread),
    }


def shown(call: Call) -> str:
    """A call as a person would type or say it: the command line, else what its author wrote, else kind and params."""
    params = (f"{key} {json.dumps(value, ensure_ascii=False)}" for key, value in call.params.items())
    return str(call.params.get("run") or call.text or " ".join([call.kind, ", ".join(params)]).strip())


def _lines(frozen: Plan, width: int) -> list[Line]:
    gates = number(len(frozen.nodes), "gate")
    lines: list[Line] = [
        line(safe(frozen.title), "head"),
        line(
            f"{number(len(frozen.phases), 'phase')}, {gates} → {safe(frozen.target)}, plan {frozen.digest[:12]}", "dim"
        ),
    ]
    for phase in frozen.phases:
        lines += [line(), phase_heading(phase.id, phase.title, width)]
        for node in frozen.nodes:
            if node.gate.phase == phase.id:
                lines += _node_lines(node, width)
    for name, places in frozen.missing_inputs.items():
        lines += [line(), line(f"  a run needs --input {name}=VALUE: {safe(places[0])}", "warn")]
    return lines


def _node_lines(node: Node, width: int) -> list[Line]:
    gate = node.gate
    still = node.not_applicable or node.left_out
    lines: list[Line] = [
        (
            Piece("     "),
            Piece(crop(safe(gate.title), width - 30), "dim" if still else "bold"),
            Piece(f"  {gate.id}" + (f"  ({safe(still)})" if still else ""), "dim"),
        )
    ]
    lines += [line(f"       $ {safe(shown(call))}") for call in gate.calls]
    lines += [line(f"       = {safe(criterion.expression)}") for criterion in gate.criteria]
    lines += [line(f"       ? {safe(question.text)}", "warn") for question in gate.questions]
    return lines
