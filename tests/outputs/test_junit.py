from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from gonogo.model.outcome import DecisionWord, Outcome
from gonogo.model.run import RunState
from gonogo.model.verdict import Decision, Reason
from gonogo.outputs.junit import junit
from tests.outputs.runs import gate, green, mixed, red, run, seen


def cases(text: str) -> dict[str, ET.Element]:
    return {case.get("classname", ""): case for case in ET.fromstring(text).iter("testcase")}


def test_one_case_for_each_gate_in_its_phase() -> None:
    root = ET.fromstring(junit(mixed()))
    assert [suite.get("name") for suite in root] == [f"Phase {p} title" for p in ("0", "1", "4", "5")]
    assert len(list(root.iter("testcase"))) == len(mixed().gates)


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.PASS])
def test_what_is_not_pass_is_never_a_success(outcome: Outcome) -> None:
    view = red(gate("A")) if outcome is Outcome.FAIL else seen(gate("A"), outcome, "because")
    case = cases(junit(run(view)))["a"]
    wanted = {Outcome.FAIL: "failure", Outcome.NOT_APPLICABLE: "skipped"}.get(outcome, "error")
    assert case.find(wanted) is not None
    assert case.find(wanted).get("message")  # type: ignore[union-attr]


def test_a_pass_has_neither_failure_nor_error_nor_skip() -> None:
    case = cases(junit(run(green(gate("A")), decision=DecisionWord.GO)))["a"]
    assert {child.tag for child in case} <= {"system-out"}


def test_not_applicable_is_skipped_with_its_reason() -> None:
    skipped = cases(junit(mixed()))["branch-hygiene"].find("skipped")
    assert skipped is not None
    assert "no remote" in skipped.get("message", "")


def test_only_an_optional_gate_that_nobody_selected_is_skipped() -> None:
    found = cases(junit(mixed()))
    assert found["load-test"].find("skipped") is not None
    assert found["deploy-app"].find("skipped") is None


def test_a_waived_failure_stays_a_failure_and_says_so() -> None:
    failure = cases(junit(run(red(gate("A"), waived=True), decision=DecisionWord.GO)))["a"].find("failure")
    assert failure is not None
    assert failure.get("type") == "FAIL, waived"


def test_the_counts_are_the_cases() -> None:
    root = ET.fromstring(junit(mixed()))
    assert {k: root.get(k) for k in ("tests", "failures", "errors", "skipped")} == {
        "tests": "11",
        "failures": "1",
        "errors": "6",
        "skipped": "2",
    }


def test_a_hold_of_the_run_is_no_green_report() -> None:
    """Every gate passed, but the tree was dirty: the case `decision` carries it."""
    dirty = Decision(DecisionWord.HOLD, (Reason("", "the tree is not the commit: 1 file differs: `a`"),), "now")
    view = run(green(gate("A")))
    found = cases(junit(type(view)(**{**{f: getattr(view, f) for f in view.__dataclass_fields__}, "decision": dirty})))
    error = found["gonogo"].find("error")
    assert error is not None
    assert "the tree is not the commit" in error.get("message", "")


def test_a_run_without_a_decision_is_no_green_report() -> None:
    found = cases(junit(run(green(gate("A")), decision=None, state=RunState.INTERRUPTED)))
    assert found["gonogo"].find("error") is not None


def test_s73_characters_that_xml_cannot_carry_are_left_out() -> None:
    view = run(seen(gate('A \x00\x1b]0;x\x07 ]]> <&" \ufffe'), Outcome.ERROR, "bad \x01\x02 \ud800 bytes"))
    ET.fromstring(junit(view))
