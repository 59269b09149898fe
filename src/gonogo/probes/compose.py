"""Services of a compose project: healthy, not restarting, running the right image."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gonogo.docker import containers as look_at
from gonogo.docker import images, written
from gonogo.docker.client import Docker
from gonogo.docker.project import Config, Files, Project
from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.observation import Observation, Reading, Trouble
from gonogo.model.release import Instance
from gonogo.plugins import Clause, Context, OutOfReach, Phrase, probe
from gonogo.probes import _containers as shared
from gonogo.probes._facts import count, printed
from gonogo.rollout.watch import watch
from gonogo.stability import WRONG_ARTIFACT, Watched


@dataclass(frozen=True, slots=True)
class ComposeParams:
    """Which project."""

    files: tuple[str, ...] = ()
    """Compose files in their order. Empty: those of the target, where no project is named either."""
    project: str = ""
    """Name of the project. Empty: as Compose names it."""
    env_file: str = ""
    """Env file for interpolation."""
    services: tuple[str, ...] = ()
    """Empty: all of them."""
    window: float = 10.0
    """Seconds that they must hold still; never less than three health checks."""
    within: float = 60.0
    """Seconds after which what has not become healthy is taken for unhealthy."""


def _asked(match: re.Match[str]) -> Mapping[str, Any]:
    return written.project(match["options"])


def _read(facts: Mapping[str, Any], _params: ComposeParams) -> Reading:
    """Services that are not well are counted one by one; what could not be watched counts as nothing."""
    watched = facts.get("watched")
    if not watched or not watched["samples"]:
        return Reading(troubles=shared.troubles(watched) if watched else ())
    ill = shared.ill(watched, facts["services"])
    wrong = {name: ("wrong-image", words) for name, words in facts["wrong"].items()}
    observations = (
        Observation("services.unhealthy", len(ill), "facts.json"),
        Observation("services.restarts", watched["restarts"], "facts.json"),
        Observation("services.wrong_image", len(wrong), "facts.json"),
    )
    found = (*shared.findings("services", "unhealthy", ill), *shared.findings("services", "wrong-image", wrong))
    held = f"watched for {watched['seconds']:.0f} s, {watched['samples']} looks"
    return Reading(observations, found, notes=(held, *watched["notes"]), troubles=shared.troubles(watched))


def _takes(params: ComposeParams) -> float:
    return params.window + params.within


@probe(
    "compose",
    yields=(
        count(
            "services.unhealthy",
            "services that are stopped, unhealthy, or without a healthcheck",
            "unhealthy",
        ),
        count("services.restarts", "restarts within the stability window"),
        count("services.wrong_image", "services that run another image than the one built", "wrong-image"),
    ),
    reader=_read,
    takes=_takes,
    clauses=(
        Clause(
            r"(?:`?docker compose ps`? |(?:all )?services (?:are )?)healthy",
            ("services.unhealthy == 0", "services.wrong_image == 0"),
            "`docker compose ps` healthy",
            brings={},
        ),
        Clause(r"no (?:crash ?loops?|restarts)", ("services.restarts == 0",), "no CrashLoop", brings={}),
    ),
    phrases=(
        Phrase(
            rf"`?docker compose{written.OPTIONS} ps(?: -a| --all)?`?",
            _asked,
            "`docker compose -f monitoring/docker-compose.yml ps`",
        ),
    ),
)
def compose(params: ComposeParams, context: Context) -> Capture:
    """Watch the containers of a compose project for a while, by `docker inspect`.

    Every service of the merged configuration must run, be healthy throughout the window, and not have been restarted,
    paused, replaced or killed in it. A service without a healthcheck counts as unhealthy: running is all that is known
    of it. A service whose image this run has built must run exactly that image; any other must run what its image name
    means now. What `docker compose ps` prints is kept as evidence, and nothing is judged by it: of a container that
    crashes again and again it says exit code 0.

    On a target that is no Compose project, and where the call names none, the services of the release that is there are
    watched by the same rules.
    """
    shown = "docker compose ps"
    try:
        if not params.files and not params.project and context.spec is not None and context.spec.kind != "compose":
            shown = f"services of `{context.target}`"
            return _on_target(params, context, shown)
        files = _files(params, context)
        project = Project(shared.docker_for(context), files)
        shown = " ".join(("docker", *project.compose("ps", "--all")))
        if isinstance(versions := project.docker.versions, Trouble):
            return Capture("compose", shown, troubles=(versions,))
        return _looked(project, params, shown)
    except OutOfReach as error:
        return shared.unreachable("compose", shown, error)


def _on_target(params: ComposeParams, context: Context, shown: str) -> Capture:
    """The services of the release that is on the target, whatever kind it is of."""
    target = context.reach()
    state = target.load()
    release = state.release(state.current)
    expected = dict(release.artifacts) if release is not None else {one.service: "" for one in target.instances()}
    if params.services:
        expected = {name: expected.get(name, "") for name in params.services}
    watched = watch(target, expected, context, window=params.window, timeout=params.within)
    wrong = {one.service: one.message for one in watched.problems if one.slug == WRONG_ARTIFACT}
    facts = {"project": "", "services": list(expected), "watched": watched.facts(), "wrong": wrong}
    return Capture("compose", shown, blobs=(context.keep_facts(facts),), seconds=watched.seconds)


def _files(params: ComposeParams, context: Context) -> Files:
    if params.files or params.project:
        return Files(params.files, params.project, params.env_file)
    return shared.files_of(context)


@dataclass(frozen=True)
class _Services:
    """The services of a project, as the waiter looks at them."""

    docker: Docker
    project: str
    config: Config

    def instances(self) -> tuple[Instance, ...]:
        """One look, with a copy `absent` for each that the configuration wants and that is not there."""
        seen = look_at.instances(look_at.look(self.docker, self.project), self.config.one_shots())
        missing = [
            Instance(service, "", "", "absent")
            for service in self.config.services
            for _ in range(self.config.copies(service) - sum(one.service == service for one in seen))
        ]
        return (*seen, *missing)


def _looked(project: Project, params: ComposeParams, shown: str) -> Capture:
    docker, config = project.docker, project.config
    services = params.services or tuple(config.services)
    seen = _Services(docker, project.name, config)
    expected = dict.fromkeys(services, "")
    watched = watch(seen, expected, docker.context, window=params.window, timeout=params.within)
    listed = docker.run(*project.compose("ps", "--all"), name="compose-ps")
    facts = {
        "project": project.name,
        "services": list(services),
        "watched": watched.facts(),
        "wrong": _wrong(docker, config, watched),
    }
    return Capture(
        "compose", shown, blobs=(*printed(listed), docker.context.keep_facts(facts)), seconds=watched.seconds
    )


def _wrong(docker: Docker, config: Config, watched: Watched) -> dict[str, str]:
    """Service -> why what it runs is not what it should run."""
    built = docker.context.subject.images
    found: dict[str, str] = {}
    for one in watched.seen:
        if not one.artifact or one.service in found:
            continue
        reference = str(config.services.get(one.service, {}).get("image") or f"{config.name}-{one.service}")
        judged = built.get(one.service)
        wanted = images.find(docker, judged or reference)
        if wanted is not None and wanted.id != one.artifact:
            named = "the one that was judged" if judged else f"what `{reference}` means now"
            found[one.service] = f"`{one.service}` runs `{one.artifact[7:19]}`, and {named} is `{wanted.id[7:19]}`"
        elif wanted is None and judged and judged != one.artifact:
            found[one.service] = f"`{one.service}` runs `{one.artifact[7:19]}`, and `{judged[7:19]}` was judged"
    return found
