"""`gonogo run`: the whole way from a checklist to a decision."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from gonogo import engine
from gonogo.cli.failure import say, tell
from gonogo.cli.options import INPUTS, checklist_argument, format_option, output_option, pairs, parse_seconds
from gonogo.cli.passphrase import unlocked
from gonogo.cli.place import Place, here, output_called, rendered, write
from gonogo.cli.tails import with_tails
from gonogo.cli.waivers import in_force
from gonogo.engine.listener import Listener
from gonogo.model.outcome import ExitCode
from gonogo.model.run import RunView
from gonogo.owners.waivers import Loaded
from gonogo.plan import Selection
from gonogo.telemetry.watched import Watched
from gonogo.telling.terminal import is_terminal, listening, show_ending


@click.command("run")
@checklist_argument
@click.option("--phase", "phases", multiple=True, metavar="ID", help="Only this phase; may be given again.")
@click.option("--gate", "gates", multiple=True, metavar="ID", help="Only this gate; may be given again.")
@click.option("--with", "optional", multiple=True, metavar="GATE", help="Also this optional gate.")
@click.option("--alternative", "alternatives", multiple=True, metavar="GATE[:N]", help="This gate's other command.")
@INPUTS
@click.option("--target", metavar="NAME", help="Where the release goes.  [default: staging]")
@click.option("--resume", is_flag=False, flag_value="", default=None, metavar="[RUN]", help="Go on with a run.")
@click.option("--keep-going", is_flag=True, default=None, help="Look at later phases although a gate failed.")
@click.option("--allow-dirty", is_flag=True, default=None, help="Let a tree with uncommitted changes end in GO.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Gates at the same time.  [default: cores]")
@click.option("--time-budget", callback=parse_seconds, metavar="TIME", help="For the whole run: `90s`, `15m`, `2h`.")
@click.option("--lock-wait", callback=parse_seconds, metavar="TIME", help="For the target's lock, if it is held.")
@click.option("--wait", callback=parse_seconds, metavar="TIME", help="Stay that long for people's answers.")
@click.option("--sign-as", metavar="PERSON", help="Sign the decision with this person's key.")
@format_option
@output_option
def command(
    checklist: Path | None, resume: str | None, kind: str, output: Path | None, inputs: tuple[str, ...], **given: Any
) -> int:
    """Run CHECKLIST and decide: GO, NO-GO or HOLD.

    The decision goes to standard output, or to `--output`; the view of the run goes to standard error. The exit code
    is the decision: 0 GO, 1 NO-GO, 3 HOLD.
    """
    chosen = {name: tuple(given.pop(name)) for name in ("phases", "gates", "optional", "alternatives")}
    wait, signer = given.pop("wait") or 0.0, given.pop("sign_as")
    place = here(**given)
    output_called(place, kind)
    people: dict[str, Any] = {"wait": wait, "signer": unlocked(place.root, signer) if signer else None}
    if resume is not None:
        if checklist is not None or any(chosen.values()):
            raise click.UsageError(
                "--resume goes on with a run as it was planned: drop the checklist and the selection"
            )
        view = resumed(place, resume, pairs(inputs), people)
    else:
        view = started(place, checklist, Selection(**chosen), pairs(inputs), people)
    show(place, view, kind, output)
    return int(view.exit_code if view.exit_code is not None else ExitCode.INTERRUPTED)


def started(
    place: Place, checklist: Path | None, selection: Selection, inputs: dict[str, str], people: dict[str, Any]
) -> RunView:
    """Load the checklist, freeze the plan, and let the engine drive it; `people` is how long to wait, and who signs."""
    loaded = place.load(checklist)
    tell([*loaded.warnings, *place.crew(loaded.checklist).warnings])
    frozen = place.plan(loaded.checklist, inputs, selection)
    accepted = in_force(place, frozen.subject.commit)
    secret = {name: inputs[name] for name in frozen.secret_inputs if name in inputs}
    with listening(sys.stderr) as listener:
        return engine.run(frozen, secret_inputs=secret, **_given(place, accepted, listener), **people)


def resumed(place: Place, run: str, inputs: dict[str, str], people: dict[str, Any]) -> RunView:
    """Go on with a run that was cut off, or that waited for people: what is finished stays."""
    accepted = in_force(place, place.subject().commit)
    with listening(sys.stderr) as listener:
        return engine.resume(run, secret_inputs=inputs, **_given(place, accepted, listener), **people)


def _given(place: Place, accepted: Loaded, listener: Listener) -> dict[str, Any]:
    """What the engine is given whether a run starts or goes on."""
    return {
        "root": place.root,
        "state": place.state,
        "registry": place.registry,
        "settings": place.settings,
        "listener": Watched(listener, place.settings, place.registry),
        "waivers": accepted.waivers,
        "remarks": accepted.notes,
    }


def show(place: Place, view: RunView, kind: str, output: Path | None) -> None:
    """The decision: as data where it was asked for, and in a terminal the ending, large and clear."""
    view = with_tails(place, view)
    seen = is_terminal(sys.stderr)
    if kind == "text" and output is None and seen and is_terminal(sys.stdout):
        show_ending(sys.stdout, view)
        return
    if seen:
        show_ending(sys.stderr, view)
    write(rendered(place, view, kind, output), output)
    if output is not None:
        say(f"wrote {output}")
