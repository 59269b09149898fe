"""`gonogo export`: a checklist in its other form."""

from __future__ import annotations

from pathlib import Path

import click

from gonogo.checklist.export import to_markdown, to_yaml
from gonogo.cli.failure import say, tell
from gonogo.cli.options import checklist_argument, output_option
from gonogo.cli.place import here, write


@click.command("export")
@checklist_argument
@click.option("--to", "form", type=click.Choice(["yaml", "markdown"]), required=True, help="The form to write.")
@output_option
def command(checklist: Path | None, form: str, output: Path | None) -> int:
    """Write CHECKLIST as YAML or as Markdown; every field is kept."""
    loaded = here(repository=False).load(checklist)
    tell(loaded.warnings)
    write((to_yaml if form == "yaml" else to_markdown)(loaded.checklist), output)
    if output is not None:
        say(f"wrote {output}")
    return 0
