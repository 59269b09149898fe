"""Migrations of a real database: tried on a copy, applied once, believed only by what the database knows."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gonogo.model.outcome import Outcome
from gonogo.model.release import Release, ReleaseState
from gonogo.plugins import Done, Smoked
from tests.actions.conftest import Site
from tests.postgres import PASSWORD
from tests.probes.conftest import look_with

INIT = (
    "create table media (id serial primary key, title text not null);\ninsert into media (title) values ('Metropolis');"
)
TABLE = """create table _prisma_migrations (id text primary key, checksum text, finished_at timestamptz,
  migration_name text, logs text, rolled_back_at timestamptz, started_at timestamptz default now(),
  applied_steps_count int default 0)"""
MIGRATOR = Path(__file__).with_name("migrator_double.py")
RUN = f"{sys.executable} {MIGRATOR} prisma/migrations"


class Migrated(Site):
    """A site with migrations in Prisma's layout."""

    def add(self, name: str, sql: str) -> None:
        self.commit = self.repository.commit(f"feat: {name}", {f"prisma/migrations/{name}/migration.sql": f"{sql}\n"})

    def migrate(self, context: Any = None, **params: Any) -> Any:
        return self.act("migrate", context, **{"run": RUN, **params})

    def names(self) -> list[str]:
        there = self.sql("select to_regclass('_prisma_migrations') is not null")
        return self.sql("select migration_name from _prisma_migrations").split() if there == "t" else []


@pytest.fixture
def place(site: Site) -> Migrated:
    site.__class__ = Migrated
    assert isinstance(site, Migrated)
    site.add("001_init", INIT)
    return site


def test_it_is_tried_on_a_copy_and_then_applied(place: Migrated) -> None:
    done = place.migrate()
    assert done.troubles == {}
    assert done.capture.exit == 0
    assert {name: done.values[f"migrations.{name}"] for name in ("pending", "failed", "edited", "applied")} == {
        "pending": 0,
        "failed": 0,
        "edited": 0,
        "applied": 1,
    }
    assert done.values["migrations.tried"] is True
    assert "no release is there yet, so none was tried on the migrated copy" in done.reading.notes
    assert place.names() == ["001_init"]
    assert place.sql("select count(*) from media") == "1"
    assert "scratch" not in place.server.psql("select datname from pg_database")
    assert PASSWORD.encode() not in done.stored
    seen = look_with("migrations", place.context())
    assert (seen.values["migrations.pending"], seen.troubles) == (0, {})


def test_what_is_pending_is_counted_by_the_database(place: Migrated) -> None:
    place.migrate()
    place.add("002_more", "alter table media add column year int")
    seen = look_with("migrations", place.context())
    assert (seen.values["migrations.pending"], "pending:002_more" in seen.findings) == (1, True)


def test_the_backup_of_the_run_is_what_the_copy_is_made_of(place: Migrated) -> None:
    place.migrate()
    place.add("002_more", "alter table media add column year int")
    place.act("backup")
    context = place.context()
    place.migrate(context)
    tried = dict(context.recorded)["try"]
    assert tried["backup"].startswith("staging-")
    assert tried["scratch"].startswith("gonogo_scratch_")


def test_a_migration_that_fails_on_the_copy_never_meets_the_real_database(place: Migrated) -> None:
    place.migrate()
    place.add("002_bad", "alter table media add column kind text not null")
    done = place.migrate()
    assert done.troubles == {"migration-fails-on-copy": Outcome.FAIL}
    assert "the real database was not touched" in done.capture.troubles[0].message
    assert "migration `002_bad` was begun and never finished" in done.capture.troubles[0].message
    assert place.names() == ["001_init"]
    assert done.capture.exit is None
    assert done.values == {"migrations.tried": False}


# --- the release that is there, on the copy ----------------------------------------------------------------------

OLD = Release(1, "a" * 40, state=ReleaseState.STABLE, migrations=("001_init",))


def with_release(place: Migrated) -> None:
    """A release is there; a trial of it hands on the URL of the database that it was given."""
    place.migrate()
    place.remember_release(OLD)

    @contextmanager
    def beside(release: Release, variables: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
        yield {"app": variables["DATABASE_URL"]}

    place.target.runs_beside = beside


def smoked_by(query: str, place: Migrated) -> Any:
    """Smoke checks that ask the database a release was given, as its page would."""

    def smoke(commit: str, *, origin: str = "") -> Smoked:
        assert commit == OLD.commit
        argv = [str(place.server.programs / "psql"), "-XqAt", "-d", origin, "-c", query]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        said = done.stderr.strip().splitlines()[0] if done.returncode else "all well"
        return Smoked(Outcome.FAIL if done.returncode else Outcome.PASS, (said,))

    return smoke


def test_the_previous_release_is_tried_on_the_migrated_copy(place: Migrated) -> None:
    with_release(place)
    place.add("002_more", "alter table media add column year int")
    context = place.context()
    context.smoke = smoked_by("select title from media", place)  # type: ignore[method-assign]
    done = place.migrate(context)
    assert (done.troubles, done.values["migrations.previous_ok"]) == ({}, True)
    ((release, variables),) = place.target.trials
    assert release == OLD
    assert "/gonogo_scratch_" in variables["DATABASE_URL"]
    assert place.sql("select count(year) from media") == "0"


def test_s45_a_migration_the_previous_release_cannot_live_with(place: Migrated) -> None:
    with_release(place)
    place.add("002_drop", "alter table media drop column title")
    context = place.context()
    context.smoke = smoked_by("select title from media", place)  # type: ignore[method-assign]
    done = place.migrate(context)
    assert done.troubles == {"previous-breaks": Outcome.FAIL}
    assert 'column "title" does not exist' in done.capture.troubles[0].message
    assert done.values == {"migrations.tried": True, "migrations.previous_ok": False}
    assert place.sql("select title from media") == "Metropolis", "the real database was not touched"
    seen = look_with("migrations", place.context())
    assert seen.values["migrations.irreversible"] == 1
    assert "002_drop:drop-column:media.title" in seen.findings


def test_where_nothing_can_tell_nothing_is_migrated(place: Migrated) -> None:
    with_release(place)
    place.add("002_more", "alter table media add column year int")
    context = place.context()
    context.smoked = Smoked(Outcome.UNKNOWN, ("the plan has no smoke check",))
    done = place.migrate(context)
    assert done.troubles == {"previous-not-tried": Outcome.UNKNOWN}
    assert place.names() == ["001_init"]
    assert place.migrate(previous=False).troubles == {}


# --- S53 to S56 ------------------------------------------------------------------------------------------------


def test_s53_half_failed_it_stops_and_refuses_until_a_person_resolved_it(place: Migrated) -> None:
    place.migrate()
    place.add("004_bad", "alter table media add column more int; select 1 / 0")
    done = place.migrate(copy=False)
    assert done.troubles == {"migration-failed": Outcome.FAIL}
    trouble = done.capture.troubles[0]
    assert "migration `004_bad` was begun and never finished" in trouble.message
    assert "division by zero" in trouble.message
    assert "prisma migrate resolve --rolled-back 004_bad" in trouble.help
    assert "prisma migrate resolve --applied 004_bad" in trouble.help
    assert (done.values["migrations.failed"], "failed:004_bad" in done.findings) == (1, True)
    assert done.capture.exit == 1
    before = place.sql("select count(*) from _prisma_migrations")
    again = place.migrate()
    assert again.troubles == {"migration-unresolved": Outcome.FAIL}
    assert place.sql("select count(*) from _prisma_migrations") == before, "nothing was run"
    assert look_with("migrations", place.context()).values["migrations.failed"] == 1
    place.sql("update _prisma_migrations set rolled_back_at = now() where migration_name = '004_bad'")
    place.add("004_bad", "alter table media add column more int")
    assert place.migrate().troubles == {}


@contextmanager
def locked(place: Migrated) -> Iterator[int]:
    """Somebody's open transaction on the table; gives its process id."""
    argv = [str(place.server.programs / "psql"), "-XqAt", "-d", place.server.url(place.name)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as session:
        assert session.stdin is not None
        assert session.stdout is not None
        session.stdin.write("begin; lock table media; select pg_backend_pid();\n")
        session.stdin.flush()
        pid = int(session.stdout.readline())
        try:
            yield pid
        finally:
            session.stdin.close()


def test_s54_a_lock_ends_it_and_its_holder_is_named(place: Migrated) -> None:
    place.migrate()
    place.add("002_more", "alter table media add column year int")
    with locked(place) as pid:
        done = place.migrate(copy=False, lock_timeout=2.0)
    assert done.troubles == {"migration-failed": Outcome.FAIL}
    assert any(f"it waited for process {pid} of psql" in note for note in done.reading.notes)
    assert "lock timeout" in done.capture.troubles[0].message
    assert place.sql("select count(*) from information_schema.columns where column_name = 'year'") == "0"


def test_s54_at_its_timeout_no_session_of_it_stays(place: Migrated) -> None:
    place.migrate()
    place.add("002_more", "alter table media add column year int")
    with locked(place) as pid:
        done = place.migrate(copy=False, lock_timeout=60.0, timeout=5)
        waiting = place.sql("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")
    assert waiting == "0", "the session that outlived its program was ended"
    assert any(f"process {pid}" in note for note in done.reading.notes)
    assert any(note.startswith("ended process ") for note in done.reading.notes)
    assert "migration-failed" in done.troubles
    assert done.capture.exit is None


def test_s54_the_session_of_an_earlier_migration_is_ended_first(place: Migrated) -> None:
    from gonogo.actions._migrator import name_of

    place.migrate()
    place.add("002_more", "alter table media add column year int")
    argv = [
        str(place.server.programs / "psql"),
        "-Xq",
        "-d",
        place.server.url(place.name),
        "-c",
        "begin; lock media; select pg_sleep(60)",
    ]
    env = {**os.environ, "PGAPPNAME": name_of(place.context())}
    with subprocess.Popen(argv, env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as orphan:
        waiting = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
        while place.sql(waiting) == "0":
            threading.Event().wait(0.05)
        done = place.migrate(copy=False)
        assert orphan.wait(120) != 0
    assert done.troubles == {}
    assert any("of a migration that was cut off" in note for note in done.reading.notes)


def test_s54_somebody_elses_migration_is_not_joined(place: Migrated) -> None:
    argv = [str(place.server.programs / "psql"), "-XqAt", "-d", place.server.url(place.name)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdin.write("select pg_advisory_lock(72707369); select pg_backend_pid();\n")
        other.stdin.flush()
        pid = [other.stdout.readline(), other.stdout.readline()][1].strip()
        done = place.migrate()
        other.stdin.close()
    assert done.troubles == {"migrator-running": Outcome.ERROR}
    assert f"process {pid}" in done.capture.troubles[0].message
    assert place.names() == []


def test_s55_exit_0_with_nothing_applied_is_a_failure(place: Migrated) -> None:
    done = place.migrate(run="true", copy=False)
    assert done.troubles == {"nothing-applied": Outcome.FAIL}
    assert (done.capture.exit, done.values["migrations.pending"], done.values["migrations.applied"]) == (0, 1, 0)
    on_copy = place.migrate(run="true")
    assert on_copy.troubles == {"migration-fails-on-copy": Outcome.FAIL}
    assert "`001_init` is still pending" in on_copy.capture.troubles[0].message


def test_s56_a_file_edited_after_it_ran(place: Migrated) -> None:
    place.migrate()
    place.add("001_init", f"{INIT} -- edited")
    place.add("002_more", "alter table media add column year int")
    done = place.migrate()
    assert done.troubles == {"migration-edited": Outcome.FAIL}
    assert place.names() == ["001_init"]
    seen = look_with("migrations", place.context())
    assert (seen.values["migrations.edited"], "edited:001_init" in seen.findings) == (1, True)
    place.add("001_init", INIT.replace("\n", "\r\n"))
    file = place.root / "prisma/migrations/001_init/migration.sql"
    file.write_bytes((INIT + "\n").replace("\n", "\r\n").encode())
    assert look_with("migrations", place.context()).values["migrations.edited"] == 0, "line ends are git's affair"


def test_a_command_that_takes_another_url_than_it_is_given_is_found_out(place: Migrated) -> None:
    real = place.server.url(place.name)
    done = place.migrate(run=f"env DATABASE_URL='{real}' {RUN}")
    assert done.troubles == {"copy-missed": Outcome.FAIL}
    assert "migrated the real one" in done.capture.troubles[0].message


def test_nothing_pending_is_run_as_written_and_changes_nothing(place: Migrated) -> None:
    place.migrate()
    done = place.migrate()
    assert (done.troubles, done.capture.exit, done.values["migrations.applied"]) == ({}, 0, 0)


def test_without_migrations_nothing_is_run(site: Site) -> None:
    done = site.act("migrate", run="touch ran")
    assert done.troubles == {"cannot-tell": Outcome.UNKNOWN}
    assert not (site.root / "ran").exists()


# --- other engines -----------------------------------------------------------------------------------------------

APPLY = "psql -Xq -d $DATABASE_URL -c 'create table done (n int)'"
STATUS = "psql -XqAt -d $DATABASE_URL -c \"select (to_regclass('done') is null)::int\""


def test_another_engine_is_asked_by_its_status_command(site: Site) -> None:
    seen = look_with("migrations", site.context(), status=STATUS)
    assert seen.values["migrations.pending"] == 1
    done = site.act("migrate", run=APPLY, status=STATUS)
    assert done.troubles == {}
    assert (done.values["migrations.pending"], done.values["migrations.applied"]) == (0, 1)
    assert "migrations.failed" not in done.values, "nobody was asked that"
    silent = site.act("migrate", run=APPLY, status="echo hello")
    assert silent.troubles == {"cannot-tell": Outcome.UNKNOWN}


# --- killed ------------------------------------------------------------------------------------------------------


def test_killed_on_the_copy_the_real_database_is_as_it_was(place: Migrated) -> None:
    place.killed("migrate", "try", run=RUN)
    assert place.looked("migrate", run=RUN).done is Done.NOT_DONE
    assert place.migrate().troubles == {}


def test_killed_before_the_command_it_is_not_done(place: Migrated) -> None:
    place.killed("migrate", "migrate", run=RUN)
    seen = place.looked("migrate", run=RUN)
    assert (seen.done, seen.why) == (Done.NOT_DONE, "none of 1 pending migrations is applied")
    assert place.names() == []


def test_killed_after_the_command_it_is_found_done(place: Migrated) -> None:
    place.killed("migrate", "migrate", run=RUN)
    env = {
        **os.environ,
        "DATABASE_URL": place.server.url(place.name),
        "PATH": f"{place.server.programs}:{os.environ['PATH']}",
    }
    subprocess.run(RUN.split(), cwd=place.root, env=env, check=True, capture_output=True)
    seen = place.looked("migrate", run=RUN)
    assert seen.done is Done.DONE
    assert seen.capture is not None
    assert seen.capture.exit == 0


def test_killed_half_way_it_goes_on_from_there(place: Migrated) -> None:
    place.add("002_more", "alter table media add column year int")
    place.killed("migrate", "migrate", run=RUN)
    place.sql(INIT)
    place.sql(TABLE)
    row = "insert into _prisma_migrations (id, checksum, migration_name, finished_at) values"
    init = (place.root / "prisma/migrations/001_init/migration.sql").read_bytes()
    place.sql(f"{row} ('1', '{hashlib.sha256(init).hexdigest()}', '001_init', now())")
    seen = place.looked("migrate", run=RUN)
    assert (seen.done, seen.why) == (Done.HALF_DONE, "1 of 2 migrations are applied, `002_more` is not")
    done = place.migrate()
    assert (done.troubles, done.values["migrations.applied"]) == ({}, 1)
    assert place.names() == ["001_init", "002_more"]
