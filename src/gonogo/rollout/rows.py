"""How many rows each table of the target's database has: what must not become less on the way back and forth."""

from __future__ import annotations

from gonogo.plugins import Context, Target

# One query for all tables: `query_to_xml` runs the count of each (PostgreSQL, functions-xml, "Mapping Tables to XML").
_COUNT = """
SELECT table_schema || '.' || table_name,
  (xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM %I.%I', table_schema, table_name),
   false, true, '')))[1]::text::bigint
FROM information_schema.tables
WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
ORDER BY 1
"""


def rows(target: Target, context: Context, name: str) -> dict[str, int] | None:
    """Table -> its rows, counted one by one; None where there is no database, or it cannot be asked."""
    database = target.database()
    if database is None:
        return None
    options = ("--no-psqlrc", "--tuples-only", "--no-align", "--field-separator=\t", "--command", _COUNT)
    ran = context.run(database.argv("psql", *options, database.name), env=database.env, name=name)
    if ran.exit != 0:
        return None
    lines = [line.split("\t") for line in ran.out.decode("utf-8", "replace").splitlines() if "\t" in line]
    return {table: int(count) for table, count in lines}


def lost(before: dict[str, int], after: dict[str, int]) -> list[str]:
    """Tables that have fewer rows than before, or are gone, each as a sentence."""
    return [
        f"`{table}` had {count} rows and has {after.get(table, 0)}"
        for table, count in before.items()
        if after.get(table, 0) < count
    ]
