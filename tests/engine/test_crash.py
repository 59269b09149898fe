"""`kill -9` at every named point, then go on: nothing lost, no finished gate repeated, no act repeated ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gonogo import engine
from gonogo.config import Settings
from gonogo.engine import leftovers, process
from gonogo.errors import InputError, IntegrityError, Refused
from gonogo.evidence.redact import Redactor
from gonogo.evidence.store import Store
from gonogo.ledger import Ledger
from gonogo.model.checklist import Evidence, Gate
from gonogo.model.outcome import DecisionWord, Outcome, State
from gonogo.model.run import RunState
from gonogo.testing import CRASH_POINTS
from tests.engine.place import Place, call, gate, outcomes, registry, slugs, verdict


def counted(name: str, phase: str, line: str = "true", **more: Any) -> Gate:
    return gate(name, f"echo x >> out/count-{name}; {line}", phase=phase, **more)


def counts(place: Place, name: str) -> int:
    file = place.root / f"out/count-{name}"
    return file.read_text().count("x") if file.exists() else 0


@pytest.mark.parametrize("point", CRASH_POINTS)
@pytest.mark.parametrize("at", ["first", "second"])
def test_s1_kill_at_every_point_then_resume(place: Place, point: str, at: str) -> None:
    (place.root / "out").mkdir()
    gates = [
        counted("first", "1", "echo new > out/first.json", evidence=(Evidence("", "out/first.json"),)),
        counted("second", "2", "echo new > out/second.json", evidence=(Evidence("", "out/second.json"),)),
    ]
    place.write("out/first.json", "old\n")
    place.write("out/second.json", "old\n")
    of_gate = point in {"attempt-started", "aside-moved", "calls-ended", "collected", "verdict-appended"}
    assert place.crash(*gates, at=f"{point}@{at}" if of_gate else point) == -signal.SIGKILL
    if point == "decided":
        assert place.view().state is RunState.FINISHED
        with pytest.raises(Refused, match="is decided already"):
            place.resume()
        return
    cut = place.view()
    assert (cut.state, cut.decision) == (RunState.INTERRUPTED, None)
    run = place.resume()
    assert outcomes(run) == {"first": "PASS", "second": "PASS"}
    assert (run.exit_code, run.id) == (0, cut.id)
    for name in ("first", "second"):
        assert (place.root / f"out/{name}.json").read_text() == "new\n"
        before = 1 if outcomes(cut)[name] == "PASS" else counts(place, name)
        assert counts(place, name) == before <= 2
    assert not list((place.state / "aside").rglob("*[0-9]"))
    assert place.view() == run
    ledger = Ledger(place.state / "ledger.db")
    assert ledger.verify().sound
    assert ledger.lease() is None
    ledger.close()


def test_a_finished_gate_is_not_repeated(place: Place) -> None:
    (place.root / "out").mkdir()
    place.crash(counted("first", "1"), counted("second", "2"), at="attempt-started@second")
    run = place.resume()
    assert (counts(place, "first"), counts(place, "second")) == (1, 1)
    assert verdict(run, "second").attempts == 2, "the attempt that was cut off counts"
    assert [said for said in place.listener.said if said[0] == "started"] == [("started", "second", "2")]


def test_what_was_moved_aside_comes_back_when_another_run_starts(place: Place) -> None:
    old = place.write("out/r.json", "old\n")
    place.crash(gate("one", "true", evidence=(Evidence("", "out/r.json"),)), at="aside-moved")
    assert not old.exists()
    place.run(gate("other", "true"))
    assert old.read_text() == "old\n"


@pytest.mark.parametrize("point", ["act-ended@act:1", "calls-ended@act", "collected@act"])
def test_s1_an_act_that_ended_is_not_repeated_and_its_capture_is_judged(place: Place, point: str) -> None:
    (place.root / "out").mkdir()
    act = gate("act", call("echo x >> out/count-act", acts=True), phase="2")
    gates = [counted("look", "1"), act, gate("after", call("echo x >> out/count-after", acts=True), phase="3")]
    assert place.crash(*gates, at=point) == -signal.SIGKILL
    run = place.resume()
    assert (counts(place, "act"), counts(place, "look"), counts(place, "after")) == (1, 1, 1)
    assert set(outcomes(run).values()) == {"PASS"}


def test_s1_only_the_second_of_two_acts_is_done_after_the_first_has_ended(place: Place) -> None:
    (place.root / "out").mkdir()
    calls = [call(f"echo x >> out/count-{name}", name, acts=True) for name in ("backup", "migrate")]
    assert place.crash(gate("acts", *calls), at="act-ended@acts:backup") == -signal.SIGKILL
    run = place.resume()
    assert (outcomes(run), counts(place, "backup"), counts(place, "migrate")) == ({"acts": "PASS"}, 1, 1)


def test_s1_an_act_that_was_cut_off_is_never_repeated(place: Place) -> None:
    (place.root / "out").mkdir()
    act = gate("act", call("echo x >> out/count-act", acts=True), phase="2")
    gates = [counted("look", "1"), act, gate("after", call("echo x >> out/count-after", acts=True), phase="3")]
    assert place.crash(*gates, at="act-done@act:1") == -signal.SIGKILL
    assert counts(place, "act") == 1
    cut = verdict(place.view(), "act")
    assert (cut.outcome, cut.state) == (Outcome.UNKNOWN, State.INTERRUPTED)
    run = place.resume()
    assert (counts(place, "act"), counts(place, "look"), counts(place, "after")) == (1, 1, 0)
    seen = verdict(run, "act")
    assert (seen.outcome, seen.state, slugs(run, "act")) == (Outcome.UNKNOWN, State.INTERRUPTED, ["interrupted-act"])
    assert verdict(run, "after").reason == "acts only with green behind it: `act` is UNKNOWN"
    assert run.decision is not None
    assert (run.decision.word, run.exit_code) == (DecisionWord.HOLD, 3)


def test_an_act_that_was_not_started_is_done_on_resume(place: Place) -> None:
    (place.root / "out").mkdir()
    act = gate("act", call("echo x >> out/count-act", acts=True), phase="2")
    place.crash(counted("look", "1"), act, at="verdict-appended@look")
    run = place.resume()
    assert (outcomes(run), counts(place, "act")) == ({"look": "PASS", "act": "PASS"}, 1)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.02)


def test_processes_of_a_killed_run_are_ended(place: Place) -> None:
    slow = gate("slow", "mkdir -p out; touch out/started; while [ ! -e out/go ]; do sleep 0.1; done")
    process = place.start(slow)
    wait_for(place.root / "out/started")
    process.kill()
    process.wait()
    run_id = place.view().id
    assert leftovers.marked(f"{run_id}.slow.1"), "it outlives gonogo"
    (place.root / "out/go").touch()
    run = place.resume()
    assert outcomes(run) == {"slow": "PASS"}
    assert not leftovers.marked(run_id)


def test_an_act_that_still_works_is_waited_for_by_a_person(place: Place) -> None:
    act = gate("act", call("mkdir -p out; touch out/started; while [ ! -e out/go ]; do sleep 0.1; done", acts=True))
    process = place.start(act)
    wait_for(place.root / "out/started")
    process.kill()
    process.wait()
    with pytest.raises(Refused, match="its process still runs"):
        place.resume()
    with pytest.raises(Refused, match="its process still runs"):
        place.run(gate("other", "true"))
    (place.root / "out/go").touch()
    while leftovers.marked(place.view().id):
        time.sleep(0.05)
    assert outcomes(place.resume()) == {"act": "UNKNOWN"}


def test_s5_two_runs_at_once(place: Place) -> None:
    slow = gate("slow", "mkdir -p out; touch out/started; while [ ! -e out/go ]; do sleep 0.1; done")
    process = place.start(slow)
    wait_for(place.root / "out/started")
    try:
        with pytest.raises(Refused) as caught:
            place.run(gate("other", "touch out/other"))
        assert f"pid {process.pid}" in caught.value.message
        assert "since" in caught.value.message
        assert os.uname().nodename in caught.value.message
        assert place.view().state is RunState.RUNNING
        assert verdict(place.view(), "slow").state is State.RUNNING
        with pytest.raises(Refused):
            place.resume()
    finally:
        (place.root / "out/go").touch()
        assert process.wait(120) == 0
    assert not (place.root / "out/other").exists()
    assert place.view().state is RunState.FINISHED


def test_resume_refuses_another_commit(place: Place) -> None:
    place.crash(gate("one", "true"), at="attempt-started")
    place.write("a.txt", "more\n")
    with pytest.raises(Refused, match=r"not as it was when the run began: `a\.txt`"):
        place.resume()
    place.commit()
    with pytest.raises(Refused, match="is checked out now"):
        place.resume()
    ledger = Ledger(place.state / "ledger.db")
    assert ledger.lease() is None, "a refusal gives the lease back"
    ledger.close()


def test_resume_refuses_an_altered_ledger(place: Place) -> None:
    import sqlite3

    place.crash(gate("one", "true"), gate("two", "true", phase="2"), at="attempt-started@two")
    db = sqlite3.connect(place.state / "ledger.db")
    db.execute("DROP TRIGGER events_stay")
    db.execute("UPDATE events SET data = replace(data, '\"UNKNOWN\"', '\"PASS\"')")
    db.execute("UPDATE events SET data = replace(data, '\"exit\":0', '\"exit\":1') WHERE event = 'verdict'")
    db.commit()
    db.close()
    with pytest.raises(IntegrityError, match="was altered"):
        place.resume()


def test_resume_without_a_run(place: Place) -> None:
    with pytest.raises(InputError, match="there is no run yet"):
        place.resume()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_s3_told_to_stop_then_resume(place: Place, number: int, code: int) -> None:
    (place.root / "out").mkdir()
    gates = [
        counted("first", "1"),
        counted("slow", "2", "touch out/started; while [ ! -e out/go ]; do sleep 0.1; done & wait"),
        counted("last", "3"),
    ]
    process = place.start(*gates)
    wait_for(place.root / "out/started")
    process.send_signal(number)
    assert process.wait(120) == code
    cut = place.view()
    assert (cut.state, cut.exit_code, cut.decision) == (RunState.INTERRUPTED, code, None)
    assert outcomes(cut) == {"first": "PASS", "slow": "NOT_RUN", "last": "NOT_RUN"}
    assert not leftovers.marked(cut.id), "children are ended too"
    (place.root / "out/go").touch()
    run = place.resume()
    assert (outcomes(run), run.exit_code) == ({"first": "PASS", "slow": "PASS", "last": "PASS"}, 0)
    assert (counts(place, "first"), counts(place, "slow"), counts(place, "last")) == (1, 2, 1)


def test_an_act_that_is_stopped_is_not_repeated(place: Place) -> None:
    (place.root / "out").mkdir()
    line = "echo x >> out/count-act; touch out/started; while [ ! -e out/go ]; do sleep 0.1; done"
    process = place.start(gate("act", call(line, acts=True)))
    wait_for(place.root / "out/started")
    process.terminate()
    assert process.wait(120) == 143
    (place.root / "out/go").touch()
    run = place.resume()
    assert (outcomes(run), counts(place, "act"), run.exit_code) == ({"act": "UNKNOWN"}, 1, 3)


def test_s4_a_second_signal_ends_it_at_once(place: Place) -> None:
    stubborn = gate(
        "slow",
        "mkdir -p out; trap 'touch out/asked' TERM; touch out/started; while [ ! -e out/go ]; do sleep 0.1; done",
    )
    process = place.start(stubborn)
    wait_for(place.root / "out/started")
    process.send_signal(signal.SIGINT)
    wait_for(place.root / "out/asked")
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 130
    assert time.monotonic() - started < 4, "less than it is given to end by itself"
    ledger = Ledger(place.state / "ledger.db")
    assert ledger.verify().sound
    ledger.close()
    (place.root / "out/go").touch()
    assert outcomes(place.resume()) == {"slow": "PASS"}


def test_s12_runs_in_one_second_have_names_of_their_own(place: Place) -> None:
    ids = {place.run(gate("one", "true")).id for _ in range(3)}
    assert len(ids) == 3


def test_a_worktree_of_a_killed_run_is_removed(place: Place) -> None:
    place.crash(gate("apart", "true", isolation="worktree"), at="calls-ended")
    assert place.git("worktree", "list").count("\n") == 2
    place.run(gate("other", "true"))
    assert place.git("worktree", "list").count("\n") == 1


def test_raw_reports_of_a_killed_run_are_swept(
    place: Place, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path_factory.mktemp("t")
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)
    place.crash(gate("one", "true"), at="calls-ended")
    assert len(list(temporary.iterdir())) == 1
    place.resume()
    assert list(temporary.iterdir()) == []


def test_a_process_that_starts_just_after_the_stop_is_ended_too(tmp_path: Path) -> None:
    store = Store(tmp_path, Redactor())
    started = time.monotonic()
    ran = process.run(
        ["sleep", "120"],
        cwd=tmp_path,
        env=dict(os.environ),
        timeout=200,
        stdout=store.sink("stdout"),
        stderr=store.sink("stderr"),
        stopping=lambda: True,
    )
    assert ran.exit is None
    assert time.monotonic() - started < 60


def test_a_bug_in_a_listener_gives_the_lease_back(place: Place) -> None:
    class Broken(engine.Silent):
        def gate_finished(self, verdict: object) -> None:
            raise RuntimeError("a bug")

    frozen = place.plan(gate("one", "true"), gate("two", "sleep 120"))
    started = time.monotonic()
    with pytest.raises(RuntimeError, match="a bug"):
        engine.run(
            frozen,
            root=place.root,
            state=place.state,
            registry=registry(),
            settings=Settings(jobs=2),
            listener=Broken(),
        )
    assert time.monotonic() - started < 60
    assert outcomes(place.run(gate("other", "true"))) == {"other": "PASS"}


def test_crash_points_are_closed_without_the_variable() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from gonogo.testing import crash_point; crash_point('decided'); print('alive')"],
        env={k: v for k, v in os.environ.items() if k != "GONOGO_CRASH_AT"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "alive\n"
