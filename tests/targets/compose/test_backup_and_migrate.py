"""Backup and migration of a database that runs in a container, by the programs in that container."""

from __future__ import annotations

from gonogo.probes import _backups
from gonogo.probes._postgres import Sql
from tests.probes.conftest import MemoryContext, look_with
from tests.targets.compose.test_data import PASSWORD, shop
from tests.targets.compose.tiny import A, Tiny, stored

__all__ = ["shop"]

MIGRATE = r"""
  migrate:
    image: postgres:15-alpine
    profiles: [tools]
    networks: [data]
    environment: {DATABASE_URL: "${DATABASE_URL:-}"}
    entrypoint:
      - /bin/sh
      - -c
      - |
        if [ "$$1" = status ]; then
          psql -XqAt -d "$$DATABASE_URL" -c "select (to_regclass('media') is null)::int"
        else
          psql -Xq -v ON_ERROR_STOP=1 -d "$$DATABASE_URL" -c 'create table media (title text)'
          psql -Xq -v ON_ERROR_STOP=1 -d "$$DATABASE_URL" -c 'insert into media values (1)'
          echo "$$DATABASE_URL" | sed 's/.*@//'; psql -XqAt -d "$$DATABASE_URL" -c 'show lock_timeout'
        fi
      - sh
"""


def reached(shop: Tiny) -> tuple[MemoryContext, Sql]:
    context = shop.context(A)
    context.place = shop.target(A, context)
    database = context.place.database()
    assert database is not None
    assert database.inner == "postgresql://app:p%40ss%2Fw0rd%241%3Ax@store:5432/shop"
    return context, Sql(database, context)


def test_backed_up_and_restored_by_the_containers_own_programs(shop: Tiny) -> None:
    context, sql = reached(shop)
    sql.do("create table users as select n as id, 'user ' || n as name from generate_series(1, 200) n")
    done = look_with("backup", context)
    assert (done.troubles, done.values["backup.restored"], done.values["backup.rows"]) == ({}, True, 200)
    (record,) = _backups.records(_backups.folder(context))
    assert record["server"].split(".")[0] == record["client"].split()[2].split(".")[0]
    assert PASSWORD.encode() not in stored(context)
    assert sql.sweep() == ()
    sql.do("drop table users")
    lost = look_with("backup", shop_context(context, "run-2"), tables=("public.users",))
    assert set(lost.troubles) == {"wrong-database"}


def shop_context(context: MemoryContext, run: str) -> MemoryContext:
    return MemoryContext(context.root, context.subject, spec=context.spec, place=context.place, run_id=run)


def test_migrated_in_a_container_first_on_a_copy(shop: Tiny) -> None:
    text = (shop.root / "docker-compose.yml").read_text()
    shop.write("docker-compose.yml", text.replace("\nnetworks: {front", f"{MIGRATE.rstrip()}\nnetworks: {{front"))
    context, sql = reached(shop)
    run = f"docker compose -p {shop.project} run --rm -T migrate"
    done = look_with("migrate", context, run=run, status=f"{run} status")
    assert (done.troubles, done.values["migrations.pending"]) == ({}, 0), done.capture.troubles
    assert (done.values["migrations.tried"], done.values["migrations.applied"], done.capture.exit) == (True, 1, 0)
    assert sql.ask("select title from public.media") == [{"title": "1"}], "once, though the copy had it too"
    printed = done.capture.blob("stdout")
    assert printed is not None
    assert context.blobs[printed.sha256] == b"store:5432/shop\n10s\n"
    assert PASSWORD.encode() not in stored(context)
