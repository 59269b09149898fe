"""Data as somebody wrote it, with the place of every value: what both forms become before they are a checklist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gonogo.errors import Span

Scalar = None | bool | int | float | str


@dataclass(slots=True)
class Raw:
    """A value and where it stands."""

    value: Scalar | list[Raw] | dict[str, Raw]
    span: Span | None = None
    keys: dict[str, Span | None] = field(default_factory=dict)
    """For a mapping: where each key stands."""
    written: str = ""
    """For a number or a truth: as it was written (`1.10`)."""

    @property
    def mapping(self) -> dict[str, Raw] | None:
        """The mapping, or None where it is none."""
        return self.value if isinstance(self.value, dict) else None

    @property
    def items(self) -> list[Raw] | None:
        """The list, or None where it is none."""
        return self.value if isinstance(self.value, list) else None

    def get(self, key: str) -> Raw | None:
        """The value under `key` of a mapping; None where there is none, or no mapping."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    def key_span(self, key: str) -> Span | None:
        """Where the key stands, else the mapping."""
        return self.keys.get(key) or self.span

    def data(self) -> Any:
        """The bare data."""
        if isinstance(self.value, dict):
            return {key: item.data() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.data() for item in self.value]
        return self.value


def raw(value: Any, span: Span | None) -> Raw:
    """Plain data (or `Raw`) as `Raw`, every part of it at one place."""
    if isinstance(value, Raw):
        return value
    if isinstance(value, Mapping):
        return Raw({str(key): raw(item, span) for key, item in value.items()}, span)
    if isinstance(value, (list, tuple)):
        return Raw([raw(item, span) for item in value], span)
    return Raw(value, span)


def record(span: Span | None, **fields: Any) -> Raw:
    """A mapping of the fields that say something: None, empty text and empty lists are left out."""
    kept = {key: raw(value, span) for key, value in fields.items() if value is not None and value not in ("", [], {})}
    return Raw(kept, span, {key: value.span for key, value in kept.items()})


def named(items: Iterable[Raw], key: str = "id") -> dict[str, Raw]:
    """The mappings of a list by the text under `key`; those without it are left out."""
    found = {}
    for item in items:
        name = item.get(key)
        if name is not None and isinstance(name.value, (str, int)):
            found[name.written or str(name.value)] = item
    return found
