"""Containers of a Compose project as instances: from one `docker inspect`, which every version answers alike.

`docker compose ps` is not asked: it says exit code 0 and no health of a container that is restarting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from gonogo.docker.client import Docker
from gonogo.model.release import Instance

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
ONE_OFF = "com.docker.compose.oneoff"
DEPENDS_ON = "com.docker.compose.depends_on"
HASH = "com.docker.compose.config-hash"
RELEASE = "gonogo.release"
COMMIT = "gonogo.commit"
CONFIG = "gonogo.config"
COPIES = "gonogo.copies"
ONE_SHOT = "gonogo.one-shot"
OURS = (RELEASE, COMMIT, CONFIG, COPIES, ONE_SHOT)
"""Labels of the containers that gonogo put there."""

NO_PROJECT = tuple(part for name in (PROJECT, SERVICE, ONE_OFF) for part in ("--label", f"{name}="))
"""Options of `docker create`: an image that Compose has built hands its project's labels down to every container."""

DEFAULT_INTERVAL = 30.0
"""Seconds between two health checks where nobody says (https://docs.docker.com/reference/dockerfile/#healthcheck)."""
_NANO = 1e9
_LABELS = (PROJECT, SERVICE, ONE_OFF, DEPENDS_ON, HASH, *OURS)
TEMPLATE = (
    '{"Id":{{json .Id}},"Name":{{json .Name}},"Image":{{json .Image}},"RestartCount":{{json .RestartCount}},'
    '"State":{"Status":{{json .State.Status}},"ExitCode":{{json .State.ExitCode}},"Error":{{json .State.Error}},'
    '"OOMKilled":{{json .State.OOMKilled}},"StartedAt":{{json .State.StartedAt}}'
    '{{with index .State "Health"}},"Health":{"Status":{{json .Status}}}{{end}}},'
    '"HostConfig":{"RestartPolicy":{{json .HostConfig.RestartPolicy}}},'
    '"NetworkSettings":{"Ports":{{json .NetworkSettings.Ports}}},'
    '"Config":{"Image":{{json .Config.Image}},"Healthcheck":{{json (index .Config "Healthcheck")}},"Labels":{'
    + ",".join(f'"{label}":{{{{json (index .Config.Labels "{label}")}}}}' for label in _LABELS)
    + "}}}"
)
"""What is needed of each container, and nothing of its environment, which holds secrets.

A key that may be missing is asked for by `index`: to name it is an error there."""

_ONCE = re.compile(r"([^:,]+):service_completed_successfully\b")


def look(docker: Docker, project: str) -> list[dict[str, Any]]:
    """The containers of a project, stopped ones too; one-off ones (`compose run`) are left out."""
    found = docker.inspect("container", docker.ids(f"label={PROJECT}={project}"), TEMPLATE)
    return [one for one in found if label(one, ONE_OFF) != "True"]


def label(container: Mapping[str, Any], name: str) -> str:
    """A label; empty where it has none of that name."""
    return str(((container.get("Config") or {}).get("Labels") or {}).get(name) or "")


def instances(containers: Iterable[Mapping[str, Any]], one_shots: Iterable[str] = ()) -> tuple[Instance, ...]:
    """Containers as instances, with a copy `absent` for each that their project should have and has not."""
    containers = list(containers)
    once = {*one_shots, *(name for one in containers for name in _ONCE.findall(label(one, DEPENDS_ON)))}
    once |= {label(one, SERVICE) for one in containers if label(one, ONE_SHOT)}
    found = [_instance(one, once) for one in containers]
    for service in sorted({one.service for one in found}):
        mine = [one for one in containers if label(one, SERVICE) == service]
        wanted = max((int(label(one, COPIES) or 1) for one in mine), default=1)
        found += [Instance(service, "", "", "absent")] * (wanted - len(mine))
    return tuple(sorted(found, key=lambda one: (one.service, one.id)))


def _instance(container: Mapping[str, Any], one_shots: set[str]) -> Instance:
    state = container.get("State") or {}
    status = str(state.get("Status", ""))
    check = (container.get("Config") or {}).get("Healthcheck") or {}
    checked = bool(check.get("Test")) and check["Test"][0] != "NONE"
    health = str((state.get("Health") or {}).get("Status", "")) if status in {"running", "paused"} else ""
    service = label(container, SERVICE)
    return Instance(
        service=service,
        id=str(container.get("Id", "")),
        artifact=str(container.get("Image", "")),
        status=status,
        health="" if health == "none" else health,
        restarts=int(container.get("RestartCount") or 0),
        started=str(state.get("StartedAt", "")),
        exit=None if status in {"running", "paused"} else state.get("ExitCode"),
        oom=bool(state.get("OOMKilled")),
        error=str(state.get("Error") or ""),
        one_shot=service in one_shots,
        release=label(container, RELEASE),
        start_period=float(check.get("StartPeriod") or 0) / _NANO if checked else 0.0,
        interval=(float(check.get("Interval") or 0) / _NANO or DEFAULT_INTERVAL) if checked else 0.0,
    )


_LEFT_OVER = re.compile(r"^/?[0-9a-f]{12}_(?P<name>.+)$")


def left_over(containers: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, bool]]:
    """What a Compose that was killed while it replaced containers leaves: (id, its proper name, whether that is taken).

    Compose makes the new container as `<12 hex>_<name>`, stops and removes the old one, and renames the new one.
    """
    containers = list(containers)
    names = {str(one.get("Name", "")).lstrip("/") for one in containers}
    found = [(str(one.get("Id")), _LEFT_OVER.match(str(one.get("Name", "")))) for one in containers]
    return [(identity, match["name"], match["name"] in names) for identity, match in found if match]
