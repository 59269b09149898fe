"""The shortcut for an observation, alone or against a number, says what the grammar says; comparisons what CEL says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gonogo import criterion
from gonogo.criterion import tree
from gonogo.criterion.tree import Node
from gonogo.model.outcome import Outcome
from tests.criterion.observed import TYPES, reading

WORDS = ["exit", "coverage", "lines", "x1", "_u", "iff", "in", "true", "null", "as", "package", "Upper", "9a"]
NUMBERS = ["0", "00", "65", "007", "6.50", "1.", ".5", "1e3", "1u", "0x1f", "-1", "9" * 15, "9" * 16, "x", "'a'"]
SPACES = st.sampled_from(["", " ", "  ", "\t"])


@given(
    st.tuples(
        SPACES,
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(".".join),
        SPACES,
        st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "=", "=>"]),
        SPACES,
        st.sampled_from(NUMBERS),
        SPACES,
    ).map("".join)
)
def test_shortcut_and_grammar_agree(expression: str) -> None:
    assert tree._parsed(expression) == tree._parsed_by_grammar(expression)


@given(st.tuples(SPACES, st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(".".join), SPACES).map("".join))
def test_they_agree_on_a_name_alone(expression: str) -> None:
    assert tree._parsed(expression) == tree._parsed_by_grammar(expression)


def test_the_shortcut_is_taken() -> None:
    found = tree._parsed(" coverage.lines.pct >= 65.5 ")
    assert isinstance(found, Node)
    assert found.operands[1].value == 65.5
    assert found.tree is None
    alone = tree._parsed("release.kept")
    assert isinstance(alone, Node)
    assert (alone.op, alone.tree) == ("name", None)


@given(
    st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
    st.integers(-(2**62), 2**62) | st.integers(-3, 3),
    st.sampled_from([-1, 0, 1, 2, 10**14]),
)
def test_plain_comparisons_are_those_of_cel(op: str, value: int, bound: int) -> None:
    short = criterion.compile(f"lint.errors {op} {bound}", TYPES).evaluate(reading({"lint.errors": value}))
    # `&&` is left to cel-python, and so is all below it
    whole = criterion.compile(f"lint.errors {op} {bound} && exit == 0", TYPES)
    assert short.outcome in {Outcome.PASS, Outcome.FAIL}
    assert whole.evaluate(reading({"lint.errors": value, "exit": 0})).outcome is short.outcome


@given(st.sampled_from(["==", "!=", "<", "<="]), st.floats(0, 100), st.sampled_from(["65", "65.5", "0.0"]))
def test_so_are_those_of_doubles(op: str, value: float, bound: str) -> None:
    given_ = {"coverage.lines.pct": value, "exit": 0}
    short = criterion.compile(f"coverage.lines.pct {op} {bound}", TYPES).evaluate(reading(given_))
    whole = criterion.compile(f"coverage.lines.pct {op} {bound} && exit == 0", TYPES).evaluate(reading(given_))
    assert whole.outcome is short.outcome
