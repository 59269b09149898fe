"""Runs with waivers, for the outputs that carry them elsewhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from gonogo.model.capture import Capture, ReportRef
from gonogo.model.observation import Finding
from gonogo.model.outcome import DecisionWord
from gonogo.model.run import GateView, RunView
from gonogo.model.verdict import Judgement, Waiver
from tests.outputs.runs import gate, red, run

MINIMIST = "GHSA-xvch-5gv4-984h:minimist:<1.2.6"
SCOPED = "GHSA-aaaa-bbbb-cccc:@scope/name:>=1.0.0 <2.0.0"
DEPENDANT = "via minimist:mkdirp:<=0.5.1"


def waiver(id_: str, finding: str = "", **more: Any) -> Waiver:
    told: dict[str, Any] = {
        "owner": "Backend",
        "approver": "Ben",
        "reason": "only used to build",
        "until": date(2026, 12, 22),
        "gate": "security",
        "written": "2026-11-20T09:00:00Z",
        "finding": finding,
    }
    return Waiver(id_, **{**told, **more})


def security(*ids: str, waived_by: tuple[str, ...] = (), parser: str = "npm_audit", **more: Any) -> GateView:
    """The gate with these medium findings, and the waivers that cover it."""
    findings = tuple(Finding("vulnerabilities", id_, "medium", f"{id_} is bad") for id_ in ids)
    from gonogo.model.outcome import Outcome

    judgement = Judgement(
        "vulnerabilities.medium == 0",
        Outcome.FAIL,
        call="1",
        value=str(len(ids)),
        distance=f"{len(ids)} medium vulnerabilities, needs 0",
        waived_by=waived_by,
    )
    audit = Capture("command", "npm audit", reports=(ReportRef("report/a.json", parser, "npm", 1),))
    given: dict[str, Any] = {
        "judgements": (judgement,),
        "findings": findings,
        "findings_total": len(ids),
        "captures": (audit,),
        "waived": bool(waived_by),
    }
    return red(gate("Security"), **{**given, **more})


def waived_run(*waivers: Waiver, gates: tuple[GateView, ...] = (), **more: Any) -> RunView:
    """GO, although the security gate is red: all it found is waived."""
    ids = tuple(dict.fromkeys(w.finding for w in waivers if w.finding))
    seen = gates or (security(*ids, waived_by=tuple(w.id for w in waivers)),)
    return replace(run(*seen, decision=DecisionWord.GO), waivers=tuple(waivers), **more)
