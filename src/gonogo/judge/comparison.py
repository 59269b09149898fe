"""Two runs beside each other: which gates changed, by how much, and what may have caused it (`gonogo diff`).

A cause is only ever something that differs in the two records. Where nothing in them does, that is said: then it was
the world outside, time, or a check that does not always say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from gonogo.frozen import dataclass
from gonogo.model.observation import Finding
from gonogo.model.run import GateView, RunView

Versions = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs, with what is known beyond its record."""

    view: RunView
    tools: Versions = field(default_factory=dict)
    """Tool -> version, as the subject's lock files have it."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that differs between the runs."""

    kind: str
    """`commit`, `tree`, `checklist`, `tool`, `waiver`, `word`, `input`, `target`, `machine`, `order`, `outside`."""
    text: str


@dataclass(frozen=True, slots=True)
class Measure:
    """One criterion on one look, before and after; an empty text where there was none."""

    criterion: str
    shown: str
    before: str
    after: str
    bound_before: str
    bound_after: str
    change: str = ""
    """`-17.52`, where both are numbers of one unit; empty otherwise."""
    nearer: bool | None = None
    """Whether it moved towards passing, where its bound stayed; None: that cannot be told."""


@dataclass(frozen=True, slots=True)
class Change:
    """A gate whose verdict or measured values changed."""

    gate: str
    title: str
    before: str
    """Outcome with what qualifies it: `PASS`, `FAIL, waived`; empty: the gate was not there."""
    after: str
    direction: str
    """`worse`, `better`, `other` (neither is nearer to a GO), or `moved` (the same outcome, other values)."""
    measures: tuple[Measure, ...] = ()
    appeared: tuple[Finding, ...] = ()
    gone: tuple[Finding, ...] = ()
    causes: tuple[Cause, ...] = ()
    """What differs that this gate depends on, the nearest first."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed from one run to another."""

    before: RunView
    after: RunView
    changes: tuple[Change, ...]
    """Worse first, then better, other, moved; within each in the order of the document."""
    causes: tuple[Cause, ...]
    """Everything that differs between the runs as a whole."""
    same: int
    """Gates of both runs that did not change."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One gate in both runs; None where a run does not have it."""

    old: GateView | None
    new: GateView | None

    @property
    def some(self) -> GateView:
        """The newer of the two that is there."""
        one = self.new or self.old
        assert one is not None
        return one
