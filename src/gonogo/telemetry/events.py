"""A run as CDEvents 0.4.1: `pipelinerun` for the run, `taskrun` for each gate that is tried, by CloudEvents over HTTP.

https://github.com/cdevents/spec (core events, CloudEvents binding): the HTTP message is in binary mode, its body the
whole CDEvent. HOLD is an error, since nobody knows; NO-GO is a failure.
"""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

from gonogo.model.run import RunView
from gonogo.notices._post import as_json, send
from gonogo.telemetry.moments import Moment, Result, What, result_of_gate, result_of_run, why, why_run

SPEC = "0.4.1"
_VERSION = "0.2.0"
"""Of the four event types."""
_OUTCOME = {Result.SUCCESS: "success", Result.FAILURE: "failure"}
"""All else is an `error`: the conventions know no more than these three."""
_PREDICATE = {
    What.STARTED: ("pipelineRun", "started"),
    What.ENDED: ("pipelineRun", "finished"),
    What.GATE_STARTED: ("taskRun", "started"),
    What.GATE_FINISHED: ("taskRun", "finished"),
}


class Events:
    """The receiver of a run's events."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, moment: Moment, seconds: float) -> None:
        """Send the event of a moment; raises `NotSent`."""
        told = event(moment)
        send(self._url, as_json(told), headers(told), seconds)


def event(moment: Moment) -> dict[str, Any]:
    """The CDEvent of a moment. Its id is the same for every try, so that a receiver can tell a repetition."""
    subject, predicate = _PREDICATE[moment.what]
    view = moment.view
    source = f"/gonogo/{quote(view.plan.target, safe='')}"
    content = _run(moment) if subject == "pipelineRun" else _gate(moment, source)
    identity = view.id if subject == "pipelineRun" else f"{view.id}/{moment.gate}/{moment.attempt}"
    return {
        "context": {
            "version": SPEC,
            "id": hashlib.sha256(f"{identity}\n{predicate}\n{moment.at}".encode()).hexdigest(),
            "source": source,
            "type": f"dev.cdevents.{subject.lower()}.{predicate}.{_VERSION}",
            "timestamp": moment.at,
        },
        "subject": {"id": identity, "source": source, "type": subject, "content": content},
        "customData": {"gonogo": _about(moment)},
        "customDataContentType": "application/json",
    }


def headers(told: dict[str, Any]) -> dict[str, str]:
    """The CloudEvents attributes of an event, as HTTP headers in binary mode (CloudEvents HTTP binding 1.0.2, 3.1)."""
    context = told["context"]
    return {
        "Content-Type": "application/cdevents+json; charset=utf-8",
        "User-Agent": "gonogo",
        "ce-specversion": "1.0",
        "ce-id": context["id"],
        "ce-source": context["source"],
        "ce-type": context["type"],
        "ce-time": context["timestamp"],
        "ce-subject": quote(told["subject"]["id"], safe="/!#$&'()*+,:;=?@[]~"),
    }


def _run(moment: Moment) -> dict[str, Any]:
    view = moment.view
    found: dict[str, Any] = {"pipelineName": view.plan.title}
    if moment.what is What.ENDED:
        result = result_of_run(view)
        found |= _outcome(result, "\n".join(why_run(view)))
    return found


def _gate(moment: Moment, source: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "taskName": _title(moment.view, moment.gate),
        "pipelineRun": {"id": moment.view.id, "source": source},
    }
    if moment.verdict is not None:
        found |= _outcome(result_of_gate(moment.verdict), why(moment.verdict))
    return found


def _outcome(result: Result, errors: str) -> dict[str, str]:
    outcome = _OUTCOME.get(result, "error")
    return {"outcome": outcome} | ({"errors": errors} if errors and outcome != "success" else {})


def _title(view: RunView, gate: str) -> str:
    try:
        return view.plan.node(gate).gate.title
    except KeyError:
        return gate


def _about(moment: Moment) -> dict[str, Any]:
    """What CDEvents has no field for."""
    view = moment.view
    found: dict[str, Any] = {"target": view.plan.target, "commit": view.subject.commit}
    if moment.what is What.ENDED:
        found["decision"] = view.decision.word.value if view.decision is not None else None
    if moment.verdict is not None:
        found |= {"outcome": moment.verdict.outcome.value, "waived": moment.verdict.waived}
    return found
