"""`gonogo resolve`: a person says what became of an act that was cut off, where no look can tell."""

from __future__ import annotations

import getpass

import click

from gonogo import engine
from gonogo.cli.failure import say
from gonogo.cli.place import here


@click.command("resolve")
@click.argument("gate", metavar="GATE")
@click.option("--done/--not-done", "done", default=None, help="Whether the act has taken place.")
@click.option("--message", "-m", default="", help="How you know.")
@click.option("--run", default="", metavar="RUN", help="In which run.  [default: the last]")
def command(gate: str, done: bool | None, message: str, run: str) -> int:
    """Say what became of the act of GATE that was cut off: it is done, or it is not.

    Your word is written into the run. Where the act itself can look, its look counts for more. The run goes on with
    `gonogo run --resume`: an act that is not done is done then, one that is done is never repeated.
    """
    if done is None:
        raise click.UsageError("say --done or --not-done")
    if not message.strip():
        raise click.UsageError('say how you know: -m "…"')
    place = here()
    by = f"{getpass.getuser()}: {message.strip()}"
    found = engine.resolve(run, gate, "done" if done else "not done", by, root=place.root, state=place.state)
    say(f"written down; go on with `gonogo run --resume {found}`")
    return 0
