"""Reading bytes as the evidence layer does, for the tests beside this file."""

from __future__ import annotations

import io
from pathlib import Path

from gonogo import plugins
from gonogo.evidence import reading
from gonogo.model.observation import Reading

REGISTRY = plugins.builtin(("families", "parsers"))
FIXTURES = Path(__file__).parents[1] / "fixtures" / "tools"


def read(parser: str, data: bytes | str, **params: object) -> Reading:
    """The reading of bytes by the parser of that name."""
    raw = data.encode() if isinstance(data, str) else data
    return reading.parse(REGISTRY.parsers[parser], io.BytesIO(raw), params, "the report")


def fixture(parser: str, name: str, **params: object) -> Reading:
    """The reading of a committed fixture."""
    return read(parser, (FIXTURES / parser / name).read_bytes(), **params)


def slugs(found: Reading) -> list[str]:
    """The slugs of the troubles."""
    return [trouble.slug for trouble in found.troubles]


def values(found: Reading, family: str) -> dict[str, object]:
    """The observations of a family, by the rest of their names."""
    return {o.name.removeprefix(f"{family}."): o.value for o in found.observations if o.name.startswith(f"{family}.")}
