"""The account of a watch: what counts as watched, what is a gap, and when the clock begins anew."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gonogo.probes._account import Account, Pace, account, expand

PACE = Pace(minutes=15, interval=15, gap=120, longest=3000)
WHY = {"outcome": "UNKNOWN", "slug": "unreachable", "message": "Prometheus: no answer", "help": ""}


def sample(
    clock: float, *, at: float | None = None, boot: str = "b1", since: str = "s1", why: Any = None, took: float = 0
) -> Any:
    return {
        "clock": clock,
        "at": 1_000_000 + clock if at is None else at,
        "boot": boot,
        "took": took,
        "started": {"Prometheus": since},
        "why": why,
        "seen": {},
    }


def steady(until: float, *, begin: float = 0.0, **more: Any) -> list[Any]:
    return [sample(float(clock), **more) for clock in range(int(begin), int(until) + 1, 15)]


def test_time_between_two_good_samples_counts() -> None:
    now = account(steady(900), PACE)
    assert (now.watched, now.awake, now.gaps, now.restarts, now.coverage) == (900, 900, (), (), 100)


def test_one_sample_has_watched_nothing() -> None:
    assert account(steady(0), PACE).watched == 0
    assert account([], PACE) == Account()


def test_s63_prometheus_is_away_for_two_minutes_and_comes_back() -> None:
    """A gap within the bound is told, and does not count; the watch goes on from there."""
    away = [sample(300 + 15.0 * n, why=WHY) for n in range(1, 8)]
    now = account([*steady(300), *away, *steady(900, begin=420)], PACE)
    assert now.watched == 300 + 480
    assert [(gap.seconds, gap.why) for gap in now.gaps] == [(120, "Prometheus: no answer")]
    assert now.restarts == ()
    assert now.coverage < 90


def test_s63_the_silence_of_a_source_is_measured() -> None:
    now = account([*steady(300), sample(315, why=WHY), sample(330, why=WHY)], PACE)
    assert (now.silent, now.watched) == (30, 300)


def test_s64_prometheus_is_restarted_and_its_timers_with_it() -> None:
    now = account([*steady(600), *steady(750, begin=615, since="s2")], PACE)
    assert now.watched == 135
    assert [why for _, why in now.restarts] == ["Prometheus was restarted"]


def test_s11_the_machine_slept_for_an_hour() -> None:
    """The boot-time clock goes on while a machine sleeps: nobody watched, and the clock begins anew."""
    now = account([*steady(300), *steady(4200, begin=3900)], PACE)
    assert now.watched == 300
    assert now.awake == 300 + PACE.stride(sample(0)) + 300
    assert [why for _, why in now.restarts] == ["nobody watched for 3600 s"]
    assert [gap.seconds for gap in now.gaps] == [3600]


def test_s11_the_wall_clock_is_set_an_hour_back_and_forth() -> None:
    """It changes nothing but what is told."""
    back = [sample(15.0 * n, at=1_000_000 + 15.0 * n - (3600 if 10 <= n < 20 else 0)) for n in range(61)]
    now = account(back, PACE)
    assert now.watched == 900
    assert now.jumps == ("the wall clock was set 3600 s back", "the wall clock was set 3600 s forward")


def test_gonogo_was_killed_for_a_minute() -> None:
    """Shorter than the bound: a gap that does not count, and the clock goes on."""
    now = account([*steady(300), *steady(600, begin=360)], PACE)
    assert now.watched == 300 + 240
    assert [gap.why for gap in now.gaps] == ["nobody watched"]
    assert now.restarts == ()


def test_a_slow_answer_is_no_gap_and_a_pause_is() -> None:
    slow = [sample(45.0 * n, took=40) for n in range(5)]
    assert account(slow, PACE).watched == 180
    assert account(slow, PACE).gaps == ()
    pausing = [sample(45.0 * n, took=5) for n in range(5)]
    assert account(pausing, PACE).watched == 0
    asleep = account([sample(0, took=3600), sample(3600)], PACE)
    assert (asleep.watched, len(asleep.restarts)) == (0, 1), "the machine slept while it looked"


def test_the_machine_was_started_anew_in_between() -> None:
    """Its steady clock begins at zero: only the wall clock tells how long that took."""
    after = [sample(20 + 15.0 * n, at=1_000_500 + 15.0 * n, boot="b2") for n in range(5)]
    now = account([*steady(300), *after], PACE)
    assert now.watched == 60
    assert [why for _, why in now.restarts] == ["nobody watched for 200 s"]
    assert now.jumps == ("the machine was started anew",)


def test_a_sample_that_saw_the_same_says_only_so() -> None:
    stored = [{**sample(0), "seen": {"a": 1}}, {**sample(15), "seen": None}, {**sample(30), "seen": {"a": 2}}]
    assert [one["seen"] for one in expand(stored)] == [{"a": 1}, {"a": 1}, {"a": 2}]


STEPS = st.lists(
    st.tuples(st.floats(0, 400), st.booleans(), st.sampled_from(["s1", "s2"]), st.floats(-4000, 4000)), max_size=40
)


@given(STEPS)
def test_no_more_is_watched_than_went_by(steps: list[tuple[float, bool, str, float]]) -> None:
    clock, samples = 0.0, []
    for seconds, answered, since, jump in steps:
        clock += seconds
        samples.append(sample(clock, at=clock + jump, since=since, why=None if answered else WHY))
    now = account(samples, PACE)
    good = [one for one in samples if not one["why"]]
    span = good[-1]["clock"] - good[0]["clock"] if good else 0.0
    assert 0 <= now.watched <= span + 0.001
    assert now.awake <= clock + 0.001
    assert now.good == len(good)
    assert not good or not samples[now.begun]["why"], "the clock begins at a sample that saw something"
