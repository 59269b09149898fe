"""npx."""

from __future__ import annotations

from gonogo.plugins import Invocation, Unwrap, tool
from gonogo.tools.npm import launched

_WITH_VALUE = frozenset({"-p", "--package", "-c", "--call", "-w", "--workspace", "--cache", "--registry", "--prefix"})


@tool("npx", executables=("npx", "bunx"), wrap=())
def npx(invocation: Invocation) -> Unwrap | None:
    """Npx leads to the program it names; options before the name are its own, those after it the program's.

    Source: npm's command line reference.
    """
    argv = invocation.argv
    at = 1
    while at < len(argv) and argv[at].startswith("-"):
        name, equals, value = argv[at].partition("=")
        if name in {"-c", "--call"}:
            line = value if equals else " ".join(argv[at + 1 : at + 2])
            return Unwrap(((line, invocation.cwd),)) if line else None
        at += 2 if argv[at] in _WITH_VALUE else 1
    line = launched(argv[at:])
    return Unwrap(((line, invocation.cwd),)) if line else None
