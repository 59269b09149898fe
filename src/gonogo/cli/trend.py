"""`gonogo trend`: what load tests measured over many runs, and where it changed. A report, never a gate."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from gonogo.cli.options import output_option
from gonogo.cli.place import here, write
from gonogo.errors import InputError
from gonogo.telling.history import Series, history
from gonogo.telling.sheet import Line, line, plain
from gonogo.telling.terminal import console_for, is_terminal, show

FORMAT = "gonogo.trend/1"


@click.command("trend")
@click.option("--endpoint", default="", metavar="NAME", help="Of this endpoint.  [default: all requests]")
@click.option("--gate", default="", metavar="ID", help="Only what this gate measured.")
@click.option("--format", "kind", type=click.Choice(["text", "json", "svg"]), default="text", help="text, json or svg.")
@output_option
def command(endpoint: str, gate: str, kind: str, output: Path | None) -> int:
    """Show the 95th percentile of load tests, run by run, and where its level changed.

    Runs are in one series where they can be compared: same script, tool, machine, users, target and series. A change of
    level is found by E-divisive with a permutation test, so that a slow creep is seen which passed every comparison.
    It decides nothing.
    """
    with here().ledger() as ledger:
        found = history(ledger, endpoint, gate)
    if not found:
        of = f" of endpoint `{endpoint}`" if endpoint else ""
        raise InputError.of(
            "nothing-measured",
            f"no run here measured load{of} that could be compared",
            help="put a `baseline` call behind the load test of a gate, and run it",
        )
    if kind == "json":
        write(json.dumps(document(found), indent=2, ensure_ascii=False) + "\n", output)
    elif kind == "svg":
        from gonogo.telling.drawing import svg  # only for a picture

        write(svg(found), output)
    elif output is None and is_terminal(sys.stdout):
        show(console_for(sys.stdout), list(_lines(found)))
    else:
        write(plain(_lines(found)), output)
    return 0


def _lines(found: Sequence[Series]) -> Iterator[Line]:
    from gonogo.telling.trend import lines  # only for text

    for at, series in enumerate(found):
        yield from [line()] if at else []
        yield from lines(series)


def document(found: Sequence[Series]) -> dict[str, Any]:
    """The history as plain data."""
    series = [
        {
            "key": one.key,
            "endpoint": one.part,
            "points": [{**asdict(point), "outcome": point.outcome.value} for point in one.points],
            "changes": [{**asdict(change), "run": one.points[change.at].run} for change in one.changes],
        }
        for one in found
    ]
    return {"format": FORMAT, "series": series}
