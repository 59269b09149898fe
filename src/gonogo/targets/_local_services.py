"""The services of one target directory: putting units in place of others, looking at them, and what they printed."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from gonogo.frozen import dataclass
from gonogo.model import codec
from gonogo.model.release import Instance
from gonogo.targets import _local_health as _health
from gonogo.targets import _local_launch as _launch
from gonogo.targets import _local_logs as _logs
from gonogo.targets import _strays
from gonogo.targets._durable import guarded, read_json, write_json
from gonogo.targets._local_supervisor import Seen, Supervisor
from gonogo.targets._local_units import Unit

TRIAL = "trial-"
"""Stands in the id of a unit that runs beside the release."""
_LOGS_KEPT = 5
"""Logs of units that are gone, for each service."""
_PAUSE = 0.1
_LAUNCHED_WITHIN = 3.0
_KILLED = 128 + signal.SIGKILL
_BETWEEN_LOOKS = 1.0
"""Seconds; a service is asked anew with each look, as often as somebody looks."""


class CannotStart(Exception):
    """A unit that does not come up, and why; what to do about it is for who asked."""


@dataclass(frozen=True, slots=True)
class Services:
    """Units below a target directory, and the supervisor that runs them."""

    directory: Path
    supervisor: Supervisor
    wait: Callable[[float], bool]
    """Lets time pass; false when the run is told to stop."""

    @property
    def _run(self) -> Path:
        return self.directory / "run"

    @property
    def _guard(self) -> Path:
        return self._run / ".guard"

    @classmethod
    def of(cls, directory: Path, token: str, wait: Callable[[float], bool]) -> Services:
        """The services of a directory, which is made where it is not there."""
        for part in ("run", "run/units", "run/starts", "logs"):
            (directory / part).mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(directory, Supervisor(directory / "run", token), wait)

    # --- what there is -------------------------------------------------------------------------------------------

    def running(self) -> dict[str, str]:
        """Service -> id of the unit that is meant to run."""
        return dict(read_json(self._run / "running.json") or {})

    def unit(self, id_: str) -> Unit | None:
        """The unit of that id; None where it is gone."""
        stored = read_json(self._run / "units" / f"{id_}.json")
        return codec.load(Unit, stored["unit"]) if stored is not None else None

    def units(self) -> tuple[Unit, ...]:
        """The units that are meant to run."""
        found = (self.unit(id_) for id_ in self.running().values())
        return tuple(unit for unit in found if unit is not None)

    def starts(self, id_: str) -> list[str]:
        """Every start of a unit, oldest first: moment and process id."""
        try:
            return (self._run / "starts" / id_).read_text(encoding="ascii").splitlines()
        except FileNotFoundError:
            return []

    def _write(self, unit: Unit) -> None:
        user = list(unit.user) if unit.user is not None else None
        told = {
            "unit": codec.dump(unit),
            "argv": unit.argv,
            "cwd": unit.cwd,
            "env": unit.env,
            "starts": str(self._run / "starts" / unit.id),
            "user": user,
            "umask": 0o077 if user else 0o022,
            "stop_signal": signal.Signals[f"SIG{unit.stop_signal}"].value,
        }
        write_json(self._run / "units" / f"{unit.id}.json", told)

    # --- putting units there -------------------------------------------------------------------------------------

    def put(self, wanted: Sequence[Unit], tell: Callable[[str], None], *, among: Iterable[str] | None = None) -> None:
        """Have exactly these units run, leaving alone those that run as they are wanted.

        `wanted` stand in the order in which they start; one that others need must be healthy first. `among` are the
        services this is about; None: all of them, so that what is not wanted ends. Safe to repeat after a kill at any
        moment. Raises `CannotStart`.
        """
        with guarded(self._guard):
            before = self.running()
            others = {} if among is None else {name: id_ for name, id_ in before.items() if name not in set(among)}
            seen = self.supervisor.seen() or {}
            final = [self._kept(unit, before, seen) or unit for unit in wanted]
            fresh = [unit for unit in final if unit.id not in seen]
            for unit in final:
                tell(f"{unit.service}: {'starts as ' + unit.id if unit in fresh else 'runs already, untouched'}")
                if unit in fresh:
                    self._write(unit)
            write_json(self._run / "running.json", {**others, **{unit.service: unit.id for unit in final}})
            self._settle(seen, trials=among is not None)
            for unit in final:
                self._start(unit, fresh, [other for other in final if unit.service in other.needs])
            self._tidy()

    def ensure(self, unit: Unit, tell: Callable[[str], None]) -> Unit:
        """Have one unit run, whatever else does; the one that runs now. Raises `CannotStart`."""
        self.put([unit], tell, among={unit.service})
        return next(one for one in self.units() if one.service == unit.service)

    def _kept(self, unit: Unit, before: dict[str, str], seen: dict[str, Seen]) -> Unit | None:
        id_ = before.get(unit.service, "")
        old = self.unit(id_) if id_ in seen and seen[id_].up else None
        return old if old is not None and old.signature == unit.signature else None

    def _settle(self, seen: dict[str, Seen], *, trials: bool) -> None:
        """Stop what is to run no more, what needs others first; then have the supervisor know what is to run.

        Without `trials`, those that a run left behind end too.
        """
        tried = [id_ for id_ in seen if TRIAL in id_] if trials else []
        wanted = {*self.running().values(), *tried}
        gone = [id_ for id_ in seen if id_ not in wanted]
        for unit in self._dependent_first(gone):
            self.supervisor.stop(unit.id, unit.stop_seconds)
        self._know(trials=tried)

    def _dependent_first(self, ids: Sequence[str]) -> list[Unit]:
        units = [self.unit(id_) or Unit(id_, id_.partition(".")[0], "", "", (), "", {}) for id_ in ids]
        needed = {need for unit in units for need in unit.needs}
        return sorted(units, key=lambda unit: (unit.service in needed, unit.service))

    def _know(self, trials: Iterable[str]) -> None:
        units = [unit for id_ in (*self.running().values(), *trials) if (unit := self.unit(id_)) is not None]
        launcher = self._run / "launch.py"
        if not launcher.exists() or launcher.read_bytes() != Path(_launch.__file__).read_bytes():
            fresh = launcher.with_suffix(".new")
            shutil.copyfile(_launch.__file__, fresh)
            fresh.replace(launcher)
        self.supervisor.ensure([unit.program for unit in units])

    def _start(self, unit: Unit, fresh: Sequence[Unit], needed_by: Sequence[Unit]) -> None:
        if unit in fresh:
            if unit.port and not _strays.is_free(unit.port):
                who = _strays.owner(unit.port) or "another process"
                raise CannotStart(f"`{unit.service}` cannot listen on port {unit.port}: {who} does already")
            self.supervisor.start(unit.id)
            _strays.until(lambda: bool(self.starts(unit.id)), _LAUNCHED_WITHIN)
        if needed_by or unit.one_shot:
            why = self.until_healthy(unit)
            if why:
                waiting = ", ".join(f"`{other.service}`" for other in needed_by)
                raise CannotStart(f"`{unit.service}` {why}" + (f"; {waiting} needs it" if waiting else ""))

    def until_healthy(self, unit: Unit) -> str:
        """Wait until a unit is healthy, or has ended well where it is meant to end; why it is not, else empty."""
        deadline = time.monotonic() + unit.start_seconds
        while True:
            one = self.look(unit, self.supervisor.seen(), self.supervisor.exits())
            if one.status == "exited" and one.one_shot and one.exit == 0:
                return ""
            if one.health == "healthy" or (not one.health and one.status == "running" and not one.one_shot):
                return ""
            if one.status in {"exited", "dead"} or one.restarts:
                return f"{one.error or f'ended with exit code {one.exit}'}{self._last_line(unit)}"
            if time.monotonic() > deadline:
                why = f"is not healthy after {unit.start_seconds:g} s: {one.said or one.status}"
                return f"{why}{self._last_line(unit)}"
            if not self.wait(_PAUSE):
                return "was not waited for: the run was told to stop"

    def _last_line(self, unit: Unit) -> str:
        """What a unit printed last, for people; whoever shows it redacts it."""
        lines = _logs.end_of(self.log(unit.id), 4096).decode(errors="backslashreplace").strip().splitlines()
        return f" (it printed last: {lines[-1][:300]})" if lines else ""

    def _tidy(self) -> None:
        """Drop the files of units that are gone; of each service, the newest logs stay."""
        wanted = {*self.running().values(), *(self.supervisor.seen() or ())}
        for file in (*(self._run / "units").glob("*.json"), *(self._run / "starts").iterdir()):
            if file.name.removesuffix(".json") not in wanted:
                file.unlink(missing_ok=True)
        gone: dict[str, list[Path]] = {}
        for log in (self.directory / "logs").glob("*.log"):
            if log.stem not in wanted:
                gone.setdefault(log.stem.partition(".")[0], []).append(log)
        for logs in gone.values():
            for log in sorted(logs, key=lambda one: one.stat().st_mtime)[:-_LOGS_KEPT]:
                for part in log.parent.glob(f"{log.name}*"):
                    part.unlink(missing_ok=True)

    def end(self) -> None:
        """End everything, the supervisor too."""
        with guarded(self._guard):
            self.supervisor.shutdown()

    # --- beside it -----------------------------------------------------------------------------------------------

    @contextmanager
    def beside(self, units: Sequence[Unit], tell: Callable[[str], None]) -> Iterator[None]:
        """Run units beside those that are meant to run, until the block ends."""
        try:
            with guarded(self._guard):
                self._drop_trials()
                for unit in units:
                    self._write(unit)
                self._know(trials=[unit.id for unit in units])
            for unit in units:
                self.supervisor.start(unit.id)
                tell(f"{unit.service}: tried as {unit.id} on port {unit.port}")
                why = self.until_healthy(unit)
                if why:
                    tell(f"{unit.service}: {why}")
            yield
        finally:
            with guarded(self._guard):
                self._drop_trials()
                self._tidy()

    def _drop_trials(self) -> None:
        seen = self.supervisor.seen() or {}
        for unit in self._dependent_first([id_ for id_ in seen if TRIAL in id_]):
            self.supervisor.stop(unit.id, unit.stop_seconds)
        if seen:
            self._know(trials=())

    # --- looking -------------------------------------------------------------------------------------------------

    def instances(self) -> tuple[Instance, ...]:
        """One look at every unit that is meant to run."""
        seen, exits = self.supervisor.seen(), self.supervisor.exits()
        return tuple(self.look(unit, seen, exits) for unit in self.units())

    def look(self, unit: Unit, seen: dict[str, Seen] | None, exits: dict[str, tuple[int, str]]) -> Instance:
        """One look at one unit; supervisor's word counts only together with the process and its answer."""
        starts = self.starts(unit.id)
        known = seen.get(unit.id) if seen is not None else None
        code, how = exits.get(unit.id, (None, ""))
        one = Instance(
            service=unit.service,
            id=unit.id,
            artifact=unit.artifact,
            status="",
            restarts=max(0, len(starts) - 1),
            started=starts[-1] if starts else "",
            exit=code,
            oom=code == _KILLED and _ran_out(starts, up=known is not None and known.up),
            one_shot=unit.one_shot,
            release=unit.release,
        )
        if seen is None:
            return replace(one, status="dead", error="the target's supervisor is gone: it was ended, or killed")
        if known is None:
            return replace(one, status="dead", error="the target's supervisor does not know it: somebody removed it")
        if known.up and _strays.paused(known.pid):
            return replace(one, status="paused")
        if known.up:
            return self._asked(unit, replace(one, status="running"))
        error = _not_started(known, one, how)
        return replace(one, status=_status(known, started=bool(starts)), error=error)

    def _asked(self, unit: Unit, one: Instance) -> Instance:
        health = _health.look(unit)
        if health.ok is None:
            return one
        one = replace(one, start_period=unit.start_seconds, interval=_BETWEEN_LOOKS)
        if health.ok:
            return replace(one, health="healthy")
        since = float(one.started.split()[0]) if one.started else time.time()
        state = "starting" if time.time() - since < unit.start_seconds else "unhealthy"
        return replace(one, health=state, said=health.why, error=health.why if health.stranger else "")

    def log(self, id_: str) -> Path:
        """Where the output of a unit lies."""
        return self.directory / "logs" / f"{id_}.log"


_STATUS = {"STARTING": "restarting", "RUNNING": "restarting", "BACKOFF": "restarting", "STOPPING": "removing"}


def _ran_out(starts: Sequence[str], *, up: bool) -> bool:
    """Whether the machine killed something for want of memory after the start of what ended last."""
    counts = [int(line.split()[2]) for line in starts] + ([] if up else [_launch.oom_kills()])
    return len(counts) > 1 and counts[-1] > counts[-2]


def _not_started(seen: Seen, one: Instance, how: str) -> str:
    """Why a program does not come up, where supervisor could not start it or has given up; empty: it just ended."""
    if seen.state == "FATAL" and how:
        return f"ended {one.restarts + 1} times right after its start ({how})"
    return seen.problem.lower() if seen.problem and not how else ""


def _status(seen: Seen, *, started: bool) -> str:
    """The word of the Docker Engine for a program of which no process runs."""
    if seen.state == "UNKNOWN":
        return "dead"
    return _STATUS.get(seen.state, "exited" if started else "created")


def json_of(instances: Iterable[Instance]) -> bytes:
    """Instances as JSON for people."""
    return json.dumps([codec.dump(one) for one in instances], indent=1, sort_keys=True).encode()
