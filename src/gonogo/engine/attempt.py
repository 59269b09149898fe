"""One attempt at one gate: a value in, a value out. Runs in a worker; touches neither ledger nor verdicts."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gonogo.engine import aside, collect, said
from gonogo.engine.context import CallContext, Workshop
from gonogo.engine.order import Brought, Order
from gonogo.errors import GonogoError
from gonogo.ledger.view import Acted
from gonogo.model import codec
from gonogo.model.capture import Capture
from gonogo.model.checklist import Call, Effect
from gonogo.model.observation import Captured, Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import Done, Look, NoTarget, OutOfReach, Probe
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
        ended = order.before[call.id].capture if acts and call.id in order.before else None
        if ended is not None:
            captures.append((call.id, ended))
            continue
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
        context = _Call(_with_images(order, captures), call, workshop, on_line, timeout, tuple(captures))
        captures.append((call.id, context.act() if acts else context.capture()))
        if bounded and time.monotonic() - begun >= timeout:
            return captures, True
    return captures, False


def _with_images(order: Order, captures: list[tuple[str, Capture]]) -> Order:
    """The order for the next call: images that earlier calls of the attempt made belong to its subject."""
    images = {service: digest for _, capture in captures for service, digest in capture.images.items()}
    if not images:
        return order
    return dataclasses.replace(
        order, subject=dataclasses.replace(order.subject, images={**order.subject.images, **images})
    )


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


@dataclasses.dataclass(slots=True)
class _Call:
    """One call of an attempt."""

    order: Order
    call: Call
    workshop: Workshop
    on_line: Callable[[str], None] | None
    timeout: float
    earlier: tuple[tuple[str, Capture], ...] = ()
    """(call id, capture) of those before it."""

    def capture(self, *, acting: bool = False) -> Capture:
        """What it brought back; whatever goes wrong in a probe is a trouble in it, never an exception."""
        order, call, workshop = self.order, self.call, self.workshop
        started, clock = now(), time.monotonic()
        probe = workshop.registry.probe(call.kind)
        context: CallContext | None = None
        try:
            params, context = self._given(acting=acting)
            capture = self._held_back(probe, context) if acting else None
            capture = capture or probe.function(params, context)
            if not any(trouble.slug in _NOT_ENDED for trouble in capture.troubles):
                context.forget()
            capture = collect.reports_of(order, call.id, capture, workshop.store, workshop.registry)
        except OutOfReach as error:
            outcome = Outcome.UNKNOWN if isinstance(error, NoTarget) else Outcome.ERROR
            capture = self._in_trouble(Trouble(outcome, "out-of-reach", error.message, error.help))
        except GonogoError:  # the evidence cannot be kept, or the ledger not be written
            raise
        except Exception as error:  # a probe may be a plugin's, and may raise anything: it becomes a trouble
            text = workshop.redactor.text(f"{type(error).__name__}: {error}")
            trouble = Trouble(
                Outcome.ERROR, "probe-crashed", f"probe `{call.kind}` broke: {text}", f"mend {probe.module}"
            )
            capture = self._in_trouble(trouble)
        return self._finished(capture, context, started, clock)

    def act(self) -> Capture:
        """As `capture`, with its beginning and its end in the ledger; one that was cut off is looked at first."""
        begun = self.order.before.get(self.call.id)
        if begun is not None:
            looked = self._look(begun)
            if looked is not None:
                return self._ended(looked)
        self.workshop.acts.write(self.order.gate, "act-started", {"call": self.call.id})
        crash_point("act-started", f"{self.order.gate}:{self.call.id}")
        capture = self.capture(acting=True)
        crash_point("act-done", f"{self.order.gate}:{self.call.id}")
        return self._ended(capture)

    def _ended(self, capture: Capture) -> Capture:
        """The capture, which a resume takes as it is; what was interrupted has not ended."""
        if not any(trouble.slug in _NOT_ENDED for trouble in capture.troubles):
            self.workshop.acts.write(self.order.gate, "act-ended", {"call": self.call.id, "capture": capture})
            crash_point("act-ended", f"{self.order.gate}:{self.call.id}")
        return capture

    def _look(self, begun: Acted) -> Capture | None:
        """What became of an act that was cut off; None: it is to be done, or gone on with."""
        probe = self.workshop.registry.probe(self.call.kind)
        if begun.said == "done" and probe.look is None:
            word = f"by the word of {begun.by}"
            kept = self.workshop.store.put("stdout", f"{word}\n".encode(), "text/plain")
            return dataclasses.replace(self._in_trouble(), exit=0, started=now(), notes=(word,), blobs=(kept,))
        seen = Look(Done.UNKNOWN, "nothing can tell how far it came")
        if probe.look is not None:
            try:
                params, context = self._given(acting=True)
                seen = probe.look(params, context)
            except OutOfReach as error:
                seen = Look(Done.UNKNOWN, error.message)
        if seen.done is Done.DONE and seen.capture is not None:
            found = f"cut off, and found done: {seen.why}"
            return dataclasses.replace(seen.capture, call=self.call.id, notes=(*seen.capture.notes, found))
        if seen.done is Done.UNKNOWN and begun.said:  # where no look can tell, the person's word does
            seen = Look(Done.NOT_DONE if begun.said == "not done" else Done.HALF_DONE, f"by the word of {begun.by}")
        if seen.done in {Done.NOT_DONE, Done.HALF_DONE}:
            self.workshop.acts.write(
                self.order.gate, "act-looked", {"call": self.call.id, "done": seen.done, "why": seen.why}
            )
            return None
        return self._in_trouble(
            Trouble(
                Outcome.UNKNOWN,
                INTERRUPTED_ACT,
                f"it was begun and cut off: what it did is not known ({seen.why})",
                f"look at the target yourself, then say it: `gonogo resolve {self.order.gate} --done|--not-done -m …`",
            )
        )

    def _given(self, *, acting: bool) -> tuple[Any, CallContext]:
        probe = self.workshop.registry.probe(self.call.kind)
        params: Any = codec.load(probe.params, self.call.params)
        return params, CallContext(
            self.order,
            self.call,
            params,
            self.workshop,
            timeout=self.timeout,
            on_line=self.on_line,
            acting=acting,
            earlier=self.earlier,
        )

    def _held_back(self, probe: Probe, context: CallContext) -> Capture | None:
        """The capture of an act that may not begin, because the target's lock is somebody else's; None: it may."""
        if not probe.on_target or self.order.spec is None:
            return None
        if context.fence:  # it was fit when its lock was taken; what went wrong since then, the act itself meets
            return None
        target = context.reach()
        trouble = target.trouble() or self.workshop.hold.take(target, context.wait)
        return self._in_trouble(trouble) if trouble is not None else None

    def _in_trouble(self, *troubles: Trouble) -> Capture:
        """A capture of what the call itself did not bring."""
        return Capture(
            kind=self.call.kind, shown=self.call.text or self.call.kind, troubles=troubles, call=self.call.id
        )

    def _finished(self, capture: Capture, context: CallContext | None, started: str, clock: float) -> Capture:
        problem = self.order.node.problems.get(self.call.id, "")
        if problem and capture.exit != 0:
            trouble = Trouble(Outcome.ERROR, "leads-nowhere", problem, "correct the command, or write what it calls")
            capture = dataclasses.replace(capture, troubles=(trouble, *capture.troubles))
        return dataclasses.replace(
            capture,
            shown=self.workshop.redactor.text(capture.shown),
            notes=(*capture.notes, *(context.notes if context else ())),
            started=capture.started or started,
            seconds=capture.seconds or time.monotonic() - clock,
            call=self.call.id,
        )


INTERRUPTED_ACT = "interrupted-act"
"""Slug of the trouble that an act was cut off, and nobody knows what it did."""
_NOT_ENDED = frozenset({INTERRUPTED_ACT, "interrupted"})


def read(order: Order, brought: Brought, workshop: Workshop) -> tuple[Captured, ...]:
    """What the captures say, from their stored bytes alone."""
    return said.read(order, brought.captures, workshop.store, workshop.registry)
