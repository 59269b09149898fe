"""Diagnostics as a person reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonogo.errors import (
    Diagnostic,
    GonogoError,
    InputError,
    IntegrityError,
    OperationError,
    Refused,
    Severity,
    Span,
    nearest,
    render,
)

LINE = "      - coverage.line.pct >= 65"


def test_message_place_caret_and_help() -> None:
    diagnostic = Diagnostic(
        "unknown-observation",
        "unknown observation `coverage.line.pct`",
        Span("gonogo.yaml", 41, 9, 26, LINE),
        "did you mean `coverage.lines.pct`?",
        "gonogo explain coverage",
    )
    assert render(diagnostic) == (
        "error: unknown observation `coverage.line.pct` [unknown-observation]\n"
        "  --> gonogo.yaml:41:9\n"
        "   |\n"
        "41 |       - coverage.line.pct >= 65\n"
        "   |         ^^^^^^^^^^^^^^^^^ did you mean `coverage.lines.pct`?\n"
        "   |\n"
        "   = help: gonogo explain coverage"
    )


def test_without_a_place_or_a_source() -> None:
    assert render(Diagnostic("slug", "it broke", help="mend it")) == "error: it broke [slug]\n  = help: mend it"
    placed = Diagnostic("slug", "it broke", Span("a.md", 3), "here", severity=Severity.WARNING)
    assert render(placed) == "warning: it broke [slug]\n --> a.md:3:1\n  = note: here"


def _caret_and_line(diagnostic: Diagnostic) -> tuple[str, str]:
    lines = render(diagnostic).splitlines()
    caret = next(n for n, line in enumerate(lines) if "^" in line)
    return lines[caret].partition("| ")[2], lines[caret - 1].partition("| ")[2]


@pytest.mark.parametrize("column", [1, 40, 79, 80, 81, 200, 5000, 9991])
def test_a_very_wide_line_is_cut_around_the_caret(column: int) -> None:
    source = "x" * (column - 1) + "NAME" + "y" * (10_000 - column - 3)
    caret, shown = _caret_and_line(Diagnostic("slug", "m", Span("a.yaml", 1, column, column + 4, source)))
    assert len(shown) <= 160
    assert shown[caret.index("^") : caret.rindex("^") + 1] == "NAME"


def test_an_underline_never_leaves_the_shown_line() -> None:
    caret, shown = _caret_and_line(Diagnostic("slug", "m", Span("a.yaml", 1, 5, 5000, "y" * 5000)))
    assert len(caret) <= len(shown)


def test_tabs_do_not_move_the_caret() -> None:
    caret, shown = _caret_and_line(Diagnostic("slug", "m", Span("a.yaml", 1, 3, 6, "\t\tbad: 1")))
    assert shown[caret.index("^") : caret.rindex("^") + 1] == "bad"


@given(st.text("ab \t", max_size=400), st.integers(1, 500), st.integers(0, 600))
def test_any_span_renders(source: str, column: int, end: int) -> None:
    assert render(Diagnostic("slug", "m", Span("a.yaml", 1, column, end, source))).startswith(
        "error: m [slug]\n --> a."
    )


def test_input_errors_carry_all_mistakes_and_say_the_errors() -> None:
    error = InputError(
        [Diagnostic("a", "first"), Diagnostic("b", "a remark", severity=Severity.WARNING), Diagnostic("c", "second")]
    )
    assert (str(error), len(error.diagnostics), error.exit_code) == ("first; second", 3, 2)
    assert str(InputError([])) == "bad input"
    assert InputError.of("slug", "it broke", help="mend it").diagnostics == (
        Diagnostic("slug", "it broke", help="mend it"),
    )


def test_each_cause_has_its_own_exit_code() -> None:
    codes = {cls: cls("m").exit_code for cls in (Refused, OperationError, IntegrityError, GonogoError)}
    assert codes == {Refused: 4, OperationError: 4, IntegrityError: 5, GonogoError: 70}


def test_the_nearest_name() -> None:
    known = ["coverage.lines.pct", "coverage.files", "exit"]
    assert nearest("coverage.line.pct", known) == "coverage.lines.pct"
    assert nearest("exits", iter(known)) == "exit"
    assert nearest("zzz", known) is None
