"""What may be gone after a revert: states, health logs, logs and events, taken before anything is removed."""

from __future__ import annotations

from gonogo.docker import containers as look_at
from gonogo.docker.client import Docker
from gonogo.model.capture import Blob
from gonogo.plugins import Ran

LINES = "2000"
"""Lines of a log that are taken, from its end."""
MOST = 1024 * 1024
"""Bytes of a log that are handed on, from its end."""

_TEMPLATE = (
    '{"Id":{{json .Id}},"Name":{{json .Name}},"Image":{{json .Image}},"RestartCount":{{json .RestartCount}},'
    '"State":{{json .State}},"Created":{{json .Created}},"Reference":{{json .Config.Image}},'
    '"Healthcheck":{{json (index .Config "Healthcheck")}},"RestartPolicy":{{json .HostConfig.RestartPolicy}},'
    '"Memory":{{json .HostConfig.Memory}},"Ports":{{json .NetworkSettings.Ports}}}'
)
"""What tells how a container came to its end. Its environment is not among it."""


def autopsy(docker: Docker, project: str, since: str) -> tuple[Blob, ...]:
    """The blobs that hold anything."""
    mine = f"label={look_at.PROJECT}={project}"
    runs = [docker.run("compose", "--project-name", project, "ps", "--all", "--no-trunc", name="autopsy/ps")]
    if ids := docker.ids(mine):
        runs.append(docker.run("inspect", "--format", _TEMPLATE, *ids, name="autopsy/inspect"))
    window = ("--since", since, "--until", docker.clock())
    runs.append(docker.run("events", *window, "--filter", mine, "--format", "{{json .}}", name="autopsy/events"))
    for one in look_at.look(docker, project):
        name = str(one.get("Name", "")).lstrip("/")
        options = ("--timestamps", "--since", since, "--tail", LINES)
        runs.append(docker.run("logs", *options, str(one["Id"]), name=f"autopsy/logs/{name}"))
    return tuple(blob for ran in runs for blob in _kept(ran))


def _kept(ran: Ran) -> tuple[Blob, ...]:
    return tuple(blob for blob in (ran.stdout, ran.stderr) if blob.size)


def logs(docker: Docker, project: str, service: str, since: str) -> bytes:
    """What the copies of a service printed on both streams since then, redacted; at most 1 MiB from the end."""
    found = b""
    for one in look_at.look(docker, project):
        if look_at.label(one, look_at.SERVICE) == service:
            ran = docker.run("logs", "--since", since, "--tail", LINES, str(one["Id"]), name=f"logs/{service}")
            found += ran.out + ran.err
    return found[-MOST:]
