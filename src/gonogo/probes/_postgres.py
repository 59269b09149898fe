"""PostgreSQL through its own client programs: questions as JSON, dumps, and scratch databases that are swept."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from gonogo.frozen import dataclass
from gonogo.plugins import Context, Database, OutOfReach, Ran

SCRATCH = "gonogo_scratch_"
"""How every scratch database is named, so that whatever a killed run left behind is known for what it is."""

_TO_FILE = 'exec "$@" >"$GONOGO_TO"'
_FROM_FILE = 'exec "$@" <"$GONOGO_FROM" >"$GONOGO_TO"'
# The same text for the same value, whatever the database itself is set to.
_PLAIN = (
    "set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'postgres'; set bytea_output = 'hex';"
    " set extra_float_digits = 1; set search_path = '';"
)


class Refused(OutOfReach):
    """PostgreSQL, or a client program of it, did not do what was asked."""


def literal(text: str) -> str:
    """The text as an SQL literal."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def identifier(name: str) -> str:
    """The name as a quoted SQL identifier."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def url_of(url: str, database: str, **options: str) -> str:
    """The libpq URL with another database in it, and further parameters (`application_name`)."""
    parts = urlsplit(url)
    query = "&".join(
        [*([parts.query] if parts.query else []), *(f"{k}={quote(v, safe='')}" for k, v in options.items())]
    )
    return urlunsplit(parts._replace(path=f"/{quote(database, safe='')}", query=query))


@dataclass(frozen=True, slots=True)
class Sql:
    """Client programs of one database, run through the context: streams stay in private files, never in the evidence.

    Every method raises `Refused` where the program fails.
    """

    database: Database
    context: Context

    def ask(self, query: str, database: str = "") -> list[dict[str, Any]]:
        """The rows of a query, each a mapping; `database` is another one on the same server."""
        wrapped = f"{_PLAIN}\nselect coalesce(json_agg(answer), '[]') from (\n{query}\n) as answer;\n"
        found: list[dict[str, Any]] = json.loads(self._psql(wrapped, database) or b"[]")
        return found

    def do(self, statement: str, database: str = "") -> None:
        """Have a statement executed, outside any transaction."""
        self._psql(f"{statement};\n", database)

    def load(self, file: Path, database: str) -> None:
        """Execute a plain SQL dump; it stops at the first error."""
        self._fed(self._psql_argv(database), file, "psql")

    def dump(self, file: Path) -> Ran:
        """Write a dump in PostgreSQL's custom format; how the program ended is the caller's to judge."""
        argv = self.database.argv("pg_dump", "--format=custom", "--no-password", "-d", self.database.name)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"):
            pass  # made here, so that nobody else may read what the shell then writes into it
        return self._run(argv, _TO_FILE, GONOGO_TO=str(file), name="pg_dump")

    def contents(self, file: Path) -> int:
        """How many entries the table of contents of a custom dump has. A truncated dump may still have them all."""
        listed = self._fed(self.database.argv("pg_restore", "--list"), file, "pg_restore-list")
        return sum(1 for line in listed.splitlines() if line.strip() and not line.startswith(b";"))

    def read_through(self, file: Path) -> None:
        """Read a custom dump to its end, restoring it nowhere: a truncated one fails here, its listing does not."""
        self._fed(self.database.argv("pg_restore", "--file=-"), file, "pg_restore-read", to=os.devnull)

    def restore(self, file: Path, database: str) -> None:
        """Restore a custom dump into a database of that name; the first error ends it."""
        self.refuse_source(database)
        options = ("--exit-on-error", "--no-owner", "--no-privileges", "--no-password", "-d", database)
        self._fed(self.database.argv("pg_restore", *options), file, "pg_restore")

    def refuse_source(self, scratch: str) -> None:
        """Raise `Refused` where a scratch database is not one: nothing is ever restored over real data."""
        if scratch == self.database.name or not scratch.startswith(SCRATCH) or self.database.name.startswith(SCRATCH):
            raise Refused(
                f"`{scratch}` is no scratch database beside `{self.database.name}`: nothing is restored into it",
                help="name the real database of the target; scratch databases are made by gonogo itself",
            )

    # --- scratch -------------------------------------------------------------------------------------------------

    @property
    def scratch_prefix(self) -> str:
        """How the scratch databases of this target and database are named, and of no other on the same server."""
        of = f"{self.context.target}\0{self.database.name}"
        return f"{SCRATCH}{hashlib.sha256(of.encode()).hexdigest()[:8]}_"

    def scratch_name(self) -> str:
        """A new name for a scratch database."""
        return f"{self.scratch_prefix}{secrets.token_hex(4)}"

    def sweep(self) -> tuple[str, ...]:
        """Drop the scratch databases that a killed run of this target left behind; their names."""
        mine = literal(self.scratch_prefix)
        found = self.ask(f"select datname from pg_database where starts_with(datname, {mine}) order by 1")  # noqa: S608
        for row in found:
            self.drop(row["datname"])
        return tuple(row["datname"] for row in found)

    def drop(self, scratch: str) -> None:
        """Drop a scratch database, whoever is still in it."""
        self.refuse_source(scratch)
        self.do(f"drop database if exists {identifier(scratch)} with (force)")

    @contextmanager
    def scratch(self, name: str) -> Iterator[str]:
        """An empty database beside the source, of its encoding and locale; gone afterwards."""
        self.refuse_source(name)
        like = self.ask(
            "select pg_encoding_to_char(encoding) as encoding, datcollate, datctype"
            " from pg_database where datname = current_database()"
        )[0]
        self.do(
            f"create database {identifier(name)} template template0 encoding {literal(like['encoding'])}"
            f" lc_collate {literal(like['datcollate'])} lc_ctype {literal(like['datctype'])}"
        )
        try:
            yield name
        finally:
            self.drop(name)

    # --- running -------------------------------------------------------------------------------------------------

    def _psql_argv(self, database: str) -> tuple[str, ...]:
        options = ("-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-d", database or self.database.name)
        return self.database.argv("psql", *options, "-f", "-")

    def _psql(self, text: str, database: str) -> bytes:
        file = self.context.scratch / "ask.sql"
        file.write_text(text, encoding="utf-8")
        return self._fed(self._psql_argv(database), file, "psql")

    def _fed(self, argv: tuple[str, ...], file: Path, name: str, to: str = "") -> bytes:
        """What a program prints that is fed a file; raises `Refused` with its own last words."""
        out = Path(to) if to else self.context.scratch / "out"
        ran = self._run(argv, _FROM_FILE, GONOGO_FROM=str(file), GONOGO_TO=str(out), name=name)
        if ran.exit != 0:
            raise Refused(f"`{name}` {said(ran)}", help="see that the database answers, and what its log says")
        return b"" if to else out.read_bytes()

    def _run(self, argv: tuple[str, ...], script: str, *, name: str, **variables: str) -> Ran:
        env: Mapping[str, str] = {"PGCONNECT_TIMEOUT": "10", **self.database.env, **variables}
        return self.context.run(("/bin/sh", "-c", script, "sh", *argv), env=env, name=name)


def said(ran: Ran) -> str:
    """How a program failed, in its own words where it had any."""
    lines = (line.strip() for line in ran.err.decode(errors="backslashreplace").splitlines())
    words = " ".join(line for line in lines if line)[:300]
    if ran.troubles:
        return f"did not end: {ran.troubles[0].message}"
    how = f"was ended by {ran.signal}" if ran.signal else f"exited with {ran.exit}"
    return f"{how}: {words}" if words else how


# --- what a database holds ---------------------------------------------------------------------------------------

_LARGEST_DIGEST = 1 << 30
"""Bytes of a table up to which every value is compared, not only the number of rows."""

_TABLES = """
select format('%s.%s', n.nspname, c.relname) as name, format('%I.%I', n.nspname, c.relname) as quoted,
       pg_total_relation_size(c.oid) as bytes
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (select 1 from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype = 'e')
order by 1
"""

_SCHEMA = """
with mine as (
  select c.oid, c.relkind, n.nspname || '.' || c.relname as name
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and not exists (select 1 from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype = 'e')
)
select 'table ' || name as thing, relkind::text as definition from mine where relkind in ('r', 'p', 'S', 'f')
union all
select 'column ' || m.name || '.' || a.attname, format_type(a.atttypid, a.atttypmod)
       || case when a.attnotnull then ' not null' else '' end
       || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
from mine m join pg_catalog.pg_attribute a on a.attrelid = m.oid and a.attnum > 0 and not a.attisdropped
left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where m.relkind in ('r', 'p', 'f')
union all
select 'constraint ' || m.name || '.' || k.conname, pg_get_constraintdef(k.oid)
from mine m join pg_catalog.pg_constraint k on k.conrelid = m.oid
union all
select 'index ' || m.name, pg_get_indexdef(m.oid) from mine m where m.relkind in ('i', 'I')
union all
select 'view ' || m.name, md5(pg_get_viewdef(m.oid)) from mine m where m.relkind in ('v', 'm')
union all
select 'trigger ' || m.name || '.' || t.tgname, pg_get_triggerdef(t.oid)
from mine m join pg_catalog.pg_trigger t on t.tgrelid = m.oid and not t.tgisinternal
union all
select 'function ' || n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
       md5(coalesce(p.prosrc, ''))
from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (select 1 from pg_catalog.pg_depend d where d.objid = p.oid and d.deptype = 'e')
union all
select 'enum ' || n.nspname || '.' || t.typname, string_agg(e.enumlabel, ', ' order by e.enumsortorder)
from pg_catalog.pg_type t join pg_catalog.pg_enum e on e.enumtypid = t.oid
join pg_catalog.pg_namespace n on n.oid = t.typnamespace
where n.nspname !~ '^pg_' group by n.nspname, t.typname
"""


@dataclass(frozen=True, slots=True)
class Table:
    """What one table holds."""

    rows: int
    digest: str
    """Of all its rows, whatever their order; empty where the table is too large to read every value."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What a database holds: rows by table, and the definition of each thing in its schema."""

    tables: Mapping[str, Table]
    schema: Mapping[str, str]

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables.values())


def holding(sql: Sql, database: str = "") -> Holding:
    """Count every row and read every definition; raises `Refused`."""
    listed = sql.ask(_TABLES, database)
    counted = [row for at in range(0, len(listed), 200) for row in sql.ask(_counts(listed[at : at + 200]), database)]
    tables = {row["name"]: Table(int(row["rows"]), row["digest"] or "") for row in counted}
    return Holding(tables, {row["thing"]: row["definition"] or "" for row in sql.ask(_SCHEMA, database)})


def _counts(listed: list[dict[str, Any]]) -> str:
    def one(table: Mapping[str, Any]) -> str:
        each = 'sum(pg_catalog.hashtextextended("the row"::text, 0)::numeric)::text'
        digest = each if table["bytes"] <= _LARGEST_DIGEST else "''"
        name, quoted = literal(table["name"]), table["quoted"]
        counted = f"select {name} as name, count(*) as rows, {digest} as digest"
        return f'{counted} from {quoted} as "the row"'

    return "\nunion all\n".join(one(table) for table in listed)


def differences(before: Holding, after: Holding, restored: Holding) -> tuple[list[str], list[str]]:
    """What a restored copy has not as its source had it, and the tables that were written to meanwhile.

    The source is counted before and after the dump: a table that stayed the same must be the same in the copy, value
    by value; one that was written to must lie between the two counts.
    """
    wrong: list[str] = []
    moving = [name for name, table in before.tables.items() if after.tables.get(name) != table]
    for name, table in before.tables.items():
        copy = restored.tables.get(name)
        if copy is None:
            wrong.append(f"table {name} is not in the copy")
        elif name in moving:
            wrong += _outside(name, copy.rows, table.rows, after.tables.get(name, table).rows)
        elif copy.rows != table.rows:
            wrong.append(f"table {name} has {copy.rows} rows in the copy, {table.rows} in the source")
        elif copy.digest != table.digest:
            wrong.append(f"table {name} has other values in the copy, in the same number of rows")
    if before.schema == after.schema:
        things = sorted({*before.schema, *restored.schema})
        wrong += [f"{thing} differs" for thing in things if before.schema.get(thing) != restored.schema.get(thing)]
    return wrong, moving


def _outside(name: str, copy: int, *counts: int) -> list[str]:
    if min(counts) <= copy <= max(counts):
        return []
    return [f"table {name} has {copy} rows in the copy, between {min(counts)} and {max(counts)} in the source"]
