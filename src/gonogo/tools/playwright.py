"""Playwright."""

from __future__ import annotations

from pathlib import Path

from gonogo.model.observation import Reading
from gonogo.plugins import Ask, AskedReport, Invocation, tool
from gonogo.tools import _js_config as js_config
from gonogo.tools import _options as options

_FOLDERS = {"html": ("outputFolder", "PLAYWRIGHT_HTML_OUTPUT_DIR"), "blob": ("outputDir", "PLAYWRIGHT_BLOB_OUTPUT_DIR")}
_FILES = {"junit": ("outputFile", "PLAYWRIGHT_JUNIT_OUTPUT_FILE")}


def _explain(code: int, reading: Reading, text: str) -> str | None:  # noqa: ARG001 - the seam gives all three
    flaky = reading.value("tests.flaky")
    return "flaky tests count as failures here" if isinstance(flaky, int) and flaky > 0 else None


@tool("playwright", executables=("playwright",), exits={0: "clean", 1: "findings"}, explain=_explain)
def playwright(invocation: Invocation) -> Ask | None:
    """Playwright: its JSON report beside the project's own reporters, whose folders and files stay where they were.

    Reporters on the command line replace those of the configuration, so the configuration's are passed on with `json`,
    and their places through Playwright's own variables. Where the command line names reporters itself
    (`--reporter=line`), the HTML report of the configuration is written all the same: it is evidence.

    Traps: exit 0 with flaky tests, with only skipped tests, and with none under `--pass-with-no-tests`; ended by a
    signal it writes no report; tests that `--max-failures` kept from running are `skipped` without a try.

    Source: runs of Playwright 1.56 and 1.65; its testReporter.d.ts.
    """
    argv = invocation.argv
    if options.only_asks(argv) or "test" not in argv[1:2] or options.has(argv, "--list", "--ui"):
        return None
    given = options.value(argv, "-c", "--config")
    directory = invocation.cwd / given
    directory = directory.parent if given and directory.suffix else directory
    config = js_config.find(
        directory, ("playwright.config",), "" if directory == invocation.cwd / given else Path(given).name
    )
    own, understood = js_config.reporters(config, "reporter")
    asked = tuple(name for text in options.values(argv, "--reporter") for name in text.split(","))
    if "json" in asked:
        return Ask(argv=argv, stdout_report=AskedReport("playwright.json", "playwright_json"))
    written = next((js_config.string(r.options, "outputFile") for r in own if r.name == "json"), None)
    if written and not asked:
        path = directory / written
        return Ask(argv=argv, reports=(AskedReport(str(path), "playwright_json", cwd_relative=True),))
    pages = tuple(r for r in own if r.name == "html" and r.name not in asked) if asked else ()
    names = (*asked, *(r.name for r in pages)) or tuple(r.name for r in own if r.name != "json") or ("list",)
    env = {"PLAYWRIGHT_JSON_OUTPUT_FILE": "{reports}/playwright.json", "PLAYWRIGHT_HTML_OPEN": "never"}
    return Ask(
        argv=options.extended(options.without(argv, "--reporter"), f"--reporter={','.join((*names, 'json'))}"),
        reports=(AskedReport("playwright.json", "playwright_json"),),
        env={**env, **_places(pages if asked else own, directory)},
        notes=() if understood else ("Playwright's configuration computes its reporters; `list` stood in for them",),
    )


def _places(own: tuple[js_config.Reporter, ...], directory: Path) -> dict[str, str]:
    """The variables that keep the configured reporters writing where the configuration says."""
    env = {}
    for reporter in own:
        for key, variable in filter(None, (_FOLDERS.get(reporter.name), _FILES.get(reporter.name))):
            place = js_config.string(reporter.options, key)
            if place:
                env[variable] = str(directory / place)
    return env
