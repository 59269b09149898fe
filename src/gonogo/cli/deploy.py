"""`gonogo deploy`: run a checklist up to the phase of its rollout, and no further."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gonogo.cli.options import INPUTS, checklist_argument, format_option, output_option, pairs, parse_seconds
from gonogo.cli.place import here, output_called
from gonogo.cli.releases import plan_of
from gonogo.cli.run import show, started
from gonogo.errors import InputError
from gonogo.model.outcome import ExitCode, Outcome
from gonogo.model.plan import Plan
from gonogo.model.run import RunView
from gonogo.plan import Selection
from gonogo.plan.rollout import puts_a_release
from gonogo.plugins import Registry


@click.command("deploy")
@checklist_argument
@INPUTS
@click.option("--target", metavar="NAME", help="Where the release goes.  [default: staging]")
@click.option("--allow-dirty", is_flag=True, default=None, help="Also from a tree with uncommitted changes.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Gates at the same time.  [default: cores]")
@click.option("--time-budget", callback=parse_seconds, metavar="TIME", help="For the whole run: `90s`, `15m`, `2h`.")
@click.option("--lock-wait", callback=parse_seconds, metavar="TIME", help="For the target's lock, if it is held.")
@format_option
@output_option
def command(checklist: Path | None, kind: str, output: Path | None, inputs: tuple[str, ...], **given: Any) -> int:
    """Run CHECKLIST up to the phase that puts the release on its target, and stop behind it.

    Everything before the rollout is looked at first: a release goes out only with green behind it. Exit code 0 means
    that every gate up to there held and the release is up; a release that was put back is 1. It becomes stable, and a
    way back for later ones, only in a run of the whole checklist.
    """
    place = here(**given)
    output_called(place, kind)
    values = pairs(inputs)
    phases = up_to_the_rollout(plan_of(place, checklist, values), place.registry)
    view = started(place, checklist, Selection(phases=phases), values, {})
    show(place, view, kind, output)
    return int(_code(view, phases))


def up_to_the_rollout(frozen: Plan, registry: Registry) -> tuple[str, ...]:
    """The phases up to the first that puts a release on the target; raises `InputError` where none does."""
    order = [phase.id for phase in frozen.phases]
    at = next((node.gate.phase for node in frozen.nodes if node.runs and puts_a_release(node, registry)), None)
    if at is None:
        raise InputError.of(
            "no-rollout",
            f"no gate of the checklist puts a release on `{frozen.target}`",
            help="add one whose command is `kind: rollout`, or name another target with `--target`",
        )
    return tuple(order[: order.index(at) + 1])


def _code(view: RunView, phases: tuple[str, ...]) -> int:
    """0 where every required gate of these phases is green; else what the decision says."""
    mine = [gate for gate in view.gates if gate.gate.phase in phases and not gate.gate.optional]
    green = all(g.outcome in {Outcome.PASS, Outcome.NOT_APPLICABLE} or g.verdict.waived for g in mine)
    if view.decision is not None and green:
        return int(ExitCode.GO)
    return int(view.exit_code if view.exit_code is not None else ExitCode.INTERRUPTED)
