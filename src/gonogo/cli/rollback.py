"""`gonogo rollback`: put an earlier release back by the way of every rollout, prove it, and stay there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from gonogo import engine
from gonogo.cli.failure import say
from gonogo.cli.options import INPUTS, checklist_argument, pairs, parse_seconds
from gonogo.cli.place import here
from gonogo.cli.releases import plan_of
from gonogo.model.outcome import ExitCode, Outcome
from gonogo.plan.rollout import only
from gonogo.telemetry.watched import Watched
from gonogo.telling.terminal import listening, show_ending


@click.command("rollback")
@checklist_argument
@click.option("--to", default="", metavar="RELEASE", help="Such as `r7`.  [default: the last stable one not there now]")
@INPUTS
@click.option("--target", metavar="NAME", help="Which target.  [default: staging]")
@click.option("--lock-wait", callback=parse_seconds, metavar="TIME", help="For the target's lock, if it is held.")
@click.option("--stable", callback=parse_seconds, metavar="TIME", help="How long it must hold.  [default: 30s]")
def command(checklist: Path | None, *, to: str, inputs: tuple[str, ...], stable: float | None, **given: Any) -> int:
    """Put an earlier release back, prove that it holds and answers, and stay there.

    Goes to the last stable release as the target itself remembers it, with the smoke checks of CHECKLIST. It is a run
    of its own: in the ledger before anything happens, shown by `gonogo show`, and to be gone on with after `kill -9`.
    """
    place = here(**given)
    values = pairs(inputs)
    params = {"to": to, "drill": False, **({"stable_seconds": stable} if stable is not None else {})}
    frozen = only(plan_of(place, checklist, values), "rollback", params, place.registry)
    with listening(sys.stderr) as listener:
        view = engine.run(
            frozen,
            root=place.root,
            state=place.state,
            registry=place.registry,
            settings=place.settings,
            listener=Watched(listener, place.settings, place.registry),
            secret_inputs={name: values[name] for name in frozen.secret_inputs if name in values},
        )
    show_ending(sys.stderr, view)
    back = next((gate.verdict for gate in view.gates), None)
    if back is not None and back.outcome is Outcome.PASS:
        say(back.notes[0] if back.notes else "the earlier release is back")
        return int(ExitCode.GO)
    return int(view.exit_code if view.exit_code is not None else ExitCode.INTERRUPTED)
