"""What the target says without being asked for more: URLs of what answers there, its releases, what runs."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from gonogo.model.release import Instance, TargetState
from gonogo.plugins import Context, NoTarget, OutOfReach
from gonogo.probes._api import Unanswered
from gonogo.probes._sources import Life, Lives


def url_of(context: Context, given: str, name: str) -> str:
    """The URL that the call gives, else the one that the target declares under this name; empty where nobody says."""
    if given:
        return given
    declared = context.spec.urls.get(name, "") if context.spec is not None else ""
    if declared:
        return declared
    try:
        return context.reach().url(name)
    except OutOfReach:
        return ""


def deployed_at(context: Context, given: str) -> str:
    """When the deploy of what is there now began, RFC 3339; empty where it is not known.

    Where the same release was put there several times in a row, nothing was started anew by the later ones: the first
    of them counts.
    """
    if given:
        return given
    try:
        state = context.reach().load()
    except OutOfReach:
        return ""
    return _began(state, context.subject.commit)


def _began(state: TargetState, commit: str) -> str:
    there = state.release(state.current)
    if there is None or there.commit != commit:
        return ""
    earlier = [one for one in reversed(state.releases) if one.number <= there.number]
    same = takewhile(lambda one: (one.commit, one.artifacts, one.config) == _what(there), earlier)
    return [one.made for one in same][-1]


def _what(release: Any) -> tuple[str, dict[str, str], str]:
    return release.commit, release.artifacts, release.config


def lives_on(context: Context) -> Lives | None:
    """The lives of every copy of every service on the target; None where no target is declared."""
    try:
        target = context.reach()
    except NoTarget:
        return None
    except OutOfReach as error:
        trouble = Unanswered("out-of-reach", error.message, error.help)
        return lambda: _raise(trouble)

    def lives() -> Mapping[str, Life]:
        try:
            seen = [one for one in target.instances() if not one.one_shot]
        except OutOfReach as error:
            raise Unanswered("out-of-reach", error.message, error.help) from error
        return {_name(one, seen): _life(one) for one in seen}

    return lives


def _raise(trouble: Unanswered) -> Mapping[str, Life]:
    raise trouble


def _name(one: Instance, seen: list[Instance]) -> str:
    """The service; of several copies, each with its place among their identities."""
    copies = sorted(other.id for other in seen if other.service == one.service)
    return one.service if len(copies) == 1 else f"{one.service}/{copies.index(one.id) + 1}"


def _life(one: Instance) -> Life:
    ill = one.error or one.health if one.health == "unhealthy" else ""
    if one.status != "running":
        ill = one.error or ("out of memory" if one.oom else one.status)
    return Life(f"{one.id} {one.restarts} {one.started}", ill)
