"""What the probes of containers share: which project they look at, and what came of watching, as findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gonogo.docker.client import Docker
from gonogo.docker.project import Files
from gonogo.model.capture import Capture
from gonogo.model.observation import Finding, Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import Context, OutOfReach

KIND = "compose"
"""The kind of target whose params name a Compose project."""


def files_of(context: Context) -> Files:
    """The Compose project of the run's target; raises `OutOfReach` where it is none."""
    spec = context.spec
    if spec is None or spec.kind != KIND:
        what = f"the target `{context.target}` is no Compose project"
        raise OutOfReach(what, help="name the compose `files` to look at, or declare the target under `targets:`")
    told: Mapping[str, Any] = spec.params
    return Files(
        files=tuple(told.get("files") or ()),
        project=str(told.get("project") or ""),
        env_file=str(told.get("env_file") or ""),
        profiles=tuple(told.get("profiles") or ()),
        directory=str(told.get("project_directory") or ""),
    )


def docker_for(context: Context) -> Docker:
    """An engine whose Compose files are given the subject's commit, and the inputs of the checklist."""
    variables = {name: value for name, value in context.inputs.items() if name.isidentifier()}
    return Docker(context, {"GIT_SHA": context.subject.commit, **variables} if context.subject.commit else variables)


def unreachable(kind: str, shown: str, error: OutOfReach) -> Capture:
    """The capture of a look that could not be taken."""
    return Capture(kind, shown, troubles=(Trouble(Outcome.ERROR, "out-of-reach", error.message, error.help),))


_NO_ILL_HEALTH = frozenset({"wrong-artifact"})


def ill(watched: Mapping[str, Any], names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Of what was watched, what is not well: name -> (slug, words)."""
    found: dict[str, tuple[str, str]] = {}
    for problem in watched["problems"]:
        if problem["slug"] not in _NO_ILL_HEALTH:
            found.setdefault(problem["service"], (problem["slug"], problem["message"]))
    for name in watched["unproven"]:
        found.setdefault(name, ("no-healthcheck", f"`{name}` has no healthcheck, and nothing else says it is well"))
    for one in watched["seen"]:
        name = one["service"]
        ended = one["one_shot"] and one["status"] == "exited" and one["exit"] == 0
        if not ended and (one["status"] != "running" or one["health"] not in {"healthy", ""}):
            found.setdefault(name, ("not-healthy", f"`{name}` is {one['health'] or one['status']}"))
    return {name: found[name] for name in names if name in found}


def findings(family: str, severity: str, told: Mapping[str, tuple[str, str]]) -> tuple[Finding, ...]:
    """One finding for each name, which a waiver can name again."""
    return tuple(Finding(family, f"{slug}:{name}", severity, words) for name, (slug, words) in told.items())


def troubles(watched: Mapping[str, Any]) -> tuple[Trouble, ...]:
    """Why it could not be watched to the end."""
    return tuple(
        Trouble(Outcome(one["outcome"]), one["slug"], one["message"], one.get("help", ""))
        for one in watched["troubles"]
    )
