"""What one run's load test measured, kept so that later runs can be compared with it."""

from __future__ import annotations

from gonogo.frozen import dataclass

NO_BASELINE = "no-baseline"
"""Slug of the trouble that there is nothing to compare with: all else being green, the first run is recorded."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One endpoint, or all requests together."""

    p95: float
    """95th percentile of the duration, in ms."""
    requests: int
    tenths: tuple[float, ...] = ()
    """95th percentile of each tenth of the requests, in order of time, in ms; empty: not known."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The figures of one load test, with what it must have in common with another to be compared."""

    key: dict[str, str]
    """`script`, `tool`, `machine`, `vus`, `target`, `series`: only equal ones are compared."""
    parts: dict[str, Figures]
    """Endpoint -> its figures; under the empty name, all requests."""
    at: str = ""
    """When it was measured; UTC, RFC 3339."""
    run: str = ""
    """The run it was measured in; set when it is read from the ledger, as are `gate` and `commit`."""
    gate: str = ""
    commit: str = ""

    @property
    def whole(self) -> Figures:
        """Those of all requests."""
        return self.parts[""]
