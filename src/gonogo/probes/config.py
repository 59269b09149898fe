"""The configuration of a target: is every required variable resolved. Declared, not built in yet."""

from __future__ import annotations

from dataclasses import dataclass

from gonogo.model.capture import Capture
from gonogo.plugins import Clause, Context, probe
from gonogo.probes._facts import count, not_built_in
from gonogo.probes.dotenv import EXISTS, PLACEHOLDERS

_RESOLVED = r"all required (?:vars|variables) (?:are )?(?:resolved|set)"
_CRITERIA = ("env.exists", "config.unresolved == 0", "placeholders == 0")


@dataclass(frozen=True, slots=True)
class ConfigParams:
    """Which variables."""

    file: str = ".env.staging"
    """The target's env file."""
    groups: str = ""
    """Groups that must be complete, as the checklist names them: `JWT, NextAuth, DB/Redis URLs, encryption keys`."""


@probe(
    "config",
    yields=(EXISTS, PLACEHOLDERS, count("config.unresolved", "required variables without a value", "unresolved")),
    clauses=(
        Clause(
            rf"{_RESOLVED} \((?P<groups>[^()]+)\)",
            _CRITERIA,
            "All required vars resolved (JWT, NextAuth, DB/Redis URLs, encryption keys)",
            brings={"groups": "{groups}"},
        ),
        Clause(_RESOLVED, _CRITERIA, "All required vars resolved", brings={}),
    ),
)
def config(params: ConfigParams, _context: Context) -> Capture:
    """Look at the target's configuration, group by group. Declared, not built in yet: UNKNOWN."""
    return not_built_in("config", f"the configuration of the target in {params.file}")
