"""Lock and state of the target `local`, among processes that race for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gonogo.model.release import Release, ReleaseState, TargetState, Unfinished
from gonogo.plugins import OutOfReach
from gonogo.targets._local_memory import Memory

RACERS = 20
RACE = """
import json, sys, time
from pathlib import Path
from gonogo.targets._local_memory import Memory
memory, me, instead_of = Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])
print("ready", flush=True)
while not (memory / "go").exists():
    time.sleep(0.001)
print(json.dumps(Memory(memory).claim(me, instead_of)))
"""


def race(directory: Path, instead_of: object) -> list[dict[str, int]]:
    """Twenty processes that claim the lock at the same moment; what each was told."""
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(directory), json.dumps({"pid": n}), json.dumps(instead_of)],
            stdout=subprocess.PIPE,
        )
        for n in range(RACERS)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == b"ready\n"
    (directory / "go").touch()
    return [json.loads(racer.communicate()[0]) for racer in racers]


def test_s5_of_twenty_processes_one_gets_the_lock(tmp_path: Path) -> None:
    told = race(tmp_path, None)
    assert len({one["pid"] for one in told}) == 1, "all were told the same holder"
    assert Memory(tmp_path).holder() == told[0]


def test_s5_of_twenty_processes_one_takes_over_from_the_dead(tmp_path: Path) -> None:
    dead = {"pid": 4711}
    Memory(tmp_path).claim(dead, None)
    told = race(tmp_path, dead)
    assert len({one["pid"] for one in told}) == 1
    assert told[0] != dead
    assert Memory(tmp_path).holder() == told[0]


def test_a_lock_is_one_holders_until_it_is_given_back(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    assert memory.holder() is None
    assert memory.claim({"pid": 1}, None) == {"pid": 1}
    assert memory.claim({"pid": 1}, None) == {"pid": 1}, "asked again after a cut"
    assert memory.claim({"pid": 2}, None) == {"pid": 1}
    assert memory.claim({"pid": 2}, {"pid": 3}) == {"pid": 1}, "the holder is another one by now"
    memory.unclaim({"pid": 2})
    assert memory.holder() == {"pid": 1}
    memory.unclaim({"pid": 1})
    assert memory.claim({"pid": 2}, None) == {"pid": 2}


def test_what_is_remembered_comes_back(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    assert memory.load() == TargetState()
    release = Release(3, "a" * 40, artifacts={"web": "sha256:1"}, state=ReleaseState.STABLE, facts={"kept": True})
    state = TargetState(2, 3, (release,), Unfinished("run", "gate", "drill", 3, at="up"))
    memory.save(state)
    assert memory.load() == state
    assert memory.load().stable == release


def test_s6_a_holder_that_lost_the_lock_writes_nothing(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.save(TargetState(fence=5, current=1))
    with pytest.raises(OutOfReach, match="taken over by another run"):
        memory.save(TargetState(fence=4, current=2))
    assert memory.load().current == 1


def test_a_state_that_nobody_can_read_is_not_an_empty_one(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    for text in ('{"fence": 1', '{"fence": "many"}'):
        (tmp_path / "state.json").write_text(text)
        with pytest.raises(OutOfReach):
            memory.load()
    (tmp_path / "lock.json").write_text("{")
    with pytest.raises(OutOfReach, match="cannot read"):
        memory.claim({"pid": 1}, None)


def test_s9_a_disk_that_is_full_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory(tmp_path)
    memory.save(TargetState(fence=1))

    def full(descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        memory.save(TargetState(fence=2))
    monkeypatch.undo()
    assert memory.load().fence == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == [".guard", "state.json"]


def test_readers_see_whole_states_while_somebody_writes(tmp_path: Path) -> None:
    writer = """
import sys
from pathlib import Path
from gonogo.model.release import Release, TargetState
from gonogo.targets._local_memory import Memory
memory = Memory(Path(sys.argv[1]))
for n in range(1, 60):
    memory.save(TargetState(n, n, tuple(Release(m, "c" * 40) for m in range(n))))
"""
    with subprocess.Popen([sys.executable, "-c", writer, str(tmp_path)]) as process:
        seen = set()
        while process.poll() is None:
            state = Memory(tmp_path).load()
            assert len(state.releases) == state.current
            seen.add(state.current)
    assert process.returncode == 0
    assert len(seen) > 1
