"""The end of what a red gate's commands printed: where no report names a finding, it comes nearest to a reason."""

from __future__ import annotations

from gonogo.model.capture import Capture
from gonogo.model.outcome import Outcome
from gonogo.model.run import RunView
from gonogo.model.verdict import Verdict
from gonogo.telling.words import safe

_LINES = 6
_RED = (Outcome.FAIL, Outcome.ERROR)


def printed(view: RunView, verdict: Verdict) -> list[str]:
    """At most six lines, redacted when they were stored; none where a finding or a person says more."""
    if verdict.outcome not in _RED or verdict.findings or verdict.waived:
        return []
    lines = [
        safe(line)
        for capture in verdict.captures
        if not_well(capture, verdict)
        for name in ("stdout", "stderr")
        for blob in capture.blobs
        if blob.name == name
        for line in view.tails.get(blob.sha256, "").split("\n")
    ]
    return [line for line in lines if line.strip()][-_LINES:]


def not_well(capture: Capture, verdict: Verdict) -> bool:
    """Whether what a call printed may tell why its gate is not green."""
    judged = [one for one in verdict.judgements if capture.call and one.call == capture.call]
    troubled = capture.exit != 0 or bool(capture.troubles)
    return troubled or not judged or any(one.outcome is not Outcome.PASS for one in judged)
