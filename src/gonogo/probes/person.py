"""Ask a person: what no machine can see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.observation import WAITING, Observation, Reading, Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import ANSWER, Context, probe
from gonogo.probes._facts import flag


@dataclass(frozen=True, slots=True)
class PersonParams:
    """What to ask."""

    question: str
    """One question that can be answered with yes or no. The gate's owners answer it."""


def _read(facts: Mapping[str, Any], params: PersonParams) -> Reading:
    """The answer that the owner signed, where there is one; a checklist cannot answer for its owners.

    `ANSWER` is laid over the stored facts by whoever judges: the stored bytes hold the question alone.
    """
    if isinstance(facts.get(ANSWER), bool):
        return Reading((Observation("person.agrees", facts[ANSWER], "sign-off"),))
    message = f"waiting for the owner's answer: {params.question}"
    return Reading(
        troubles=(Trouble(Outcome.UNKNOWN, WAITING, message, "answer it: `gonogo ask`, then `gonogo sign`"),)
    )


@probe("person", yields=(flag("person.agrees", "the owner answered yes"),), reader=_read, asks="question")
def person(params: PersonParams, context: Context) -> Capture:
    """Ask the gate's owner a question.

    Without an answer the gate is UNKNOWN and waits. The answer comes from the owner, never from the checklist.
    """
    return Capture("person", params.question, blobs=(context.keep_facts({"question": params.question}),))
