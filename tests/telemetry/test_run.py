"""Runs whose every word goes to servers that take it, refuse it or hang: what arrives, and that the run goes on."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import socket
import subprocess
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from gonogo import engine
from gonogo.config import Settings, gather
from gonogo.ledger import Ledger
from gonogo.model.checklist import Gate, Question
from gonogo.model.notice import NoticeSpec
from gonogo.model.run import RunView
from gonogo.probes._exposition import parse
from gonogo.telemetry import courier
from gonogo.telemetry.watched import Watched
from tests.engine.place import Heard, Place, call, gate, registry
from tests.monitoring.servers import Server, free_port, need
from tests.telemetry.receiver import Receiver, Taken, receiving

SECRET = "hunter2-and-more"
GATES = (
    gate("good", "true"),
    gate("bad", "false"),
    gate("gone", "no-such-program-here", phase="1"),
    gate("later", "true", phase="2"),
)
WAITS = Gate(
    "asks", "Somebody agrees", "1", ("Ben",), questions=(Question("asks.1", "Is it well?", "a person is asked"),)
)


@pytest.fixture(autouse=True)
def _nothing_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of it, and no haste: it may be busy."""
    monkeypatch.setattr(courier, "AT_MOST", 60.0)
    monkeypatch.setattr(courier, "_PATIENCE", 20.0)
    for name in ("TRACEPARENT", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(name, raising=False)


@dataclasses.dataclass
class Watching:
    """Runs in one repository, told to others."""

    place: Place
    heard: Heard = dataclasses.field(default_factory=Heard)

    def run(self, *gates: Gate, notify: tuple[NoticeSpec, ...] = (), wait: float = 0.0, **settings: Any) -> RunView:
        given = Settings(jobs=1, **settings)
        return engine.run(
            self.place.plan(*gates, notify=notify),
            root=self.place.root,
            state=self.place.state,
            registry=registry(),
            settings=given,
            listener=Watched(self.heard, given, registry()),
            wait=wait,
        )

    @property
    def notes(self) -> list[str]:
        return [said[1] for said in self.heard.said if said[0] == "note"]

    def everything_kept(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.place.state.rglob("*") if path.is_file())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "repository")
    made.root.mkdir()
    made.git("init", "-q", "-b", "main")
    made.write("a.txt", "one\n")
    made.commit()
    return made


@pytest.fixture
def watching(place: Place) -> Watching:
    return Watching(place)


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


# --- notices -------------------------------------------------------------------------------------------------


def hook(name: str = "HOOK", *about: str) -> NoticeSpec:
    return NoticeSpec("webhook", {"url_from": name}, about or ("decision", "waiting"))


def bodies(server: Receiver) -> list[dict[str, Any]]:
    return [json.loads(taken.body) for taken in server.taken]


def test_the_decision_is_told(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as server:
        monkeypatch.setenv("HOOK", server.url)
        view = watching.run(*GATES, notify=(hook(),))
    (told,) = bodies(server)
    assert told["occasion"] == "decision"
    assert told["title"].startswith("NO-GO: A checklist of ")
    assert told["gates"] == {"PASS": 1, "FAIL": 1, "ERROR": 1, "NOT_RUN": 1}
    assert told["lines"][-1] == f"`gonogo show {view.id}` shows it all"


def test_that_it_waits_is_told_while_it_waits(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as server:
        monkeypatch.setenv("HOOK", server.url)
        watching.run(WAITS, notify=(hook(),), wait=1.0)
    first, second = bodies(server)
    assert (first["occasion"], first["state"], first["decision"]) == ("waiting", "running", None)
    assert first["waiting_for"] == ["Ben: Somebody agrees (asks)"]
    assert (second["occasion"], second["decision"]) == ("decision", "HOLD")


@pytest.mark.parametrize(("gates", "occasions"), [((WAITS,), ["waiting"]), ((GATES[0],), [])])
def test_who_asks_about_waiting_only_hears_of_nothing_else(
    watching: Watching, monkeypatch: pytest.MonkeyPatch, gates: tuple[Gate, ...], occasions: list[str]
) -> None:
    with receiving() as server:
        monkeypatch.setenv("HOOK", server.url)
        watching.run(*gates, notify=(hook("HOOK", "waiting"),))
    assert not watching.notes
    assert [one["occasion"] for one in bodies(server)] == occasions


def test_a_server_that_fails_first_is_told_again(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(500, 200) as server:
        monkeypatch.setenv("HOOK", server.url)
        watching.run(GATES[0], notify=(hook(),))
    first, second = bodies(server)
    assert first["id"] == second["id"]
    assert not watching.notes


# --- nobody breaks a run -------------------------------------------------------------------------------------


def test_dead_and_hostile_ends_cost_a_note_and_little_time(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "AT_MOST", 1.5)
    with receiving(None) as hanging, receiving(403) as refusing:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", hanging.url)
        monkeypatch.setenv("HANGS", f"{hanging.url}/{SECRET}")
        monkeypatch.setenv("REFUSES", f"{refusing.url}/{SECRET}")
        began = time.monotonic()
        view = watching.run(
            *GATES,
            traces=True,
            events=f"{hanging.url}/{SECRET}",
            metrics_push=f"{refusing.url}/{SECRET}",
            notify=(hook("HANGS"), hook("REFUSES"), hook("MISSING")),
        )
        took = time.monotonic() - began
    assert view.exit_code == 1
    assert took < view.seconds + 4
    assert [note for note in view.notes if "not sent" in note] == watching.notes
    notes = "\n".join(watching.notes)
    assert "metrics push: not sent: the answer was 403" in notes
    assert "notice 1 (webhook): not sent: no end within 1.5 s" in notes
    assert "notice 2 (webhook): not sent: the answer was 403" in notes
    assert "notice 3 (webhook): not sent: the variable `MISSING` is not set" in notes
    assert "traces: not sent" in notes
    assert "events: not sent (8 of 8)" in notes
    assert SECRET not in notes
    assert SECRET.encode() not in watching.everything_kept()


def test_an_answer_that_never_ends_is_left(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "AT_MOST", 1.0)
    over = threading.Event()

    def drip() -> None:
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            while not over.wait(0.02):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip)
        thread.start()
        monkeypatch.setenv("HOOK", f"http://127.0.0.1:{listening.getsockname()[1]}/")
        assert watching.run(GATES[0], notify=(hook(),)).exit_code == 0
        over.set()
        thread.join(5)
    assert watching.notes == ["notice 1 (webhook): not sent: no end within 1 s"]


def test_what_was_not_sent_is_in_the_ledger_and_in_no_decision(watching: Watching) -> None:
    view = watching.run(GATES[0], notify=(hook("MISSING"),))
    (note,) = watching.notes
    assert note in view.notes
    again = watching.place.view()
    assert note in again.notes
    assert again.seconds == view.seconds, "what comes after the end is no part of the run"
    assert again.decision is not None
    assert note not in [reason.text for reason in again.decision.reasons]
    ledger = Ledger(watching.place.state / "ledger.db")
    try:
        assert ledger.events(view.id)[-1].event == "untold"
    finally:
        ledger.close()


def test_a_bug_in_what_tells_others_is_a_note(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr("gonogo.telemetry.metrics.exposition", broken)
    monkeypatch.setattr("gonogo.telemetry.events.event", broken)
    assert watching.run(GATES[0], metrics_file=Path("x.prom"), events="http://127.0.0.1:9/").exit_code == 0
    assert "metrics file: not sent: gonogo broke over it (ZeroDivisionError)" in watching.notes
    monkeypatch.setattr("gonogo.telemetry.office.ways", broken)
    watching.heard.said.clear()
    assert watching.run(GATES[0], events="http://127.0.0.1:9/").exit_code == 0
    assert watching.notes == ["others were not told of this run: gonogo broke over it (ZeroDivisionError)"]


def test_the_address_of_a_notice_reaches_no_evidence(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as server:
        monkeypatch.setenv("HOOK", f"{server.url}/{SECRET}")
        monkeypatch.setenv("GONOGO_EVENTS", f"{server.url}/events-{SECRET}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"a=%20{SECRET}-1,b={SECRET}-2")
        line = 'echo "$HOOK $GONOGO_EVENTS $OTEL_EXPORTER_OTLP_HEADERS"'
        watching.run(gate("prints", call(line)), notify=(hook(),))
        assert SECRET.encode() not in b"".join(taken.body for taken in server.taken)
    assert SECRET.encode() not in watching.everything_kept()


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
        with urllib.request.urlopen(f"{gateway.url}/metrics", timeout=5) as answer:
            points = [p for p in parse(answer.read().decode()) if p.name == "gonogo_gate_outcome"]
    finally:
        gateway.stop()
    (point,) = points
    assert point.labels["job"] == "gonogo"
    assert (point.labels["target"], point.labels["checklist"]) == ("staging", "A checklist")
    assert (point.labels["gate"], point.labels["outcome"]) == ("good", "PASS"), (
        "a run takes the place of the one before"
    )
