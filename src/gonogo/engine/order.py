"""One attempt as a value in and a value out; both are plain data, so that a worker elsewhere could do it."""

from __future__ import annotations

from dataclasses import field

from gonogo.engine.aside import Moved
from gonogo.frozen import dataclass
from gonogo.ledger.view import Acted
from gonogo.model.capture import Capture
from gonogo.model.checklist import Call
from gonogo.model.observation import Trouble
from gonogo.model.plan import Node, Subject
from gonogo.model.release import TargetSpec


def attempt_token(run: str, gate: str, attempt: int) -> str:
    """What every process of one attempt carries."""
    return f"{run}.{gate}.{attempt}"


@dataclass(frozen=True, slots=True)
class Order:
    """What one attempt has to do."""

    run: str
    node: Node
    attempt: int
    calls: tuple[Call, ...]
    """Those that run, with the values of the inputs in their params."""
    root: str
    """The checkout it looks at; absolute."""
    worktree: bool
    """Whether `root` is a clean checkout of its own."""
    subject: Subject
    target: str
    inputs: dict[str, str]
    input_files: tuple[str, ...]
    """Files outside git that it may read."""
    reports: tuple[tuple[str, str, str], ...]
    """(call id, path, parser or empty) of reports that commands write by themselves."""
    evidence: tuple[tuple[str, bool], ...]
    """(path, whether our own capture serves instead)."""
    aside: tuple[Moved, ...]
    tracked: tuple[str, ...] = ()
    """Declared paths that git tracks: they stay where they are, and what lies there is no evidence."""
    spec: TargetSpec | None = None
    """The target itself."""
    smoke: tuple[tuple[Node, tuple[Call, ...]], ...] = ()
    """The plan's smoke checks: each gate of them with its calls, inputs filled in."""
    before: dict[str, Acted] = field(default_factory=dict)
    """Call id -> how far it had come in a process that was cut off."""
    directory: str = ""
    """The directory below `root` that commands run in; empty: the root itself."""
    timeout: float = 900.0
    budget: float | None = None
    """Seconds left for the whole run; None: no bound."""

    @property
    def gate(self) -> str:
        """The gate's id."""
        return self.node.id


@dataclass(frozen=True, slots=True)
class Brought:
    """What one attempt brought back."""

    gate: str
    attempt: int
    captures: tuple[tuple[str, Capture], ...]
    """(call id, capture), in the order they ran."""
    troubles: tuple[Trouble, ...] = ()
    """About the gate rather than one call: evidence missing or stale, a call left out."""
    notes: tuple[str, ...] = ()
    started: str = ""
    seconds: float = 0.0
    cut_short: bool = False
    """The time budget of the run ended it, not its own timeout."""
    files: dict[str, str] = field(default_factory=dict)
    """Evidence path -> sha256 of what was stored of it."""
