"""Backups of a real database: what counts as one, what does not, and what a killed one leaves."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gonogo.model.outcome import Outcome
from gonogo.model.release import Release, ReleaseState
from gonogo.plugins import Done, NoTarget
from gonogo.probes import _backups
from tests.actions.conftest import Site
from tests.postgres import PASSWORD
from tests.probes.conftest import MemoryContext, look_with

ROWS = """
create table users (id serial primary key, name text not null, seen timestamptz default now());
create table posts (id serial primary key, author int not null references users, body text);
insert into users (name) select 'user ' || n from generate_series(1, 300) n;
insert into posts (author, body) select n, repeat(md5(n::text), 20) from generate_series(1, 300) n;
"""
SCRIPT = """#!/bin/sh
set -eu
mkdir -p backups
pg_dump --format=custom --dbname="$DATABASE_URL" --file="backups/medianest-$1.dump"
echo "backups/medianest-$1.dump written"
"""


@pytest.fixture
def filled(site: Site) -> Site:
    site.sql(ROWS)
    return site


def scratches(site: Site) -> list[str]:
    return [name for name in site.server.psql("select datname from pg_database").split() if "scratch" in name]


def test_a_backup_is_dumped_restored_and_recorded(filled: Site) -> None:
    done = filled.act("backup")
    assert done.troubles == {}
    values = done.values
    assert {k: values[k] for k in ("backup.exists", "backup.fresh", "backup.restored")} == {
        "backup.exists": True,
        "backup.fresh": True,
        "backup.restored": True,
    }
    assert (values["backup.level"], values["backup.tables"], values["backup.rows"]) == (3, 2, 600)
    assert values["backup.restore_seconds"] > 0
    assert done.capture.exit == 0
    record = _backups.records(filled.backups)[0]
    assert record["counts"] == {"public.posts": 300, "public.users": 300}
    assert record["toc"] > 2
    assert record["client"].startswith("pg_dump (PostgreSQL) ")
    assert record["client"].split()[2].split(".")[0] == record["server"].split(".")[0]
    assert record["wal"]
    file = Path(record["file"])
    assert (file.stat().st_size, oct(file.stat().st_mode & 0o777)) == (values["backup.bytes"], "0o600")
    assert _backups.digest(file) == record["sha256"]
    assert sorted(path.suffix for path in filled.backups.iterdir()) == [".dump", ".json"]
    assert scratches(filled) == []
    assert PASSWORD.encode() not in done.stored
    assert filled.sql("select count(*) from users") == "300", "the source is as it was"


def test_a_release_can_name_the_backup_of_its_run(filled: Site) -> None:
    assert _backups.of_run(filled.context()) == ""
    filled.act("backup")
    (record,) = _backups.records(filled.backups)
    assert _backups.of_run(filled.context()) == record["name"]
    assert _backups.of_run(filled.context("run-2")) == ""
    Path(record["file"]).unlink()
    assert _backups.of_run(filled.context()) == "", "what is gone is no way back"


def test_the_probe_looks_at_it_again(filled: Site) -> None:
    filled.act("backup")
    seen = look_with("backups", filled.context())
    assert (seen.troubles, seen.values["backup.restored"], seen.values["backup.fresh"]) == ({}, True, True)
    later = look_with("backups", filled.context("run-2"), max_age=0.0)
    assert (later.values["backup.restored"], later.values["backup.fresh"]) == (True, False)
    file = Path(_backups.records(filled.backups)[0]["file"])
    file.write_bytes(file.read_bytes()[:-1])
    assert look_with("backups", filled.context()).values["backup.restored"] is False
    file.unlink()
    assert look_with("backups", filled.context()).values == {"backup.exists": False}


def test_a_dump_that_nobody_restored_exists_and_no_more(filled: Site) -> None:
    filled.repository.write("b.dump", "PGDMP")
    seen = look_with("backups", filled.context(), path="b.dump")
    assert (seen.values["backup.exists"], seen.values["backup.restored"]) == (True, False)
    assert look_with("backups", filled.context(), path="other.dump").values == {"backup.exists": False}


def test_without_a_target_or_a_database_nothing_is_run(site: Site) -> None:
    with pytest.raises(NoTarget):
        look_with("backup", MemoryContext(site.root), run="touch ran")
    site.target.place = None
    assert site.act("backup", run="touch ran").troubles == {"no-database": Outcome.UNKNOWN}
    assert not (site.root / "ran").exists()


# --- S48 to S52 ------------------------------------------------------------------------------------------------


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[None]:
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_s48_the_disk_fills_while_dumping(filled: Site) -> None:
    filled.sql("insert into posts (author, body) select 1, md5(random()::text) from generate_series(1, 40000) n")
    with small_disk(filled.backups, "256k"):
        done = filled.act("backup")
        assert done.troubles == {"backup-failed": Outcome.FAIL}
        assert done.values == {"backup.exists": False}
        assert list(filled.backups.iterdir()) == [], "nothing stays of it"
        assert "space" in done.capture.troubles[0].message


def damaged(file: Path, how: str) -> None:
    data = bytearray(file.read_bytes())
    if how == "truncated":
        del data[len(data) * 3 // 4 :]
    else:
        data[len(data) * 3 // 4] ^= 0x40
    file.write_bytes(data)


@pytest.mark.parametrize("how", ["truncated", "bit-flipped"])
def test_s49_a_damaged_dump_is_found_after_exit_0(filled: Site, how: str) -> None:
    script = "pg_dump -Fc -d $DATABASE_URL -f a.dump && python3 damage.py"
    line = "del d[len(d)*3//4:]" if how == "truncated" else "d[len(d)*3//4] ^= 0x40"
    filled.repository.write(
        "damage.py", f"d = bytearray(open('a.dump','rb').read()); {line}; open('a.dump','wb').write(d)"
    )
    done = filled.act("backup", run=script, path="a.dump")
    assert done.troubles == {"backup-not-restorable": Outcome.FAIL}
    assert done.values["backup.exists"]
    assert not done.values["backup.restored"]
    assert done.values["backup.level"] == 1, "its table of contents can still be listed"
    assert done.capture.exit == 0


def test_s49_a_flipped_bit_in_an_uncompressed_dump_shows_in_a_value(filled: Site) -> None:
    filled.repository.write(
        "damage.py", "d = open('a.dump','rb').read(); open('a.dump','wb').write(d.replace(b'user 200', b'user 2p0'))"
    )
    done = filled.act("backup", run="pg_dump -Fc -Z0 -d $DATABASE_URL -f a.dump && python3 damage.py", path="a.dump")
    assert done.troubles == {"backup-differs": Outcome.FAIL}
    assert "table public.users has other values in the copy" in done.capture.troubles[0].message
    assert done.values["backup.level"] == 2


def test_s50_a_dump_of_another_database(filled: Site) -> None:
    other = f"{filled.server.url('postgres')}"
    done = filled.act("backup", run=f"pg_dump -Fc -d '{other}' -f a.dump", path="a.dump")
    assert done.troubles == {"backup-differs": Outcome.FAIL}
    assert not done.values["backup.restored"]


def test_s50_the_url_itself_leads_to_the_wrong_database(site: Site) -> None:
    assert site.act("backup").values["backup.restored"], (
        "before the first release an empty database is what it should be"
    )
    site.remember_release(Release(1, "c", migrations=("001_init",)))
    done = site.act("backup")
    assert done.troubles == {"wrong-database": Outcome.FAIL}
    assert "holds no row at all, though r1 is served from it" in done.capture.troubles[0].message
    site.sql("create table other (id int); insert into other values (1)")
    missing = site.act("backup", tables=("public.users",))
    assert "it has no rows of `public.users`" in missing.capture.troubles[0].message
    site.sql(PRISMA)
    lost = site.act("backup")
    assert "it does not know migration `001_init`, which r1 needs" in lost.capture.troubles[0].message


PRISMA = """
create table _prisma_migrations (id varchar(36) primary key, checksum varchar(64) not null, finished_at timestamptz,
  migration_name varchar(255) not null, logs text, rolled_back_at timestamptz,
  started_at timestamptz not null default now(), applied_steps_count int not null default 0);
insert into _prisma_migrations (id, checksum, migration_name, finished_at) values ('1', 'x', '000_other', now());
"""


def test_s51_a_killed_restore_leaves_nothing_behind_in_the_end(filled: Site) -> None:
    leftover = f"{scratch_prefix(filled)}killed"
    filled.server.psql(f"create database {leftover}")
    done = filled.act("backup")
    assert f"dropped the scratch database `{leftover}` of a run that was cut off" in done.reading.notes
    assert scratches(filled) == []
    assert filled.sql("select count(*) from users") == "300"


def scratch_prefix(site: Site) -> str:
    from gonogo.probes._postgres import Sql

    return Sql(site.server.database(site.name), site.context()).scratch_prefix


def test_s52_retention_never_deletes_the_last_restored_backup(filled: Site) -> None:
    first = filled.act("backup", keep=1).values
    assert first["backup.restored"]
    (good,) = _backups.records(filled.backups)
    filled.remember_release(Release(1, "c", state=ReleaseState.STABLE))
    failed = filled.act("backup", filled.context("run-2"), keep=0, tables=("public.nothing",))
    assert not failed.values["backup.restored"]
    assert Path(good["file"]).exists(), "a dump that proves nothing pushes none out"
    filled.act("backup", filled.context("run-3"), keep=0)
    names = [record["run"] for record in _backups.records(filled.backups)]
    assert names == ["run-3"], "the last restored one stays even where none is to be kept"


def test_s52_nor_the_backup_of_a_release(filled: Site) -> None:
    filled.act("backup")
    name = _backups.records(filled.backups)[0]["name"]
    filled.remember_release(Release(1, "c", state=ReleaseState.STABLE, backup=name))
    for number in (2, 3):
        filled.act("backup", filled.context(f"run-{number}"), keep=1)
    assert [record["run"] for record in _backups.records(filled.backups)] == ["run-1", "run-3"]


# --- the checklist's own command ---------------------------------------------------------------------------------


def test_the_command_is_run_as_written_and_its_dump_is_found_and_restored(filled: Site) -> None:
    filled.repository.write("scripts/backup.sh", SCRIPT, executable=True)
    done = filled.act("backup", run="scripts/backup.sh pre-deployment")
    assert done.troubles == {}
    assert (done.values["backup.restored"], done.capture.exit) == (True, 0)
    record = _backups.records(filled.backups)[0]
    assert record["file"] == str(filled.root / "backups/medianest-pre-deployment.dump")
    assert record["own"] is False
    for number in (2, 3):  # what others wrote is theirs to delete
        filled.act("backup", filled.context(f"run-{number}"), keep=1)
    assert Path(record["file"]).exists()


@pytest.mark.parametrize(
    ("run", "path"),
    [
        ("mkdir b; pg_dump -d $DATABASE_URL > b/plain.sql", ""),
        ("mkdir b; pg_dump -d $DATABASE_URL | gzip > b/plain.sql.gz", ""),
        ("mkdir b; pg_dump -Fc -d $DATABASE_URL | gzip > b/custom.gz", "b"),
    ],
)
def test_other_formats_are_restored_too(filled: Site, run: str, path: str) -> None:
    done = filled.act("backup", run=run, path=path)
    assert done.troubles == {}
    assert done.values["backup.restored"]


@pytest.mark.parametrize(
    ("run", "slug", "outcome"),
    [
        ("false", "backup-failed", Outcome.FAIL),
        ("true", "no-backup", Outcome.FAIL),
        ("touch a.dump b.dump", "several-backups", Outcome.FAIL),
        ("echo wrote old.dump", "backup-stale", Outcome.STALE),
        ("pg_dump -d $DATABASE_URL | head -c 4000 > cut.sql", "backup-not-restorable", Outcome.FAIL),
        ("echo no dump > a.dump", "backup-not-restorable", Outcome.FAIL),
        ("pg_dump -d $DATABASE_URL | gzip | head -c 900 > cut.sql.gz", "backup-not-restorable", Outcome.FAIL),
        ("pg_dump -C -d $DATABASE_URL > with-create.sql", "backup-not-restorable", Outcome.FAIL),
    ],
)
def test_what_a_command_leaves_may_be_no_backup(filled: Site, run: str, slug: str, outcome: Outcome) -> None:
    old = filled.repository.write("old.dump", "PGDMP")
    os.utime(old, (1, 1))
    done = filled.act("backup", run=run)
    assert done.troubles == {slug: outcome}
    assert not done.values.get("backup.restored")
    assert filled.sql("select count(*) from users") == "300"


def test_s51_a_plain_dump_that_leads_back_to_the_source_is_not_restored(filled: Site) -> None:
    away = f"printf '%s\\n' '\\connect {filled.name}' 'delete from posts;'"
    done = filled.act("backup", run=f"({away}; pg_dump -d $DATABASE_URL) > away.sql")
    assert done.troubles == {"backup-not-restorable": Outcome.FAIL}
    assert "line 1 of the dump leads away from it" in done.capture.troubles[0].message
    assert filled.sql("select count(*) from posts") == "300"


# --- killed -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", ["dump", "restore", "keep"])
def test_killed_at_a_step_it_goes_on_from_there(filled: Site, at: str) -> None:
    assert filled.looked("backup").done is Done.NOT_DONE
    filled.killed("backup", at)
    before = sorted(path.name for path in filled.backups.iterdir())
    assert filled.looked("backup").done is Done.HALF_DONE
    assert sorted(path.name for path in filled.backups.iterdir()) == before, "looking changes nothing"
    done = filled.act("backup")
    assert (done.troubles, done.values["backup.restored"]) == ({}, True)
    dumps = list(filled.backups.glob("*.dump"))
    assert len(dumps) == 1
    again = any("it was not dumped again" in note for note in done.reading.notes)
    assert again is (at != "dump")
    assert scratches(filled) == []


def test_killed_once_all_is_recorded_it_is_found_done(filled: Site) -> None:
    context = filled.context()
    look_with("backup", context)
    seen = filled.looked("backup")
    assert seen.done is Done.DONE
    assert seen.capture is not None
    facts = json.loads(json.dumps({"exists": True, "fresh": True, "backup": _backups.records(filled.backups)[0]}))
    assert _backups.read_backup(facts, None).value("backup.restored") is True


def test_s1_no_second_backup_overwrites_the_first(filled: Site) -> None:
    filled.act("backup")
    filled.act("backup", filled.context("run-2"))
    first, second = _backups.records(filled.backups)
    assert first["file"] != second["file"]
    assert all(_backups.intact(record) for record in (first, second))
    assert replace(filled.target.state) == filled.target.state


def test_killed_while_its_command_ran_it_is_made_anew(filled: Site) -> None:
    filled.repository.write("scripts/backup.sh", SCRIPT, executable=True)
    filled.killed("backup", "run", run="scripts/backup.sh one")
    assert filled.looked("backup", run="scripts/backup.sh one").done is Done.HALF_DONE
    assert filled.act("backup", run="scripts/backup.sh one").values["backup.restored"]
