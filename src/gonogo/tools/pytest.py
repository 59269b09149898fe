"""pytest."""

from __future__ import annotations

from collections.abc import Sequence

from gonogo.plugins import Ask, AskedReport, Invocation, tool
from gonogo.tools import _options as options

_JUNIT = ("--junitxml", "--junit-xml")


@tool(
    "pytest",
    executables=("pytest", "py.test"),
    exits={
        0: "clean",
        1: "findings",
        2: "the run was interrupted, or tests could not be collected",
        3: "pytest itself failed",
        4: "pytest was called wrongly",
        5: "no test was collected",
    },
)
def pytest(invocation: Invocation) -> Ask | None:
    """pytest: its JUnit XML, and with `--cov` the Cobertura XML of pytest-cov.

    Traps: coverage that is switched on in a configuration file is not seen here; exit 2 where a file cannot be
    imported (the report then counts an error); `-x` and `--maxfail` stop early and the report does not tell how many
    tests never ran.

    Source: pytest's reference, and runs of pytest 9.
    """
    argv = invocation.argv
    if options.has(argv, "-h", "--help", "--version", "-V", "--collect-only", "--co", "--fixtures", "--markers"):
        return None
    added, covered = _coverage(argv)
    given = options.value(argv, *_JUNIT)
    stops = options.has(argv, "-x", "--exitfirst", "--maxfail")
    report = AskedReport("pytest.xml", "junit", params={"stops_early": stops})
    if given:
        report = AskedReport(given, "junit", cwd_relative=True)
    else:
        added = ("--junitxml={reports}/pytest.xml", *added)
    return Ask(argv=options.extended(argv, *added), reports=(report, *covered))


def _coverage(argv: Sequence[str]) -> tuple[tuple[str, ...], tuple[AskedReport, ...]]:
    """Options for pytest-cov, and its report. To name one drops the table it prints by itself, so that is named too."""
    if not options.has(argv, "--cov") or options.has(argv, "--no-cov"):
        return (), ()
    wanted = options.values(argv, "--cov-report")
    printed = () if wanted or options.has(argv, "--cov-report") else ("--cov-report=term",)
    report = AskedReport("coverage.xml", "cobertura", optional=True)
    return (*printed, "--cov-report=xml:{reports}/coverage.xml"), (report,)
