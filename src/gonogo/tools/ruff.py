"""Ruff."""

from __future__ import annotations

from gonogo.plugins import Ask, AskedReport, Invocation, tool
from gonogo.tools import _options as options

_FORMAT = ("--output-format", "--output-file", "-o")


@tool(
    "ruff",
    executables=("ruff",),
    wrap=("check",),
    exits={0: "clean", 1: "findings", 2: "Ruff stopped: its configuration or the command line is wrong"},
)
def ruff(invocation: Invocation) -> Ask | None:
    """Ruff's linter: a second, identical look that prints JSON and how many files it read; it costs milliseconds.

    Traps: `--exit-zero` hides findings from the exit code only; with no Python file at all it exits 0 and its JSON is
    `[]`, as for clean files: only `-v` tells how many were checked.

    Source: runs of Ruff 0.17.
    """
    argv = invocation.argv
    if (
        options.only_asks(argv)
        or "check" not in argv[1:2]
        or options.has(argv, "--watch", "--show-files", "--show-settings")
    ):
        return None
    rewrites = options.has(argv, "--fix", "--unsafe-fixes")
    plain = options.without(argv, *_FORMAT)
    return Ask(
        argv=argv,
        also=options.extended(options.without(plain, "--fix"), "--no-fix", "--output-format=json-lines", "-v"),
        text_report=AskedReport("ruff.jsonl", "ruff_json"),
        notes=("`ruff check --fix` rewrites the files that it checks",) if rewrites else (),
    )
