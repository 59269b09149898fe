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
    (`--max-warnings`); `--quiet` hides warnings and every file without an error, so that nothing tells whether it
    looked at all: our formatter hides them instead, after the report is written; `--fix` rewrites the files that it
    checks (together with `--quiet` it would rewrite more without it, so there it stays and `lint.warnings` is absent);
    a file that is ignored is listed with a warning of its own.

    Source: ESLint's command line reference, its lib/cli.js, and runs of ESLint 9.39.
    """
    argv = invocation.argv
    if options.only_asks(argv) or options.has(argv, *_NO_LINTING):
        return None
    fixes = options.has(argv, "--fix", "--fix-dry-run")
    quiet = options.has(argv, "--quiet")
    hidden = quiet and not fixes
    plain = tuple(word for word in argv if not (hidden and word == "--quiet"))
    return Ask(
        argv=options.extended(options.without(plain, *_FORMAT), "-f", str(_FORMATTER)),
        reports=(AskedReport("eslint.json", "eslint_json", params={"quiet": quiet and fixes}),),
        env={
            "GONOGO_ESLINT_REPORT": "{reports}/eslint.json",
            "GONOGO_ESLINT_FORMAT": options.value(argv, *_FORMAT) or "stylish",
            "GONOGO_ESLINT_QUIET": "1" if hidden else "",
        },
        notes=("`--fix` rewrites the files that it checks",) if fixes else (),
    )
