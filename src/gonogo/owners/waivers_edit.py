"""Waivers written into the text of `.gonogo/waivers.yaml`; what stands there already keeps its lines."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

from gonogo.errors import InputError
from gonogo.model.verdict import Waiver
from gonogo.owners.waivers_file import FILE, WAIVER, read

HEAD = """\
# What named people have accepted, and until when. A waiver counts once it is committed; who approves it is not who
# wrote it. `gonogo waive` writes one, `gonogo check` says how they stand.
gonogo: 1

waivers:
"""
_WIDE = 1 << 20
"""Columns: a line is never folded."""


def added(text: str | None, waivers: Sequence[Waiver]) -> str:
    """The text with further waivers at the end of its list; `text` None: a new file.

    Comments and every line there is stay as they are, so that git still knows who wrote which. Only a list in flow
    style, or an empty one, is written anew.

    Raises:
        InputError: The text has mistakes, or a waiver would be one.
    """
    text = HEAD if text is None else text
    before = read(text.encode()).entries
    column = _block_column(text)
    if before and column is not None:
        lines = text.split("\n")
        ending = "\r" if lines[0].endswith("\r") else ""
        at = before[-1].last
        fresh = [f"{' ' * column}{line}{ending}" for line in _items(waivers).splitlines()]
        if len(lines) == at and ending:
            lines[-1] += ending
        found = "\n".join([*lines[:at], *fresh, *(lines[at:] or [""])])
    else:
        found = _anew(text, waivers)
    if tuple(entry.waiver for entry in read(found.encode()).entries) != (*(e.waiver for e in before), *waivers):
        raise InputError.of(
            "waivers-not-writable",
            f"gonogo cannot add to `{FILE}` without changing what it says",
            help="add the waiver by hand: " + " ".join(_items(waivers).split()),
        )
    return found


def _data(waiver: Waiver) -> dict[str, Any]:
    """The fields that say something, in the order of the form."""
    given = {name: getattr(waiver, name) for name in WAIVER.names}
    return {name: value for name, value in given.items() if value not in ("", 0)}


def _yaml() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.width = _WIDE
    yaml.preserve_quotes = True
    yaml.allow_unicode = True
    yaml.representer.ignore_aliases = lambda *_: True
    return yaml


def _items(waivers: Iterable[Waiver]) -> str:
    stream = io.StringIO()
    _yaml().dump([_data(waiver) for waiver in waivers], stream)
    return stream.getvalue()


def _block_column(text: str) -> int | None:
    """Where the dashes of the list stand; None where it is no block."""
    from ruamel.yaml import YAML

    top = YAML(typ="safe", pure=True).compose(text)
    for key, value in top.value if top is not None else ():
        if key.value == "waivers" and isinstance(value.value, list) and value.value and not value.flow_style:
            column: int = value.start_mark.column
            return column
    return None


def _anew(text: str, waivers: Sequence[Waiver]) -> str:
    """By a round trip, which keeps comments."""
    yaml = _yaml()
    yaml.indent(mapping=2, sequence=4, offset=2)
    data = yaml.load(text)
    if data is None:  # nothing but remarks
        data = yaml.load(f"{text.rstrip()}\n\n{HEAD}")
    fresh = [_data(waiver) for waiver in waivers]
    if data.get("waivers"):
        data["waivers"].extend(fresh)
    else:
        data["waivers"] = fresh
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()
