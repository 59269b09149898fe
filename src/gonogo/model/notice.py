"""Who is told about a run, as a checklist says it."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from gonogo.frozen import dataclass

DECISION = "decision"
"""The run is decided, or was told to stop."""
WAITING = "waiting"
"""Nothing is left to do but to wait for people's words."""
OCCASIONS = (DECISION, WAITING)


@dataclass(frozen=True, slots=True)
class NoticeSpec:
    """One entry of `notify`: by which way, with what, and about what."""

    kind: str
    """Name of a registered notice."""
    params: dict[str, Any] = field(default_factory=dict)
    """Validated against the kind's params type; JSON-able. Secrets only by the name of a variable."""
    about: tuple[str, ...] = OCCASIONS
    """Of `OCCASIONS`."""

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables that hold its secrets."""
        return tuple(str(value) for name, value in self.params.items() if name.endswith("_from") and value)
