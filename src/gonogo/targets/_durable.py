"""Files that several processes read and write: whole or not at all, and one writer at a time."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gonogo.model.codec import canonical
from gonogo.plugins import OutOfReach


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Alone among all threads and processes that guard the same file; the system gives it back when one dies."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace a file, so that whoever reads sees the old bytes or the new ones, also after a loss of power."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        with suppress(OSError):
            fresh.unlink()
        raise
    _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def point(link: Path, to: Path) -> None:
    """Make `link` a symbolic link to `to`, relative and replaced in one go."""
    fresh = link.with_name(f".{link.name}.{os.getpid()}-{secrets.token_hex(4)}")
    fresh.symlink_to(os.path.relpath(to, link.parent))
    fresh.replace(link)
    _sync_directory(link.parent)


def read_json(path: Path) -> Any:
    """What a file holds; None where it is not there. Raises `OutOfReach` where it cannot be read."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise OutOfReach(f"cannot read `{path}`: {error}", help=f"look at `{path}`, and mend or remove it") from error


def write_json(path: Path, value: Any) -> None:
    """Replace a file by the canonical JSON of a value; only its owner may read it."""
    write(path, canonical(value))
