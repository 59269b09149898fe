"""Releases of the example that go wrong, as edits to a throw-away copy: `example.change(*variants.crash_loop(20))`.

Nothing of this is in the example itself. Each edit fails the test that makes it where the text it hangs on has changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Edits = Mapping[str, Callable[[str], str]]
Variant = tuple[Edits, str]
"""What `Example.change` takes: the edits, and the commit's message."""


def crash_loop(after: float) -> Variant:
    """A backend that is well for that many seconds after each start, and then ends with exit code 3."""
    return {"backend/src/index.ts": _append(f"setTimeout(() => process.exit(3), {after * 1000:.0f});")}, (
        f"fix: end {after:g} seconds after the start"
    )


def never_healthy() -> Variant:
    """A backend that runs and answers everything, but whose health is 503 for ever."""
    return {"backend/src/routes/operations.ts": _replace(".status(reachable ? 200 : 503)", ".status(503)")}, (
        "fix: never be well"
    )


def no_healthcheck() -> Variant:
    """Images that say nothing about their health."""
    return {"Dockerfile": lambda text: re.sub(r"HEALTHCHECK .*\\\n.*\n", "", text)}, "build: leave the healthchecks out"


def memory_hog() -> Variant:
    """A backend that takes memory until its limit ends it."""
    line = "const hoard: Buffer[] = [];\nsetInterval(() => hoard.push(Buffer.alloc(64 * 1024 * 1024, 1)), 100);"
    return {"backend/src/index.ts": _append(line)}, "perf: keep everything"


def broken_frontend() -> Variant:
    """A frontend whose page is a 500; what it hands on to the backend still works."""
    return {
        "frontend/server/app.ts": _replace(
            "else serve(config, path, request, response);", "else plain(response, 500, 'the page is broken');"
        )
    }, "fix: break the page"


def slow_catalogue(milliseconds: int) -> Variant:
    """A backend whose catalogue takes that much longer."""
    return {
        "backend/src/routes/media.ts": _replace(
            "response.json({ media",
            f"await new Promise((resolve) => setTimeout(resolve, {milliseconds}));\n    response.json({{ media",
        )
    }, f"perf: take {milliseconds} ms longer"


def silent_logs() -> Variant:
    """A backend that logs nothing."""
    return {"backend/src/logger.ts": _replace("  process.stdout.write(line);", "  void line;")}, "fix: log nothing"


def destructive_migration() -> Variant:
    """A release that renames a column: it works, but the release before cannot work on what it leaves."""
    return {
        "backend/prisma/migrations/20251001090000_rename_state/migration.sql": _append(
            "ALTER TABLE media_requests RENAME COLUMN state TO progress;"
        ),
        "backend/src/store/postgres.ts": lambda text: text.replace(
            "requested_by, state, created_at", "requested_by, progress AS state, created_at"
        ).replace("SET state = $3", "SET progress = $3"),
    }, "refactor(backend): call the state progress"


def failing_migration() -> Variant:
    """A release whose migration fails after its first statement."""
    return {
        "backend/prisma/migrations/20251001090000_half/migration.sql": _append(
            "CREATE TABLE half_done (id INTEGER);\nSELECT no_such_column FROM media;"
        )
    }, "feat(backend): migrate half way"


def _append(line: str) -> Callable[[str], str]:
    return lambda text: f"{text}{line}\n"


def _replace(old: str, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        assert text.count(old) == 1, f"`{old}` stands there {text.count(old)} times, not once"
        return text.replace(old, new)

    return edit
