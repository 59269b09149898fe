"""`gonogo releases`: what is on a target, what was, and what a rollback goes back to."""

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
from gonogo.ledger.lease import Holder
from gonogo.model.codec import dump
from gonogo.model.plan import Plan
from gonogo.model.release import Release, ReleaseState, TargetState
from gonogo.telling.sheet import Line, Piece, line, plain
from gonogo.telling.terminal import console_for, is_terminal, show
from gonogo.telling.words import safe

_STYLES = {
    ReleaseState.STABLE: "pass",
    ReleaseState.FAILED: "fail",
    ReleaseState.REVERTED: "fail",
    ReleaseState.DEPLOYED: "calm",
    ReleaseState.DEPLOYING: "warn",
}


@click.command("releases")
@checklist_argument
@INPUTS
@click.option("--target", metavar="NAME", help="Which target.  [default: staging]")
@click.option("--format", "kind", type=click.Choice(["text", "json"]), default="text", show_default=True)
@output_option
def command(checklist: Path | None, inputs: tuple[str, ...], target: str | None, kind: str, output: Path | None) -> int:
    """List the releases that a target remembers, the newest first.

    The target itself is asked, so that every clone, user and host sees the same.
    """
    place = here(target=target)
    frozen = plan_of(place, checklist, pairs(inputs))
    with visit(frozen, root=place.root, registry=place.registry) as there:
        state, holder = there.load(), there.holder()
        drift = [dump(one) for one in _drift(there, state)]
    told = {"format": "gonogo.releases/1", "target": frozen.target, **dump(state), "holder": holder, "drift": drift}
    if kind == "json":
        write(json.dumps(told, indent=2, ensure_ascii=False) + "\n", output)
    elif output is None and is_terminal(sys.stdout):
        show(console_for(sys.stdout), _lines(frozen.target, state, told))
    else:
        write(plain(_lines(frozen.target, state, told)), output)
    return 0


def plan_of(place: Place, checklist: Path | None, inputs: dict[str, str]) -> Plan:
    """The frozen plan of the checklist, whose target is meant."""
    loaded = place.load(checklist)
    tell(loaded.warnings)
    return place.plan(loaded.checklist, inputs)


def _drift(there: Any, state: TargetState) -> list[Any]:
    """What somebody changed since the release that is there was put there."""
    current = state.release(state.current)
    if current is None:
        return []
    return [one for one in there.differences(current) if one.change != "untouched"]


def _lines(target: str, state: TargetState, told: dict[str, Any]) -> list[Line]:
    if not state.releases:
        return [line(f"  no release was put on `{safe(target)}` by gonogo yet", "dim"), *_remarks(told)]
    stable = state.stable
    newest = (_release(one, there=one.number == state.current, back=one is stable) for one in reversed(state.releases))
    return [line(f"  {safe(target)}", "head"), *newest, *_remarks(told)]


def _release(release: Release, *, there: bool, back: bool) -> Line:
    marks = [*(["there now"] if there else []), *(["last stable"] if back else [])]
    more = f"  ({', '.join(marks)})" if marks else ""
    dirty = "" if release.clean else ", from a dirty tree"
    return (
        Piece("  → " if there else "    ", "bold"),
        Piece(f"{release.id:<5}", "bold"),
        Piece(f"{release.state.value:<10}", _STYLES[release.state]),
        Piece(f"{release.commit[:12]}  {release.made}"),
        Piece(f"{more}{dirty}", "dim"),
    )


def _remarks(told: dict[str, Any]) -> list[Line]:
    lines: list[Line] = []
    if told["holder"] is not None:
        lines.append(line(f"  locked by {safe(Holder.of(dict(told['holder'])).shown)}", "warn"))
    left = told["unfinished"]
    if left is not None:
        lines.append(line(f"  unfinished: a {left['act']} to r{left['into']} of run {left['run']}", "warn"))
    drift = (f"`{safe(one['service'])}` would be {one['change']}d: {safe(one['why'])}" for one in told["drift"])
    return [*lines, *(line(f"  drift: {text}", "warn") for text in drift)]
