"""The probe `logs` on the real engine: what containers printed, on whichever stream."""

from __future__ import annotations

from gonogo.model.outcome import Outcome
from tests.probes.conftest import look_with
from tests.targets.compose.tiny import RUN, A, Tiny

TELLING = RUN.replace("*) exec httpd -f", "*) echo 'INFO starting'; echo 'ERROR odd' >&2; exec httpd -f -vv")
"""Tells of each request with its path, on standard error."""


def published(tiny: Tiny) -> str:
    """Where the web server answers."""
    bound = tiny.container()["NetworkSettings"]["Ports"]["8080/tcp"][0]
    return f"http://127.0.0.1:{bound['HostPort']}"


def test_a_marked_line_and_levels_of_containers(tiny: Tiny) -> None:
    tiny.write("run.sh", TELLING)
    began = tiny.target().since()
    tiny.deploy(A, 1)
    asked = {"app": published(tiny), "path": "/{marker}", "marker_header": "", "deployed_at": began}
    seen = look_with("logs", tiny.context(), **asked)
    assert seen.troubles == {}
    assert seen.values["logs.seen"] is True
    assert (seen.values["logs.lines"], seen.values["logs.errors"]) == (2, 1)
    assert "logs.error_pct_before" not in seen.values, "the container is new: nothing is from before"


def test_a_server_that_tells_nothing_says_nothing(tiny: Tiny) -> None:
    tiny.deploy(A, 1)
    seen = look_with("logs", tiny.context(), app=published(tiny), wait=0)
    assert (seen.values, seen.troubles) == ({}, {"no-logs": Outcome.UNKNOWN})
