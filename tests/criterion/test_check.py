"""What the type check refuses, and where it points."""

from __future__ import annotations

import pytest

from gonogo import criterion
from gonogo.errors import Diagnostic, InputError, Severity, Span, render
from tests.criterion.observed import TYPES


def mistakes(expression: str, span: Span | None = None) -> list[Diagnostic]:
    with pytest.raises(InputError) as caught:
        criterion.compile(expression, TYPES, span)
    return [d for d in caught.value.diagnostics if d.severity is Severity.ERROR]


def underlined(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    assert span is not None
    return span.source[span.column - 1 : span.column - 1 + span.width]


@pytest.mark.parametrize(
    ("expression", "slug", "under"),
    [
        ("lint.error == 0", "unknown-observation", "lint.error"),
        ("lint.errors == 'a'", "unlike-types", "'a'"),
        ("lint.errors != 'a'", "unlike-types", "'a'"),
        ("'a' != lint.errors", "unlike-types", "'a'"),
        ("release.name == 3", "unlike-types", "3"),
        ("hooks.active == 1", "unlike-types", "1"),
        ("hooks.active > false", "unlike-types", "hooks.active > false"),
        ("exit == 0 == 1", "unlike-types", "1"),
        ("output == 'done'", "unlike-types", "output"),
        ("parity.names == 'A'", "unlike-types", "'A'"),
        ("lint.errors in ['a']", "unlike-types", "lint.errors in ['a']"),
        ("release.name in ['a', 1]", "unlike-types", "['a', 1]"),
        ("release.name in []", "empty-list", "[]"),
        ("coverage.lines.pct * 2 > 3.0", "unlike-types", "coverage.lines.pct * 2"),
        ("release.name + 1 == 2", "unlike-types", "release.name + 1"),
        ("-hooks.active == 1", "unlike-types", "-hooks.active"),
        ("coverage.lines.pct % 2.0 == 0.0", "unlike-types", "coverage.lines.pct % 2.0"),
        ("size(exit) == 1", "unlike-types", "exit"),
        ("hooks.active ? 1 : 'a'", "unlike-types", "hooks.active ? 1 : 'a'"),
        ("lint.errors", "not-boolean", "lint.errors"),
        ("lint.errors && exit == 0", "not-boolean", "lint.errors"),
        ("!lint.errors", "not-boolean", "lint.errors"),
        ("output.marked('a') && release.name", "not-boolean", "release.name"),
        ("true", "cannot-fail", "true"),
        ("1 == 1", "cannot-fail", "1 == 1"),
        ("!false", "cannot-fail", "false"),
        ("exit == 0 || true", "cannot-fail", "true"),
        ("true && exit == 0", "cannot-fail", "true"),
        ("1 == 1 || exit == 0", "cannot-fail", "1 == 1"),
        ("exit == exit", "cannot-fail", "exit == exit"),
        ("parity.names.all(n, n == 'a')", "unknown-method", "parity.names.all(n, n == 'a')"),
        ("output.markt('a')", "unknown-method", "output.markt('a')"),
        ("output.marked(release.name)", "arguments", "release.name"),
        ("output.marked('')", "arguments", "output.marked('')"),
        ("output.matches('(')", "bad-pattern", "'('"),
        ("findings == 0", "bare-name", "findings"),
        ("findings.count() == 0", "arguments", "findings.count()"),
        ("findings.count('hihg') == 0", "unknown-severity", "'hihg'"),
        ("foo(exit) == 0", "unknown-function", "foo"),
        ("lint.errors == null", "not-in-criteria", "null"),
        ("exit == 0u", "not-in-criteria", "0u"),
        ("parity.names[0] == 'a'", "not-in-criteria", "parity.names[0]"),
        ("{'a': 1} == {'a': 1}", "not-in-criteria", "{'a': 1}"),
        ("exit = 0", "syntax", "="),
        ("exit == 0 and lint.errors == 0", "syntax", "and"),
        ("exit == 0 &&", "syntax", "&"),
        ("coverage.lines.pct ≥ 65", "syntax", "≥"),
        ("coverage.lines.pct >= 65 %", "syntax", "%"),
        ("release.name == 'a", "syntax", "'"),
        ("exit == 0 ~", "syntax", "~"),
    ],
)
def test_a_mistake_is_named_and_underlined(expression: str, slug: str, under: str) -> None:
    first = mistakes(expression)[0]
    assert (first.slug, underlined(first)) == (slug, under)


@pytest.mark.parametrize(
    ("expression", "label"),
    [
        ("coverage.line.pct >= 65", "did you mean `coverage.lines.pct`?"),
        ("exit = 0", "did you mean `==`?"),
        ("exit == 0 and exit == 0", "did you mean `&&`?"),
        ("findings.count('hihg') == 0", "did you mean `high`?"),
        ("output.markt('a')", "did you mean `marked`?"),
        ("coverage.lines.pct >= 65 %", "leave the percent sign out"),
    ],
)
def test_the_nearest_right_thing_stands_beside_the_caret(expression: str, label: str) -> None:
    assert mistakes(expression)[0].label == label


def test_all_mistakes_of_a_line_come_at_once() -> None:
    found = mistakes("lint.error == 0 && exit == 'a' && findings.count('hihg') == 0 && true")
    assert [d.slug for d in found] == ["unknown-observation", "unlike-types", "unknown-severity", "cannot-fail"]


def test_an_unknown_name_hides_what_follows_from_it() -> None:
    assert [d.slug for d in mistakes("nope.x + 1 > 'a'")] == ["unknown-observation"]


@pytest.mark.parametrize(
    "source",
    [
        "      - coverage.line.pct >= 65",
        '      - "coverage.line.pct >= 65"',
        "    criteria: [exit == 0, coverage.line.pct >= 65]",
    ],
)
def test_the_caret_stands_under_the_name_in_the_file(source: str) -> None:
    column = source.index("coverage") + 1
    start = column - 1 if source[column - 2] == '"' else column
    diagnostic = mistakes("coverage.line.pct >= 65", Span("gonogo.yaml", 41, start, 0, source))[0]
    assert diagnostic.span is not None
    assert (diagnostic.span.line, diagnostic.span.column) == (41, column)
    assert underlined(diagnostic) == "coverage.line.pct"


def test_escaped_quotes_in_the_file_still_leave_the_caret_under_the_name() -> None:
    source = r'  - "lint.errors == 0 && findings.count(\"hihg\") == 0"'
    unknown = mistakes('lint.error == 0 && findings.count("high") == 0', Span("gonogo.yaml", 2, 5, 0, source))
    assert unknown[0].span is not None
    assert unknown[0].span.column == source.index("lint.error") + 1


def test_a_folded_expression_keeps_the_whole_span() -> None:
    span = Span("gonogo.yaml", 7, 5, 12, "  - >-")
    assert mistakes("exit == 0 &&\nnope == 1", span)[0].span == span


def test_without_a_span_the_expression_itself_is_shown() -> None:
    text = render(mistakes("exit == 0 &&\nnope == 1")[0])
    assert "--> criterion:2:1" in text
    assert "2 | nope == 1\n  | ^^^^" in text


@pytest.mark.parametrize(
    "expression", ["lint.errors >= 0", "tests.passed > -1", "coverage.lines.pct >= 0", "lint.errors != -1"]
)
def test_a_bound_that_cannot_be_missed_is_a_warning(expression: str) -> None:
    (warning,) = criterion.compile(expression, TYPES).warnings
    assert (warning.slug, warning.severity) == ("cannot-fail", Severity.WARNING)


@pytest.mark.parametrize("expression", ["lint.errors == 0", "tests.passed > 0", "p95 >= 0"])
def test_a_bound_that_can_be_missed_is_no_warning(expression: str) -> None:
    assert criterion.compile(expression, TYPES).warnings == ()


@pytest.mark.parametrize("expression", ["", "   ", "\n"])
def test_an_empty_criterion_is_refused(expression: str) -> None:
    assert mistakes(expression)[0].slug == "empty-criterion"


def test_a_very_long_criterion_is_refused() -> None:
    assert mistakes("exit == 0 && " * 400 + "exit == 0")[0].slug == "criterion-too-long"


@pytest.mark.parametrize("expression", ["(" * 30 + "exit == 0" + ")" * 30, "!" * 200 + "hooks.active"])
def test_a_very_deep_criterion_is_refused(expression: str) -> None:
    assert mistakes(expression)[0].slug == "criterion-too-deep"


def test_true_and_false_are_underlined_wherever_they_stand() -> None:
    expression = "output.contains('true false') == true && false && true // true"
    assert [underlined(d) for d in mistakes(expression)] == ["false", "true"]
    first, second = (d.span for d in mistakes(expression))
    assert first is not None
    assert second is not None
    assert (first.column, second.column) == (expression.index("&& false") + 4, expression.index("&& true") + 4)


def test_names_and_severities_are_listed_once_in_their_order() -> None:
    compiled = criterion.compile(
        'tests.failed == 0 && exit == 0 && tests.failed < 1 && findings.count("low", "high") == 0', TYPES
    )
    assert compiled.names == ("tests.failed", "exit")
    assert compiled.severities == ("low", "high")
