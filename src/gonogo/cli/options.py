"""Options that several commands have in common, and how their values are read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from gonogo.config import seconds
from gonogo.errors import Diagnostic, InputError

checklist_argument = click.argument("checklist", required=False, type=click.Path(path_type=Path))
output_option = click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write there instead."
)
format_option = click.option(
    "--format",
    "kind",
    default="text",
    metavar="FORMAT",
    help="text, json, markdown, junit, html, sarif or vex.  [default: text]",
)
INPUTS = click.option(
    "--input", "inputs", multiple=True, metavar="NAME=VALUE", help="A value the checklist asks for; may be given again."
)


def pairs(given: Iterable[str]) -> dict[str, str]:
    """`NAME=VALUE` texts as a mapping; raises `InputError` for each that has no `=`, or a name that was given twice."""
    found: dict[str, str] = {}
    problems = []
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            problems.append(
                Diagnostic("bad-input", f"`--input {name}` has no value", help=f"say `--input {name}=VALUE`")
            )
        elif name in found:
            problems.append(Diagnostic("bad-input", f"input `{name}` is given twice", help="give it once"))
        found[name] = value
    if problems:
        raise InputError(problems)
    return found


def parse_seconds(ctx: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """A duration in seconds; a usage error where it is none."""
    if value is None:
        return None
    try:
        return seconds(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, parameter) from error
