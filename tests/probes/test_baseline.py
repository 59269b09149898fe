"""Load against its baseline: what can be compared, and what cannot. `failures.md` S61 and S62."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path
from typing import Any

import pytest

from gonogo import criterion, plugins
from gonogo.evidence import reading
from gonogo.model.baseline import Baseline, Figures
from gonogo.model.observation import Captured, Observation, Reading, indexed
from gonogo.model.outcome import Outcome
from gonogo.plugins import Context
from gonogo.probes.baseline import BaselineParams
from tests.load_target import path_with_k6
from tests.probes.conftest import MemoryContext
from tests.statistics.test_comparison import measured

REGISTRY = plugins.builtin()
TOOL = "k6 v1.1.0"
SPEAKS = ("load.requests", "load.duration.p95")


def test_the_memory_context_is_one(tmp_path: Path) -> None:
    context: Context = MemoryContext(tmp_path)
    assert context.before == ()


def load(figures: Figures, *, errors: float | None = 0.0, call: str = "1", **endpoints: Figures) -> Captured:
    """What the capture of a load test says."""
    values: dict[str, Any] = {
        "load.requests": figures.requests,
        "load.duration.p95": figures.p95,
        "load.errors.pct": errors,
        "load.vus": 5,
        "load.script": "light.js 3f2a90c1d4e5",
        "load.tenths": tuple(str(tenth) for tenth in figures.tenths),
    }
    for name, part in endpoints.items():
        values[indexed("load.endpoint.p95", name)] = part.p95
        values[indexed("load.endpoint.requests", name)] = part.requests
        values[indexed("load.endpoint.tenths", name)] = tuple(str(tenth) for tenth in part.tenths)
    seen = tuple(Observation(name, value) for name, value in values.items() if value is not None)
    return Captured(call, "k6 run light.js", Reading(seen), SPEAKS)


@dataclasses.dataclass(frozen=True)
class Answer:
    reading: Reading
    measured: Baseline | None

    def judged(self, expression: str) -> Outcome:
        return criterion.compile(expression, REGISTRY.observation_types).evaluate(self.reading).outcome

    @property
    def slugs(self) -> list[str]:
        return [trouble.slug for trouble in self.reading.troubles]


class Bench:
    """A release after the other, each compared with those before it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.known: list[Baseline] = []

    def compare(self, *before: Captured, target: str = "staging", **params: Any) -> Answer:
        context = MemoryContext(self.root, target=target, before=before, known=tuple(self.known))
        given = {"tool": TOOL, "machine": "ci", **params}
        kind = REGISTRY.probe("baseline")
        capture = kind.function(BaselineParams(**given), context)
        found, _ = reading.read(capture, given, context, REGISTRY)
        return Answer(found, capture.measured)

    def release(self, *before: Captured, **params: Any) -> Answer:
        """Compare, and let the release become stable."""
        answer = self.compare(*before, **params)
        assert answer.measured is not None
        self.known.append(dataclasses.replace(answer.measured, run=f"run-{len(self.known)}"))
        return answer


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


RNG = random.Random(61)
USUAL = [measured(RNG, 0.4) for _ in range(12)]
SLOW = measured(RNG, 0.4, slower=1.6)
WITHIN = "baseline.p95.change_pct <= 15.0"


def test_s61_the_first_run_is_unknown_and_says_so(bench: Bench) -> None:
    answer = bench.compare(load(USUAL[0]))
    assert answer.judged(WITHIN) is Outcome.UNKNOWN
    assert answer.slugs == ["no-baseline"]
    assert answer.reading.value("baseline.runs") == 0
    assert "first_run: record" in answer.reading.troubles[0].help
    assert answer.measured is not None, "once its release is stable, it is the baseline"


def test_s61_the_first_run_passes_where_the_checklist_says_record(bench: Bench) -> None:
    answer = bench.compare(load(USUAL[0]), first_run="record")
    assert answer.judged(WITHIN) is Outcome.PASS
    assert answer.judged("baseline.runs >= 1") is Outcome.FAIL
    assert any("this run is the first" in note for note in answer.reading.notes)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"tool": "k6 v1.0.0"}, "tool `k6 v1.1.0` instead of `k6 v1.0.0`"),
        ({"machine": "laptop"}, "machine `ci` instead of `laptop`"),
        ({"series": "more data"}, "series `` instead of `more data`"),
        ({"target": "local"}, "target `staging` instead of `local`"),
    ],
)
def test_s61_other_runs_are_not_comparable(bench: Bench, params: dict[str, Any], said: str) -> None:
    bench.release(load(USUAL[0]))
    answer = bench.compare(load(SLOW), **params)
    assert answer.judged(WITHIN) is Outcome.UNKNOWN
    assert said in answer.reading.troubles[0].message


@pytest.mark.parametrize(("name", "value"), [("load.script", "light.js 000000000000"), ("load.vus", 6)])
def test_s61_another_script_or_other_users_are_not_comparable(bench: Bench, name: str, value: Any) -> None:
    bench.release(load(USUAL[0]))
    plain = load(USUAL[1])
    others = tuple(dataclasses.replace(o, value=value) if o.name == name else o for o in plain.reading.observations)
    answer = bench.compare(dataclasses.replace(plain, reading=Reading(others)))
    assert (answer.slugs, answer.judged(WITHIN)) == (["no-baseline"], Outcome.UNKNOWN)


def test_s61_too_few_requests(bench: Bench) -> None:
    bench.release(load(USUAL[0]))
    few = dataclasses.replace(USUAL[1], requests=999)
    answer = bench.compare(load(few))
    assert (answer.slugs, answer.judged(WITHIN), answer.measured) == (["too-few-requests"], Outcome.UNKNOWN, None)
    assert bench.compare(load(few), requests=999).judged(WITHIN) is Outcome.PASS


@pytest.mark.parametrize("errors", [5.1, 60.0, None])
def test_durations_of_errors_are_not_compared(bench: Bench, errors: float | None) -> None:
    bench.release(load(USUAL[0]))
    answer = bench.compare(load(dataclasses.replace(USUAL[1], p95=1.0), errors=errors))
    assert (answer.slugs, answer.judged(WITHIN), answer.measured) == (["durations-of-errors"], Outcome.UNKNOWN, None)


@pytest.mark.parametrize("earlier", [1, 3, 5, 6, 10])
def test_s62_the_same_passes_and_sixty_per_cent_more_fails(bench: Bench, earlier: int) -> None:
    for one in USUAL[:earlier]:
        bench.release(load(one))
    same, slow = bench.compare(load(USUAL[-1])), bench.compare(load(SLOW))
    assert same.judged(WITHIN) is Outcome.PASS
    assert slow.judged(WITHIN) is Outcome.FAIL
    assert slow.reading.value("baseline.runs") == min(earlier, 5)
    assert (slow.reading.value("baseline.p95.p_value") is not None) == (earlier >= 6)
    assert "(+" in slow.reading.notes[0]


def test_what_chance_explains_is_told_and_is_no_change(bench: Bench) -> None:
    for one in USUAL[:6]:
        bench.release(load(one))
    before = sorted(one.p95 for one in USUAL[1:6])[2]
    answer = bench.compare(load(dataclasses.replace(USUAL[7], p95=before * 1.25)))
    assert answer.reading.value("baseline.p95.change_pct") == 0.0
    assert answer.reading.value("baseline.p95.measured_pct") == pytest.approx(25)
    assert "chance may explain it (p = " in answer.reading.notes[0]
    close = bench.compare(load(dataclasses.replace(USUAL[7], p95=before + 4.9)))
    assert close.reading.value("baseline.p95.change_pct") == 0.0
    assert "within the slack" in close.reading.notes[0]


@pytest.mark.parametrize("earlier", [3, 6])
def test_a_run_too_unsteady_to_tell_is_unknown(bench: Bench, earlier: int) -> None:
    """It slowed down at its very end: nine tenths are as ever, and the percentile is half as much again."""
    for one in USUAL[:earlier]:
        bench.release(load(one))
    late = (*USUAL[7].tenths[:9], 12 * USUAL[7].tenths[9])
    answer = bench.compare(load(dataclasses.replace(USUAL[7], p95=USUAL[7].p95 * 1.5, tenths=late)))
    assert (answer.slugs, answer.judged(WITHIN)) == (["too-unsteady"], Outcome.UNKNOWN)
    assert answer.judged("baseline.p95.measured_pct > 30.0") is Outcome.PASS
    wider = bench.compare(load(dataclasses.replace(USUAL[7], p95=USUAL[7].p95 * 1.5, tenths=late)), within=40.0)
    assert wider.reading.value("baseline.p95.change_pct") == 0.0


def test_one_slow_endpoint_is_named_although_the_whole_is_not_slower(bench: Bench) -> None:
    for one in USUAL[:3]:
        bench.release(load(one, search=one, health=one))
    answer = bench.compare(load(USUAL[-1], search=SLOW, health=USUAL[-1], new=SLOW))
    assert answer.judged(WITHIN) is Outcome.PASS
    assert answer.judged("baseline.endpoints.slower == 0") is Outcome.FAIL
    assert answer.reading.value("baseline.endpoints.compared") == 2
    assert [finding.id for finding in answer.reading.findings] == ["slower:search"]
    assert any("endpoint `search` is slower" in note for note in answer.reading.notes)


def test_an_endpoint_too_unsteady_to_tell_is_no_zero(bench: Bench) -> None:
    for one in USUAL[:6]:
        bench.release(load(one, search=one))
    late = (*USUAL[7].tenths[:9], 12 * USUAL[7].tenths[9])
    odd = dataclasses.replace(USUAL[7], p95=USUAL[7].p95 * 1.5, tenths=late)
    answer = bench.compare(load(USUAL[8], search=odd))
    assert answer.judged("baseline.endpoints.slower == 0") is Outcome.UNKNOWN
    assert answer.judged(WITHIN) is Outcome.PASS
    assert any("endpoint `search` was too unsteady to tell" in note for note in answer.reading.notes)


def test_endpoints_that_cannot_be_compared_are_no_zero(bench: Bench) -> None:
    bench.release(load(USUAL[0], search=dataclasses.replace(USUAL[0], requests=10)))
    answer = bench.compare(load(USUAL[1], search=USUAL[1]))
    assert answer.judged("baseline.endpoints.slower == 0") is Outcome.UNKNOWN


def test_no_load_test_before_it(bench: Bench) -> None:
    assert bench.compare().slugs == ["no-load"]
    silent = Captured("1", "npm test", Reading((Observation("exit", 0),)))
    assert bench.compare(silent).judged(WITHIN) is Outcome.UNKNOWN


def test_several_load_tests_need_a_name(bench: Bench) -> None:
    two = (load(USUAL[0], call="light"), load(SLOW, call="staged"))
    assert bench.compare(*two).slugs == ["which-load"]
    assert bench.compare(*two, call="staged", first_run="record").reading.value("baseline.p95.now_ms") == SLOW.p95


@pytest.mark.parametrize("name", ["load.script", "load.vus", "load.duration.p95"])
def test_what_is_not_known_of_the_load_is_no_baseline(bench: Bench, name: str) -> None:
    plain = load(USUAL[0])
    left = tuple(o for o in plain.reading.observations if o.name != name)
    answer = bench.compare(dataclasses.replace(plain, reading=Reading(left)), first_run="record")
    assert (answer.judged(WITHIN), answer.measured) == (Outcome.UNKNOWN, None)


def test_the_version_is_what_k6_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", path_with_k6())
    context = MemoryContext(tmp_path, before=(load(USUAL[0]),))
    capture = REGISTRY.probe("baseline").function(BaselineParams(), context)
    assert capture.measured is not None
    assert capture.measured.key["tool"].startswith("k6 v")
    assert " cores" in capture.measured.key["machine"]
    monkeypatch.setenv("PATH", "/nonexistent")
    capture = REGISTRY.probe("baseline").function(BaselineParams(), context)
    facts = capture.blob("facts.json")
    assert facts is not None
    assert json.loads(context.blobs[facts.sha256])["problem"]["slug"] == "load-not-known"


def test_the_stored_facts_say_it_all(bench: Bench) -> None:
    """Nothing but the facts and the params is read again: a bundle comes to the same on another machine."""
    for one in USUAL[:6]:
        bench.release(load(one))
    context = MemoryContext(bench.root, before=(load(SLOW),), known=tuple(bench.known))
    params: dict[str, Any] = {"tool": TOOL, "machine": "ci"}
    capture = REGISTRY.probe("baseline").function(BaselineParams(**params), context)
    bare = MemoryContext(bench.root, blobs=context.blobs)
    first, _ = reading.read(capture, params, context, REGISTRY)
    again, _ = reading.read(capture, params, bare, REGISTRY)
    assert again == first
    assert first.value("baseline.p95.change_pct") is not None


def test_a_document_says_it_in_words(tmp_path: Path) -> None:
    """The bound in the prose is the bound of the criterion, and of each endpoint."""
    from gonogo import checklist

    text = "# Load\n\n## Phase 5 — Deploy\n\n- Speed\n  - Command: `k6 run light.js`\n"
    text += "  - Pass: No error spikes; p95 within 12.5 % of baseline\n  - Owner: DevOps\n"
    (tmp_path / "READINESS.md").write_text(text, encoding="utf-8")
    (gate,) = checklist.load(tmp_path / "READINESS.md", REGISTRY).checklist.gates
    assert [one.expression for one in gate.criteria] == ["load.errors.pct <= 1.0", "baseline.p95.change_pct <= 12.5"]
    assert [(one.kind, one.params.get("within")) for one in gate.calls] == [("command", None), ("baseline", 12.5)]
    assert gate.questions == ()
    vague = text.replace("p95 within 12.5 % of baseline", "baseline p95 within agreed band")
    (tmp_path / "READINESS.md").write_text(vague, encoding="utf-8")
    (gate,) = checklist.load(tmp_path / "READINESS.md", REGISTRY).checklist.gates
    assert [one.text for one in gate.questions] == ["baseline p95 within agreed band"]
