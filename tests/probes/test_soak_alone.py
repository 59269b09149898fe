"""A soak without Prometheus: the application's own metrics, and what the target says runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from gonogo.model.outcome import Outcome
from tests.monitoring.servers import App
from tests.probes.conftest import Looked, MemoryContext, look_with

COUNTERS = 'http_requests_total{{code="200"}} {good}\nhttp_requests_total{{code="500"}} {bad}\n'


@pytest.fixture
def app() -> Iterator[App]:
    made = App()
    made.start()
    yield made
    made.stop()


def ask(app: App, context: MemoryContext, *criteria: str, **params: object) -> Looked:
    context.criteria = criteria
    given = {"metrics": f"{app.url}/metrics", "minutes": 0.02, "interval": 0.2, "gap": 1, **params}
    return look_with("soak", context, **given)


def counted(app: App, context: MemoryContext, *criteria: str, good: int, bad: int, minutes: float = 0.02) -> Looked:
    """Soak while each look at the page finds so many more requests."""
    told = {"good": 0, "bad": 0, "looks": 0}
    start = time.time()

    def more() -> None:
        while not done.wait(0.05):
            told["good"], told["bad"] = told["good"] + good, told["bad"] + bad
            app.release("0" * 40, start=start, more=COUNTERS.format(**told))

    done = threading.Event()
    app.release("0" * 40, start=start, more=COUNTERS.format(**told))
    thread = threading.Thread(target=more)
    thread.start()
    selectors = {"requests": "http_requests_total", "errors": 'http_requests_total{code=~"5.."}'}
    try:
        return ask(app, context, *criteria, minutes=minutes, **selectors)
    finally:
        done.set()
        thread.join()


def test_a_healthy_application(app: App, context: MemoryContext) -> None:
    seen = counted(app, context, "soak.restarts == 0", "soak.error_rate_pct < 1.0", good=10, bad=0)
    assert seen.troubles == {}
    assert (seen.values["soak.error_rate_pct"], seen.values["soak.restarts"]) == (0, 0)
    assert seen.values["soak.minutes"] >= 0.02
    assert "alerts.firing" not in seen.values
    assert "alerts.quiet_minutes" not in seen.values
    assert any(note.startswith("alerts were not looked at") for note in seen.reading.notes)


def test_errors_end_it(app: App, context: MemoryContext) -> None:
    seen = counted(app, context, "soak.error_rate_pct < 1.0", good=8, bad=2, minutes=1)
    assert seen.values["soak.error_rate_pct"] == pytest.approx(20)
    assert seen.values["soak.minutes"] < 1


def test_no_request_is_no_proof(app: App, context: MemoryContext) -> None:
    seen = counted(app, context, "soak.error_rate_pct < 1.0", good=0, bad=0)
    assert seen.troubles == {"no-requests": Outcome.UNKNOWN}
    assert "soak.error_rate_pct" not in seen.values


def test_a_process_that_starts_anew_ends_it(app: App, context: MemoryContext) -> None:
    app.release("0" * 40)
    context.once_told(lambda: app.release("0" * 40, start=time.time() + 100))
    seen = ask(app, context, "soak.restarts == 0", minutes=1)
    assert seen.values["soak.restarts"] == 1
    assert seen.values["soak.minutes"] < 1


def test_a_process_that_goes_away_is_unknown(app: App, context: MemoryContext) -> None:
    app.release("0" * 40)
    context.once_told(app.stop)
    assert ask(app, context, "soak.restarts == 0", minutes=1).troubles == {"unreachable": Outcome.UNKNOWN}


@pytest.mark.parametrize(
    ("text", "slug"), [("a 1\n", "no-process-start"), ("<html>", "not-metrics"), ("", "not-metrics")]
)
def test_a_page_that_does_not_say_is_unknown(text: str, slug: str, app: App, context: MemoryContext) -> None:
    app.text = text
    assert ask(app, context, gap=0.2).troubles == {slug: Outcome.UNKNOWN}
