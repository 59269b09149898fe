"""What captures say: their stored bytes, read with the params of their calls."""

from __future__ import annotations

from collections.abc import Iterable

from gonogo.engine.order import Order
from gonogo.evidence import reading
from gonogo.evidence.store import Store
from gonogo.model.capture import Capture
from gonogo.model.observation import Captured
from gonogo.plugins import Registry


def read(
    order: Order, captures: Iterable[tuple[str, Capture]], store: Store, registry: Registry
) -> tuple[Captured, ...]:
    """The readings of (call id, capture), in their order, from the stored bytes alone."""
    calls = {call.id: call for call in order.calls}
    found = []
    for call, capture in captures:
        observed, unexplained = reading.read(capture, calls[call].params, store, registry)
        found.append(Captured(call, capture.shown, observed, order.node.speaks.get(call, ()), unexplained))
    return tuple(found)
