"""What the migrations of a tree do to older code, and how status commands of other engines are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.model.outcome import Outcome
from gonogo.model.release import Release, ReleaseState, TargetState
from gonogo.probes._compatibility import breaks
from gonogo.probes._migrations import Migration, pending_in
from tests.postgres import DatabaseTargetDouble
from tests.probes.conftest import Looked, MemoryContext, Repository, look_with


def found(sql: str) -> list[str]:
    return [f"{one.severity} {one.rule} {one.subject}" for one in breaks([Migration("m", "m.sql", sql)])]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("alter table media drop column title", ["destructive drop-column media.title"]),
        ("ALTER TABLE public.media DROP title CASCADE", ["destructive drop-column media.title"]),
        ('alter table only "media" rename column "a b" to c', ["destructive rename media.a b"]),
        ("alter table if exists media rename to medium", ["destructive rename media"]),
        ("alter table media rename constraint a to b", []),
        ("drop table if exists old, older", ["destructive drop-table old"]),
        ("drop index by_title", []),
        ("truncate media", ["destructive truncate media"]),
        ("delete from media where id = 1", ["destructive delete media"]),
        ("alter type kind rename value 'a' to 'b'", ["destructive rename kind"]),
        ("alter table media set schema archive", ["destructive set-schema media"]),
        ("alter table media alter column title type int using 1", ["tightening change-type media.title"]),
        ("alter table media alter title set data type text", ["tightening change-type media.title"]),
        ("alter table media alter column title set not null", ["tightening set-not-null media.title"]),
        ("alter table media alter column title drop not null", []),
        ("alter table media alter column title set default 'x'", []),
        ("alter table media alter column title drop default", ["tightening drop-default media.title"]),
        ("alter table media add column year int", []),
        ("alter table media add year int not null default 1900", []),
        ("alter table media add column year int not null", ["tightening add-not-null media.year"]),
        ("alter table media add constraint c unique (title)", ["tightening add-constraint media.c"]),
        ("alter table media add check (year > 0)", ["tightening add-constraint media"]),
        ("create unique index concurrently i on media (title)", ["tightening unique-index media"]),
        ("create index i on media (title)", []),
        ("create trigger t before insert on media execute function f()", ["tightening trigger media"]),
        ("do $$ begin drop table media; end $$", ["tightening do-block do"]),
        ("create table a (b int not null unique); create unique index on a (b); alter table a drop b", []),
        ("-- drop table media;\n/* drop table media; */ insert into media values ('drop table media;')", []),
        ("create function f() returns int language sql as $f$ delete from media; select 1 $f$", []),
        (
            "alter table media add a text default 'x, drop column y', drop column b, add c numeric(3, 2)",
            ["destructive drop-column media.b"],
        ),
    ],
)
def test_what_older_code_cannot_live_with(sql: str, expected: list[str]) -> None:
    assert found(sql) == expected


def test_where_it_stands_and_how_a_waiver_names_it() -> None:
    (one,) = breaks([Migration("002_drop", "p/002_drop/migration.sql", "-- first\n\nselect 1;\n  drop table media;\n")])
    assert (one.path, one.line, one.id) == ("p/002_drop/migration.sql", 4, "002_drop:drop-table:media")


FLYWAY = '{"migrations": [{"version": "1", "state": "Success"}, {"version": "2", "state": "Pending"}]}'


@pytest.mark.parametrize(
    ("printed", "exit_code", "expected"),
    [
        ('{"pending": ["002_more"], "unfinished": []}', 1, ("002_more",)),
        ('{"pending": 0}', 0, ()),
        ('{"pending": true}', 0, None),
        ('{"pending": ["cut', 0, None),
        (FLYWAY, 0, ("2",)),
        ("[X]  auth.0001_initial\n[ ]  auth.0002_more\n", 0, ("auth.0002_more",)),
        ("Using environment: production\nNo Pending Migration files Found.", 0, ()),
        (
            "Found 3 Completed Migration file/files.\nFound 2 Pending Migration file/files.\n",
            0,
            ("number 1", "number 2"),
        ),
        ("3adf9ac1f8bd (head)\n", 0, ()),
        ("release_12 (head)\n", 0, ()),
        ("1975ea83b712\n", 0, ("up to head",)),
        ("", 0, None),
        ("hello", 0, None),
        ("0", 0, ()),
        ("0", 1, None),
        ("No Pending Migration files Found.", 1, None),
    ],
)
def test_what_a_status_command_says(printed: str, exit_code: int, expected: tuple[str, ...] | None) -> None:
    assert pending_in(printed, exit_code, None) == expected


@pytest.mark.parametrize(("exit_code", "expected"), [(0, ()), (3, ("some",)), (1, None)])
def test_an_exit_code_tells_only_where_the_checklist_says_which(
    exit_code: int, expected: tuple[str, ...] | None
) -> None:
    assert pending_in("words", exit_code, 3) == expected


# --- what is new -------------------------------------------------------------------------------------------------


def migration(name: str) -> str:
    return f"backend/prisma/migrations/{name}/migration.sql"


@pytest.fixture
def at(repository: Repository) -> MemoryContext:
    repository.commit("feat: one", {migration("001_init"): "create table media (title text); drop table older;"})
    repository.commit("feat: two", {migration("002_drop"): "alter table media drop column title;"})
    return MemoryContext(repository.root)


def seen(context: MemoryContext, **params: object) -> Looked:
    return look_with("migrations", context, **params)


def test_new_is_what_the_stable_release_does_not_have(at: MemoryContext) -> None:
    stable = Release(1, "a", state=ReleaseState.STABLE, migrations=("001_init",))
    at.place = DatabaseTargetDouble(None, TargetState(releases=(stable,)))
    judged = seen(at)
    assert judged.troubles == {}
    assert judged.values == {
        "migrations.irreversible": 1,
        "migrations.destructive": 1,
        "migrations.tightening": 0,
        **({"migrations.lint": 0} if "migrations.lint" in judged.values else {}),
    }
    assert judged.findings == ["002_drop:drop-column:media.title"]
    assert "not told: what is pending: the target has no database" in judged.reading.notes


def test_or_what_a_commit_does_not_have(at: MemoryContext, repository: Repository) -> None:
    assert seen(at, since=repository.git("rev-parse", "HEAD~1")).values["migrations.irreversible"] == 1
    assert seen(at, since="HEAD").values["migrations.irreversible"] == 0
    unknown = seen(at, since="nonsense")
    assert unknown.troubles == {"migrations-unseen": Outcome.UNKNOWN}


def test_without_a_stable_release_nothing_is_said_of_older_code(at: MemoryContext) -> None:
    at.place = DatabaseTargetDouble(None, TargetState())
    assert seen(at).values == {}
    assert seen(at).troubles == {"migrations-unseen": Outcome.UNKNOWN}


def test_squawk_adds_what_holds_a_lock_for_long(at: MemoryContext, monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import sys

    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    file = at.root / migration("003_index")
    file.parent.mkdir(parents=True)
    file.write_text("select 1;\ncreate index by_title on media (title);\n")
    judged = seen(at, since="HEAD")
    assert judged.values["migrations.lint"] == 1
    assert judged.findings == ["003_index:squawk:require-concurrent-index-creation"]
    assert [(f.path, f.line) for f in judged.reading.findings] == [(migration("003_index"), 2)]


def test_a_file_of_this_machine_alone_tells_nothing(at: MemoryContext) -> None:
    at.only_here = {migration("002_drop")}
    judged = seen(at, since="HEAD")
    assert judged.values == {}
    assert any("exists on this machine only" in note for note in judged.reading.notes)
