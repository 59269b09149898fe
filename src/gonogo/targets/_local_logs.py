"""What services printed, from a moment on."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

MOST = 1024 * 1024
"""Bytes given at most, from the end."""
_TICK = 0.02
"""Seconds by which a file's time may lie behind the clock: kernels take it from their last tick (inode(7))."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?")
_FIELDS = ("time", "timestamp", "ts", "@timestamp")


def printed(folder: Path, service: str, since: str, starts: Callable[[str], list[str]]) -> bytes:
    """What the units of a service printed from `since` on; at most 1 MiB, from the end.

    `starts` gives the lines that tell when a unit was started.
    """
    least = moment(since)
    kept = []
    for log in sorted(folder.glob(f"{service}.*.log"), key=lambda one: one.stat().st_mtime):
        if least is not None and log.stat().st_mtime + _TICK < least.timestamp():
            continue
        began = starts(log.stem)
        first = _any(float(began[0].split()[0])) if began else None
        text = b"".join(end_of(part, MOST) for part in (log.with_name(f"{log.name}.1"), log))
        kept.append(from_moment(text, least, first))
    return b"".join(kept)[-MOST:]


def end_of(path: Path, size: int) -> bytes:
    """The last bytes of a file; none where it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - size))
            return file.read()
    except OSError:
        return b""


def from_moment(text: bytes, least: datetime | None, began: datetime | None) -> bytes:
    """The lines that were printed at `least` or later.

    A line's moment is that in its JSON (`time`, `timestamp`, `ts`), else the one it begins with, else that of the line
    before it; the first lines are of the moment at which the service `began`.
    """
    if least is None:
        return text
    at, kept = began, []
    for line in text.splitlines(keepends=True):
        at = _moment_of(line) or at
        if at is None or at >= least:
            kept.append(line)
    return b"".join(kept)


def _moment_of(line: bytes) -> datetime | None:
    text = line.decode(errors="replace").strip()
    if text.startswith("{"):
        try:
            fields = json.loads(text)
        except ValueError:
            return None
        return next((found for name in _FIELDS if (found := _any(fields.get(name)))), None)
    match = _MOMENT.match(text)
    return moment(match[0]) if match else None


def _any(value: object) -> datetime | None:
    """A moment as loggers write it: RFC 3339, or seconds or milliseconds since 1970."""
    if isinstance(value, str):
        return moment(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = value / 1000 if value > 1e11 else value  # noqa: PLR2004 - the year 5138 in seconds
        try:
            return datetime.fromtimestamp(seconds, UTC)
        except (OverflowError, OSError, ValueError):
            return None
    return None


def moment(text: str) -> datetime | None:
    """A moment of RFC 3339; None for anything else. Without an offset it is UTC."""
    try:
        found = datetime.fromisoformat(text.replace(",", "."))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def now() -> str:
    """This machine's clock."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
