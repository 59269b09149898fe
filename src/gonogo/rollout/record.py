"""What a target remembers, changed only by the run that holds its lock, and before what runs there is changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from gonogo.model import codec
from gonogo.model.release import Instance, Release, ReleaseState, TargetState, Unfinished
from gonogo.plugins import Context, OutOfReach, Target

KEPT = 5
"""Releases that stay on a target; what is there and the last stable one stay in any case."""


SEEN = "seen"
"""The fact of a release that says which copies of its services were proven."""


def now() -> str:
    """This moment; UTC, RFC 3339."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def change(target: Target, context: Context, edit: Callable[[TargetState], TargetState]) -> TargetState:
    """Replace what the target remembers by what `edit` makes of it.

    Raises `OutOfReach` where this run does not hold the lock any more: another one may act there now.
    """
    state = target.load()
    if not context.fence or state.fence != context.fence:
        raise OutOfReach(
            f"the target's lock was taken by another run (number {state.fence}, ours was {context.fence})",
            help="see what that run did with `gonogo releases`, then run again",
        )
    changed = edit(state)
    if changed != state:
        target.save(changed, over=state)
    return changed


def unfinished_of_others(state: TargetState, context: Context) -> str:
    """Why nothing may be put there now: another run has begun something and not ended it; empty: nothing is."""
    left = state.unfinished
    if left is None or (left.run, left.gate) == (context.run_id, context.gate):
        return ""
    return f"run {left.run} began a {left.act} to r{left.into} and did not end it (it had come to `{left.at}`)"


def begin(
    target: Target,
    context: Context,
    act: str,
    *,
    into: int,
    back: int,
    at: str = "begun",
    release: Release | None = None,
) -> TargetState:
    """Write down that an act begins, with the release it is about to make."""
    mine = Unfinished(context.run_id, context.gate, act, into, back, now(), at)

    def edit(state: TargetState) -> TargetState:
        others = tuple(one for one in state.releases if release is None or one.number != release.number)
        return replace(state, unfinished=mine, releases=(*others, release) if release is not None else others)

    return change(target, context, edit)


def at(target: Target, context: Context, step: str) -> None:
    """Write down how far the act has come."""

    def edit(state: TargetState) -> TargetState:
        left = state.unfinished
        return replace(state, unfinished=replace(left, at=step)) if left is not None else state

    change(target, context, edit)


def end(
    target: Target,
    context: Context,
    *,
    current: int | None = None,
    become: Mapping[int, ReleaseState] | None = None,
    seen: list[Any] | None = None,
) -> TargetState:
    """Write down that the act has ended: what is there now, what became of releases, and which copies were proven.

    By `seen` (`Delivery.snapshot`) a later look can tell whether they are still the same ones.
    """

    def edit(state: TargetState) -> TargetState:
        there = state.current if current is None else current
        releases = [replace(one, state=(become or {}).get(one.number, one.state)) for one in state.releases]
        if seen is not None:
            facts = {one.number: {**one.facts, SEEN: seen} for one in releases if one.number == there}
            releases = [replace(one, facts=facts.get(one.number, one.facts)) for one in releases]
        return replace(state, unfinished=None, current=there, releases=tuple(releases))

    return change(target, context, edit)


def proven(release: Release) -> tuple[Instance, ...]:
    """The copies that were proven when the release was put there; empty: none were."""
    return tuple(codec.load(Instance, one) for one in release.facts.get(SEEN, ()))


def forget_old(target: Target, context: Context, state: TargetState) -> None:
    """Let go of releases beyond the last `KEPT` in `state`, never of what is there nor of the last stable one."""
    stable = state.stable
    safe = {state.current, stable.number if stable is not None else 0}
    old = [one for one in state.releases[:-KEPT] if one.number not in safe]
    if not old:
        return
    change(target, context, lambda state: replace(state, releases=tuple(r for r in state.releases if r not in old)))
    for release in old:
        target.forget(release)


def way_back(state: TargetState, *, apart_from: int = 0) -> Release | None:
    """The release to go back to: the last stable one that is not `apart_from`; never the newest by date or tag."""
    stable = [one for one in state.releases if one.state is ReleaseState.STABLE and one.number != apart_from]
    return stable[-1] if stable else None
