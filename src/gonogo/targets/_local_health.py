"""Whether a supervised service is well: asked over HTTP, TCP or by a program; and that it is who answers."""

from __future__ import annotations

import http.client
import socket
import subprocess

from gonogo.frozen import dataclass
from gonogo.targets import _strays
from gonogo.targets._local_units import Unit

WITHIN = 3.0
"""Seconds that a service may take for its answer."""
_LEAST_ERROR = 400


@dataclass(frozen=True, slots=True)
class Health:
    """What one look said."""

    ok: bool | None
    """None: the service has nothing that could be asked."""
    why: str = ""
    stranger: bool = False
    """Somebody else answers on its port."""


def look(unit: Unit) -> Health:
    """Ask a service once. An answer from somebody else's process on its port is no answer of its own."""
    if unit.check:
        return _asked_program(unit)
    if not unit.health or not unit.port:
        return Health(ok=None)
    stranger = _stranger(unit)
    if stranger:
        return Health(ok=False, why=stranger, stranger=True)
    return _tcp(unit.port) if unit.health == "tcp" else _http(unit.port, unit.health)


def _stranger(unit: Unit) -> str:
    """Who else listens on the unit's port; empty: nobody does, or it cannot be told."""
    sockets = _strays.listeners(unit.port)
    if not sockets:
        return ""
    mine = _strays.marked(_strays.UNIT, unit.id)
    if not mine or any(_strays.holds(pid, sockets) for pid in mine):
        return ""
    who = _strays.owner(unit.port)
    return f"port {unit.port} is served by {who}, which is no process of `{unit.service}`" if who else ""


def _asked_program(unit: Unit) -> Health:
    try:
        done = subprocess.run(
            unit.check, stdin=subprocess.DEVNULL, capture_output=True, timeout=WITHIN, check=False, env={"LC_ALL": "C"}
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Health(ok=False, why=f"`{unit.check[0]}` could not look: {type(error).__name__}")
    said = done.stdout.decode(errors="replace").strip()
    return Health(ok=done.returncode == 0, why="" if done.returncode == 0 else said or f"exit code {done.returncode}")


def _tcp(port: int) -> Health:
    try:
        with socket.create_connection(("127.0.0.1", port), WITHIN):
            return Health(ok=True)
    except OSError as error:
        return Health(ok=False, why=f"port {port}: {_said(error)}")


def _http(port: int, path: str) -> Health:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WITHIN)
    try:
        connection.request("GET", path, headers={"Connection": "close", "User-Agent": "gonogo-health"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return Health(ok=False, why=f"`{path}` on port {port}: {_said(error)}")
    finally:
        connection.close()
    return Health(
        ok=status < _LEAST_ERROR, why="" if status < _LEAST_ERROR else f"`{path}` on port {port}: status {status}"
    )


def _said(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {WITHIN:g} s"
    return (getattr(error, "strerror", None) or type(error).__name__).lower()
