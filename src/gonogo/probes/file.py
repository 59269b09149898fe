"""Look at one file of the checkout: is it there, and how large is it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.observation import Observation, Reading
from gonogo.plugins import Clause, Context, OnlyHere, probe
from gonogo.probes._facts import count, flag, only_here, trouble


@dataclass(frozen=True, slots=True)
class FileParams:
    """Which file."""

    path: str
    """Relative to the repository: tracked by git, or declared as an input of the checklist."""


def _read(facts: Mapping[str, Any], _params: FileParams) -> Reading:
    if "problem" in facts:
        return Reading(troubles=(trouble(facts["problem"]),))
    return Reading(tuple(_seen(facts)))


def _seen(facts: Mapping[str, Any]) -> Iterator[Observation]:
    if "exists" in facts:
        yield Observation("file.exists", facts["exists"], "facts.json")
    if facts.get("exists"):
        yield Observation("file.bytes", facts["bytes"], "facts.json")


@probe(
    "file",
    yields=(flag("file.exists", "the file is there"), count("file.bytes", "size of the file", unit="bytes")),
    reader=_read,
    clauses=(
        Clause(
            r"(?:ensure |make sure )?(?:that )?`(?P<path>[^`\s{}]+)` (?:is )?(?:present|there|exists)",
            ("file.exists",),
            "`.env.staging` present",
            brings={"path": "{path}"},
        ),
    ),
)
def file(params: FileParams, context: Context) -> Capture:
    """Look at a file that git tracks or the checklist declares.

    A file that exists on one machine only is UNKNOWN: what nobody else has must not make anything green.
    """
    facts: dict[str, Any]
    try:
        data = context.read_file(params.path)
        facts = {"exists": True, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    except OnlyHere:
        facts = {"problem": only_here(params.path)}
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        facts = {"exists": False}
    return Capture("file", f"look at {params.path}", blobs=(context.keep_facts(facts),))
