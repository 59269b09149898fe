"""Putting a release on a Compose target: what that would change, and doing it.

Compose is given the configuration that was kept with the release, and an override that pins each image and labels each
container with the release and with a digest of every part of its configuration. By these labels, drift is told later:
Compose's own `config --hash` never matches for services with an `env_file` in 2.22 to 5.4.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gonogo.docker import containers as look_at
from gonogo.docker.client import Docker, failed
from gonogo.docker.project import Config
from gonogo.model import codec
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome
from gonogo.model.release import Difference, Release
from gonogo.plugins import OutOfReach, Ran
from gonogo.stability import Rules

_NO_PART = frozenset({"build", "image", "pull_policy", "depends_on", "profiles", "scale", "deploy", "labels"})
"""What changes no container, or is looked at by itself."""
DEPENDENCIES_WITHIN = 120.0
"""Seconds that dependencies may take to become healthy, where they had to be started."""
_BETWEEN_LOOKS = 0.5
_SHORT = 12
_LONGEST_WHY = 6


@dataclass(frozen=True)
class Wanted:
    """A release as it is to run: its configuration, its images, and what they are called."""

    config: Config
    release: Release
    images: Mapping[str, str]
    """Service -> the reference that is pinned."""
    salt: str

    @property
    def services(self) -> tuple[str, ...]:
        """The services of the release."""
        return tuple(sorted(self.release.artifacts))


def parts(config: Config, service: str, salt: str) -> dict[str, str]:
    """Part of a service's configuration -> short salted digest; `environment.NAME` for each variable."""
    told = config.services.get(service, {})
    found = {name: value for name, value in told.items() if name not in _NO_PART and name != "environment" and value}
    for name in ("resources", "restart_policy"):
        if value := (told.get("deploy") or {}).get(name):
            found[f"deploy.{name}"] = value
    found |= {f"environment.{name}": value for name, value in config.environment(service).items()}
    return {name: _digest(salt, service, name, value) for name, value in sorted(found.items())}


def _digest(*parts_: Any) -> str:
    return hashlib.sha256(codec.canonical(parts_)).hexdigest()[:_SHORT]


def fingerprint(config: Config, services: Iterable[str], salt: str) -> str:
    """Salted digest of the configuration of these services; equal digests, equal configuration."""
    told = {service: [parts(config, service, salt), config.copies(service)] for service in services}
    return hashlib.sha256(codec.canonical([salt, told])).hexdigest()


# --- what it would change ------------------------------------------------------------------------------------------


def differences(wanted: Wanted, containers: Sequence[Mapping[str, Any]]) -> tuple[Difference, ...]:
    """What putting the release there does to each service, dependencies and strangers too."""
    found = [_of_service(wanted, service, _of(containers, service)) for service in wanted.services]
    needed = wanted.config.dependencies(wanted.services)
    found += [_of_dependency(wanted, service, _of(containers, service)) for service in needed]
    known = {one.service for one in found} | set(wanted.config.services)
    strangers = {look_at.label(one, look_at.SERVICE) for one in containers} - known
    found += [
        Difference(name, "untouched", "no service of this configuration: an orphan") for name in sorted(strangers)
    ]
    return tuple(found)


def _of(containers: Sequence[Mapping[str, Any]], service: str) -> list[Mapping[str, Any]]:
    return [one for one in containers if look_at.label(one, look_at.SERVICE) == service]


def _of_service(wanted: Wanted, service: str, there: list[Mapping[str, Any]]) -> Difference:
    if not there:
        return Difference(service, "create")
    why = list(dict.fromkeys(reason for one in there for reason in _drift(wanted, service, one)))
    if len(there) != wanted.config.copies(service):
        why.append(f"{len(there)} copies instead of {wanted.config.copies(service)}")
    return Difference(service, "recreate" if why else "untouched", _listed(why))


def _drift(wanted: Wanted, service: str, container: Mapping[str, Any]) -> Iterator[str]:
    if container.get("Image") != wanted.release.artifacts[service]:
        yield "image"
    status = (container.get("State") or {}).get("Status")
    if status != "running" and not (status == "exited" and service in wanted.config.one_shots()):
        yield f"it is {status}"
    if str(container.get("Name", "")).lstrip("/")[12:13] == "_":
        yield "left half way by a Compose that was cut off"
    yield from _configured(wanted, service, container)


def _configured(wanted: Wanted, service: str, container: Mapping[str, Any]) -> Iterator[str]:
    try:
        has = json.loads(look_at.label(container, look_at.CONFIG))
    except ValueError:
        yield "not put there by gonogo"
        return
    want = parts(wanted.config, service, wanted.salt)
    yield from sorted(name for name in {*has, *want} if has.get(name) != want.get(name))


def _of_dependency(wanted: Wanted, service: str, there: list[Mapping[str, Any]]) -> Difference:
    """Dependencies are made where they are missing, and otherwise never touched: they hold the data."""
    if not there:
        return Difference(service, "create", "a dependency")
    drift = [why for one in there if look_at.label(one, look_at.CONFIG) for why in _configured(wanted, service, one)]
    told = f"differs in {_listed(drift)}, and is left alone: it is no service of the release" if drift else ""
    return Difference(service, "untouched", told)


def _listed(why: Sequence[str]) -> str:
    unique = list(dict.fromkeys(why))
    more = len(unique) - _LONGEST_WHY
    return ", ".join(unique[:_LONGEST_WHY]) + (f" and {more} more" if more > 0 else "")


# --- doing it --------------------------------------------------------------------------------------------------------


def override(wanted: Wanted, services: Iterable[str], *, released: bool) -> dict[str, Any]:
    """What is laid over the configuration: the exact image, never pulled, and labels that say what it is."""
    told: dict[str, Any] = {}
    for service in services:
        labels = {look_at.CONFIG: json.dumps(parts(wanted.config, service, wanted.salt), separators=(",", ":"))}
        one: dict[str, Any] = {"labels": labels}
        if service in wanted.config.one_shots():
            labels[look_at.ONE_SHOT] = "true"  # with `--no-deps` Compose itself no longer says who waits for whom
        if released:
            labels |= {look_at.RELEASE: wanted.release.id, look_at.COMMIT: wanted.release.commit}
            labels[look_at.COPIES] = str(wanted.config.copies(service))
            one |= {"image": wanted.images[service], "pull_policy": "never"}
        told[service] = one
    doubled: dict[str, Any] = _doubled(told)
    return {"services": doubled}


def _doubled(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("$", "$$")
    return {key: _doubled(one) for key, one in value.items()} if isinstance(value, dict) else value


@dataclass
class Rollout:
    """Compose, made to run exactly one release."""

    docker: Docker
    project: str
    directory: Path
    """What relative paths of the configuration are relative to."""
    stop_timeout: int

    def up(self, wanted: Wanted) -> Ran:
        """Put it there: dependencies that are missing, then the services that differ; the rest is left alone."""
        there = look_at.look(self.docker, self.project)
        if self.mend(there):
            there = look_at.look(self.docker, self.project)
        planned = differences(wanted, there)
        released = [one.service for one in planned if one.service in wanted.images and one.change != "untouched"]
        missing = [one.service for one in planned if one.service not in wanted.images and one.change == "create"]
        missing += _stopped(wanted, there)
        if missing:
            ran = self.start(wanted, missing)
            late = self._await(wanted, missing) if ran.exit == 0 else None
            if ran.exit != 0 or late is not None:
                return replace(ran, exit=ran.exit or None, troubles=(*ran.troubles, *((late,) if late else ())))
        if not released:
            return self.docker.run("compose", "--project-name", self.project, "ps", "--all", name="up")
        stop = ("--timeout", str(self.stop_timeout)) if self.stop_timeout else ()
        return self._compose(wanted, released, ("--force-recreate", *stop))

    def _await(self, wanted: Wanted, services: Sequence[str]) -> Trouble | None:
        """Wait until dependencies that were just started are healthy, or have done their work; why they are not.

        With `--no-deps` Compose no longer waits for what a service depends on.
        """
        context, until = self.docker.context, time.monotonic() + DEPENDENCIES_WITHIN
        rules = Rules(dict.fromkeys(services, ""), 0.0)
        while True:
            seen = look_at.instances(look_at.look(self.docker, self.project), wanted.config.one_shots())
            rules.see(time.monotonic(), seen)
            if rules.settled:
                return None
            if time.monotonic() >= until:
                rules.late(DEPENDENCIES_WITHIN)
            if rules.problems:
                first = rules.problems[0]
                return Trouble(Outcome.FAIL, "dependency", f"a dependency is not well: {first.message}", first.help)
            if not context.wait(_BETWEEN_LOOKS):
                return Trouble(Outcome.UNKNOWN, "interrupted", "told to stop while dependencies were starting")

    def start(self, wanted: Wanted, services: Sequence[str]) -> Ran:
        """Start dependencies; what is there is never replaced."""
        return self._compose(wanted, services, ("--no-recreate",), released=False)

    def _compose(
        self, wanted: Wanted, services: Sequence[str], options: Sequence[str], *, released: bool = True
    ) -> Ran:
        place = self.docker.context.scratch
        files = {"config.json": wanted.config.data, "pin.json": override(wanted, services, released=released)}
        try:
            for name, data in files.items():
                (place / name).touch(mode=0o600)
                (place / name).write_bytes(codec.canonical(data))
            return self.docker.run(
                *("compose", "--project-name", self.project, "--project-directory", str(self.directory)),
                *("--profile", "*", "--file", str(place / "config.json"), "--file", str(place / "pin.json")),
                *("up", "--detach", "--no-build", "--pull", "never", "--no-deps", *options, *sorted(services)),
                name="up" if released else "dependencies",
                timeout=None,
            )
        finally:
            for name in files:
                (place / name).unlink(missing_ok=True)

    def mend(self, there: Sequence[Mapping[str, Any]]) -> bool:
        """Finish or undo what a Compose that was killed left half way: containers called `<12 hex>_<name>`.

        Where the old container is still there, the new one goes; where it is gone, the new one gets its name.
        False: there was nothing to do.
        """
        left = look_at.left_over(there)
        for identity, name, taken in left:
            done = self.docker.run(*(("rm", "--force", identity) if taken else ("rename", identity, name)))
            if done.exit != 0:
                raise failed(done, f"docker {'rm' if taken else 'rename'}")
        return bool(left)


def _stopped(wanted: Wanted, containers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Dependencies that are there and do not run."""
    wait = set(wanted.config.dependencies(wanted.services)) - set(wanted.config.one_shots())
    states = [(look_at.label(one, look_at.SERVICE), (one.get("State") or {}).get("Status")) for one in containers]
    return sorted({service for service, status in states if service in wait and status in {"exited", "created"}})


def checked(config: Config, services: Sequence[str]) -> Config:
    """The configuration, if a release can be made of it; raises `OutOfReach` naming what is wrong."""
    if config.unset:
        names = ", ".join(f"`{name}`" for name in config.unset)
        mend = "set them in the target's env file; Compose only warns, and puts nothing in their place"
        raise OutOfReach(f"the Compose files use variables that have no value: {names}", help=mend)
    if unknown := [service for service in services if service not in config.services]:
        names = ", ".join(f"`{name}`" for name in unknown)
        mend = f"name some of: {', '.join(sorted(config.services))}"
        raise OutOfReach(f"the Compose files have no service {names}", help=mend)
    return config
