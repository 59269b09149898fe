"""End what a process left behind: its group, and on Linux also what left the group.

Every process we start carries `GONOGO_ATTEMPT=<token>`, and hands it down. On Linux that finds descendants wherever
they went (`setsid`, daemons), unless they cleared their variables. On macOS there is no way to read them: only the
process group is ended there.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress

MARKER = "GONOGO_ATTEMPT"
"""The variable; its value is a path of tokens, outermost first, so that a gonogo within a gonogo is found by both."""

_FEW = 16
"""Numbers that are looked at one by one rather than listing every process."""

_ASSIGNED = f"\0{MARKER}=".encode()


def marked(token: str, *, after: int = 0) -> list[int]:
    """Processes that carry the token, this one excepted; with `after`, only those of a higher number."""
    own, wanted = os.getpid(), token.encode()
    return [pid for pid in _newer(after) if pid != own and wanted in _tokens(pid)]


def _newer(after: int) -> list[int]:
    """Processes of a higher number, lowest first.

    The kernel says which number it gave last (proc(5), `/proc/loadavg`): where that is near, as it is right after a
    quick command, the few are asked for one by one. Else all are listed, in order, so that only the end is looked at.
    """
    if after:
        try:
            with open("/proc/loadavg", "rb", buffering=0) as file:  # noqa: PTH123 - 300 times a run
                last = int(file.read(128).split()[-1])
        except (OSError, ValueError, IndexError):
            last = 0
        if after <= last <= after + _FEW:
            return list(range(after + 1, last + 1))
    try:
        names = os.listdir("/proc")  # noqa: PTH208 - names are all that is needed, 300 times a run
    except OSError:
        return []
    pids: list[int] = []
    for name in reversed(names):
        if not name.isdigit():
            continue
        if int(name) <= after:
            break
        pids.append(int(name))
    return pids[::-1]


def _tokens(pid: int) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:  # noqa: PTH123 - as above
            _, found, rest = b"".join((b"\0", file.readall() or b"")).partition(_ASSIGNED)
        return rest.partition(b"\0")[0].split(b"/") if found and _leads(pid) else []
    except OSError:
        return []


def _leads(pid: int) -> bool:
    """Whether it is a process, and not another thread of one, whose number can be asked for as well."""
    with open(f"/proc/{pid}/status", "rb", buffering=0) as file:  # noqa: PTH123 - as above
        return b"\nTgid:\t%d\n" % pid in (file.readall() or b"")


def group_lives(group: int) -> bool:
    """Whether the process group has a member that runs; a zombie that nobody reaps does not."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        names = os.listdir("/proc")  # noqa: PTH208 - as above
    except OSError:
        return True
    return any(_runs_in(int(name), group) for name in names if name.isdigit())


def _runs_in(pid: int, group: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - as above
            state, _, in_group = file.read().rpartition(b")")[2].split()[:3]
    except (OSError, ValueError):
        return False
    return int(in_group) == group and state not in b"ZX"


def send(number: signal.Signals, group: int, pids: Iterable[int] = ()) -> None:
    """Send a signal to a group and to further processes; who is gone already is no matter."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def end(group: int, token: str, *, after: int, grace: float) -> int:
    """End what is left of a group and of its strays: asked first, killed after `grace` seconds. Returns how many.

    The group's leader must be reaped already. The count is of strays, plus one for a group that was not empty.
    """
    strays = marked(token, after=after)
    count = len(strays) or int(group_lives(group))
    if not count:
        return 0
    send(signal.SIGTERM, group, strays)
    if not _gone(group, token, after, grace):
        for _ in range(5):  # what forks while it is killed needs another round
            send(signal.SIGKILL, group, marked(token, after=after))
            if _gone(group, token, after, 1.0):
                break
    return count


def sweep(token: str, grace: float = 1.0) -> int:
    """End every process that carries the token, such as those of a run that was killed; returns how many (Linux)."""
    strays = marked(token)
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 1.0)):
        for pid in marked(token):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        deadline = time.monotonic() + patience
        while marked(token) and time.monotonic() < deadline:
            time.sleep(0.01)
    return len(strays)


def _gone(group: int, token: str, after: int, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while group_lives(group) or marked(token, after=after):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
