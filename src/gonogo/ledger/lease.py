"""Who may write: one process at a time, told apart by host, boot, process id and the moment the process started.

A lease is taken over only when its holder is *provably* dead on this very machine. Clocks prove nothing (they jump,
and hosts disagree), so age never counts.
"""

from __future__ import annotations

import getpass
import os
import secrets
import subprocess
from dataclasses import asdict, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import gonogo
from gonogo.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Holder:
    """One process that writes, or wrote."""

    host: str
    machine: str
    """Identity of the machine beyond its name; empty where it has none to read."""
    boot: str
    """Identity of the machine's present boot."""
    user: str
    pid: int
    namespace: str
    """The process ids this pid is counted in (containers have their own); empty where there is only one."""
    started: str
    """When the process started, as the system tells it; tells two owners of one pid apart."""
    since: str
    """UTC, RFC 3339."""
    version: str

    def data(self) -> dict[str, object]:
        """As plain JSON data."""
        return asdict(self)

    @classmethod
    def of(cls, data: dict[str, Any]) -> Holder:
        """From what `data` gave."""
        return cls(**{field.name: data[field.name] for field in fields(cls)})

    @property
    def shown(self) -> str:
        """As a person reads it."""
        return f"{self.user} on {self.host}, pid {self.pid}, since {self.since}"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write, as it stands in the ledger."""

    holder: Holder
    token: str
    run: str = ""


def this_process() -> Holder:
    """The process that asks."""
    return Holder(
        host=os.uname().nodename,
        machine=_machine(),
        boot=_boot(),
        user=_user(),
        pid=os.getpid(),
        namespace=_namespace(),
        started=process_started(os.getpid()) or "",
        since=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        version=gonogo.__version__,
    )


def new_token() -> str:
    """A token nobody else has."""
    return secrets.token_hex(16)


def provably_dead(holder: Holder) -> str:
    """Why `holder` cannot be alive, as seen from this process; empty where that cannot be proven."""
    if (holder.host, holder.machine) != (os.uname().nodename, _machine()):
        return ""
    if holder.boot and _boot() and holder.boot != _boot():
        return f"this machine has been started anew since pid {holder.pid} wrote"
    if holder.namespace != _namespace():
        return ""
    started = process_started(holder.pid)
    if started is None:
        return f"pid {holder.pid} is gone"
    if holder.started and started != holder.started:
        return f"pid {holder.pid} belongs to another process now"
    return ""


def process_started(pid: int) -> str | None:
    """When the process `pid` started, in the system's own words; None where there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _started_by_ps(pid)
    except OSError:
        return ""
    after_name = stat.rpartition(")")[2].split()
    # Field 3 is the state, field 22 the start in ticks since boot (proc(5)). A zombie writes nothing any more.
    return None if after_name[0] in {"Z", "X"} else after_name[19]


def _started_by_ps(pid: int) -> str | None:
    """The same where there is no /proc (macOS)."""
    done = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S607 - the system's
    return done.stdout.strip() or None


@cache
def _machine() -> str:
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            return Path(path).read_text().strip()
        except OSError:
            continue
    return ""


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        pass
    try:
        done = subprocess.run(["sysctl", "-n", "kern.boottime"], capture_output=True, text=True, check=False)  # noqa: S607 - the system's
    except OSError:
        return ""
    return done.stdout.strip()


@cache
def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
