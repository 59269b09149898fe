"""The ends of what the commands of red gates printed, from the store, which redacted them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from gonogo.cli.place import Place
from gonogo.model.outcome import Outcome
from gonogo.model.run import RunView

_TAIL = 4096
_LINES = 16
_RED = (Outcome.FAIL, Outcome.ERROR, Outcome.STALE, Outcome.UNKNOWN)


def with_tails(place: Place, view: RunView) -> RunView:
    """The view with them; what is not there any more is left out."""
    return dataclasses.replace(view, tails=dict(_tails(place, view)))


def _tails(place: Place, view: RunView) -> Iterator[tuple[str, str]]:
    for gate in view.gates:
        if gate.outcome not in _RED:
            continue
        for capture in gate.verdict.captures:
            for blob in capture.blobs:
                if blob.name.rpartition("/")[2] in {"stdout", "stderr"} and blob.size:
                    lines = end_of(stored_at(place, blob.sha256), _TAIL).decode("utf-8", "replace").splitlines()
                    whole = lines if blob.size <= _TAIL else lines[1:]
                    yield blob.sha256, "\n".join(whole[-_LINES:])


def stored_at(place: Place, sha256: str) -> Path:
    """Where a blob lies."""
    return place.state / "evidence" / sha256[:2] / sha256


def end_of(file: Path, most: int) -> bytes:
    """The last bytes of a stored file; empty where it is gone."""
    try:
        with file.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - most))
            return stream.read(most)
    except OSError:
        return b""
