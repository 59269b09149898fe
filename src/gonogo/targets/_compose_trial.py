"""A release, run beside what is there: a Compose project of its own, with some variables replaced.

Its services are called `trial-…`, and have their own names as aliases only in networks of their own: nothing that is in
service can come upon a trial by mistake. Into the live networks go only those that need a dependency there, such as the
database. Volumes are the trial's own and empty; what is bound from the machine is read-only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from gonogo.docker import containers as look_at
from gonogo.docker.client import Docker, failed
from gonogo.docker.project import Config
from gonogo.model import codec
from gonogo.model.release import Instance
from gonogo.rollout.watch import watch

PREFIX = "trial-"
_LEFT_OUT = frozenset({"build", "depends_on", "profiles", "container_name", "deploy", "scale", "labels", "restart"})
_LIVE = "live-"


def composed(config: Config, images: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, Any]:
    """The Compose file of a trial of these services (service -> image), with variables replaced."""
    needed = set(config.dependencies(tuple(images)))
    services: dict[str, Any] = {}
    networks: dict[str, Any] = {}
    volumes: dict[str, Any] = {}
    for service, image in images.items():
        told = dict((config.data.get("services") or {}).get(service) or {})
        one = {name: value for name, value in told.items() if name not in _LEFT_OUT and value is not None}
        one |= {"image": image, "pull_policy": "never", "restart": "no"}
        one["environment"] = _replaced(told.get("environment") or {}, variables)
        one["ports"] = [f"127.0.0.1::{port}" for port in _ports(told)]
        one["volumes"] = [kept for mount in told.get("volumes") or () if (kept := _mount(mount, volumes))]
        one["networks"] = _networks(config, service, needed, networks)
        services[PREFIX + service] = one
    return {"services": services, "networks": networks, "volumes": volumes}


def _replaced(environment: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    return {key: variables[key].replace("$", "$$") if key in variables else value for key, value in environment.items()}


def _ports(told: Mapping[str, Any]) -> Iterator[int]:
    for port in told.get("ports") or ():
        if isinstance(port, Mapping) and port.get("protocol", "tcp") == "tcp":
            yield int(port["target"])


def _mount(mount: Any, volumes: dict[str, Any]) -> dict[str, Any] | None:
    if not isinstance(mount, Mapping):
        return None
    one = dict(mount)
    if one.get("type") == "volume" and one.get("source"):
        volumes[str(one["source"])] = {}
    elif one.get("type") == "bind":
        one["read_only"] = True
    return one


def _networks(config: Config, service: str, needed: set[str], networks: dict[str, Any]) -> dict[str, Any]:
    """A service's own networks, where it has its own name, and those live ones where it finds what it depends on."""
    mine: dict[str, Any] = {}
    told = config.services.get(service, {})
    reaches = set(told.get("depends_on") or {}) & needed
    for name in told.get("networks") or {"default": None}:
        networks.setdefault(name, {})
        mine[name] = {"aliases": [service]}
        there = {
            other for other in reaches if name in (config.services.get(other, {}).get("networks") or {"default": None})
        }
        if there:
            live = str(((config.data.get("networks") or {}).get(name) or {}).get("name") or f"{config.name}_{name}")
            networks[_LIVE + name] = {"external": True, "name": live}
            mine[_LIVE + name] = {}
    return mine


@dataclass
class Trials:
    """Trials beside one project."""

    docker: Docker
    project: str

    @property
    def _name(self) -> str:
        return f"{self.project}-trial"

    @contextmanager
    def run(self, composed_file: Mapping[str, Any], timeout: float) -> Iterator[Mapping[str, str]]:
        """Start it, wait until it is healthy or has had its time, and give service -> base URL; ends it afterwards."""
        self.sweep()
        try:
            self._start(composed_file)
            services = [name.removeprefix(PREFIX) for name in composed_file["services"]]
            watch(_Trial(self), dict.fromkeys(services, ""), self.docker.context, window=0.0, timeout=timeout)
            yield self._urls()
        finally:
            self.sweep()

    def _start(self, composed_file: Mapping[str, Any]) -> None:
        place = self.docker.context.scratch / "trial.json"
        try:
            place.touch(mode=0o600)
            place.write_bytes(codec.canonical(composed_file))
            files = ("--project-name", self._name, "--project-directory", str(self.docker.context.root))
            options = ("--detach", "--no-build", "--pull", "never")
            ran = self.docker.run("compose", *files, "--file", str(place), "up", *options, name="trial", timeout=None)
        finally:
            place.unlink(missing_ok=True)
        if ran.exit != 0:
            raise failed(ran, "docker compose up")

    def sweep(self) -> None:
        """Remove all that a trial has, whether it ended or was cut off."""
        mine = f"label={look_at.PROJECT}={self._name}"
        if found := self.docker.ids(mine):
            self.docker.must("rm", "--force", "--volumes", *found, name="trial-end")
        for kind in ("network", "volume"):
            listed = self.docker.must(kind, "ls", "--quiet", "--filter", mine).decode().split()
            if listed:
                self.docker.must(kind, "rm", *listed)

    def look(self) -> list[dict[str, Any]]:
        """Its containers."""
        return look_at.look(self.docker, self._name)

    def _urls(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for one in self.look():
            service = look_at.label(one, look_at.SERVICE).removeprefix(PREFIX)
            for port in published(one):
                found.setdefault(service, f"http://127.0.0.1:{port}")
        return found


def published(container: Mapping[str, Any]) -> Iterator[str]:
    """Ports of this machine that lead to a container."""
    ports = (container.get("NetworkSettings") or {}).get("Ports") or {}
    for name in sorted(ports):
        yield from (str(one["HostPort"]) for one in ports[name] or () if name.endswith("/tcp"))


@dataclass(frozen=True)
class _Trial:
    """A trial, as the waiter looks at it: by the names of the release's services."""

    trials: Trials

    def instances(self) -> tuple[Instance, ...]:
        """One look."""
        seen = look_at.instances(self.trials.look())
        return tuple(_renamed(seen))


def _renamed(seen: Iterable[Instance]) -> Iterator[Instance]:
    for one in seen:
        yield replace(one, service=one.service.removeprefix(PREFIX))
