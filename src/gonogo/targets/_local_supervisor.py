"""One supervisord for each target directory: started when needed, asked over its socket, and outlived by nothing.

supervisor (https://supervisord.org) starts services again when they end and keeps their output. What it does not do is
done here: an answer in time or none, exit codes (its log is read for them), orphans of one that was killed.
"""

from __future__ import annotations

import http.client
import importlib.util
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import xmlrpc.client
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from gonogo.frozen import dataclass
from gonogo.plugins import OutOfReach
from gonogo.targets import _strays

ANSWER_WITHIN = 3.0
"""Seconds that supervisord may take for an answer; its own client would wait for ever."""
_UP_WITHIN = 15.0
_DOWN_WITHIN = 60.0
_LONGEST_SOCKET = 90
"""Bytes of a socket's path: the system takes 107, and supervisor binds the path with its process id appended first."""
_LOG_TAIL = 512 * 1024
_SHUTTING_DOWN = 6
_AT_ONCE = False
"""supervisor's own waiting would outlast the time limit of an answer."""


@dataclass(frozen=True, slots=True)
class Program:
    """What supervisor is told of one service: everything else stands in the unit's own file."""

    id: str
    again: bool = True
    """Start it anew whenever it ends."""
    stop_seconds: float = 10.0
    stop_signal: str = "TERM"
    whole_group: bool = True
    """Signal its process group; PostgreSQL ends its own processes."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One program as supervisor sees it; up to a second old."""

    state: str
    """`STOPPED STARTING RUNNING BACKOFF STOPPING EXITED FATAL UNKNOWN`."""
    pid: int
    problem: str
    """Why it could not be started, in supervisor's words."""

    @property
    def up(self) -> bool:
        """Whether a process of it runs right now."""
        return self.state in {"STARTING", "RUNNING"} and self.pid > 0 and _strays.alive(self.pid)


class _Connection(http.client.HTTPConnection):
    """A connection over a socket of the file system, with a time limit."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWER_WITHIN)
        self._path = path

    def connect(self) -> None:
        connected = socket.socket(socket.AF_UNIX)
        self.sock = connected  # closed with the connection, whatever becomes of it
        connected.settimeout(ANSWER_WITHIN)
        connected.connect(self._path)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = _Connection(self._path)
        self._connection = host, connection  # so that `close` finds it
        return connection


class Supervisor:
    """The supervisord of the directory `run`; `token` names the target in the variables of its processes."""

    def __init__(self, run: Path, token: str) -> None:
        self._run = run
        self._token = token

    @property
    def log(self) -> Path:
        """Its own log."""
        return self._run / "supervisord.log"

    def _socket(self) -> Path:
        """Where it answers: in its directory, or below the temporary one where that path is too long for a socket."""
        here = self._run / "s"
        if len(os.fsencode(here)) <= _LONGEST_SOCKET and not re.search(r"\s[;#]", str(here)):
            return here
        private = Path(tempfile.gettempdir()) / f"gonogo-{os.getuid()}"
        with suppress(FileExistsError):
            private.mkdir(mode=0o700)
        found = private.lstat()
        if private.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise OutOfReach(
                f"`{private}` belongs to somebody else, or is open to others", help="remove it, or set TMPDIR"
            )
        return private / self._token

    def _call(self, method: str, *arguments: Any) -> Any:
        """Ask it; raises `ConnectionError` or `FileNotFoundError` where nobody is there, `OutOfReach` for no answer."""
        proxy = xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(str(self._socket())))
        try:
            with proxy:
                return getattr(proxy.supervisor, method)(*arguments)
        except TimeoutError as error:
            raise OutOfReach(
                f"the target's supervisor (pid {self.pid() or 'unknown'}) does not answer within {ANSWER_WITHIN:g} s",
                help="see what stops it (`ps -o pid,stat`), then let it go on or end it",
            ) from error
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != _SHUTTING_DOWN:
                raise
            raise OutOfReach(
                "the target's supervisor is being shut down", help="wait a moment, then run again"
            ) from fault
        except (http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            raise OutOfReach(f"the target's supervisor answers nonsense: {error}", help="look at its log") from error

    def pid(self) -> int:
        """Its process id as it wrote it down; 0: it never did."""
        try:
            return int((self._run / "supervisord.pid").read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0

    def seen(self) -> dict[str, Seen] | None:
        """Every program by id; None where no supervisor runs."""
        try:
            found = self._call("getAllProcessInfo")
        except (ConnectionError, FileNotFoundError):
            return None
        return {one["name"]: Seen(one["statename"], int(one["pid"]), one["spawnerr"]) for one in found}

    def ensure(self, programs: Sequence[Program]) -> None:
        """Have it run, with these programs known; what an earlier one left behind is ended first."""
        self._configure(programs)
        if self.seen() is not None:
            self._reload(programs)
            return
        self.sweep()
        done = subprocess.run(
            [sys.executable, "-P", "-m", "supervisor.supervisord", "-c", "supervisord.conf"],
            cwd=self._run,
            env={
                **{name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ},
                "PYTHONUTF8": "1",
                "PYTHONPATH": _installed_in(),
                _strays.TARGET: self._token,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_UP_WITHIN,
            check=False,
        )
        if done.returncode or not _strays.until(lambda: self.seen() is not None, _UP_WITHIN):
            said = (done.stdout + done.stderr).decode(errors="replace").strip().splitlines()[-1:]
            raise OutOfReach(
                f"cannot start the target's supervisor: {said[0] if said else 'it does not answer'}",
                help=f"look into `{self.log}`",
            )

    def sweep(self) -> int:
        """End what a supervisor that is gone left behind; how many processes."""
        return _strays.sweep(lambda: _strays.marked(_strays.TARGET, self._token))

    def _configure(self, programs: Sequence[Program]) -> None:
        text = _head(self._socket()) + "".join(_section(program) for program in programs)
        file = self._run / "supervisord.conf"
        fresh = file.with_suffix(f".{os.getpid()}")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(file)

    def _reload(self, programs: Sequence[Program]) -> None:
        """Tell a running one of new programs, and have it forget those that are no more; those must be stopped."""
        self._call("reloadConfig")
        known, wanted = set(self.seen() or ()), {program.id for program in programs}
        for gone in known - wanted:
            self.stop(gone, 10.0)
            self._call("removeProcessGroup", gone)
        for fresh in wanted - known:
            self._call("addProcessGroup", fresh)

    def start(self, program: str) -> None:
        """Start a program, without waiting for what becomes of it."""
        try:
            self._call("startProcess", program, _AT_ONCE)
        except xmlrpc.client.Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise OutOfReach(
                    f"supervisor cannot start `{program}`: {fault.faultString.lower()}", help=f"look into `{self.log}`"
                ) from fault

    def stop(self, program: str, seconds: float) -> None:
        """Stop a program with all that it started; `seconds` is how long it may take before it is killed."""
        before = (self.seen() or {}).get(program)
        if before is None:
            return
        with suppress(xmlrpc.client.Fault):  # it was not running
            self._call("stopProcess", program, _AT_ONCE)
        _strays.until(lambda: self._ended(program), seconds + 5.0)
        if before.pid:
            _strays.end_group(before.pid)
        _strays.sweep(lambda: _strays.marked(_strays.UNIT, program), grace=min(seconds, 2.0))

    def _ended(self, program: str) -> bool:
        now = (self.seen() or {}).get(program)
        return now is None or now.state in {"STOPPED", "EXITED", "FATAL", "UNKNOWN"}

    def exits(self) -> dict[str, tuple[int, str]]:
        """Program -> how it ended last: exit code (128 and the number of a signal, as shells say it), and the words.

        Read from its log: over its socket it answers 0 for whatever code. Its own kills are among them.
        """
        found = {}
        for match in _EXITED.finditer(self.log_tail().decode(errors="replace")):
            code = int(match["code"]) if match["code"] else 128 + _signal(match["signal"])
            found[match["id"]] = code, match["how"]
        return found

    def log_tail(self, size: int = _LOG_TAIL) -> bytes:
        """The end of its log."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - size))
                return file.read()
        except OSError:
            return b""

    def shutdown(self) -> None:
        """End it with all its programs, and whatever is left of them."""
        with suppress(ConnectionError, FileNotFoundError, OutOfReach, xmlrpc.client.Fault):
            pid = self.pid()
            self._call("shutdown")
            _strays.until(lambda: not _strays.alive(pid), _DOWN_WITHIN)
        self.sweep()


_EXITED = re.compile(
    r"(?:exited|stopped): (?P<id>\S+) \((?P<how>exit status (?P<code>\d+)|terminated by (?P<signal>SIG\w+))"
)


def _installed_in() -> str:
    """Where supervisor was imported from, for interpreters that find it only by the path they were given."""
    spec = importlib.util.find_spec("supervisor")
    return str(Path(spec.origin).parents[1]) if spec is not None and spec.origin is not None else ""


def _signal(name: str) -> int:
    return int(getattr(signal, name, 0))


def _head(where: Path) -> str:
    user = "user=root\n" if os.getuid() == 0 else ""
    return (
        f"[unix_http_server]\nfile={_escaped(str(where))}\nchmod=0700\n"
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
        f"[supervisord]\n{user}logfile=supervisord.log\nlogfile_maxbytes=5MB\nlogfile_backups=2\n"
        "pidfile=supervisord.pid\nchildlogdir=.\nnodaemon=false\numask=077\nstrip_ansi=false\n"
    )


def _section(program: Program) -> str:
    """A program: paths are relative to the directory that supervisord runs in, so that any directory will do."""
    group = str(program.whole_group).lower()
    python = _escaped(shlex.quote(sys.executable))
    return (
        f"[program:{program.id}]\n"
        f"command={python} -ISB launch.py units/{program.id}.json\n"
        f"autostart=false\nautorestart={str(program.again).lower()}\nstartsecs={int(program.again)}\nstartretries=3\n"
        f"stopsignal={program.stop_signal}\nstopwaitsecs={max(1, round(program.stop_seconds))}\n"
        f"stopasgroup={group}\nkillasgroup=true\n"
        f"redirect_stderr=true\nstdout_logfile=../logs/{program.id}.log\n"
        "stdout_logfile_maxbytes=10MB\nstdout_logfile_backups=2\n"
    )


def _escaped(text: str) -> str:
    return text.replace("%", "%%")
