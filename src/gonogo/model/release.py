"""What is put on a target: releases, what one look at its services saw, and what the target itself remembers."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import Any

from gonogo.frozen import dataclass


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """A target as the checklist declares it, or as a command of the document describes it."""

    name: str
    kind: str
    """Name of a target kind: `compose`, `local`."""
    params: dict[str, Any] = field(default_factory=dict)
    """JSON-able, shaped by the kind's params type."""
    inputs: dict[str, str] = field(default_factory=dict)
    """Values that inputs of the checklist have on this target: `staging: 127.0.0.1:8080`."""
    urls: dict[str, str] = field(default_factory=dict)
    """Name -> base URL of what answers there: `app`, `prometheus`, `alertmanager`, `grafana`, `loki`."""


class ReleaseState(StrEnum):
    """How far a release has come on its target."""

    DEPLOYING = "deploying"
    """Its start is written down; whether it is up is not known yet."""
    DEPLOYED = "deployed"
    """Up, through the stability window and the smoke checks of its rollout."""
    STABLE = "stable"
    """Deployed, and every gate behind it held: what a rollback goes back to."""
    FAILED = "failed"
    """It did not come up, or did not stay up."""
    REVERTED = "reverted"
    """It was up, and another release was put in its place because of it."""


@dataclass(frozen=True, slots=True)
class Release:
    """One thing that was, or is to be, put on a target: exact artifacts with the configuration they run under."""

    number: int
    """Counted on the target from 1; 0: not put there yet."""
    commit: str
    clean: bool = True
    """Whether its tree was the commit; a release that was not can never be stable (`failures.md` S35)."""
    artifacts: dict[str, str] = field(default_factory=dict)
    """Service -> exact identity of what it runs: an image Id, the digest of a release directory."""
    config: str = ""
    """Digest of the configuration it runs under, salted; equal digests, equal configuration."""
    migrations: tuple[str, ...] = ()
    """Names of the migrations in its tree, in order."""
    backup: str = ""
    """Name of the verified backup made before it; empty: none."""
    run: str = ""
    """The run that put it there."""
    made: str = ""
    """When it was put there; UTC, RFC 3339."""
    state: ReleaseState = ReleaseState.DEPLOYING
    facts: dict[str, Any] = field(default_factory=dict)
    """What its target kind must know to put it back exactly: tags, repo digests, a directory. Never a secret."""

    @property
    def id(self) -> str:
        """How people name it: `r7`."""
        return f"r{self.number}"


@dataclass(frozen=True, slots=True)
class Instance:
    """One copy of a service, as one look at the target saw it (`docker inspect`, a supervised process)."""

    service: str
    id: str
    """Identity of the container or process group: another one means that somebody replaced it."""
    artifact: str
    """Exact identity of what it runs; comparable with `Release.artifacts`."""
    status: str
    """`created`, `running`, `restarting`, `paused`, `exited`, `dead` or `removing`: the words of the Docker Engine;
    `absent` stands for a copy that should be there and is not."""
    health: str = ""
    """`starting`, `healthy` or `unhealthy`; empty: it has no healthcheck."""
    said: str = ""
    """What its last health check said, where it was not well and said anything: `/health: status 503`."""
    restarts: int = 0
    """How often it was started again by its supervisor."""
    started: str = ""
    """When its present process started, in the target's own words; only compared for equality."""
    exit: int | None = None
    """Exit code of its last end; None while that is not told."""
    oom: bool = False
    """Whether it was ended because memory ran out."""
    error: str = ""
    """What the target says went wrong with its start: a port taken, a missing program."""
    one_shot: bool = False
    """It is meant to end, with exit code 0."""
    release: str = ""
    """The release its labels name; empty: none."""
    start_period: float = 0.0
    """Seconds after its start in which `unhealthy` is no verdict yet."""
    interval: float = 0.0
    """Seconds between two of its health checks; 0: it has none."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What putting a release there would do to one service."""

    service: str
    change: str
    """`create`, `recreate`, `untouched` or `remove`."""
    why: str = ""
    """What differs: image, configuration, environment keys, ports; never a value of the environment."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An act on the target that was begun and has not ended: what a later run must finish, revert or ask about."""

    run: str
    gate: str
    act: str
    """`rollout`, `revert`, `rollback`, `drill`."""
    into: int
    """Number of the release that it puts there."""
    back: int = 0
    """Number of the release that was there before; 0: none."""
    since: str = ""
    """UTC, RFC 3339."""
    at: str = ""
    """The step it had reached: `pinned`, `up`, `verified`, `reverting`, `back`, `forward`."""


@dataclass(frozen=True, slots=True)
class TargetState:
    """What a target remembers about itself, kept on the target and replaced as a whole."""

    fence: int = 0
    """Grows each time the lock is taken: a holder with a lower number writes nothing any more."""
    current: int = 0
    """Number of the release that is there; 0: none that gonogo knows of."""
    releases: tuple[Release, ...] = ()
    """Oldest first; the last stable one and what is there are never dropped."""
    unfinished: Unfinished | None = None

    def release(self, number: int) -> Release | None:
        """The release of that number, or None."""
        return next((one for one in self.releases if one.number == number), None)

    @property
    def stable(self) -> Release | None:
        """The last stable release."""
        return next((one for one in reversed(self.releases) if one.state is ReleaseState.STABLE), None)
