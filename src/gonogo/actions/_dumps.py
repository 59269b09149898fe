"""Dumps as files: which a command left, in which format, and how each format is listed, read through and restored."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from gonogo.plugins import Database, Ran
from gonogo.probes._postgres import Refused, Sql, identifier

_CUSTOM = b"PGDMP"
_GZIP = b"\x1f\x8b"
_END_OF_PLAIN = b"PostgreSQL database dump complete"
_TAIL = 4096
"""Bytes at the end of a plain dump that hold its last comment; newer releases write a few lines behind it."""
_DUMP_NAME = re.compile(r"\.(?:dump|pgdump|backup|bak|sql)(?:\.gz)?$", re.IGNORECASE)
_LEADS_AWAY = re.compile(
    rb"\\(?:c|connect|!|i|ir|include|include_relative|o|out|w|copy|g|gexec|setenv)\b|\s*(?:create|drop|alter)\s+database\b",
    re.IGNORECASE,
)
"""Lines of a plain dump that are not about the database it is loaded into; data of a `COPY` never starts like them."""
_WORD = re.compile(r"[^\s'\"`]+")
_SKIPPED = frozenset({".git", ".gonogo", "node_modules", ".venv"})
_CLOCK = 0.05
"""Seconds by which the time of a file may lie before that of the clock: the kernel keeps it coarsely."""


class Where(Protocol):
    """The params that say where a command leaves its dump."""

    @property
    def cwd(self) -> str:
        """Directory of the command."""

    @property
    def path(self) -> str:
        """File or folder; empty: to be found."""


def client_env(database: Database) -> dict[str, str]:
    """Variables for a command that speaks to the database, with client programs of the server's own version."""
    env = {"DATABASE_URL": database.url, **database.env}
    if database.programs and not database.prefix:
        env["PATH"] = f"{database.programs}{os.pathsep}{os.environ.get('PATH', '')}"
    return env


def left_by(ran: Ran, where: Where, root: Path, since: float) -> tuple[list[Path], list[Path]]:
    """The dumps that a command wrote since that moment, and those it named that are older."""
    if where.path:
        named = root / where.path
        found = sorted(file for file in named.rglob("*") if file.is_file()) if named.is_dir() else [named]
    else:
        found = _named(ran, root / where.cwd, root)
    found = [file for file in found if file.is_file()]
    fresh = [file for file in found if file.stat().st_mtime >= since - _CLOCK]
    if not fresh and not where.path:
        fresh = [file for file in _lying_in(root / where.cwd) if file.stat().st_mtime >= since - _CLOCK]
    return fresh, [file for file in found if file not in fresh]


def _named(ran: Ran, cwd: Path, root: Path) -> list[Path]:
    """Files that the command's output names."""
    words = dict.fromkeys(_WORD.findall((ran.out + b"\n" + ran.err).decode(errors="replace")))
    places = (base / word for word in words if "/" in word or _DUMP_NAME.search(word) for base in (cwd, root))
    return list(dict.fromkeys(place.resolve() for place in places if len(str(place)) < _TAIL and place.is_file()))


def _lying_in(folder: Path) -> Iterator[Path]:
    for directory, names, files in os.walk(folder):
        names[:] = [name for name in names if name not in _SKIPPED]
        yield from (Path(directory, file) for file in files if _DUMP_NAME.search(file))


# --- formats -----------------------------------------------------------------------------------------------------


def contents(sql: Sql, file: Path) -> int:
    """Entries of a custom dump's table of contents; statements of a plain one are not counted: 0."""
    plain = _unpacked(sql, file)
    return sql.contents(plain) if _is_custom(plain) else 0


def read_through(sql: Sql, file: Path) -> None:
    """Read all of it; raises `Refused` where it is cut, damaged, or no dump."""
    plain = _unpacked(sql, file)
    if _is_custom(plain):
        sql.read_through(plain)
        return
    with plain.open("rb") as stream:
        stream.seek(max(0, plain.stat().st_size - _TAIL))
        if _END_OF_PLAIN not in stream.read():
            raise Refused(
                f"`{file.name}` is neither a custom dump nor a plain one that ends as `pg_dump` ends it",
                help="write it with `pg_dump --format=custom`, and see that it is not cut off",
            )


def restore(sql: Sql, file: Path, scratch: str) -> None:
    """Restore it into a scratch database, whichever format it is in; raises `Refused`."""
    sql.refuse_source(scratch)
    plain = _unpacked(sql, file)
    if _is_custom(plain):
        sql.restore(plain, scratch)
        return
    _refuse_leading_away(plain)
    sql.load(plain, scratch)


def _refuse_leading_away(plain: Path) -> None:
    """Raise `Refused` where a plain dump would leave the database it is loaded into: `--create`, `pg_dumpall`."""
    with plain.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if _LEADS_AWAY.match(line):
                raise Refused(
                    f"line {number} of the dump leads away from it: {line[:60].decode(errors='replace').strip()}",
                    help="write it of one database, without `--create`: a restore must not touch the source",
                )


def _is_custom(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(_CUSTOM)) == _CUSTOM


def _unpacked(sql: Sql, file: Path) -> Path:
    """The file itself, or what is in it where it is gzipped."""
    with file.open("rb") as stream:
        if stream.read(len(_GZIP)) != _GZIP:
            return file
    plain = sql.context.scratch / file.name.removesuffix(".gz")
    try:
        with gzip.open(file) as packed, plain.open("wb") as out:
            shutil.copyfileobj(packed, out)
    except (EOFError, OSError, zlib.error) as error:
        raise Refused(f"`{file.name}` cannot be unpacked: {error}", help="see that it is whole") from error
    return plain


# --- migrations in it --------------------------------------------------------------------------------------------


def applied(sql: Sql, database: str = "") -> tuple[str, ...]:
    """Names of the migrations that Prisma's own table calls applied, oldest first; without such a table, none."""
    table = sql.ask(
        "select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name from pg_class c"
        " join pg_namespace n on n.oid = c.relnamespace where c.relname = '_prisma_migrations' and c.relkind = 'r'"
        " order by n.nspname <> 'public' limit 1",
        database,
    )
    if not table:
        return ()
    rows = sql.ask(
        f"select {identifier('migration_name')} as name from {table[0]['name']}"  # noqa: S608 - both are quoted
        " where finished_at is not null and rolled_back_at is null order by started_at, name",
        database,
    )
    return tuple(row["name"] for row in rows)
