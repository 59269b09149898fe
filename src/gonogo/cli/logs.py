"""`gonogo logs`: what the commands of a gate printed, from the evidence store."""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from gonogo.cli.failure import say
from gonogo.cli.place import here, write
from gonogo.cli.show import gate_of
from gonogo.errors import IntegrityError
from gonogo.model.capture import Blob, Capture
from gonogo.telling.words import duration, safe

_STREAMS = ("stdout", "stderr")


@click.command("logs")
@click.argument("gate")
@click.option("--run", "run", default="", metavar="RUN", help="Of this run.  [default: the last]")
def command(gate: str, run: str) -> int:
    """Print what the commands of GATE printed: redacted, and cut in the middle where it was very long.

    In a terminal, control characters are left out; into a pipe or file the stored bytes go as they are.
    """
    place = here()
    found = gate_of(place.run_view(run), gate)
    if not found.verdict.captures:
        say(f"gate `{gate}` captured nothing: {safe(found.verdict.reason) or found.outcome.value}")
    for capture in found.verdict.captures:
        say(_heading(capture))
        for blob in capture.blobs:
            if blob.name.rpartition("/")[2] in _STREAMS and blob.size:
                _print(place.state / "evidence", blob)
    return 0


def _heading(capture: Capture) -> str:
    ended = f"exit {capture.exit}" if capture.exit is not None else capture.signal or "no exit code"
    return f"$ {safe(capture.shown)}  ({ended}, {duration(capture.seconds)})"


def _print(store: Path, blob: Blob) -> None:
    path = store / blob.sha256[:2] / blob.sha256
    try:
        with path.open("rb") as file:
            _check(file, path, blob)
            if sys.stdout.isatty():
                write("".join(f"{text}\n" for text in _lines(file)))
            else:
                _copy(file)
    except FileNotFoundError as error:
        raise IntegrityError(
            f"evidence `{blob.name}` is gone: {blob.sha256}", help="restore the state directory, or run the gate again"
        ) from error


def _check(file: io.BufferedReader, path: Path, blob: Blob) -> None:
    """Nothing is printed of bytes that are not the ones that were judged."""
    if hashlib.file_digest(file, "sha256").hexdigest() != blob.sha256:
        raise IntegrityError(
            f"evidence `{blob.name}` was altered: `{path}`",
            help="find out who changed it, then restore the state directory, or run the gate again",
        )
    file.seek(0)


def _lines(file: io.BufferedReader) -> Iterator[str]:
    for text in io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="\n"):
        yield safe(text.removesuffix("\n"))


def _copy(file: io.BufferedReader) -> None:
    import shutil

    shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.buffer.flush()
