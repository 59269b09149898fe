"""Releases on this machine: services as supervised processes, each release a directory that nobody changes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from gonogo.model.capture import Blob
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome
from gonogo.model.release import Difference, Instance, Release, TargetState
from gonogo.plugins import Context, Database, OutOfReach, Ran, target
from gonogo.targets import _local_logs as _logs
from gonogo.targets._durable import point
from gonogo.targets._local_home import Home, place
from gonogo.targets._local_kept import Kept, configured, hiding, migrations, trees_of
from gonogo.targets._local_params import LocalParams, port_of
from gonogo.targets._local_postgres import Cluster
from gonogo.targets._local_services import TRIAL, CannotStart, Services, json_of
from gonogo.targets._local_trees import Recipe
from gonogo.targets._local_units import POSTGRES, Config, Place, Unit, difference, front
from gonogo.targets._strays import free_port


class LocalTarget:
    """The `Target` in a directory of this machine."""

    def __init__(self, params: LocalParams, context: Context) -> None:
        self._params = params
        self._context = context

    @cached_property
    def _home(self) -> Home:
        return Home(place(self._context.root, self._context.target, self._params.directory))

    @cached_property
    def _services(self) -> Services:
        return self._home.services(self._context.wait)

    @property
    def _kept(self) -> Kept:
        return Kept(self._home, hiding(self._context))

    @cached_property
    def _cluster(self) -> Cluster | None:
        wanted = self._params.database
        if wanted is None:
            return None
        port = self._home.port(POSTGRES, wanted.port) or 0
        return Cluster(self._home.made(), self._home.token, wanted, port)

    @property
    def window(self) -> float:
        """Seconds that a release must hold still before it counts as up."""
        return self._params.window

    def trouble(self) -> Trouble | None:
        """Why nothing can be put on this machine; None: it can."""
        if sys.platform == "win32":
            mend = "run gonogo on Linux or macOS, or declare a `compose` target"
            return Trouble(Outcome.ERROR, "no-supervisor", "the target `local` needs Linux or macOS", mend)
        try:
            self._home.made()
            if self._cluster is not None:
                self._cluster.programs()
        except OutOfReach as error:
            return Trouble(Outcome.ERROR, "target-unusable", error.message, error.help)
        return None

    def url(self, name: str) -> str:
        """Base URL of a service, or of `app`: what no other service needs."""
        spec = self._context.spec
        if spec is not None and name in spec.urls:
            return spec.urls[name]
        services = self._params.services
        if name == "app" and name not in services:
            needs = {one: service.needs for one, service in services.items() if service.port is not None}
            name = front(needs)
        if name not in services or services[name].port is None:
            return ""
        return f"http://127.0.0.1:{self._home.port(name, port_of(name, services[name]))}"

    # --- what lives there ----------------------------------------------------------------------------------------

    def claim(self, holder: Mapping[str, Any], *, instead_of: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Take the lock, atomically, and return who holds it now."""
        self._home.made()
        return self._home.memory.claim(holder, instead_of)

    def unclaim(self, holder: Mapping[str, Any]) -> None:
        """Give the lock back, if it is that holder's."""
        self._home.made()
        self._home.memory.unclaim(holder)

    def holder(self) -> Mapping[str, Any] | None:
        """Who holds the lock; None: nobody."""
        return self._home.memory.holder()

    def load(self) -> TargetState:
        """What the target remembers."""
        return self._home.memory.load()

    def save(self, state: TargetState, *, over: TargetState | None = None) -> None:  # noqa: ARG002 - it is near
        """Replace what the target remembers."""
        self._home.made()
        self._home.memory.save(state)

    # --- releases ------------------------------------------------------------------------------------------------

    def draft(self) -> Release:
        """The release of the subject's commit: its directory is made where it has not been."""
        subject, params = self._context.subject, self._params
        if not subject.commit:
            raise OutOfReach("there is no commit to make a release of", help="commit first")
        config = configured(params, self._context)
        self._place(Release(0, subject.commit), self._ports(config)).units(
            config, self._home.salt()
        )  # or it is refused
        artifact = self._home.trees.made(Recipe(subject.commit, params.build, params.copy), self._context)
        tree = self._home.trees.path(artifact)
        return Release(
            number=0,
            commit=subject.commit,
            clean=subject.clean,
            artifacts=dict.fromkeys(config.services, artifact),
            config=self._kept.store(config),
            migrations=migrations(tree / params.migrations) if params.migrations else (),
            run=self._context.run_id,
            facts={"directory": str(tree)},
        )

    def present(self, release: Release) -> Trouble | None:
        """Why the release cannot be put there; None: it can."""
        return self._kept.trouble(release)

    def _must_be_present(self, release: Release) -> None:
        gone = self.present(release)
        if gone is not None:
            raise OutOfReach(gone.message, help=gone.help)

    def keep(self, release: Release) -> Release:
        """Keep the release's directory and configuration until `forget`."""
        return self._kept.keep(release)

    def forget(self, release: Release) -> None:
        """Let go of a release: what no other kept release needs, and does not run, is removed."""
        self._kept.forget(release, {unit.artifact for unit in self._services.units()})

    def differences(self, release: Release) -> tuple[Difference, ...]:
        """What `up` would do to each service."""
        there = {unit.service: unit for unit in self._services.units()}
        seen = {one.service: one for one in self._services.instances()}
        wanted = {unit.service: unit for unit in self._wanted(release)}
        found = [difference(unit, there.get(name), seen.get(name)) for name, unit in wanted.items()]
        found += [
            Difference(name, "remove", "the release has no such service") for name in there.keys() - wanted.keys()
        ]
        return tuple(sorted(found, key=lambda one: one.service))

    def _wanted(self, release: Release) -> tuple[Unit, ...]:
        """The units of a release, its database first."""
        config = self._kept.config(release)
        own = (self._cluster.unit(),) if self._cluster is not None else ()
        return (*own, *self._place(release, self._ports(config)).units(config, self._home.salt()))

    def _ports(self, config: Config) -> dict[str, int | None]:
        return {name: self._home.port(name, one.port) for name, one in config.services.items()}

    def _place(
        self,
        release: Release,
        ports: Mapping[str, int | None],
        mark: str = "",
        replaced: Mapping[str, str] | None = None,
    ) -> Place:
        artifact = next(iter(sorted(trees_of(release))), "")
        return Place(
            release=release.id,
            commit=release.commit,
            artifact=artifact,
            tree=self._home.trees.path(artifact),
            token=self._home.token,
            ports={name: port for name, port in ports.items() if port is not None},
            database=self._cluster.url() if self._cluster is not None else "",
            mark=mark,
            replaced=replaced or {},
        )

    def up(self, release: Release) -> Ran:
        """Put a release there: what differs from what runs is replaced, in the order of needs."""
        began = time.monotonic()
        self._must_be_present(release)
        self._prepare_database()
        units = self._wanted(release)
        said: list[str] = []
        problem = ""
        point(self._home.directory / "current", self._home.trees.path(units[-1].artifact))
        try:
            self._services.put(units, self._telling(said))
        except CannotStart as error:
            problem = str(error)
        out = "".join(f"{line}\n" for line in said).encode()
        err = f"{problem}\n".encode() if problem else b""
        return Ran(
            exit=1 if problem else 0,
            signal="",
            stdout=self._context.keep("up/stdout", out, "text/plain"),
            stderr=self._context.keep("up/stderr", err, "text/plain"),
            troubles=(),
            seconds=time.monotonic() - began,
            out=self._context.redacted(out),
            err=self._context.redacted(err),
        )

    def _telling(self, said: list[str]) -> Callable[[str], None]:
        def tell(line: str) -> None:
            said.append(line)
            self._context.tell(self._shown(line))

        return tell

    def instances(self) -> tuple[Instance, ...]:
        """One look at every service that is meant to run."""
        return self._services.instances()

    def since(self) -> str:
        """This machine's clock; UTC, RFC 3339."""
        return _logs.now()

    def autopsy(self, since: str) -> tuple[Blob, ...]:
        """State of each service, what each printed, and the supervisor's own log, stored."""
        keep, services = self._context.keep, self._services
        return (
            keep("autopsy/services.json", json_of(services.instances()), "application/json"),
            *(
                keep(f"autopsy/{one}.log", self._printed(one, since), "text/plain")
                for one in sorted(services.running())
            ),
            keep("autopsy/supervisor.log", services.supervisor.log_tail(), "text/plain"),
        )

    def logs(self, service: str, since: str) -> bytes:
        """What a service printed from `since` on, redacted."""
        return self._context.redacted(self._printed(service, since))

    def _printed(self, service: str, since: str) -> bytes:
        return _logs.printed(self._home.directory / "logs", service, since, self._services.starts)

    def end(self) -> None:
        """End all that runs there, the supervisor too; what lies there stays."""
        self._services.end()
        if self._cluster is not None:
            self._cluster.sweep()

    # --- its data ------------------------------------------------------------------------------------------------

    def database(self) -> Database | None:
        """The target's PostgreSQL, started where it does not run; None: it has none."""
        cluster, mend = self._cluster, f"look into `{self._home.directory}/logs`"
        if cluster is None:
            return None
        self._prepare_database()
        try:
            unit = self._services.ensure(cluster.unit(), self._context.tell)
            why = self._services.until_healthy(unit)
        except CannotStart as error:
            why = f"does not start: {error}"
        if why:
            raise OutOfReach(self._shown(f"the database {why}"), help=mend)
        return cluster.database()

    def _shown(self, text: str) -> str:
        return self._context.redacted(text.encode()).decode(errors="replace")

    def _prepare_database(self) -> None:
        """Have the cluster there, and nothing of one whose supervisor was killed."""
        if self._cluster is not None:
            self._context.add_secrets([self._cluster.password(), self._cluster.url()])
            self._cluster.prepare()
            if self._services.supervisor.seen() is None:
                self._cluster.sweep()

    @contextmanager
    def trial(self, release: Release, variables: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
        """Run a release beside what is there, on free ports, with some variables replaced."""
        self._must_be_present(release)
        hiding(self._context)(variables)
        config = self._kept.config(release)
        ports: dict[str, int | None] = {}
        for name, one in config.services.items():
            ports[name] = free_port(port for port in ports.values() if port) if one.port is not None else None
        units = self._place(release, ports, TRIAL, variables).units(config, self._home.salt())
        urls = {unit.service: unit.url for unit in units if unit.url}
        app = front({unit.service: unit.needs for unit in units if unit.url})
        with self._services.beside(units, lambda line: self._context.tell(self._shown(line))):
            yield {**({"app": urls[app]} if app else {}), **urls}


@target("local")
def local(params: LocalParams, context: Context) -> LocalTarget:
    """Services as processes of this machine, kept running by supervisor; nothing else need be installed.

    Each release is a directory made from the commit (`git archive`, then `build` and `copy`), named by the digest of
    what is in it and never changed; a rollback puts an earlier one in place, under the configuration it had. Values
    come from the env file, and lie only in files of the target that nobody else may read. Lock, releases, logs and data
    lie in the target's directory.
    """
    return LocalTarget(params, context)
