"""Call the release on the target stable, once everything behind its rollout held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model import codec
from gonogo.model.capture import Capture
from gonogo.model.observation import Finding, Observation, Reading, Trouble
from gonogo.model.outcome import Outcome
from gonogo.model.release import ReleaseState
from gonogo.plugins import Context, Done, Look, action
from gonogo.probes._facts import count, flag
from gonogo.rollout import record
from gonogo.rollout.watch import still


@dataclass(frozen=True, slots=True)
class KeepReleaseParams:
    """Nothing is asked: the release is the one on the target."""


def _read(facts: Mapping[str, Any], _params: KeepReleaseParams) -> Reading:
    if "release" not in facts:
        return Reading()
    problems = facts["problems"]
    seen = [("release.kept", not problems), ("release.number", facts["release"])]
    return Reading(
        tuple(Observation(name, value, "facts.json") for name, value in seen),
        tuple(Finding("release", f"{p['service']}:{p['slug']}", "changed", p["message"]) for p in problems),
        (f"r{facts['release']} is stable: a rollback goes back to it",) if not problems else (),
    )


def look(_params: KeepReleaseParams, _context: Context) -> Look:
    """Saying once more that a release is stable changes nothing."""
    return Look(Done.NOT_DONE, "it is said anew")


@action(
    "keep_release",
    yields=(
        flag("release.kept", "the copies that were proven still run, none restarted, and the release is stable now"),
        count("release.number", "number of the release"),
    ),
    reader=_read,
    look=look,
    closes="kept",
)
def keep_release(_params: KeepReleaseParams, context: Context) -> Capture:
    """Keep the release. It becomes the target's last stable one, which a rollback goes back to.

    The copies that were proven at the rollout are looked at once more: one that was restarted or replaced since then,
    while tests and load went on, means a slow crash loop, and the release is not kept. A release made from a tree that
    was not its commit never becomes stable.

    Source: failures S15, S16, S35.
    """
    target = context.reach()
    state = target.load()
    release = state.release(state.current)
    if release is None:
        trouble = Trouble(Outcome.UNKNOWN, "nothing-there", "the target remembers no release", "deploy one first")
        return Capture("keep_release", "keep the release", troubles=(trouble,))
    if not release.clean:
        trouble = Trouble(
            Outcome.UNKNOWN,
            "release-not-clean",
            f"{release.id} was made from a tree that is not its commit: it can never be stable",
            "commit, then deploy that",
        )
        return Capture("keep_release", f"keep {release.id}", troubles=(trouble,))
    watched = still(target, release.artifacts, record.proven(release), context)
    if not watched.stable and not watched.problems:
        why = watched.troubles or (Trouble(Outcome.UNKNOWN, "not-told", "nothing tells whether it is healthy"),)
        return Capture("keep_release", f"keep {release.id}", troubles=why)
    problems = codec.dump(watched.problems)
    if not problems:
        context.record("stable", number=release.number)
        record.end(target, context, become={release.number: ReleaseState.STABLE})
    facts = {"release": release.number, "problems": problems}
    return Capture("keep_release", f"keep {release.id}", blobs=(context.keep_facts(facts),))
