"""The one way to put a release on a target: present, kept, up, watched, smoked. A rollback goes it too."""

from __future__ import annotations

import time
from dataclasses import fields, replace
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model import codec
from gonogo.model.capture import Blob
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome
from gonogo.model.release import Release
from gonogo.plugins import Context, Smoked, Target
from gonogo.rollout.watch import watch
from gonogo.stability import Watched


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take, in seconds; the actions take these as params."""

    stable_seconds: float = 30.0
    """Everything must hold without a break so long: more than the 10 s after which Docker forgets its back-off."""
    within: float = 300.0
    """From the start until everything must be well; the window comes on top."""
    every: float = 1.0
    """Between two looks."""
    away: float = 30.0
    """The target may be out of reach, while its engine is started anew."""

    @classmethod
    def of(cls, params: Any, target: Target) -> Patience:
        """What the params of an action say, and the target's own window where they leave that open."""
        said = cls(**{field.name: getattr(params, field.name) for field in fields(cls)})
        return said if said.stable_seconds else replace(said, stable_seconds=target.window)


SMOKE_PATIENCE = 20.0
"""Seconds that smoke checks are tried again while they cannot look: proxies take a moment."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of putting one release there."""

    release: Release
    outcome: Outcome
    """PASS: up, stable and answering. FAIL: it is not. Anything else: that could not be seen."""
    why: str = ""
    """One sentence where it is not PASS."""
    seconds: float = 0.0
    """From the beginning until it was proven, or known to be bad."""
    watched: Watched | None = None
    smoked: Smoked | None = None
    blobs: tuple[Blob, ...] = ()
    interrupted: Trouble | None = None
    """gonogo was told to stop while it watched: the act has not ended, and a resume goes on with it."""

    @property
    def snapshot(self) -> list[Any]:
        """Which copies of its services were proven, as JSON; empty: none."""
        return list(codec.dump(self.watched.seen)) if self.watched is not None else []

    def facts(self) -> dict[str, Any]:
        """As plain JSON data."""
        return {
            "release": self.release.number,
            "commit": self.release.commit,
            "artifacts": dict(self.release.artifacts),
            "outcome": self.outcome.value,
            "why": self.why,
            "seconds": round(self.seconds, 3),
            "watched": self.watched.facts() if self.watched is not None else None,
            "smoke": {"outcome": self.smoked.outcome.value, "said": list(self.smoked.said)} if self.smoked else None,
        }


def deliver(
    target: Target, context: Context, release: Release, *, patience: Patience, smoke: bool, start: bool = True
) -> Delivery:
    """Put a release there, and prove that it is up, stays up and answers.

    Args:
        target: Where.
        context: Of the act.
        release: What.
        patience: How long.
        smoke: Whether the plan's smoke checks are done too.
        start: False: it was started before; it is only proven.
    """
    clock = time.monotonic()
    before = target.instances() if start else None
    why, blobs = _start(target, context, release) if start else ("", ())
    if why:
        return Delivery(release, Outcome.FAIL, why, time.monotonic() - clock, blobs=blobs)
    watched = watch(
        target,
        release.artifacts,
        context,
        window=patience.stable_seconds,
        timeout=patience.within,
        before=before,
        patience=patience.away,
        interval=patience.every,
    )
    if not watched.stable:
        return _not_stable(release, watched, time.monotonic() - clock, blobs)
    smoked = _smoke(context, release) if smoke else None
    blobs += smoked.blobs if smoked is not None else ()
    outcome = smoked.outcome if smoked is not None else Outcome.PASS
    why = "; ".join(smoked.said) if smoked is not None and outcome is not Outcome.PASS else ""
    return Delivery(release, outcome, why, time.monotonic() - clock, watched, smoked, blobs)


def _start(target: Target, context: Context, release: Release) -> tuple[str, tuple[Blob, ...]]:
    """Why it could not be started, empty where it was; and what was printed."""
    gone = target.present(release)
    if gone is not None:
        return gone.message, ()
    context.tell(f"putting {release.id} ({release.commit[:12]}) there")
    ran = target.up(release)
    blobs = tuple(blob for blob in (ran.stdout, ran.stderr) if blob.size)
    if ran.exit == 0:
        return "", blobs
    why = ran.troubles[0].message if ran.troubles else _last(ran.err, ran.out) or f"it exited with {ran.exit}"
    return f"it could not be started: {why}", blobs


def _not_stable(release: Release, watched: Watched, seconds: float, blobs: tuple[Blob, ...]) -> Delivery:
    """It is known to be bad, or nobody can tell: then the reason is one of the watch's own troubles."""
    interrupted = next((trouble for trouble in watched.troubles if trouble.slug == "interrupted"), None)
    if watched.problems:
        why = "; ".join(problem.message for problem in watched.problems)
        return Delivery(release, Outcome.FAIL, why, seconds, watched, blobs=blobs)
    told = [trouble.message for trouble in watched.troubles]
    if watched.unproven:
        told.append(f"nothing tells whether {', '.join(f'`{name}`' for name in watched.unproven)} is healthy")
    why = "; ".join(told) or "it could not be told whether it holds"
    return Delivery(release, Outcome.UNKNOWN, why, seconds, watched, blobs=blobs, interrupted=interrupted)


def _smoke(context: Context, release: Release) -> Smoked | None:
    """The smoke checks, again while they could not look. What they saw and found bad is not asked twice."""
    until = time.monotonic() + SMOKE_PATIENCE
    while True:
        smoked = context.smoke(release.commit)
        looked = smoked is None or smoked.outcome in {Outcome.PASS, Outcome.FAIL}
        if looked or time.monotonic() >= until or not context.wait(1.0):
            return smoked


def _last(*streams: bytes) -> str:
    for stream in streams:
        lines = [line.strip() for line in stream.decode(errors="backslashreplace").splitlines() if line.strip()]
        if lines:
            return lines[-1][:300]
    return ""
