"""The end of a server that a test wrote itself, on a bare socket."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


def hang_up(listener: socket.socket, thread: threading.Thread) -> None:
    """Close a listener once the thread that accepts its connections has ended.

    A close alone does not wake that thread. It would go on waiting, in the kernel, on a descriptor number that is given
    away again; and wherever the kernel restarts the call (the process was stopped and continued, or frozen) it takes a
    connection away from whichever server has that number by then: a test of much later misses a request that was
    answered well.
    """
    with suppress(OSError):  # wakes it; some systems refuse that of a listener, and wake it all the same
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(60)
    listener.close()
    assert not thread.is_alive(), "it would take another server's connection"
