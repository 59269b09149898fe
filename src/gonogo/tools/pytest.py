"""pytest."""

from __future__ import annotations

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
    """pytest: its JUnit XML.

    Traps: exit 2 where a file cannot be imported (the report then counts an error); `-x` and `--maxfail` stop early
    and the report does not tell how many tests never ran.

    Source: pytest's reference, and runs of pytest 9.
    """
    argv = invocation.argv
    if options.has(argv, "-h", "--help", "--version", "-V", "--collect-only", "--co", "--fixtures", "--markers"):
        return None
    given = options.value(argv, *_JUNIT)
    if given:
        return Ask(argv=argv, reports=(AskedReport(given, "junit", cwd_relative=True),))
    stops = options.has(argv, "-x", "--exitfirst", "--maxfail")
    return Ask(
        argv=options.extended(argv, "--junitxml={reports}/pytest.xml"),
        reports=(AskedReport("pytest.xml", "junit", params={"stops_early": stops}),),
    )
