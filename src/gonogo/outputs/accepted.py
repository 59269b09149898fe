"""Which waivers of a run accept what: asked by the outputs that name findings one by one."""

from __future__ import annotations

from gonogo.judge.waivers import day, grown, refusal
from gonogo.model.observation import Finding
from gonogo.model.run import GateView, RunView
from gonogo.model.verdict import Waiver


def as_of(view: RunView) -> str:
    """The moment that the run's waivers were measured against."""
    return view.decision.as_of if view.decision is not None else view.ended or view.started


def accepting(view: RunView, gate: GateView, finding: Finding) -> tuple[Waiver, ...]:
    """The waivers that accept a finding: those that name it first, then those that bear the gate's whole criterion."""
    moment = day(as_of(view))
    good = [waiver for waiver in view.waivers if not refusal(waiver, gate.gate, moment)]
    count = sum(other.id == finding.id for other in gate.verdict.findings)
    named = [waiver for waiver in good if waiver.finding == finding.id and not grown(waiver, count)]
    return (*named, *(waiver for waiver in bearing(gate, good) if f"{finding.family}." in waiver.criterion))


def bearing(gate: GateView, waivers: tuple[Waiver, ...] | list[Waiver]) -> tuple[Waiver, ...]:
    """The waivers with a looser bound that cover a waived gate."""
    if not gate.verdict.waived:
        return ()
    used = {id_ for judgement in gate.verdict.judgements for id_ in judgement.waived_by}
    return tuple(waiver for waiver in waivers if waiver.criterion and waiver.id in used)


def said(waiver: Waiver) -> str:
    """A waiver in one sentence: ``waived by ada for DevOps until 2026-12-22 (`W1`): only used to build``."""
    link = f" ({waiver.link})" if waiver.link else ""
    who = f"{waiver.approver} for {waiver.owner}"
    return f"waived by {who} until {waiver.until.isoformat()} (`{waiver.id}`): {waiver.reason}{link}"
