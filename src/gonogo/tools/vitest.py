"""Vitest."""

from __future__ import annotations

import re
from pathlib import Path

from gonogo.model.observation import Reading
from gonogo.plugins import Ask, AskedReport, Invocation, tool
from gonogo.tools import js_config, options

_CONFIGS = ("vitest.config", "vite.config")
_OTHER = frozenset({"list", "bench", "init", "complete"})
_WITH_VALUE = (
    "-c",
    "--config",
    "-r",
    "--root",
    "--dir",
    "-t",
    "--testNamePattern",
    "--project",
    "--reporter",
    "--outputFile",
)
_DEFAULT_COVERAGE = ("text", "html", "clover", "json")


def _explain(code: int, reading: Reading, text: str) -> str | None:  # noqa: ARG001 - the seam gives all three
    short = re.search(r"ERROR: (Coverage for .* does not meet .*)", text)
    return f"a coverage threshold of the project is not met: {short[1]}" if short else None


@tool("vitest", executables=("vitest",), exits={0: "clean", 1: "findings"}, explain=_explain)
def vitest(invocation: Invocation) -> Ask | None:
    """Vitest: its JSON report beside the project's own reporters, and the coverage summary where coverage is on.

    Reporters on the command line replace those of the configuration, so the configuration's are passed on with ours,
    as far as they are literals; their output files too. `--coverage.reporter` replaces as well: the project's own are
    passed on with `json-summary`, and only where coverage is on and nobody asks for that summary already.

    Traps: `success: true` with exit 1 where only a coverage threshold fails, and where an error outside every test was
    caught; a failing run writes no coverage, so yesterday's summary may still lie there; tests that `--bail` kept from
    running are `pending`, files that it kept from running are `passed` without a test.

    Source: runs of Vitest 3.2.
    """
    argv = invocation.argv
    words = options.positionals(argv, _WITH_VALUE)
    if options.only_asks(argv) or (words and words[0] in _OTHER):
        return None
    root = invocation.cwd / (options.value(argv, "-r", "--root") or ".")
    config = js_config.find(root, _CONFIGS, options.value(argv, "-c", "--config"))
    added, reports, notes = _json_report(argv, config)
    more, summary = _coverage(argv, config, root, invocation.cwd)
    if any(report.file == "-" for report in reports):
        return Ask(
            argv=options.extended(argv, *more), stdout_report=AskedReport("vitest.json", "vitest_json"), reports=summary
        )
    return Ask(argv=options.extended(argv, *added, *more), reports=(*reports, *summary), notes=notes)


def _json_report(argv: tuple[str, ...], config: str) -> tuple[list[str], tuple[AskedReport, ...], tuple[str, ...]]:
    """What to add for a JSON report, where it will be (`-`: on stdout), and what could not be passed on."""
    asked, given = options.values(argv, "--reporter"), options.value(argv, "--outputFile.json")
    own, understood = js_config.reporters(config, "reporters")
    files = {reporter.name: js_config.string(reporter.options, "outputFile") or "" for reporter in own}
    if "json" in (asked or files):
        path = (
            given or options.value(argv, "--outputFile") or ("" if asked else files.get("json") or _output_file(config))
        )
        return [], (AskedReport(path or "-", "vitest_json", cwd_relative=True),), ()
    ours = ["--reporter=json", "--outputFile.json={reports}/vitest.json"]
    report = (AskedReport("vitest.json", "vitest_json"),)
    if asked:
        return ours, report, ()
    single = _output_file(config)
    added = [f"--reporter={reporter.name}" for reporter in own] or ["--reporter=default"]
    added += [f"--outputFile.{name}={path or single}" for name, path in files.items() if path or single]
    notes = () if understood else ("Vitest's configuration computes its reporters; `default` stood in for them",)
    return [*added, *ours], report, notes


def _output_file(config: str) -> str:
    """A test-wide `outputFile` that is one path."""
    own = js_config.after(config, "reporters")
    return js_config.string(config.replace(own, "") if own else config, "outputFile") or ""


def _coverage(argv: tuple[str, ...], config: str, root: Path, cwd: Path) -> tuple[list[str], tuple[AskedReport, ...]]:
    """What to add for a coverage summary, and where it will be."""
    settings = js_config.after(config, "coverage") or ""
    if not _coverage_is_on(argv, settings):
        return [], ()
    directory = options.value(argv, "--coverage.reportsDirectory") or js_config.string(settings, "reportsDirectory")
    asked = options.values(argv, "--coverage.reporter")
    own, _ = js_config.reporters(settings, "reporter")
    named = (js_config.string(r.options, "file") for r in own if r.name == "json-summary" and not asked)
    path = root / (directory or "coverage") / (next(named, None) or "coverage-summary.json")
    report = (AskedReport(str(path if root != cwd else path.relative_to(cwd)), "istanbul", cwd_relative=True),)
    if "json-summary" in (asked or [reporter.name for reporter in own]):
        return [], report
    names = () if asked else tuple(reporter.name for reporter in own) or _DEFAULT_COVERAGE
    return [f"--coverage.reporter={name}" for name in (*names, "json-summary")], report


def _coverage_is_on(argv: tuple[str, ...], settings: str) -> bool:
    off = {"--no-coverage", "--coverage=false", "--coverage.enabled=false", "--coverage.enabled=0"}
    if off & set(argv):
        return False
    if options.has(argv, "--coverage", "--coverage.enabled"):
        return True
    return js_config.member(settings, "enabled") == "true"
