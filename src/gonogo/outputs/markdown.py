"""The run as Markdown, for a pull request or a wiki page."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gonogo.model.outcome import Outcome
from gonogo.model.run import GateView, RunView
from gonogo.plugins import output
from gonogo.telling.kept import kept
from gonogo.telling.sheet import finding_text
from gonogo.telling.words import (
    DECISION_MEANINGS,
    SYMBOLS,
    WORDS,
    because,
    duration,
    listed,
    mends,
    number,
    qualities,
    run_alone,
    safe,
    short_commit,
    tally,
    worst_first,
)

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~@])")
_FINDINGS = 10


@output("markdown", media_type="text/markdown")
def markdown(view: RunView) -> str:
    """Markdown: the decision as heading, a table of all gates, each gate that is not green, and the evidence."""
    parts = [_head(view), _reasons(view), _table(view)]
    parts += [_details(view, gate) for gate in worst_first(view.gates) if gate.outcome not in _QUIET]
    parts += [_excluded(view), _notes(view), _evidence(view), _foot(view)]
    return "\n\n".join(part for part in parts if part) + "\n"


_QUIET = (Outcome.PASS, Outcome.NOT_APPLICABLE, Outcome.NOT_RUN)


def _text(text: str) -> str:
    """Foreign text that stays text: no markup, no mention of a person, no link. Names in backticks become code."""
    parts = safe(text).split("`")
    if len(parts) % 2 == 0:
        return _SPECIAL.sub(r"\\\1", safe(text))
    return "".join(_code(part) if at % 2 else _SPECIAL.sub(r"\\\1", part) for at, part in enumerate(parts))


def _code(text: str) -> str:
    """Foreign text as code, with a fence longer than any run of backticks in it."""
    shown = safe(text)
    if not shown:
        return ""
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _cell(text: str) -> str:
    """Text for a table, where a bar ends the cell even inside code."""
    return re.sub(r"(?<!\\)\|", r"\\|", text)


def _head(view: RunView) -> str:
    subject, decision = view.plan.subject, view.decision
    said = (
        f"{decision.word.value}: {DECISION_MEANINGS[decision.word]}" if decision else f"No decision: {view.state.value}"
    )
    state = "clean" if subject.clean else f"{number(len(subject.dirty), 'uncommitted change')}"
    commit = _code(short_commit(subject.commit))
    return "\n\n".join(
        [
            f"# {said}",
            f"**{_text(view.plan.title)}**, {commit} ({state}) on {_text(view.plan.target)}",
            f"{tally(view.gates)}.",
        ]
    )


def _reasons(view: RunView) -> str:
    reasons = view.decision.reasons if view.decision else ()
    return _bullets("## Reasons", (_reason(view, reason.gate, reason.text) for reason in reasons))


def _reason(view: RunView, gate: str, text: str) -> str:
    title = next((g.gate.title for g in view.gates if g.gate.id == gate), "")
    return f"**{_text(title)}**: {_text(text)}" if title else _text(text)


def _bullets(heading: str, items: Iterable[str]) -> str:
    lines = [f"- {item}" for item in items]
    return "\n".join([heading, "", *lines]) if lines else ""


def _table(view: RunView) -> str:
    rows = ["## Gates", "", "| Phase | Gate | Outcome | Why | Owner | Took |", "|---|---|---|---|---|---|"]
    for gate in view.gates:
        quality = qualities(gate.verdict)
        outcome = f"{_text(SYMBOLS[gate.outcome])} {WORDS[gate.outcome]}{', ' + quality if quality else ''}"
        why = "" if gate.outcome is Outcome.PASS else next(iter(because(gate.verdict) or gate.verdict.questions), "")
        optional = " (optional)" if gate.gate.optional else ""
        cells = (
            _text(gate.gate.phase),
            _text(gate.gate.title) + optional,
            outcome,
            _text(why),
            _text(listed(list(gate.gate.owners), 6)),
            duration(gate.verdict.seconds) if gate.verdict.seconds else "",
        )
        rows.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    return "\n".join(rows)


def _details(view: RunView, gate: GateView) -> str:
    verdict = gate.verdict
    lines = [f"### {_text(SYMBOLS[gate.outcome])} {WORDS[gate.outcome]}: {_text(gate.gate.title)}", ""]
    lines += [f"- {_text(reason)}" for reason in because(verdict)]
    lines += [f"- question: {_text(question)}" for question in verdict.questions]
    lines += [f"- finding: {_code(finding_text(finding))}" for finding in verdict.findings[:_FINDINGS]]
    more = max(verdict.findings_total, len(verdict.findings)) - min(_FINDINGS, len(verdict.findings))
    lines += [f"- and {number(more, 'more finding')}"] if more else []
    lines += [f"- to mend: {_text(order)}" for order in mends(verdict)]
    lines.append(f"- owner: {_text(listed(list(gate.gate.owners), 6)) or 'nobody is named'}")
    lines.append(f"- alone: {_code(run_alone(view, gate))}")
    return "\n".join(lines)


def _excluded(view: RunView) -> str:
    excluded = [g for g in view.gates if g.outcome is Outcome.NOT_APPLICABLE]
    return _bullets("## Not applicable", (f"{_text(g.gate.title)}: {_text(g.verdict.reason)}" for g in excluded))


def _notes(view: RunView) -> str:
    notes = [_text(note) for note in view.notes]
    notes += [f"{_text(g.gate.title)}: {_text(note)}" for g in view.gates for note in g.verdict.notes]
    return _bullets("## Notes", notes)


def _evidence(view: RunView) -> str:
    rows = [
        f"| {_text(g.gate.title)} | {_cell(_code(file.shown))} | {_cell(_code(file.name))} "
        f"| {file.size:,} | {_code(file.sha256)} |"
        for g in view.gates
        for file in kept(view, g.verdict)
        if file.size
    ]
    if not rows:
        return ""
    head = [f"<details><summary>Evidence: {number(len(rows), 'file')}</summary>", ""]
    table = ["| Gate | From | File | Bytes | sha256 |", "|---|---|---|---|---|", *rows]
    return "\n".join([*head, *table, "", "</details>"])


def _foot(view: RunView) -> str:
    return (
        f"Run {_code(view.id)}, {_text(view.started)}, {duration(view.seconds)}, plan {_code(view.plan.digest[:12])}."
    )
