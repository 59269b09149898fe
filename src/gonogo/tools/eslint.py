"""ESLint."""

from __future__ import annotations

from pathlib import Path

from gonogo.plugins import Ask, AskedReport, Invocation, tool
from gonogo.tools import options

_FORMATTER = Path(__file__).with_name("eslint_formatter.cjs")
_FORMAT = ("-f", "--format")
_NO_LINTING = ("--init", "--print-config", "--inspect-config", "--env-info")


@tool(
    "eslint",
    executables=("eslint",),
    exits={
        0: "clean",
        1: "findings",
        2: "ESLint stopped before it linted: its configuration is wrong or no file matched",
    },
)
def eslint(invocation: Invocation) -> Ask | None:
    """ESLint: a JSON report beside the text it prints.

    ESLint knows one formatter at a time, so it is given ours (`-f`), which writes the JSON and then prints what the
    formatter of the command line would have printed.

    Traps: exit 2 is a crash or "no files", with nothing on stdout; exit 1 is errors or too many warnings
    (`--max-warnings`); `--quiet` hides warnings, so that none in the report does not mean none: `lint.warnings` is then
    absent; `--fix` rewrites the files that it checks; a file that is ignored is listed with a warning of its own.

    Source: ESLint's command line reference, and runs of ESLint 9.39.
    """
    argv = invocation.argv
    if options.only_asks(argv) or options.has(argv, *_NO_LINTING):
        return None
    wanted = options.value(argv, *_FORMAT) or "stylish"
    notes = ("`--fix` rewrites the files that it checks",) if options.has(argv, "--fix") else ()
    return Ask(
        argv=options.extended(options.without(argv, *_FORMAT), "-f", str(_FORMATTER)),
        reports=(AskedReport("eslint.json", "eslint_json", params={"quiet": options.has(argv, "--quiet")}),),
        env={"GONOGO_ESLINT_REPORT": "{reports}/eslint.json", "GONOGO_ESLINT_FORMAT": wanted},
        notes=notes,
    )
