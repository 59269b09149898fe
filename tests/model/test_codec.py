"""The nouns as JSON and back, and the digest they are named by."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from gonogo.errors import Span
from gonogo.model.capture import Blob, Capture, ReportRef
from gonogo.model.checklist import Call, Criterion, Effect, Evidence, Gate, Question, When
from gonogo.model.codec import canonical, digest, dump, load, load_flat
from gonogo.model.observation import Finding, Observation, Reading, Trouble
from gonogo.model.outcome import DecisionWord, Outcome, State
from gonogo.model.plan import Node, PhaseTitle, Plan, Subject
from gonogo.model.verdict import Decision, Judgement, Reason, Verdict, Waiver

TROUBLE = Trouble(Outcome.STALE, "stale-report", "it was there before", "delete it")
CAPTURE = Capture(
    "command",
    "npm run lint",
    (Blob("stdout", "ab" * 32, 10, 2_000, "text/plain", "cd" * 32), Blob("report/e.json", "ef" * 32, 3, 3)),
    (ReportRef("report/e.json", "eslint", "eslint", 1, {"root": "backend", "depth": 2}),),
    exit=1,
    troubles=(TROUBLE,),
    notes=("once flaky",),
    started="2026-11-22T15:00:00.000000Z",
    seconds=1.25,
)
VERDICT = Verdict(
    "lint",
    "1",
    Outcome.FAIL,
    State.DONE,
    (Judgement("lint.errors == 0", Outcome.FAIL, "1", "npm run lint", "3", "== 0", -3.0, waived_by=("W1",)),),
    (Finding("lint", "no-console:a.ts", "error", "Unexpected console — ✅", "a.ts", 3, 7),),
    1,
    (TROUBLE,),
    ("a note",),
    (CAPTURE,),
    ("Is it live?",),
    attempts=2,
    flaky=True,
    waived=True,
    started="2026-11-22T15:00:00Z",
    seconds=3.5,
)
SPAN = Span("gonogo.yaml", 3, 5, 9, "- id: lint")
GATE = Gate(
    "lint",
    "Lint",
    "1",
    ("Backend",),
    (Call("1", "command", {"run": "npm run lint", "env": {"A": "1"}}, effect=Effect.WRITE, span=SPAN),),
    (Criterion("lint.errors == 0", "0 errors", ("1",), documented=True, span=SPAN),),
    (Question("q", "Is it live?", "no rule", SPAN),),
    (Evidence("`site/`", "site/", or_capture=True, span=SPAN),),
    when=When('target == "local"', "no registry", SPAN),
    max_age=3600.0,
    proceed_on={"e2e": ("FAIL",)},
    span=SPAN,
)
PLAN = Plan(
    "d" * 64,
    "c" * 64,
    "Staging",
    "READINESS.md",
    Subject("a" * 40, "main", ("x",), pushed=None),
    "local",
    (PhaseTitle("1", "Pre-flight"),),
    (Node(GATE, ("build",), left_out="optional, not selected"),),
    {"GIT_SHA": "a" * 40},
    {".env.staging": "missing"},
    allow_dirty=True,
)
WAIVER = Waiver("W1", "Backend", "Ada", "tracked in #7", date(2028, 2, 29), finding="no-console:a.ts")
DECISION = Decision(DecisionWord.NO_GO, (Reason("lint", "3 lint errors, needs 0"),), "2026-11-22T15:00:00Z")


@pytest.mark.parametrize("noun", [VERDICT, PLAN, CAPTURE, GATE, WAIVER, DECISION], ids=lambda noun: type(noun).__name__)
def test_a_noun_survives_json(noun: object) -> None:
    again = load(type(noun), json.loads(canonical(noun)))
    assert again == noun
    assert canonical(again) == canonical(noun)
    assert load(type(noun), dump(noun)) == noun


def test_types_survive_json_too() -> None:
    verdict = load(Verdict, json.loads(canonical(VERDICT)))
    assert isinstance(verdict.outcome, Outcome)
    assert isinstance(verdict.judgements, tuple)
    assert isinstance(verdict.captures[0].blobs[0], Blob)
    assert load(Waiver, dump(WAIVER)).until == date(2028, 2, 29)


@pytest.mark.parametrize("value", [True, 0, 1, 1.0, 64.99, "1", "true", ("a", "b"), ()])
def test_the_value_of_an_observation_keeps_its_type(value: bool | int | float | str | tuple[str, ...]) -> None:
    reading = Reading((Observation("x", value),))
    again = load(Reading, json.loads(canonical(reading))).value("x")
    assert (type(again), again) == (type(value), value)


def test_where_a_thing_was_written_is_no_part_of_what_it_is() -> None:
    moved = replace(GATE, span=replace(SPAN, line=99), criteria=(replace(GATE.criteria[0], span=None),))
    assert b"span" not in canonical(PLAN)
    assert digest(moved) == digest(GATE)


def test_what_it_is_changes_the_digest() -> None:
    assert digest(replace(GATE, timeout=901.0)) != digest(GATE)
    assert digest(replace(GATE, criteria=(replace(GATE.criteria[0], expression="exit == 0"),))) != digest(GATE)


def test_the_digest_of_a_known_value_never_changes() -> None:
    assert canonical({"b": [1, 1.5, None, True], "a": "ü✅"}) == '{"a":"ü✅","b":[1,1.5,null,true]}'.encode()
    assert digest({"a": 1}) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.booleans(), max_size=6))
def test_the_order_of_keys_does_not_matter(data: dict[str, int | str | bool]) -> None:
    assert digest(dict(reversed(list(data.items())))) == digest(data)
    assert json.loads(canonical(data)) == data


def test_sets_in_plain_data_become_lists_and_no_number_is_not_written() -> None:
    assert dump({"a": (1, Effect.READ), "b": date(2026, 1, 2)}) == {"a": [1, "read"], "b": "2026-01-02"}
    with pytest.raises(ValueError, match="JSON"):
        canonical(math.nan)


@pytest.mark.parametrize(
    "damage", [{"outcome": "GREEN"}, {"judgements": [{"criterion": "x"}]}, {"findings_total": "many"}]
)
def test_what_does_not_fit_is_refused(damage: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        load(Verdict, {**dump(VERDICT), **damage})


@dataclass(frozen=True, slots=True)
class Flat:
    """Fields of every sort that a params type may have."""

    run: str
    ask: bool = True
    depth: int = 3
    port: Annotated[int, Field(gt=0)] = 1
    share: float = 0.5
    paths: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.run == "refused":
            raise ValueError("refused")


@given(
    st.dictionaries(
        st.sampled_from(["run", "ask", "depth", "port", "share", "paths", "other"]),
        st.sampled_from(["x", "refused", "true", "3", True, 0, 3, 0.5, None, ["a"]]),
    )
)
def test_what_is_plain_to_see_is_what_pydantic_says(data: dict[str, Any]) -> None:
    flat = load_flat(Flat, data)
    if flat is not None:
        assert flat == TypeAdapter(Flat).validate_json(json.dumps(data), strict=True)


def test_plain_to_see() -> None:
    assert load_flat(Flat, {"run": "ls", "ask": False}) == Flat("ls", ask=False)
    assert load_flat(Flat, {"run": "ls", "port": 1}) is None
    assert load_flat(Flat, {"ask": True}) is None


@dataclass
class Bounded:
    """A bound that stands in the default."""

    depth: int = Field(default=1, gt=0)


def test_a_bound_in_the_default_is_not_overlooked() -> None:
    assert load_flat(Bounded, {"depth": 0}) is None
    with pytest.raises(ValidationError):
        load(Bounded, {"depth": 0})
