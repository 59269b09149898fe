"""The PostgreSQL database of a Compose target: a service of the project, reached through its own client programs.

Programs run inside its container, so that they are of the server's own version. The password is handed over by the name
of a variable, never on a command line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from gonogo.docker import containers as look_at
from gonogo.docker.client import Docker, failed
from gonogo.docker.project import Config
from gonogo.frozen import dataclass
from gonogo.plugins import Database, OutOfReach

PORT = 5432
_IMAGE = re.compile(r"(?:^|/)(?:postgres|postgis|timescaledb|pgvector)\b")
READY_WITHIN = 60.0
"""Seconds that a database that was just started may take to answer."""


@dataclass(frozen=True, slots=True)
class DatabaseParams:
    """Where the database is, in the project."""

    service: str = ""
    """Its service. Empty: the one whose image is PostgreSQL."""
    name: str = ""
    """Empty: as its variable `POSTGRES_DB` says, else as its user is called."""
    user: str = ""
    """Empty: as its variable `POSTGRES_USER` says, else `postgres`."""
    password: str = "POSTGRES_PASSWORD"
    """The variable of its service that holds the password."""


@dataclass(frozen=True, slots=True)
class Login:
    """How to get in."""

    service: str
    name: str
    user: str
    password: str


def login(params: DatabaseParams, config: Config) -> Login | None:
    """Where the database is and how to get in; None: the project has none."""
    service = params.service or next(
        (name for name, one in sorted(config.services.items()) if _IMAGE.search(str(one.get("image", "")))), ""
    )
    if not service:
        return None
    variables = config.environment(service)
    user = params.user or variables.get("POSTGRES_USER") or "postgres"
    name = params.name or variables.get("POSTGRES_DB") or user
    return Login(service, name, user, variables.get(params.password, ""))


def database(docker: Docker, project: str, found: Login) -> Database | None:
    """The database, if its container runs; None: it does not."""
    containers = [one for one in look_at.look(docker, project) if look_at.label(one, look_at.SERVICE) == found.service]
    running = [one for one in containers if (one.get("State") or {}).get("Status") == "running"]
    if not running:
        return None
    docker.context.add_secrets((found.password,))
    inside = f"{found.service}:{PORT}"
    password = f":{quote(found.password, safe='')}" if found.password else ""

    def url(place: str) -> str:
        return f"postgresql://{quote(found.user, safe='')}{password}@{place}/{quote(found.name, safe='')}"

    return Database(
        name=found.name,
        prefix=("docker", "exec", "--interactive", "--env", "PGPASSWORD", str(running[0]["Id"])),
        connection=("--host", "127.0.0.1", "--port", str(PORT), "--username", found.user),
        env={"PGPASSWORD": found.password},
        url=url(_published(running[0]) or inside),
        inner=url(inside),
    )


def _published(container: Mapping[str, Any]) -> str:
    """Host and port where this machine reaches it; empty where it is not published."""
    ports = (container.get("NetworkSettings") or {}).get("Ports") or {}
    for one in ports.get(f"{PORT}/tcp") or ():
        host = str(one.get("HostIp") or "")
        everywhere = host.strip("0.:") == ""  # `0.0.0.0`, `::`
        return f"{'127.0.0.1' if everywhere else host}:{one.get('HostPort')}"
    return ""


def await_ready(docker: Docker, found: Database) -> None:
    """Return once the database takes connections over TCP; raises `OutOfReach` where it does not in time."""
    waited, pause = 0.0, 0.5
    while True:
        # Over TCP: while the first database is made, a server answers on the socket that is about to go away again.
        asked = docker.context.run(
            found.argv("pg_isready", "--quiet", "--timeout", "3"), env=found.env, timeout=10, name="pg-isready"
        )
        if asked.exit == 0:
            return
        if waited >= READY_WITHIN:
            mend = "read the log of its container"
            raise OutOfReach(f"the database did not answer within {READY_WITHIN:.0f} s", help=mend)
        if not docker.context.wait(pause):
            raise failed(asked, "pg_isready")
        waited += pause
