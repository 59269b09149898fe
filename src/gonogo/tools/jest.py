"""Jest."""

from __future__ import annotations

from gonogo.model.observation import Reading
from gonogo.plugins import Ask, AskedReport, Invocation, tool
from gonogo.tools import _js_config as js_config
from gonogo.tools import _options as options
from gonogo.tools._package_json import read

_DEFAULT_COVERAGE = ("clover", "json", "lcov", "text")


def _explain(code: int, reading: Reading, text: str) -> str | None:  # noqa: ARG001 - the seam gives all three
    return "a coverage threshold of the project is not met" if "coverage threshold for" in text else None


@tool("jest", executables=("jest",), exits={0: "clean", 1: "findings"}, explain=_explain)
def jest(invocation: Invocation) -> Ask | None:
    """Jest: its JSON report beside its text, and the coverage summary where coverage is on.

    Traps: with `--bail` Jest may end without writing any JSON, which is UNKNOWN; a skipped test is `pending` here
    (in Vitest that word means it never ran); a file that fails to load counts no failed test.

    Source: runs of Jest 29.7.
    """
    argv = invocation.argv
    if options.only_asks(argv) or options.has(argv, "--init", "--showConfig", "--listTests", "--clearCache"):
        return None
    given = options.value(argv, "--outputFile")
    json_is_asked = options.has(argv, "--json")
    report = AskedReport(given, "vitest_json", cwd_relative=True) if given else AskedReport("jest.json", "vitest_json")
    if json_is_asked and not given:
        return Ask(argv=argv, stdout_report=report, reports=_coverage(invocation)[1])
    added = [] if given else ["--outputFile={reports}/jest.json"]
    more, summary = _coverage(invocation)
    return Ask(argv=options.extended(argv, "--json", *added, *more), reports=(report, *summary))


def _coverage(invocation: Invocation) -> tuple[list[str], tuple[AskedReport, ...]]:
    argv, own = invocation.argv, read(invocation.cwd).get("jest")
    in_package = own if isinstance(own, dict) else {}
    config = js_config.find(invocation.cwd, ("jest.config",), options.value(argv, "-c", "--config"))
    on = js_config.after(config, "collectCoverage") == "true" or in_package.get("collectCoverage") is True
    if not (on or options.has(argv, "--coverage", "--collectCoverage")) or {"--coverage=false"} & set(argv):
        return [], ()
    directory = (
        options.value(argv, "--coverageDirectory")
        or in_package.get("coverageDirectory")
        or js_config.string(config, "coverageDirectory")
        or "coverage"
    )
    report = (AskedReport(f"{directory}/coverage-summary.json", "istanbul", cwd_relative=True),)
    asked = options.values(argv, "--coverageReporters")
    listed = [reporter.name for reporter in js_config.reporters(config, "coverageReporters")[0]]
    names = asked or tuple(in_package.get("coverageReporters", listed))
    if "json-summary" in names:
        return [], report
    return [
        f"--coverageReporters={n}" for n in (*(() if asked else names or _DEFAULT_COVERAGE), "json-summary")
    ], report
