"""Threads that do one thing after another."""

from __future__ import annotations

import threading

from gonogo.engine.pool import Pool


def test_everything_handed_out_is_done_before_it_ends() -> None:
    done: list[int] = []
    with Pool[int](2, done.append) as pool:
        for number in range(50):
            pool.hand_out(number)
    assert sorted(done) == list(range(50))


def test_no_more_threads_than_its_size_work_at_once() -> None:
    together = threading.Barrier(3)
    names: set[str] = set()

    def work(_: int) -> None:
        names.add(threading.current_thread().name)
        together.wait(10)  # three at once, or this breaks

    with Pool[int](3, work) as pool:
        for number in range(9):
            pool.hand_out(number)
    assert names == {"gonogo-0", "gonogo-1", "gonogo-2"}


def test_a_pool_that_is_given_nothing_starts_nothing() -> None:
    before = threading.active_count()
    with Pool[int](8, print):
        assert threading.active_count() == before
