"""What the author of a clause that no rule understands could have written: an example of the nearest rule."""

from __future__ import annotations

import difflib
import re

from gonogo.checklist.clauses import NO_RULE, normal, rules_for
from gonogo.model.checklist import Gate
from gonogo.plugins import Family, Probe, Registry


def why_a_question(why: str, clause: str, gate: Gate, registry: Registry) -> str:
    """Why a clause is a question, for its author: where no rule understands it, with the nearest that would.

    What is nearest depends on the kinds that are known here, so it is told and never kept.
    """
    near = _nearest(normal(clause), gate, registry) if why == NO_RULE else ""
    return f"{why}; {near}" if near else why


def _nearest(text: str, gate: Gate, registry: Registry) -> str:
    """An example of the rule whose clauses are most alike, and whose it is where it would not be tried on the gate.

    Empty where none is alike. Of rules as alike, one that was tried on the gate comes first: it only takes other words.
    """
    hints, kinds = " ".join((gate.title, *(call.text for call in gate.calls))), {call.kind for call in gate.calls}
    tried = {rule.clause.example for rule in rules_for(registry, hints, kinds)}
    asked: list[Family | Probe] = [*registry.families.values(), *registry.probes.values()]
    examples = [clause.example for kind in asked for clause in kind.clauses if clause.criteria]
    likeness = {example: _likeness(text, example) for example in examples}
    best = max(examples, key=lambda one: likeness[one] + (_A_LITTLE if one in tried else 0.0), default="")
    if not best or likeness[best] < _ALIKE:
        return ""
    told = f'nearest rule: "{best}"'
    if best in {rule.clause.example for rule in rules_for(registry, f"{hints} {best}", kinds)}:
        return told
    owners = [kind.name for kind in asked if any(clause.example == best for clause in kind.clauses)]
    return f"{told} of {' or '.join(owners)}, which this gate's title and commands do not speak of"


_ALIKE = 0.45
"""Likeness from which an example helps; below, it would only lead astray."""
_A_LITTLE = 0.1


def _likeness(text: str, example: str) -> float:
    """Between 0 and 1: the letters that two clauses share in order, and the words that say what they are about."""
    one, other = text.casefold(), example.casefold()
    words = [_stems(one), _stems(other)]
    shared = len(words[0] & words[1]) / max(1, min(map(len, words)))
    return (difflib.SequenceMatcher(None, one, other).ratio() + shared) / 2


_IDLE_WORDS = frozenset(
    {"the", "all", "and", "are", "for", "must", "with", "every", "each", "our", "any", "has", "have", "that", "not"}
)


def _stems(text: str) -> set[str]:
    """The words of three letters and more without their ends: `passes` and `passing` are about the same."""
    found = set(re.findall(r"[a-z]{3,}", text)) - _IDLE_WORDS
    return {re.sub(r"(?:ings?|ed|es|s)$", "", word) for word in found}
