"""Baselines over several runs, with real k6 against a server that gets slower: who adds one, and what it is worth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gonogo.engine import baselines
from gonogo.ledger import Ledger
from gonogo.model.baseline import Baseline
from gonogo.model.checklist import Call, Gate
from gonogo.model.outcome import DecisionWord
from gonogo.model.run import RunView
from tests.engine.place import Place, call, gate, outcomes, slugs, verdict
from tests.load_target import SCRIPT, USUAL, LoadTarget, load_target, path_with_k6

WITHIN = "baseline.p95.change_pct <= 30.0"


@pytest.fixture(scope="module")
def target() -> Iterator[LoadTarget]:
    with load_target() as server:
        yield server


@pytest.fixture
def loaded(place: Place, target: LoadTarget, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("PATH", path_with_k6())
    monkeypatch.setenv("BASE_URL", target.url)
    target.delay = USUAL
    place.write("load.js", SCRIPT)
    place.commit()
    return place


def load_gate(*more: str, optional: bool = False, **params: Any) -> Gate:
    given = {"requests": 100, "machine": "here", "slack_ms": 60.0, **params}
    calls = (call("k6 run load.js"), Call("2", "baseline", given, text="baseline"))
    return gate("load", *calls, criteria=("load.errors.pct <= 1.0", WITHIN, *more), optional=optional)


def known(place: Place) -> list[Baseline]:
    return list(baselines.known(place.state))


def decided(view: RunView) -> DecisionWord:
    assert view.decision is not None
    return view.decision.word


def test_s61_s62_the_life_of_a_baseline(loaded: Place, target: LoadTarget) -> None:
    first = loaded.run(load_gate(first_run="record"))
    assert (outcomes(first), decided(first)) == ({"load": "PASS"}, DecisionWord.GO), verdict(first, "load")
    (one,) = known(loaded)
    assert (one.run, one.gate, one.whole.requests) == (first.id, "load", 100)
    assert one.parts["search"].p95 == pytest.approx(one.whole.p95, abs=0.01)
    assert len(one.whole.tenths) == 10
    assert len(one.commit) == 40

    again = loaded.run(load_gate())
    assert outcomes(again) == {"load": "PASS"}, verdict(again, "load")
    assert [b.run for b in known(loaded)] == [first.id, again.id]

    target.delay = 5 * USUAL
    slower = loaded.run(load_gate())
    assert (outcomes(slower), decided(slower)) == ({"load": "FAIL"}, DecisionWord.NO_GO)
    assert [b.run for b in known(loaded)] == [first.id, again.id], "a run that failed moves no baseline"


def test_s61_without_a_baseline_a_required_gate_holds_and_adds_none(loaded: Place) -> None:
    view = loaded.run(load_gate())
    assert (outcomes(view), decided(view)) == ({"load": "UNKNOWN"}, DecisionWord.HOLD)
    assert slugs(view, "load") == ["no-baseline"]
    assert known(loaded) == []


def test_s61_the_first_run_of_an_optional_gate_is_recorded_once_the_release_is_go(loaded: Place) -> None:
    from gonogo.plan import Selection

    chosen = Selection(optional=("load",))
    other = gate("other", "true")
    view = loaded.run(other, load_gate(optional=True), selection=chosen)
    assert (outcomes(view), decided(view)) == ({"other": "PASS", "load": "UNKNOWN"}, DecisionWord.GO)
    assert [b.run for b in known(loaded)] == [view.id]
    compared = loaded.run(other, load_gate(optional=True), selection=chosen)
    assert outcomes(compared) == {"other": "PASS", "load": "PASS"}


def test_a_passed_load_of_a_release_that_is_no_go_adds_none(loaded: Place) -> None:
    view = loaded.run(load_gate(first_run="record"), gate("other", "false"))
    assert outcomes(view)["load"] == "PASS"
    assert decided(view) is DecisionWord.NO_GO
    assert known(loaded) == []


def test_a_tree_that_is_no_commit_adds_none(loaded: Place) -> None:
    """`failures.md` S35: a release of it can never be stable."""
    loaded.write("a.txt", "changed\n")
    view = loaded.run(load_gate(first_run="record"), allow_dirty=True)
    assert (outcomes(view), decided(view)) == ({"load": "PASS"}, DecisionWord.GO)
    assert known(loaded) == []


def test_a_changed_script_begins_anew(loaded: Place) -> None:
    loaded.run(load_gate(first_run="record"))
    loaded.write("load.js", SCRIPT.replace("iterations: 100", "iterations: 101"))
    loaded.commit()
    view = loaded.run(load_gate())
    assert outcomes(view) == {"load": "UNKNOWN"}
    assert "script `load.js" in verdict(view, "load").troubles[0].message


def test_a_run_that_is_decided_anew_counts_as_it_is_decided_then(loaded: Place) -> None:
    """A baseline of a run that goes on stands no longer, until it is GO again."""
    view = loaded.run(load_gate(first_run="record"))
    ledger = Ledger(loaded.state / "ledger.db")
    try:
        ledger.take(view.id)
        ledger.append(view.id, "run-resumed", {"scratch": "", "settings": {}, "waivers": []})
        assert ledger.baselines() == ()
        ledger.append_all(view.id, baselines.entries(view.plan, {"load": verdict(view, "load")}))
        assert [event.run for event in ledger.baselines()] == [view.id]
        assert ledger.verify().sound
        ledger.give_back()
    finally:
        ledger.close()


def test_a_waived_failure_moves_no_baseline(loaded: Place, target: LoadTarget) -> None:
    from dataclasses import replace

    loaded.run(load_gate(first_run="record"))
    target.delay = 5 * USUAL
    view = loaded.run(load_gate())
    failed = replace(verdict(view, "load"), waived=True)
    assert failed.outcome.value == "FAIL"
    assert baselines.entries(view.plan, {"load": failed}) == []


def test_a_first_run_that_lacks_more_than_a_baseline_adds_none(loaded: Place) -> None:
    from dataclasses import replace

    from gonogo.model.observation import Trouble
    from gonogo.model.outcome import Outcome

    view = loaded.run(load_gate())
    first = verdict(view, "load")
    assert len(baselines.entries(view.plan, {"load": first})) == 1
    stale = Trouble(Outcome.STALE, "evidence-stale", "an old file")
    assert baselines.entries(view.plan, {"load": replace(first, troubles=(*first.troubles, stale))}) == []
    assert baselines.entries(view.plan, {"load": replace(first, questions=("is it well?",))}) == []
    wrong = replace(first.judgements[0], outcome=Outcome.UNKNOWN)
    assert baselines.entries(view.plan, {"load": replace(first, judgements=(wrong, *first.judgements[1:]))}) == []


def test_the_ledger_of_an_earlier_gonogo_has_the_index_added(tmp_path: Path) -> None:
    import sqlite3

    Ledger(tmp_path / "ledger.db").close()
    with sqlite3.connect(tmp_path / "ledger.db") as db:
        db.execute("DROP INDEX baselines")
    db.close()
    ledger = Ledger(tmp_path / "ledger.db")
    assert ledger.baselines() == ()
    ledger.close()
