"""The smoke checks of a plan, done within an act: on a release that was put back, or that runs beside."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gonogo import criterion
from gonogo.engine.context import CallContext, Workshop
from gonogo.engine.order import Order
from gonogo.evidence import reading
from gonogo.judge import judge
from gonogo.model import codec
from gonogo.model.capture import Blob, Capture
from gonogo.model.checklist import Call
from gonogo.model.observation import Captured, Trouble
from gonogo.model.outcome import Outcome, worst
from gonogo.model.plan import Node
from gonogo.model.verdict import Verdict
from gonogo.plugins import Smoked

_ORIGIN = re.compile(r"https?://[^/?#]+")


def smoke(order: Order, workshop: Workshop, commit: str, *, origin: str, timeout: float) -> Smoked | None:
    """Do every smoke check of the plan on the release of `commit`, judged as by its own gate; None: it has none.

    Args:
        order: The attempt that asks.
        workshop: What attempts share.
        commit: What an answer must name.
        origin: Takes the place of scheme and host in the URLs of the checks; empty: they stay.
        timeout: Seconds for each check.
    """
    if not order.smoke:
        return None
    of_commit = dataclasses.replace(order, subject=dataclasses.replace(order.subject, commit=commit))
    verdicts = [_gate(of_commit, workshop, node, _elsewhere(calls, origin), timeout) for node, calls in order.smoke]
    return Smoked(
        worst(verdict.outcome for verdict in verdicts),
        tuple(_said(verdict) for verdict in verdicts),
        tuple(blob for verdict in verdicts for blob in _blobs(verdict)),
    )


def _elsewhere(calls: tuple[Call, ...], origin: str) -> tuple[Call, ...]:
    if not origin:
        return calls
    return tuple(dataclasses.replace(call, params=_moved(call.params, origin)) for call in calls)


def _moved(value: Any, origin: str) -> Any:
    if isinstance(value, str):
        return _ORIGIN.sub(lambda _: origin.rstrip("/"), value, count=1) if _ORIGIN.match(value) else value
    if isinstance(value, Mapping):
        return {key: _moved(item, origin) for key, item in value.items()}
    return [_moved(item, origin) for item in value] if isinstance(value, (list, tuple)) else value


def _gate(order: Order, workshop: Workshop, node: Node, calls: tuple[Call, ...], timeout: float) -> Verdict:
    captures = [_capture(order, workshop, call, timeout) for call in calls]
    captured = []
    for call, capture in zip(calls, captures, strict=True):
        observed, unexplained = reading.read(capture, call.params, workshop.store, workshop.registry)
        captured.append(Captured(call.id, capture.shown, observed, node.speaks.get(call.id, ()), unexplained))
    types, today = workshop.registry.observation_types, datetime.now(UTC).date()
    spoken = {name for call in calls for name in node.speaks.get(call.id, ())}
    asked = [
        one for one in node.gate.criteria if spoken.issuperset(criterion.compile(one.expression, types, one.span).names)
    ]
    gate = dataclasses.replace(node.gate, calls=calls, criteria=tuple(asked), questions=(), evidence=())
    return judge(gate, captured, captures, as_of=today, types=types)


def _capture(order: Order, workshop: Workshop, call: Call, timeout: float) -> Capture:
    probe = workshop.registry.probe(call.kind)
    params: Any = codec.load(probe.params, call.params)
    context = CallContext(order, call, params, workshop, timeout=timeout, on_line=None)
    try:
        capture = probe.function(params, context)
    except Exception as error:  # a plugin's probe may raise anything: the check could not look
        text = workshop.redactor.text(f"{type(error).__name__}: {error}")
        trouble = Trouble(Outcome.ERROR, "probe-crashed", f"probe `{call.kind}` broke: {text}", f"mend {probe.module}")
        capture = Capture(kind=call.kind, shown=call.text or call.kind, troubles=(trouble,))
    return dataclasses.replace(capture, call=call.id, shown=workshop.redactor.text(capture.shown))


def _said(verdict: Verdict) -> str:
    told = [judgement.distance or judgement.criterion for judgement in verdict.judgements]
    told += [trouble.message for trouble in verdict.troubles]
    return f"`{verdict.gate}` is {verdict.outcome}" + (f": {'; '.join(told)}" if told else "")


def _blobs(verdict: Verdict) -> list[Blob]:
    return [
        dataclasses.replace(blob, name=f"smoke/{verdict.gate}/{capture.call}/{blob.name}")
        for capture in verdict.captures
        for blob in capture.blobs
    ]
