"""Ask a person: what no machine can see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gonogo.model.capture import Capture
from gonogo.model.observation import Reading, Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import Context, probe
from gonogo.probes._facts import flag


@dataclass(frozen=True, slots=True)
class PersonParams:
    """What to ask."""

    question: str
    """One question that can be answered with yes or no. The gate's owners answer it."""


def _read(_facts: Mapping[str, Any], params: PersonParams) -> Reading:
    """Nobody has answered; a checklist cannot answer for its owners, so no param carries an answer."""
    message = f"waiting for the owner's answer: {params.question}"
    return Reading(troubles=(Trouble(Outcome.UNKNOWN, "waiting", message, "ask the gate's owner"),))


@probe("person", yields=(flag("person.agrees", "the owner answered yes"),), reader=_read)
def person(params: PersonParams, context: Context) -> Capture:
    """Ask the gate's owner a question.

    Without an answer the gate is UNKNOWN and waits. The answer comes from the owner, never from the checklist.
    """
    return Capture("person", params.question, blobs=(context.keep_facts({"question": params.question}),))
