"""What was measured: observations, findings, and the declarations that give them a name, a type and a meaning."""

from __future__ import annotations

import json
from dataclasses import field, replace
from enum import StrEnum
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.outcome import Outcome

Value = bool | int | float | str | tuple[str, ...]


class Type(StrEnum):
    """The type of an observation, in the words of CEL."""

    BOOL = "bool"
    INT = "int"
    DOUBLE = "double"
    STRING = "string"
    LIST = "list"
    """A list of strings."""
    TEXT = "text"
    """What a command printed; asked with `output.marked("Backend")` and `output.contains("…")`."""


class Combine(StrEnum):
    """How several reports of one capture become one observation (`npm run lint` in three workspaces: one sum)."""

    SUM = "sum"
    MAX = "max"
    MIN = "min"
    ALL = "all"
    ANY = "any"
    JOIN = "join"
    PERCENT = "percent"
    """`x.pct` is computed anew as 100 * x.covered / x.total, never as a mean of percentages."""


@dataclass(frozen=True, slots=True)
class ObservationType:
    """A kind's promise: it can yield an observation of this name, type, unit and meaning."""

    name: str
    """Dotted, lower case: `coverage.lines.pct`."""
    type: Type
    meaning: str
    unit: str = ""
    """`%`, `ms`, `s`, `bytes`; empty for plain counts and truths."""
    counts: tuple[str, ...] = ()
    """The severities of the findings of the same family that this number counts; what a waiver can cover."""
    combine: Combine = Combine.SUM
    each: str = ""
    """What it is measured for each of (`endpoint`) and asked by: `load.endpoint.p95["/search"]`. Empty: it is one."""

    @property
    def family(self) -> str:
        """The first part of the name, which its findings carry too: `lint`, `vulnerabilities`."""
        return self.name.partition(".")[0]


class Declared(dict[str, ObservationType]):
    """Observation types by name; `load.endpoint.p95["/search"]` is found where `load.endpoint.p95` is one for each."""

    def __missing__(self, name: str) -> ObservationType:
        declared = dict.get(self, stem(name))
        if declared is None or not declared.each or "[" not in name:
            raise KeyError(name)
        return replace(declared, name=name, meaning=f"{declared.meaning} {name[len(declared.name) + 1 : -1]}")

    def get(self, name: str, default: Any = None) -> Any:
        """The type of the observation called `name`, or `default`."""
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name: object) -> bool:
        if dict.__contains__(self, name):
            return True
        declared = dict.get(self, stem(name)) if isinstance(name, str) and "[" in name else None
        return declared is not None and bool(declared.each)


def indexed(name: str, key: str) -> str:
    """The name of one of several: `load.endpoint.p95["/search"]`."""
    return f"{name}[{json.dumps(key, ensure_ascii=False)}]"


def stem(name: str) -> str:
    """The declared name of one of several: `load.endpoint.p95` of `load.endpoint.p95["/search"]`."""
    return name.partition("[")[0]


@dataclass(frozen=True, slots=True)
class Observation:
    """One named, typed, sourced fact: `coverage.lines.pct = 67.3`."""

    name: str
    value: Value
    source: str = ""
    """Where it was read: the report's path or the stream's name."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One issue that a report names, with an id that a waiver can name again."""

    family: str
    """The family of the observation that counts it: `lint`, `tests`, `vulnerabilities`."""
    id: str
    """Stable across runs: rule and path, advisory and package and range, test id. Never a line number."""
    severity: str
    message: str
    path: str = ""
    """Relative to the repository where the report allows it."""
    line: int = 0
    column: int = 0


WAITING = "waiting"
"""Slug of the trouble that a person has not answered yet."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a capture, or a report in it, cannot speak; forces an outcome that is never PASS."""

    outcome: Outcome
    """ERROR, UNKNOWN or STALE (FAIL where a check changed tracked files)."""
    slug: str
    message: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a parser made of stored bytes. Pure data: the same bytes give the same reading."""

    observations: tuple[Observation, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    """Remarks that stay on a PASS: flaky tests, the scope of a coverage figure."""
    troubles: tuple[Trouble, ...] = ()

    def value(self, name: str) -> Value | None:
        """The value of the observation called `name`, or None where it is absent."""
        return next((o.value for o in self.observations if o.name == name), None)


@dataclass(frozen=True, slots=True)
class Captured:
    """A reading with the capture it came from: what a criterion is judged on."""

    call: str
    """The id of the call within its gate."""
    shown: str
    """The command or probe as a person reads it."""
    reading: Reading
    speaks: tuple[str, ...] = field(default=())
    """Names of the observations this capture is expected to yield; an expected one that is absent is UNKNOWN."""
    unexplained_exit: str = ""
    """Why a non-zero exit is explained neither by a report nor by a tool's known exit codes; empty: it is explained."""
