"""Threads that do one thing after another, each as soon as it is free."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class Pool(Generic[T]):
    """At most `size` threads that give what they are handed to `work`, which must not raise.

    A standard executor does more: it keeps a future for each piece of work and imports `logging` to do so.
    """

    def __init__(self, size: int, work: Callable[[T], None]) -> None:
        self._size = size
        self._work = work
        self._orders: queue.SimpleQueue[T | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._handed_out = 0

    def __enter__(self) -> Pool[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Wait until everything handed out is done."""
        for _ in self._threads:
            self._orders.put(None)
        for thread in self._threads:
            thread.join()

    def hand_out(self, order: T) -> None:
        """Have it done; threads are started as they are needed."""
        self._handed_out += 1
        if len(self._threads) < min(self._size, self._handed_out):
            thread = threading.Thread(target=self._do, name=f"gonogo-{len(self._threads)}")
            self._threads.append(thread)
            thread.start()
        self._orders.put(order)

    def _do(self) -> None:
        while (order := self._orders.get()) is not None:
            self._work(order)
