"""`gonogo doctor`: what this machine has, and what a missing thing means."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from gonogo import __version__
from gonogo.cli.place import Place, here
from gonogo.config import git_output
from gonogo.errors import GonogoError
from gonogo.frozen import dataclass
from gonogo.model.outcome import ExitCode
from gonogo.telling.sheet import Line, Piece, line
from gonogo.telling.terminal import console_for, show, width_of
from gonogo.telling.words import number, safe, wrap

_PATIENCE = 10.0
"""Seconds a program may take to say its version."""
_ROOM = 1 << 30
"""Bytes free below which evidence may not fit."""
_LONG_AGO = 1_767_225_600
"""2026-01-01, UTC: a clock before that is wrong."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing looked at."""

    name: str
    found: str
    """What is there; empty: nothing."""
    missing: str = ""
    """What it means that it is missing or wrong; empty: nothing is wrong."""
    needed: bool = False
    """Whether no run can do without it."""
    broken: bool = False
    """Something kept does not match its own digest."""


@click.command("doctor")
def command() -> int:
    """Say what this machine has, and what a missing thing means.

    Exits 0 where a run can start, 4 where it cannot, 5 where the ledger does not match its own chain, or kept
    evidence its digest.
    """
    seen = list(look(here(repository=False)))
    console = console_for(sys.stdout)
    show(console, [text for one in seen for text in _lines(one, width_of(console))])
    if any(one.broken for one in seen):
        return ExitCode.INTEGRITY
    return ExitCode.COULD_NOT_FINISH if any(one.needed and one.missing for one in seen) else ExitCode.GO


def look(place: Place) -> Iterator[Seen]:
    """Everything worth knowing before a run."""
    yield Seen("gonogo", f"{__version__}, python {platform.python_version()}, {platform.system().lower()}")
    yield _program("git", ("git", "--version"), "nothing can run: what is released is a commit", needed=True)
    yield _repository(place)
    yield _program("node", ("node", "--version"), "gates that run npm scripts are ERROR")
    yield _program("npm", ("npm", "--version"), "gates that run npm scripts are ERROR")
    yield _program("docker", ("docker", "version", "--format", "{{.Server.Version}}"), _NO_DOCKER)
    yield _program("compose", ("docker", "compose", "version", "--short"), _NO_DOCKER)
    yield _chromium()
    yield _state(place)
    yield _disk(place)
    yield _clock(place)
    yield _ledger(place)
    yield _evidence(place)


_NO_DOCKER = "no engine answers: gates that build images or look at containers cannot be green here"


def _program(name: str, argv: tuple[str, ...], missing: str, *, needed: bool = False) -> Seen:
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return Seen(name, "", missing, needed)
    said = safe(done.stdout.strip().partition("\n")[0])
    return Seen(name, said) if done.returncode == 0 and said else Seen(name, "", missing, needed)


def _repository(place: Place) -> Seen:
    if not place.repository:
        return Seen(
            "repository", "", "this directory is in no git working tree: `plan` and `check` work, `run` does not"
        )
    try:
        subject = place.subject()
    except GonogoError as error:
        return Seen("repository", "", error.message)
    state = "clean" if subject.clean else f"{len(subject.dirty)} paths differ: a run here ends in HOLD at best"
    return Seen("repository", f"{place.root}, {subject.commit[:7] or 'no commit yet'}, {state}")


def _chromium() -> Seen:
    from gonogo.probes._chromium import program  # with all that takes a picture: only where it is asked for

    if found := program():
        return Seen("chromium", found)
    caches = [
        os.environ.get("PLAYWRIGHT_BROWSERS_PATH", ""),
        "~/.cache/ms-playwright",
        "~/Library/Caches/ms-playwright",
    ]
    for cache in filter(None, caches):
        found_in = next(iter(sorted(Path(cache).expanduser().glob("chromium*"))), None)
        if found_in is not None:
            return Seen("chromium", str(found_in))
    return Seen("chromium", "", "browser tests and pictures of dashboards cannot be made here")


def _nearest_directory(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.is_dir())


def _state(place: Place) -> Seen:
    writable = os.access(_nearest_directory(place.state), os.W_OK | os.X_OK)
    missing = "" if writable else "cannot be written: set GONOGO_STATE to a directory that can"
    return Seen("state", str(place.state), missing, needed=True)


def _disk(place: Place) -> Seen:
    free = shutil.disk_usage(_nearest_directory(place.state)).free
    missing = "" if free >= _ROOM else "evidence may not fit: free at least 1 GiB"
    return Seen("disk", f"{free / (1 << 30):.1f} GiB free", missing)


def _clock(place: Place) -> Seen:
    now = time.time()
    said = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    committed = git_output(place.root, "log", "-1", "--format=%ct") if place.repository else None
    behind = now < max(_LONG_AGO, int(committed or 0) - 60)
    return Seen("clock", said, "earlier than the last commit: set it, waivers end by date" if behind else "")


def _ledger(place: Place) -> Seen:
    from gonogo.ledger import Ledger

    path = place.state / "ledger.db"
    if not path.is_file():
        return Seen("ledger", "nothing has been run here yet")
    ledger = Ledger(path)
    try:
        verified = ledger.verify()
        runs = len(ledger.runs())
    finally:
        ledger.close()
    if verified.sound:
        return Seen("ledger", f"{runs} runs, {verified.good} events, each follows the one before")
    return Seen("ledger", f"{runs} runs", "; ".join(verified.problems), broken=True)


_MOST_NAMED = 5
"""Blobs named that are wrong; more are counted."""


def _evidence(place: Place) -> Seen:
    """Whether what the runs kept is still there, byte for byte."""
    from gonogo.evidence.redact import Redactor
    from gonogo.evidence.store import Store

    directory = place.state / "evidence"
    try:
        expected = _kept(place)
        if not expected and not directory.is_dir():
            return Seen("evidence", "nothing has been kept here yet")
        wrong = Store(directory, Redactor()).check(expected)
    except GonogoError as error:
        return Seen("evidence", str(directory), error.message)
    found = f"{number(len(expected), 'file')} that the ledger names"
    if not wrong:
        return Seen("evidence", f"{found}, each as it was stored")
    more = f"; and {len(wrong) - _MOST_NAMED:,} more" if len(wrong) > _MOST_NAMED else ""
    return Seen("evidence", found, "; ".join(wrong[:_MOST_NAMED]) + more, broken=True)


def _kept(place: Place) -> list[str]:
    """The digests of everything that the verdicts of all runs rest on; none where the ledger cannot be believed."""
    from gonogo.ledger import Ledger
    from gonogo.ledger.view import view

    path = place.state / "ledger.db"
    if not path.is_file():
        return []
    ledger = Ledger(path)
    try:
        runs = ledger.runs() if ledger.verify().sound else ()
        gates = [gate for run in runs for gate in view(ledger, run).gates]
    finally:
        ledger.close()
    blobs = [blob for gate in gates for capture in gate.verdict.captures for blob in capture.blobs]
    return list(dict.fromkeys(blob.sha256 for blob in blobs))


def _lines(seen: Seen, width: int) -> list[Line]:
    """`✓ git  git version 2.39.2`, or `! docker  missing: …`."""
    if not seen.missing:
        mark = Piece("  ✓ ok       ", "pass")
    elif seen.found:
        mark = Piece("  ! wrong    ", "warn")
    else:
        mark = Piece("  ! missing  ", "warn")
    text = ": ".join(part for part in (safe(seen.found), safe(seen.missing)) if part)
    first, *rest = wrap(text, max(20, width - 26))
    return [(mark, Piece(f"{seen.name:<12}", "bold"), Piece(first)), *(line(" " * 25 + more) for more in rest)]
