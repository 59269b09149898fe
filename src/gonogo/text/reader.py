"""Typed values out of `Raw`, with a diagnostic for each one that does not fit."""

from __future__ import annotations

import math
import re

from gonogo.errors import nearest
from gonogo.text.form import Form
from gonogo.text.raw import Raw
from gonogo.text.source import Problems

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def said(value: object) -> str:
    """A value's type in words."""
    if value is None:
        return "nothing"
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a mapping"}
    return names.get(type(value), "something else")


class Reader:
    """Reads fields of mappings; what is wrong goes into `problems`, and a harmless value comes back."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def wrong(self, raw: Raw, name: str, wanted: str, *, help: str = "") -> None:  # noqa: A002 - as a diagnostic calls it
        """Say that a value is of the wrong type."""
        self.problems.error(
            "wrong-type", f"`{name}` must be {wanted}, not {said(raw.value)}", raw.span, help=help or f"write {wanted}"
        )

    def mapping(self, raw: Raw, form: Form, *, open_fields: bool = False) -> dict[str, Raw] | None:
        """The fields of a mapping of `form`; unknown ones are told, unless the form is open."""
        fields = raw.mapping
        if fields is None:
            self.wrong(raw, form.name, "a mapping")
            return None
        if not open_fields:
            known = form.names
            for name in fields:
                if name not in known:
                    self.unknown_field(raw, name, known, f"a {form.name}")
        for field in form.fields:
            given = fields.get(field.name)
            if field.required and (given is None or given.value in (None, "")):
                self.problems.error(
                    "missing-field", f"a {form.name} without `{field.name}`", raw.span, help=f"add `{field.name}:`"
                )
        return fields

    def unknown_field(self, raw: Raw, name: str, known: tuple[str, ...], of: str) -> None:
        """Say that a field is unknown, and which is nearest."""
        near = nearest(name, known)
        self.problems.error(
            "unknown-field",
            f"unknown field `{name}` of {of}",
            raw.key_span(name),
            label=f"did you mean `{near}`?" if near else "",
            help=f"write `{near}`" if near else f"use one of: {', '.join(known)}",
        )

    def text(self, fields: dict[str, Raw], name: str, default: str = "") -> str:
        """A text; nothing and absent are the default."""
        raw = fields.get(name)
        if raw is None or raw.value is None:
            return default
        if isinstance(raw.value, str):
            return raw.value
        self.wrong(raw, name, "text", help="put it in quotes" if raw.written else "")
        return default

    def identity(self, fields: dict[str, Raw], name: str, default: str = "") -> str:
        """A text, or a number as it is written."""
        raw = fields.get(name)
        if raw is not None and isinstance(raw.value, (int, float)) and not isinstance(raw.value, bool):
            return raw.written or str(raw.value)
        return self.text(fields, name, default)

    def choice(self, fields: dict[str, Raw], name: str, choices: tuple[str, ...], default: str) -> str:
        """One of a few words."""
        value = self.text(fields, name, default)
        if value not in choices:
            near = nearest(value, choices)
            self.problems.error(
                "unknown-word",
                f"`{name}` cannot be `{value}`",
                fields[name].span,
                label=f"did you mean `{near}`?" if near else "",
                help=f"use one of: {', '.join(c for c in choices if c)}",
            )
            return default
        return value

    def flag(self, fields: dict[str, Raw], name: str, *, default: bool = False) -> bool:
        """True or false."""
        raw = fields.get(name)
        if raw is None:
            return default
        if isinstance(raw.value, bool):
            return raw.value
        self.wrong(raw, name, "true or false")
        return default

    def count(self, fields: dict[str, Raw], name: str) -> int:
        """A whole number, 0 or more."""
        raw = fields.get(name)
        if raw is None:
            return 0
        if isinstance(raw.value, int) and not isinstance(raw.value, bool) and raw.value >= 0:
            return raw.value
        self.wrong(raw, name, "a whole number, 0 or more")
        return 0

    def seconds(self, fields: dict[str, Raw], name: str) -> float | None:
        """A duration in seconds, more than 0; None where it is absent."""
        raw = fields.get(name)
        if raw is None or raw.value is None:
            return None
        value = raw.value
        if isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
            value = float(match[1]) * _SECONDS[match[2]]
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0 and math.isfinite(value):
            return float(value)
        self.problems.error(
            "wrong-type",
            f"`{name}` must be a duration, more than 0",
            raw.span,
            help="write seconds, or text such as `90s`, `15m`, `2h`, `1d`",
        )
        return None

    def items(self, fields: dict[str, Raw], name: str) -> list[Raw]:
        """The entries of a list; absent is empty."""
        raw = fields.get(name)
        if raw is None or raw.value is None:
            return []
        if raw.items is not None:
            return raw.items
        self.wrong(raw, name, "a list", help="write each entry on its own line after `- `")
        return []

    def texts(self, fields: dict[str, Raw], name: str) -> tuple[str, ...]:
        """A list of texts, none empty."""
        found = []
        for item in self.items(fields, name):
            if isinstance(item.value, str) and item.value:
                found.append(item.value)
            else:
                self.wrong(item, f"{name}[]", "text", help="put it in quotes" if item.written else "")
        return tuple(found)
