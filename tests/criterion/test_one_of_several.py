"""Observations that are one for each of several, asked by name in brackets."""

from __future__ import annotations

import pytest

from gonogo import criterion
from gonogo.errors import InputError
from gonogo.model.observation import Declared, Observation, ObservationType, Reading, Type, indexed, stem
from gonogo.model.outcome import Outcome

P95 = ObservationType("load.endpoint.p95", Type.DOUBLE, "95th percentile", unit="ms", each="endpoint")
COUNT = ObservationType("load.requests", Type.INT, "requests")
TYPES = Declared({P95.name: P95, COUNT.name: COUNT})
NAMES = ("search", '/a"b\\c', "größe [1]", "a.b")
SEEN = Reading((*(Observation(indexed(P95.name, name), 100.0 + at) for at, name in enumerate(NAMES)),))


def quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.mark.parametrize("name", NAMES)
def test_each_is_found_by_its_name(name: str) -> None:
    value = 100.0 + NAMES.index(name)
    compiled = criterion.compile(f"{P95.name}[{quoted(name)}] == {value}", TYPES)
    assert compiled.evaluate(SEEN).outcome is Outcome.PASS
    assert compiled.names == (indexed(P95.name, name),)
    assert stem(compiled.names[0]) == P95.name


def test_it_is_shown_with_value_bound_and_margin() -> None:
    found = criterion.compile('load.endpoint.p95["search"] <= 80', TYPES).evaluate(SEEN)
    assert (found.outcome, found.value, found.bound, found.margin) == (Outcome.FAIL, "100 ms", "<= 80 ms", -20.0)
    assert 'load.endpoint.p95["search"]' in found.distance


def test_either_quotes_are_the_same_name() -> None:
    one, other = (criterion.compile(f"load.endpoint.p95[{q}search{q}] < 300", TYPES) for q in "\"'")
    assert one.names == other.names


def test_one_that_was_not_measured_is_unknown_short_circuit_or_not() -> None:
    for text in ('load.endpoint.p95["typo"] < 1', 'load.endpoint.p95["search"] < 300 || load.endpoint.p95["typo"] < 1'):
        found = criterion.compile(text, TYPES).evaluate(SEEN)
        assert (found.outcome, found.absent) == (Outcome.UNKNOWN, ('load.endpoint.p95["typo"]',))


def test_several_in_one_expression() -> None:
    text = 'load.endpoint.p95["search"] < 2.0 * load.endpoint.p95["a.b"] && load.endpoint.p95["a.b"] == 103'
    assert criterion.compile(text, TYPES).evaluate(SEEN).outcome is Outcome.PASS


def test_a_capture_that_declares_it_is_expected_to_speak() -> None:
    compiled = criterion.compile('load.endpoint.p95["search"] < 300', TYPES)
    assert compiled.speaks_for(frozenset({"load.endpoint.p95"}))
    assert compiled.asks(frozenset({'load.endpoint.p95["search"]'}))
    assert not compiled.asks(frozenset({"load.requests"}))


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("load.endpoint.p95 < 300", "which-one"),
        ('load.requests["search"] < 300', "no-index"),
        ('load.endpoints.p95["search"] < 300', "unknown-observation"),
        ("load.endpoint.p95[0] < 300", "not-in-criteria"),
        ("load.endpoint.p95[load.requests] < 300", "not-in-criteria"),
        ('load.endpoint.p95["a"]["b"] < 300', "not-in-criteria"),
        ('load.endpoint.p95["a"].b < 300', "not-in-criteria"),
        ('load.endpoint.p95["a"] == "x"', "unlike-types"),
    ],
)
def test_mistakes(text: str, slug: str) -> None:
    with pytest.raises(InputError) as caught:
        criterion.compile(text, TYPES)
    assert [one.slug for one in caught.value.diagnostics] == [slug]


def test_the_declarations_are_still_those_that_were_declared() -> None:
    assert list(TYPES) == ["load.endpoint.p95", "load.requests"]
    assert 'load.endpoint.p95["x"]' in TYPES
    assert 'load.requests["x"]' not in TYPES
    assert TYPES.get('load.requests["x"]') is None
    assert TYPES['load.endpoint.p95["x"]'].unit == "ms"
    with pytest.raises(KeyError):
        TYPES["nope"]
