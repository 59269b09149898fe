"""The nouns as JSON and back, and the one digest everything is named by."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing
from datetime import date
from enum import Enum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def dump(value: Any) -> Any:
    """A noun as plain JSON data. Spans are left out: where a thing was written is no part of what it is."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: dump(getattr(value, f.name)) for f in dataclasses.fields(value) if f.name != "span"}
    if isinstance(value, dict):
        return {str(key): dump(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [dump(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    return value


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter  # only where stored JSON is read back: starting up stays quick

    return TypeAdapter(kind)


def load(kind: type[T], data: Any) -> T:
    """The noun of type `kind` from what `dump` gave; raises `pydantic.ValidationError` where it does not fit."""
    loaded: T = _adapter(typing.cast("Any", kind)).validate_python(data)
    return loaded


def canonical(value: Any) -> bytes:
    """One spelling per value: sorted keys, no spaces, UTF-8 (after RFC 8785; numbers as Python writes them)."""
    return json.dumps(dump(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(value: Any) -> str:
    """sha256 of the canonical JSON, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()
