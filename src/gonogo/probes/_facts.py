"""What the probes share: problems kept as facts, and whole or cut output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gonogo.model.capture import Blob
from gonogo.model.observation import Combine, ObservationType, Trouble, Type
from gonogo.model.outcome import Outcome
from gonogo.plugins import Context, OnlyHere, Ran

Problem = dict[str, str]
"""A trouble as JSON: `outcome`, `slug`, `message`, `help`."""


def flag(name: str, meaning: str) -> ObservationType:
    """A truth; of several reports, all must be true."""
    return ObservationType(name, Type.BOOL, meaning, combine=Combine.ALL)


def count(name: str, meaning: str, *counts: str, unit: str = "") -> ObservationType:
    """A whole number; `counts` are the severities of the findings it counts."""
    return ObservationType(name, Type.INT, meaning, unit=unit, counts=counts)


def measure(name: str, meaning: str, unit: str) -> ObservationType:
    """A number with a unit; of several reports, the greatest."""
    return ObservationType(name, Type.DOUBLE, meaning, unit=unit, combine=Combine.MAX)


def problem(outcome: Outcome, slug: str, message: str, mend: str = "") -> Problem:
    """A trouble that is one of the facts."""
    return {"outcome": outcome.value, "slug": slug, "message": message, "help": mend}


class Stopped(Exception):
    """An action goes no further; carries the trouble, as one of the facts, that says why."""

    def __init__(self, slug: str, message: str, mend: str = "", outcome: Outcome = Outcome.FAIL) -> None:
        super().__init__(message)
        self.problem = problem(outcome, slug, message, mend)


def trouble(stored: Mapping[str, Any]) -> Trouble:
    """The trouble that `problem` kept."""
    return Trouble(Outcome(stored["outcome"]), stored["slug"], stored["message"], stored.get("help", ""))


def whole(ran: Ran) -> bool:
    """Whether `ran.out` is all that the process printed."""
    return not ran.stdout.cut and len(ran.out) >= ran.stdout.size


def printed(*runs: Ran) -> tuple[Blob, ...]:
    """The blobs of these processes that hold anything."""
    return tuple(blob for ran in runs for blob in (ran.stdout, ran.stderr) if blob.size)


def last_line(*streams: bytes) -> str:
    """The last line of the first stream that says anything, at most 200 characters; npm's own warnings say nothing."""
    for stream in streams:
        lines = (line.strip() for line in stream.decode(errors="backslashreplace").splitlines())
        said = [line for line in lines if line and not line.lower().startswith(("npm warn", "npm notice"))]
        if said:
            return said[-1][:200]
    return ""


def only_here(path: str) -> Problem:
    """Why a file that is on this machine only is no evidence."""
    message = f"`{path}` exists on this machine only: git does not know it and the checklist does not declare it"
    mend = f"commit `{path}`, or declare it as an input file of the checklist"
    return problem(Outcome.UNKNOWN, "only-here", message, mend)


def read_text(context: Context, path: str) -> str | Problem:
    """The text of a file in the checkout, or why it is no evidence; raises `FileNotFoundError` for a missing one."""
    try:
        data = context.read_file(path)
    except OnlyHere:
        return only_here(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        return problem(Outcome.ERROR, "unreadable", f"cannot read `{path}`: {error.strerror or error}")
    if b"\0" in data:
        return problem(Outcome.UNKNOWN, "unreadable", f"`{path}` is not a text file", f"save `{path}` as UTF-8")
    return data.decode("utf-8-sig", errors="backslashreplace")
