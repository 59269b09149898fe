"""Outcome, value, bound, margin and the sentence."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonogo import criterion
from gonogo.criterion import Evaluation
from gonogo.model.observation import Finding, Reading, Value
from gonogo.model.outcome import Outcome
from tests.criterion.observed import TYPES, reading


def evaluate(expression: str, values: dict[str, Value], findings: tuple[Finding, ...] = ()) -> Evaluation:
    return criterion.compile(expression, TYPES).evaluate(reading(values, findings=findings))


def said(expression: str, values: dict[str, Value]) -> tuple[str, str, str, float | None]:
    found = evaluate(expression, values)
    return found.outcome.value, found.value, found.bound, found.margin


COVERED: dict[str, Value] = {
    "coverage.lines.pct": 61.2,
    "coverage.lines.covered": 6634,
    "coverage.lines.total": 10840,
}


def test_coverage_says_how_many_lines_are_missing() -> None:
    found = evaluate("coverage.lines.pct >= 65", COVERED)
    assert found.distance == "lines coverage 61.2 %, needs >= 65 %, short by 3.8 points: 412 lines"
    assert (found.value, found.bound, found.margin) == ("61.2 %", ">= 65 %", -3.8)
    assert found.mend == "cover 412 lines more"


def test_a_turned_comparison_says_the_same() -> None:
    assert evaluate("65 <= coverage.lines.pct", COVERED) == evaluate("coverage.lines.pct >= 65", COVERED)


@pytest.mark.parametrize(
    ("expression", "values", "sentence"),
    [
        ("lint.errors == 0", {"lint.errors": 3}, "3 lint errors, needs 0"),
        ("lint.errors == 0", {"lint.errors": 1}, "1 lint error, needs 0"),
        ("tests.failed == 0", {"tests.failed": 1}, "1 failed test, needs 0"),
        ("tests.not_run == 0", {"tests.not_run": 7}, "7 not run tests, needs 0"),
        ("vulnerabilities.high == 0", {"vulnerabilities.high": 1}, "1 high vulnerability, needs 0"),
        ("types.errors == 0", {"types.errors": 2}, "2 type errors, needs 0"),
        ("format.unformatted == 0", {"format.unformatted": 2}, "2 files that are not formatted, needs 0"),
        ("format.unformatted == 0", {"format.unformatted": 1}, "files that are not formatted: 1, needs 0"),
        ("coverage.branches.covered > 1", {"coverage.branches.covered": 1}, "1 covered coverage branch, needs > 1"),
        ("lint.warnings <= 5", {"lint.warnings": 7}, "7 lint warnings, needs <= 5, over by 2"),
        ("exit == 0", {"exit": 2}, "exit 2, needs 0"),
        ("http.status == 200", {"http.status": 503}, "http status 503, needs 200"),
        ("exit in [0, 1]", {"exit": 2}, "exit 2, needs one of [0, 1]"),
        ("p95 <= 300", {"p95": 412.5}, "p95 412.5 ms, needs <= 300 ms, over by 112.5 ms"),
        (
            "hooks.active",
            {"hooks.active": False},
            "`hooks.active` is false, needs true (the hooks refuse a bad message)",
        ),
        ('release.name == "r2"', {"release.name": "r1"}, '`release.name` is "r1", needs "r2"'),
        ('output.marked("Frontend")', {"output": "Frontend ❌"}, "Frontend is marked ❌, needs ✅"),
        ('output.contains("done")', {"output": "no"}, '`output` does not contain "done"'),
        ('!output.contains("error")', {"output": "an error"}, '`output` contains "error"'),
        (
            "tests.failed + tests.errored == 0",
            {"tests.failed": 1, "tests.errored": 2},
            "`tests.failed + tests.errored` is 3, needs 0",
        ),
        (
            "exit == 0 || lint.errors == 0",
            {"exit": 1, "lint.errors": 2},
            "`exit == 0 || lint.errors == 0` is false: exit = 1, lint.errors = 2",
        ),
    ],
)
def test_the_sentence(expression: str, values: dict[str, Value], sentence: str) -> None:
    found = evaluate(expression, values)
    assert (found.outcome, found.distance) == (Outcome.FAIL, sentence)
    assert found.mend


@pytest.mark.parametrize(
    ("expression", "values", "expected"),
    [
        ("exit == 0", {"exit": 0}, ("PASS", "0", "== 0", 0.0)),
        ("exit == 0", {"exit": 2}, ("FAIL", "2", "== 0", -2.0)),
        ("tests.passed > 0", {"tests.passed": 4}, ("PASS", "4", "> 0", 4.0)),
        ("tests.passed > 0", {"tests.passed": 0}, ("FAIL", "0", "> 0", 0.0)),
        ("lint.warnings <= 5", {"lint.warnings": 3}, ("PASS", "3", "<= 5", 2.0)),
        ("lint.warnings < 5", {"lint.warnings": 7}, ("FAIL", "7", "< 5", -2.0)),
        ("coverage.lines.pct >= 65", {"coverage.lines.pct": 65}, ("PASS", "65 %", ">= 65 %", 0.0)),
        ("coverage.lines.pct == 65", {"coverage.lines.pct": 65.0}, ("PASS", "65 %", "== 65 %", 0.0)),
        ("coverage.lines.pct != 65", {"coverage.lines.pct": 65.0}, ("FAIL", "65", "!= 65", None)),
        ("lint.errors > 2.5", {"lint.errors": 3}, ("PASS", "3", "> 2.5", 0.5)),
        ("(lint.errors + 1) < 2.5", {"lint.errors": 3}, ("FAIL", "4", "< 2.5", -1.5)),
        ("lint.errors > 2.5 == true", {"lint.errors": 3}, ("PASS", "true", "== true", None)),
        ("double(lint.errors) * 2.0 <= 5.0", {"lint.errors": 3}, ("FAIL", "6", "<= 5", -1.0)),
        ("size(parity.names) == 0", {"parity.names": ("A", "B")}, ("FAIL", "2", "== 0", -2.0)),
        ('"A" in parity.names', {"parity.names": ("A", "B")}, ("PASS", '"A"', 'in ["A", "B"]', None)),
        ("lint.errors == 3 ? exit == 0 : exit == 2", {"lint.errors": 3, "exit": 0}, None),
    ],
)
def test_value_bound_and_margin(
    expression: str, values: dict[str, Value], expected: tuple[str, str, str, float | None] | None
) -> None:
    if expected is None:
        assert evaluate(expression, values).outcome is Outcome.PASS
    else:
        assert said(expression, values) == expected


def test_the_failing_part_is_the_one_shown() -> None:
    values: dict[str, Value] = {"tests.failed": 0, "tests.errored": 0, "tests.passed": 0}
    found = evaluate("tests.failed == 0 && tests.errored == 0 && tests.passed > 0", values)
    assert found.distance == "0 passed tests, needs > 0"


# --- figures -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pct", [64.99, 64.999, 64.9999999, math.nextafter(65, 0)])
def test_coverage_just_below_the_bound_fails_and_is_never_shown_as_the_bound(pct: float) -> None:
    found = evaluate("coverage.lines.pct >= 65", {"coverage.lines.pct": pct})
    assert found.outcome is Outcome.FAIL
    assert found.value != "65 %"
    assert float(found.value.removesuffix(" %")) < 65
    assert found.margin is not None
    assert found.margin < 0


def test_64_99_is_shown_as_it_is() -> None:
    assert evaluate("coverage.lines.pct >= 65", {"coverage.lines.pct": 64.99}).value == "64.99 %"


@given(
    pct=st.floats(0, 100),
    bound=st.sampled_from([0.5, 33.3, 65, 80, 99.99, 100]),
    operator=st.sampled_from([">=", ">", "<=", "<", "=="]),
)
def test_the_figure_shown_stands_on_the_same_side_of_the_bound(pct: float, bound: float, operator: str) -> None:
    found = evaluate(f"coverage.lines.pct {operator} {bound}", {"coverage.lines.pct": pct})
    shown = float(found.value.removesuffix(" %"))
    holds = {">=": pct >= bound, ">": pct > bound, "<=": pct <= bound, "<": pct < bound, "==": pct == bound}[operator]
    assert found.outcome is (Outcome.PASS if holds else Outcome.FAIL)
    assert (shown < bound, shown > bound) == (pct < bound, pct > bound)
    assert found.margin is not None
    assert (found.margin >= 0) >= holds


@given(total=st.integers(1, 10**6), covered=st.integers(0, 10**6), bound=st.integers(1, 100))
def test_that_many_more_lines_would_do_and_one_less_would_not(total: int, covered: int, bound: int) -> None:
    covered = min(covered, total)
    pct = 100 * covered / total
    found = evaluate(
        f"coverage.lines.pct >= {bound}",
        {"coverage.lines.pct": pct, "coverage.lines.covered": covered, "coverage.lines.total": total},
    )
    if found.outcome is Outcome.FAIL and ": " in found.distance:
        more = int(found.distance.rpartition(": ")[2].split()[0])
        assert 100 * (covered + more) >= bound * total
        assert 100 * (covered + more - 1) < bound * total


# --- what cannot be judged -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        "tests.errored > 1 || tests.failed == 0",
        "tests.failed == 0 || tests.errored > 1",
        "tests.failed == 1 && tests.errored == 0",
        "tests.failed == 0 ? tests.failed == 0 : tests.errored == 0",
    ],
)
def test_an_absent_observation_is_unknown_even_where_a_short_circuit_hides_it(expression: str) -> None:
    found = evaluate(expression, {"tests.failed": 0})
    assert found.outcome is Outcome.UNKNOWN
    assert found.absent == ("tests.errored",)
    assert found.reason == "`tests.errored` is absent"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("Unknown", "`coverage.lines.pct` is no double: 'Unknown'"),
        (math.nan, "`coverage.lines.pct` is no number: nan"),
        (math.inf, "`coverage.lines.pct` is no number: inf"),
        (True, "`coverage.lines.pct` is no double: True"),
    ],
)
@pytest.mark.parametrize("operator", [">=", "<=", "!=", "=="])
def test_a_value_that_is_no_figure_is_unknown(value: Value, reason: str, operator: str) -> None:
    found = evaluate(f"coverage.lines.pct {operator} 65", {"coverage.lines.pct": value})
    assert (found.outcome, found.reason) == (Outcome.UNKNOWN, reason)


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("lint.errors / lint.warnings == 0", {"lint.errors": 1, "lint.warnings": 0}),
        ("lint.errors == 0", {"lint.errors": 2**63}),
        ("lint.errors * lint.errors > 0", {"lint.errors": 2**62}),
        ("lint.errors == 0", {"lint.errors": "0"}),
        ("lint.errors == 0", {"lint.errors": False}),
        ("hooks.active", {"hooks.active": 1}),
    ],
)
def test_what_has_no_value_is_unknown(expression: str, values: dict[str, Value]) -> None:
    found = evaluate(expression, values)
    assert found.outcome is Outcome.UNKNOWN
    assert found.reason


# --- findings and marks --------------------------------------------------------------------------------------


def finding(severity: str, number: int = 1, family: str = "vulnerabilities") -> Finding:
    return Finding(family, f"GHSA-{severity}-{number}", severity, "prototype pollution")


AUDITED: dict[str, Value] = {"vulnerabilities.critical": 0, "vulnerabilities.high": 2}


def test_findings_are_counted_by_severity() -> None:
    two = (finding("high", 1), finding("high", 2), finding("low"))
    found = evaluate('findings.count("high", "critical") == 0', AUDITED, two)
    assert (found.outcome, found.value, found.margin) == (Outcome.FAIL, "2", -2.0)
    assert found.distance == "2 high/critical findings, needs 0"


def test_no_findings_count_as_none_only_where_a_report_counts_that_severity() -> None:
    assert evaluate('findings.count("critical") == 0', AUDITED).outcome is Outcome.PASS
    silent = evaluate('findings.count("critical") == 0', {"lint.errors": 0})
    assert (silent.outcome, silent.reason) == (Outcome.UNKNOWN, "no report counts findings of severity `critical`")


def test_a_count_is_believed_over_a_shorter_list() -> None:
    assert evaluate('findings.count("high") == 0', AUDITED).value == "2"


MARKS = 'output.marked("Backend")'


@pytest.mark.parametrize(
    ("output", "outcome"),
    [
        ("Backend ✅", Outcome.PASS),
        ("✅ backend: 12 files", Outcome.PASS),
        ("\x1b[1mBackend\x1b[0m ✅", Outcome.PASS),
        ("Backend ❌", Outcome.FAIL),
        ("Backend ✅\nBackend ❌", Outcome.FAIL),
        ("Backend ✅ Frontend ❌", Outcome.FAIL),
        ("Backend ❌\rBackend ✅", Outcome.FAIL),
        ("Backend ✅\nFrontend ❌", Outcome.PASS),
        ("Backends ✅", Outcome.UNKNOWN),
        ("Backend built", Outcome.UNKNOWN),
        ("✅", Outcome.UNKNOWN),
        ("", Outcome.UNKNOWN),
    ],
)
def test_marks(output: str, outcome: Outcome) -> None:
    found = evaluate(MARKS, {"output": output})
    assert found.outcome is outcome
    assert bool(found.reason) is (outcome is Outcome.UNKNOWN)


def test_an_unmarked_name_is_unknown_even_where_a_short_circuit_hides_it() -> None:
    assert evaluate(f"exit == 0 || {MARKS}", {"exit": 0, "output": "nothing"}).outcome is Outcome.UNKNOWN


def test_a_mark_in_a_long_output_is_found_quickly() -> None:
    text = "building the backend, chunk 1 of many\n" * 50_000 + "Backend ✅\n"
    assert evaluate(MARKS, {"output": text}).outcome is Outcome.PASS


# --- the engine underneath -----------------------------------------------------------------------------------


def test_a_name_may_be_the_beginning_of_another() -> None:
    values: dict[str, Value] = {"coverage.lines": 7, "coverage.lines.pct": 70.0}
    assert evaluate("coverage.lines == 7 && coverage.lines.pct >= 65", values).outcome is Outcome.PASS


def test_sixty_conditions_in_one_line() -> None:
    assert evaluate(" && ".join(["exit == 2"] * 60), {"exit": 2}).outcome is Outcome.PASS


def test_many_threads_share_one_criterion() -> None:
    compiled = criterion.compile("lint.errors == 0 && exit == 0", TYPES)
    readings = [reading({"lint.errors": n % 2, "exit": 0}) for n in range(200)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda r: compiled.evaluate(r).outcome, readings))
    assert outcomes == [Outcome.FAIL if n % 2 else Outcome.PASS for n in range(200)]


@given(
    left=st.integers(-5, 5),
    right=st.floats(-5, 5),
    operator=st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    turned=st.booleans(),
)
def test_whole_numbers_and_doubles_compare_as_numbers(left: int, right: float, operator: str, turned: bool) -> None:
    names = ("lint.errors", "p95")
    first, second = names if not turned else names[::-1]
    numbers = {"lint.errors": left, "p95": right}
    a, b = numbers[first], numbers[second]
    truth = {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b}[operator]
    found = criterion.compile(f"{first} {operator} {second}", TYPES).evaluate(reading(dict(numbers)))
    assert found.outcome is (Outcome.PASS if truth else Outcome.FAIL)


def test_an_empty_reading_passes_nothing() -> None:
    for expression in ("exit == 0", "exit != 0", "!hooks.active", "!output.contains('x')", "lint.errors >= 0"):
        assert criterion.compile(expression, TYPES).evaluate(Reading()).outcome is Outcome.UNKNOWN
