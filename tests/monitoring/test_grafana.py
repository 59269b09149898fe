"""Grafana, by a double of its API and of its page; the browser that takes the pictures is a real Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gonogo.model.outcome import Outcome
from gonogo.probes._png import size_of
from tests.monitoring.grafana_double import GrafanaDouble, frame, lines, panel, png
from tests.monitoring.servers import need
from tests.monitoring.serving import Answer, Serving
from tests.probes.conftest import Looked, MemoryContext, look_with

NOWHERE = {"browser": "/nowhere/chromium"}


@pytest.fixture
def context(tmp_path: Path) -> MemoryContext:
    return MemoryContext(tmp_path)


@pytest.fixture
def grafana() -> Iterator[GrafanaDouble]:
    with GrafanaDouble() as made:
        yield made


def ask(context: MemoryContext, grafana: GrafanaDouble, **params: Any) -> Looked:
    return look_with("grafana", context, url=grafana.url, **{"wait": 0, "patience": 60, **params})


def kept(seen: Looked, context: MemoryContext, name: str) -> bytes:
    blob = seen.capture.blob(name)
    assert blob is not None, [one.name for one in seen.capture.blobs]
    assert blob.media_type == ("image/png" if name.endswith(".png") else "text/plain")
    return context.blobs[blob.sha256]


def pictures(seen: Looked) -> list[str]:
    return [blob.name for blob in seen.capture.blobs if blob.media_type.startswith("image/")]


# --- by its renderer -------------------------------------------------------------------------------------------


def test_its_renderer_takes_the_picture(grafana: GrafanaDouble, context: MemoryContext) -> None:
    grafana.settings, grafana.renderer = {"rendererAvailable": True}, "real"
    seen = ask(context, grafana, **NOWHERE)
    assert seen.troubles == {}
    assert seen.values == {
        "grafana.healthy": True, "grafana.sources": 1, "grafana.sources_unhealthy": 0, "dashboards.missing": 0,
        "dashboards.pictured": 1, "dashboards.placeholders": 0, "dashboards.panels": 1,
        "dashboards.panels_without_data": 0, "dashboards.panels_failed": 0,
    }  # fmt: skip
    assert size_of(kept(seen, context, "board.png")) == (1283, 8 * 38 + 100)
    words = kept(seen, context, "board.png.txt").decode()
    assert words.startswith("Dashboard Board, at 20")
    assert "Requests (sum(rate(requests[1m]))):\n  service=backend = 4.25" in words


def test_a_dashboard_higher_than_the_renderer_goes(grafana: GrafanaDouble, context: MemoryContext) -> None:
    grafana.settings, grafana.renderer = {"rendererAvailable": True}, "real"
    grafana.panels[0]["gridPos"]["h"] = 100
    seen = ask(context, grafana, **NOWHERE)
    assert size_of(kept(seen, context, "board.png")) == (1283, 3000)
    assert any("its upper part" in note for note in seen.reading.notes)


def test_s70_a_placeholder_is_no_picture(grafana: GrafanaDouble, context: MemoryContext) -> None:
    grafana.settings, grafana.renderer = {}, "placeholder"
    seen = ask(context, grafana, **NOWHERE)
    assert seen.troubles == {"placeholder": Outcome.UNKNOWN}
    assert (seen.values["dashboards.pictured"], seen.values["dashboards.placeholders"]) == (0, 1)
    assert seen.findings == ["dashboard:board"]
    assert pictures(seen) == []


def test_s70_a_placeholder_is_told_by_its_size_alone() -> None:
    assert size_of(png(1283, 404)) == (1283, 404)
    assert size_of(png(4, 4)[:-3]) is None
    assert size_of(b"<html>log in</html>") is None
    assert size_of(b"") is None


def test_a_login_page_from_the_renderer_is_no_picture(grafana: GrafanaDouble, context: MemoryContext) -> None:
    grafana.settings = {"rendererAvailable": True}
    seen = ask(context, grafana, **NOWHERE)
    assert seen.troubles == {"refused": Outcome.UNKNOWN}
    assert pictures(seen) == []


# --- by Chromium -----------------------------------------------------------------------------------------------


@pytest.fixture
def chromium() -> None:
    need("chromium")


@dataclass
class OtherServer(Serving):
    """Somebody else, whom a page asks for a picture."""

    seen: list[Mapping[str, str]] = field(default_factory=list)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.seen.append(headers)
        return 200, {"Content-Type": "image/png"}, png(4, 4)


@pytest.mark.usefixtures("chromium")
def test_without_a_renderer_chromium_does_with_the_token(grafana: GrafanaDouble, context: MemoryContext) -> None:
    grafana.token = "swordfish-4711"
    with OtherServer() as other:
        grafana.more = f"<img src='{other.url}/logo.png'>"
        seen = ask(context, grafana, headers={"Authorization": "Bearer swordfish-4711"})
    assert seen.troubles == {}
    assert seen.values["dashboards.pictured"] == 1
    assert size_of(kept(seen, context, "board.png")) == (1283, 8 * 38 + 100)
    assert "/render/d/board/_" not in grafana.asked
    (headers,) = other.seen
    assert "authorization" not in headers
    assert b"swordfish" not in seen.stored


@pytest.mark.usefixtures("chromium")
def test_s70_a_placeholder_is_replaced_by_a_picture(grafana: GrafanaDouble, context: MemoryContext) -> None:
    grafana.settings, grafana.renderer = {}, "placeholder"
    seen = ask(context, grafana)
    assert (seen.troubles, seen.findings) == ({}, [])
    assert (seen.values["dashboards.pictured"], seen.values["dashboards.placeholders"]) == (1, 0)


@pytest.mark.usefixtures("chromium")
def test_a_panel_that_loads_for_ever_is_no_picture(grafana: GrafanaDouble, context: MemoryContext) -> None:
    grafana.more = '<div aria-label="Panel loading bar">…</div>'
    seen = ask(context, grafana, patience=8)
    assert seen.troubles == {"not-loaded": Outcome.UNKNOWN}
    assert "parts are still loading" in seen.reading.troubles[0].message
    assert pictures(seen) == []


@pytest.mark.usefixtures("chromium")
def test_where_values_hold_a_secret_the_renderer_is_not_asked(grafana: GrafanaDouble, context: MemoryContext) -> None:
    """It takes a picture of what it shows; the browser covers it."""
    context.secrets.append("correct-horse")
    grafana.settings, grafana.renderer = {"rendererAvailable": True}, "real"
    grafana.frames = [frame(1.0, password="correct-horse")]
    seen = ask(context, grafana)
    assert "/render/d/board/_" not in grafana.asked
    assert seen.values["dashboards.pictured"] == 1
    assert any("covered" in note for note in seen.reading.notes)


# --- what it says ----------------------------------------------------------------------------------------------


def test_a_dashboard_that_is_not_there(grafana: GrafanaDouble, context: MemoryContext) -> None:
    seen = ask(context, grafana, dashboards=("other",))
    assert seen.troubles == {"no-dashboard": Outcome.UNKNOWN}
    assert seen.values["dashboards.missing"] == 1
    assert seen.findings == ["dashboard:other"]


@pytest.mark.parametrize("said", [(400, {"status": "ERROR", "message": "connection refused"}), (404, {})])
def test_a_data_source_that_cannot_be_asked(
    said: tuple[int, dict[str, str]], grafana: GrafanaDouble, context: MemoryContext
) -> None:
    grafana.sources["prometheus"] = said
    grafana.sources["loki"] = (200, {"status": "OK", "message": ""})
    seen = ask(context, grafana, sources=("loki",), **NOWHERE)
    assert (seen.values["grafana.sources"], seen.values["grafana.sources_unhealthy"]) == (2, 1)
    assert seen.findings == ["source:prometheus"]


def test_its_database_is_not_well(grafana: GrafanaDouble, context: MemoryContext) -> None:
    grafana.database = "failing"
    assert ask(context, grafana, **NOWHERE).values["grafana.healthy"] is False


def test_a_dashboard_without_any_data_is_unknown(grafana: GrafanaDouble, context: MemoryContext) -> None:
    grafana.settings, grafana.renderer, grafana.frames = {"rendererAvailable": True}, "real", []
    seen = ask(context, grafana)
    assert seen.troubles == {"no-data": Outcome.UNKNOWN}
    assert seen.values["dashboards.panels_without_data"] == 1


def test_it_waits_until_there_is_data(grafana: GrafanaDouble, context: MemoryContext) -> None:
    grafana.settings, grafana.renderer, grafana.silent = {"rendererAvailable": True}, "real", 2
    context.wait = lambda seconds: True  # type: ignore[method-assign]
    seen = ask(context, grafana, wait=60)
    assert (seen.troubles, seen.values["dashboards.pictured"]) == ({}, 1)
    assert context.told == ["`Board` has no data yet"] * 2


def test_told_to_stop_it_stops(grafana: GrafanaDouble, context: MemoryContext) -> None:
    grafana.frames = []
    context.stopped.set()
    assert ask(context, grafana, wait=60, **NOWHERE).troubles == {"interrupted": Outcome.ERROR}


def test_panels_of_folded_rows_variables_errors_and_logs(grafana: GrafanaDouble, context: MemoryContext) -> None:
    grafana.settings, grafana.renderer = {"rendererAvailable": True}, "real"
    current = {"value": ["web", "api"]}
    grafana.model = {"templating": {"list": [{"name": "service", "current": current}]}}
    inner = panel("Errors", 'errors{service=~"${service:regex}"}[$__interval]')
    broken = panel("Broken", "sum(")
    grafana.panels = [{"type": "row", "title": "Row", "panels": [inner]}, broken, {"type": "text", "title": "Words"}]
    grafana.errors = {"sum(": "bad_data: parse error"}
    grafana.frames = [lines("one", "two")]
    seen = ask(context, grafana)
    assert grafana.queries[0]["expr"] == 'errors{service=~"web|api"}[$__interval]'
    assert seen.values["dashboards.panels"] == 2
    assert seen.values["dashboards.panels_failed"] == 1
    assert seen.findings == ["panel:Broken"]
    words = kept(seen, context, "board.png.txt").decode()
    assert "  2 lines" in words
    assert "Broken (sum():\n  bad_data: parse error" in words


def test_without_a_token_it_says_what_to_give(grafana: GrafanaDouble, context: MemoryContext) -> None:
    grafana.token = "swordfish"
    seen = ask(context, grafana)
    assert seen.troubles == {"refused": Outcome.UNKNOWN}
    assert "Authorization" in seen.capture.troubles[0].help


def test_what_is_stored_is_read_again_alike(grafana: GrafanaDouble, context: MemoryContext) -> None:
    grafana.settings, grafana.renderer = {"rendererAvailable": True}, "real"
    facts = ask(context, grafana).capture.blob("facts.json")
    assert facts is not None
    assert json.loads(context.blobs[facts.sha256])["dashboards"][0]["by"] == "its renderer"
