"""Baselines in the ledger: what a run adds once its release is stable, and what later runs are compared with."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from gonogo.ledger import Ledger
from gonogo.ledger.store import Event
from gonogo.model import codec
from gonogo.model.baseline import NO_BASELINE, Baseline
from gonogo.model.outcome import Outcome
from gonogo.model.plan import Plan
from gonogo.model.verdict import Verdict

EVENT = "baseline"
"""Name of the event that adds one."""


def entries(plan: Plan, verdicts: Mapping[str, Verdict]) -> list[tuple[str, str, Mapping[str, Any]]]:
    """The events that add what this run measured: (event, gate, data), for `Journal.record_all`.

    Call it at the moment the release became stable; for a run that puts no release anywhere, that is the decision GO.
    A gate counts if it passed, or if nothing but the missing baseline kept it from passing. A waived failure does not:
    a baseline that a slower run moves would hide the next one. A tree that was no commit adds nothing: a release of it
    can never be stable.
    """
    if not plan.subject.commit or plan.subject.dirty:
        return []
    return [
        (EVENT, gate, {"baseline": measured, "commit": plan.subject.commit})
        for gate, verdict in verdicts.items()
        if verdict.outcome is Outcome.PASS or only_the_first(verdict)
        for measured in measured_in(verdict)
    ]


def measured_in(verdict: Verdict) -> Iterator[Baseline]:
    """The figures in a verdict's captures."""
    for capture in verdict.captures:
        if capture.measured is not None:
            yield dataclasses.replace(capture.measured, at=capture.started)


def only_the_first(verdict: Verdict) -> bool:
    """Whether all that a gate lacks is a baseline to be compared with: a run that is the first of its kind."""
    waits = {capture.call for capture in verdict.captures if capture.measured is not None}
    return (
        verdict.outcome is Outcome.UNKNOWN
        and bool(verdict.troubles)
        and all(trouble.slug == NO_BASELINE for trouble in verdict.troubles)
        and all(one.outcome is Outcome.PASS or one.call in waits for one in verdict.judgements)
        and not verdict.questions
    )


def known(state: Path) -> tuple[Baseline, ...]:
    """The baselines that stand, the oldest first. Opens the ledger anew, so that any thread may ask."""
    with closing(Ledger(state / "ledger.db")) as ledger:
        return tuple(of_event(event) for event in ledger.baselines())


def of_event(event: Event) -> Baseline:
    """The baseline that an event adds, with where it comes from."""
    data = event.value
    baseline = codec.load(Baseline, data["baseline"])
    return dataclasses.replace(baseline, run=event.run, gate=event.gate, commit=str(data.get("commit", "")))
