"""One attempt at one gate: a value in, a value out. Runs in a worker; touches neither ledger nor verdicts."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gonogo.engine import aside, collect
from gonogo.engine.context import CallContext, Workshop
from gonogo.engine.order import Brought, Order
from gonogo.errors import GonogoError
from gonogo.evidence import reading
from gonogo.model import codec
from gonogo.model.capture import Capture
from gonogo.model.checklist import Call, Effect
from gonogo.model.observation import Captured, Trouble
from gonogo.model.outcome import Outcome
from gonogo.testing import crash_point


def now() -> str:
    """This moment; UTC, RFC 3339 with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def perform(order: Order, workshop: Workshop, on_line: Callable[[str], None] | None) -> Brought:
    """Do what the order says: make way, run each call in order, collect what was written, put back what is old."""
    started, clock = now(), time.monotonic()
    root = Path(order.root)
    troubles: list[Trouble] = []
    try:
        aside.move(order.aside, root)
    except GonogoError as error:
        trouble = Trouble(Outcome.ERROR, "cannot-make-way", error.message, error.help)
        return Brought(order.gate, order.attempt, (), (trouble,), started=started)
    crash_point("aside-moved", order.gate)
    try:
        captures, cut_short = _calls(order, workshop, on_line, clock)
        crash_point("calls-ended", order.gate)
        blobs, problems, notes = collect.evidence_of(order, workshop.store) if order.calls else ((), (), ())
        troubles += problems
    except GonogoError as error:  # the evidence store is gone or full
        captures, blobs, notes, cut_short = [], (), (), False
        troubles.append(Trouble(Outcome.ERROR, "evidence-not-kept", error.message, error.help))
    finally:
        for item in order.aside:
            aside.put_back(item, root)
    crash_point("collected", order.gate)
    if blobs and captures:
        call, last = captures[-1]
        said = [capture for _, capture in captures]
        refs = collect.reports_among(blobs, order, said, workshop.store, workshop.registry)
        last = dataclasses.replace(last, blobs=(*last.blobs, *blobs), reports=(*last.reports, *refs))
        captures[-1] = (call, last)
    return Brought(
        gate=order.gate,
        attempt=order.attempt,
        captures=tuple(captures),
        troubles=tuple(troubles),
        notes=tuple(notes),
        started=started,
        seconds=time.monotonic() - clock,
        cut_short=cut_short,
        files={blob.path: blob.sha256 for blob in blobs if blob.path},
    )


def _calls(
    order: Order, workshop: Workshop, on_line: Callable[[str], None] | None, clock: float
) -> tuple[list[tuple[str, Capture]], bool]:
    """The captures of the calls that ran, and whether the run's time budget ended them."""
    captures: list[tuple[str, Capture]] = []
    for call in order.calls:
        if workshop.stop.is_set():
            break
        acts = order.node.effects.get(call.id, Effect.READ) is not Effect.READ
        left = None if order.budget is None else order.budget - (time.monotonic() - clock)
        if left is not None and left <= 0:
            return captures, True
        if acts and any(_went_wrong(capture) for _, capture in captures):
            captures.append((call.id, _not_reached(call, captures)))
            continue
        timeout = order.timeout + _by_design(call, workshop)
        bounded = left is not None and not acts and left < timeout
        timeout = left if bounded and left is not None else timeout
        begun = time.monotonic()
        captures.append((call.id, _capture(order, call, workshop, on_line, timeout)))
        if bounded and time.monotonic() - begun >= timeout:
            return captures, True
    return captures, False


def _by_design(call: Call, workshop: Workshop) -> float:
    """Seconds that the call takes even where all is well, beyond which its gate's timeout counts."""
    probe = workshop.registry.probe(call.kind)
    return probe.takes(codec.load(probe.params, call.params)) if probe.takes is not None else 0.0


def _went_wrong(capture: Capture) -> bool:
    return bool(capture.troubles) or capture.exit not in {0, None}


def _not_reached(call: Call, captures: list[tuple[str, Capture]]) -> Capture:
    before = next(capture.shown for _, capture in captures if _went_wrong(capture))
    return Capture(
        kind=call.kind,
        shown=call.text or call.kind,
        troubles=(
            Trouble(
                Outcome.UNKNOWN,
                "act-not-reached",
                f"not run, because `{before}` did not succeed",
                "mend that one first",
            ),
        ),
        started=now(),
        call=call.id,
    )


def _capture(
    order: Order, call: Call, workshop: Workshop, on_line: Callable[[str], None] | None, timeout: float
) -> Capture:
    """One call's capture; whatever goes wrong in a probe is a trouble in it, never an exception."""
    started, clock = now(), time.monotonic()
    probe = workshop.registry.probe(call.kind)
    context: CallContext | None = None
    try:
        params: Any = codec.load(probe.params, call.params)
        context = CallContext(order, call, params, workshop, timeout=timeout, on_line=on_line)
        capture = probe.function(params, context)
        if not any(trouble.slug == "interrupted" for trouble in capture.troubles):
            context.forget()
        capture = collect.reports_of(order, call.id, capture, workshop.store, workshop.registry)
    except GonogoError:
        raise
    except Exception as error:  # a probe may be a plugin's, and may raise anything: it becomes a trouble
        text = workshop.redactor.text(f"{type(error).__name__}: {error}")
        trouble = Trouble(Outcome.ERROR, "probe-crashed", f"probe `{call.kind}` broke: {text}", f"mend {probe.module}")
        capture = Capture(kind=call.kind, shown=call.text or call.kind, troubles=(trouble,))
    problem = order.node.problems.get(call.id, "")
    if problem and capture.exit != 0:
        trouble = Trouble(Outcome.ERROR, "leads-nowhere", problem, "correct the command, or write what it calls")
        capture = dataclasses.replace(capture, troubles=(trouble, *capture.troubles))
    return dataclasses.replace(
        capture,
        shown=workshop.redactor.text(capture.shown),
        notes=(*capture.notes, *(context.notes if context else ())),
        started=capture.started or started,
        seconds=capture.seconds or time.monotonic() - clock,
        call=call.id,
    )


def read(order: Order, brought: Brought, workshop: Workshop) -> tuple[Captured, ...]:
    """What the captures say, from their stored bytes alone."""
    calls = {call.id: call for call in order.calls}
    found = []
    for call, capture in brought.captures:
        observed, unexplained = reading.read(capture, calls[call].params, workshop.store, workshop.registry)
        found.append(Captured(call, capture.shown, observed, order.node.speaks.get(call, ()), unexplained))
    return tuple(found)
