from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome
from gonogo.model.verdict import Judgement, Verdict
from gonogo.telling.words import SYMBOLS, WORDS, because, cells, crop, duration, plain_symbols, safe, wrap


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]52;c;aGFjaw==\x07x", "x"),
        ("\x1b]8;;http://e\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPsixel\x1b\\x", "x"),
        ("\x9b31mred", "red"),
        ("a\x07b\x08c\x00d", "abcd"),
        ("10%\r50%\r100%\r", "100%"),
        ("tab\there", "tab    here"),
        ("evil\u202etxt.exe", "eviltxt.exe"),
        ("line\u2028break", "linebreak"),
        ("\x1b[2J\x1b[H", ""),
        ("cut off \x1b[3", "cut off"),
        ("ok ✅ Übung 日本", "ok ✅ Übung 日本"),
    ],
)
def test_s73_nothing_that_moves_the_terminal_survives(raw: str, shown: str) -> None:
    assert safe(raw) == shown


LETTERS = st.characters(categories=["L"])


@given(st.text())
def test_safe_text_has_no_control_character(text: str) -> None:
    shown = safe(text)
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in shown)
    assert safe(shown) == shown


@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "Zs"))), st.integers(1, 60))
def test_cropped_text_fits(text: str, width: int) -> None:
    assert cells(crop(text, width)) <= width


@given(st.lists(st.text(LETTERS, min_size=1, max_size=8)), st.integers(8, 40))
def test_wrapped_text_keeps_every_word(words: list[str], width: int) -> None:
    lines = wrap(" ".join(words), width)
    assert " ".join(lines).split() == " ".join(words).split()
    assert all(cells(line) <= width or " " not in line for line in lines)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (9.96, "10 s"),
        (59.6, "1 m 0 s"),
        (72, "1 m 12 s"),
        (3599.7, "1 h 0 m"),
        (7380, "2 h 3 m"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_every_outcome_has_a_symbol_and_a_word_of_its_own() -> None:
    for table in (SYMBOLS, WORDS):
        assert set(table) == set(Outcome)
        assert len(set(table.values())) == len(Outcome)
    assert all(cells(symbol) == 1 for symbol in SYMBOLS.values())


def test_plain_symbols_are_ascii() -> None:
    plain = [plain_symbols(symbol) for symbol in SYMBOLS.values()]
    assert all(symbol.isascii() for symbol in plain)
    assert len(set(plain)) == len(plain)


def test_reasons_come_worst_first_and_none_twice() -> None:
    verdict = Verdict(
        "g",
        "1",
        Outcome.FAIL,
        judgements=(
            Judgement("a == 0", Outcome.UNKNOWN, reason="no report"),
            Judgement("b == 0", Outcome.FAIL, distance="b 3, needs 0"),
            Judgement("b == 0", Outcome.FAIL, distance="b 3, needs 0"),
            Judgement("c == 0", Outcome.PASS),
        ),
        troubles=(Trouble(Outcome.ERROR, "crash", "it crashed"), Trouble(Outcome.FAIL, "changed", "it changed files")),
    )
    assert because(verdict) == ["it changed files", "b 3, needs 0", "it crashed", "no report"]
