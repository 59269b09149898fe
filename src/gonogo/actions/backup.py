"""Back the target's database up, and prove it: a dump counts once it has been restored and is the same there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from gonogo.actions import _dumps
from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import SHELL_TEXT, Clause, Context, Database, Done, Look, Ran, action
from gonogo.probes import _backups as backups
from gonogo.probes._facts import Stopped, problem
from gonogo.probes._postgres import Holding, Refused, Sql, Table, differences, holding, said


@dataclass(frozen=True, slots=True)
class BackupParams:
    """How the backup is made."""

    run: str = field(default="", metadata=SHELL_TEXT)
    """Command that makes it, run as written with `DATABASE_URL` of the target. Empty: `pg_dump` of the target's own
    version."""
    cwd: str = "."
    """Directory of the command, relative to the repository."""
    path: str = ""
    """File or folder in which the command leaves its dump. Empty: what it prints, else what it leaves in its folder."""
    env_files: tuple[str, ...] = ()
    """Env files whose variables the command is given."""
    tables: tuple[str, ...] = ()
    """Tables that must be in it with rows: `public.users`. A dump of the wrong database has none of them."""
    keep: int = 5
    """How many restored dumps of gonogo's own making are kept; the last one always is, and those of releases."""


def no_database(what: str) -> Trouble:
    """Why an act on the database of a target that has none is not taken."""
    return Trouble(
        Outcome.UNKNOWN,
        "no-database",
        f"the target has no database: there is nothing to {what}",
        "declare its database, or exclude the gate with `when:` and a reason",
    )


def look(params: BackupParams, context: Context) -> Look:
    """How far a backup had come that was cut off: the steps it recorded, and what lies on the disk."""
    steps = dict(context.recorded)
    if not steps:
        return Look(Done.NOT_DONE, "nothing was begun")
    kept = next(
        (r for r in backups.records(backups.folder(context)) if r["name"] == steps.get("keep", {}).get("name")), {}
    )
    if kept and backups.intact(kept):
        facts = {"exists": True, "fresh": True, "backup": kept}
        capture = Capture("backup", _shown(params), exit=0, blobs=(context.keep_facts(facts),))
        return Look(Done.DONE, f"`{kept['name']}` is there, restored once and recorded", capture)
    if "restore" in steps:
        return Look(Done.HALF_DONE, f"`{steps['restore']['name']}` was written, and not yet proved")
    return Look(Done.HALF_DONE, "it was cut off while the dump was written; what there is of it is no backup")


def _shown(params: BackupParams) -> str:
    return params.run or "pg_dump of the target's database, restored once"


@action(
    "backup",
    yields=backups.OBSERVED,
    reader=backups.read_backup,
    look=look,
    labels=r"(?:db |database )?back-?up",
    clauses=(
        Clause(
            r"backup (?:is |was )?(?:restored|restorable|proved|proven)(?: (?:once|into a scratch database))?",
            ("backup.restored",),
            "backup restored once",
        ),
    ),
)
def backup(params: BackupParams, context: Context) -> Capture:
    """Dump the target's PostgreSQL database, and restore the dump into a scratch database beside it.

    A dump is believed in four levels: written (0), listed (1), read through (2), restored with every row count, value,
    definition and constraint compared (3). Only the last one counts as `backup.restored`: a truncated dump has a whole
    table of contents, and a flipped bit may only show in a value. The dump is written under another name, synchronised
    and renamed; the source is only ever read. Tables that are written to meanwhile must lie between their counts
    before and after. The copy must hold rows, and the migrations of the release that is there: else it is a dump of
    the wrong database. Old dumps are deleted, except the last one that was restored and those of releases.

    With `run`, that command is run as written, and whatever it leaves is proved the same way: a custom dump, or plain
    SQL, either of them gzipped.
    """
    database = context.reach().database()
    if database is None:
        return Capture("backup", _shown(params), troubles=(no_database("back up"),))
    return _Backup(params, context, database, Sql(database, context), backups.folder(context)).capture()


@dataclass
class _Backup:
    """One backup being made."""

    params: BackupParams
    context: Context
    database: Database
    sql: Sql
    place: Path
    ran: Ran | None = None
    notes: list[str] = field(default_factory=list)
    before: Holding = field(default_factory=lambda: Holding({}, {}))
    """What the source held before the dump, and `after` it."""
    after: Holding = field(default_factory=lambda: Holding({}, {}))

    def capture(self) -> Capture:
        """Make it, prove it, keep the record; whatever goes wrong is a trouble, so that nothing is built on it."""
        for swept in self.sql.sweep():
            self.notes.append(f"dropped the scratch database `{swept}` of a run that was cut off")
        facts: dict[str, Any] = {"exists": False}
        try:
            record = self._resumed() or self._made()
            facts = {"exists": True, "fresh": True, "backup": record}
            self._proved(record)
        except Stopped as stopped:
            facts["problems"] = [stopped.problem]
        except Refused as error:
            facts["problems"] = [problem(Outcome.FAIL, "backup-not-restorable", error.message, error.help)]
        if facts["exists"]:
            record = facts["backup"]
            self.context.record("keep", name=record["name"])
            backups.write_record(self.place, record)
            self._prune()
        facts["notes"] = self.notes
        return self._brought(facts)

    def _brought(self, facts: Mapping[str, Any]) -> Capture:
        ran = self.ran
        found = [Trouble(Outcome(p["outcome"]), p["slug"], p["message"], p["help"]) for p in facts.get("problems", ())]
        streams = (ran.stdout, ran.stderr, *ran.report_blobs) if ran else ()
        blobs = (self.context.keep_facts(facts), *streams)
        return Capture(
            "backup",
            _shown(self.params),
            blobs=blobs,
            exit=ran.exit if ran else (None if found else 0),
            signal=ran.signal if ran else "",
            troubles=tuple(found),
        )

    # --- making ------------------------------------------------------------------------------------------------------

    def _resumed(self) -> dict[str, Any] | None:
        """The record of a dump that was written whole before the run was cut off; None: there is none."""
        steps, kept = dict(self.context.recorded), self.context.remembered()
        record = dict(steps.get("restore", {}).get("record", {}))
        for partial in self.place.glob("*.partial"):
            partial.unlink()
            self.notes.append(f"removed `{partial.name}`, which a run that was cut off left behind")
        if not record or kept is None or not backups.intact(record):
            return None
        self.before, self.after = _holding(kept["before"]), _holding(kept["after"])
        self.notes.append(f"`{record['name']}` was written before the run was cut off; it was not dumped again")
        return record

    def _made(self) -> dict[str, Any]:
        about = self.sql.ask(_ABOUT)[0]
        self.before = holding(self.sql)
        began, clock = backups.now(), time.monotonic()
        stamp = f"{began[:19]}Z".replace("-", "").replace(":", "")
        name = f"{self.place.name}-{stamp}-{self.context.run_id}-{len(self.context.recorded)}"
        file = self._commanded() if self.params.run else self._dumped(name)
        seconds = time.monotonic() - clock
        self.after = holding(self.sql)
        self.context.remember({"before": _data(self.before), "after": _data(self.after)})
        client = self.context.run(replace(self.database, connection=()).argv("pg_dump", "--version"), name="version")
        return {
            "name": file.name if self.params.run else name,
            "file": str(file),
            "own": not self.params.run,
            "made": began,
            "run": self.context.run_id,
            "commit": self.context.subject.commit,
            "database": self.database.name,
            "client": client.out.decode(errors="replace").strip(),
            "level": 0,
            "bytes": file.stat().st_size,
            "sha256": backups.digest(file),
            "dump_seconds": round(seconds, 3),
            **about,
        }

    def _dumped(self, name: str) -> Path:
        """Dump under another name; renamed once it has been read through and is on the disk."""
        partial, file = self.place / f"{name}.dump.partial", self.place / f"{name}.dump"
        self.context.record("dump", name=name)
        ran = self.sql.dump(partial)
        try:
            self._wrote(ran, partial)
            backups.sync(partial)
            _dumps.read_through(self.sql, partial)
        except (Stopped, Refused):
            partial.unlink(missing_ok=True)
            raise
        partial.rename(file)
        backups.sync(self.place)
        return file

    @staticmethod
    def _wrote(ran: Ran, partial: Path) -> None:
        if ran.exit != 0:
            raise Stopped("backup-failed", f"`pg_dump` {said(ran)}: nothing is kept of it", "free space; see the log")
        if not partial.stat().st_size:
            raise Stopped("backup-failed", "`pg_dump` wrote nothing and exited with 0", "see the log of the server")

    def _commanded(self) -> Path:
        """Run the checklist's own command, and find the one dump that it left."""
        since = time.time()
        self.context.record("run", since=since)
        self.ran = self.context.run(self.params.run, cwd=self.params.cwd, env=_dumps.client_env(self.database))
        if self.ran.exit != 0:
            raise Stopped("backup-failed", f"`{self.params.run}` {said(self.ran)}", "see what it printed")
        fresh, stale = _dumps.left_by(self.ran, self.params, self.context.root, since)
        if len(fresh) == 1:
            return fresh[0]
        if fresh:
            names = ", ".join(f"`{file.name}`" for file in fresh)
            raise Stopped("several-backups", f"it left {names}: which of them is the dump?", "name it with `path:`")
        if stale:
            told = f"`{stale[0].name}` was there before, and was not written by this attempt"
            raise Stopped("backup-stale", told, "see why the command did not write it", Outcome.STALE)
        raise Stopped("no-backup", "it exited with 0 and left no dump that can be found", "name its file with `path:`")

    # --- proving -----------------------------------------------------------------------------------------------------

    def _proved(self, record: dict[str, Any]) -> None:
        """Raise the record's level as far as it goes; raises `Stopped` or `Refused` where it stops before the last."""
        file = Path(record["file"])
        record["toc"] = _dumps.contents(self.sql, file)
        record["level"] = 1
        _dumps.read_through(self.sql, file)
        record["level"] = 2
        scratch = self.sql.scratch_name()
        self.context.record("restore", name=record["name"], scratch=scratch, record=dict(record))
        self.context.tell(f"restoring {record['name']} into {scratch}")
        clock = time.monotonic()
        with self.sql.scratch(scratch):
            _dumps.restore(self.sql, file, scratch)
            record["restore_seconds"] = round(time.monotonic() - clock, 3)
            copy = holding(self.sql, scratch)
            applied = _dumps.applied(self.sql, scratch)
        wrong, moving = differences(self.before, self.after, copy)
        record |= {
            "tables": len(copy.tables),
            "rows": copy.rows,
            "counts": {name: table.rows for name, table in copy.tables.items()},
            "migration": applied[-1] if applied else "",
            "moving": moving,
        }
        if moving:
            self.notes.append(f"written to while it was dumped, so only counted: {', '.join(moving[:10])}")
        self._judged(wrong, copy, applied)
        record["level"] = backups.RESTORED

    def _judged(self, wrong: list[str], copy: Holding, applied: tuple[str, ...]) -> None:
        if wrong:
            more = f" (and {len(wrong) - 5} more)" if len(wrong) > 5 else ""  # noqa: PLR2004 - enough to see what it is
            told = f"the copy is not its source: {'; '.join(wrong[:5])}{more}"
            raise Stopped("backup-differs", told, "dump the target's own database, with all that is in it")
        state = self.context.reach().load()
        there = state.release(state.current)
        empty = [name for name in self.params.tables if not copy.tables.get(name, Table(0, "")).rows]
        lost = [name for name in there.migrations if name not in applied] if there and applied else []
        if empty:
            why = f"it has no rows of {', '.join(f'`{name}`' for name in empty)}"
        elif there is not None and not copy.rows:
            why = f"it holds no row at all, though {there.id} is served from it"
        elif lost:
            why = f"it does not know migration `{lost[0]}`, which {there.id if there else ''} needs"
        else:
            return
        told = f"`{self.database.name}` is not what it should be: {why}"
        raise Stopped("wrong-database", told, "mend the URL of the database, or what the target says of it")

    def _prune(self) -> None:
        state = self.context.reach().load()
        needed = frozenset(release.backup for release in state.releases if release.backup)
        for record in backups.spare(backups.records(self.place), self.params.keep, needed):
            Path(record["file"]).unlink(missing_ok=True)
            (self.place / f"{record['name']}.json").unlink(missing_ok=True)
            self.notes.append(f"deleted the old backup `{record['name']}`")


_ABOUT = """
select current_setting('server_version') as server, pg_database_size(current_database()) as database_bytes,
       case when pg_is_in_recovery() then '' else pg_current_wal_lsn()::text end as wal
"""


def _data(held: Holding) -> dict[str, Any]:
    return {"tables": {name: [t.rows, t.digest] for name, t in held.tables.items()}, "schema": dict(held.schema)}


def _holding(data: Mapping[str, Any]) -> Holding:
    return Holding({name: Table(rows, digest) for name, (rows, digest) in data["tables"].items()}, data["schema"])
