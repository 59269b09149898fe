"""What keeps a decision from GO and what is only remarked: one account for every output that people read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gonogo.judge.sign_offs import tell
from gonogo.model.outcome import DecisionWord, Outcome
from gonogo.model.run import GateView, RunView
from gonogo.model.verdict import Reason
from gonogo.outputs.words import because, worst_first

_RED = (Outcome.FAIL, Outcome.ERROR, Outcome.STALE, Outcome.UNKNOWN)
_REMARKS = ("waived by ", "optional: ", "not applicable: ")
"""How a reason begins that holds nothing (judge/decision.py)."""


@dataclass(frozen=True, slots=True)
class Account:
    """One entry of the decision's account: gates that share the same sentences, or the run as a whole."""

    gates: tuple[GateView, ...]
    """Empty: the run."""
    sentences: tuple[str, ...]


def holding(view: RunView) -> list[Account]:
    """What holds the decision, in its order, the worst first. Gates never reached for the same reason are one entry."""
    remarked = _remarked(view)
    entries: list[Account] = []
    for reason in _reasons(view):
        if not _is_remark(view, reason, remarked):
            _add(entries, view, reason)
    return entries


def remarks(view: RunView) -> list[Account]:
    """What the decision mentions and does not wait for: waived and optional gates, words that no longer count.

    What the checklist's own condition leaves out, what people said for GO and the run's notes have places of their own.
    """
    remarked = _remarked(view)
    spoken = {
        told.text for told in tell(view.plan, view.sign_offs) if told.weight == "remark" and " says go" in told.text
    }
    found = []
    for reason in _reasons(view):
        elsewhere = reason.text in spoken or reason.text in view.notes or reason.text.startswith(_REMARKS[-1])
        if _is_remark(view, reason, remarked) and not elsewhere:
            found.append(Account(_gates(view, reason.gate), (reason.text,)))
    return found


def _reasons(view: RunView) -> tuple[Reason, ...]:
    if view.decision is not None:
        return view.decision.reasons
    return tuple(Reason(g.gate.id, "") for g in worst_first(view.gates) if g.outcome in _RED)


def _remarked(view: RunView) -> set[tuple[str, str]]:
    return {(told.gate, told.text) for told in tell(view.plan, view.sign_offs) if told.weight == "remark"}


def _is_remark(view: RunView, reason: Reason, remarked: set[tuple[str, str]]) -> bool:
    if view.decision is None:
        return False
    if view.decision.word is DecisionWord.GO or (reason.gate, reason.text) in remarked:
        return True
    return reason.text.startswith(_REMARKS) if reason.gate else reason.text in view.notes


def _gates(view: RunView, gate: str) -> tuple[GateView, ...]:
    return tuple(one for one in view.gates if one.gate.id == gate)


def _add(entries: list[Account], view: RunView, reason: Reason) -> None:
    """Put a reason where it belongs: into the entry of its gate, with gates of the same fate, or at the end."""
    gates = _gates(view, reason.gate)
    sentences = tuple(_sentences(gates[0], reason)) if gates else (reason.text,)
    for index, entry in enumerate(entries):
        same_gate = bool(gates) and entry.gates == gates
        same_fate = bool(gates) and _not_run(entry.gates) and _not_run(gates) and entry.sentences == sentences
        if same_gate:
            added = tuple(text for text in sentences if text not in entry.sentences)
            entries[index] = Account(gates, (*entry.sentences, *added))
            return
        if same_fate:
            entries[index] = Account((*entry.gates, *gates), sentences)
            return
    entries.append(Account(gates, sentences))


def _not_run(gates: tuple[GateView, ...]) -> bool:
    return bool(gates) and all(one.outcome is Outcome.NOT_RUN for one in gates)


def _sentences(gate: GateView, reason: Reason) -> Iterator[str]:
    """A gate that is not green tells its own reasons, one by one, where the decision joins them into one."""
    tells = gate.outcome in (*_RED, Outcome.NOT_RUN) and not gate.verdict.waived
    own = because(gate.verdict) if tells else []
    if not own:
        yield reason.text
        return
    yield from own
    if " is void: " in reason.text or " says no-go" in reason.text:
        yield reason.text
