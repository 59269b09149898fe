"""What keeps a decision from GO and what is only remarked: one account for every output that people read."""

from __future__ import annotations

from collections.abc import Iterator

from gonogo.frozen import dataclass
from gonogo.judge.sign_offs import tell
from gonogo.model.outcome import DecisionWord, Outcome
from gonogo.model.run import GateView, RunView
from gonogo.model.verdict import Reason
from gonogo.telling.words import because, worst_first

_RED = (Outcome.FAIL, Outcome.ERROR, Outcome.STALE, Outcome.UNKNOWN)
_ELSEWHERE = ("waived by ", "not applicable: ")
_REMARKS = (*_ELSEWHERE, "optional: ")
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
    known = {gate.gate.id: gate for gate in view.gates}
    entries: dict[object, Account] = {}
    for reason in _reasons(view):
        if not _is_remark(view, reason, remarked):
            _add(entries, known.get(reason.gate), reason)
    return list(entries.values())


def remarks(view: RunView) -> list[Account]:
    """What the decision mentions and does not wait for, such as optional gates.

    What the checklist's own condition leaves out, waivers, people's words and the run's notes have places of their own.
    """
    remarked = _remarked(view)
    known = {gate.gate.id: gate for gate in view.gates}
    found = []
    for reason in _reasons(view):
        elsewhere = reason.text in view.notes or reason.text.startswith(_ELSEWHERE)
        elsewhere = elsewhere or (reason.gate, reason.text) in remarked
        if _is_remark(view, reason, remarked) and not elsewhere:
            gate = known.get(reason.gate)
            found.append(Account((gate,) if gate else (), (reason.text,)))
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


def _add(entries: dict[object, Account], gate: GateView | None, reason: Reason) -> None:
    """Put a reason where it belongs: into the entry of its gate, with gates of the same fate, or at the end."""
    if gate is None:
        entries[reason] = Account((), (reason.text,))
        return
    sentences = tuple(_sentences(gate, reason))
    key: object = sentences if gate.outcome is Outcome.NOT_RUN else gate.gate.id
    entry = entries.get(key)
    if entry is None:
        entries[key] = Account((gate,), sentences)
    elif gate in entry.gates:
        added = tuple(text for text in sentences if text not in entry.sentences)
        entries[key] = Account(entry.gates, (*entry.sentences, *added))
    else:
        entries[key] = Account((*entry.gates, gate), entry.sentences)


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
