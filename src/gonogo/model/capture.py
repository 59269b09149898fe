"""What a probe or an action brought back: digests of stored bytes, exit status, times. Serialisable as it is."""

from __future__ import annotations

from dataclasses import field

from gonogo.frozen import dataclass
from gonogo.model.baseline import Baseline
from gonogo.model.observation import Trouble


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes in the evidence store, after redaction, named by their own digest."""

    name: str
    """What it is within its capture: `stdout`, `stderr`, `facts.json`, `report/eslint.json`.

    What a picture shows, in words, is the blob of its name with `.txt` behind: `dashboard.png`, `dashboard.png.txt`."""
    sha256: str
    """Hex digest of the *stored* (redacted, perhaps cut) bytes: the key in the store."""
    size: int
    """Bytes stored."""
    total: int
    """Bytes the source produced; more than `size` where head and tail were kept."""
    media_type: str = "application/octet-stream"
    total_sha256: str = ""
    """Digest of the whole redacted stream where only head and tail were kept; empty otherwise."""
    path: str = ""
    """Path in the repository, for a file that a command wrote; empty for streams."""

    @property
    def cut(self) -> bool:
        """Whether only head and tail were kept."""
        return bool(self.total_sha256)


@dataclass(frozen=True, slots=True)
class ReportRef:
    """A tool's report inside a capture: which blob, read by which parser, for which tool."""

    blob: str
    parser: str
    tool: str = ""
    exit: int | None = None
    """Exit code of the tool that wrote it, where it was seen by itself."""
    params: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Capture:
    """The outcome of one call: value out of an attempt, value into the parsers."""

    kind: str
    """The probe or action that made it: `command`, `http`."""
    shown: str
    """What was done, as a person would type or say it; redacted."""
    blobs: tuple[Blob, ...] = ()
    reports: tuple[ReportRef, ...] = ()
    exit: int | None = None
    """Exit code of the command; None where there was none (signal, timeout, not a command)."""
    signal: str = ""
    """`SIGKILL` and the like, where a signal ended it."""
    troubles: tuple[Trouble, ...] = ()
    notes: tuple[str, ...] = ()
    started: str = ""
    """UTC, RFC 3339 with microseconds."""
    seconds: float = 0.0
    """Duration on the monotonic clock."""
    call: str = ""
    """Id of the call within its gate; set by the engine."""
    measured: Baseline | None = None
    """What it adds to the baselines once its gate has passed and the release is stable; None: nothing."""
    images: dict[str, str] = field(default_factory=dict)
    """Service -> digest, `sha256:…`, of each image of the subject that the call built, pushed or deployed.

    They become part of the subject: sign-offs and attestations are about them. So a rollback, which puts the images of
    an older release back, names none here."""

    def blob(self, name: str) -> Blob | None:
        """The blob called `name`, or None."""
        return next((b for b in self.blobs if b.name == name), None)
