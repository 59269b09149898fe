"""Stand in for a service until it is started: `python -ISB launch.py UNIT.json`, run by supervisor.

What a service is told may be secret, so it comes in a file that only its owner may read: neither supervisor's
configuration nor the command line names a value. Each start is written down, because supervisor counts none. The
process then becomes the service, under the same id, and ends when supervisor is killed (Linux). This file is copied
beside the target, and imports nothing but the standard library.
"""

import contextlib
import ctypes  # before the user is changed: the new one may not reach it
import json
import os
import sys
import time
from typing import Any

_SET_DEATH_SIGNAL = 1
"""`PR_SET_PDEATHSIG` of prctl(2)."""


def _end_with_parent(number: int, parent: int) -> None:
    """Have the system send this process a signal when its parent dies; after the user was changed, which undoes it."""
    with contextlib.suppress(AttributeError, OSError):  # only Linux has it
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, number, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def oom_kills() -> int:
    """Processes that this machine has killed because memory ran out; whoever asks later compares."""
    with contextlib.suppress(OSError), open("/proc/vmstat", encoding="ascii") as file:  # noqa: PTH123 - as below
        return next((int(line.split()[1]) for line in file if line.startswith("oom_kill ")), 0)
    return 0


def _become(unit: dict[str, Any], parent: int) -> None:
    os.chdir(unit["cwd"])
    if unit["user"] is not None:
        user, group = unit["user"]
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)
    os.umask(unit["umask"])
    _end_with_parent(unit["stop_signal"], parent)
    os.execvpe(unit["argv"][0], unit["argv"], unit["env"])  # noqa: S606 - the service, without a shell


def main(path: str) -> int:
    """Become the service that the file describes; returns an exit code where that cannot be."""
    parent = os.getppid()
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - quick to start
        unit = json.load(file)
    starts = os.open(unit["starts"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(starts, f"{time.time():.6f} {os.getpid()} {oom_kills()}\n".encode())
    os.close(starts)
    try:
        _become(unit, parent)
    except FileNotFoundError as error:
        return _refused(unit, error, 127)
    except OSError as error:
        return _refused(unit, error, 126)
    return 0


def _refused(unit: dict[str, Any], error: OSError, code: int) -> int:
    sys.stderr.write(f"cannot start `{unit['argv'][0]}` in `{unit['cwd']}`: {error.strerror}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
