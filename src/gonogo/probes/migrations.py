"""Migrations: which are pending, and which older code cannot live with."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, field
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.capture import Blob, Capture
from gonogo.model.observation import Finding, Observation, Reading, Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import SHELL_TEXT, Clause, Context, OutOfReach, probe
from gonogo.probes._compatibility import Break, breaks
from gonogo.probes._facts import count, printed
from gonogo.probes._migrations import (
    EDITED,
    FAILED,
    PENDING,
    History,
    Migration,
    NoMigrations,
    history,
    in_tree,
    pending_in,
    variables,
)
from gonogo.probes._postgres import Sql


@dataclass(frozen=True, slots=True)
class MigrationsParams:
    """Which migrations."""

    path: str = ""
    """Folder of the migrations. Empty: `prisma/migrations`, at the root or in a workspace."""
    since: str = ""
    """Commit of the last stable release. Empty: as the target remembers it."""
    status: str = field(default="", metadata=SHELL_TEXT)
    """Command that tells what is pending, for other engines than Prisma: `npx knex migrate:list`, `flyway info
    -outputType=json`, `alembic current`, `python manage.py showmigrations`."""
    pending_exit: int | None = None
    """Exit code with which `status` says that some are pending; 0 then says that none is."""
    cwd: str = "."
    """Directory of `status`, relative to the repository."""
    env_files: tuple[str, ...] = ()
    """Env files whose variables `status` is given."""
    variable: str = "DATABASE_URL"
    """Variable in which `status` finds the URL of the database."""


_LINT = frozenset(
    {
        "adding-field-with-default",
        "adding-foreign-key-constraint",
        "constraint-missing-not-valid",
        "disallowed-unique-constraint",
        "require-concurrent-index-creation",
        "require-concurrent-index-deletion",
        "transaction-nesting",
    }
)
"""Rules of squawk about statements that hold a lock for long; what breaks old code is judged here, style is not."""


def _read(facts: Mapping[str, Any], _params: MigrationsParams) -> Reading:
    """What lies between tree and database, and what the new migrations do to code that is older."""
    observations: list[Observation] = []
    findings: list[Finding] = []
    for part, read in (("database", _of_database), ("breaks", _of_breaks), ("lint", _of_lint)):
        if facts.get(part) is not None:
            observations += [Observation(name, value, "facts.json") for name, value in read(facts[part], findings)]
    notes = [f"not told: {why}" for why in facts.get("unseen", ())]
    if new := facts.get("new"):
        notes.append(f"new since {facts['since']}: {', '.join(new[:20])}")
    return Reading(tuple(observations), tuple(findings), tuple(notes))


def _of_database(data: Mapping[str, Any], findings: list[Finding]) -> Iterable[tuple[str, int]]:
    said = {"pending": "is not applied", "failed": "was begun and never finished", "edited": "was changed since it ran"}
    for kind, words in said.items():
        names = data.get(kind, ())
        findings += [Finding("migrations", f"{kind}:{name}", kind, f"migration `{name}` {words}") for name in names]
        if kind in data:
            yield f"migrations.{kind}", len(data[kind])


def _of_breaks(found: list[Mapping[str, Any]], findings: list[Finding]) -> Iterable[tuple[str, int]]:
    counted = Counter(str(each["severity"]) for each in found)
    for each in found:
        one = Break(**each)
        said = f"`{one.migration}`: {one.rule} of `{one.subject}`: {one.why}"
        findings.append(Finding("migrations", one.id, one.severity, said, one.path, one.line))
    yield "migrations.irreversible", len(found)
    yield "migrations.destructive", counted["destructive"]
    yield "migrations.tightening", counted["tightening"]


def _of_lint(found: list[Mapping[str, Any]], findings: list[Finding]) -> Iterable[tuple[str, int]]:
    for each in found:
        identity = f"{each['migration']}:squawk:{each['rule']}"
        findings.append(Finding("migrations", identity, "lint", each["message"], each["path"], each["line"]))
    yield "migrations.lint", len(found)


@probe(
    "migrations",
    yields=(
        PENDING,
        FAILED,
        EDITED,
        count(
            "migrations.irreversible",
            "things in migrations since the last stable release that its code cannot live with",
            "destructive",
            "tightening",
        ),
        count("migrations.destructive", "those that drop, rename or delete what old code names", "destructive"),
        count("migrations.tightening", "those that refuse what old code writes", "tightening"),
        count("migrations.lint", "statements that squawk says hold a lock for long, where it is installed", "lint"),
    ),
    reader=_read,
    clauses=(
        Clause(
            r"(?:db |database )?migrat(?:e|ions?) (?:exits? 0|succeeds?|\(exit 0\))",
            ("exit == 0", "migrations.pending == 0"),
            "migrate exit 0",
            brings={},
        ),
        Clause(
            r"if migrations are (?:non[-\u2010\u2011]?reversible|irreversible), document impact",
            ("migrations.irreversible == 0",),
            "If migrations are non-reversible, document impact",
            documented=True,
            brings={},
        ),
        Clause(r"(?:0|no|zero) pending migrations?", ("migrations.pending == 0",), "no pending migrations", brings={}),
    ),
)
def migrations(params: MigrationsParams, context: Context) -> Capture:
    """Compare the migrations of the tree with those the database knows, and judge the new ones.

    Pending, failed and edited are read from Prisma's own table, never from an exit code; other engines are asked by
    `status`. New is what the last stable release of the target did not have (or the commit in `since`). Of those, each
    statement that older code cannot live with is a finding that a waiver can name: destructive (drop, rename, delete:
    an ORM selects every column that it declares) or tightening (not null, unique, type, constraint: what it writes is
    refused). Additive statements are none. squawk adds statements that hold a lock for long, where it is installed.
    """
    shown = params.status or f"migrations in {params.path or 'prisma/migrations'}"
    facts: dict[str, Any] = {"unseen": []}
    blobs: list[Blob] = []
    tree: tuple[Migration, ...] | None = None
    try:
        tree = in_tree(context, params.path)
    except NoMigrations as error:
        facts["unseen"].append(str(error))
    try:
        facts["database"] = _asked(params, context, tree, blobs)
    except OutOfReach as error:
        facts["unseen"].append(f"what is pending: {error.message}")
    if tree is not None:
        _judge(params, context, tree, facts)
    troubles = () if "database" in facts or "breaks" in facts else (_blind(facts["unseen"]),)
    return Capture("migrations", shown, blobs=(context.keep_facts(facts), *blobs), troubles=troubles)


def _blind(unseen: list[str]) -> Trouble:
    why = "; ".join(unseen)
    mend = "declare the target's database and name the folder with `path:`, or give a `status:` command"
    return Trouble(Outcome.UNKNOWN, "migrations-unseen", f"nothing can be told of the migrations: {why}", mend)


def _asked(
    params: MigrationsParams, context: Context, tree: tuple[Migration, ...] | None, blobs: list[Blob]
) -> dict[str, Any]:
    """What the database says; raises `OutOfReach` where it cannot be told."""
    database = context.reach().database()
    if database is None:
        raise OutOfReach("the target has no database")
    if not params.status:
        if tree is None:
            raise OutOfReach("the tree's migrations are not known")
        found: History = history(Sql(database, context), tree)
        return found.data
    env = variables(database.url, params.variable, database.env, "" if database.prefix else database.programs)
    ran = context.run(params.status, cwd=params.cwd, env=env)
    blobs += printed(ran)
    pending = pending_in(ran.out.decode(errors="replace"), ran.exit, params.pending_exit)
    if pending is None:
        raise OutOfReach(f"`{params.status}` (exit {ran.exit}) does not say what is pending")
    return {"pending": list(pending)}


def _judge(params: MigrationsParams, context: Context, tree: tuple[Migration, ...], facts: dict[str, Any]) -> None:
    """Which migrations are new, and what they do to code that is older."""
    try:
        since, old = _before(params, context, tree)
    except OutOfReach as error:
        facts["unseen"].append(f"what is new: {error.message}")
        return
    new = [migration for migration in tree if migration.name not in old]
    facts |= {"since": since, "new": [migration.name for migration in new]}
    facts["breaks"] = [asdict(one) for one in breaks(new)]
    lint = _linted(new, context)
    if lint is not None:
        facts["lint"] = lint


def _before(params: MigrationsParams, context: Context, tree: tuple[Migration, ...]) -> tuple[str, frozenset[str]]:
    """The release to compare with, and the migrations it had; raises `OutOfReach` where there is none."""
    if params.since:
        listed = context.run(("git", "ls-tree", "-r", "-z", "--name-only", "--full-tree", params.since), name="git")
        if listed.exit != 0:
            raise OutOfReach(f"git does not know commit `{params.since}`", help="fetch it, or name another")
        paths = set(listed.out.decode(errors="surrogateescape").split("\0"))
        return params.since, frozenset(migration.name for migration in tree if migration.path in paths)
    stable = context.reach().load().stable
    if stable is None:
        raise OutOfReach("the target has no stable release yet", help="name its commit with `since:`")
    return stable.id, frozenset(stable.migrations)


def _linted(new: list[Migration], context: Context) -> list[dict[str, Any]] | None:
    """What squawk says of the new files; None: it is not there, or did not speak."""
    if not new:
        return []
    by_path = {migration.path: migration.name for migration in new}
    ran = context.run(("squawk", "--reporter", "json", *by_path), name="squawk")
    try:
        said = json.loads(ran.out)
    except ValueError:
        return None
    return [
        {
            "migration": by_path.get(each["file"], each["file"]),
            "rule": each["rule_name"],
            "message": each["message"],
            "path": each["file"],
            "line": each["line"] + 1,
        }
        for each in said
        if each["rule_name"] in _LINT
    ]
