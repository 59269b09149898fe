from __future__ import annotations

import dataclasses
import itertools
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gonogo.errors import IntegrityError, OperationError, Refused
from gonogo.ledger import Ledger, new_run_id
from gonogo.ledger import lease as leases


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def filled(path: Path, count: int = 5) -> None:
    ledger = Ledger(path)
    ledger.take("r1")
    ledger.append("r1", "run-started", {"n": 0})
    for n in range(1, count):
        ledger.append("r1", "note", {"n": n, "text": "ünïcode"}, gate="g", durable=n % 2 == 0)
    ledger.give_back()
    ledger.close()


def alter(path: Path, *statements: str) -> None:
    db = sqlite3.connect(path)
    db.execute("DROP TRIGGER events_stay")
    db.execute("DROP TRIGGER events_remain")
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


def verified(path: Path) -> tuple[int, tuple[str, ...]]:
    ledger = Ledger(path)
    found = ledger.verify()
    ledger.close()
    return found.good, found.problems


def test_what_is_appended_is_read_back_in_order(path: Path) -> None:
    filled(path)
    ledger = Ledger(path)
    events = ledger.events("r1")
    assert [event.value["n"] for event in events] == [0, 1, 2, 3, 4]
    assert [event.seq for event in events] == [1, 2, 3, 4, 5]
    assert all(b.prev_hash == a.hash and b.monotonic >= a.monotonic for a, b in itertools.pairwise(events))
    assert events[0].time.endswith("Z")
    assert ledger.runs() == ("r1",)
    assert ledger.last_run() == "r1"
    ledger.close()
    assert verified(path) == (5, ())


@pytest.mark.parametrize(
    ("statement", "good", "problem"),
    [
        ("UPDATE events SET data = '{\"n\":9}' WHERE seq = 3", 2, "event 3 (`note` of run r1) was altered"),
        ("UPDATE events SET time = '2026-01-01T00:00:00Z' WHERE seq = 3", 2, "event 3 (`note` of run r1) was altered"),
        ("UPDATE events SET gate = 'other' WHERE seq = 5", 4, "event 5 (`note` of run r1) was altered"),
        ("UPDATE events SET run = 'r2' WHERE seq = 5", 4, "event 5 (`note` of run r2) was altered"),
        ("UPDATE events SET hash = 'x' WHERE seq = 2", 1, "event 2 (`note` of run r1) was altered"),
        ("DELETE FROM events WHERE seq = 3", 2, "event 3 is missing"),
        ("DELETE FROM events WHERE seq = 1", 0, "event 1 is missing"),
        ("DELETE FROM events WHERE seq >= 4", 3, "events 4 to 5 are missing"),
        ("UPDATE head SET hash = 'x'", 5, "the head was altered"),
    ],
)
def test_s7_what_was_altered_or_torn_is_found(path: Path, statement: str, good: int, problem: str) -> None:
    filled(path)
    alter(path, statement)
    assert verified(path) == (good, (problem,))


def test_a_row_hashed_anew_breaks_the_chain(path: Path) -> None:
    from gonogo.ledger.store import _hash

    filled(path)
    ledger = Ledger(path)
    event = ledger.events("r1")[2]
    ledger.close()
    forged = dataclasses.replace(event, data='{"n":99}')
    row = (forged.seq, forged.run, forged.gate, forged.event, forged.time, forged.monotonic, forged.data)
    alter(path, f"UPDATE events SET data = '{forged.data}', hash = '{_hash((*row, forged.prev_hash))}' WHERE seq = 3")
    assert verified(path) == (3, ("event 4 does not follow event 3",))


def test_events_cannot_be_changed_by_mistake(path: Path) -> None:
    filled(path)
    db = sqlite3.connect(path)
    for statement in ("UPDATE events SET data = '{}'", "DELETE FROM events"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(statement)
    db.close()


def test_appending_needs_the_lease(path: Path) -> None:
    ledger = Ledger(path)
    with pytest.raises(Refused, match="no longer holds"):
        ledger.append("r1", "note")
    ledger.close()


def test_a_holder_that_lost_the_lease_writes_nothing(path: Path) -> None:
    slow, quick = Ledger(path), Ledger(path)
    slow.take("r1")
    db = sqlite3.connect(path)
    db.execute("DELETE FROM lease")
    db.commit()
    db.close()
    quick.take("r2")
    with pytest.raises(Refused):
        slow.append("r1", "note")
    quick.append("r2", "note")
    slow.give_back()
    assert quick.lease() is not None, "giving back what is lost takes nothing from another"
    slow.close()
    quick.close()


def test_s5_a_living_holder_is_named(path: Path) -> None:
    first, second = Ledger(path), Ledger(path)
    held = first.take("r1")
    with pytest.raises(Refused) as caught:
        second.take("r2")
    for told in (held.host, f"pid {os.getpid()}", f"since {held.since}", held.user, "run r1"):
        assert told in caught.value.message
    first.give_back()
    second.take("r2")
    first.close()
    second.close()


def pretend(path: Path, **changes: Any) -> None:
    """A lease held by somebody like us, but for `changes`."""
    import json

    holder = dataclasses.replace(leases.this_process(), **changes)
    ledger = Ledger(path)
    ledger.close()
    db = sqlite3.connect(path)
    db.execute("INSERT INTO lease VALUES (1, 'token', 'r0', ?)", (json.dumps(holder.data()),))
    db.commit()
    db.close()


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"boot": "another boot"}, "has been started anew"),
        ({"started": "1"}, "belongs to another process now"),
        ({"pid": -1}, "is gone"),
    ],
)
def test_a_holder_that_is_provably_dead_loses_the_lease(path: Path, changes: dict[str, object], why: str) -> None:
    if changes.get("pid") == -1:
        changes = {"pid": dead_pid()}
    pretend(path, **changes)
    ledger = Ledger(path)
    ledger.take("r1")
    event = ledger.events("r0")[0]
    assert event.event == "lease-taken-over"
    assert why in event.value["why"]
    assert event.value["by"]["pid"] == os.getpid()
    ledger.append("r1", "note")
    assert ledger.verify().sound
    ledger.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "another-host", "boot": "another boot", "pid": 1},
        {"machine": "another machine of the same name", "boot": "another boot"},
        {"namespace": "pid:[1]", "pid": 999_999_999},
        {"since": "2001-01-01T00:00:00Z"},
    ],
)
def test_s6_what_cannot_be_proven_dead_keeps_the_lease(path: Path, changes: dict[str, object]) -> None:
    pretend(path, **changes)
    ledger = Ledger(path)
    with pytest.raises(Refused, match="another run holds the ledger"):
        ledger.take("r1")
    ledger.close()


def test_a_zombie_is_dead() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert leases.process_started(process.pid) is None
    process.wait()


def test_s9_no_room_writes_nothing_at_all(path: Path) -> None:
    ledger = Ledger(path)
    ledger.take("r1")
    ledger.append("r1", "run-started")
    pages = ledger._db.execute("PRAGMA page_count").fetchone()[0]
    ledger._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(OperationError, match="database or disk is full") as caught:
        ledger.append_all("r1", [("note", "", {}), ("note", "", {"text": "x" * 100_000})], durable=True)
    assert "free space" in caught.value.help
    assert [event.event for event in ledger.events("r1")] == ["run-started"]
    assert ledger.verify().sound
    ledger._db.execute(f"PRAGMA max_page_count = {pages + 100}")
    ledger.append("r1", "note")
    ledger.close()


def test_a_damaged_file_is_told(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1000)
    with pytest.raises(IntegrityError, match="is damaged"):
        Ledger(path)


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="cannot open the ledger"):
        Ledger(tmp_path / "gone" / "ledger.db")


def test_a_ledger_of_another_format_is_left_alone(path: Path) -> None:
    filled(path)
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 9")
    db.close()
    with pytest.raises(OperationError, match="has format 9"):
        Ledger(path)


def test_what_is_committed_survives_a_kill(path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from gonogo.ledger import Ledger\n"
        "ledger = Ledger(Path(sys.argv[1])); ledger.take('r1'); ledger.append('r1', 'run-started')\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert done.returncode == -9
    ledger = Ledger(path)
    assert [event.event for event in ledger.events("r1")] == ["run-started"]
    assert ledger.verify().sound
    ledger.take("r2")
    ledger.close()


def test_s12_run_ids_are_unique_and_sort_by_time() -> None:
    ids = [new_run_id() for _ in range(500)]
    assert len(set(ids)) == 500
    assert [i[:16] for i in ids] == sorted(i[:16] for i in ids)


# --- several at once -----------------------------------------------------------------------------------------


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with the lease of run `R` in hand."""
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.take("R")
    yield ledger
    ledger.close()


def names(ledger: Ledger) -> list[str]:
    with closing(Ledger(ledger.path)) as reader:  # what another process sees
        return [event.event for event in reader.events("R")]


def test_what_is_appended_together_is_there_as_a_whole(held: Ledger) -> None:
    with held.together():
        held.append("R", "a")
        held.append("R", "b")
        assert held.in_transaction
        assert names(held) == []
    assert names(held) == ["a", "b"]
    assert held.verify().sound


def test_what_breaks_halfway_leaves_nothing(held: Ledger) -> None:
    held.append("R", "before")

    def breaks() -> None:
        with held.together():
            held.append("R", "a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        breaks()
    held.append("R", "after")
    assert names(held) == ["before", "after"]
    assert held.verify().sound


def test_what_precedes_an_act_is_there_before_it_whatever_it_is_appended_with(held: Ledger) -> None:
    with held.together():
        held.append("R", "verdict")
        held.append("R", "attempt-started", durable=True)
        assert names(held) == ["verdict", "attempt-started"], "the act begins now"
        held.append("R", "more")
        assert names(held) == ["verdict", "attempt-started"]
    assert names(held) == ["verdict", "attempt-started", "more"]
    assert held.verify().sound


def test_a_lease_that_was_lost_in_between_is_noticed(held: Ledger) -> None:
    held.append("R", "a")
    with closing(sqlite3.connect(held.path)) as other, other:
        other.execute("UPDATE lease SET token = 'of another'")
    with pytest.raises(Refused), held.together():
        held.append("R", "b")
    assert names(held) == ["a"]


@pytest.mark.parametrize(
    ("events", "unfinished"),
    [
        (["run-started"], True),
        (["run-started", "run-finished"], False),
        (["run-started", "run-finished", "run-resumed"], True),
        (["run-started", "attempt-started g", "verdict g", "run-finished"], False),
        (
            ["run-started", "attempt-started g", "attempt-ended g", "attempt-started g", "verdict g", "run-finished"],
            False,
        ),
        (["run-started", "attempt-started g", "run-finished"], True),
        (["run-started", "attempt-started g", "verdict g", "attempt-started h", "run-finished"], True),
        (["run-started", "run-finished", "sign-off"], False),
    ],
)
def test_whether_a_run_left_something_open(held: Ledger, events: list[str], unfinished: bool) -> None:
    for told in events:
        event, _, gate = told.partition(" ")
        held.append("R", event, gate=gate)
    assert held.unfinished("R") is unfinished
