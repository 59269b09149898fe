"""Compose files as their authors wrote them, without an engine: what they name, and what their variables become.

The rules are those of the Compose specification: https://github.com/compose-spec/compose-spec (interpolation, merge,
relative paths: all of them are relative to the directory of the *first* file).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from gonogo.frozen import dataclass

_VARIABLE = re.compile(
    r"\$\$|\$\{(?P<braced>[A-Za-z_]\w*)(?:(?P<mark>:?[-?+])(?P<rest>[^{}]*(?:\{[^{}]*\}[^{}]*)*))?\}|\$(?P<plain>[A-Za-z_]\w*)"
)


class Unreadable(Exception):
    """A Compose file that is none; says why."""


@dataclass(frozen=True, slots=True)
class Named:
    """One thing that a Compose file names and that must be there."""

    kind: str
    """`build-context`, `dockerfile`, `build-target`, `bind-mount`, `env-file`, `secret-file`, `config-file`, `extends`,
    `network`, `volume`, `secret`, `config`, `service`, `external-network`, `external-volume`."""
    name: str
    """Path as it was written (variables put in), or the name."""
    file: str
    """Compose file that names it."""
    of: str = ""
    """Service, or whatever else it is part of."""
    more: str = ""
    """Of a Dockerfile: its build context; of a build target: context and Dockerfile."""


@dataclass(frozen=True, slots=True)
class Port:
    """One port of this machine that a service is published on."""

    host: str
    number: int
    protocol: str
    service: str
    file: str


@dataclass
class ComposeText:
    """One project's files together."""

    values: Mapping[str, str]
    """What variables become."""
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Path -> its data, variables put in."""
    unset: dict[str, str] = field(default_factory=dict)
    """Variable without a value or a default -> the first file that uses it."""

    def add(self, path: str, text: str) -> None:
        """Read one more file, in the order of `-f`; raises `Unreadable`."""
        import yaml

        loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
        try:
            data = yaml.load(text, Loader=loader)  # noqa: S506 - it makes nothing but text, lists and mappings
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            raise Unreadable(f"`{path}` is not YAML: {str(error).splitlines()[0]}") from error
        if not isinstance(data, dict):
            raise Unreadable(f"`{path}` is no Compose file")
        self.files[path] = self._filled(_merged(data), path)

    def _filled(self, value: Any, path: str) -> Any:
        if isinstance(value, str):
            return _VARIABLE.sub(lambda match: self._value(match, path), value)
        if isinstance(value, dict):
            return {key: self._filled(item, path) for key, item in value.items()}
        return [self._filled(item, path) for item in value] if isinstance(value, list) else value

    def _value(self, match: re.Match[str], path: str) -> str:
        name = match["braced"] or match["plain"]
        if not name:
            return "$"
        mark, rest = match["mark"] or "", match["rest"] or ""
        there = name in self.values and (self.values[name] != "" or not mark.startswith(":"))
        if mark.endswith("+"):
            return rest if there else ""
        if there:
            return self.values[name]
        if mark.endswith("-"):
            return str(self._filled(rest, path))
        self.unset.setdefault(name, path)
        return ""

    # --- what is in it -----------------------------------------------------------------------------------------------

    def services(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """File, name and data of each service in each file."""
        for file, data in self.files.items():
            for name, service in _mapping(data.get("services")).items():
                yield file, name, _mapping(service)

    def images(self) -> dict[str, str]:
        """Service -> image, of services that are built nowhere."""
        found: dict[str, str] = {}
        built = {name for _, name, service in self.services() if service.get("build")}
        for _, name, service in self.services():
            if name not in built and service.get("image"):
                found[name] = str(service["image"])
        return found

    @property
    def project(self) -> str:
        """The name that the files give the project; empty: they give none."""
        return str(next((data["name"] for data in reversed(self.files.values()) if data.get("name")), ""))

    def named(self) -> Iterator[Named]:
        """Everything that must be there for these files to work."""
        for file, name, service in self.services():
            yield from _of_build(file, name, service.get("build"))
            yield from _of_volumes(file, name, service.get("volumes"))
            yield from _of_env_files(file, name, service.get("env_file"))
            extends = service.get("extends")
            if isinstance(extends, dict) and extends.get("file"):
                yield Named("extends", str(extends["file"]), file, name)
            yield from self._undeclared(file, name, service)
        for file, data in self.files.items():
            yield from _of_top(file, data)

    def _undeclared(self, file: str, name: str, service: Mapping[str, Any]) -> Iterator[Named]:
        """Names that no file declares: Compose refuses them only when it starts."""
        declared = {
            kind: {key for data in self.files.values() for key in _mapping(data.get(kind))}
            for kind in ("networks", "volumes", "secrets", "configs", "services")
        }
        for kind, key in (("networks", "networks"), ("secrets", "secrets"), ("configs", "configs")):
            for used in _names(service.get(key)):
                if used not in declared[kind] | ({"default"} if kind == "networks" else set()):
                    yield Named(kind[:-1], used, file, name)
        for used in _names(service.get("depends_on")):
            if used not in declared["services"]:
                yield Named("service", used, file, name)
        for volume in service.get("volumes") or ():
            used = _volume_name(volume)
            if used and used not in declared["volumes"]:
                yield Named("volume", used, file, name)

    def ports(self) -> list[Port]:
        """Ports of this machine, each once for a service, whichever of its files says so."""
        found: dict[tuple[str, str, int, str], Port] = {}
        for file, name, service in self.services():
            for told in service.get("ports") or ():
                for host, number, protocol in _published(told):
                    found.setdefault((name, host, number, protocol), Port(host, number, protocol, name, file))
        return list(found.values())


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _names(value: Any) -> list[str]:
    """The names in a list or a mapping; long forms say `source`."""
    if isinstance(value, dict):
        return list(value)
    if not isinstance(value, list):
        return []
    return [str(item.get("source", "")) if isinstance(item, dict) else str(item) for item in value]


def _merged(value: Any) -> Any:
    """Data with every `<<` put in: what stands in the mapping itself goes before."""
    if isinstance(value, list):
        return [_merged(item) for item in value]
    if not isinstance(value, dict):
        return value
    own = {key: _merged(item) for key, item in value.items() if key != "<<"}
    bases = value.get("<<") or []
    found: dict[str, Any] = {}
    for base in reversed(bases if isinstance(bases, list) else [bases]):
        found |= _mapping(_merged(base))
    return found | own


def _of_build(file: str, service: str, build: Any) -> Iterator[Named]:
    told = {"context": build} if isinstance(build, str) else _mapping(build)
    if not told:
        return
    context = str(told.get("context") or ".")
    if re.match(r"(?:https?|ssh|git)(?:://|@)|github\.com/|docker-image://", context):
        return
    yield Named("build-context", context, file, service)
    if "dockerfile_inline" in told:
        return
    dockerfile = str(told.get("dockerfile") or "Dockerfile")
    yield Named("dockerfile", dockerfile, file, service, context)
    if told.get("target"):
        yield Named("build-target", str(told["target"]), file, service, posixpath.join(context, dockerfile))


def _of_volumes(file: str, service: str, volumes: Any) -> Iterator[Named]:
    for volume in volumes or ():
        if isinstance(volume, dict):
            if volume.get("type") == "bind" and volume.get("source"):
                yield Named("bind-mount", str(volume["source"]), file, service)
        elif re.match(r"[./~]", str(volume)) and ":" in str(volume):
            yield Named("bind-mount", str(volume).partition(":")[0], file, service)


def _volume_name(volume: Any) -> str:
    """The named volume that is mounted; empty: it is a bind mount, or has no name."""
    if isinstance(volume, dict):
        return str(volume.get("source", "")) if volume.get("type", "volume") == "volume" else ""
    text = str(volume)
    return text.partition(":")[0] if ":" in text and not re.match(r"[./~]", text) else ""


def _of_env_files(file: str, service: str, told: Any) -> Iterator[Named]:
    for one in told if isinstance(told, list) else [told] if told else []:
        path, required = (one.get("path"), one.get("required", "true")) if isinstance(one, dict) else (one, "true")
        if path and str(required).lower() != "false":
            yield Named("env-file", str(path), file, service)


def _of_top(file: str, data: Mapping[str, Any]) -> Iterator[Named]:
    for kind, sort in (("secrets", "secret-file"), ("configs", "config-file")):
        for name, told in _mapping(data.get(kind)).items():
            if _mapping(told).get("file"):
                yield Named(sort, str(told["file"]), file, name)
    for kind, sort in (("networks", "external-network"), ("volumes", "external-volume")):
        for name, told in _mapping(data.get(kind)).items():
            external = _mapping(told).get("external")
            if external and str(external).lower() != "false":
                old_name = _mapping(external).get("name")
                yield Named(sort, str(_mapping(told).get("name") or old_name or name), file, name)


def _published(told: Any) -> Iterator[tuple[str, int, str]]:
    """Host address, port and protocol of one entry of `ports`; nothing where Docker picks the port."""
    if isinstance(told, dict):
        host, published, protocol = told.get("host_ip", ""), str(told.get("published", "")), told.get("protocol", "tcp")
    else:
        text, _, protocol = str(told).partition("/")
        left, _, _container = text.rpartition(":")
        host, _, published = left.rpartition(":")
        protocol = protocol or "tcp"
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", published)
    if match:
        first, last = int(match[1]), int(match[2] or match[1])
        yield from (
            (str(host).strip("[]"), number, str(protocol)) for number in range(first, min(last, first + 100) + 1)
        )
