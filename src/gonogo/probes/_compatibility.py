"""What a migration does to code that was written before it: nothing, or something that it cannot live with.

Old code goes on with what is added. It breaks where something it names is gone or has another name (destructive), and
where something it writes is refused (tightening). Tables that the same migrations make are nobody's yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from gonogo.frozen import dataclass
from gonogo.probes._migrations import Migration

_NAME = r'(?:"[^"]+"|[\w$]+)(?:\.(?:"[^"]+"|[\w$]+))*'
_OF = rf"(?:if\s+exists\s+)?(?P<on>{_NAME})"
_COLUMN = rf"alter\s+(?:column\s+)?(?P<on>{_NAME})\s+"
_HIDDEN = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|(?P<tag>\$\w*\$).*?(?P=tag)", re.DOTALL)
_CREATES = re.compile(
    rf"create\s+(?:(?:global|local)\s+)?(?:(?:temp|temporary|unlogged)\s+)?table\s+(?:if\s+not\s+exists\s+)?(?P<table>{_NAME})",
    re.IGNORECASE,
)
_ALTERS = re.compile(
    rf"\s*alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?(?P<table>{_NAME})\s+(?P<actions>.*)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of statement, or of action within an `alter table`, that old code may not live with."""

    name: str
    severity: str
    pattern: re.Pattern[str]
    why: str


def _rule(name: str, severity: str, pattern: str, why: str) -> Rule:
    return Rule(name, severity, re.compile(rf"\s*{pattern}", re.IGNORECASE | re.DOTALL), why)


_GONE = "destructive"
_TIGHT = "tightening"

_STATEMENTS = (
    _rule("drop-table", _GONE, rf"drop\s+table\s+{_OF}", "old code reads and writes it"),
    _rule(
        "drop-view", _GONE, rf"drop\s+(?:materialized\s+)?view\s+{_OF}", "old code reads it"
    ),
    _rule("drop-schema", _GONE, rf"drop\s+schema\s+{_OF}", "all in it is gone"),
    _rule("drop-type", _GONE, rf"drop\s+(?:type|domain)\s+{_OF}", "old code names it"),
    _rule(
        "drop-function", _GONE, rf"drop\s+(?:function|procedure)\s+{_OF}", "old code calls it"
    ),
    _rule("drop-sequence", _GONE, rf"drop\s+sequence\s+{_OF}", "old code draws from it"),
    _rule("truncate", _GONE, rf"truncate\s+(?:table\s+)?(?:only\s+)?(?P<on>{_NAME})", "its rows are gone"),
    _rule("delete", _GONE, rf"delete\s+from\s+(?:only\s+)?(?P<on>{_NAME})", "rows are gone"),
    _rule(
        "rename", _GONE, rf"alter\s+(?:view|type|sequence|schema)\s+(?P<on>{_NAME})\s+rename\b",
        "old code has its old name"
    ),
    _rule(
        "unique-index", _TIGHT,
        rf"create\s+unique\s+index\s+(?:concurrently\s+)?(?:if\s+not\s+exists\s+)?(?:{_NAME}\s+)?on\s+(?:only\s+)?(?P<on>{_NAME})",
        "what old code writes may be refused",
    ),
    _rule("do-block", _TIGHT, r"(?P<on>do)\b", "nobody but a reader can tell what it does"),
    _rule("revoke", _TIGHT, rf"revoke\b.*?\bon\s+(?:table\s+)?(?P<on>{_NAME})", "old code may have used the right"),
    _rule("trigger", _TIGHT, rf"create\s+(?:or\s+replace\s+)?(?:constraint\s+)?trigger\s.*?\son\s+(?P<on>{_NAME})",
          "what old code writes may be refused or changed"),
)  # fmt: skip
_ACTIONS = (
    _rule(
        "drop-column", _GONE,
        rf"drop\s+(?:column\s+(?:if\s+exists\s+)?)?(?!constraint\b|default\b|not\s+null\b|column\b)(?P<on>{_NAME})",
        "old code selects every column it declares, used or not",
    ),
    _rule("rename", _GONE,
        rf"rename\s+(?!constraint\b)(?:column\s+)?(?:to\s+)?(?P<on>{_NAME})",
        "old code has its old name"),
    _rule("set-schema", _GONE, rf"set\s+schema\s+(?P<on>{_NAME})", "old code looks where it was"),
    _rule(
        "change-type", _TIGHT, rf"{_COLUMN}(?:set\s+data\s+)?type\b",
        "old code reads and writes the old type",
    ),
    _rule("set-not-null", _TIGHT, rf"{_COLUMN}set\s+not\s+null", "old code may write none"),
    _rule("drop-default", _TIGHT, rf"{_COLUMN}drop\s+default", "old code may leave it out"),
    _rule(
        "add-not-null", _TIGHT,
        rf"add\s+(?:column\s+(?:if\s+not\s+exists\s+)?)?(?!constraint\b)(?P<on>{_NAME})\s(?=.*\bnot\s+null\b)"
        r"(?!.*\b(?:default|generated)\b)",
        "old code does not write it",
    ),
    _rule(
        "add-constraint", _TIGHT,
        rf"add\s+(?:constraint\s+(?P<on>{_NAME})\s+)?(?:unique|check|foreign\s+key|primary\s+key|exclude)\b",
        "what old code writes may be refused",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Break:
    """One thing in a migration that older code cannot live with."""

    migration: str
    rule: str
    severity: str
    """`destructive` or `tightening`."""
    subject: str
    """The table, or the column as `table.column`."""
    path: str
    line: int
    why: str

    @property
    def id(self) -> str:
        """Stable, for waivers."""
        return f"{self.migration}:{self.rule}:{self.subject}"


def breaks(migrations: Iterable[Migration]) -> list[Break]:
    """Everything in these migrations, in their order, that code older than all of them cannot live with."""
    found: list[Break] = []
    made: set[str] = set()
    for migration in migrations:
        for statement, line in _statements(migration.sql):
            created = _CREATES.match(statement.lstrip())
            if created:
                made.add(_plain(created["table"]))
                continue
            for rule, table, subject in _hits(statement):
                if table not in made:
                    found.append(
                        Break(migration.name, rule.name, rule.severity, subject, migration.path, line, rule.why)
                    )
    return found


def _hits(statement: str) -> Iterator[tuple[Rule, str, str]]:
    """Rule, table and subject of each thing the statement does."""
    altered = _ALTERS.match(statement)
    if altered is None:
        for rule in _STATEMENTS:
            match = rule.pattern.match(statement)
            if match is not None:
                name = _plain(match["on"])
                yield rule, name, name
        return
    table = _plain(altered["table"])
    for action in _split(altered["actions"], ","):
        for rule in _ACTIONS:
            match = rule.pattern.match(action[0])
            if match is not None:
                on = match.groupdict().get("on")
                whole = rule.name == "set-schema" or (rule.name == "rename" and _renames_table(action[0]))
                yield rule, table, table if whole or not on else f"{table}.{_plain(on)}"
                break


def _renames_table(action: str) -> bool:
    return re.match(r"\s*rename\s+to\b", action, re.IGNORECASE) is not None


def _plain(name: str) -> str:
    """A name as a person says it: no quotes, no `public.`."""
    return name.replace('"', "").removeprefix("public.")


def _statements(sql: str) -> Iterator[tuple[str, int]]:
    """The statements with the line each begins in; comments and literals are blanked."""
    hidden = _HIDDEN.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), sql)
    for text, at in _split(hidden, ";"):
        if text.strip():
            start = at + len(text) - len(text.lstrip())
            yield text.strip(), hidden.count("\n", 0, start) + 1


def _split(text: str, mark: str) -> Iterator[tuple[str, int]]:
    """The pieces between marks that stand in no parentheses, each with where it begins."""
    depth = start = 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == mark and depth <= 0:
            yield text[start:at], start
            start = at + 1
    yield text[start:], start
