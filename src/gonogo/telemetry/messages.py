"""A run in the few words that people read in a chat or a mail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from gonogo.judge.sign_offs import tell
from gonogo.model.notice import DECISION, WAITING
from gonogo.model.outcome import State
from gonogo.model.run import RunView
from gonogo.plugins import Message
from gonogo.telemetry.moments import Moment, What, why_run
from gonogo.telling.words import number, safe, short_commit, tally

_MOST_LINES = 10


def message(moment: Moment, about: Sequence[str]) -> Message | None:
    """What there is to say; None: nothing of what was asked for."""
    view, waiting = moment.view, awaited(moment.view)
    if moment.what is What.WAITING:
        return _waiting(view, waiting, moment.at)
    if DECISION in about:
        return _decided(view, waiting)
    return _waiting(view, waiting, moment.at) if waiting else None


def awaited(view: RunView) -> list[str]:
    """Whose word is missing, and for what, one line each."""
    lines = [
        f"{', '.join(gate.gate.owners) or 'somebody'}: {gate.gate.title} ({gate.gate.id})"
        for gate in view.gates
        if gate.verdict.state is State.WAITING
    ]
    lines += [told.text for told in tell(view.plan, view.sign_offs) if told.weight == "hold"]
    return [safe(line) for line in lines]


def _waiting(view: RunView, waiting: Sequence[str], at: str) -> Message:
    title = safe(f"waits for {number(len(waiting), 'word')}: {_about(view)}")
    lines = [*_few(waiting), f"`gonogo ask {view.id} --all` says what to type"]
    return _message(view, WAITING, title, lines, at)


def _decided(view: RunView, waiting: Sequence[str]) -> Message:
    word = view.decision.word.value if view.decision is not None else "stopped"
    lines = [tally(view.gates), *map(safe, why_run(view))]
    if waiting:
        lines += [f"waits for {line}" for line in _few(waiting)]
    lines.append(f"`gonogo show {view.id}` shows it all")
    return _message(view, DECISION, safe(f"{word}: {_about(view)}"), lines, view.ended)


def _message(view: RunView, occasion: str, title: str, lines: Sequence[str], at: str) -> Message:
    ident = f"{view.id}-{occasion}-{''.join(c for c in at if c.isdigit())}"
    facts = {"id": ident, "occasion": occasion, "title": title, "lines": list(lines), **_facts(view)}
    return Message(ident, occasion, title, tuple(lines), facts)


def _about(view: RunView) -> str:
    commit = f" of {short_commit(view.subject.commit)}" if view.subject.commit else ""
    return f"{view.plan.title}{commit} for {view.plan.target}"


def _few(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], *([f"and {more} more"] if more > 0 else [])]


def _facts(view: RunView) -> dict[str, Any]:
    return {
        "run": view.id,
        "checklist": view.plan.title,
        "target": view.plan.target,
        "commit": view.subject.commit,
        "state": view.state.value,
        "decision": view.decision.word.value if view.decision is not None else None,
        "gates": dict(Counter(gate.outcome.value for gate in view.gates)),
        "reasons": list(why_run(view, at_most=100)) if view.decision is not None else [],
        "waiting_for": awaited(view),
        "started": view.started,
        "ended": view.ended or None,
    }
