"""Logs in Loki. Against a double of its API, always; against the real one where `GONOGO_TEST_LOKI` names its program,
as `make test-loki` does."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gonogo.model.outcome import Outcome
from gonogo.probes import _marker
from gonogo.probes._watch import Clock
from tests.monitoring.loki_double import App, LokiDouble, push
from tests.monitoring.servers import Server, free_port
from tests.probes.conftest import Looked, MemoryContext, look_with

BOUND = "logs.indexed_seconds <= 300"
BACKEND = {"service": "backend", "level": "info"}
PROGRAM = os.environ.get("GONOGO_TEST_LOKI", "")
CONFIG = """
auth_enabled: {tenants}
server: {{http_listen_address: 127.0.0.1, http_listen_port: {port}, grpc_listen_port: {grpc}, log_level: warn}}
common:
  instance_addr: 127.0.0.1
  path_prefix: {directory}/data
  replication_factor: 1
  ring: {{kvstore: {{store: inmemory}}}}
  storage: {{filesystem: {{chunks_directory: {directory}/chunks, rules_directory: {directory}/rules}}}}
schema_config:
  configs:
  - {{from: 2025-01-01, store: tsdb, object_store: filesystem, schema: v13, index: {{prefix: index_, period: 24h}}}}
analytics: {{reporting_enabled: false}}
"""


@dataclass(frozen=True)
class Place:
    """A Loki to test against."""

    url: str
    tenants: bool = False


def real(directory: Path, *, tenants: bool) -> Server:
    port, grpc = free_port(), free_port()
    text = CONFIG.format(tenants=str(tenants).lower(), port=port, grpc=grpc, directory=directory)
    (directory / "loki.yml").write_text(text)
    return Server((PROGRAM, "-config.file=loki.yml"), directory, port, "/ready")


@pytest.fixture(scope="module", params=["double", *(["real"] if PROGRAM else [])])
def lokis(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, Place]]:
    """One that serves everybody, and one that asks for a tenant."""
    if request.param == "double":
        with LokiDouble() as one, LokiDouble(tenants=True) as other:
            yield Place(one.url), Place(other.url, tenants=True)
        return
    servers = [real(tmp_path_factory.mktemp("loki"), tenants=tenants) for tenants in (False, True)]
    try:
        for server in servers:
            server.start()
        yield Place(servers[0].url), Place(servers[1].url, tenants=True)
    finally:
        for server in servers:
            server.stop()


@pytest.fixture
def context(tmp_path: Path) -> MemoryContext:
    return MemoryContext(tmp_path, criteria=(BOUND,))


@pytest.fixture
def app() -> Iterator[App]:
    with App() as made:
        yield made


def shipping(app: App, loki: Place, *, tenant: str = "", off: float = 0.0, after: float = 0.0) -> None:
    """Ship each line of the application; its clock is `off`."""

    def ship(line: str) -> None:
        at = time.time() + off
        threading.Timer(after, push, (loki.url, line, at, BACKEND, tenant)).start()

    app.ship = ship


def ask(context: MemoryContext, loki: str, app: str, **params: Any) -> Looked:
    return look_with("loki", context, url=loki, app=app, **params)


def test_a_line_is_found_and_kept(lokis: tuple[Place, Place], app: App, context: MemoryContext) -> None:
    shipping(app, lokis[0])
    seen = ask(context, lokis[0].url, app.url, selector='{service="backend"}')
    assert seen.troubles == {}
    assert 0 < seen.values["logs.indexed_seconds"] < 60
    assert not [note for note in seen.reading.notes if "skew" in note]
    line = seen.capture.blob("line.txt")
    assert line is not None
    assert context.blobs[line.sha256].decode() in app.lines


def test_without_a_selector_the_labels_are_asked(lokis: tuple[Place, Place], app: App, context: MemoryContext) -> None:
    shipping(app, lokis[0], after=0.3)
    seen = ask(context, lokis[0].url, app.url)
    assert seen.troubles == {}
    assert seen.values["logs.indexed_seconds"] < 60
    assert any("{service" in note for note in seen.reading.notes)


def test_a_dead_log_path_fails_when_the_bound_is_over(
    lokis: tuple[Place, Place], app: App, context: MemoryContext
) -> None:
    context.criteria = ("logs.indexed_seconds <= 1",)
    shipping(app, lokis[0])
    ask(context, lokis[0].url, app.url)  # so that there are streams
    app.ship = lambda line: None
    seen = ask(context, lokis[0].url, app.url, wait=1.2)
    assert seen.troubles == {}
    assert seen.values["logs.indexed_seconds"] >= 1.2
    assert seen.findings == ["marker"]


def test_not_found_before_the_bound_is_unknown(lokis: tuple[Place, Place], app: App, context: MemoryContext) -> None:
    seen = ask(context, lokis[0].url, app.url, wait=0.5, selector='{service="backend"}')
    assert (seen.values, seen.troubles) == ({}, {"line-not-found": Outcome.UNKNOWN})


def test_a_tenant(lokis: tuple[Place, Place], app: App, context: MemoryContext) -> None:
    shipping(app, lokis[1], tenant="staging")
    assert ask(context, lokis[1].url, app.url, tenant="staging").values["logs.indexed_seconds"] < 60


def test_without_the_tenant_it_says_what_to_set(lokis: tuple[Place, Place], app: App, context: MemoryContext) -> None:
    seen = ask(context, lokis[1].url, app.url, selector='{service="backend"}')
    assert seen.troubles == {"refused": Outcome.UNKNOWN}
    assert seen.capture.troubles[0].help == "set `tenant`"


def test_another_tenants_lines_are_not_ours(lokis: tuple[Place, Place], app: App, context: MemoryContext) -> None:
    shipping(app, lokis[1], tenant="production")
    assert "logs.indexed_seconds" not in ask(context, lokis[1].url, app.url, tenant="other", wait=1).values


def test_a_wrong_selector_is_told(lokis: tuple[Place, Place], app: App, context: MemoryContext) -> None:
    seen = ask(context, lokis[0].url, app.url, selector="service=backend")
    assert seen.troubles == {"refused": Outcome.UNKNOWN}
    assert "parse error" in seen.capture.troubles[0].message


@pytest.mark.parametrize(("off", "word"), [(-120.0, "behind"), (120.0, "ahead of")])
def test_a_skewed_clock_of_the_application_is_named(
    off: float, word: str, lokis: tuple[Place, Place], app: App, context: MemoryContext
) -> None:
    shipping(app, lokis[0], off=off)
    seen = ask(context, lokis[0].url, app.url, selector='{service="backend"}')
    assert seen.values["logs.indexed_seconds"] < 60
    (note,) = [note for note in seen.reading.notes if "skew" in note]
    assert f"s {word} this machine's" in note


# --- with a clock of our own: the double only ------------------------------------------------------------------


@dataclass
class ClockDouble:
    """A clock that only waiting moves."""

    context: MemoryContext
    now: float = 0.0
    begun: float = field(default_factory=time.time)

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return not self.context.stopped.is_set()


@pytest.fixture
def clock(context: MemoryContext, monkeypatch: pytest.MonkeyPatch) -> ClockDouble:
    made = ClockDouble(context)
    monkeypatch.setattr(context, "wait", made.wait)
    ours = Clock("boot", lambda: made.now, lambda: made.begun + made.now)
    monkeypatch.setattr(_marker, "machine_clock", lambda: ours)
    return made


@pytest.fixture
def loki(clock: ClockDouble) -> Iterator[LokiDouble]:
    with LokiDouble(wall=lambda: clock.begun + clock.now) as made:
        yield made


def arrives(app: App, loki: LokiDouble, clock: ClockDouble, after: float) -> None:
    """The application's lines are in Loki so many seconds later."""
    kept: list[dict[str, Any]] = []

    def ship(line: str) -> None:
        at = str(int((clock.begun + clock.now) * 1e9))
        kept.append({"stream": BACKEND, "values": [[at, line]]})

    app.ship = ship
    wait = clock.wait

    def waited(seconds: float) -> bool:
        going = wait(seconds)
        if clock.now >= after and kept:
            loki.streams.setdefault("fake", []).append(kept.pop())
        return going

    clock.context.wait = waited  # type: ignore[method-assign]


@pytest.mark.parametrize("lag", [290.0, 310.0])
def test_s69_the_boundary_of_five_minutes(
    lag: float, app: App, loki: LokiDouble, clock: ClockDouble, context: MemoryContext
) -> None:
    arrives(app, loki, clock, lag)
    seen = ask(context, loki.url, app.url, selector='{service="backend"}')
    assert seen.values["logs.indexed_seconds"] == pytest.approx(lag, abs=2)
    assert seen.troubles == {}
    assert bool(context.failing(seen.reading)) == (lag > 300)


def test_s69_503_in_its_first_seconds_is_borne(
    app: App, loki: LokiDouble, clock: ClockDouble, context: MemoryContext
) -> None:
    loki.warm = lambda: clock.now >= 15
    arrives(app, loki, clock, 20)
    seen = ask(context, loki.url, app.url)
    assert (seen.values, seen.troubles) == ({"logs.indexed_seconds": 20.0}, {})
    assert any("Ingester not ready" in line for line in context.told)


def test_503_that_lasts_is_no_lag(app: App, loki: LokiDouble, clock: ClockDouble, context: MemoryContext) -> None:
    loki.warm = lambda: False
    seen = ask(context, loki.url, app.url)
    assert (seen.values, seen.troubles) == ({}, {"not-ready": Outcome.UNKNOWN})
    assert 30 <= clock.now < 60


def test_silence_when_the_time_is_up_is_no_lag(
    app: App, loki: LokiDouble, clock: ClockDouble, context: MemoryContext
) -> None:
    """It was away while the line may have come: nobody knows."""
    loki.warm = lambda: clock.now < 355
    seen = ask(context, loki.url, app.url, selector='{service="backend"}')
    assert (seen.values, seen.troubles) == ({}, {"not-ready": Outcome.UNKNOWN})


def test_a_gap_before_the_line_is_told(app: App, loki: LokiDouble, clock: ClockDouble, context: MemoryContext) -> None:
    loki.warm = lambda: not 10 <= clock.now < 30
    arrives(app, loki, clock, 12)
    seen = ask(context, loki.url, app.url, selector='{service="backend"}')
    assert seen.values == {"logs.indexed_seconds": 30.0}
    assert any("the lag may be smaller" in note for note in seen.reading.notes)


@pytest.mark.parametrize("criterion", [BOUND, "logs.indexed_seconds <= 900"])
def test_never_found(criterion: str, app: App, loki: LokiDouble, clock: ClockDouble, context: MemoryContext) -> None:
    context.criteria = (criterion,)
    seen = ask(context, loki.url, app.url)
    assert clock.now == pytest.approx(360, abs=3)
    if criterion == BOUND:
        assert seen.values["logs.indexed_seconds"] >= 360
        assert "the lag is greater" in seen.reading.notes
    else:
        assert (seen.values, seen.troubles) == ({}, {"line-not-found": Outcome.UNKNOWN})


def test_lokis_own_clock_is_compared(app: App, loki: LokiDouble, clock: ClockDouble, context: MemoryContext) -> None:
    loki.wall = lambda: clock.begun + clock.now - 90
    seen = ask(context, loki.url, app.url, selector='{service="backend"}')
    assert any("Loki's clock is 9" in note and "behind" in note for note in seen.reading.notes)


def test_an_application_that_does_not_answer_writes_no_line(loki: LokiDouble, context: MemoryContext) -> None:
    seen = ask(context, loki.url, f"http://127.0.0.1:{free_port()}")
    assert seen.troubles == {"unreachable": Outcome.UNKNOWN}
    assert "the application" in seen.capture.troubles[0].message
    assert not loki.queries


def test_the_marker_may_go_into_the_path(
    app: App, loki: LokiDouble, clock: ClockDouble, context: MemoryContext
) -> None:
    arrives(app, loki, clock, 1)
    seen = ask(context, loki.url, app.url, path="/health?trace={marker}", marker_header="")
    assert seen.values["logs.indexed_seconds"] == pytest.approx(2, abs=1)
    assert '"requestId": null' in app.lines[0]


def test_a_run_that_is_told_to_stop_stops(
    app: App, loki: LokiDouble, clock: ClockDouble, context: MemoryContext
) -> None:
    context.stopped.set()
    assert ask(context, loki.url, app.url).troubles == {"interrupted": Outcome.ERROR}
