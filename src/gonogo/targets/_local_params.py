"""What a checklist says of a `local` target."""

from __future__ import annotations

from dataclasses import field

from gonogo.frozen import dataclass
from gonogo.plugins import OutOfReach
from gonogo.targets._local_postgres import PostgresParams


@dataclass(frozen=True, slots=True)
class ServiceParams:
    """One service of the target: a process that is kept running."""

    command: str
    """Program and arguments, run without a shell in the release's directory: `node dist/index.js`. Start the program
    itself and not a launcher such as npm: signals then reach it. For a shell, write `sh -c '…'`."""
    cwd: str = "."
    """Where it runs, below the release's directory."""
    env: dict[str, str] = field(default_factory=dict)
    """Variables, laid over those of the env file. `{port}` is its own port, `{backend.url}` and `{backend.port}` are
    those of the service `backend`, `{database}` is the database's URL, `{commit}` the release's commit."""
    variables: tuple[str, ...] = ("*",)
    """Which variables of the env file it is given: names, or patterns such as `JWT_*`."""
    port: int | str | None = None
    """Port it listens on, or text that ends in one, such as the input `<staging>`; 0: a free one, chosen once for this
    target; absent: none."""
    health: str = ""
    """How it is asked whether it is well: a path (`/health`, any status below 400), or `tcp`. Empty: it is not."""
    needs: tuple[str, ...] = ()
    """Services that must be healthy before it is started."""
    start_seconds: float = 30.0
    """How long it may take to become healthy."""
    stop_seconds: float = 10.0
    """How long it may take to end when asked (SIGTERM); then it is killed, with all that it started."""
    one_shot: bool = False
    """It is meant to end, with exit code 0, and whatever needs it starts afterwards."""


def port_of(name: str, service: ServiceParams) -> int | None:
    """The port of a service as a number; raises `OutOfReach` for what is none."""
    if service.port is None or isinstance(service.port, int):
        return service.port
    last = service.port.rstrip("/").rpartition(":")[2]
    if not (last.isdecimal() and last.isascii()):
        raise OutOfReach(
            f"`{service.port}` is no port for the service `{name}`",
            help="give a number, or `host:port` through an input",
        )
    return int(last)


@dataclass(frozen=True, slots=True)
class LocalParams:
    """What is put on this machine, and where."""

    services: dict[str, ServiceParams]
    """Name -> service. Names are lower case letters, digits, `-` and `_`."""
    directory: str = ""
    """Where the target lives: releases, lock, state, logs, data. Relative to the repository's main worktree. Empty: a
    directory of this user, by repository (its first commit) and target, so that clones share it."""
    build: tuple[str, ...] = ()
    """Commands that make a release in a clean checkout of its commit: `npm ci --omit=dev --ignore-scripts`."""
    copy: tuple[str, ...] = ()
    """Files and directories that earlier gates built in the working tree, copied into the release: `backend/dist`."""
    env_file: str = ""
    """File of values, such as `.env.staging`; each of them a secret unless it is plainly public."""
    migrations: str = ""
    """Folder of the migrations, one directory or file each: `backend/prisma/migrations`."""
    window: float = 30.0
    """Seconds that a release must hold still, without a restart, before it counts as up."""
    database: PostgresParams | None = None
    """A PostgreSQL of its own; absent: none."""
