"""Runs whose every word goes to servers that take it: the traces, events and metrics that arrive."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from gonogo.config import gather
from gonogo.probes._exposition import parse
from gonogo.telemetry.watched import Watched
from tests.engine.place import Heard, Place, call, gate, registry
from tests.monitoring.servers import Server, free_port, need
from tests.telemetry.receiver import Receiver, Taken, receiving
from tests.telemetry.watching import GATES, SECRET, WAITS, Watching

# --- traces --------------------------------------------------------------------------------------------------


def traced(server: Receiver) -> tuple[dict[str, Span], dict[str, str]]:
    """The spans by name, and the attributes of their resource, as the collector double decodes them."""
    (taken,) = server.taken
    assert (taken.path, taken.headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
    (resource,) = ExportTraceServiceRequest.FromString(taken.body).resource_spans
    spans = {span.name: span for scope in resource.scope_spans for span in scope.spans}
    return spans, {pair.key: pair.value.string_value for pair in resource.resource.attributes}


def said(span: Span) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in span.attributes if pair.value.HasField("string_value")}


def test_one_span_for_each_gate_with_error_told_from_failure(
    watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"api-key={SECRET}")
        monkeypatch.setenv("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        view = watching.run(*GATES, traces=True)
        spans, resource = traced(server)
    assert view.exit_code == 1
    assert not watching.notes
    assert resource["service.name"] == "gonogo"
    assert server.taken[0].headers["api-key"] == SECRET
    run = spans.pop("RUN A checklist")
    assert said(run)["cicd.pipeline.run.id"] == view.id
    assert said(run)["cicd.pipeline.result"] == "failure"
    assert (run.kind, run.parent_span_id.hex()) == (Span.SPAN_KIND_SERVER, "b7ad6b7169203331")
    results = {
        name: (said(span)["cicd.pipeline.task.run.result"], said(span).get("error.type"))
        for name, span in spans.items()
    }
    assert results == {
        "good": ("success", None),
        "bad": ("failure", "FAIL"),
        "gone": ("error", "ERROR"),
        "later": ("skip", None),
    }
    assert {name: span.status.code for name, span in spans.items()} == {
        "good": Status.STATUS_CODE_UNSET,
        "bad": Status.STATUS_CODE_ERROR,
        "gone": Status.STATUS_CODE_ERROR,
        "later": Status.STATUS_CODE_UNSET,
    }
    assert {span.trace_id.hex() for span in (run, *spans.values())} == {"0af7651916cd43dd8448eb211c80319c"}
    assert {span.parent_span_id for span in spans.values()} == {run.span_id}
    assert all(run.start_time_unix_nano <= spans[n].start_time_unix_nano <= spans[n].end_time_unix_nano for n in spans)
    assert SECRET.encode() not in server.taken[0].body


def test_traces_by_another_name_and_none_where_the_sdk_is_off(
    watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{server.url}/v1/traces")
        monkeypatch.setenv("OTEL_SERVICE_NAME", "releases")
        watching.run(GATES[0], traces=True)
        assert not watching.notes
        assert traced(server)[1]["service.name"] == "releases"
        monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
        watching.run(GATES[0], traces=True)
        assert len(server.taken) == 1
    assert not watching.notes


def test_a_protocol_that_is_not_spoken(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    assert watching.run(GATES[0], traces=True).exit_code == 0
    assert [note for note in watching.notes if note.startswith("traces: not sent") and "http/protobuf" in note]


# --- events --------------------------------------------------------------------------------------------------

_CONTEXT = {"version", "id", "source", "type", "timestamp"}
_CONTENT = {
    "dev.cdevents.pipelinerun.started.0.2.0": {"pipelineName"},
    "dev.cdevents.pipelinerun.finished.0.2.0": {"pipelineName", "outcome", "errors"},
    "dev.cdevents.taskrun.started.0.2.0": {"taskName", "pipelineRun"},
    "dev.cdevents.taskrun.finished.0.2.0": {"taskName", "pipelineRun", "outcome", "errors"},
}
"""What core.md of the CDEvents specification permits."""


def cdevent(taken: Taken) -> dict[str, Any]:
    """A request as a CDEvent that keeps the specification and its CloudEvents binding."""
    told: dict[str, Any] = json.loads(taken.body)
    context, subject = told["context"], told["subject"]
    assert set(told) == {"context", "subject", "customData", "customDataContentType"}
    assert set(context) == _CONTEXT
    assert set(subject) == {"id", "source", "type", "content"}
    assert set(subject["content"]) <= _CONTENT[context["type"]]
    assert subject["content"].get("outcome", "success") in {"success", "failure", "error"}
    assert ("outcome" in subject["content"]) is (".finished." in context["type"])
    assert taken.headers["content-type"].startswith("application/cdevents+json")
    assert taken.headers["ce-specversion"] == "1.0"
    for header, value in (("id", context["id"]), ("source", context["source"]), ("type", context["type"])):
        assert taken.headers[f"ce-{header}"] == value
    assert taken.headers["ce-time"] == context["timestamp"]
    assert taken.headers["ce-subject"] == subject["id"]
    return told


def test_events_of_a_run(watching: Watching) -> None:
    with receiving() as server:
        view = watching.run(*GATES, events=f"{server.url}/{SECRET}")
    assert not watching.notes
    told = [cdevent(taken) for taken in server.taken]
    short = [
        (
            one["context"]["type"].split(".")[2:4],
            one["subject"]["id"].split("/")[1:2],
            one["subject"]["content"].get("outcome"),
        )
        for one in told
    ]
    assert short == [
        (["pipelinerun", "started"], [], None),
        (["taskrun", "started"], ["good"], None),
        (["taskrun", "finished"], ["good"], "success"),
        (["taskrun", "started"], ["bad"], None),
        (["taskrun", "finished"], ["bad"], "failure"),
        (["taskrun", "started"], ["gone"], None),
        (["taskrun", "finished"], ["gone"], "error"),
        (["pipelinerun", "finished"], [], "failure"),
    ]
    assert len({one["context"]["id"] for one in told}) == len(told)
    assert told[-1]["customData"]["gonogo"]["decision"] == "NO-GO"
    assert told[1]["subject"]["content"]["pipelineRun"]["id"] == view.id
    assert "bad" in told[-1]["subject"]["content"]["errors"]
    assert SECRET.encode() not in b"".join(taken.body for taken in server.taken)


def test_a_gate_that_is_tried_again_is_one_task(watching: Watching) -> None:
    script = "test -f .gonogo/state/again || { touch .gonogo/state/again; exit 1; }"
    with receiving() as server:
        watching.run(gate("flaky", call(script), retries=1), events=server.url)
    told = [cdevent(taken)["subject"] for taken in server.taken][1:-1]
    assert [one["content"].get("outcome") for one in told] == [None, "success"]
    assert len({one["id"] for one in told}) == 1


def test_hold_is_an_error_and_what_waits_has_not_finished(watching: Watching) -> None:
    with receiving() as server:
        assert watching.run(WAITS, events=server.url).exit_code == 3
    assert not [taken for taken in server.taken if "taskrun.finished" in taken.headers["ce-type"]]
    assert cdevent(server.taken[-1])["subject"]["content"]["outcome"] == "error"


# --- metrics -------------------------------------------------------------------------------------------------


def test_metrics_in_a_file_and_pushed(watching: Watching, tmp_path: Path) -> None:
    path = tmp_path / "gonogo.prom"
    with receiving() as server:
        watching.run(*GATES, metrics_file=path, metrics_push=f"{server.url}/push/")
    text = path.read_text()
    (taken,) = server.taken
    assert taken.method == "PUT"
    assert taken.path == "/push/metrics/job/gonogo/target@base64/c3RhZ2luZw==/checklist@base64/QSBjaGVja2xpc3Q="
    assert taken.body.decode() == text
    points = parse(text)
    outcomes = {p.labels["gate"]: p.labels["outcome"] for p in points if p.name == "gonogo_gate_outcome"}
    assert outcomes == {"good": "PASS", "bad": "FAIL", "gone": "ERROR", "later": "NOT_RUN"}
    assert {p.labels["decision"]: p.value for p in points if p.name == "gonogo_run_decision"} == {
        "GO": 0.0,
        "NO-GO": 1.0,
        "HOLD": 0.0,
    }
    tried = {p.labels["gate"] for p in points if p.name == "gonogo_gate_duration_seconds"}
    assert tried == {"good", "bad", "gone"}, "a gate that never ran took no time"
    assert [entry.name for entry in tmp_path.glob(".gonogo.prom*")] == []


def test_a_file_that_cannot_be_written(watching: Watching, tmp_path: Path) -> None:
    assert watching.run(GATES[0], metrics_file=tmp_path / "nowhere" / "gonogo.prom").exit_code == 0
    assert watching.notes == [
        "metrics file: not sent: cannot write the file that `GONOGO_METRICS_FILE` names: No such file or directory"
    ]


# --- off unless asked ----------------------------------------------------------------------------------------


def test_nobody_is_told_unless_asked(place: Place) -> None:
    given = gather({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    assert not given.watched
    listener = Watched(Heard(), given, registry())
    listener.run_started(place.run(GATES[0]))
    assert listener._office is None
    assert listener.untold() == []


def test_settings_come_from_variables() -> None:
    given = gather(
        {},
        {
            "GONOGO_TRACES": "1",
            "GONOGO_EVENTS": f"http://{SECRET}@h",
            "GONOGO_METRICS_FILE": "/x/gonogo.prom",
            "GONOGO_METRICS_PUSH": f"http://{SECRET}@h",
        },
    )
    assert (given.traces, given.metrics_file) == (True, Path("/x/gonogo.prom"))
    assert given.watched
    assert SECRET not in repr(given)


def test_promtool_finds_nothing_wrong(watching: Watching, tmp_path: Path) -> None:
    need("prometheus")  # the package that brings it
    path = tmp_path / "gonogo.prom"
    odd = dataclasses.replace(GATES[0], id='quo"te\\and\nline')
    watching.run(odd, *GATES[1:], WAITS, metrics_file=path)
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=path.read_bytes(), capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_real_pushgateway_keeps_the_last_run(watching: Watching, tmp_path: Path) -> None:
    need("prometheus-pushgateway")
    port = free_port()
    argv = ["prometheus-pushgateway", f"--web.listen-address=127.0.0.1:{port}"]
    gateway = Server(argv, tmp_path, port)
    gateway.start()
    try:
        watching.run(*GATES, metrics_push=gateway.url)
        watching.run(GATES[0], metrics_push=f"{gateway.url}/")
        assert not watching.notes
        with urllib.request.urlopen(f"{gateway.url}/metrics", timeout=30) as answer:
            points = [p for p in parse(answer.read().decode()) if p.name == "gonogo_gate_outcome"]
    finally:
        gateway.stop()
    (point,) = points
    assert point.labels["job"] == "gonogo"
    assert (point.labels["target"], point.labels["checklist"]) == ("staging", "A checklist")
    assert (point.labels["gate"], point.labels["outcome"]) == ("good", "PASS"), (
        "a run takes the place of the one before"
    )
