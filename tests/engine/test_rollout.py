"""A rollout from its first step to its last: kept, put back, cut off at every step and gone on with."""

from __future__ import annotations

import json
import signal
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from gonogo.config import Settings
from gonogo.ledger.lease import this_process
from gonogo.model import codec
from gonogo.model.checklist import Call, Criterion, Effect, Gate
from gonogo.model.outcome import DecisionWord
from gonogo.model.release import ReleaseState, TargetSpec, TargetState, Unfinished
from gonogo.model.run import RunView
from tests.engine.place import Place, call, gate, outcomes, slugs, verdict

QUICK = {"stable_seconds": 0.05, "within": 5.0, "every": 0.01, "away": 0.2}
FIRST, SECOND = "rollout", "rollback"


@pytest.fixture
def there(place: Place) -> Path:
    return place.root.parent / "there"


def acts(kind: str, **params: Any) -> Call:
    return Call("1", kind, {**QUICK, **params}, text=kind, effect=Effect.WRITE)


def put(**params: Any) -> Gate:
    return Gate("put", "Put", "5", calls=(acts(FIRST, **params),), criteria=(Criterion("rollout.held"),))


def smoke(code: str = "true") -> Gate:
    """What answers, and names the release that runs; and a command that a test lets fail."""
    asks = Call("answers", "http", {"url": f"{SERVER[0]}/health", "json": True}, text="GET /health")
    criteria = (Criterion("http.status == 200"), Criterion("http.release_matches"), Criterion("exit == 0"))
    return gate(
        "smoke", asks, call(code, "2"), phase="5", needs=("put",), criteria=tuple(c.expression for c in criteria)
    )


SERVER: list[str] = []


@pytest.fixture(autouse=True)
def answering(httpserver: HTTPServer, there: Path) -> None:
    """A server that answers for whichever release is up."""

    def health(_request: Request) -> Response:
        commit = json.loads((there / "there.json").read_text())["commit"]
        return Response(json.dumps({"status": "ok", "commit": commit}), content_type="application/json")

    httpserver.expect_request("/health").respond_with_handler(health)
    SERVER[:] = [httpserver.url_for("").rstrip("/")]


def drill() -> Gate:
    asked = ("rollback.healthy", "rollback.smoke_ok", "rollback.forward_ok")
    return Gate("drill", "Drill", "7", calls=(acts(SECOND),), criteria=tuple(map(Criterion, asked)))


def target(there: Path) -> dict[str, Any]:
    return {"targets": (TargetSpec("staging", "double", {"directory": str(there)}),)}


def release(place: Place, there: Path, *gates: Gate, behaves: str = "") -> RunView:
    """Commit something, say how it behaves, and run."""
    place.write("a.txt", f"{len(list(there.glob('behaviour/*')))}\n")
    place.commit()
    commit = place.git("rev-parse", "HEAD").strip()
    (there / "behaviour").mkdir(parents=True, exist_ok=True)
    (there / "behaviour" / commit).write_text(behaves)
    return place.run(*gates, **target(there))


def remembered(there: Path) -> TargetState:
    return codec.load(TargetState, json.loads((there / "state.json").read_text()))


def states(there: Path) -> list[str]:
    return [one.state.value for one in remembered(there).releases]


def ups(there: Path) -> list[str]:
    return (there / "ups").read_text().split()


def test_a_release_that_holds_is_kept(place: Place, there: Path) -> None:
    run = release(place, there, put(), smoke())
    assert outcomes(run) == {"put": "PASS", "smoke": "PASS", "keep_release": "PASS"}
    assert run.decision is not None
    assert run.decision.word is DecisionWord.GO
    assert (states(there), remembered(there).current) == (["stable"], 1)
    assert remembered(there).unfinished is None
    assert not (there / "lock").exists()


def test_s34_the_same_release_again_starts_nothing_anew(place: Place, there: Path) -> None:
    release(place, there, put(), smoke())
    run = place.run(put(), smoke(), **target(there))
    assert set(outcomes(run).values()) == {"PASS"}
    assert ups(there) == ["r1"]
    assert "r1 was there already: nothing was started anew" in verdict(run, "put").notes
    assert states(there) == ["stable"]


def test_s14_a_crash_loop_is_caught_and_the_stable_release_is_back(place: Place, there: Path) -> None:
    release(place, there, put(), smoke())
    run = release(place, there, put(), smoke(), behaves="crash")
    assert outcomes(run)["put"] == "FAIL"
    assert run.decision is not None
    assert run.decision.word is DecisionWord.NO_GO
    assert ups(there) == ["r1", "r2", "r1"]
    assert (states(there), remembered(there).current) == (["stable", "reverted"], 1)
    notes = " ".join(verdict(run, "put").notes)
    assert "was started again" in notes
    assert "went back to r1, which holds" in notes
    assert any(blob.name == "autopsy/backend.log" for blob in verdict(run, "put").captures[0].blobs)


def test_s21_a_release_that_cannot_be_started_gives_its_own_reason(place: Place, there: Path) -> None:
    release(place, there, put(), smoke())
    run = release(place, there, put(), smoke(), behaves="port")
    assert "address already in use" in " ".join(verdict(run, "put").notes)
    assert (states(there), remembered(there).current) == (["stable", "reverted"], 1)


def test_s40_at_most_one_revert(place: Place, there: Path) -> None:
    release(place, there, put(), smoke())
    first = remembered(there).releases[0].commit
    (there / "behaviour" / first).write_text("sick")
    run = release(place, there, put(), smoke(), behaves="sick")
    assert ups(there) == ["r1", "r2", "r1"]
    assert any(note.startswith("BROKEN") for note in verdict(run, "put").notes)
    assert run.decision is not None
    assert run.decision.word is DecisionWord.NO_GO


def test_s47_what_cannot_be_looked_at_is_never_put_back(place: Place, there: Path) -> None:
    release(place, there, put(), smoke())
    run = release(place, there, put(within=0.1), smoke(), behaves="blind")
    assert outcomes(run)["put"] != "PASS"
    assert "r1" not in ups(there)[1:]
    assert run.decision is not None
    assert run.decision.word is DecisionWord.HOLD


def test_a_red_gate_behind_the_rollout_puts_the_stable_release_back(place: Place, there: Path) -> None:
    release(place, there, put(), smoke())
    run = release(place, there, put(), smoke("false"))
    assert outcomes(run) == {"put": "PASS", "smoke": "FAIL", "revert_release": "PASS"}
    assert (states(there), remembered(there).current) == (["stable", "reverted"], 1)
    assert run.decision is not None
    assert run.decision.word is DecisionWord.NO_GO


def test_what_is_red_beside_the_rollout_in_its_own_gate_puts_the_stable_release_back(place: Place, there: Path) -> None:
    def looked(code: str) -> Gate:
        beside = call(code, "2")
        return replace(put(), calls=(*put().calls, beside), criteria=(*put().criteria, Criterion("exit == 0")))

    release(place, there, looked("true"), smoke())
    run = release(place, there, looked("false"), smoke())
    assert outcomes(run)["put"] == "FAIL"
    assert (states(there), remembered(there).current) == (["stable", "reverted"], 1)
    assert ups(there) == ["r1", "r2", "r1"]


def test_s47_a_gate_that_could_not_look_puts_nothing_back(place: Place, there: Path) -> None:
    release(place, there, put(), smoke())
    run = release(place, there, put(), smoke("/nowhere/smoke.sh"))
    assert outcomes(run) == {"put": "PASS", "smoke": "ERROR"}
    assert (states(there), remembered(there).current) == (["stable", "deployed"], 2)
    assert run.decision is not None
    assert run.decision.word is DecisionWord.HOLD
    assert any("not proven" in reason.text for reason in run.decision.reasons)


def test_s15_a_slow_crash_loop_is_caught_when_the_release_is_to_be_kept(place: Place, there: Path) -> None:
    release(place, there, put(), smoke())
    run = release(place, there, put(), smoke(f"touch '{there}/crashed'"), behaves="slow")
    assert outcomes(run) == {"put": "PASS", "smoke": "PASS", "keep_release": "FAIL", "revert_release": "PASS"}
    assert (states(there), remembered(there).current) == (["stable", "reverted"], 1)
    assert run.decision is not None
    assert run.decision.word is not DecisionWord.GO


def test_s15_a_slow_crash_loop_is_not_hidden_by_the_drill(place: Place, there: Path) -> None:
    release(place, there, put(), smoke())
    run = release(place, there, put(), smoke(f"touch '{there}/crashed'"), drill(), behaves="slow")
    assert (outcomes(run)["keep_release"], outcomes(run)["revert_release"]) == ("FAIL", "PASS")
    assert outcomes(run)["drill"] != "PASS"
    assert ups(there) == ["r1", "r2", "r1"], "it is put back before anything is rehearsed"
    assert (states(there), remembered(there).current) == (["stable", "reverted"], 1)


def test_s35_a_release_of_a_dirty_tree_is_never_stable(place: Place, there: Path) -> None:
    place.write("a.txt", "changed\n")
    run = place.run(put(), smoke(), allow_dirty=True, **target(there))
    assert outcomes(run)["keep_release"] == "UNKNOWN"
    assert states(there) == ["deployed"]
    assert run.decision is not None
    assert run.decision.word is DecisionWord.HOLD


# --- drill ----------------------------------------------------------------------------------------------------------


def test_the_drill_goes_back_and_comes_forward_to_the_same_release(place: Place, there: Path) -> None:
    release(place, there, put(), smoke())
    run = release(place, there, put(), smoke(), drill())
    assert set(outcomes(run).values()) == {"PASS"}, [j.distance for j in verdict(run, "drill").judgements]
    assert ups(there) == ["r1", "r2", "r1", "r2"]
    assert (states(there), remembered(there).current) == (["stable", "stable"], 2)


def test_s39_without_an_earlier_release_the_drill_is_not_green(place: Place, there: Path) -> None:
    run = release(place, there, put(), smoke(), drill())
    assert (outcomes(run)["drill"], slugs(run, "drill")) == ("UNKNOWN", ["no-earlier-release"])
    assert run.decision is not None
    assert run.decision.word is DecisionWord.HOLD


def test_s40_where_the_earlier_one_is_sick_it_comes_forward_at_once(place: Place, there: Path) -> None:
    release(place, there, put(), smoke())
    first = remembered(there).releases[0].commit
    (there / "behaviour" / first).write_text("sick")
    run = release(place, there, put(), smoke(), drill())
    assert outcomes(run)["drill"] == "FAIL", verdict(run, "drill").troubles
    assert (ups(there)[-2:], remembered(there).current) == (["r1", "r2"], 2)
    assert "revert_release" not in outcomes(run), "a failed drill is no reason to go back to what failed"


def test_s43_back_means_the_last_stable_release_not_the_last_one(place: Place, there: Path) -> None:
    release(place, there, put(), smoke())
    release(place, there, put(), smoke("/nowhere/smoke.sh"))
    release(place, there, put(), smoke(), drill())
    assert ups(there) == ["r1", "r2", "r3", "r1", "r3"]


# --- the lock, and what was left ------------------------------------------------------------------------------------


def test_s5_a_target_that_is_locked_is_not_touched(place: Place, there: Path) -> None:
    there.mkdir()
    holder = {**this_process().data(), "run": "another", "host": "elsewhere"}
    (there / "lock").write_text(json.dumps(holder))
    run = release(place, there, put(), smoke())
    assert slugs(run, "put") == ["target-locked"]
    assert "elsewhere" in verdict(run, "put").troubles[0].message
    assert not (there / "ups").exists()
    assert json.loads((there / "lock").read_text()) == holder


def test_s5_a_lock_that_is_given_back_in_time_is_waited_for(place: Place, there: Path) -> None:
    there.mkdir()
    (there / "lock").write_text(json.dumps({**this_process().data(), "run": "another", "host": "elsewhere"}))
    threading.Timer(1.0, (there / "lock").unlink).start()
    place.commit()
    run = place.run(put(), smoke(), settings=Settings(jobs=2, lock_wait=30.0), **target(there))
    assert outcomes(run)["put"] == "PASS"


def test_s5_a_lock_of_a_process_that_is_provably_gone_is_taken_over_and_said(place: Place, there: Path) -> None:
    there.mkdir()
    holder = {**this_process().data(), "run": "another", "pid": 2**22 - 3, "started": "1"}
    (there / "lock").write_text(json.dumps(holder))
    run = release(place, there, put(), smoke())
    assert outcomes(run)["put"] == "PASS"
    assert any("lock was left by run another" in note for note in run.notes)
    assert remembered(there).fence == 1


def test_a_target_is_asked_for_trouble_once_by_the_act_that_takes_its_lock(place: Place, there: Path) -> None:
    run = release(place, there, put(), smoke())
    assert list(outcomes(run).values()) == ["PASS"] * 3, "put, smoked and kept: two acts"
    assert (there / "troubles").read_text().split() == ["asked"]


def test_s10_an_act_that_another_run_left_is_not_run_over(place: Place, there: Path) -> None:
    release(place, there, put(), smoke())
    state = remembered(there)
    left = Unfinished("20260101T000000Z-aaaaaa", "drill", "drill", 1, 2, at="back")
    (there / "state.json").write_bytes(
        codec.canonical(codec.load(TargetState, {**codec.dump(state), "unfinished": codec.dump(left)}))
    )
    run = release(place, there, put(), smoke())
    assert slugs(run, "put") == ["unfinished-act"]
    assert "began a drill to r1" in verdict(run, "put").troubles[0].message
    assert ups(there) == ["r1"]


STEPS = (
    "act-started@put:1",
    "act-step@put:begin",
    "act-step@put:keep",
    "act-step@put:up",
    "act-done@put:1",
    "act-ended@put:1",
)


@pytest.mark.parametrize("at", STEPS)
def test_s1_s2_cut_off_at_any_step_it_goes_on_and_ends_in_one_release(place: Place, there: Path, at: str) -> None:
    place.commit()
    assert place.crash(put(), smoke(), at=at, **target(there)) == -signal.SIGKILL
    run = place.resume()
    assert set(outcomes(run).values()) == {"PASS"}
    state = remembered(there)
    assert [one.state for one in state.releases] == [ReleaseState.STABLE]
    assert (state.current, state.unfinished) == (1, None)
    assert not (there / "lock").exists()


def test_s46_a_revert_that_was_cut_off_is_gone_on_with(place: Place, there: Path) -> None:
    release(place, there, put(), smoke())
    place.write("a.txt", "more\n")
    place.commit()
    commit = place.git("rev-parse", "HEAD").strip()
    (there / "behaviour" / commit).write_text("sick")
    assert place.crash(put(), smoke(), at="act-step@put:revert", **target(there)) == -signal.SIGKILL
    run = place.resume()
    assert outcomes(run)["put"] == "FAIL"
    assert ups(there) == ["r1", "r2", "r1"]
    assert (states(there), remembered(there).current) == (["stable", "reverted"], 1)


@pytest.mark.parametrize("at", ["act-step@drill:back", "act-step@drill:forward", "act-done@drill:1"])
def test_s10_a_drill_that_was_cut_off_ends_at_the_release_it_meant(place: Place, there: Path, at: str) -> None:
    release(place, there, put(), smoke())
    place.write("a.txt", "more\n")
    place.commit()
    assert place.crash(put(), smoke(), drill(), at=at, **target(there)) == -signal.SIGKILL
    run = place.resume()
    assert set(outcomes(run).values()) == {"PASS"}
    assert (states(there), remembered(there).current) == (["stable", "stable"], 2)


def test_a_release_that_is_kept_when_the_process_dies_is_kept_once(place: Place, there: Path) -> None:
    place.commit()
    assert place.crash(put(), smoke(), at="act-done@keep_release:1", **target(there)) == -signal.SIGKILL
    run = place.resume()
    assert outcomes(run)["keep_release"] == "PASS"
    assert states(there) == ["stable"]


def test_s9_nothing_is_put_there_where_the_step_cannot_be_written(place: Place, there: Path) -> None:
    """The ledger's own disk is full before the first step: see `tests/ledger`; here its lease is somebody else's."""
    place.commit()
    run = place.run(put(), smoke(), settings=Settings(jobs=1, time_budget=0.0001), **target(there))
    assert outcomes(run)["put"] == "NOT_RUN"
    assert not (there / "ups").exists()
