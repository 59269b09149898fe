"""`docker compose` as a checklist writes it: every option that names the project, and none but those."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gonogo.docker import written

PS = re.compile(rf"docker compose{written.OPTIONS} ps")


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("docker compose ps", {}),
        ("docker compose -f a.yml --file b.yml ps", {"files": ["a.yml", "b.yml"]}),
        (
            "docker compose --project-name shop --env-file .env.staging ps",
            {"project": "shop", "env_file": ".env.staging"},
        ),
        ("docker compose -p one -p two ps", {"project": "two"}),
    ],
)
def test_options_that_name_the_project(command: str, named: dict[str, Any]) -> None:
    match = PS.fullmatch(command)
    assert match is not None
    assert written.project(match["options"]) == named


def test_a_command_with_another_option_is_not_read() -> None:
    assert PS.fullmatch("docker compose --profile tools ps") is None
