"""The last run on a target as Prometheus metrics: a file for node_exporter, or a push to a Pushgateway.

Text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/). What is not known has no series: a run
without a decision has none of `gonogo_run_decision`, and none of them is 0 for "not known".
"""

from __future__ import annotations

import base64
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from gonogo.model.outcome import DecisionWord, Outcome, State
from gonogo.model.run import RunView
from gonogo.notices._post import send
from gonogo.plugins import NotSent
from gonogo.telemetry.moments import Moment

_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
Sample = tuple[Mapping[str, str], float]


class ToFile:
    """A file that is replaced whole: node_exporter never reads half of it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, moment: Moment, seconds: float) -> None:  # noqa: ARG002 - a way's signature
        """Write the metrics of a run; raises `NotSent` where the file cannot be written."""
        text = exposition(moment.view)
        draft = ""
        try:
            descriptor, draft = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
            Path(draft).chmod(0o644)  # node_exporter runs as somebody else
            Path(draft).replace(self._path)
        except OSError as error:
            if draft:
                Path(draft).unlink(missing_ok=True)
            raise NotSent(f"cannot write the file that `GONOGO_METRICS_FILE` names: {error.strerror}") from None


class ToGateway:
    """A Pushgateway: the group `job="gonogo"`, `target`, `checklist` is put anew by each run."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, moment: Moment, seconds: float) -> None:
        """Push the metrics of a run; raises `NotSent`."""
        plan = moment.view.plan
        group = f"job/gonogo/{_part('target', plan.target)}/{_part('checklist', plan.title)}"
        url = f"{self._url.rstrip('/')}/metrics/{group}"
        body = exposition(moment.view).encode("utf-8", "replace")
        send(url, body, {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}, seconds, method="PUT")


def _part(name: str, value: str) -> str:
    """A label of the grouping key; base64 takes any text (Pushgateway, "URL")."""
    return f"{name}@base64/{base64.urlsafe_b64encode(value.encode()).decode() or '='}"


def exposition(view: RunView) -> str:
    """The metrics of one run."""
    run = {"target": view.plan.target, "checklist": view.plan.title}
    lines: list[str] = []
    for name, help_, samples in (
        ("gonogo_run_started_timestamp_seconds", "When the last run started.", _moment(run, view.started)),
        ("gonogo_run_ended_timestamp_seconds", "When the last run ended.", _moment(run, view.ended)),
        ("gonogo_run_duration_seconds", "How long the last run worked.", [(run, view.seconds)]),
        ("gonogo_run_decision", "1 for the decision of the last run, 0 for the others.", _decision(run, view)),
        ("gonogo_run_gates", "Gates of the last run by outcome.", _gates(run, view)),
        ("gonogo_run_waiting_gates", "Gates of the last run that wait for a person.", [(run, float(_waiting(view)))]),
        ("gonogo_gate_outcome", "1 for the outcome that a gate of the last run has.", _outcomes(run, view)),
        ("gonogo_gate_duration_seconds", "How long a gate of the last run took.", _durations(run, view)),
    ):
        lines += _family(name, help_, samples)
    return "\n".join(lines) + "\n"


def _moment(run: Mapping[str, str], at: str) -> list[Sample]:
    return [(run, datetime.fromisoformat(at).timestamp())] if at else []


def _decision(run: Mapping[str, str], view: RunView) -> list[Sample]:
    if view.decision is None:
        return []
    return [({**run, "decision": word.value}, float(word is view.decision.word)) for word in DecisionWord]


def _gates(run: Mapping[str, str], view: RunView) -> list[Sample]:
    counts = Counter(gate.outcome for gate in view.gates)
    return [({**run, "outcome": outcome.value}, float(counts[outcome])) for outcome in Outcome]


def _waiting(view: RunView) -> int:
    return sum(gate.verdict.state is State.WAITING for gate in view.gates)


def _outcomes(run: Mapping[str, str], view: RunView) -> list[Sample]:
    return [
        ({**run, "phase": gate.gate.phase, "gate": gate.gate.id, "outcome": gate.outcome.value}, 1.0)
        for gate in view.gates
    ]


def _durations(run: Mapping[str, str], view: RunView) -> list[Sample]:
    """Only of gates that were tried: one that never ran took no time that could be told."""
    return [
        ({**run, "phase": gate.gate.phase, "gate": gate.gate.id}, gate.verdict.seconds)
        for gate in view.gates
        if gate.verdict.attempts
    ]


def _family(name: str, help_: str, samples: Iterable[Sample]) -> list[str]:
    lines = [f"{name}{{{_labels(labels)}}} {value!r}" for labels, value in samples]
    return [f"# HELP {name} {help_}", f"# TYPE {name} gauge", *lines] if lines else []


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{value.translate(_ESCAPED)}"' for name, value in labels.items())
