"""What may stand in a mapping, declared once: read, published as a schema and printed as reference from here."""

from __future__ import annotations

from functools import cached_property

from gonogo.frozen import dataclass


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a form."""

    name: str
    shape: str
    doc: str
    required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Form:
    """One kind of mapping."""

    name: str
    doc: str
    fields: tuple[FormField, ...]
    short: str = ""
    """What a plain text in its place means; empty: it must be a mapping."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of its fields."""
        return tuple(f.name for f in self.fields)
