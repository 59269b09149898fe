"""Migrations: those in the tree, those that the database knows, and what lies between the two."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gonogo.frozen import dataclass
from gonogo.plugins import Context, OnlyHere
from gonogo.probes._facts import count
from gonogo.probes._postgres import Sql

PENDING = count("migrations.pending", "migrations that are not applied", "pending")
FAILED = count("migrations.failed", "migrations that were begun and never finished", "failed")
EDITED = count("migrations.edited", "applied migrations whose file was changed since", "edited")

ADVISORY_LOCK = 72707369
"""The number of the advisory lock under which Prisma migrates (prisma-engines, `sql-schema-connector`)."""

_TABLE = """
select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relname = '_prisma_migrations' and c.relkind = 'r' order by n.nspname <> 'public' limit 1
"""
_ROWS = """
select migration_name as name, checksum, finished_at is not null as finished, left(coalesce(logs, ''), 400) as logs
from {table} where rolled_back_at is null order by started_at, migration_name
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration of the tree."""

    name: str
    path: str
    """Relative to the repository."""
    sql: str

    @property
    def checksums(self) -> frozenset[str]:
        """What Prisma may have stored for it: git writes line ends anew on other machines."""
        unix = self.sql.replace("\r\n", "\n")
        forms = (self.sql, unix, unix.replace("\n", "\r\n"))
        return frozenset(hashlib.sha256(form.encode("utf-8", "surrogateescape")).hexdigest() for form in forms)


class NoMigrations(Exception):
    """The migrations of the tree cannot be told; says why."""


def folder(context: Context, path: str) -> str:
    """The folder of migrations, relative to the repository; raises `NoMigrations` where none or several are found."""
    if path:
        return path.rstrip("/")
    places = ("prisma/migrations", "*/prisma/migrations", "*/*/prisma/migrations")
    found = sorted({each for place in places for each in context.root.glob(place) if each.is_dir()})
    found = [each for each in found if "node_modules" not in each.parts]
    if len(found) != 1:
        names = ", ".join(f"`{each.relative_to(context.root)}`" for each in found)
        raise NoMigrations(f"several folders of migrations: {names}" if found else "no folder of migrations is there")
    return found[0].relative_to(context.root).as_posix()


def in_tree(context: Context, path: str) -> tuple[Migration, ...]:
    """The migrations of the tree in their order: `<name>/migration.sql`, else `*.sql`; raises `NoMigrations`."""
    place = folder(context, path)
    top = context.root / place
    if not top.is_dir():
        raise NoMigrations(f"`{place}` is no folder")
    files = sorted(top.glob("*/migration.sql")) or sorted(top.glob("*.sql"), key=_numbered)
    found = []
    for file in files:
        name = file.parent.name if file.name == "migration.sql" else file.stem
        relative = file.relative_to(context.root).as_posix()
        try:
            text = context.read_file(relative).decode("utf-8", "surrogateescape")
        except OnlyHere as error:
            raise NoMigrations(f"`{relative}` exists on this machine only: commit it") from error
        except OSError as error:
            raise NoMigrations(f"cannot read `{relative}`: {error.strerror}") from error
        found.append(Migration(name, relative, text))
    return tuple(found)


def _numbered(file: Path) -> tuple[object, ...]:
    """Flyway's order: `V2__` comes before `V10__`."""
    return tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", file.stem) if part
    )


@dataclass(frozen=True, slots=True)
class History:
    """What lies between the tree and the database."""

    applied: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    """Begun and never finished: nothing else may run before a person has looked."""
    edited: tuple[str, ...] = ()
    """Applied, and the file was changed since."""
    unknown: tuple[str, ...] = ()
    """Applied, and the tree does not have them: the database is ahead of this commit."""
    logs: str = ""
    """What the first failed one said."""

    @property
    def data(self) -> dict[str, Any]:
        """As JSON."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> History:
        """From `data`."""
        names = {key: tuple(value) for key, value in data.items() if key != "logs"}
        return cls(**names, logs=data.get("logs", ""))


def history(sql: Sql, tree: Iterable[Migration], database: str = "") -> History:
    """Compare the tree with Prisma's own table; raises `Refused` where the database does not answer."""
    tree = tuple(tree)
    table = sql.ask(_TABLE, database)
    rows = sql.ask(_ROWS.format(table=table[0]["name"]), database) if table else []
    known = {migration.name: migration for migration in tree}
    applied = {row["name"]: row["checksum"] for row in rows if row["finished"]}
    failed = [row for row in rows if not row["finished"]]
    begun = {row["name"] for row in rows}
    return History(
        applied=tuple(applied),
        pending=tuple(name for name in known if name not in begun),
        failed=tuple(row["name"] for row in failed),
        edited=tuple(name for name, sum_ in applied.items() if name in known and sum_ not in known[name].checksums),
        unknown=tuple(name for name in applied if name not in known),
        logs=failed[0]["logs"] if failed else "",
    )


# --- other engines -----------------------------------------------------------------------------------------------

_DJANGO = re.compile(r"^\s*\[(?P<mark>[ X])\]\s+(?P<name>\S+)", re.MULTILINE)
_KNEX_NONE = re.compile(r"\bno pending migration", re.IGNORECASE)
_KNEX = re.compile(r"found (\d+) pending migration", re.IGNORECASE)
_ALEMBIC = re.compile(r"^(?:[0-9a-f]{6,40}|\w+(?= \(head\)))(?P<head> \(head\))?(?: \(mergepoint\))?$", re.MULTILINE)


def pending_in(text: str, exit_code: int | None, pending_exit: int | None) -> tuple[str, ...] | None:
    """Which migrations a status command says are pending; None: it cannot be told.

    Understood are JSON with `pending` (a list or a number) or `migrations` with a `state` (Flyway's `info
    -outputType=json`), Django's `showmigrations`, knex's `migrate:list`, Alembic's `current`, a bare number, and an
    exit code that says so, where the checklist names it.
    """
    if pending_exit is not None and exit_code in {0, pending_exit}:
        return ("some",) if exit_code == pending_exit else ()
    if text.lstrip().startswith("{"):
        return _of_json(text)
    readers = (_of_django, _of_knex, _of_alembic) if exit_code == 0 else ()
    return next((found for read in readers if (found := read(text)) is not None), None)


def _of_django(text: str) -> tuple[str, ...] | None:
    marks = list(_DJANGO.finditer(text))
    return tuple(mark["name"] for mark in marks if mark["mark"] == " ") if marks else None


def _of_knex(text: str) -> tuple[str, ...] | None:
    """knex, or a bare number."""
    said = _KNEX.search(text)
    if said is None and not text.strip().isdecimal():
        return () if _KNEX_NONE.search(text) else None
    return _numbers(int(said[1] if said else text))


def _of_alembic(text: str) -> tuple[str, ...] | None:
    revisions = list(_ALEMBIC.finditer(text.strip()))
    if not revisions:
        return None
    return () if all(one["head"] for one in revisions) else ("up to head",)


def _of_json(body: str) -> tuple[str, ...] | None:
    try:
        data = json.loads(body)
    except ValueError:
        return None
    pending = data.get("pending")
    if isinstance(pending, bool):
        return None
    if isinstance(pending, int):
        return _numbers(pending)
    if isinstance(pending, list):
        return tuple(str(item) for item in pending)
    flyway = data.get("migrations")
    if isinstance(flyway, list) and all(isinstance(item, dict) and "state" in item for item in flyway):
        return tuple(str(i.get("version") or i.get("description")) for i in flyway if i["state"] in _FLYWAY_PENDING)
    return None


_FLYWAY_PENDING = frozenset({"Pending", "Outdated", "Failed", "Ignored"})


def _numbers(many: int) -> tuple[str, ...]:
    return tuple(f"number {n}" for n in range(1, many + 1))


def variables(url: str, variable: str, env: Mapping[str, str], programs: str) -> dict[str, str]:
    """Variables for a command that speaks to the database behind the URL."""
    found = {**env, variable: url}
    if programs:
        found["PATH"] = f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"
    return found
