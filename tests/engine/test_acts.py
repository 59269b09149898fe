"""What changes the world runs only with green behind it, once, and after what came before it in its gate went well."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gonogo.config import Settings
from gonogo.errors import OperationError
from gonogo.ledger import Ledger
from gonogo.model.checklist import Call, Effect, Gate
from gonogo.model.outcome import DecisionWord
from gonogo.model.run import RunView
from gonogo.plan import Selection
from tests.engine.place import Place, call, gate, outcomes, slugs, verdict


def act(name: str = "act", phase: str = "2", line: str = "", **more: object) -> Gate:
    return gate(name, call(line or f"mkdir -p out; echo x >> out/{name}", acts=True), phase=phase, **more)


def acted(place: Place, name: str = "act") -> bool:
    return (place.root / "out" / name).exists()


def test_an_act_with_green_behind_it(place: Place) -> None:
    run = place.run(gate("look", "true"), act())
    assert (outcomes(run), acted(place), run.exit_code) == ({"look": "PASS", "act": "PASS"}, True, 0)


@pytest.mark.parametrize(
    ("before", "outcome"),
    [("no-such-program-anywhere", "ERROR"), ("true", "UNKNOWN")],
)
def test_an_act_never_follows_what_could_not_be_seen(place: Place, before: str, outcome: str) -> None:
    criteria = ("exit == 0",) if outcome == "ERROR" else ("tests.failed == 0",)
    run = place.run(gate("look", before, criteria=criteria), act())
    assert outcomes(run)["look"] in {outcome, "ERROR"}
    assert verdict(run, "act").reason.startswith("acts only with green behind it: `look` is ")
    assert not acted(place)


def test_keep_going_never_acts(place: Place) -> None:
    run = place.run(gate("look", "false"), act(), settings=Settings(keep_going=True))
    assert verdict(run, "act").reason == "acts only with green behind it: `look` is FAIL"
    assert not acted(place)


def test_an_act_alone_has_nothing_green_behind_it(place: Place) -> None:
    run = place.run(gate("look", "true"), act(), selection=Selection(gates=("act",)))
    assert verdict(run, "act").reason == "acts only with green behind it: `look` is NOT_RUN"
    assert not acted(place)


def test_optional_gates_hold_no_act_unless_it_needs_them(place: Place) -> None:
    optional = gate("extra", "false", optional=True)
    assert outcomes(place.run(optional, act()))["act"] == "PASS"
    assert outcomes(place.run(optional, act(needs=("extra",))))["act"] == "NOT_RUN"


def test_tolerated_by_name_and_outcome_holds_the_decision(place: Place) -> None:
    look = gate("look", "no-such-program-anywhere")
    run = place.run(look, act(proceed_on={"look": ("ERROR",)}))
    assert outcomes(run) == {"look": "ERROR", "act": "PASS"}
    assert "went ahead although `look` is ERROR, as the checklist tolerates" in verdict(run, "act").notes
    assert run.decision is not None
    assert run.decision.word is DecisionWord.HOLD
    other = place.run(look, act(proceed_on={"look": ("UNKNOWN",)}))
    assert outcomes(other)["act"] == "NOT_RUN", "another outcome is not tolerated"


def test_an_act_is_never_tried_again(place: Place) -> None:
    run = place.run(act(line="echo x >> out-count; false", retries=3))
    assert (verdict(run, "act").attempts, (place.root / "out-count").read_text()) == (1, "x\n")


def test_the_second_act_waits_for_the_first_to_go_well(place: Place) -> None:
    backup = call("false", "backup", acts=True)
    migrate = call("mkdir -p out; touch out/migrate", "migrate", acts=True)
    run = place.run(gate("both", backup, migrate))
    assert not acted(place, "migrate")
    assert slugs(run, "both") == ["act-not-reached"]
    assert outcomes(run) == {"both": "FAIL"}


def test_acts_run_alone(place: Place) -> None:
    busy = "mkdir out/busy && sleep 0.2 && rmdir out/busy"
    (place.root / "out").mkdir()
    run = place.run(act("a", "1", busy), act("b", "1", busy))
    assert outcomes(run) == {"a": "PASS", "b": "PASS"}


def test_nothing_acts_on_a_dirty_tree(place: Place) -> None:
    place.write("a.txt", "dirty\n")
    run = place.run(act())
    assert verdict(run, "act").reason == "acts only on a commit: the tree differs from it, `a.txt`"
    assert not acted(place)
    assert outcomes(place.run(act(), allow_dirty=True)) == {"act": "PASS"}


def test_what_publishes_runs_only_by_name(place: Place) -> None:
    publish = Call("1", "command", {"run": "mkdir -p out; touch out/act"}, effect=Effect.PUBLISH, effect_said=True)
    run = place.run(gate("act", publish))
    assert (outcomes(run), acted(place)) == ({"act": "NOT_RUN"}, False)
    assert "only when selected by name" in verdict(run, "act").reason
    by_name = place.run(gate("act", publish), selection=Selection(gates=("act",)))
    assert (outcomes(by_name), acted(place)) == ({"act": "PASS"}, True)


def test_one_publishing_call_among_others_keeps_the_gate_from_green(place: Place) -> None:
    publish = Call("push", "command", {"run": "mkdir -p out; touch out/act"}, effect=Effect.PUBLISH, effect_said=True)
    run = place.run(gate("both", call("true", "build"), publish))
    assert (outcomes(run), acted(place)) == ({"both": "UNKNOWN"}, False)


def fill_up(place: Place) -> None:
    """No room for another page: what SQLite says when the disk is full."""
    db = sqlite3.connect(place.state / "ledger.db")
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.close()
    original = Ledger.__init__

    def full(self: Ledger, path: Path) -> None:
        original(self, path)
        self._db.execute(f"PRAGMA max_page_count = {pages}")

    return full  # type: ignore[return-value]


def test_s9_no_room_in_the_ledger_ends_before_the_act(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.run(gate("look", "true"))
    monkeypatch.setattr(Ledger, "__init__", fill_up(place))
    with pytest.raises(OperationError, match="cannot write the ledger") as caught:
        run: RunView | None = None
        for _ in range(200):  # each run takes some of the room that is left on the last pages
            run = place.run(gate("look", "true"), act())
        assert run is not None
    assert "free space" in caught.value.help
    counts = (place.root / "out/act").read_text().count("x") if acted(place) else 0
    monkeypatch.undo()
    ledger = Ledger(place.state / "ledger.db")
    begun = [
        event
        for run_id in ledger.runs()
        for event in ledger.events(run_id)
        if (event.event, event.gate) == ("attempt-started", "act")
    ]
    assert ledger.verify().sound
    ledger.close()
    assert counts == len(begun), "no act without its entry, no entry without its act"
