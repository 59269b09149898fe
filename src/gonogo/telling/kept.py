"""Where the evidence of a gate lies: the files a person can open."""

from __future__ import annotations

from gonogo.frozen import dataclass
from gonogo.model.capture import Blob
from gonogo.model.run import RunView
from gonogo.model.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Kept:
    """One stored file of a gate."""

    capture: int
    """Which capture of the gate, counted from 1."""
    shown: str
    """The command or probe it came from."""
    name: str
    """What it is: `stdout`, `report/eslint.json`."""
    source: str
    """The path in the repository it was taken from; empty for streams."""
    path: str
    """The stored file, relative to the repository's main worktree; absolute where the state directory is elsewhere."""
    sha256: str
    """Digest of the stored bytes."""
    size: int
    total: int
    """Bytes produced; more than `size` where only head and tail were kept."""
    media_type: str


def kept(view: RunView, verdict: Verdict) -> list[Kept]:
    """Every stored file of a gate's captures, reports first, then streams; none twice within a capture."""
    files = [
        _kept(view, number, capture.shown, blob)
        for number, capture in enumerate(verdict.captures, start=1)
        for blob in capture.blobs
    ]
    return sorted(files, key=lambda file: (file.name in {"stdout", "stderr"}, file.size == 0))


_STATE = "/.gonogo/"


def directory_of(view: RunView) -> str:
    """The evidence directory, relative to the repository (its main worktree) where it lies in there."""
    directory = view.evidence_directory.rstrip("/")
    _, found, inside = directory.rpartition(_STATE)
    return f"{_STATE[1:]}{inside}" if found else directory


def _kept(view: RunView, number: int, shown: str, blob: Blob) -> Kept:
    directory = directory_of(view)
    return Kept(
        capture=number,
        shown=shown,
        name=blob.name,
        source=blob.path,
        path=f"{directory}/{blob.sha256[:2]}/{blob.sha256}",
        sha256=blob.sha256,
        size=blob.size,
        total=blob.total,
        media_type=blob.media_type,
    )
