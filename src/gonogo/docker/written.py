"""`docker compose` as people write it in a checklist: which project its options name."""

from __future__ import annotations

from typing import Any

OPTIONS = r"(?P<options>(?: (?:-f|--file|-p|--project-name|--env-file) [^\s`]+)*)"
"""Between `docker compose` and its subcommand: those that name a project (Docker CLI reference, `docker compose`)."""


def project(options: str) -> dict[str, Any]:
    """The params `files`, `project` and `env_file` that a match of `OPTIONS` gives; without those it does not name."""
    words = options.split()
    pairs = list(zip(words[::2], words[1::2], strict=True))
    params: dict[str, Any] = {}
    if files := [value for name, value in pairs if name in {"-f", "--file"}]:
        params["files"] = files
    for name, value in pairs:
        if name in {"-p", "--project-name"}:
            params["project"] = value
        elif name == "--env-file":
            params["env_file"] = value
    return params
