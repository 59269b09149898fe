"""`gonogo report`: a run rendered again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from gonogo.cli.failure import say
from gonogo.cli.options import format_option, output_option
from gonogo.cli.place import Place, here, output_called, rendered, write

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("report")
@click.argument("run", required=False, default="")
@format_option
@click.option("--bundle", metavar="BUNDLE", type=_FILE, help="The run in this bundle, which is elsewhere.")
@output_option
def command(run: str, kind: str, bundle: Path | None, output: Path | None) -> int:
    """Render RUN again; without RUN, the last one.

    The beginning of a run's id is enough. With `--bundle` the run in that file is rendered, once it is proven: what
    somebody on another machine should look at before they sign.
    """
    place = here(repository=bundle is None)
    output_called(place, kind)
    write(rendered(place, place.run_view(run), kind, output) if bundle is None else _of(bundle, place, kind), output)
    if output is not None:
        say(f"wrote {output}")
    return 0


def _of(bundle: Path, place: Place, kind: str) -> str:
    from gonogo.cli.carried import unpacked  # proving a bundle loads much; most never need it

    with unpacked(bundle) as (view, state):
        return rendered(replace(place, state=state), view, kind, linked=False)
