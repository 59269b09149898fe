"""`gonogo report`: a run rendered again."""

from __future__ import annotations

from pathlib import Path

import click

from gonogo.cli.failure import say
from gonogo.cli.options import format_option, output_option
from gonogo.cli.place import here, output_called, rendered, write


@click.command("report")
@click.argument("run", required=False, default="")
@format_option
@output_option
def command(run: str, kind: str, output: Path | None) -> int:
    """Render RUN again; without RUN, the last one.

    The beginning of a run's id is enough.
    """
    place = here()
    output_called(place, kind)
    write(rendered(place, place.run_view(run), kind, output), output)
    if output is not None:
        say(f"wrote {output}")
    return 0
