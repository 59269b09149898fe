"""Prettier."""

from __future__ import annotations

from gonogo.model.observation import Reading
from gonogo.plugins import Ask, AskedReport, Invocation, tool
from gonogo.tools import _options as options

_CHECK, _LIST, _WRITE = ("--check", "-c"), ("--list-different", "-l"), ("--write", "-w")


def _explain(code: int, reading: Reading, text: str) -> str | None:  # noqa: ARG001 - the seam gives all three
    if code == 2 and reading.findings:  # noqa: PLR2004 - Prettier's code for a file it cannot read
        return "Prettier could not parse a file, which its report names"
    return None


@tool("prettier", executables=("prettier",), exits={0: "clean", 1: "findings"}, explain=_explain)
def prettier(invocation: Invocation) -> Ask | None:
    """Prettier: the text of `--check`, `--list-different` or `--write`, both streams.

    Traps: with no matching file it still prints "All matched files use Prettier code style!" (and exits 2); for a file
    that .prettierignore names it says the same and exits 0, without a word about how many files it looked at;
    `--write` rewrites the files, so that a gate that uses it as a check changes what it checks.

    Source: runs of Prettier 3.6 and 3.10.
    """
    argv = invocation.argv
    if options.only_asks(argv) or not options.has(argv, *_CHECK, *_LIST, *_WRITE):
        return None
    mode = "write" if options.has(argv, *_WRITE) else "list" if options.has(argv, *_LIST) else "check"
    rewrites = "`prettier --write` rewrites files; use `prettier --check` in a gate"
    return Ask(
        argv=argv,
        text_report=AskedReport("prettier.txt", "prettier_text", params={"mode": mode}),
        notes=(rewrites,) if mode == "write" else (),
    )
