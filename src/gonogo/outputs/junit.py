"""The run as JUnit XML, for CI servers: one case for each gate. What is not PASS is never a success there."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from gonogo.model.outcome import DecisionWord, Outcome
from gonogo.model.run import GateView, RunView
from gonogo.plugins import output
from gonogo.telling.kept import kept
from gonogo.telling.sheet import first_finding
from gonogo.telling.words import because, listed, mends, qualities, run_alone, safe

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot carry, escaped or not."""


@output("junit", media_type="application/xml")
def junit(view: RunView) -> str:
    """JUnit XML: a suite for each phase, a case for each gate.

    FAIL is a `failure`, everything that could not be seen or did not run an `error`. Only NOT_APPLICABLE and optional
    gates that nobody selected are `skipped`, with the reason. Where the run as a whole holds the decision and every
    case would look green, a case named `decision` says so.
    """
    suites = [
        (phase.title, [_case(view, g) for g in view.gates if g.gate.phase == phase.id]) for phase in view.plan.phases
    ]
    if _hidden(view):
        suites.append(("decision", [_decision_case(view)]))
    root = ET.Element("testsuites", {"name": _clean(view.plan.title) or "gonogo", "time": f"{view.seconds:.3f}"})
    for name, cases in suites:
        if cases:
            root.append(_suite(view, name, cases))
    _count(root)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(view: RunView, name: str, cases: list[ET.Element]) -> ET.Element:
    suite = ET.Element("testsuite", {"name": _clean(name)})
    if view.started:
        suite.set("timestamp", view.started)
    suite.set("time", f"{sum(float(case.get('time', 0)) for case in cases):.3f}")
    suite.extend(cases)
    return suite


def _count(root: ET.Element) -> None:
    for holder in (root, *root.findall("testsuite")):
        cases = list(holder.iter("testcase"))
        holder.set("tests", str(len(cases)))
        for plural, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            holder.set(plural, str(sum(1 for case in cases if case.find(tag) is not None)))


def _case(view: RunView, gate: GateView) -> ET.Element:
    case = ET.Element(
        "testcase",
        {"name": _clean(gate.gate.title), "classname": _clean(gate.gate.id), "time": f"{gate.verdict.seconds:.3f}"},
    )
    reasons = because(gate.verdict) or list(gate.verdict.questions) or [str(gate.outcome.value)]
    tag = _tag(gate)
    if tag == "skipped":
        case.append(ET.Element(tag, {"message": _clean(reasons[0])}))
    elif tag:
        quality = qualities(gate.verdict)
        kind = f"{gate.outcome.value}{', ' + quality if quality else ''}"
        element = ET.Element(tag, {"message": _clean(reasons[0]), "type": kind})
        element.text = _clean("\n".join(_details(view, gate, reasons)))
        case.append(element)
    out = ET.SubElement(case, "system-out")
    out.text = _clean("\n".join(f"{file.name}: {file.path}" for file in kept(view, gate.verdict) if file.size))
    if not out.text:
        case.remove(out)
    return case


def _tag(gate: GateView) -> str:
    """The element of a gate: none for PASS only."""
    left_out = gate.outcome is Outcome.NOT_RUN and gate.gate.optional
    if gate.outcome is Outcome.NOT_APPLICABLE or left_out:
        return "skipped"
    if gate.outcome is Outcome.FAIL:
        return "failure"
    return "" if gate.outcome is Outcome.PASS else "error"


def _details(view: RunView, gate: GateView, reasons: list[str]) -> list[str]:
    finding = first_finding(gate.verdict)
    return [
        *reasons,
        *([f"first finding: {finding}"] if finding else []),
        *(f"question: {safe(question)}" for question in gate.verdict.questions),
        *(f"to mend: {order}" for order in mends(gate.verdict)),
        f"owner: {listed(list(gate.gate.owners), 6) or 'nobody is named'}",
        f"alone: {run_alone(view, gate)}",
    ]


def _hidden(view: RunView) -> bool:
    """Whether the decision is not GO (or not there) although no case would be red."""
    decided_go = view.decision is not None and view.decision.word is DecisionWord.GO
    return not decided_go and all(_tag(gate) in {"", "skipped"} for gate in view.gates)


def _decision_case(view: RunView) -> ET.Element:
    said = view.decision.word.value if view.decision else "no decision"
    case = ET.Element("testcase", {"name": "decision", "classname": "gonogo", "time": "0.000"})
    reasons = [f"the run is {view.state.value}"]
    if view.decision is not None:
        reasons = [reason.text for reason in sorted(view.decision.reasons, key=lambda reason: bool(reason.gate))]
    element = ET.SubElement(case, "error", {"message": _clean(reasons[0] if reasons else said), "type": said})
    element.text = _clean("\n".join(reasons))
    return case


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("", "\n".join(safe(line) for line in text.split("\n")))
