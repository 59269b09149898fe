"""From the configuration of a release to units: exactly what is run, where, with which variables, on which port."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path

from gonogo.errors import nearest
from gonogo.frozen import dataclass
from gonogo.model import codec
from gonogo.model.release import Difference, Instance
from gonogo.plugins import OutOfReach
from gonogo.targets import _strays
from gonogo.targets._local_supervisor import Program

POSTGRES = "postgres"
"""Name of the service that a target's own database is."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """One service of a release as it was when the release was drafted, before ports and places are filled in."""

    command: str
    cwd: str
    values: dict[str, str] = field(repr=False)
    """From the env file, taken as they are."""
    env: dict[str, str]
    """From the checklist; `{port}` and the like are filled in when it starts."""
    port: int | None
    health: str
    needs: tuple[str, ...]
    start_seconds: float
    stop_seconds: float
    one_shot: bool


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration of a release; kept with it, for values change in the file they came from."""

    services: dict[str, ServiceConfig]
    database: bool = False

    def digest(self, salt: bytes) -> str:
        """Salted, so that no value can be guessed from it."""
        return hmac.new(salt, codec.canonical(self), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Unit:
    """One service, ready to be run: a file of it is what its launcher reads."""

    id: str
    """`backend.3f2a91c0`: anew each time that the target starts it, so that a foreign start is told apart."""
    service: str
    release: str
    artifact: str
    argv: tuple[str, ...]
    cwd: str
    env: dict[str, str] = field(repr=False)
    port: int = 0
    health: str = ""
    check: tuple[str, ...] = ()
    """A program that exits 0 where the service is healthy; for those that do not speak HTTP."""
    needs: tuple[str, ...] = ()
    start_seconds: float = 30.0
    stop_seconds: float = 10.0
    one_shot: bool = False
    stop_signal: str = "TERM"
    whole_group: bool = True
    user: tuple[int, int] | None = None
    """User and group to become; None: whoever runs gonogo."""
    signature: str = ""
    """Equal signatures, equal services: what decides whether a running one is left alone."""

    @property
    def program(self) -> Program:
        """What supervisor is told of it."""
        return Program(self.id, not self.one_shot, self.stop_seconds, self.stop_signal, self.whole_group)

    @property
    def url(self) -> str:
        """Where it answers on this machine; empty where it has no port."""
        return f"http://127.0.0.1:{self.port}" if self.port else ""


def new_id(service: str, mark: str = "") -> str:
    """An id that no unit has had."""
    return f"{service}.{mark}{secrets.token_hex(4)}"


def ambient() -> dict[str, str]:
    """The variables of this machine that every service is given; no part of its configuration."""
    names = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR")
    return {name: os.environ[name] for name in names if name in os.environ}


@dataclass(frozen=True, slots=True)
class Place:
    """Where units of one release are put: its files, its ports and its database."""

    release: str
    commit: str
    artifact: str
    tree: Path
    token: str
    """Names the target in the variables of its processes."""
    ports: Mapping[str, int]
    database: str = ""
    """URL of the database; a secret."""
    mark: str = ""
    """Stands in the ids of units that run beside the release, for a trial."""
    replaced: Mapping[str, str] = field(default_factory=dict)
    """Variables of a trial, laid over those of the configuration."""

    def units(self, config: Config, salt: bytes) -> tuple[Unit, ...]:
        """The units of a configuration, those that others need first; raises `OutOfReach` for what leads nowhere."""
        return tuple(
            self._unit(name, config.services[name], salt, (POSTGRES,) if config.database else ())
            for name in in_order(config.services)
        )

    def _unit(self, name: str, service: ServiceConfig, salt: bytes, more: tuple[str, ...]) -> Unit:
        port = self.ports.get(name, 0)
        _sensible(name, service)
        told = {**service.values, **{key: self._filled(name, key, text) for key, text in service.env.items()}}
        told |= {key: value for key, value in self.replaced.items() if key in told}
        unit = Unit(
            id=new_id(name, self.mark),
            service=name,
            release=self.release,
            artifact=self.artifact,
            argv=tuple(shlex.split(service.command)),
            cwd=str(self.tree / service.cwd),
            env=told,
            port=port,
            health=service.health,
            needs=(*service.needs, *more),
            start_seconds=service.start_seconds,
            stop_seconds=service.stop_seconds,
            one_shot=service.one_shot,
        )
        signature = hmac.new(salt, codec.canonical(replace(unit, id="", release="")), hashlib.sha256).hexdigest()
        return replace(unit, env={**ambient(), **told, **self.marks(unit.id)}, signature=signature)

    def marks(self, unit: str) -> dict[str, str]:
        """The variables by which processes of a unit are found."""
        return {_strays.TARGET: self.token, _strays.UNIT: unit}

    def _filled(self, service: str, key: str, text: str) -> str:
        known = {"port": str(self.ports.get(service, 0)), "commit": self.commit, "database": self.database}
        for other, port in self.ports.items():
            known |= {f"{other}.port": str(port), f"{other}.url": f"http://127.0.0.1:{port}"}

        def found(match: re.Match[str]) -> str:
            value = known.get(match[1])
            if value is None:
                near = nearest(match[1], known)
                raise OutOfReach(
                    f"`{key}` of the service `{service}` asks for `{match[0]}`, which the target does not know",
                    help=f"use `{{{near}}}`" if near else f"use one of: {', '.join(f'`{{{one}}}`' for one in known)}",
                )
            return value

        return re.sub(r"\{([a-z][\w-]*(?:\.(?:port|url))?)\}", found, text)


def front(needs: Mapping[str, tuple[str, ...]]) -> str:
    """The one service that no other needs; empty where there are several."""
    needed = {need for given in needs.values() for need in given}
    found = [name for name in needs if name not in needed]
    return found[0] if len(found) == 1 else ""


def difference(wanted: Unit, there: Unit | None, seen: Instance | None) -> Difference:
    """What putting `wanted` in place of `there` comes to; it names variables, never their values."""
    name = wanted.service
    if there is None:
        return Difference(name, "create")
    if there.signature == wanted.signature:
        if seen is not None and seen.status == "running":
            return Difference(name, "untouched")
        return Difference(name, "recreate", f"it should run, and is {seen.status if seen is not None else 'gone'}")
    own = {_strays.TARGET, _strays.UNIT, *ambient()}
    differ = {key for key in there.env.keys() | wanted.env.keys() if there.env.get(key) != wanted.env.get(key)} - own
    found = ["artifact"] * (there.artifact != wanted.artifact) + ["command"] * (there.argv != wanted.argv)
    found += ["port"] * (there.port != wanted.port)
    found += [f"variables {', '.join(f'`{key}`' for key in sorted(differ))}"] * bool(differ)
    return Difference(name, "recreate", "; ".join(found) or "how it is watched")


def _sensible(name: str, service: ServiceConfig) -> None:
    """Raises `OutOfReach` for what can never be run."""
    if not _NAME.fullmatch(name) or name == POSTGRES:
        raise OutOfReach(
            f"`{name}` is no name for a service", help=f"use small letters, digits, `-` and `_`, and not `{POSTGRES}`"
        )
    if not inside(service.cwd):
        raise OutOfReach(f"`{service.cwd}` of `{name}` leads out of the release", help="name a directory below it")
    try:
        words = shlex.split(service.command)
    except ValueError as error:
        raise OutOfReach(
            f"the command of `{name}` cannot be read: {str(error).lower()}", help="close its quotes"
        ) from error
    if not words:
        raise OutOfReach(f"the service `{name}` has no command", help="give it one")


def inside(path: str) -> bool:
    """Whether a relative path stays below where it starts."""
    return not Path(path).is_absolute() and Path(os.path.normpath(path)).parts[:1] != (os.pardir,)


def in_order(services: Mapping[str, ServiceConfig]) -> tuple[str, ...]:
    """The names of services, each after those it needs; raises `OutOfReach` for a need that leads nowhere."""
    done: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in done:
            return
        if name in path:
            raise OutOfReach(f"services need each other: {' -> '.join((*path, name))}", help="drop one `needs`")
        if name not in services:
            near = nearest(name, services)
            raise OutOfReach(
                f"`{path[-1]}` needs `{name}`, which is no service",
                help=f"use `{near}`" if near else "declare it under `services:`, or drop it from `needs`",
            )
        for need in services[name].needs:
            visit(need, (*path, name))
        done.append(name)

    for name in services:
        visit(name, ())
    return tuple(done)
