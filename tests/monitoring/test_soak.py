"""The soak against real servers: what comes through, what ends it, and that `kill -9` does not."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gonogo.evidence.redact import Redactor
from gonogo.evidence.store import Store
from gonogo.model.checklist import Call
from gonogo.model.outcome import Outcome
from gonogo.model.release import Instance
from tests.engine.place import Place, gate, outcomes, verdict
from tests.monitoring.conftest import COMMIT
from tests.monitoring.servers import SWITCHES, Stack, until
from tests.probes.conftest import Looked, MemoryContext, look_with

LIVES = 'process_start_time_seconds{job="backend"}'
ERRORS = 'sum(rate(http_requests_total{code="500"}[3s])) / sum(rate(http_requests_total[3s]))'
LATENCY = "sum(rate(http_seconds_sum[3s])) / sum(rate(http_seconds_count[3s]))"


def ask(stack: Stack, context: MemoryContext, *criteria: str, **params: Any) -> Looked:
    context.criteria = criteria
    given = {
        "prometheus": stack.prometheus.url, "alertmanager": stack.alertmanager.url, "interval": 0.5, "gap": 5,
        "minutes": 0.05, "lives": LIVES, **params,
    }  # fmt: skip
    return look_with("soak", context, **given)


@contextmanager
def traffic(stack: Stack, *, slow: float = 0.1) -> Iterator[dict[str, float]]:
    """Counters of an application under load; what each request costs and how many fail can be changed."""
    said = {"failing": 0.0, "seconds": slow, "start": time.time()}
    done = threading.Event()

    def serve() -> None:
        good = bad = took = 0.0
        while not done.wait(0.05):
            bad += 5 * said["failing"]
            good += 5 * (1 - said["failing"])
            took += 5 * said["seconds"]
            more = f'http_requests_total{{code="200"}} {good}\nhttp_requests_total{{code="500"}} {bad}\n'
            more += f"http_seconds_sum {took}\nhttp_seconds_count {good + bad}\n"
            stack.app.release(COMMIT, start=said["start"], more=SWITCHES + more)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        until(lambda: stack.value(LATENCY) is not None)
        yield said
    finally:
        done.set()
        thread.join()


def test_a_healthy_release_soaks(stack: Stack, context: MemoryContext) -> None:
    with traffic(stack):
        seen = ask(
            stack, context, "alerts.firing == 0", "soak.restarts == 0", "soak.error_rate_pct < 1",
            "soak.latency_ms < 500", error_rate=ERRORS, latency=LATENCY,
        )  # fmt: skip
    assert seen.troubles == {}
    assert (seen.values["alerts.firing"], seen.values["soak.restarts"], seen.values["soak.error_rate_pct"]) == (0, 0, 0)
    assert seen.values["soak.latency_ms"] == pytest.approx(100, rel=0.2)
    assert seen.values["soak.minutes"] >= 0.05
    assert seen.values["alerts.quiet_minutes"] >= 0.05
    assert (seen.values["soak.gaps"], seen.values["soak.coverage_pct"]) == (0, 100)
    assert len(context.told) == seen.values["soak.samples"], "each sample shows a line"


def test_a_backend_that_stops_ends_it(stack: Stack, context: MemoryContext) -> None:
    context.once_told(stack.app.stop)
    start = time.monotonic()
    seen = ask(stack, context, "alerts.firing == 0", minutes=5, lives="", gap=60)
    assert time.monotonic() - start < 60
    assert (seen.values["alerts.firing"], seen.troubles) == (1, {})
    assert seen.findings[0].startswith("BackendDown{")
    assert seen.values["soak.minutes"] < 5


def test_s15_a_slow_crash_loop_is_a_restart(stack: Stack, context: MemoryContext) -> None:
    began = time.time()
    stack.app.release(COMMIT, start=began - 90, more=SWITCHES)
    until(lambda: stack.value(LIVES) == pytest.approx(began - 90, abs=0.01))
    context.once_told(lambda: stack.app.release(COMMIT, start=began, more=SWITCHES))
    seen = ask(stack, context, "soak.restarts == 0", minutes=1)
    assert seen.values["soak.restarts"] == 1
    assert seen.findings == [f"restart:{stack.app.address}"]
    assert seen.values["soak.minutes"] < 1


def test_an_endpoint_that_gets_slower_ends_it(stack: Stack, context: MemoryContext) -> None:
    with traffic(stack, slow=0.1) as said:
        context.once_told(lambda: said.update(seconds=0.16))
        seen = ask(stack, context, "soak.latency_ms <= 130.0", minutes=1, latency=LATENCY)
    assert seen.values["soak.latency_ms"] > 130
    assert seen.values["soak.minutes"] < 1


def test_errors_end_it_and_no_requests_say_nothing(stack: Stack, context: MemoryContext) -> None:
    nothing = ERRORS.replace("http_requests_total", "no_requests_total")
    silent = ask(stack, context, "soak.error_rate_pct < 1.0", error_rate=nothing, gap=1)
    assert silent.troubles == {"no-data": Outcome.UNKNOWN}
    assert "soak.error_rate_pct" not in silent.values
    assert "alerts.quiet_minutes" not in silent.values
    assert "soak.minutes" not in silent.values
    with traffic(stack) as said:
        said["failing"] = 0.2
        seen = ask(stack, context, "soak.error_rate_pct < 1.0", minutes=1, error_rate=ERRORS)
    assert 1 < seen.values["soak.error_rate_pct"] <= 25


def test_s63_prometheus_is_away_and_comes_back(stack: Stack, context: MemoryContext) -> None:
    """It was only paused: its start is the same, so a gap is all there is."""
    process = stack.prometheus.process
    assert process is not None

    def pause() -> None:
        os.kill(process.pid, signal.SIGSTOP)
        threading.Timer(2.5, lambda: os.kill(process.pid, signal.SIGCONT)).start()

    context.once_told(pause)
    seen = ask(stack, context, "alerts.firing == 0", timeout=0.8, minutes=0.1, gap=20)
    assert seen.troubles == {}
    assert seen.values["soak.gaps"] >= 1
    assert seen.values["soak.longest_gap_seconds"] >= 1
    assert seen.values["soak.coverage_pct"] < 100
    assert seen.values["soak.clock_restarts"] == 0


def test_s63_prometheus_stays_away(stack: Stack, context: MemoryContext) -> None:
    context.once_told(stack.prometheus.stop)
    seen = ask(stack, context, "alerts.firing == 0", minutes=1, gap=1.5)
    assert seen.troubles == {"unreachable": Outcome.UNKNOWN}
    assert "soak.minutes" not in seen.values, "not too short, but not seen"


def test_s64_prometheus_is_restarted(stack: Stack, context: MemoryContext) -> None:
    context.once_told(stack.prometheus.restart)
    seen = ask(stack, context, "alerts.firing == 0", minutes=0.05, gap=30, lives="")
    assert seen.troubles == {}
    assert seen.values["soak.clock_restarts"] == 1
    assert any("Prometheus was restarted" in note for note in seen.reading.notes)
    assert seen.values["soak.minutes"] >= 0.05


class TargetDouble:
    """A target of which only `instances` is asked."""

    def __init__(self, *looks: tuple[Instance, ...]) -> None:
        self.looks = list(looks)

    def url(self, name: str) -> str:
        return ""

    def load(self) -> Any:
        from gonogo.model.release import TargetState

        return TargetState()

    def instances(self) -> tuple[Instance, ...]:
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]


def instance(service: str = "backend", **more: Any) -> Instance:
    return Instance(**{"service": service, "id": "c1", "artifact": "sha256:1", "status": "running", **more})


@pytest.mark.parametrize(
    ("later", "restarts", "unhealthy"),
    [
        ((instance(),), 0, 0),
        ((instance(restarts=1),), 1, 0),
        ((instance(started="later"),), 1, 0),
        ((instance(id="c2"),), 1, 0),
        ((instance(status="restarting", restarts=1),), 1, 1),
        ((instance(health="unhealthy"),), 0, 1),
        ((instance(), instance("init", status="exited", one_shot=True)), 0, 0),
    ],
)
def test_s16_the_target_says_what_runs(
    later: tuple[Instance, ...], restarts: int, unhealthy: int, stack: Stack, context: MemoryContext
) -> None:
    context.place = TargetDouble((instance(),), (instance(),), later)  # type: ignore[assignment]
    seen = ask(stack, context, lives="", minutes=0.03)
    assert (seen.values["soak.restarts"], seen.values["soak.unhealthy"]) == (restarts, unhealthy)
    assert seen.troubles == {}


SLO = """
apiVersion: openslo/v1
kind: SLO
metadata: {name: availability}
spec:
  service: backend
  budgetingMethod: Occurrences
  timeWindow: [{duration: 28d, isRolling: true}]
  indicator:
    metadata: {name: good}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: Prometheus, spec: {query: 'sum(http_requests_total{code="200"})'}}}
        total: {metricSource: {type: Prometheus, spec: {query: 'sum(http_requests_total)'}}}
  objectives: [{displayName: most, target: 0.9}, {displayName: nearly all, target: 0.999}]
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: speed}
spec:
  service: backend
  indicator:
    metadata: {name: latency}
    spec:
      thresholdMetric:
        metricSource:
          type: Prometheus
          spec: {query: "sum(rate(http_seconds_sum[3s])) / sum(rate(http_seconds_count[3s]))"}
  objectives: [{op: lte, value: 0.5, target: 0.99}]
"""


def test_an_openslo_file_is_judged_over_the_watched_time(stack: Stack, context: MemoryContext) -> None:
    (context.root / "slo.yaml").write_text(SLO)
    with traffic(stack) as said:
        healthy = ask(stack, context, "slo.breached == 0", slo="slo.yaml")
        said["failing"] = 0.05
        until(lambda: (stack.value(ERRORS) or 0) > 0.04)
        failing = ask(stack, context, "slo.breached == 0", slo="slo.yaml")
    assert (healthy.values["slo.objectives"], healthy.values["slo.breached"], healthy.troubles) == (3, 0, {})
    assert (failing.values["slo.objectives"], failing.values["slo.breached"]) == (3, 1)
    assert [f.id for f in failing.reading.findings if f.family == "slo"] == ["availability/nearly all"]
    assert failing.values["soak.minutes"] >= 0.05, "a ratio is judged at the end: later requests may mend it"


# --- through the engine --------------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path) -> Place:
    root = tmp_path / "repository"
    root.mkdir()
    made = Place(root)
    made.git("init", "-q", "-b", "main")
    made.write("a.txt", "one\n")
    made.write(".gitignore", ".gonogo/\n")
    made.commit()
    return made


def soaking(stack: Stack, **params: Any) -> Any:
    given = {"prometheus": stack.prometheus.url, "lives": LIVES, "interval": 0.5, "gap": 20, "minutes": 0.15, **params}
    criteria = ("alerts.firing == 0", "soak.restarts == 0", f"soak.minutes >= {given['minutes']}")
    return gate("soak", Call("1", "soak", given, text="soak"), criteria=criteria)


def kept_samples(place: Place) -> list[Any]:
    for path in (place.state / "progress").glob("*/soak-1.json"):
        try:
            return list(json.loads(path.read_text())["facts"]["samples"])
        except (ValueError, OSError):
            return []
    return []


def test_a_soak_in_a_run_passes_and_leaves_nothing_behind(stack: Stack, place: Place) -> None:
    run = place.run(soaking(stack, minutes=0.05))
    assert outcomes(run) == {"soak": "PASS"}, verdict(run, "soak")
    assert any(said[0] == "output" and "watched" in said[2] for said in place.listener.said)
    assert list((place.state / "progress").glob("*/*")) == []


def test_it_goes_on_after_kill_9(stack: Stack, place: Place) -> None:
    child = place.start(soaking(stack, minutes=0.2, gap=200))
    until(lambda: len(kept_samples(place)) >= 10)
    child.kill()
    child.wait(120)
    before = kept_samples(place)
    run = place.resume()
    assert outcomes(run) == {"soak": "PASS"}, verdict(run, "soak")
    blob = verdict(run, "soak").captures[0].blob("facts.json")
    assert blob is not None
    with Store(place.state / "evidence", Redactor()).open(blob.sha256) as stored:
        samples = json.load(stored)["samples"]
    assert samples[: len(before)] == before, "what was seen before is part of the evidence"
    assert samples[-1]["clock"] - samples[len(before)]["clock"] < 10, "not all twelve seconds anew"
    assert kept_samples(place) == []


def test_s3_sigterm_in_a_soak_is_no_decision_and_can_be_resumed(stack: Stack, place: Place) -> None:
    child = place.start(soaking(stack, minutes=1))
    until(lambda: len(kept_samples(place)) >= 3)
    start = time.monotonic()
    child.terminate()
    assert child.wait(120) == 143
    assert time.monotonic() - start < 30
    view = place.view()
    assert view.decision is None
    assert len(kept_samples(place)) >= 3
