"""Processes of a target, found by a variable they carry and hand down, wherever they went; and who listens where.

Only Linux tells the variables and sockets of other processes (`/proc`). Elsewhere nothing is found here, and only
process groups are ended.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

TARGET = "GONOGO_TARGET"
"""The variable that each process of a target carries; its value names the target's directory."""
UNIT = "GONOGO_UNIT"
"""The variable that each process of one supervised service carries; its value is the unit's id."""

_LISTEN = "0A"


def _pids() -> Iterable[int]:
    try:
        names = os.listdir("/proc")  # noqa: PTH208 - names are all that is needed
    except OSError:
        return ()
    return (int(name) for name in names if name.isdigit())


def marked(name: str, value: str) -> list[int]:
    """Processes that carry the variable with this value, this one excepted."""
    wanted = f"{name}={value}".encode()
    own = os.getpid()
    return [pid for pid in _pids() if pid != own and wanted in _variables(pid)]


def _variables(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be reaped does not."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _state(pid) not in {"Z", "X"}


def paused(pid: int) -> bool:
    """Whether a process was stopped (SIGSTOP) and not continued; never where that cannot be told."""
    return _state(pid) == "T"


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


def _in_group(group: int) -> list[int]:
    found = []
    for pid in _pids():
        with suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
            if int(fields[2]) == group and fields[0] not in {"Z", "X"}:
                found.append(pid)
    return found


def end_group(group: int, patience: float = 2.0) -> None:
    """Wait until nothing of a process group runs, and kill it where that takes too long.

    supervisor counts a service as stopped once its first process has ended; what that one started may ignore the
    signal and live on.
    """
    if until(lambda: not _group_lives(group), patience):
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    until(lambda: not _group_lives(group), patience)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return bool(_in_group(group)) or not Path("/proc/self/stat").exists()


def sweep(find: Callable[[], list[int]], grace: float = 2.0) -> int:
    """End every process that `find` names, asked first and killed after `grace` seconds; how many there were."""
    count = len(find())
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 2.0)):
        for pid in find():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        if until(lambda: not any(alive(pid) for pid in find()), patience):
            break
    return count


def until(holds: Callable[[], bool], seconds: float) -> bool:
    """Look every 20 ms until it holds; false where the time is up first."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


# --- ports ---------------------------------------------------------------------------------------------------


def free_port(but: Iterable[int] = ()) -> int:
    """A port of the loopback interface that nobody listens on now, none of `but`."""
    taken = set(but)
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in taken:
            return port


def is_free(port: int) -> bool:
    """Whether a service could listen on the port, on loopback or on every address."""
    for address in ("127.0.0.1", "0.0.0.0"):  # noqa: S104 - tried, never served
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


def listeners(port: int) -> set[str]:
    """The sockets that listen on a TCP port, as `/proc/<pid>/fd` names them; empty where that cannot be told."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{fields[9]}]")
    return found


def holds(pid: int, sockets: set[str]) -> bool:
    """Whether a process has one of the sockets open."""
    try:
        return any(os.readlink(f"/proc/{pid}/fd/{name}") in sockets for name in os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH115, PTH208 - as above
    except OSError:
        return False


def owner(port: int) -> str:
    """Who listens on a port, for people: ``pid 4711 (`node`)``; empty where that cannot be told."""
    sockets = listeners(port)
    for pid in _pids() if sockets else ():
        if holds(pid, sockets):
            name = re.sub(r"[^\w.+-]", "", name_of(pid))
            return f"pid {pid} (`{name}`)" if name else f"pid {pid}"
    return ""


def name_of(pid: int) -> str:
    """The name of a process's program; empty where there is no such process."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()
    except OSError:
        if Path("/proc/self/comm").exists():
            return ""
    ps = subprocess.run(["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S607 - the system's
    return Path(ps.stdout.strip()).name
