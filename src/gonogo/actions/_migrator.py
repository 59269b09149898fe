"""The program that migrates, while it runs and after it was cut off: who blocks it, and what is left of it."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from gonogo.plugins import Context, Ran
from gonogo.probes._migrations import ADVISORY_LOCK
from gonogo.probes._postgres import Refused, Sql, literal

APPLICATION = "gonogo-migrate"
"""How the sessions of a migrating program are named, where it takes `PGAPPNAME` as libpq does."""

_LOOKS = 0.5
"""Seconds between two looks at who blocks it."""

_COMPOSE = r"\bdocker(?:-compose| compose)(?:\s+-\S+(?:\s+(?!run\b|exec\b)[^-\s]\S*)?)*\s+"
"""Up to the command of Compose: options, each with at most one value."""
_COMPOSE_RUN = re.compile(rf"{_COMPOSE}run\b(?!.*--name)")

_BLOCKERS = """
select distinct b.pid, coalesce(b.usename::text, '') as by, coalesce(b.application_name, '') as application,
       coalesce(b.state, '') as state, coalesce(extract(epoch from now() - b.xact_start), 0)::int as seconds
from pg_stat_activity w
cross join lateral unnest(pg_blocking_pids(w.pid)) as blocking(pid)
join pg_stat_activity b on b.pid = blocking.pid
where w.datname = current_database() and (w.application_name = {name} or w.backend_start > {since}::timestamptz)
"""


@dataclass(slots=True)
class Watch:
    """What was seen while a migration ran."""

    blockers: dict[int, dict[str, Any]] = field(default_factory=dict)
    """By process id: whose session held what the migration waited for."""

    @property
    def shown(self) -> tuple[str, ...]:
        """A sentence for each."""
        return tuple(blocker_text(one) for one in self.blockers.values())


def blocker_text(row: dict[str, Any]) -> str:
    """Who blocks, for people: the process id is what they need to end it."""
    who = f" of {row['application']}" if row["application"] else ""
    idle = f", {row['state']} for {row['seconds']} s" if row["state"] else ""
    return f"it waited for process {row['pid']}{who} (user {row['by']}{idle})"


@contextmanager
def watched(sql: Sql) -> Iterator[Watch]:
    """Look again and again who blocks the migration, as long as the block lasts."""
    watch, over = Watch(), threading.Event()
    since = sql.ask("select now()::text as moment")[0]["moment"]
    query = _BLOCKERS.format(name=literal(name_of(sql.context)), since=literal(since))

    def look() -> None:
        while not over.wait(_LOOKS):
            with suppress(Refused):
                watch.blockers |= {row["pid"]: row for row in sql.ask(query)}

    looking = threading.Thread(target=look, name="migration-watch", daemon=True)
    looking.start()
    try:
        yield watch
    finally:
        over.set()
        looking.join()


def name_of(context: Context) -> str:
    """The name that sessions of this target's migration bear; PostgreSQL keeps 63 bytes."""
    return f"{APPLICATION}-{hashlib.sha256(context.target.encode()).hexdigest()[:12]}"


def sweep(sql: Sql) -> tuple[str, ...]:
    """End the sessions that an earlier migration of this target left in the database, and its containers."""
    mine = literal(name_of(sql.context))
    left = sql.ask(
        "select pid, pg_terminate_backend(pid) as ended from pg_stat_activity"  # noqa: S608 - a quoted literal
        f" where datname = current_database() and application_name = {mine}"
    )
    told = [f"ended process {row['pid']} of a migration that was cut off" for row in left if row["ended"]]
    return (*told, *sweep_containers(sql.context))


def sweep_containers(context: Context) -> tuple[str, ...]:
    """Remove the containers of a migration that was cut off: ending `docker compose run` leaves its container."""
    argv = ("docker", "ps", "--all", "--quiet", "--filter", f"name=^{name_of(context)}$")
    listed = context.run(argv, name="docker-ps", timeout=20)
    found = listed.out.decode().split() if listed.exit == 0 else []
    if found:
        context.run(("docker", "rm", "--force", *found), name="docker-rm", timeout=60)
    return tuple(f"removed container {each} of a migration that was cut off" for each in found)


def holder(sql: Sql) -> str:
    """Who holds the lock under which Prisma migrates; empty: nobody."""
    held = sql.ask(
        "select a.pid, coalesce(a.usename::text, '') as by, coalesce(a.application_name, '') as application,"  # noqa: S608
        " coalesce(a.state, '') as state, coalesce(extract(epoch from now() - a.state_change), 0)::int as seconds"
        " from pg_locks l join pg_stat_activity a on a.pid = l.pid where l.locktype = 'advisory' and l.granted"
        f" and l.objid = {ADVISORY_LOCK} and a.datname = current_database()"
    )
    return blocker_text(held[0]).replace("it waited for ", "") if held else ""


def in_container(command: str) -> bool:
    """Whether the command does its work in a container of the project, where the database has another address."""
    return re.search(rf"{_COMPOSE}(?:run|exec)\b", command) is not None


def run(
    command: str,
    context: Context,
    given: tuple[str, ...],
    *,
    cwd: str,
    env: dict[str, str],
    timeout: float | None,
    name: str = "",
) -> Ran:
    """Run the migrating command; a container that `docker compose run` starts gets a name, so that it can be found.

    `given` names the variables that it must have in the container too.
    """
    line = named(command, context, given)
    if line == command:
        return context.run(command, cwd=cwd, env=env, timeout=timeout, name=name)
    try:
        return context.run(line, cwd=cwd, env=env, timeout=timeout, name=name)
    finally:
        sweep_containers(context)


def named(command: str, context: Context, given: tuple[str, ...]) -> str:
    """The command with a name for the container that it starts, and variables for it; another command as it is."""
    match = _COMPOSE_RUN.search(command)
    if match is None:
        return command
    more = "".join(f" --env {one}" for one in given)
    return f"{command[: match.end()]} --name {name_of(context)}{more}{command[match.end() :]}"
