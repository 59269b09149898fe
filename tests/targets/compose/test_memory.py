"""What a Compose target remembers on its engine: its lock and its releases."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from gonogo.model.release import Release, ReleaseState, TargetState
from gonogo.plugins import OutOfReach, Ran
from gonogo.targets._compose_memory import Memory
from tests.probes.conftest import MemoryContext
from tests.targets.compose.tiny import A, Tiny

ADA = {"host": "laptop", "pid": 7, "boot": "b1", "user": "ada", "run": "run-1", "text": 'it\'s "quoted" $1'}
BEN = {**ADA, "host": "desktop", "user": "ben", "run": "run-2"}


@dataclass
class CountedContext(MemoryContext):
    """It remembers what it ran."""

    ran: list[Sequence[str]] = field(default_factory=list)

    def run(self, command: str | Sequence[str], **options: Any) -> Ran:
        self.ran.append(command)
        return super().run(command, **options)


def memory(tiny: Tiny) -> Memory:
    """As each process of each user has it: nothing is shared but the engine."""
    return tiny.target(A)._memory


def test_s5_only_one_of_many_gets_the_lock(tiny: Tiny) -> None:
    holders = [{**ADA, "pid": pid} for pid in range(6)]
    memory(tiny)._make_nothing()
    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(lambda holder: memory(tiny).claim(holder, None), holders))
    assert all(one == told[0] for one in told)
    assert told[0] == memory(tiny).holder()
    assert sum(one == holder for one, holder in zip(told, holders, strict=True)) == 1


def test_s5_a_lock_is_given_back_by_its_holder_only(tiny: Tiny) -> None:
    assert memory(tiny).claim(ADA, None) == ADA
    assert memory(tiny).claim(BEN, None) == ADA
    memory(tiny).unclaim(BEN)
    assert memory(tiny).holder() == ADA
    memory(tiny).unclaim(ADA)
    assert memory(tiny).holder() is None
    assert memory(tiny).claim(BEN, None) == BEN


def test_s6_a_dead_lock_changes_hands_once(tiny: Tiny) -> None:
    memory(tiny).claim(ADA, None)
    third = {**ADA, "user": "cy"}
    assert memory(tiny).claim(third, instead_of=BEN) == ADA, "it is not the one that was proved dead"
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda holder: memory(tiny).claim(holder, ADA), (BEN, third)))
    assert told[0] == told[1]
    assert told[0] in (BEN, third)


def test_s6_whoever_lost_the_lock_writes_nothing_any_more(tiny: Tiny) -> None:
    mine = TargetState(fence=1)
    memory(tiny).save(mine)
    memory(tiny).save(TargetState(fence=2, current=5))
    with pytest.raises(OutOfReach, match="the lock of the target was taken over"):
        memory(tiny).save(replace(mine, current=9))
    assert memory(tiny).load() == TargetState(fence=2, current=5)


def test_s6_what_was_loaded_is_good_for_one_write(tiny: Tiny) -> None:
    context = CountedContext(tiny.root)
    mine = tiny.target(A, context)._memory
    known = mine.load()
    context.ran.clear()
    mine.save(TargetState(fence=1), known)
    assert not [argv for argv in context.ran if argv[1] == "cp" and argv[2].startswith("gonogo-")], "it read again"
    stale = mine.load()
    memory(tiny).save(TargetState(fence=2, current=5))
    for over in (replace(stale), stale, None):
        with pytest.raises(OutOfReach, match="the lock of the target was taken over"):
            mine.save(TargetState(fence=1, current=9), over)
    with pytest.raises(OutOfReach, match="the lock of the target was taken over"):
        mine.save(TargetState(fence=1, current=9), mine.load())
    assert memory(tiny).load() == TargetState(fence=2, current=5)


def test_s6_a_lock_that_changed_hands_is_not_given_back_by_whoever_lost_it(tiny: Tiny) -> None:
    lost = memory(tiny)
    assert lost.claim(ADA, None) == ADA
    assert memory(tiny).claim(BEN, instead_of=ADA) == BEN
    lost.unclaim(ADA)
    assert memory(tiny).holder() == BEN


def test_what_was_never_kept_is_empty_and_makes_nothing(tiny: Tiny) -> None:
    assert memory(tiny).load() == TargetState()
    assert memory(tiny).holder() is None
    found = tiny.engine.docker("ps", "--all", "--quiet", "--filter", f"label=gonogo.target={tiny.project}")
    assert found == ""


def test_it_comes_back_as_it_was_for_every_clone_and_user(tiny: Tiny) -> None:
    release = Release(3, A, artifacts={"web": "sha256:1"}, state=ReleaseState.STABLE, facts={"images": {"web": {}}})
    state = TargetState(fence=4, current=3, releases=(release,))
    memory(tiny).save(TargetState(fence=4))
    memory(tiny).save(state)
    known = memory(tiny)
    assert known.load() == state
    for reader in (known, memory(tiny)):
        tiny.engine.docker("rm", f"gonogo-{tiny.project}")
        assert reader.load() == state, "the container may be pruned; the volume stays"


def test_a_write_that_was_cut_off_leaves_the_one_before(tiny: Tiny) -> None:
    memory(tiny).save(TargetState(fence=1, current=1))
    memory(tiny).save(TargetState(fence=1, current=2))
    whole = memory(tiny)._files()
    newest = memory(tiny)._load()[2]
    memory(tiny)._write(newest, whole[newest][:40])
    assert memory(tiny).load() == TargetState(fence=1, current=1)
    for slot in whole:
        memory(tiny)._write(slot, b"{")
    with pytest.raises(OutOfReach, match="cannot be read"):
        memory(tiny).load()
