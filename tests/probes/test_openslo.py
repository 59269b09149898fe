"""OpenSLO files: what is read, what is refused with its reason, and what samples make of it."""

from __future__ import annotations

from typing import Any

import pytest

from gonogo.model.outcome import Outcome
from gonogo.probes._openslo import NotUnderstood, Objective, of_samples, read
from tests.probes.conftest import Look, MemoryContext

HEAD = "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: x}\nspec:\n"
RATIO = "  indicator: {spec: {ratioMetric: {counter: true, good: %s, total: %s}}}\n"
QUERY = "{metricSource: {type: Prometheus, spec: {query: %s}}}"
GOOD = HEAD + RATIO % (QUERY % "good", QUERY % "total")


def test_a_ratio_with_two_objectives() -> None:
    found = read(GOOD + "  objectives: [{displayName: a, target: 0.9}, {targetPercent: 99.5}]\n")
    assert [(one.name, one.target) for one in found] == [("x/a", 0.9), ("x/1", 0.995)]
    assert found[0].queries == {"good": "good", "total": "total"}
    assert found[0].cumulative


def test_an_indicator_that_stands_apart() -> None:
    sli = "apiVersion: openslo/v1\nkind: SLI\nmetadata: {name: y}\nspec: {thresholdMetric: %s}\n" % (QUERY % "up")
    slo = HEAD + "  indicatorRef: y\n  objectives: [{op: lte, value: 0.2, target: 0.99}]\n"
    (found,) = read(f"{slo}---\n{sli}")
    assert (found.queries, found.op, found.bound) == ({"value": "up"}, "lte", 0.2)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no objective"),
        ("{", "no YAML"),
        ("- a", "not of `apiVersion: openslo/v1`"),
        ("apiVersion: openslo/v1alpha\nkind: SLO\n", "not of `apiVersion: openslo/v1`"),
        ("apiVersion: openslo/v1\nkind: Service\nmetadata: {name: a}\n", "no objective"),
        (HEAD + "  indicatorRef: y\n  objectives: [{target: 0.9}]\n", "an indicator that is not in the file"),
        (HEAD + "  budgetingMethod: Timeslices\n", "`Timeslices`"),
        (GOOD + "  objectives: [{}]\n", "no target"),
        (GOOD + "  objectives: [{target: 99}]\n", "no target"),
        (GOOD.replace("Prometheus", "Datadog") + "  objectives: [{target: 0.9}]\n", "not a `query` to Prometheus"),
        (HEAD + "  indicator: {spec: {}}\n  objectives: [{target: 0.9}]\n", "neither a threshold nor a ratio"),
        (HEAD + "  indicator: {spec: {thresholdMetric: %s}}\n  objectives: [{target: 0.9}]\n" % (QUERY % "up"), "`op`"),
    ],
)
def test_what_cannot_be_judged_is_refused(text: str, why: str) -> None:
    with pytest.raises(NotUnderstood, match=why):
        read(text)


def test_a_file_that_is_missing_or_wrong_is_unknown(look: Look, context: MemoryContext) -> None:
    for path, text in (("none.yaml", None), ("wrong.yaml", "{"), ("here.yaml", GOOD)):
        if text is not None:
            (context.root / path).write_text(text)
        context.only_here = {"here.yaml"}
        seen = look("soak", prometheus="http://127.0.0.1:1", slo=path)
        assert seen.troubles == {"slo-not-understood": Outcome.UNKNOWN}
        assert f"`{path}`" in seen.capture.troubles[0].message


def judged(objective: Objective, looks: list[dict[str, float]], *, whole: bool = True, expected: float = 10) -> Any:
    samples = [{"why": None, "seen": {"slo": {objective.name: look}}} for look in looks]
    return of_samples([objective], samples, expected, whole=whole)


RATIO_OF_COUNTERS = Objective("x", 0.9, {"good": "g", "total": "t"}, cumulative=True)
THRESHOLD = Objective("x", 0.9, {"value": "v"}, op="lte", bound=0.5)


@pytest.mark.parametrize(
    ("objective", "looks", "breached"),
    [
        (RATIO_OF_COUNTERS, [{"good": 1000, "total": 2000}, {"good": 1095, "total": 2100}], 0),
        (RATIO_OF_COUNTERS, [{"good": 1000, "total": 1000}, {"good": 1080, "total": 1100}], 1),
        (RATIO_OF_COUNTERS, [{"good": 90, "total": 100}, {"good": 95, "total": 105}, {"good": 5, "total": 10}], 1),
        (Objective("x", 0.9, {"good": "g", "total": "t"}), [{"good": 9, "total": 10}] * 3, 0),
        (Objective("x", 0.9, {"bad": "b", "total": "t"}), [{"bad": 2, "total": 10}] * 3, 1),
        (Objective("x", 0.9, {"raw": "r"}), [{"raw": 0.95}, {"raw": 0.88}], 0),
        (Objective("x", 0.9, {"raw": "r"}, bad_raw=True), [{"raw": 0.2}], 1),
        (THRESHOLD, [{"value": 0.5}] * 10, 0),
        (THRESHOLD, [{"value": 0.1}] * 8 + [{"value": 0.6}] * 2, 1),
    ],
)
def test_objectives_over_samples(objective: Objective, looks: list[dict[str, float]], breached: int) -> None:
    seen = judged(objective, looks)
    assert seen.value("slo.breached") == breached
    assert len(seen.findings) == breached
    assert seen.value("slo.objectives") == 1


@pytest.mark.parametrize("looks", [[], [{"good": 5, "total": 5}], [{"good": 5, "total": 5}] * 3])
def test_no_event_is_no_proof(looks: list[dict[str, float]]) -> None:
    seen = judged(RATIO_OF_COUNTERS, looks)
    assert seen.value("slo.breached") is None
    assert [trouble.slug for trouble in seen.troubles] == ["slo-no-events"]


def test_while_it_goes_on_only_what_cannot_be_mended_is_a_breach() -> None:
    lost = [{"good": 0.0, "total": 0.0}, {"good": 0.0, "total": 100.0}]
    assert judged(RATIO_OF_COUNTERS, lost, whole=False).value("slo.breached") == 0
    slow = [{"value": 0.6}] * 2
    assert judged(THRESHOLD, slow, whole=False).value("slo.breached") == 0
    assert judged(THRESHOLD, slow * 2, whole=False).value("slo.breached") == 1
