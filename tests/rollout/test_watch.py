"""The loop of the waiter, over a target that shows what was written down for it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from gonogo.model.outcome import Outcome
from gonogo.model.release import Instance
from gonogo.plugins import OutOfReach
from gonogo.rollout.watch import still, watch
from gonogo.stability import Watched
from tests.probes.conftest import MemoryContext

WELL = Instance("backend", "c1", "sha256:a", "running", health="healthy", started="t0")
TICK = 0.01


class TargetDouble:
    """Shows one look after the other, the last one for ever; None: it is out of reach."""

    def __init__(self, *looks: Instance | None) -> None:
        self.looks = list(looks)
        self.asked = 0

    def instances(self) -> tuple[Instance, ...]:
        look = self.looks[min(self.asked, len(self.looks) - 1)]
        self.asked += 1
        if look is None:
            raise OutOfReach("cannot connect to the Docker daemon", help="start it")
        return (look,)


@pytest.fixture
def context(tmp_path: Path) -> MemoryContext:
    return MemoryContext(tmp_path)


def watched(
    target: TargetDouble, context: MemoryContext, *, window: float = 0.05, timeout: float = 30.0, patience: float = 0.1
) -> Watched:
    return watch(
        target, {"backend": "sha256:a"}, context, window=window, timeout=timeout, patience=patience, interval=TICK
    )


def test_it_ends_when_the_window_is_over(context: MemoryContext) -> None:
    seen = watched(TargetDouble(replace(WELL, health="starting"), WELL), context)
    assert seen.stable
    assert 0.05 <= seen.held < seen.seconds < 20
    assert "all well for 0 of 0 s" in context.told


def test_it_ends_at_once_where_waiting_mends_nothing(context: MemoryContext) -> None:
    target = TargetDouble(replace(WELL, status="exited", exit=1))
    seen = watched(target, context, window=60, timeout=60)
    assert [problem.slug for problem in seen.problems] == ["exited"]
    assert target.asked == 1


def test_s18_it_never_waits_for_ever(context: MemoryContext) -> None:
    seen = watched(TargetDouble(replace(WELL, health="starting")), context, timeout=0.05)
    assert [problem.slug for problem in seen.problems] == ["not-healthy"]


def test_s13_a_service_without_a_healthcheck_ends_neither_stable_nor_failed(context: MemoryContext) -> None:
    seen = watched(TargetDouble(replace(WELL, health="")), context)
    assert (seen.stable, seen.problems, seen.unproven) == (False, (), ("backend",))


def test_s29_a_daemon_that_comes_back_within_its_budget(context: MemoryContext) -> None:
    again = replace(WELL, started="t9")
    seen = watched(TargetDouble(WELL, None, None, again), context, patience=20)
    assert seen.stable
    assert [re.sub(r"\d+", "0", note) for note in seen.notes] == ["out of reach for 0 s; the window began anew"]


def test_s29_a_daemon_that_stays_away_is_no_failure_of_the_release(context: MemoryContext) -> None:
    seen = watched(TargetDouble(WELL, None), context)
    assert (seen.stable, seen.problems) == (False, ())
    assert [(t.slug, t.outcome, t.help) for t in seen.troubles] == [("out-of-reach", Outcome.UNKNOWN, "start it")]


def test_its_window_begins_and_ends_between_two_looks_of_its_pace(context: MemoryContext) -> None:
    target = TargetDouble(replace(WELL, health="starting"), WELL)
    seen = watch(target, {"backend": "sha256:a"}, context, window=0.1, timeout=30, interval=20)
    assert seen.stable
    assert seen.seconds < 18, "less than its pace"


def test_it_stops_when_the_run_is_told_to(context: MemoryContext) -> None:
    context.stopped.set()
    seen = watched(TargetDouble(WELL), context, window=60)
    assert [t.slug for t in seen.troubles] == ["interrupted"]


def test_s15_a_later_look_finds_what_crashes_slowly(context: MemoryContext) -> None:
    for later, slugs in ((WELL, []), (replace(WELL, restarts=1, started="t90"), ["restarted"])):
        seen = still(TargetDouble(later), {"backend": "sha256:a"}, (WELL,), context)
        assert [problem.slug for problem in seen.problems] == slugs
        assert seen.stable is not bool(slugs)


def test_s29_a_later_look_excuses_no_restart(context: MemoryContext) -> None:
    target = TargetDouble(None, replace(WELL, restarts=1, started="t90"))
    seen = still(target, {"backend": "sha256:a"}, (WELL,), context, interval=TICK)
    assert [problem.slug for problem in seen.problems] == ["restarted"]
