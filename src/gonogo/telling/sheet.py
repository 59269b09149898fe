"""A run written out as lines of styled pieces: what the plain text and the terminal both show, word for word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from gonogo.model.checklist import Gate
from gonogo.model.observation import Finding
from gonogo.model.outcome import DecisionWord, Outcome
from gonogo.model.run import GateView, RunState, RunView
from gonogo.model.verdict import Reason, Verdict
from gonogo.telling.kept import directory_of, kept
from gonogo.telling.printed import printed
from gonogo.telling.words import (
    DECISION_MEANINGS,
    SYMBOLS,
    WORDS,
    because,
    cells,
    crop,
    duration,
    listed,
    mends,
    number,
    place,
    qualities,
    run_alone,
    safe,
    short_commit,
    tally,
    worst_first,
    wrap,
)


class Piece(NamedTuple):
    """Some text in one style: `""`, `dim`, `bold`, `head`, `pass`, `fail`, `warn` or `calm`."""

    text: str
    style: str = ""


Line = tuple[Piece, ...]

STYLES = {
    Outcome.PASS: "pass",
    Outcome.FAIL: "fail",
    Outcome.ERROR: "warn",
    Outcome.STALE: "warn",
    Outcome.UNKNOWN: "warn",
    Outcome.NOT_APPLICABLE: "dim",
    Outcome.NOT_RUN: "dim",
}

DECISION_STYLES = {DecisionWord.GO: "pass", DecisionWord.NO_GO: "fail", DecisionWord.HOLD: "warn"}

_RED = (Outcome.FAIL, Outcome.ERROR, Outcome.STALE, Outcome.UNKNOWN)
_WORD_WIDTH = 9
_COLUMN = 13
"""Where titles and sentences begin: after margin, symbol and word."""
_TOOK_WIDTH = 10
_SHORTEST_TITLE = 20
_DIGITS = 12
_NOTES = 8
_AT_MOST = 6
"""Sentences shown of one gate; `gonogo show GATE` shows all."""


def plain(lines: Iterable[Line]) -> str:
    """The lines without their styles."""
    return "".join("".join(piece.text for piece in line).rstrip() + "\n" for line in lines)


def line(text: str = "", style: str = "") -> Line:
    """A line of one piece."""
    return (Piece(text, style),)


def opening(view: RunView, width: int) -> list[Line]:
    """What is looked at: title, subject, target, run."""
    plan = view.plan
    subject = plan.subject
    state = "clean" if subject.clean else number(len(subject.dirty), "uncommitted change")
    on = f" on {safe(subject.branch)}" if subject.branch else ""
    runs = sum(1 for node in plan.nodes if not node.left_out and not node.not_applicable)
    head: Line = (
        Piece(f"  {short_commit(subject.commit)}{on}", "bold"),
        Piece(f", {state}", "" if subject.clean else "warn"),
        Piece(f" → {safe(plan.target)}"),
    )
    there = f"in {safe(plan.directory)}/ · " if plan.directory else ""
    tail = f"{there}{runs} of {number(len(plan.nodes), 'gate')} · run {safe(view.id)}"
    lines = [line(f"  {crop(safe(plan.title) or 'checklist', width - 2)}", "head")]
    images = [
        line(crop(f"  image {safe(service)} {safe(digest)}", width), "dim")
        for service, digest in sorted(view.subject.images.items())
    ]
    if sum(cells(piece.text) for piece in head) + cells(tail) + 3 <= width:
        return [*lines, (*head, Piece(f" · {tail}", "dim")), *images]
    return [*lines, head, line(f"  {tail}", "dim"), *images]


def phase_heading(identity: str, title: str, width: int) -> Line:
    """`1  Pre-flight`."""
    return (Piece(f"  {safe(identity)}  ", "dim"), Piece(crop(safe(title), width - 6), "head"))


def _lead(outcome: Outcome) -> Piece:
    return Piece(f"  {SYMBOLS[outcome]} {WORDS[outcome]:<{_WORD_WIDTH}}", STYLES[outcome])


def _fitting(quality: str, gate: Gate, room: int) -> str:
    """What qualifies an outcome, in parentheses, where the title beside it stays readable."""
    tail = f"  ({quality})" if quality else ""
    return tail if min(cells(gate.title), _SHORTEST_TITLE) + cells(tail) <= room else ""


def gate_lines(view: GateView, width: int) -> list[Line]:
    """A finished gate: outcome, title, duration; beneath it, where it needs somebody, the first reason."""
    verdict = view.verdict
    took = duration(verdict.seconds) if verdict.seconds else ""
    room = max(10, width - _COLUMN - _TOOK_WIDTH)
    tail = _fitting(qualities(verdict), view.gate, room)
    title = crop(safe(view.gate.title), room - cells(tail))
    gap = " " * max(1, room - cells(title) - cells(tail))
    head = (
        _lead(view.outcome),
        Piece(title, "" if view.outcome in {Outcome.PASS, *_RED} else "dim"),
        Piece(f"{tail}{gap}{took:>{_TOOK_WIDTH}}", "dim"),
    )
    if view.outcome not in _RED:
        return [head]
    reason = next(iter(because(verdict) or verdict.questions), "")
    return [head, *_hanging(safe(reason), width, "dim")]


def overview(view: RunView, width: int) -> list[Line]:
    """Every gate, by phase."""
    lines: list[Line] = []
    for phase in view.plan.phases:
        gates = [g for g in view.gates if g.gate.phase == phase.id]
        if not gates:
            continue
        lines += [line(), phase_heading(phase.id, phase.title, width)]
        for gate in gates:
            lines += gate_lines(gate, width)
    return lines


def verdict_sentence(view: RunView, width: int) -> list[Line]:
    """The decision for whom and where, and the counts beneath it."""
    subject, decision = view.plan.subject, view.decision
    where = f"{short_commit(subject.commit)} on {safe(view.plan.target)}"
    if decision is None:
        interrupted = view.state is RunState.INTERRUPTED
        lines = led(
            Piece("  INTERRUPTED  " if interrupted else "  RUNNING  ", "warn"), f"{where}: no decision yet", width
        )
        return [*lines, line("  go on with: gonogo run --resume", "dim")] if interrupted else lines
    style = DECISION_STYLES[decision.word]
    meaning = DECISION_MEANINGS[decision.word]
    if decision.word is DecisionWord.HOLD and not any(g.outcome in _RED and not g.verdict.waived for g in view.gates):
        meaning = "only part of the checklist was run" if _partial(view) else "the run as a whole holds it"
    counts = wrap(tally(view.gates), max(20, width - 2))
    lines = led(Piece(f"  {decision.word.value}  ", style), f"{where}: {meaning}", width)
    return [*lines, *(line(f"  {part}", "dim") for part in counts)]


def _partial(view: RunView) -> bool:
    """Whether a required gate was left out by what a person selected."""
    return any(node.left_out and not node.gate.optional for node in view.plan.nodes)


def ending(view: RunView, width: int) -> list[Line]:
    """What follows the decision: each gate that holds it, worst first, what is excluded, and what to do next."""
    lines: list[Line] = []
    for block in (*_reasons(view, width), *_tolerated(view, width)):
        lines += [line(), *block]
    excluded = [] if _partial(view) else _not_applicable(view, width)
    for section in (_not_run(view, width), excluded, _notes(view, width), _footer(view, width)):
        if section:
            lines += [line(), *section]
    return lines


def _reasons(view: RunView, width: int) -> Iterator[list[Line]]:
    """The decision's reasons in its own order: a block for a gate, a sentence for the run."""
    gates = {g.gate.id: g for g in view.gates}
    reasons = view.decision.reasons if view.decision else ()
    seen: set[str] = set()
    if view.decision is None:
        reasons = tuple(Reason(g.gate.id, "") for g in worst_first(view.gates) if g.outcome in _RED)
    for reason in reasons:
        gate = gates.get(reason.gate)
        if gate is None and reason.text not in view.notes:
            yield _about_the_run(reason, safe(reason.text), width)
        elif gate is not None and gate.outcome is Outcome.PASS:
            yield _about_the_run(reason, f"{safe(gate.gate.title)}: {safe(reason.text)}", width)
        elif gate is not None and gate.outcome in _RED and gate.gate.id not in seen:
            seen.add(gate.gate.id)
            yield gate_block(view, gate, width)


def _about_the_run(reason: Reason, text: str, width: int) -> list[Line]:
    """A reason that is no gate's outcome, or a remark, which holds nothing."""
    return labelled("note", text, width) if reason.remark else led(Piece("  ! run      ", "warn"), text, width)


def _tolerated(view: RunView, width: int) -> Iterator[list[Line]]:
    """Gates that are not green and do not hold the decision: optional or waived ones."""
    held = {reason.gate for reason in view.decision.reasons} if view.decision else {g.gate.id for g in view.gates}
    for gate in worst_first(view.gates):
        if gate.outcome in _RED and gate.gate.id not in held:
            yield gate_block(view, gate, width)


def gate_block(view: RunView, gate: GateView, width: int) -> list[Line]:
    """One gate that is not green: the distance of each criterion, the first finding, owner, command, evidence."""
    verdict = gate.verdict
    tail = _fitting(qualities(verdict), gate.gate, width - _COLUMN - _TOOK_WIDTH)
    tail += f"  phase {safe(gate.gate.phase)}" + (", optional" if gate.gate.optional else "")
    title = crop(safe(gate.gate.title), max(10, width - _COLUMN - cells(tail)))
    lines: list[Line] = [(_lead(gate.outcome), Piece(title, "bold"), Piece(tail, "dim"))]
    reasons = because(verdict)
    for reason in reasons[:_AT_MOST]:
        lines += _hanging(reason, width)
    if len(reasons) > _AT_MOST:
        lines += _hanging(f"and {len(reasons) - _AT_MOST} more: gonogo show {safe(gate.gate.id)}", width, "dim")
    return lines + _particulars(view, gate, width)


def _particulars(view: RunView, gate: GateView, width: int) -> list[Line]:
    verdict = gate.verdict
    rows = [("first", first_finding(verdict))]
    rows += [("question", safe(question)) for question in verdict.questions]
    rows += [("waived", text) for text in _waivers(view, gate)]
    rows += [("to mend", order) for order in mends(verdict)[:2]]
    rows += [
        ("owner", listed([safe(owner) for owner in gate.gate.owners], _AT_MOST) or "nobody is named"),
        ("alone", run_alone(view, gate)),
        ("output", f"gonogo logs {safe(gate.gate.id)}" if verdict.captures else ""),
        ("evidence", _evidence(view, verdict)),
    ]
    lines = [text for label, value in rows if value for text in labelled(label, value, width)]
    return [*_printed(view, verdict, width), *lines]


def _printed(view: RunView, verdict: Verdict, width: int) -> list[Line]:
    """The last lines that it printed, each on one line."""
    room = max(20, width - _COLUMN)
    return [
        (Piece(f"    {'' if at else 'printed':<{_WORD_WIDTH}}", "dim"), Piece(crop(text, room), "dim"))
        for at, text in enumerate(printed(view, verdict))
    ]


def _waivers(view: RunView, gate: GateView) -> list[str]:
    """Who took a red criterion upon themselves, until when and why, as the decision tells it."""
    reasons = view.decision.reasons if view.decision and gate.verdict.waived else ()
    return [
        safe(r.text).removeprefix("waived ") for r in reasons if r.gate == gate.gate.id and r.text.startswith("waived ")
    ]


def first_finding(verdict: Verdict) -> str:
    """The first finding with its place: `src/app.ts:12:7 no-console: unexpected console statement (+ 2 more)`."""
    if not verdict.findings:
        return ""
    more = max(verdict.findings_total, len(verdict.findings)) - 1
    return finding_text(verdict.findings[0]) + (f" (+ {more:,} more)" if more else "")


def finding_text(finding: Finding) -> str:
    """A finding on one line: place, then message, or its id where a report gave no message."""
    where = place(finding.path, finding.line, finding.column)
    said = safe(finding.message) or safe(finding.id)
    return f"{where}  {said}" if where else said


def _evidence(view: RunView, verdict: Verdict) -> str:
    """The first stored file, shortened so that a shell still finds it: `evidence/ab/abcdef012345*`."""
    files = [file for file in kept(view, verdict) if file.size]
    if not files:
        return "nothing was captured" if verdict.captures else ""
    more = f", {number(len(files) - 1, 'more file')}" if len(files) > 1 else ""
    directory, _, digest = files[0].path.rpartition("/")
    return f"{directory}/{digest[:_DIGITS]}* ({files[0].name}{more})"


def _not_run(view: RunView, width: int) -> list[Line]:
    """Gates never reached, together under each reason."""
    groups: dict[str, list[str]] = {}
    for gate in view.gates:
        if gate.outcome is Outcome.NOT_RUN:
            groups.setdefault(safe(gate.verdict.reason) or "never reached", []).append(safe(gate.gate.title))
    lines: list[Line] = []
    for reason, titles in groups.items():
        lines += led(_lead(Outcome.NOT_RUN), reason, width)
        lines += _hanging(listed(titles, _AT_MOST), width, "dim")
    return lines


def _not_applicable(view: RunView, width: int) -> list[Line]:
    lines: list[Line] = []
    for gate in view.gates:
        if gate.outcome is Outcome.NOT_APPLICABLE:
            reason = safe(gate.verdict.reason) or "no reason was recorded"
            lines += led(_lead(gate.outcome), f"{safe(gate.gate.title)} is not applicable: {reason}", width)
    return lines


def _notes(view: RunView, width: int) -> list[Line]:
    """Remarks that stay on the record: about the run, and about gates (flaky tests, the scope of a figure)."""
    remarks = [safe(note) for note in view.notes]
    remarks += [f"{safe(gate.gate.title)}: {safe(note)}" for gate in view.gates for note in gate.verdict.notes]
    lines = [text for remark in remarks[:_NOTES] for text in labelled("note", remark, width)]
    more = len(remarks) - _NOTES
    return [*lines, *labelled("", f"and {number(more, 'more note')}: gonogo show GATE", width)] if more > 0 else lines


def _footer(view: RunView, width: int) -> list[Line]:
    took = f", {duration(view.seconds)}" if view.seconds else ""
    text = f"run {safe(view.id)}{took} · evidence in {safe(directory_of(view)) or 'no place'}"
    return [line(f"  {part}", "dim") for part in wrap(text, max(20, width - 2))]


def led(lead: Piece, text: str, width: int, style: str = "") -> list[Line]:
    """`text` after `lead`, following lines beneath its beginning."""
    indent = cells(lead.text)
    first, *rest = wrap(text, max(20, width - indent)) or [""]
    return [(lead, Piece(first, style)), *(line(" " * indent + more, style) for more in rest)]


def _hanging(text: str, width: int, style: str = "") -> list[Line]:
    return [line(" " * _COLUMN + part, style) for part in wrap(text, max(20, width - _COLUMN))]


def labelled(label: str, text: str, width: int) -> list[Line]:
    """`text` after a quiet label, in the column where titles stand."""
    return led(Piece(f"    {label:<{_WORD_WIDTH}}", "dim"), text, width)
