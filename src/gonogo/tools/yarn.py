"""Yarn."""

from __future__ import annotations

import shlex
from pathlib import Path

from gonogo.plugins import Ask, Invocation, Unwrap, tool
from gonogo.tools import options
from gonogo.tools.package_json import package_directory, read, script_lines, workspaces

_OWN = options.words(
    "audit cache config constraints dedupe explain help import info init licenses link list login logout "
    "node npm outdated owner pack patch plugin policies prune publish rebuild search set stage tag team "
    "unlink unplug version versions why"
)
_INSTALLS = frozenset({"install", "add", "remove", "up", "upgrade", "autoclean", "dedupe"})


@tool("yarn", executables=("yarn", "yarnpkg"))
def yarn(invocation: Invocation) -> Ask | Unwrap | None:
    """Yarn, classic and newer: `yarn X` and `yarn run X` lead to a script of that name, else to a program.

    Follows `--cwd d`, `workspace name …`. A program is asked in place, because Yarn finds it in node_modules/.bin
    first. Trap: newer Yarn runs scripts in a shell of its own, which is given no wrapper, so the tools inside it are
    not asked for their reports.

    Source: Yarn's command line reference, and runs of Yarn 1.22.
    """
    words = list(invocation.argv[1:])
    cwd = invocation.cwd
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option == "--cwd" and words:
            cwd = cwd / words.pop(0)
    if not words or words[0] in _INSTALLS:
        return Ask(argv=invocation.argv, exclusive=True)
    return _launch(words, cwd, invocation)


def _launch(words: list[str], cwd: Path, invocation: Invocation) -> Unwrap | None:
    if words[0] == "workspace" and len(words) > 2:  # noqa: PLR2004 - workspace, its name, a command
        found = [d for d in workspaces(package_directory(cwd) or cwd) if read(d).get("name") == words[1]]
        if not found:
            return Unwrap((), problem=f"no workspace called `{words[1]}`")
        return _launch(words[2:], found[0], invocation)
    explicit = words[0] in {"run", "exec", "dlx"}
    rest = words[1:] if explicit else words
    if not rest or (rest[0] in _OWN and not explicit):
        return None
    package = package_directory(cwd) or cwd
    lines = script_lines(package, rest[0], rest[1:]) if words[0] not in {"exec", "dlx"} else []
    if not lines and cwd == invocation.cwd:
        return Unwrap((), at=len(invocation.argv) - len(rest))
    return Unwrap(tuple(lines) or ((shlex.join(rest), cwd),))
