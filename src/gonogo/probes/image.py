"""Images: healthy when run alone, or here by digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field, replace
from typing import Any
from uuid import uuid4

from gonogo.docker import containers as look_at
from gonogo.docker import images
from gonogo.docker.client import INHERIT, Docker
from gonogo.docker.images import Image
from gonogo.docker.project import Project
from gonogo.frozen import dataclass
from gonogo.model.capture import Blob, Capture
from gonogo.model.observation import Observation, Reading, Trouble
from gonogo.model.outcome import Outcome
from gonogo.model.release import Instance
from gonogo.plugins import Clause, Context, OutOfReach, probe
from gonogo.probes import _containers as shared
from gonogo.probes._facts import count, printed
from gonogo.rollout.watch import watch

ALONE = "gonogo.alone"
"""Label of containers and networks of images that are run alone; its value is the run."""
QUICKEST = 2.0
"""Seconds between two health checks at most, while an image is watched: an hour would prove no more."""


@dataclass(frozen=True, slots=True)
class ImageParams:
    """Which images, and what is asked of them."""

    images: tuple[str, ...] = ()
    """References, such as `medianest-backend:1.4.0`. Empty: those that this run has built."""
    of_target: bool = False
    """Look whether the images of the target's merged configuration are here by digest, and run nothing."""
    env: dict[str, str] = field(default_factory=dict)
    """Variables that an image is given, over those of its service in the target's Compose files: `STORE: memory`."""
    within: float = 120.0
    """Seconds that an image may take to become healthy."""


def _read(facts: Mapping[str, Any], params: ImageParams) -> Reading:
    return _read_here(facts) if params.of_target else _read_alone(facts)


def _read_alone(facts: Mapping[str, Any]) -> Reading:
    watched = facts.get("watched")
    if not watched or not watched["samples"]:
        return Reading(troubles=shared.troubles(watched) if watched else ())
    ill = shared.ill(watched, facts["images"])
    observation = Observation("images.unhealthy", len(ill), "facts.json")
    notes = (f"run alone for {watched['seconds']:.0f} s: {', '.join(facts['images'])}",)
    return Reading((observation,), shared.findings("images", "unhealthy", ill), notes, shared.troubles(watched))


def _read_here(facts: Mapping[str, Any]) -> Reading:
    told = facts.get("here")
    if not told:
        return Reading()
    missing = {name: (one["slug"], one["why"]) for name, one in told.items() if one["slug"]}
    notes = tuple(
        f"`{name}` is built here: it has no digest of a registry" for name, one in told.items() if one["built"]
    )
    observation = Observation("images.missing", len(missing), "facts.json")
    return Reading((observation,), shared.findings("images", "missing", missing), notes)


@probe(
    "image",
    yields=(
        count("images.unhealthy", "images whose healthcheck is missing or fails when run alone", "unhealthy"),
        count("images.missing", "images of the merged compose configuration that are not here by digest", "missing"),
    ),
    reader=_read,
    clauses=(
        Clause(
            r"health ?checks? (?:is |are )?(?:ok|healthy|pass(?:es)?)(?: when run (?:locally|alone))?",
            ("images.unhealthy == 0",),
            "healthcheck OK when run locally",
            brings={},
        ),
        Clause(
            r"(?:latest |all )?(?:tags|images) (?:are )?pulled",
            ("exit == 0", "images.missing == 0"),
            "Latest tags pulled",
            brings={"of_target": True},
        ),
    ),
)
def image(params: ImageParams, context: Context) -> Capture:
    """Run images by themselves and watch their healthchecks, or look whether images are here.

    Each image that the run has built is started alone, in a network of its own that leads nowhere, with the variables
    that its service has in the target's Compose files, and must become and stay healthy for three health checks without
    ending. An image without a HEALTHCHECK is counted as unhealthy: nothing
    says that it is well. With `of_target` nothing is run: every image of the target's merged configuration must be here
    with the digest of a registry, except those that are built from the repository.
    """
    docker = shared.docker_for(context)
    shown = "images of the target, by digest" if params.of_target else "images, run alone"
    if isinstance(docker.versions, Trouble):
        return Capture("image", shown, troubles=(docker.versions,))
    try:
        return _here(docker, shown) if params.of_target else _alone(docker, params, shown)
    except OutOfReach as error:
        return shared.unreachable("image", shown, error)


# --- run alone ---------------------------------------------------------------------------------------------------


def _alone(docker: Docker, params: ImageParams, shown: str) -> Capture:
    context = docker.context
    wanted = {name: name for name in params.images} or dict(context.subject.images)
    if not wanted:
        mend = "build them earlier in this run, or name `images`"
        trouble = Trouble(Outcome.UNKNOWN, "no-images", "this run has built no image, and none is named", mend)
        return Capture("image", shown, troubles=(trouble,))
    found = {name: images.find(docker, reference) for name, reference in wanted.items()}
    if lost := [name for name, one in found.items() if one is None]:
        named = ", ".join(f"`{name}`" for name in lost)
        trouble = Trouble(Outcome.UNKNOWN, "no-image", f"there is no image of {named} here", "build or pull it first")
        return Capture("image", shown, troubles=(trouble,))
    here = {name: one for name, one in found.items() if one is not None}
    context.add_secrets(tuple(params.env.values()))
    given = {name: {**_environment(docker, name), **params.env} for name in here}
    with _running(docker, here, given) as running:
        expected = {name: one.id for name, one in here.items()}
        watched = watch(running, expected, context, window=0.0, timeout=params.within)
        told = running.told()
    facts = {"images": list(here), "watched": watched.facts()}
    shown = f"{', '.join(here)}: run alone"
    return Capture("image", shown, blobs=(*told, context.keep_facts(facts)), seconds=watched.seconds)


def _environment(docker: Docker, service: str) -> Mapping[str, str]:
    """What the target would give to a service of that name; nothing where it is no Compose project that can be read."""
    try:
        return Project(docker, shared.files_of(docker.context)).config.environment(service)
    except OutOfReach:
        return {}


@dataclass(frozen=True)
class _Running:
    """Images that run alone: id of the container -> name of the image."""

    docker: Docker
    names: Mapping[str, str]

    def instances(self) -> tuple[Instance, ...]:
        """One look."""
        seen = look_at.instances(self.docker.inspect("container", tuple(self.names), look_at.TEMPLATE))
        return tuple(replace(one, service=self.names[one.id]) for one in seen if one.id in self.names)

    def told(self) -> tuple[Blob, ...]:
        """What they printed."""
        runs = [
            self.docker.run("logs", "--tail", "500", identity, name=f"alone/{name}")
            for identity, name in self.names.items()
        ]
        return printed(*runs)


@contextmanager
def _running(docker: Docker, wanted: Mapping[str, Image], env: Mapping[str, Mapping[str, str]]) -> Iterator[_Running]:
    """Containers of these images, each alone in one network that leads nowhere; gone afterwards."""
    label = f"{ALONE}={docker.context.run_id}"
    mark = uuid4().hex[:10]
    _sweep(docker, label)
    try:
        names: dict[str, str] = {}
        for number, (name, one) in enumerate(wanted.items()):
            network = f"gonogo-alone-{mark}-{number}"
            docker.must("network", "create", "--internal", "--label", label, network)
            options = ["--detach", *look_at.NO_PROJECT, "--label", label, "--network", network]
            variables = {key: value for key, value in env.get(name, {}).items() if key not in INHERIT}
            options += [f"--env={key}" for key in variables]  # by name only: values stay off the command line
            given = Docker(docker.context, {**docker.variables, **variables})
            if one.healthcheck and one.interval > QUICKEST:
                options += ["--health-interval", f"{QUICKEST:g}s"]
            names[given.must("run", *options, one.id, name=f"alone-{number}").decode().strip()] = name
        yield _Running(docker, names)
    finally:
        _sweep(docker, label)


def _sweep(docker: Docker, label: str) -> None:
    """Remove what this run, or the process of it that was cut off, has left."""
    mine = f"label={label}"
    if found := docker.ids(mine):
        docker.run("rm", "--force", "--volumes", *found)
    if networks := docker.must("network", "ls", "--quiet", "--filter", mine).decode().split():
        docker.run("network", "rm", *networks)


# --- here by digest ----------------------------------------------------------------------------------------------


def _here(docker: Docker, shown: str) -> Capture:
    project = Project(docker, shared.files_of(docker.context))
    told: dict[str, dict[str, Any]] = {}
    for service, one in sorted(project.config.services.items()):
        reference = str(one.get("image") or f"{project.name}-{service}")
        found = images.find(docker, reference)
        built = bool(one.get("build"))
        slug = "missing" if found is None else "local-only" if not found.digests and not built else ""
        why = {
            "missing": f"`{reference}` of `{service}` is not here",
            "local-only": f"`{reference}` of `{service}` is here, and in no registry: it has no digest",
        }.get(slug, "")
        identity = {"id": found.id, "digests": list(found.digests)} if found is not None else {}
        told[reference] = {"slug": slug, "why": why, "built": built and not (found and found.digests), **identity}
    return Capture("image", shown, blobs=(docker.context.keep_facts({"here": told}),))
