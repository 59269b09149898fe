"""Migrate the database: first a restored copy, with the release that is there on it; then the real one, once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from gonogo.actions import _dumps, _migrator
from gonogo.actions.backup import no_database
from gonogo.frozen import dataclass
from gonogo.model.capture import Blob, Capture
from gonogo.model.observation import Finding, Observation, Reading
from gonogo.model.outcome import Outcome
from gonogo.model.release import Release
from gonogo.plugins import SHELL_TEXT, Context, Database, Done, Look, OutOfReach, Phrase, Ran, action
from gonogo.probes import _backups as backups
from gonogo.probes._facts import Stopped, count, flag, measure, printed, problem, trouble
from gonogo.probes._migrations import (
    EDITED,
    FAILED,
    PENDING,
    History,
    Migration,
    NoMigrations,
    history,
    in_tree,
    pending_in,
    variables,
)
from gonogo.probes._postgres import Refused, Sql, said, url_of


@dataclass(frozen=True, slots=True)
class MigrateParams:
    """What migrates, and how far it is trusted."""

    run: str = field(metadata=SHELL_TEXT)
    """Command that applies what is pending, run as written, with the URL of the database in `variable`."""
    cwd: str = "."
    """Directory of the commands, relative to the repository."""
    env_files: tuple[str, ...] = ()
    """Env files whose variables the commands are given."""
    variable: str = "DATABASE_URL"
    """Variable in which the command, and the release that is tried, find the URL of the database."""
    path: str = ""
    """Folder of the migrations. Empty: `prisma/migrations`, at the root or in a workspace."""
    status: str = field(default="", metadata=SHELL_TEXT)
    """Command that tells what is pending, for other engines than Prisma: see the probe `migrations`."""
    pending_exit: int | None = None
    """Exit code with which `status` says that some are pending; 0 then says that none is."""
    lock_timeout: float = 10.0
    """Seconds that one statement of it may wait for a lock (`lock_timeout` of PostgreSQL, through `PGOPTIONS`)."""
    timeout: float = 600.0
    """Seconds for the real migration; the gate's own timeout holds as well."""
    copy: bool = True
    """Try it on a restored copy first."""
    previous: bool = True
    """Run the smoke checks of the plan on the release that is there, with the migrated copy as its database."""


_YIELDS = (
    PENDING,
    FAILED,
    EDITED,
    count("migrations.applied", "migrations that this call applied"),
    flag("migrations.tried", "all of it was applied to a restored copy before"),
    flag("migrations.previous_ok", "the release that is there passed its smoke checks on the migrated copy"),
    measure("migrations.seconds", "how long the real migration took", "s"),
)


def _read(facts: Mapping[str, Any], _params: MigrateParams) -> Reading:
    """What the database knew afterwards, and how it came there."""
    found: dict[str, Any] = {f"migrations.{name}": facts[name] for name in ("tried", "previous_ok") if name in facts}
    findings: list[Finding] = []
    after = facts.get("after")
    if after is not None:
        for kind in facts["told"]:
            found[f"migrations.{kind}"] = len(after[kind])
            findings += [Finding("migrations", f"{kind}:{n}", kind, f"migration `{n}` is {kind}") for n in after[kind]]
        found["migrations.applied"] = facts["applied"]
    if "seconds" in facts:
        found["migrations.seconds"] = float(facts["seconds"])
    observations = tuple(Observation(name, value, "facts.json") for name, value in found.items())
    troubles = tuple(trouble(one) for one in facts.get("problems", ()))
    return Reading(observations, tuple(findings), tuple(facts.get("notes", ())), troubles)


def look(params: MigrateParams, context: Context) -> Look:
    """How far a migration had come that was cut off: what the database itself says, against what was recorded."""
    begun = dict(context.recorded).get("migrate")
    if begun is None:
        return Look(Done.NOT_DONE, "the real database was not touched yet")
    database = context.reach().database()
    if database is None:
        return Look(Done.UNKNOWN, "the target has no database any more")
    work = _Migrate(params, context, database, Sql(database, context))
    now, wanted = work.state(), begun["pending"]
    left = [name for name in wanted if name in now.pending]
    if now.failed:
        return Look(Done.HALF_DONE, f"migration `{now.failed[0]}` was begun and never finished")
    if not now.pending:
        facts = work.after(History.of(begun["before"]), now)
        silent = context.keep("stdout", b"", "text/plain")  # its exit code is read beside what it printed
        capture = Capture("migrate", params.run, exit=0, blobs=(context.keep_facts(facts), silent))
        return Look(Done.DONE, f"all of {len(wanted)} pending migrations are applied", capture)
    if left == wanted:
        return Look(Done.NOT_DONE, f"none of {len(wanted)} pending migrations is applied")
    return Look(
        Done.HALF_DONE, f"{len(wanted) - len(left)} of {len(wanted)} migrations are applied, `{left[0]}` is not"
    )


def _whole(match: Any) -> Mapping[str, Any]:
    return {"run": match["run"]}


_COMMANDS = (
    r"(?:npm|yarn|pnpm) (?:run )?db:migrate|(?:npx |pnpm |yarn )?prisma migrate deploy|(?:npx )?knex migrate:latest"
    r"|flyway migrate|alembic upgrade head|python3? manage\.py migrate"
)


@action(
    "migrate",
    yields=_YIELDS,
    reader=_read,
    look=look,
    labels=r"(?:db |database )?migrat(?:e|ions?)",
    phrases=(Phrase(rf"`?(?P<run>{_COMMANDS})`?", _whole, "`npm run db:migrate`"),),
)
def migrate(params: MigrateParams, context: Context) -> Capture:
    """Apply pending migrations, once, after they were applied to a restored copy.

    1. What was begun and never finished, or edited after it ran, stops it here, with the commands that mend it.
    2. The backup of this run (else a dump made for it) is restored into a scratch database and migrated; the release
       that is there is run on that copy, and must pass the plan's smoke checks: it goes on serving until the new one
       is up, and is what a rollback puts back.
    3. The command is run as written on the real database: with a lock timeout, under a name by which its sessions are
       found again, while it is watched who blocks it. Sessions and containers that an earlier one left are ended first.
    4. What counts is what the database knows afterwards: nothing pending, nothing half done, no checksum changed. An
       exit code of 0 that applied nothing is a failure.
    """
    database = context.reach().database()
    if database is None:
        return Capture("migrate", params.run, troubles=(no_database("migrate"),))
    return _Migrate(params, context, database, Sql(database, context)).capture()


@dataclass
class _Migrate:
    """One migration of a target's database."""

    params: MigrateParams
    context: Context
    database: Database
    sql: Sql
    facts: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    blobs: list[Blob] = field(default_factory=list)
    ran: Ran | None = None
    tree: tuple[Migration, ...] = ()

    def capture(self) -> Capture:
        """All of it; whatever stops it is a trouble."""
        problems: list[dict[str, str]] = []
        try:
            self.sql.sweep()
            self.notes += _migrator.sweep(self.sql)
            before = self.state()
            self._fit(before)
            if self.params.copy and before.pending:
                self._tried(before)
            self._applied(before)
        except Stopped as stopped:
            problems.append(stopped.problem)
        except (Refused, NoMigrations) as error:
            told = error.message if isinstance(error, Refused) else str(error)
            mend = "see that the database answers; name the folder with `path:`, or give a `status:` command"
            problems.append(problem(Outcome.UNKNOWN, "cannot-tell", told, mend))
        facts = {**self.facts, "notes": self.notes, "problems": problems}
        ran = self.ran
        return Capture(
            "migrate",
            self.params.run,
            blobs=(self.context.keep_facts(facts), *self.blobs, *((ran.report_blobs) if ran else ())),
            reports=ran.reports if ran else (),
            exit=ran.exit if ran else None,
            signal=ran.signal if ran else "",
            troubles=(*(trouble(one) for one in problems), *(ran.troubles if ran else ())),
        )

    # --- what the database knows -------------------------------------------------------------------------------------

    def state(self, database: str = "") -> History:
        """What lies between tree and database; raises `Refused` or `NoMigrations` where it cannot be told."""
        if not self.params.status:
            self.tree = self.tree or in_tree(self.context, self.params.path)
            if not self.tree:
                raise NoMigrations("the folder of migrations is empty")
            return history(self.sql, self.tree, database)
        ran = self.context.run(self.params.status, cwd=self.params.cwd, env=self._env(database), name="status")
        pending = pending_in(ran.out.decode(errors="replace"), ran.exit, self.params.pending_exit)
        if pending is None:
            raise NoMigrations(f"`{self.params.status}` {said(ran)}, and does not say what is pending")
        return History(pending=pending)

    def after(self, before: History, now: History) -> dict[str, Any]:
        """The facts once it has run."""
        told = ["pending"] if self.params.status else ["pending", "failed", "edited"]
        applied = len([name for name in now.applied if name not in before.applied])
        applied = applied if not self.params.status else max(0, len(before.pending) - len(now.pending))
        return {"before": before.data, "after": now.data, "told": told, "applied": applied}

    def _env(self, database: str = "") -> dict[str, str]:
        name = database or self.database.name
        programs = "" if self.database.prefix else self.database.programs
        inside = _migrator.in_container(self.params.run) and self.database.inner
        url = url_of(inside or self.database.url, name)
        env = variables(url, self.params.variable, self.database.env, programs)
        wait = f"-c lock_timeout={int(self.params.lock_timeout * 1000)}"
        return {**env, "PGAPPNAME": _migrator.name_of(self.context), "PGOPTIONS": wait}

    def _fit(self, before: History) -> None:
        """Refuse to touch anything where a person must look first."""
        if before.failed:
            raise Stopped("migration-unresolved", self._failed(before), self._recovery(before.failed[0]))
        if before.edited:
            names = ", ".join(f"`{name}`" for name in before.edited)
            told = f"changed after it was applied: {names}"
            raise Stopped("migration-edited", told, "restore the file as it was applied, and write a new migration")
        other = _migrator.holder(self.sql)
        if other:
            told = f"somebody else migrates this database: {other}"
            raise Stopped("migrator-running", told, "wait until it has ended, or end it", Outcome.ERROR)
        if before.unknown:
            self.notes.append(f"the database is ahead of this commit: {', '.join(before.unknown[:5])}")

    @staticmethod
    def _failed(now: History) -> str:
        why = f": {now.logs.splitlines()[0]}" if now.logs else ""
        return f"migration `{now.failed[0]}` was begun and never finished{why}"

    @staticmethod
    def _recovery(name: str) -> str:
        return (
            f"look what it left in the database; then, reverted: `npx prisma migrate resolve --rolled-back {name}`,"
            f" or finished by hand: `npx prisma migrate resolve --applied {name}`; then run it again"
        )

    # --- the copy ----------------------------------------------------------------------------------------------------

    def _tried(self, before: History) -> None:
        """Migrate a restored copy, and run the release that is there on it."""
        self.facts["tried"] = False
        scratch = self.sql.scratch_name()
        kept = backups.verified(backups.folder(self.context), self.context.run_id)
        self.context.record("try", scratch=scratch, backup=kept["name"] if kept else "")
        dump = Path(kept["file"]) if kept else self._dumped()
        self.context.tell(f"trying {len(before.pending)} migrations on a copy")
        with self.sql.scratch(scratch):
            _dumps.restore(self.sql, dump, scratch)
            ran = self._run(scratch, "copy")
            self.blobs += printed(ran)
            now = self.state(scratch)
            self._untouched(before)
            if ran.exit != 0 or now.pending or now.failed:
                why = self._failed(now) if now.failed else f"`{self.params.run}` {said(ran)}"
                left = f"; `{now.pending[0]}` is still pending" if now.pending else ""
                told = f"on a restored copy: {why}{left}; the real database was not touched"
                raise Stopped("migration-fails-on-copy", told, "mend the migration, and commit it under a new run")
            self.facts["tried"] = True
            self._previous(scratch)

    def _untouched(self, before: History) -> None:
        """Stop where the command took another URL than it was given: it was not the copy that it migrated."""
        real = self.state()
        if (real.applied, real.failed, real.pending) != (before.applied, before.failed, before.pending):
            self.facts |= self.after(before, real)
            told = f"`{self.params.run}` was given a copy's URL in `{self.params.variable}`, and migrated the real one"
            mend = "name the variable that it reads with `variable:`; look what it did to the database"
            raise Stopped("copy-missed", told, mend)

    def _dumped(self) -> Path:
        file = self.context.scratch / "for-a-copy.dump"
        ran = self.sql.dump(file)
        if ran.exit != 0:
            raise Refused(f"`pg_dump` {said(ran)}", help="free space, or see the log of the server")
        return file

    def _previous(self, scratch: str) -> None:
        """The release that is there on the migrated copy."""
        state = self.context.reach().load()
        there = state.release(state.current) or state.stable
        if there is None:
            self.notes.append("no release is there yet, so none was tried on the migrated copy")
        elif self.params.previous:
            self._smoked(there, scratch)

    def _smoked(self, there: Release, scratch: str) -> None:
        target = self.context.reach()
        mend = "see why it cannot be tried, or say `previous: false` and look yourself"
        try:
            inner = url_of(self.database.inner or self.database.url, scratch)
            with target.trial(there, {self.params.variable: inner}) as urls:
                origin = urls.get("app") or next(iter(urls.values()), "")
                smoked = self.context.smoke(there.commit, origin=origin)
        except OutOfReach as error:
            raise Stopped("previous-not-tried", error.message, error.help or mend, Outcome.UNKNOWN) from error
        if smoked is None:
            self.notes.append(f"{there.id} was not tried on the migrated copy: the plan has no smoke check")
            return
        self.blobs += smoked.blobs
        self.notes += [f"{there.id} on the migrated copy: {line}" for line in smoked.said]
        why = "; ".join(smoked.said)
        if smoked.outcome is Outcome.FAIL:
            self.facts["previous_ok"] = False
            told = f"{there.id} does not live with the migrated database: {why}"
            raise Stopped("previous-breaks", told, "split the migration: add first, remove once no release needs it")
        if smoked.outcome is not Outcome.PASS:
            told = f"nothing tells whether {there.id} lives with the migrated database: {why}"
            raise Stopped("previous-not-tried", told, mend, Outcome.UNKNOWN)
        self.facts["previous_ok"] = True

    # --- the real one ------------------------------------------------------------------------------------------------

    def _run(self, database: str = "", name: str = "") -> Ran:
        limit = min(self.params.timeout, self.context.timeout)
        env = self._env(database)
        given = (self.params.variable, "PGAPPNAME", "PGOPTIONS")
        return _migrator.run(
            self.params.run, self.context, given, cwd=self.params.cwd, env=env, timeout=limit, name=name
        )

    def _applied(self, before: History) -> None:
        self.context.record("migrate", pending=list(before.pending), before=before.data)
        clock = time.monotonic()
        with _migrator.watched(self.sql) as watch:
            ran = self._run()
        self.ran = ran
        self.facts["seconds"] = round(time.monotonic() - clock, 3)
        self.facts["blockers"] = list(watch.blockers.values())
        self.notes += watch.shown
        self.blobs += (ran.stdout, ran.stderr)
        if ran.exit is None:  # a session that waits for a lock does not notice that its program is gone
            self.notes += _migrator.sweep(self.sql)
        now = self.state()
        self.facts |= self.after(before, now)
        if now.failed:
            raise Stopped("migration-failed", self._failed(now), self._recovery(now.failed[0]))
        blocked = f"; {watch.shown[0]}" if watch.blockers else ""
        if ran.exit != 0:
            told = f"`{self.params.run}` {said(ran)}{blocked}"
            raise Stopped("migration-failed", told, "see what it printed; the release that is there goes on serving")
        if now.pending:
            told = f"`{self.params.run}` exited with 0, and `{now.pending[0]}` is still pending"
            raise Stopped("nothing-applied", told, "see that it is run in the right folder, on the right database")
