"""`gonogo schema`: the JSON Schemas of what gonogo reads and writes."""

from __future__ import annotations

import json
from typing import Any

import click

from gonogo.cli.place import write


@click.command("schema")
@click.argument("what", type=click.Choice(["checklist", "decision", "verdict"]), default="checklist")
def command(what: str) -> int:
    """Print a JSON Schema.

    Of a YAML checklist; of the decision that `run --format json` prints; or of the verdict that a bundle attests.
    """
    write(json.dumps(_schema(what), indent=2, ensure_ascii=False) + "\n")
    return 0


def _schema(what: str) -> dict[str, Any]:
    if what == "decision":
        from gonogo.outputs import json as output

        return output.schema()
    if what == "verdict":
        from gonogo.bundle import schema

        return schema.schema()
    from gonogo.checklist import schema as form

    return form.schema()
