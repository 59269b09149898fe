"""Backups as records: what is known of each dump, how far it has been proved, and which may be deleted."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gonogo.config import prepare_state, state_directory
from gonogo.model.observation import Observation, Reading
from gonogo.plugins import Context
from gonogo.probes._facts import count, flag, measure, trouble

RESTORED = 3
"""The level of a backup that was restored into a scratch database and is the same there.

0: the dump exited with 0 and is no empty file; 1: its table of contents can be listed, and its digest is kept; 2: it
was read through to its end; 3: restored, with row counts, values, schema and constraints compared.
"""

OBSERVED = (
    flag("backup.exists", "a backup is there"),
    flag("backup.fresh", "it was made in this run, or within its age limit"),
    flag("backup.restored", "it was restored into a scratch database, and rows, values and schema are the same there"),
    count("backup.level", "how far it was proved: 0 written, 1 listed, 2 read through, 3 restored"),
    count("backup.bytes", "size of the dump", unit="bytes"),
    count("backup.tables", "tables in the copy"),
    count("backup.rows", "rows of all tables in the copy"),
    measure("backup.dump_seconds", "how long the dump took", "s"),
    measure("backup.restore_seconds", "how long it took until the copy was there: what a way back costs at least", "s"),
)


def folder(context: Context) -> Path:
    """Where the backups of this target and their records lie: in the state directory, private to its owner."""
    path = prepare_state(state_directory(context.root)) / "backups" / _named(context.target)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _named(target: str) -> str:
    """The target's name as a file name."""
    return re.sub(r"[^\w.-]", "_", target) or "target"


def digest(file: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Have the bytes of a file, or the names in a directory, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def now() -> str:
    """This moment; UTC, RFC 3339 with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def write_record(place: Path, record: Mapping[str, Any]) -> Path:
    """Keep what is known of a backup beside the others, atomically and durably."""
    file = place / f"{record['name']}.json"
    part = file.with_suffix(".json.partial")
    part.write_text(json.dumps(record, indent=1, sort_keys=True), encoding="utf-8")
    sync(part)
    part.rename(file)
    sync(place)
    return file


def records(place: Path) -> list[dict[str, Any]]:
    """Every backup of the target that gonogo knows, oldest first; a record that cannot be read is none."""
    found = []
    for file in sorted(place.glob("*.json")):
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(record, dict) and {"name", "file", "made", "level"} <= record.keys():
            found.append(record)
    return sorted(found, key=lambda record: (record["made"], record["name"]))


def intact(record: Mapping[str, Any]) -> bool:
    """Whether its file is still there, and byte for byte what was proved."""
    file = Path(record["file"])
    return file.is_file() and digest(file) == record.get("sha256")


def verified(place: Path, run: str) -> dict[str, Any] | None:
    """The newest backup of a run that was restored and is still what it was then; None: there is none."""
    mine = (one for one in reversed(records(place)) if one["level"] == RESTORED and one.get("run") == run)
    return next((record for record in mine if intact(record)), None)


def of_run(context: Context) -> str:
    """Name of the restored backup that this run made of its target; empty: it made none."""
    place = state_directory(context.root) / "backups" / _named(context.target)
    record = verified(place, context.run_id) if place.is_dir() else None
    return str(record["name"]) if record is not None else ""


def spare(known: Iterable[Mapping[str, Any]], keep: int, needed: frozenset[str]) -> list[Mapping[str, Any]]:
    """The backups of gonogo's own that may be deleted, oldest first.

    Only restored ones count towards `keep`. Neither the last of them, nor one that a release on the target may have to
    go back to (`needed`: their names), nor a file that somebody else's command wrote is ever among them; what was
    never proved goes once something newer was.
    """
    own = [record for record in known if record.get("own")]
    good = [record for record in own if record["level"] == RESTORED]
    if not good:
        return []
    last = good[-1]
    old = good[: -max(1, keep)]
    unproved = [record for record in own if record["level"] != RESTORED and record["made"] < last["made"]]
    return [record for record in (*old, *unproved) if record["name"] not in needed]


def read_backup(facts: Mapping[str, Any], _params: Any) -> Reading:
    """What a record says: of a backup that was made, looked at again, or looked for in vain."""
    troubles = tuple(trouble(problem) for problem in facts.get("problems", ()))
    if "exists" not in facts:
        return Reading(troubles=troubles)
    record = facts.get("backup") or {}
    seen: list[tuple[str, Any]] = [("backup.exists", facts["exists"])]
    if record:
        seen += [
            ("backup.fresh", facts["fresh"]),
            ("backup.restored", record["level"] == RESTORED),
            ("backup.level", record["level"]),
            ("backup.bytes", record["bytes"]),
        ]
        seen += [(f"backup.{name}", record[name]) for name in ("tables", "rows") if name in record]
        seen += [(f"backup.{name}", float(record[name])) for name in _SECONDS if name in record]
    observations = tuple(Observation(name, value, "facts.json") for name, value in seen)
    return Reading(observations, notes=tuple(facts.get("notes", ())), troubles=troubles)


_SECONDS = ("dump_seconds", "restore_seconds")
