"""The prometheus probe against a real Prometheus: what is there, what is not, and what only looks so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gonogo.model.outcome import Outcome
from gonogo.model.plan import Subject
from tests.monitoring.conftest import COMMIT
from tests.monitoring.servers import RULES, SWITCHES, Stack, free_port, running, until
from tests.probes.conftest import Looked, MemoryContext, look_with

BROKEN_RULES = (
    RULES
    + """
- name: broken
  rules:
  - record: job:twice
    expr: label_replace(up, "x", "$1", "job", "(.*)") + on (x) group_left () up
  - alert: CannotFire
    expr: label_replace(up, "x", "$1", "job", "(.*)") + on (x) group_left () up
"""
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A healthy stack that no test changes."""
    with running(tmp_path_factory.mktemp("shared")) as made:
        made.app.release(COMMIT, more=SWITCHES)
        yield made.start().settled()


def ask(stack: Stack, tmp_path: Path, commit: str = COMMIT, **params: Any) -> Looked:
    context = MemoryContext(tmp_path, subject=Subject(commit=commit))
    return look_with("prometheus", context, url=stack.prometheus.url, **{"wait": 0, **params})


def rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def test_the_new_release_shows(shared: Stack, tmp_path: Path) -> None:
    seen = ask(shared, tmp_path)
    assert seen.values["metrics.version_matches"] is True
    assert (seen.values["metrics.targets"], seen.values["metrics.targets_down"]) == (1, 0)
    assert (seen.values["prometheus.rules"], seen.values["prometheus.rules_broken"]) == (3, 0)
    assert seen.troubles == {}
    assert "metrics.started_after_deploy" not in seen.values
    assert any("`deployed_at` is not set" in note for note in seen.reading.notes)
    for kept in (b'"query"', b"app_build_info", b'"version":"2', b'"resultType":"vector"'):
        assert kept in seen.stored or kept == b'"query"'


def test_another_release_is_seen_as_such(shared: Stack, tmp_path: Path) -> None:
    seen = ask(shared, tmp_path, commit="f" * 40)
    assert seen.values["metrics.version_matches"] is False
    assert seen.findings == [f"release:{shared.app.address}"]


def test_a_process_that_is_older_than_the_deploy(shared: Stack, tmp_path: Path) -> None:
    """The right release, but started before: whatever was deployed, it is not this process."""
    now = time.time()
    before, after = (ask(shared, tmp_path, deployed_at=rfc3339(now + shift)) for shift in (-3600, 3600))
    assert (before.values["metrics.version_matches"], before.values["metrics.started_after_deploy"]) == (True, True)
    assert (after.values["metrics.version_matches"], after.values["metrics.started_after_deploy"]) == (False, False)
    assert after.findings == [f"started:{shared.app.address}"]


def test_a_version_that_is_no_commit_is_not_compared(shared: Stack, tmp_path: Path) -> None:
    seen = ask(shared, tmp_path, release_label="version")
    assert seen.troubles == {"release-unclear": Outcome.UNKNOWN}
    assert ask(shared, tmp_path, release_label="version", expect="1.4.0").values["metrics.version_matches"] is True
    assert ask(shared, tmp_path, release_label="version", expect="1.4").values["metrics.version_matches"] is False
    assert ask(shared, tmp_path, commit="").troubles == {"release-unclear": Outcome.UNKNOWN}


@pytest.mark.parametrize(
    ("query", "slug"),
    [
        ("no_such_metric", "no-data"),
        ('up{job="elsewhere"}', "no-data"),
        ("up / 0 - up / 0", "not-a-number"),
        ("up / 0", "not-a-number"),
        ("scalar(no_such_metric)", "not-a-number"),
        ("up[1m]", "not-instant"),
        ('"text"', "not-instant"),
        ("up(", "refused"),
        ("sum(rate(http_requests_total[5m]))", "no-data"),
    ],
)
def test_what_is_no_value(query: str, slug: str, shared: Stack, tmp_path: Path) -> None:
    seen = ask(shared, tmp_path, query=query)
    assert seen.troubles == {slug: Outcome.UNKNOWN}
    assert not {"prometheus.value", "prometheus.max", "prometheus.series"} & set(seen.values)


@pytest.mark.parametrize(
    ("query", "value"), [("up", 1.0), ("vector(0)", 0.0), ("1 - 3", -2.0), ("absent(no_such_metric)", 1.0)]
)
def test_any_query_is_an_observation(query: str, value: float, shared: Stack, tmp_path: Path) -> None:
    seen = ask(shared, tmp_path, query=query)
    assert seen.values["prometheus.value"] == value
    assert seen.troubles == {}
    assert query.encode() in seen.stored


def test_of_several_series_there_is_no_one_value(shared: Stack, tmp_path: Path) -> None:
    seen = ask(shared, tmp_path, query='{__name__=~"broken_switch|app_build_info"}')
    assert "prometheus.value" not in seen.values
    assert (seen.values["prometheus.min"], seen.values["prometheus.max"], seen.values["prometheus.series"]) == (0, 1, 2)


def test_a_job_that_has_no_target_says_nothing(shared: Stack, tmp_path: Path) -> None:
    seen = ask(shared, tmp_path, query="vector(1)", job="frontend")
    assert seen.troubles == {"no-targets": Outcome.UNKNOWN}


def test_s65_no_target_at_all(tmp_path: Path) -> None:
    with running(tmp_path / "stack", jobs={}) as stack:
        stack.start(alertmanager=False)
        seen = ask(stack, tmp_path, query="vector(1)")
        assert seen.troubles == {"no-targets": Outcome.UNKNOWN}
        assert "prometheus.value" not in seen.values


def test_s65_a_broken_recording_rule_looks_inactive(stack: Stack, tmp_path: Path) -> None:
    stack.app.stop()
    other = free_port()
    stack.jobs = {"backend": [stack.app.address, f"127.0.0.1:{other}"]}
    stack.rules = BROKEN_RULES
    stack.configure()
    stack.app.start()
    stack.prometheus.restart()
    stack.settled()
    until(lambda: "err" in stack.rule_health())
    seen = ask(stack, tmp_path, query="job:twice")
    assert seen.troubles == {"rule-broken": Outcome.UNKNOWN}
    assert seen.values["prometheus.rules_broken"] == 2
    assert set(seen.findings) == {"job:twice", "CannotFire"}
    release = ask(stack, tmp_path)
    assert release.troubles == {"target-down": Outcome.UNKNOWN}, "what runs on the other instance is not seen"
    assert release.values["metrics.targets_down"] == 1


def test_a_target_that_was_never_scraped_is_waited_for(tmp_path: Path) -> None:
    with running(tmp_path / "stack") as stack:
        stack.app.release(COMMIT)
        stack.start(alertmanager=False)
        at_once = ask(stack, tmp_path)
        assert set(at_once.troubles) & {"no-targets", "target-unknown", "no-series"}
        seen = ask(stack, tmp_path, wait=40)
        assert seen.values["metrics.version_matches"] is True
        assert seen.troubles == {}


def test_an_old_release_that_is_replaced_is_waited_for(stack: Stack, tmp_path: Path) -> None:
    assert ask(stack, tmp_path, commit="e" * 40).values["metrics.version_matches"] is False
    stack.app.release("e" * 40)
    assert ask(stack, tmp_path, commit="e" * 40, wait=20).values["metrics.version_matches"] is True


def test_samples_that_are_not_scraped_any_more_are_stale(stack: Stack, tmp_path: Path) -> None:
    """An application that exposes its own old timestamps: Prometheus shows them for five minutes, as if new."""
    old = int((time.time() - 60) * 1000)
    stack.app.release(COMMIT, more=SWITCHES + f"queue_length 7 {old}\n")
    until(lambda: stack.value("queue_length") == 7)
    seen = ask(stack, tmp_path, query="sum(queue_length)")
    assert seen.troubles == {"stale-series": Outcome.UNKNOWN}
    assert "prometheus.value" not in seen.values
    assert ask(stack, tmp_path, query="sum(queue_length)", oldest=200).values["prometheus.value"] == 7


def test_an_instance_that_is_up_and_names_no_release(stack: Stack, tmp_path: Path) -> None:
    from tests.monitoring.servers import App

    other = App("something_else 1\n")
    other.start()
    try:
        stack.jobs = {"backend": [stack.app.address, other.address]}
        stack.configure()
        stack.prometheus.restart()
        stack.settled()
        seen = ask(stack, tmp_path)
        assert seen.values["metrics.version_matches"] is False
        assert seen.findings == [f"silent:{other.address}"]
    finally:
        other.stop()
