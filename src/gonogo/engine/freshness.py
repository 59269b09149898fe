"""A pass of an earlier run that may stand for this one: same commit, clean tree, same gate, young enough."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import gonogo
from gonogo.evidence.store import Store
from gonogo.ledger import Ledger
from gonogo.model import codec
from gonogo.model.outcome import Outcome
from gonogo.model.plan import Node, Plan
from gonogo.model.verdict import Verdict


def gate_digest(node: Node, plan: Plan, values: Mapping[str, str]) -> str:
    """Names what a verdict depends on beside the commit: the gate, its inputs, the target, gonogo itself."""
    return codec.digest([node, plan.target, plan.directory, dict(values), plan.input_files, gonogo.__version__])


def reusable(node: Node, plan: Plan, digest: str, ledger: Ledger, store: Store) -> tuple[Verdict, str] | None:
    """The latest earlier PASS that is still good, marked as reused, and the run it comes from; None: look anew."""
    if node.gate.max_age is None or node.acts or not plan.subject.commit or not plan.subject.clean:
        return None
    for event in ledger.last_verdicts(node.id):
        data: dict[str, Any] = event.value
        if data.get("reused_from") or data.get("digest") != digest or data.get("commit") != plan.subject.commit:
            continue
        age = (datetime.now(UTC) - datetime.fromisoformat(event.time)).total_seconds()
        if not data.get("clean") or not 0 <= age <= node.gate.max_age:
            continue
        verdict = codec.load(Verdict, data["verdict"])
        if verdict.outcome is not Outcome.PASS or not _kept(verdict, store):
            return None
        good = node.gate.max_age / 60
        note = f"looked at {age / 60:.0f} min ago in run {event.run} on this commit; good for {good:g} min"
        return dataclasses.replace(verdict, notes=(*verdict.notes, note), seconds=0.0), event.run
    return None


def _kept(verdict: Verdict, store: Store) -> bool:
    """Whether all its evidence is still there."""
    return all(store.path(blob.sha256).is_file() for capture in verdict.captures for blob in capture.blobs)
