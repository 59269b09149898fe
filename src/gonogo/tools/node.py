"""Node starting a program of node_modules by its path."""

from __future__ import annotations

from gonogo.plugins import Invocation, Unwrap, tool

_WITH_VALUE = frozenset(
    {"-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions", "--env-file", "--title"}
)
_NO_FILE = frozenset({"-e", "--eval", "-p", "--print", "-c", "--check", "-i", "--interactive", "-v", "--version"})


@tool("node", executables=("node",), wrap=("node_modules/",))
def node(invocation: Invocation) -> Unwrap | None:
    """`node node_modules/.bin/vitest`: the program is asked in place.

    So is `./node_modules/.bin/eslint`, typed or in a script: its first line has the system look for `node`.
    Trap: a first line that names Node by its full path is started past every wrapper, and so is what newer Yarn runs.

    Source: Node's command line reference, and runs of Node 20.
    """
    argv = invocation.argv
    at = 1
    while at < len(argv) and argv[at].startswith("-"):
        if argv[at] in _NO_FILE or argv[at] == "-":
            return None
        at += 2 if argv[at] in _WITH_VALUE else 1
    return Unwrap((), at=at) if at < len(argv) and "node_modules/" in argv[at] else None
