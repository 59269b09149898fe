"""`gonogo plan`: what a run would do, without doing any of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from gonogo.cli.failure import tell
from gonogo.cli.options import INPUTS, checklist_argument, output_option, pairs
from gonogo.cli.place import Place, here, write
from gonogo.engine.visit import visit
from gonogo.model.checklist import Call
from gonogo.model.codec import dump
from gonogo.model.plan import Node, Plan
from gonogo.plugins import OutOfReach
from gonogo.telling.sheet import Line, Piece, line, phase_heading, plain
from gonogo.telling.terminal import console_for, is_terminal, show, width_of
from gonogo.telling.words import crop, number, safe


@click.command("plan")
@checklist_argument
@INPUTS
@click.option("--target", metavar="NAME", help="Where the release would go.  [default: staging]")
@click.option("--format", "kind", type=click.Choice(["text", "json"]), default="text", show_default=True)
@output_option
def command(checklist: Path | None, inputs: tuple[str, ...], target: str | None, kind: str, output: Path | None) -> int:
    """Print what a run of CHECKLIST would do.

    Works without the values of inputs and without a git repository; commands are shown as they are written. With
    `--target`, the target itself is asked what is there, and what somebody changed since it was put there.
    """
    place = here(repository=False, target=target)
    loaded = place.load(checklist)
    tell(loaded.warnings)
    frozen = place.plan(loaded.checklist, pairs(inputs))
    there = on_target(place, frozen) if target is not None and place.repository else None
    if kind == "json":
        write(json.dumps({**document(frozen), "there": there}, indent=2, ensure_ascii=False) + "\n", output)
    elif output is None and is_terminal(sys.stdout):
        console = console_for(sys.stdout)
        show(console, [*_lines(frozen, width_of(console)), *_there(frozen, there)])
    else:
        write(plain([*_lines(frozen, 100), *_there(frozen, there)]), output)
    return 0


def on_target(place: Place, frozen: Plan) -> dict[str, Any] | None:
    """What is on the target, and what a rollout would do to each of its services; None: the plan has no target."""
    if frozen.spec is None:
        return None
    try:
        with visit(frozen, root=place.root, registry=place.registry) as target:
            trouble = target.trouble()
            if trouble is not None:
                return {"trouble": trouble.message, "help": trouble.help}
            state = target.load()
            current = state.release(state.current)
            differences = target.differences(current) if current is not None else ()
            unfinished = dump(state.unfinished) if state.unfinished is not None else None
            stable = state.stable.id if state.stable is not None else None
    except OutOfReach as error:
        return {"trouble": error.message, "help": error.help}
    return {
        "current": {"release": current.id, "commit": current.commit} if current is not None else None,
        "stable": stable,
        "same_commit": current is not None and current.commit == frozen.subject.commit,
        "drift": [dump(one) for one in differences if one.change != "untouched"],
        "services": [one.service for one in differences],
        "unfinished": unfinished,
    }


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


def _there(frozen: Plan, there: dict[str, Any] | None) -> list[Line]:
    """What the target says, and what a rollout would do there."""
    if there is None:
        return []
    lines: list[Line] = [line(), line(f"  on `{safe(frozen.target)}`", "head")]
    if "trouble" in there:
        return [*lines, line(f"       {safe(there['trouble'])}", "warn"), line(f"       {safe(there['help'])}", "dim")]
    current = there["current"]
    if current is None:
        lines.append(line("       nothing that gonogo put there: a rollout creates every service"))
    elif there["same_commit"] and not there["drift"]:
        lines.append(line(f"       {current['release']} is this commit, and untouched: a rollout starts nothing anew"))
    else:
        what = ", ".join(f"`{safe(name)}`" for name in there["services"]) or "its services"
        lines.append(line(f"       {current['release']} ({current['commit'][:12]}): a rollout recreates {what}"))
    drift = (f"       drift: `{safe(one['service'])}` differs from it: {safe(one['why'])}" for one in there["drift"])
    lines += [line(text, "warn") for text in drift]
    if there["unfinished"] is not None:
        left = there["unfinished"]
        lines.append(line(f"       unfinished: a {left['act']} to r{left['into']} of run {left['run']}", "warn"))
    back = there["stable"]
    lines.append(line(f"       the way back: {back}" if back else "       there is no way back yet", "dim"))
    return lines
