"""`gonogo diff`: which gates changed from one run to another, by how much, and what caused it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from gonogo.cli.options import output_option
from gonogo.cli.place import Place, here, write
from gonogo.errors import InputError
from gonogo.judge.compare import compare
from gonogo.judge.comparison import Change, Comparison, Measure, Side
from gonogo.model.codec import dump
from gonogo.model.outcome import Outcome
from gonogo.model.run import RunView
from gonogo.telling.sheet import STYLES, Line, Piece, finding_text, line, plain
from gonogo.telling.terminal import console_for, is_terminal, show
from gonogo.telling.words import SYMBOLS, WORDS, number, safe, short_commit

FORMAT = "gonogo.diff/1"
_FINDINGS = 5
_PATIENCE = 20.0
_PACKAGES = {"playwright": "@playwright/test", "tsc": "typescript", "squawk": "squawk-cli"}
"""Tools whose npm package has another name."""
_HEADINGS = {
    "worse": "Further from GO",
    "better": "Nearer to GO",
    "other": "Different, and no nearer",
    "moved": "Same outcome, other values",
}


@click.command("diff")
@click.argument("run1", required=False, default="")
@click.argument("run2", required=False, default="")
@click.option("--format", "kind", type=click.Choice(["text", "json"]), default="text", help="text or json.")
@output_option
def command(run1: str, run2: str, kind: str, output: Path | None) -> int:
    """Say which gates changed from RUN1 to RUN2, by how much, and what caused it.

    Without RUN2 it is the last run; without both, the last run and the one before it. The beginning of an id is enough.
    """
    place = here()
    before, after = _views(place, run1, run2)
    found = compare(_side(place, before), _side(place, after), files=_files(place.root, before, after))
    if kind == "json":
        write(json.dumps(document(found), indent=2, ensure_ascii=False) + "\n", output)
    elif output is None and is_terminal(sys.stdout):
        show(console_for(sys.stdout), list(_lines(found)))
    else:
        write(plain(_lines(found)), output)
    return 0


def _views(place: Place, run1: str, run2: str) -> tuple[RunView, RunView]:
    if run1:
        return place.run_view(run1), place.run_view(run2)
    with place.ledger() as ledger:
        runs = ledger.runs()
    if len(runs) < 2:  # noqa: PLR2004 - a comparison takes two
        raise InputError.of("no-run", "there is only one run here", help="run `gonogo run` once more")
    return place.run_view(runs[-2]), place.run_view(runs[-1])


# --- what git knows beside the records -----------------------------------------------------------------------


def _side(place: Place, view: RunView) -> Side:
    return Side(view, _tools(place.root, view))


def _git(root: Path, *argv: str) -> bytes | None:
    """What git prints; None where it cannot answer, because a commit is not here any more."""
    try:
        done = subprocess.run(
            ["git", *argv],  # noqa: S607 - the git that the runs used
            cwd=root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _files(root: Path, before: RunView, after: RunView) -> list[str] | None:
    """The paths that differ between the two commits; None where that is not known."""
    old, new = before.plan.subject.commit, after.plan.subject.commit
    if not old or not new:
        return None
    out = _git(root, "diff", "--name-only", "--no-renames", "-z", "--end-of-options", old, new)
    return None if out is None else [path for path in out.decode("utf-8", "replace").split("\0") if path]


def _tools(root: Path, view: RunView) -> dict[str, str]:
    """The versions of the tools that wrote the run's reports, as the lock file at its commit has them."""
    tools = {r.tool for g in view.gates for c in g.verdict.captures for r in c.reports if r.tool}
    commit = view.plan.subject.commit
    data = _git(root, "cat-file", "blob", f"{commit}:package-lock.json") if tools and commit else None
    try:
        packages = json.loads(data or b"{}").get("packages", {})
    except (ValueError, AttributeError):
        return {}
    found = {}
    for tool in sorted(tools):
        entry = packages.get(f"node_modules/{_PACKAGES.get(tool, tool)}")
        if isinstance(entry, dict) and isinstance(entry.get("version"), str):
            found[tool] = entry["version"]
    return found


# --- as data -------------------------------------------------------------------------------------------------


def document(found: Comparison) -> dict[str, Any]:
    """The comparison as plain data."""
    return {
        "format": FORMAT,
        "before": _run(found.before),
        "after": _run(found.after),
        "changes": [dump(change) for change in found.changes],
        "causes": [dump(cause) for cause in found.causes],
        "same": found.same,
    }


def _run(view: RunView) -> dict[str, Any]:
    return {
        "run": view.id,
        "decision": view.decision.word.value if view.decision else None,
        "commit": view.plan.subject.commit,
        "target": view.plan.target,
        "started": view.started,
    }


# --- as text -------------------------------------------------------------------------------------------------


def _lines(found: Comparison) -> Iterator[Line]:
    for name, view in (("from", found.before), ("to", found.after)):
        word = view.decision.word.value if view.decision else view.state.value
        where = f"{short_commit(view.plan.subject.commit)} on {safe(view.plan.target)}"
        yield (Piece(f"  {name:<5}", "dim"), Piece(f"{word:<8}", "bold"), Piece(f"{where}  "), Piece(view.id, "dim"))
    for direction, heading in _HEADINGS.items():
        changes = [change for change in found.changes if change.direction == direction]
        if changes:
            yield from (line(), line(f"  {heading}", "head"))
        for change in changes:
            yield from _change(change)
    yield line()
    if found.causes:
        yield line("  What differs between the runs", "head")
        yield from (line(f"    {safe(cause.text)}") for cause in found.causes)
    else:
        yield line("  nothing that the two runs recorded differs")
    changed = number(len(found.changes), "gate")
    yield line(f"  {changed} changed, {found.same:,} did not", "dim")


def _change(change: Change) -> Iterator[Line]:
    now = _said(change.after)
    if change.before == change.after:
        yield (Piece("    "), now, Piece(f"  {safe(change.title)}", "bold"))
    else:
        yield (Piece("    "), _said(change.before), Piece(" → ", "dim"), now, Piece(f"  {safe(change.title)}", "bold"))
    yield from (line(f"        {_measured(measure)}") for measure in change.measures)
    for noun, findings in (("new finding", change.appeared), ("finding gone", change.gone)):
        many = "findings gone" if noun == "finding gone" else ""
        yield from ([line(f"        {number(len(findings), noun, many)}")] if findings else [])
        yield from (line(f"          {finding_text(finding)}", "dim") for finding in findings[:_FINDINGS])
        if len(findings) > _FINDINGS:
            yield line(f"          and {len(findings) - _FINDINGS:,} more", "dim")
    for at, cause in enumerate(change.causes):
        yield (Piece("        because  " if not at else "                 ", "dim"), Piece(safe(cause.text)))


def _said(text: str) -> Piece:
    """`✗ FAIL, waived`; a gate that is not there is a word too."""
    outcome, comma, quality = text.partition(",")
    if not outcome:
        return Piece("no such gate", "dim")
    known = Outcome(outcome)
    return Piece(f"{SYMBOLS[known]} {WORDS[known]}{comma}{quality}", STYLES[known])


def _measured(measure: Measure) -> str:
    """`coverage.lines.pct >= 65: 75.37 % → 57.85 % (-17.52, worse)`."""
    values = f"{measure.before or 'not asked'} → {measure.after or 'not asked'}"
    if measure.before == measure.after:
        values = f"{measure.after}, asked {measure.bound_before or 'nothing'} → {measure.bound_after or 'nothing'}"
    where = "" if measure.nearer is None else ", better" if measure.nearer else ", worse"
    change = f" ({measure.change}{where})" if measure.change else ""
    shown = f"  on {safe(measure.shown)}" if measure.shown else ""
    return f"{safe(measure.criterion)}: {safe(values)}{change}{shown}"
