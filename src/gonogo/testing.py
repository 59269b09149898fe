"""Named places where a test can end the process as `kill -9` would; they do nothing unless a test asks.

`GONOGO_CRASH_AT=attempt-started` dies at the first passage of that point, `attempt-started@lint` only for that gate.
"""

from __future__ import annotations

import os
import signal

_CRASH_AT = os.environ.get("GONOGO_CRASH_AT", "")

CRASH_POINTS = (
    "run-started",
    "attempt-started",
    "aside-moved",
    "calls-ended",
    "collected",
    "verdict-appended",
    "before-decision",
    "decided",
)
"""Every point, in the order a run passes them."""
ACT_POINTS = ("act-started", "act-step", "act-done", "act-ended")
"""Those of each acting call, with `gate:call` as their detail, of a step `gate:step`; they lie within `aside-moved`."""


def crash_point(name: str, detail: str = "") -> None:
    """Kill this process, without any clean-up, where `GONOGO_CRASH_AT` names this point."""
    if _CRASH_AT and _CRASH_AT in {name, f"{name}@{detail}"}:
        os.kill(os.getpid(), signal.SIGKILL)
