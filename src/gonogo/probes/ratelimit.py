"""Rate limit: does the API refuse when asked too often. Declared, not built in yet."""

from __future__ import annotations

from dataclasses import dataclass

from gonogo.model.capture import Capture
from gonogo.plugins import Clause, Context, probe
from gonogo.probes._facts import flag, not_built_in


@dataclass(frozen=True, slots=True)
class RatelimitParams:
    """What to ask, and how often."""

    url: str = ""
    """An endpoint under the limit."""
    requests: int = 0
    """How many requests in one window are one too many. 0: as the answer's own headers say."""


@probe(
    "ratelimit",
    yields=(flag("ratelimit.works", "the request beyond the limit is refused with 429, and one before it is not"),),
    clauses=(
        # checklist/reading.md, gate "Runtime guards": the limit works, and health alerts exist as rules.
        Clause(
            r"check (?:the )?(?:api )?rate limit and health ?check alerts",
            ("ratelimit.works", "alerts.rules > 0"),
            "Check API rate limit and healthcheck alerts",
            brings={},
        ),
        Clause(
            r"(?:check (?:the )?)?(?:api )?rate limit(?:ing)?(?: works| (?:is )?active)?",
            ("ratelimit.works",),
            "rate limit works",
            brings={},
        ),
    ),
)
def ratelimit(_params: RatelimitParams, _context: Context) -> Capture:
    """Ask once too often. Declared, not built in yet: UNKNOWN."""
    return not_built_in("ratelimit", "rate limits")
