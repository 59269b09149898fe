"""The health of the stack. Grafana and Loki are doubles of their APIs; the real Prometheus is in `tests/monitoring`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from gonogo.model.outcome import Outcome
from gonogo.model.release import TargetSpec
from tests.probes.conftest import Look, MemoryContext

INGESTER = "Ingester not ready: waiting for 15s after being ready\n"


@pytest.fixture
def double(httpserver: HTTPServer) -> HTTPServer:
    """Paths of Grafana and Loki answer as those do."""
    said = {"commit": "abc", "database": "ok", "version": "11.2.0"}
    httpserver.expect_request("/api/health").respond_with_json(said)
    httpserver.expect_request("/ready").respond_with_data("ready\n", content_type="text/plain")
    return httpserver


class TargetDouble:
    """A target that knows of no further URL."""

    def url(self, name: str) -> str:
        return ""


def base(server: HTTPServer) -> str:
    return server.url_for("").rstrip("/")


def test_grafana_and_loki_are_up(look: Look, double: HTTPServer) -> None:
    seen = look("monitoring", grafana=base(double), loki=base(double))
    assert seen.values == {"grafana.healthy": True, "loki.healthy": True}
    assert seen.troubles == {}
    assert "Grafana 11.2.0, database ok" in seen.reading.notes
    assert any("`prometheus` is not set" in note for note in seen.reading.notes)


def test_the_target_says_where_they_are(look: Look, context: MemoryContext, double: HTTPServer) -> None:
    context.spec = TargetSpec("staging", "double", urls={"loki": base(double)})
    context.place = TargetDouble()  # type: ignore[assignment]
    assert look("monitoring", grafana=base(double)).values == {"grafana.healthy": True, "loki.healthy": True}


def test_grafana_without_its_database_is_not_healthy(look: Look, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/health").respond_with_json({"database": "failing", "version": "11.2.0"})
    seen = look("monitoring", grafana=base(httpserver), warm_up=0)
    assert seen.values == {"grafana.healthy": False}


def answers(*said: tuple[int, str]) -> Any:
    rest = list(said)

    def answer(_: Request) -> Response:
        status, body = rest.pop(0) if len(rest) > 1 else rest[0]
        return Response(body, status=status)

    return answer


def test_s69_loki_warms_up(look: Look, context: MemoryContext, httpserver: HTTPServer) -> None:
    """503 for its first 15 s is its habit."""
    httpserver.expect_request("/ready").respond_with_handler(answers((503, INGESTER), (200, "ready\n")))
    seen = look("monitoring", loki=base(httpserver), warm_up=20)
    assert (seen.values, seen.troubles) == ({"loki.healthy": True}, {})
    assert any("Ingester not ready" in line for line in context.told)


def test_loki_that_never_gets_warm_is_not_healthy(look: Look, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/ready").respond_with_handler(answers((503, INGESTER)))
    seen = look("monitoring", loki=base(httpserver), warm_up=1.2)
    assert (seen.values, seen.troubles) == ({"loki.healthy": False}, {})
    assert any("Loki says 503: Ingester not ready" in note for note in seen.reading.notes)


@pytest.mark.parametrize(
    ("part", "path", "slug"),
    [("loki", "/ready", "not-understood"), ("grafana", "/api/health", "not-json")],
)
def test_s71_a_login_page_is_not_the_service(
    part: str, path: str, slug: str, look: Look, httpserver: HTTPServer
) -> None:
    httpserver.expect_request(path).respond_with_data("<html>log in</html>", content_type="text/html")
    seen = look("monitoring", **{part: base(httpserver)})
    assert (seen.values, seen.troubles) == ({}, {slug: Outcome.UNKNOWN})


def test_one_that_is_away_takes_nothing_from_the_others(look: Look, double: HTTPServer) -> None:
    given: Mapping[str, Any] = {"grafana": base(double), "loki": "http://127.0.0.1:1", "warm_up": 0}
    seen = look("monitoring", **given)
    assert seen.values == {"grafana.healthy": True}
    assert seen.troubles == {"unreachable": Outcome.UNKNOWN}
    assert json.loads(seen.stored.splitlines()[-1])["parts"]["grafana"]["healthy"] is True


def test_told_to_stop_it_stops(look: Look, context: MemoryContext) -> None:
    context.stopped.set()
    assert look("monitoring", loki="http://127.0.0.1:1").troubles == {"interrupted": Outcome.ERROR}
