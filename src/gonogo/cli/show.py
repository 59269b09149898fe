"""`gonogo show`: a run, or one gate of it with everything that is known about it."""

from __future__ import annotations

import sys

import click

from gonogo.cli.place import Place, here
from gonogo.cli.tails import with_tails
from gonogo.errors import InputError
from gonogo.model.run import GateView, RunView
from gonogo.telling.kept import kept
from gonogo.telling.sheet import Line, Piece, finding_text, gate_block, gate_lines, led, line
from gonogo.telling.terminal import console_for, show, show_run, width_of
from gonogo.telling.words import SYMBOLS, WORDS, duration, number, safe

_FINDINGS = 50


@click.command("show")
@click.argument("what", required=False, default="", metavar="[RUN|GATE]")
@click.option("--run", "run", default="", metavar="RUN", help="The run a gate is looked up in.  [default: the last]")
def command(what: str, run: str) -> int:
    """Show a run, or one gate of it with its judgements, findings and evidence; without a name, the last run."""
    place = here()
    view, gate = run_or_gate(place, what, run)
    view = with_tails(place, view)
    if gate is None:
        show_run(sys.stdout, view)
        return 0
    console = console_for(sys.stdout)
    show(console, _everything(view, gate, width_of(console)))
    return 0


def run_or_gate(place: Place, what: str, run: str) -> tuple[RunView, GateView | None]:
    """The run, and the gate of it that `what` names; a name that is neither raises `InputError`."""
    if run or not what:
        view = place.run_view(run)
        return view, gate_of(view, what) if what else None
    last = place.run_view()
    found = next((gate for gate in last.gates if gate.gate.id == what), None)
    if found is not None:
        return last, found
    try:
        return place.run_view(what), None
    except InputError:
        return last, gate_of(last, what)


def gate_of(view: RunView, name: str) -> GateView:
    """The gate of a run by its id; raises `InputError` naming the nearest."""
    from gonogo.errors import nearest

    gates = {gate.gate.id: gate for gate in view.gates}
    if name in gates:
        return gates[name]
    near = nearest(name, gates)
    raise InputError.of(
        "unknown-gate",
        f"run {view.id} has no gate `{name}`",
        help=f"did you mean `{near}`?" if near else "run `gonogo show` to see its gates",
    )


def _everything(view: RunView, gate: GateView, width: int) -> list[Line]:
    verdict = gate.verdict
    lines = gate_lines(gate, width)[:1] if not gate.verdict.judgements else gate_block(view, gate, width)
    lines += [line(), line("  judgements", "head")]
    for judgement in verdict.judgements:
        measured = f"  {safe(judgement.value)}" if judgement.value else ""
        head = f"    {SYMBOLS[judgement.outcome]} {WORDS[judgement.outcome]:<9}"
        *above, last = led(Piece(head), safe(judgement.criterion), width)
        lines += [*above, (*last, Piece(measured, "bold"))]
        told = safe(judgement.distance or judgement.reason)
        lines += led(Piece(" " * 15), told, width, "dim") if told else []
    notes = [text for note in verdict.notes for text in led(Piece("    "), safe(note), width)]
    lines += [line(), line("  notes", "head"), *notes] if notes else []
    return [*lines, *_captures(view, gate, width), *_findings(gate, width)]


def _captures(view: RunView, gate: GateView, width: int) -> list[Line]:
    lines: list[Line] = []
    files = kept(view, gate.verdict)
    for at, capture in enumerate(gate.verdict.captures, start=1):
        ended = f"exit {capture.exit}" if capture.exit is not None else capture.signal or "no exit code"
        lines += [line(), *led(Piece(f"  {at}  ", "dim"), safe(capture.shown), width, "head")]
        lines.append(line(f"     {ended}, {duration(capture.seconds)}, {capture.started}", "dim"))
        for file in files:
            if file.capture == at and file.size:
                cut = f" of {file.total:,}" if file.total > file.size else ""
                lines.append(line(f"     {file.name}, {file.size:,}{cut} bytes"))
                lines.append(line(f"       {file.path}", "dim"))
    return lines


def _findings(gate: GateView, width: int) -> list[Line]:
    findings = gate.verdict.findings
    if not findings:
        return []
    total = max(gate.verdict.findings_total, len(findings))
    lines = [line(), line(f"  {number(total, 'finding')}", "head")]
    for f in findings[:_FINDINGS]:
        lines += led(Piece(f"    {safe(f.severity):<9} ", "dim"), finding_text(f), width)
    more = total - min(_FINDINGS, len(findings))
    return [*lines, line(f"    and {more:,} more", "dim")] if more else lines
