"""MkDocs."""

from __future__ import annotations

from gonogo.model.checklist import Effect
from gonogo.plugins import Ask, Invocation, tool
from gonogo.tools import _options as options


@tool(
    "mkdocs",
    executables=("mkdocs",),
    exits={0: "clean", 1: "the documentation does not build, or builds with warnings under `--strict`"},
    wrap=("build",),
)
def mkdocs(invocation: Invocation) -> Ask | None:
    """MkDocs: its exit code is all it says; `gh-deploy` publishes.

    Trap: `--strict` together with `-q` exits 0 with broken links, because `-q` also silences the counting of warnings.

    Source: runs of MkDocs 1.6.1.
    """
    argv = invocation.argv
    words = options.positionals(argv, ("-f", "--config-file", "-d", "--site-dir", "-t", "--theme"))
    if options.only_asks(argv) or not words:
        return None
    if words[0] == "gh-deploy":
        return Ask(argv=argv, effect=Effect.PUBLISH)
    if words[0] != "build":
        return None
    silent = options.has(argv, "-q", "--quiet") and options.has(argv, "--strict", "-s")
    return Ask(argv=argv, notes=("`mkdocs build --strict -q` exits 0 with broken links; drop `-q`",) if silent else ())
