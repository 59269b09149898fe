"""A migrating program that keeps Prisma's table as Prisma does, through psql: `migrator_double.py FOLDER`.

For each folder that the table does not know: a row, the file in one transaction, the row finished. It takes Prisma's
advisory lock only for as long as one statement lasts, because each statement is a session of its own here.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import uuid
from pathlib import Path

TABLE = """create table if not exists _prisma_migrations (id varchar(36) primary key, checksum varchar(64) not null,
  finished_at timestamptz, migration_name varchar(255) not null, logs text, rolled_back_at timestamptz,
  started_at timestamptz not null default now(), applied_steps_count int not null default 0)"""


def psql(*arguments: str) -> tuple[int, str]:
    argv = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", os.environ["DATABASE_URL"], *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.strip() or done.stderr.strip()


def must(sql: str) -> str:
    code, said = psql("-c", sql)
    if code:
        sys.exit(said)
    return said


def main(folder: Path) -> None:
    must("set client_min_messages = error; " + TABLE)
    known = must("select migration_name from _prisma_migrations where rolled_back_at is null").split()
    if must("select count(*) from _prisma_migrations where finished_at is null and rolled_back_at is null") != "0":
        sys.exit("P3009: migrate found failed migrations in the target database")
    for file in sorted(folder.glob("*/migration.sql")):
        name = file.parent.name
        if name in known:
            continue
        row = uuid.uuid4()
        checksum = hashlib.sha256(file.read_bytes()).hexdigest()
        must(
            "insert into _prisma_migrations (id, checksum, migration_name, started_at)"
            f" values ('{row}', '{checksum}', '{name}', clock_timestamp())"
        )
        code, said = psql("-1", "-f", str(file))
        if code:
            must(f"update _prisma_migrations set logs = $q${said}$q$ where id = '{row}'")
            sys.exit(f"P3018: {name}: {said}")
        must(f"update _prisma_migrations set finished_at = now(), applied_steps_count = 1 where id = '{row}'")
        print(f"applied {name}", flush=True)


main(Path(sys.argv[1]))
