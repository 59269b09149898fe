"""Where Vitest writes its coverage summary, as its configuration says."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.plugins import Ask, Invocation
from gonogo.tools.vitest import vitest

CONFIG = "export default {{ test: {{ coverage: {{ {settings} }} }} }};\n"


def summary(directory: Path, settings: str, *arguments: str) -> str:
    """The path at which the summary is expected, relative to the working directory."""
    directory.joinpath("vitest.config.js").write_text(CONFIG.format(settings=settings))
    ask = vitest(Invocation(("vitest", "run", "--coverage", *arguments), directory))
    assert isinstance(ask, Ask)
    return next(report.file for report in ask.reports if report.parser == "istanbul")


@pytest.mark.parametrize(
    ("settings", "arguments", "expected"),
    [
        ("", (), "coverage/coverage-summary.json"),
        ("reportsDirectory: 'out', reporter: ['json-summary']", (), "out/coverage-summary.json"),
        (
            "reportsDirectory: 'out', reporter: ['text', ['json-summary', { file: 'own.json' }]]",
            (),
            "out/own.json",
        ),
        (
            "reportsDirectory: 'out', reporter: [['json-summary', { file: 'own.json' }]]",
            ("--coverage.reporter=text",),
            "out/coverage-summary.json",
        ),
    ],
    ids=["default", "directory", "file of its own", "the command line replaces the configuration"],
)
def test_the_summary_is_looked_for_where_vitest_writes_it(
    tmp_path: Path, settings: str, arguments: tuple[str, ...], expected: str
) -> None:
    assert summary(tmp_path, settings, *arguments) == expected
