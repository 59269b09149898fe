"""One test process at a time: what several of them want, the first makes and the others find made."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def turn(lock: Path) -> Iterator[None]:
    """Hold a lock, which is a directory that is there; raises `FileExistsError` where it is not free in 240 s."""
    deadline = time.monotonic() + 240
    while True:
        try:
            lock.mkdir(parents=True)
            break
        except FileExistsError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    try:
        yield
    finally:
        lock.rmdir()
