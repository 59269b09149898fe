"""Docker Compose: services in containers on an engine, here or wherever `DOCKER_HOST` leads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import field, replace
from functools import cached_property
from typing import Any

from gonogo.docker import containers as look_at
from gonogo.docker.client import Docker
from gonogo.docker.project import Config, Files, Project
from gonogo.frozen import dataclass
from gonogo.model.capture import Blob
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome
from gonogo.model.release import Difference, Instance, Release, TargetState
from gonogo.plugins import Context, Database, OutOfReach, Ran, Target, target
from gonogo.probes._migrations import NoMigrations, in_tree
from gonogo.targets import _compose_answers as _answers
from gonogo.targets import _compose_autopsy as _autopsy
from gonogo.targets import _compose_database as _database
from gonogo.targets import _compose_rollout as _rollout
from gonogo.targets import _compose_trial as _trial
from gonogo.targets._compose_artifacts import Artifacts
from gonogo.targets._compose_database import DatabaseParams
from gonogo.targets._compose_memory import Memory
from gonogo.targets._compose_rollout import Rollout, Wanted

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NO_ENGINE_TO_ASK = "no salt"
TRIAL_TIMEOUT = 120.0
"""Seconds that a trial may take to become healthy."""


@dataclass(frozen=True, slots=True)
class ComposeTargetParams:
    """Which project, and what of it is released."""

    files: tuple[str, ...] = ()
    """Compose files in their order. Empty: the one that Compose finds by itself."""
    project: str = ""
    """Name of the project. Empty: as its files name it."""
    env_file: str = ""
    """Env file whose variables are put into the Compose files."""
    services: tuple[str, ...] = ()
    """Services that a release is made of. Empty: those that are built from the repository."""
    profiles: tuple[str, ...] = ()
    """Profiles to turn on."""
    project_directory: str = ""
    """What relative paths of the Compose files are relative to. Empty: the directory of the first file."""
    window: float = 30.0
    """Seconds that a release must hold still before it counts as up; never less than three health checks."""
    stop_timeout: int = 0
    """Seconds that a container is given to end. 0: as its service says, or ten."""
    database: DatabaseParams = field(default_factory=DatabaseParams)
    """Its PostgreSQL database."""
    images: dict[str, str] = field(default_factory=dict)
    """Service -> name of its image, where the Compose files name another than the one that is built."""
    answers: dict[str, str] = field(default_factory=dict)
    """Service -> `http://…` or `tcp://host:port` that answers where it is well; for services without a healthcheck."""
    migrations: str = ""
    """Folder of the migrations. Empty: `prisma/migrations`, at the root or in a workspace, where there is one."""
    one_shots: tuple[str, ...] = ()
    """Services that are to do their work and end, beyond those that others wait for."""


@target("compose")
def compose(params: ComposeTargetParams, context: Context) -> Target:
    """A Docker Compose project (Compose 2.20 or newer), on this machine's engine or wherever `DOCKER_HOST` leads.

    A release is the exact images of its services (by Id) with the merged configuration they run under. Both are kept on
    the engine: images by tags `gonogo/<project>-<service>:r<n>` and by containers that are never started, the
    configuration, the lock and the list of releases in the volume `gonogo-<project>`. `up` never builds, never pulls
    and never touches what a release depends on, such as its database, once that is there. Compose sees only those
    variables of gonogo's own process that the Docker client itself reads, the inputs of the checklist, and `GIT_SHA`.
    """
    return ComposeTarget(params, context)


class ComposeTarget:
    """A Compose project as the `Target` that releases are put on."""

    def __init__(self, params: ComposeTargetParams, context: Context) -> None:
        self._params = params
        self._context = context
        variables = {name: value for name, value in context.inputs.items() if _VARIABLE.fullmatch(name)}
        if context.subject.commit:
            variables.setdefault("GIT_SHA", context.subject.commit)
        self._docker = Docker(context, variables)
        files = Files(params.files, params.project, params.env_file, params.profiles, params.project_directory)
        self._project = Project(self._docker, files)
        self._kept: dict[int, Config] = {}

    @property
    def window(self) -> float:
        """Seconds that a release must hold still there before it counts as up."""
        return self._params.window

    def trouble(self) -> Trouble | None:
        """Why it cannot be acted on: no engine, no Compose, files that make no configuration."""
        with ThreadPoolExecutor(1) as beside:  # neither answer waits for the other
            asked = beside.submit(lambda: self._docker.versions)
            unread = self._unread()
            versions = asked.result()
        return versions if isinstance(versions, Trouble) else unread

    def _unread(self) -> Trouble | None:
        """Why its files make no configuration of which a release can be made; None: they do."""
        try:
            _ = self._config
        except OutOfReach as error:
            return Trouble(Outcome.ERROR, "compose-config", error.message, error.help)
        return None

    def url(self, name: str) -> str:
        """Base URL of what answers there, as the checklist says."""
        spec = self._context.spec
        return spec.urls.get(name, "") if spec is not None else ""

    # --- what lives there ----------------------------------------------------------------------------------------

    @cached_property
    def _memory(self) -> Memory:
        return Memory(self._docker, self._project.name)

    def claim(self, holder: Mapping[str, Any], *, instead_of: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Take the lock, atomically, and return who holds it now."""
        return self._memory.claim(holder, instead_of)

    def unclaim(self, holder: Mapping[str, Any]) -> None:
        """Give the lock back, if it is that holder's."""
        self._memory.unclaim(holder)

    def holder(self) -> Mapping[str, Any] | None:
        """Who holds the lock; None: nobody."""
        return self._memory.holder()

    def load(self) -> TargetState:
        """What it remembers."""
        return self._memory.load()

    def save(self, state: TargetState, *, over: TargetState | None = None) -> None:
        """Replace what it remembers, atomically, unless somebody else holds the lock by now."""
        self._memory.save(state, over)

    # --- releases ------------------------------------------------------------------------------------------------

    @cached_property
    def _config(self) -> Config:
        return _rollout.checked(self._project.config, self._params.services)

    @cached_property
    def _salt(self) -> str:
        """What keeps digests of one target apart from those of another."""
        return f"{self._docker.info.get('ID') or _NO_ENGINE_TO_ASK}/{self._project.name}"

    @cached_property
    def _services(self) -> tuple[str, ...]:
        if self._params.services:
            return self._params.services
        built = tuple(sorted(name for name, one in self._config.services.items() if one.get("build")))
        if not built:
            mend = "name the `services` of the target that a release is made of"
            raise OutOfReach("no service of the Compose files is built from the repository", help=mend)
        return built

    @cached_property
    def _artifacts(self) -> Artifacts:
        return Artifacts(self._docker, self._project.name, self._params.images)

    def draft(self) -> Release:
        """The release that this run's images make, under the configuration as it is now."""
        config, services = self._config, self._services
        return Release(
            number=0,
            commit=self._context.subject.commit,
            clean=self._context.subject.clean,
            artifacts=self._artifacts.judged(config, services),
            config=_rollout.fingerprint(config, services, self._salt),
            migrations=self._migrations(),
        )

    def _migrations(self) -> tuple[str, ...]:
        try:
            return tuple(one.name for one in in_tree(self._context, self._params.migrations))
        except NoMigrations as error:
            if not self._params.migrations:
                return ()
            raise OutOfReach(str(error), help="correct `migrations` of the target, or leave it out") from error

    def _wanted(self, release: Release) -> Wanted:
        """A release with its configuration: as it was kept, or as it is now for one that was never put there."""
        config = self._config_of(release)
        tags = release.facts.get("images") or {}
        names = {service: str(tags.get(service, {}).get("tag") or one) for service, one in release.artifacts.items()}
        return Wanted(config, release, names, self._salt)

    def _config_of(self, release: Release) -> Config:
        if not release.number:
            return self._config
        if release.number in self._kept:
            return self._kept[release.number]
        kept = self._memory.config(release.number)
        if kept is not None:
            config = self._kept[release.number] = Config(kept)
            self._context.add_secrets(tuple(config.secrets()))
            return config
        config = self._config
        if release.config and _rollout.fingerprint(config, release.artifacts, self._salt) != release.config:
            message = f"the configuration of release {release.id} is not kept, and the present one is another"
            raise OutOfReach(message, help="deploy that commit again from its own checkout")
        return config

    def differences(self, release: Release) -> tuple[Difference, ...]:
        """What `up` would do to each service; what depends on nothing of the release is never touched."""
        return _rollout.differences(self._wanted(release), look_at.look(self._docker, self._project.name))

    def present(self, release: Release) -> Trouble | None:
        """Why the release cannot be put there: an image is gone or moved, or its configuration is lost."""
        if trouble := self._artifacts.present(release):
            return trouble
        try:
            self._config_of(release)
        except OutOfReach as error:
            return Trouble(Outcome.FAIL, "configuration-missing", error.message, error.help)
        return None

    def keep(self, release: Release) -> Release:
        """Keep its images by tag and pin, and its configuration."""
        config = self._config_of(release) if release.facts.get("images") else self._config
        kept = self._artifacts.keep(release)
        self._memory.keep_config(release.number, config.data)
        self._kept[release.number] = config
        versions = self._docker.versions
        told = {"compose": versions.compose, "engine": versions.engine} if not isinstance(versions, Trouble) else {}
        return replace(kept, facts={**kept.facts, **told})

    def forget(self, release: Release) -> None:
        """Let go of its tags, pins and configuration."""
        self._artifacts.forget(release)
        self._memory.drop_config(release.number)
        self._kept.pop(release.number, None)

    @property
    def _rollout(self) -> Rollout:
        return Rollout(self._docker, self._project.name, self._context.root, self._params.stop_timeout)

    def up(self, release: Release) -> Ran:
        """Put it there; what runs as the release wants it already is left alone."""
        return self._rollout.up(self._wanted(release))

    def instances(self) -> tuple[Instance, ...]:
        """One look at every container of the project, through `docker inspect`."""
        seen = look_at.instances(look_at.look(self._docker, self._project.name), self._params.one_shots)
        return _answers.asked(seen, self._params.answers)

    def since(self) -> str:
        """The engine's own clock now."""
        return self._docker.clock()

    def autopsy(self, since: str) -> tuple[Blob, ...]:
        """State, logs and health logs of each container, events, and what Compose says."""
        return _autopsy.autopsy(self._docker, self._project.name, since)

    def logs(self, service: str, since: str) -> bytes:
        """What a service printed from `since` on, redacted, at most 1 MiB from the end."""
        return _autopsy.logs(self._docker, self._project.name, service, since)

    # --- its data ------------------------------------------------------------------------------------------------

    def database(self) -> Database | None:
        """Its database, started if it does not run; None: it has none."""
        config = self._config
        found = _database.login(self._params.database, config)
        if found is None:
            return None
        running = _database.database(self._docker, self._project.name, found)
        if running is None:
            nothing = Wanted(config, Release(0, self._context.subject.commit), {}, self._salt)
            self._rollout.start(nothing, (found.service,))
            running = _database.database(self._docker, self._project.name, found)
            if running is None:
                message = f"the database `{found.service}` does not start"
                raise OutOfReach(message, help=f"see why: docker compose logs {found.service}")
        _database.await_ready(self._docker, running)
        return running

    @contextmanager
    def trial(self, release: Release, variables: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
        """Run a release beside what is there, in a project of its own, with some variables replaced."""
        wanted = self._wanted(release)
        self._context.add_secrets(tuple(variables.values()))
        trials = _trial.Trials(self._docker, self._project.name)
        file = _trial.composed(wanted.config, wanted.images, variables)
        with trials.run(file, TRIAL_TIMEOUT) as urls:
            yield {**urls, **self._named(urls)}

    def _named(self, urls: Mapping[str, str]) -> dict[str, str]:
        """`app`: the service that is published where the target's own `app` answers, else the first."""
        app = self.url("app")
        fronts: Callable[[str], bool] = lambda service: any(  # noqa: E731 - read in one place only
            app.rstrip("/").endswith(f":{port.get('published')}")
            for port in self._config.services.get(service, {}).get("ports") or ()
        )
        chosen = next((service for service in urls if app and fronts(service)), next(iter(urls), ""))
        return {"app": urls[chosen]} if chosen else {}
