"""A Compose project: its files, and the one configuration that they make together.

The configuration holds every secret in clear. It is never printed: Compose writes it into a private file, which is read
and removed at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from gonogo.docker.client import Docker, clean, failed
from gonogo.frozen import dataclass
from gonogo.plugins import OutOfReach

_UNSET = re.compile(r'The \\?"(?P<name>[^"\\]+)\\?" variable is not set')
_SECRET = re.compile(r"(?i)passw|secret|token|credential|private|_key|apikey|dsn|salt|cookie|session")


@dataclass(frozen=True, slots=True)
class Files:
    """What names a Compose project."""

    files: tuple[str, ...] = ()
    """Compose files in their order; empty: the one that Compose finds by itself."""
    project: str = ""
    """Empty: as the files, or their directory, name it."""
    env_file: str = ""
    profiles: tuple[str, ...] = ()
    directory: str = ""
    """Empty: that of the first file."""

    @property
    def options(self) -> tuple[str, ...]:
        """Options of `docker compose`."""
        return (
            *(("--project-name", self.project) if self.project else ()),
            *(("--project-directory", self.directory) if self.directory else ()),
            *(part for file in self.files for part in ("--file", file)),
            *(("--env-file", self.env_file) if self.env_file else ()),
            *(part for profile in self.profiles for part in ("--profile", profile)),
        )


@dataclass(frozen=True)
class Config:
    """The merged configuration of a project, as Compose understood it."""

    data: Mapping[str, Any]
    """As Compose wrote it: a `$` is written `$$`, so that it can be given back to Compose as it is."""
    unset: tuple[str, ...] = ()
    """Variables that have no value, where Compose would put nothing in their place and only warn."""

    @property
    def name(self) -> str:
        """The project's name."""
        return str(self.data.get("name", ""))

    @cached_property
    def services(self) -> Mapping[str, Mapping[str, Any]]:
        """Service -> its configuration as containers are given it: `$$` is a plain `$` again."""
        plain: Mapping[str, Any] = single(self.data.get("services") or {})
        return {name: one or {} for name, one in plain.items()}

    def dependencies(self, services: tuple[str, ...]) -> tuple[str, ...]:
        """What these services depend on, directly or not, without themselves; in a fixed order."""
        found: list[str] = []
        wanted = list(services)
        while wanted:
            for name in self.services.get(wanted.pop(0), {}).get("depends_on") or {}:
                if name not in found and name not in services:
                    found.append(name)
                    wanted.append(name)
        return tuple(sorted(found))

    def one_shots(self) -> tuple[str, ...]:
        """Services that others wait for until they have ended well."""
        conditions = (
            (name, (how or {}).get("condition"))
            for one in self.services.values()
            for name, how in (one.get("depends_on") or {}).items()
        )
        return tuple(sorted({name for name, condition in conditions if condition == "service_completed_successfully"}))

    def copies(self, service: str) -> int:
        """How many containers it is to have."""
        one = self.services.get(service, {})
        told = (one.get("deploy") or {}).get("replicas", one.get("scale"))
        return 1 if told is None else int(told)

    def environment(self, service: str) -> Mapping[str, str]:
        """The variables of its containers; secrets among them."""
        told = self.services.get(service, {}).get("environment") or {}
        pairs = told.items() if isinstance(told, dict) else (str(one).partition("=")[::2] for one in told)
        return {str(name): "" if value is None else str(value) for name, value in pairs}

    def secrets(self) -> Iterator[str]:
        """Values that must reach no file: those whose names say so, and passwords in URLs."""
        for service in self.services:
            for name, value in self.environment(service).items():
                if _SECRET.search(name):
                    yield value
                if password := _password(value):
                    yield password


def _password(value: str) -> str | None:
    if "://" not in value:
        return None
    try:
        return urlsplit(value).password
    except ValueError:
        return None


def single(value: Any) -> Any:
    """Configuration with every `$$` as the `$` that it stands for."""
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, dict):
        return {key: single(one) for key, one in value.items()}
    return [single(one) for one in value] if isinstance(value, list) else value


def unset(stderr: bytes) -> tuple[str, ...]:
    """Variables that Compose warned of; it exits 0 all the same."""
    text = stderr.decode(errors="replace")
    return tuple(sorted({match["name"] for line in text.splitlines() for match in _UNSET.finditer(clean(line))}))


@dataclass
class Project:
    """A Compose project on an engine."""

    docker: Docker
    files: Files = field(default_factory=Files)

    @cached_property
    def config(self) -> Config:
        """The merged configuration; its secrets are known to the redactor from here on. Raises `OutOfReach`."""
        config = self.read(self.files.options)
        self.docker.context.add_secrets(tuple(config.secrets()))
        return config

    def read(self, options: tuple[str, ...]) -> Config:
        """The configuration that these options of Compose make."""
        place = self.docker.context.scratch / "config.json"
        arguments = ("config", "--format", "json", "--output", str(place))
        ran = self.docker.run("compose", *options, *arguments, name="compose-config")
        if ran.exit != 0:
            raise failed(ran, "docker compose config")
        try:
            data = json.loads(place.read_bytes())
        except (OSError, ValueError) as error:
            message = f"`docker compose config` wrote no configuration: {error}"
            raise OutOfReach(message, help="run it yourself to see why") from error
        finally:
            place.unlink(missing_ok=True)
        return Config(data, unset(ran.err))

    @property
    def name(self) -> str:
        """The project's name: given, or as its files say."""
        return self.files.project or self.config.name

    def compose(self, *arguments: str) -> tuple[str, ...]:
        """The arguments of `docker` for a command on this project, files and all."""
        return ("compose", *self.files.options, *arguments)
