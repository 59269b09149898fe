"""Metrics straight from an application: both text formats, and everything that only looks like one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonogo.model.outcome import Outcome
from gonogo.model.plan import Subject
from gonogo.model.release import Release, TargetState
from gonogo.probes._exposition import NotMetrics, parse, select
from gonogo.probes._promql import selectors
from tests.monitoring.servers import App
from tests.probes.conftest import Looked, MemoryContext, look_with

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PAGE = r"""
# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{code="200",path="/a \"quoted\" \\ path"} 1027 1395066363000
http_requests_total{code="500",path="/b"} 3
http_requests_total{code="503",path="/b",} 4
temperature -1.5e+1
odd NaN
endless +Inf
"""


@pytest.fixture
def app() -> Iterator[App]:
    made = App()
    made.start()
    yield made
    made.stop()


def ask(app: App, tmp_path: Path, commit: str = COMMIT, place: Any = None, **params: Any) -> Looked:
    context = MemoryContext(tmp_path, subject=Subject(commit=commit))
    context.place = place
    return look_with("metrics", context, **{"url": f"{app.url}/metrics", "wait": 0, **params})


def test_the_release_and_a_value(app: App, tmp_path: Path) -> None:
    app.release(COMMIT[:12], more=PAGE)
    seen = ask(app, tmp_path, select='http_requests_total{code=~"5.."}')
    assert seen.values == {"metrics.series": 8, "metrics.value": 7.0, "metrics.version_matches": True}
    assert seen.troubles == {}
    assert b'http_requests_total{code="500"' in seen.stored, "the page itself is kept"


def test_another_release_and_an_older_process(app: App, tmp_path: Path) -> None:
    app.release("f" * 40)
    assert ask(app, tmp_path).values["metrics.version_matches"] is False
    app.release(COMMIT, start=time.time() - 600)
    deployed = datetime.fromtimestamp(time.time() - 60, UTC).isoformat()
    seen = ask(app, tmp_path, deployed_at=deployed)
    assert (seen.values["metrics.version_matches"], seen.values["metrics.started_after_deploy"]) == (False, False)
    app.text = f'app_build_info{{commit="{COMMIT}"}} 1\n'
    assert ask(app, tmp_path, deployed_at=deployed).troubles == {"no-process-start": Outcome.UNKNOWN}


class Remembering:
    """A target double of which only its memory is asked."""

    def __init__(self, *releases: Release, current: int = 0) -> None:
        self.state = TargetState(current=current or len(releases), releases=releases)

    def url(self, name: str) -> str:
        return ""

    def load(self) -> TargetState:
        return self.state


def release(number: int, minutes_ago: float, commit: str = COMMIT, **more: Any) -> Release:
    return Release(number, commit, made=datetime.fromtimestamp(time.time() - 60 * minutes_ago, UTC).isoformat(), **more)


@pytest.mark.parametrize(
    ("deployed", "matches"),
    [
        ((), None),
        (((1, 5),), False),
        (((1, 20),), True),
        (((1, 20), (2, 5)), True),
        (((1, 20), (2, 5, COMMIT, "other")), False),
        (((1, 20), (2, 8, "e" * 40), (3, 5)), False),
        (((1, 20, "e" * 40),), None),
    ],
    ids=["none", "deployed after", "before", "the same twice", "configured anew", "there and back", "another"],
)
def test_the_target_remembers_when_it_was_deployed(
    deployed: tuple[tuple[Any, ...], ...], matches: bool | None, app: App, tmp_path: Path
) -> None:
    """The process is ten minutes old; releases are given as number, age in minutes, commit, configuration."""
    app.release(COMMIT, start=time.time() - 600)
    releases = [release(*one[:3], config="".join(one[3:])) for one in deployed]
    seen = ask(app, tmp_path, place=Remembering(*releases))
    assert seen.values.get("metrics.started_after_deploy") is matches
    assert seen.values["metrics.version_matches"] is (matches is not False)


@pytest.mark.parametrize(
    ("text", "media", "slug"),
    [
        ("", "text/plain", "not-metrics"),
        ("# HELP a b\n", "text/plain", "not-metrics"),
        ("<html>log in</html>", "text/html", "not-metrics"),
        ('{"status": "ok"}', "application/json", "not-metrics"),
        ("a 1\nb", "text/plain", "not-metrics"),
        ("a one\n", "text/plain", "not-metrics"),
        ("a 1\n", "application/openmetrics-text; version=1.0.0", "not-metrics"),
        ("a 1\n", "text/plain", "no-series"),
    ],
)
def test_what_is_no_page_of_metrics(text: str, media: str, slug: str, app: App, tmp_path: Path) -> None:
    app.text, app.media = text, media
    seen = ask(app, tmp_path)
    assert seen.troubles == {slug: Outcome.UNKNOWN}
    assert "metrics.version_matches" not in seen.values


@pytest.mark.parametrize(
    ("selector", "slug"),
    [("nothing_of_it", "no-data"), ("odd", "not-a-number"), ("endless", "not-a-number"), ("a{", "bad-selector")],
)
def test_what_is_no_value(selector: str, slug: str, app: App, tmp_path: Path) -> None:
    app.text = PAGE
    seen = ask(app, tmp_path, select=selector)
    assert seen.troubles == {slug: Outcome.UNKNOWN}
    assert "metrics.value" not in seen.values


def test_openmetrics_with_exemplars_and_its_end() -> None:
    text = 'a_bucket{le="1"} 8 # {trace_id="x"} 0.67 1.5\na_total 17.0 1520879607.789\n# EOF\n'
    assert [(p.name, p.value) for p in parse(text, openmetrics=True)] == [("a_bucket", 8), ("a_total", 17)]


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("http_requests_total", 3),
        ('http_requests_total{code="500"}', 1),
        ('http_requests_total{code!="200", path="/b"}', 2),
        ("http_requests_total{code!~'5..'}", 1),
        ('{code=~"50[03]"}', 2),
        ('http_requests_total{no_such_label=""}', 3),
        ('http_requests_total{path="/a \\"quoted\\" \\\\ path"}', 1),
    ],
)
def test_a_selector_chooses_as_promql_does(selector: str, found: int) -> None:
    assert len(select(parse(PAGE), selector)) == found


@given(st.text(alphabet='ab{}="\\, \n1#', max_size=60))
def test_any_text_is_metrics_or_not_metrics(text: str) -> None:
    with suppress(NotMetrics):
        assert parse(text)


def test_a_page_that_is_made_to_be_slow_is_not() -> None:
    start = time.process_time()
    with pytest.raises(NotMetrics):
        parse("a{" + 'b="c"  ' * 20_000 + "\n")
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("up", ("up",)),
        ('up{job="a{b}"} == 0', ('up{job="a{b}"}',)),
        ("sum by (code) (rate(http_requests_total[5m])) / 2", ("http_requests_total",)),
        ("a and on (instance) b unless c", ("a", "b", "c")),
        ('label_replace(up, "x", "$1", "job", "(.*)") + on (x) group_left () up', ("up",)),
        ("histogram_quantile(0.95, sum(rate(http_bucket[5m])) by (le)) > bool 1.5", ("http_bucket",)),
        ("job:errors:rate5m offset 5m", ("job:errors:rate5m",)),
        ('{__name__=~"a|b"}', ('{__name__=~"a|b"}',)),
        ("vector(1) # up", ()),
        ("1e3 > inf", ()),
    ],
)
def test_the_selectors_of_a_query(query: str, found: tuple[str, ...]) -> None:
    assert selectors(query) == found
