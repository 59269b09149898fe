"""What PostgreSQL is asked, on a real server: counts, definitions, dumps, and scratch databases that go again."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.probes._postgres import SCRATCH, Refused, Sql, differences, holding, identifier, literal, url_of
from tests.postgres import Server
from tests.probes.conftest import MemoryContext

SCHEMA = """
create type kind as enum ('film', 'book');
create table media (id int primary key, title text not null default 'x' check (title <> ''), kind kind);
create table "odd ""name" (id bigserial primary key, media int references media, note text);
create index by_title on media (lower(title));
create view films as select * from media where kind = 'film';
insert into media select n, 'title ' || n, 'film' from generate_series(1, 500) n;
insert into "odd ""name" (media, note) values (1, 'it''s'), (2, null);
"""


@pytest.fixture
def sql(postgres: Server, database: str, context: MemoryContext) -> Sql:
    postgres.psql(SCHEMA, database)
    return Sql(postgres.database(database), context)


def copied(sql: Sql, name: str, file: Path) -> None:
    assert sql.dump(file).exit == 0
    sql.restore(file, name)


def test_a_restored_copy_is_the_same_in_every_table_and_definition(sql: Sql, tmp_path: Path) -> None:
    before = holding(sql)
    assert {name: table.rows for name, table in before.tables.items()} == {"public.media": 500, 'public.odd "name': 2}
    assert before.rows == 502
    assert "constraint public.media.media_title_check" in before.schema
    with sql.scratch(sql.scratch_name()) as name:
        copied(sql, name, tmp_path / "a.dump")
        assert differences(before, before, holding(sql, name)) == ([], [])
    assert sql.sweep() == ()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("delete from media where id > 499", "table public.media has 499 rows in the copy, 500 in the source"),
        ("update media set title = 'other' where id = 7", "table public.media has other values in the copy"),
        ("drop view films", "view public.films differs"),
        ("drop index by_title", "index public.by_title differs"),
        ("alter table media drop constraint media_title_check", "constraint public.media.media_title_check differs"),
        ("alter table media alter title drop default", "column public.media.title differs"),
        ("alter type kind add value 'album'", "enum public.kind differs"),
        ('drop table "odd ""name"', 'table public.odd "name is not in the copy'),
    ],
)
def test_what_a_copy_lacks_is_named(sql: Sql, tmp_path: Path, change: str, told: str) -> None:
    before = holding(sql)
    with sql.scratch(sql.scratch_name()) as name:
        copied(sql, name, tmp_path / "a.dump")
        sql.do(change, name)
        wrong, moving = differences(before, before, holding(sql, name))
    assert moving == []
    assert any(line.startswith(told) for line in wrong), wrong


def test_a_table_that_was_written_to_lies_between_its_counts(sql: Sql, tmp_path: Path) -> None:
    before = holding(sql)
    sql.do("delete from media where id between 400 and 409")
    with sql.scratch(sql.scratch_name()) as name:
        copied(sql, name, tmp_path / "a.dump")
        after = holding(sql)
        assert differences(before, after, holding(sql, name)) == ([], ["public.media"])
        sql.do("delete from media where id < 100 and id > 2", name)
        wrong, _ = differences(before, after, holding(sql, name))
    assert wrong == ["table public.media has 393 rows in the copy, between 490 and 500 in the source"]


def test_s51_scratch_databases_left_by_a_killed_run_are_swept_and_no_other(sql: Sql, postgres: Server) -> None:
    mine, other = sql.scratch_name(), f"{SCRATCH}00000000_other"
    postgres.psql(f"create database {mine}")
    postgres.psql(f"create database {other}")
    try:
        assert sql.sweep() == (mine,)
        there = postgres.psql("select datname from pg_database").split()
        assert mine not in there
        assert other in there, "another target's scratch database on the same server is not ours"
        assert sql.database.name in there
    finally:
        postgres.psql(f"drop database {other}")


def test_s51_nothing_is_restored_into_the_source(sql: Sql, context: MemoryContext, tmp_path: Path) -> None:
    file = tmp_path / "a.dump"
    sql.dump(file)
    for name in (sql.database.name, "postgres"):
        with pytest.raises(Refused, match="is no scratch database"):
            sql.restore(file, name)
        with pytest.raises(Refused, match="is no scratch database"):
            sql.drop(name)
    assert holding(sql).rows == 502


def test_a_server_that_does_not_answer_is_told(context: MemoryContext, postgres: Server, database: str) -> None:
    there = postgres.database(database)
    lost = type(there)(there.name, programs=there.programs, connection=("-h", "127.0.0.1", "-p", "1"), env=there.env)
    with pytest.raises(Refused, match=r"`psql` exited with 2: .*refused"):
        Sql(lost, context).ask("select 1 as one")


def test_the_password_is_in_no_command_line_and_no_evidence(sql: Sql, context: MemoryContext) -> None:
    from tests.postgres import PASSWORD

    assert PASSWORD not in " ".join(sql.database.argv("psql"))
    sql.ask("select 1 as one")
    assert PASSWORD.encode() not in b"".join(context.blobs.values())


def test_names_and_texts_are_quoted() -> None:
    assert (identifier('a"b'), literal("it's")) == ('"a""b"', "'it''s'")
    assert url_of("postgresql://u:p@h:5/app?sslmode=off", "x y", application_name="a b") == (
        "postgresql://u:p@h:5/x%20y?sslmode=off&application_name=a%20b"
    )
