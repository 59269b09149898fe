"""The nouns as JSON and back, and the one digest everything is named by."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing
from collections.abc import Callable, Mapping
from datetime import date
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

T = TypeVar("T")


_PLAIN = frozenset({str, int, float, bool, type(None)})


@cache
def _field_names(kind: Any) -> tuple[str, ...] | None:
    """The fields of a noun that are kept; None for what is no dataclass."""
    if not dataclasses.is_dataclass(kind):
        return None
    return tuple(field.name for field in dataclasses.fields(kind) if field.name != "span")


@cache
def _fields_of(kind: Any) -> Callable[[Any], dict[str, Any]] | None:
    """What takes the kept fields of a noun out of it, quickly: each gate of a run is written some five times."""
    known = _field_names(kind)
    if known is None:
        return None
    names = sorted(known)  # the encoder has nothing left to sort
    if len(names) < 2:  # noqa: PLR2004 - of one name, `attrgetter` gives no tuple
        return lambda value: {name: getattr(value, name) for name in names}
    values = attrgetter(*names)
    return lambda value: dict(zip(names, values(value), strict=True))


def dump(value: Any) -> Any:
    """A noun as plain JSON data. Spans are left out: where a thing was written is no part of what it is."""
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    names = _field_names(kind)
    if names is not None:
        return {name: dump(getattr(value, name)) for name in names}
    if isinstance(value, dict):
        return {str(key): dump(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [dump(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, date) else value


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter  # only where stored JSON is read back: starting up stays quick

    return TypeAdapter(kind)


_FLAT: Mapping[Any, type] = {"str": str, str: str, "bool": bool, bool: bool, "int": int, int: int}


@cache
def _flat_fields(kind: Any) -> Mapping[str, type]:
    """The fields of a dataclass that take a text, a truth or a whole number, and nothing more is asked of them."""
    fields = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    if any(type(field.default).__module__.startswith("pydantic") for field in fields):
        return {}
    return {field.name: _FLAT[field.type] for field in fields if field.init and field.type in _FLAT}


def load_flat(kind: type[T], data: Any) -> T | None:
    """What `load` gives, where that is plain to see: every value is of its field's own flat type. None: look closer."""
    takes = _flat_fields(typing.cast("Any", kind))
    if not isinstance(data, dict) or any(type(value) is not takes.get(name) for name, value in data.items()):
        return None
    try:
        return kind(**data)
    except (TypeError, ValueError):  # a field without a default is missing, or the type itself refuses
        return None


def load(kind: type[T], data: Any) -> T:
    """The noun of type `kind` from what `dump` gave; raises `pydantic.ValidationError` where it does not fit."""
    flat = load_flat(kind, data)
    if flat is not None:
        return flat
    loaded: T = _adapter(typing.cast("Any", kind)).validate_python(data)
    return loaded


def _plain(value: Any) -> Any:
    """One level of what JSON itself does not know; the encoder asks again for what lies below."""
    kind: Any = type(value)
    fields = _fields_of(kind)
    if fields is not None:
        return fields(value)
    if isinstance(value, (set, frozenset)):
        return list(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"no noun, and not JSON: {value!r}")


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain)


def canonical(value: Any) -> bytes:
    """One spelling per value: sorted keys, no spaces, UTF-8 (after RFC 8785; numbers as Python writes them).

    The keys of mappings are text.
    """
    return _ENCODER.encode(value).encode()


def digest(value: Any) -> str:
    """sha256 of the canonical JSON, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()
