"""The loop of a watch, with sources and clocks that are doubles: every end it can come to."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gonogo.model.observation import Observation, Reading, Trouble
from gonogo.model.outcome import Outcome
from gonogo.probes._account import Pace
from gonogo.probes._api import Unanswered
from gonogo.probes._watch import Clock, Seen, Watch
from gonogo.probes._watch_reading import of_time, watched
from tests.probes.conftest import MemoryContext

AWAY = "away"


@dataclass
class SourceDouble:
    """Says one thing after the other; `AWAY` is no answer."""

    script: list[Any]
    name: str = "double"
    asked: list[float] = field(default_factory=list)
    since: str = "s1"

    def look(self, back: float) -> Seen:
        self.asked.append(back)
        said = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if said == AWAY:
            raise Unanswered("unreachable", "double: no answer", "start it")
        if isinstance(said, tuple):
            self.since, said = said
        return Seen({"alerts.firing": said}, {"double": self.since})

    def doubt(self, first: Mapping[str, Any], data: Mapping[str, Any]) -> Trouble | None:
        return Trouble(Outcome.UNKNOWN, "vacuous", "it proves nothing") if data["alerts.firing"] < 0 else None


@dataclass
class ClockDouble:
    """A clock that only the waiting of its context moves; `jumps` are set off after so many waits."""

    context: MemoryContext
    now: float = 100.0
    jumps: dict[int, float] = field(default_factory=dict)
    waits: int = 0
    stop_after: int = 1_000_000

    def wait(self, seconds: float) -> bool:
        self.waits += 1
        self.now += seconds + self.jumps.get(self.waits, 0.0)
        return not self.context.stopped.is_set() and self.waits < self.stop_after


def read(facts: Mapping[str, Any]) -> Reading:
    one = watched(facts)
    values = [s["seen"]["double"]["alerts.firing"] for s in one.samples if "double" in s["seen"]]
    return Reading((Observation("alerts.firing", max(values)),) if values else ())


@pytest.fixture
def context(tmp_path: Path) -> MemoryContext:
    return MemoryContext(tmp_path, criteria=("alerts.firing == 0",), timeout=100_000)


def make(
    context: MemoryContext, monkeypatch: pytest.MonkeyPatch, script: list[Any], minutes: float = 5, **clock: Any
) -> tuple[Watch, SourceDouble, ClockDouble]:
    time = ClockDouble(context, **clock)
    monkeypatch.setattr(context, "wait", time.wait)
    monkeypatch.setattr("gonogo.probes._watch.time.monotonic", lambda: time.now)
    source = SourceDouble(script)
    pace = Pace(minutes, 15, 120, 3 * 60 * minutes + 240)
    steady = Clock("b1", lambda: time.now, lambda: 1_000_000 + time.now)
    return Watch(context, (source,), pace, read, {}, steady), source, time


def slugs(facts: Mapping[str, Any]) -> list[str]:
    return [trouble.slug for trouble in watched(facts).troubles]


def test_a_quiet_watch_comes_through(context: MemoryContext, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, source, time = make(context, monkeypatch, [0])
    facts = watch.run()
    one = watched(facts)
    assert (facts["ended"], slugs(facts)) == ("through", [])
    assert one.account.watched >= 300
    assert time.now - 100 < 301
    assert source.asked[:2] == [0.0, 15.0]
    assert {o.name: o.value for o in of_time(one)}["soak.minutes"] == pytest.approx(5, abs=0.01)
    assert context.told[-1].startswith("watched 5.0 of 5 min")
    assert [s["seen"] for s in facts["samples"]][1:] == [None] * (len(facts["samples"]) - 1), "kept once"


def test_the_first_breach_ends_it(context: MemoryContext, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, _, time = make(context, monkeypatch, [0, 0, 1, 0])
    facts = watch.run()
    assert (facts["ended"], facts["decided"]) == ("decided", ["alerts.firing == 0"])
    assert time.now == 130
    assert context.told[-1].endswith("`alerts.firing == 0` is false")


def test_a_source_that_stays_away_is_unknown(context: MemoryContext, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, _, time = make(context, monkeypatch, [0, 0, AWAY])
    facts = watch.run()
    assert (facts["ended"], slugs(facts)) == ("silent", ["unreachable"])
    assert watched(facts).troubles[0].message == "double: no answer, for 120 s"
    assert time.now == 100 + 15 + 120


def test_s63_a_source_that_comes_back_lengthens_it(context: MemoryContext, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, source, time = make(context, monkeypatch, [0, 0, 0, AWAY, AWAY, AWAY, 0])
    facts = watch.run()
    assert facts["ended"] == "through"
    assert 60 <= time.now - 100 - 300 < 61
    assert source.asked[6] == 60, "it is asked for all of the gap"


def test_what_proves_nothing_is_like_no_answer(context: MemoryContext, monkeypatch: pytest.MonkeyPatch) -> None:
    context.criteria = ()
    watch, _, _ = make(context, monkeypatch, [-1])
    facts = watch.run()
    assert slugs(facts) == ["vacuous"]


def test_s64_a_restart_of_the_source_begins_anew(context: MemoryContext, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, _, time = make(context, monkeypatch, [0] * 10 + [("s2", 0), 0])
    facts = watch.run()
    assert facts["ended"] == "through"
    assert 450 <= time.now - 100 < 451
    assert "double was restarted" in watched(facts).notes[-1]


def test_a_source_that_is_restarted_again_and_again_is_given_up(
    context: MemoryContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = (f"s{n}" for n in itertools.count())
    watch, _, time = make(context, monkeypatch, [(next(names), 0) for _ in range(500)])
    facts = watch.run()
    assert (facts["ended"], slugs(facts)) == ("too-long", ["not-through"])
    assert time.now - 100 <= 3 * 300 + 240 + 15


def test_s11_a_machine_that_sleeps_for_an_hour(context: MemoryContext, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, _, time = make(context, monkeypatch, [0], jumps={5: 3600.0})
    facts = watch.run()
    assert facts["ended"] == "through"
    assert time.now - 100 >= 75 + 3600 + 300
    assert any("nobody watched for 3615 s" in note for note in watched(facts).notes)


def test_s3_told_to_stop_it_is_interrupted_and_never_green(
    context: MemoryContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, _, _ = make(context, monkeypatch, [0])
    context.stopped.set()
    facts = watch.run()
    assert (facts["ended"], slugs(facts)) == ("interrupted", ["interrupted"])
    assert not watched(facts).whole


def test_it_goes_on_with_what_it_remembers(context: MemoryContext, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _, time = make(context, monkeypatch, [0], stop_after=10)
    assert first.run()["ended"] == "interrupted"
    assert context.kept is not None
    assert len(context.kept["samples"]) == 10
    again, source, clock = make(context, monkeypatch, [0], now=time.now + 40)
    facts = again.run()
    assert facts["ended"] == "through"
    assert source.asked[0] == pytest.approx(15 + 40, abs=0.1), "and asks for the time that nobody watched"
    assert 300 - 135 <= clock.now - time.now - 40 < 300 - 135 + 1, "not all of it anew"
    assert any("gap of 55 s" in note for note in watched(facts).notes)


def test_too_little_time_for_the_call_is_unknown(context: MemoryContext, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, _, _ = make(context, monkeypatch, [0])
    context.timeout = 100
    facts = watch.run()
    assert slugs(facts) == ["not-through"]
