"""A run as an OpenTelemetry trace: one span for the run, one for each gate, sent by OTLP over HTTP.

Names are those of the semantic conventions for CI/CD
(https://opentelemetry.io/docs/specs/semconv/cicd/cicd-spans/). Where it goes, under which name and with which headers
is said by the `OTEL_*` variables of the OpenTelemetry specification; a `TRACEPARENT` (W3C Trace Context) is the parent.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from gonogo import __version__
from gonogo.model.outcome import Outcome
from gonogo.model.run import GateView, RunView
from gonogo.plugins import NotSent
from gonogo.telemetry.moments import Moment, Result, result_of_gate, result_of_run, why, why_run

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Span, Tracer

_BATCH = 512
"""Spans of one request; what the SDK itself takes for its batches."""
_FINE = frozenset({Result.SUCCESS, Result.SKIP})


def send(moment: Moment, seconds: float) -> None:
    """Send the trace of a run that has ended; raises `NotSent`."""
    if os.environ.get("OTEL_TRACES_EXPORTER", "otlp").strip().lower() == "none":
        return
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "")
    if protocol.strip() not in {"", "http/protobuf"}:
        raise NotSent("only the protocol `http/protobuf` is spoken: set `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL` to it")
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import SpanExportResult
    except ImportError:
        raise NotSent("OpenTelemetry is not installed: install `gonogo[telemetry]`") from None
    found = spans(moment.view)
    with _silent("opentelemetry"):
        exporter = OTLPSpanExporter(timeout=seconds)
        for first in range(0, len(found), _BATCH):
            if exporter.export(found[first : first + _BATCH]) is not SpanExportResult.SUCCESS:
                raise NotSent(f"the collector took nothing within {seconds:g} s")


def prepare() -> None:
    """Import what sending takes; raises `ImportError` where it is not installed."""
    import opentelemetry.exporter.otlp.proto.http.trace_exporter
    import opentelemetry.sdk.trace  # noqa: F401 - so that it is there


@contextmanager
def _silent(name: str) -> Iterator[None]:
    """Keep a library from writing addresses and answers to standard error: what is lost is told in a note."""
    logger, nothing = logging.getLogger(name), logging.NullHandler()
    logger.addHandler(nothing)
    before, logger.propagate = logger.propagate, False
    try:
        yield
    finally:
        logger.propagate = before
        logger.removeHandler(nothing)


def spans(view: RunView) -> list[ReadableSpan]:
    """The finished spans of a run, the run's own last; none where the SDK is disabled."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    about = {"service.version": __version__} | ({} if named else {"service.name": "gonogo"})
    provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
    kept = _keep_spans(provider)
    tracer = provider.get_tracer("gonogo", __version__)
    parent = TraceContextTextMapPropagator().extract({"traceparent": os.environ.get("TRACEPARENT", "")})
    begun = _nanoseconds(view.started)
    run = tracer.start_span(
        f"RUN {view.plan.title}", context=parent, start_time=begun, attributes=_of_run(view), kind=_server_kind()
    )
    for gate in view.gates:
        _gate_span(tracer, set_span_in_context(run), view, gate)
    _settle(
        run, result_of_run(view), "; ".join(why_run(view)), view.decision.word.value if view.decision else "stopped"
    )
    run.end(end_time=max(begun, _nanoseconds(view.ended) if view.ended else begun))
    return kept


def _keep_spans(provider: Any) -> list[ReadableSpan]:
    """The list that every span of the provider goes to when it ends."""
    from opentelemetry.sdk.trace import SpanProcessor

    kept: list[ReadableSpan] = []

    class Keeping(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            kept.append(span)

    provider.add_span_processor(Keeping())
    return kept


def _server_kind() -> Any:
    """The kind that the conventions ask of the span of a pipeline run."""
    from opentelemetry.trace import SpanKind

    return SpanKind.SERVER


def _gate_span(tracer: Tracer, context: Any, view: RunView, gate: GateView) -> None:
    verdict = gate.verdict
    begun = _nanoseconds(verdict.started or view.started)
    span = tracer.start_span(gate.gate.title, context=context, start_time=begun, attributes=_of_gate(view, gate))
    _settle(span, result_of_gate(verdict), why(verdict), verdict.outcome.value)
    span.end(end_time=begun + int(verdict.seconds * 1e9))


def _settle(span: Span, result: Result, text: str, kind: str) -> None:
    """Mark a span that did not end well; `error.type` tells one that does not hold from one that could not be seen."""
    from opentelemetry.trace import Status, StatusCode

    if result not in _FINE:
        span.set_attribute("error.type", kind)
        span.set_status(Status(StatusCode.ERROR, text))


def _of_run(view: RunView) -> dict[str, Any]:
    subject = view.subject
    found = {
        "cicd.pipeline.name": view.plan.title,
        "cicd.pipeline.run.id": view.id,
        "cicd.pipeline.action.name": "RUN",
        "cicd.pipeline.result": result_of_run(view).value,
        "vcs.ref.head.revision": subject.commit,
        "vcs.ref.head.name": subject.branch,
        "gonogo.target": view.plan.target,
        "gonogo.decision": view.decision.word.value if view.decision is not None else "",
    }
    return {name: value for name, value in found.items() if value}


def _of_gate(view: RunView, gate: GateView) -> dict[str, Any]:
    verdict = gate.verdict
    kind = _task_type(view, gate)
    found = {
        "cicd.pipeline.task.name": gate.gate.title,
        "cicd.pipeline.task.run.id": f"{view.id}/{gate.gate.id}/{verdict.attempts}",
        "cicd.pipeline.task.run.result": result_of_gate(verdict).value,
        "cicd.pipeline.task.type": kind,
        "gonogo.gate": gate.gate.id,
        "gonogo.phase": gate.gate.phase,
        "gonogo.outcome": verdict.outcome.value,
        "gonogo.attempts": verdict.attempts,
        "gonogo.owners": list(gate.gate.owners),
        "gonogo.waived": verdict.waived and verdict.outcome is Outcome.FAIL,
    }
    return {name: value for name, value in found.items() if value not in ("", [])}


def _task_type(view: RunView, gate: GateView) -> str:
    """`test` for a gate that only looks, `deploy` for what acts; empty for what was never planned."""
    try:
        return "deploy" if view.plan.node(gate.gate.id).acts else "test"
    except KeyError:
        return ""


def _nanoseconds(at: str) -> int:
    """Nanoseconds since 1970 of an RFC 3339 time, exact to the microsecond."""
    since = datetime.fromisoformat(at) - datetime.fromisoformat("1970-01-01T00:00:00Z")
    return since // timedelta(microseconds=1) * 1000
