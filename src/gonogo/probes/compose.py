"""Services of a compose project: healthy, not restarting, running the right image. Declared, not built in yet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gonogo.model.capture import Capture
from gonogo.plugins import Clause, Context, Phrase, probe
from gonogo.probes._facts import count, not_built_in


@dataclass(frozen=True, slots=True)
class ComposeParams:
    """Which project."""

    files: tuple[str, ...] = ()
    """Compose files in their order. Empty: the one Compose finds by itself."""
    project: str = ""
    """Name of the project. Empty: as Compose names it."""
    env_file: str = ""
    """Env file for interpolation."""
    services: tuple[str, ...] = ()
    """Empty: all of them."""


def _asked(match: re.Match[str]) -> Mapping[str, Any]:
    words = (match["options"] or "").split()
    options = list(zip(words[::2], words[1::2], strict=True))
    params: dict[str, Any] = {}
    if files := [value for name, value in options if name in {"-f", "--file"}]:
        params["files"] = files
    for name, value in options:
        if name in {"-p", "--project-name"}:
            params["project"] = value
        elif name == "--env-file":
            params["env_file"] = value
    return params


@probe(
    "compose",
    yields=(
        count(
            "services.unhealthy",
            "services that are stopped, unhealthy, or without a healthcheck",
            "unhealthy",
        ),
        count("services.restarts", "restarts within the stability window"),
        count("services.wrong_image", "services that run another image than the one built", "wrong-image"),
    ),
    clauses=(
        Clause(
            r"(?:`?docker compose ps`? |(?:all )?services (?:are )?)healthy",
            ("services.unhealthy == 0", "services.wrong_image == 0"),
            "`docker compose ps` healthy",
            brings={},
        ),
        Clause(r"no (?:crash ?loops?|restarts)", ("services.restarts == 0",), "no CrashLoop", brings={}),
    ),
    phrases=(
        Phrase(
            r"`?docker compose(?P<options>(?: (?:-f|--file|-p|--project-name|--env-file) [^\s`]+)*) ps"
            r"(?: -a| --all)?`?",
            _asked,
            "`docker compose -f monitoring/docker-compose.yml ps`",
        ),
    ),
)
def compose(_params: ComposeParams, _context: Context) -> Capture:
    """Look at the containers of a compose project. Declared, not built in yet: UNKNOWN."""
    return not_built_in("compose", "services of a compose project")
