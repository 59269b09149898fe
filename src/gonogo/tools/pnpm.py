"""pnpm."""

from __future__ import annotations

import shlex
from pathlib import Path

from gonogo.plugins import Ask, Invocation, Unwrap, tool
from gonogo.tools import options
from gonogo.tools.package_json import package_directory, script_lines, workspace, workspaces

_OWN = options.words(
    "audit bin cat-file config deploy doctor env fetch help import init licenses link list ls login "
    "outdated pack patch publish rebuild root server setup store unlink why"
)
_INSTALLS = frozenset({"install", "i", "add", "remove", "rm", "update", "up", "prune", "dedupe"})
_WITH_VALUE = frozenset({"-C", "--dir", "-F", "--filter", "--reporter", "--workspace-concurrency"})


@tool("pnpm", executables=("pnpm",))
def pnpm(invocation: Invocation) -> Ask | Unwrap | None:
    """pnpm: `pnpm X` and `pnpm run X` lead to a script of that name, else to a program; `exec` and `dlx` to a program.

    Follows `-C d`, `-r` and `--filter name` (names and paths; not its graph selectors). A program of this one package
    is asked in place, because pnpm finds it in node_modules/.bin first; one that runs in several is not asked.

    Source: pnpm's command line reference, and runs of pnpm 10.
    """
    words, cwd, filters, everywhere = _options(invocation)
    if words and words[0] in _INSTALLS:
        return Ask(argv=invocation.argv, exclusive=True)
    explicit = bool(words) and words[0] in {"run", "run-script", "exec", "dlx"}
    rest = words[1:] if explicit else words
    if not rest or (rest[0] in _OWN and not explicit):
        return None
    package = package_directory(cwd) or cwd
    root = next((d for d in (package, *package.parents) if package in workspaces(d)), package)
    places = (
        [d for name in filters for d in workspace(root, name)]
        if filters
        else workspaces(root)
        if everywhere
        else [package]
    )
    if not places:
        return Unwrap((), problem=f"no workspace matches {', '.join(f'`{name}`' for name in filters) or '-r'}")
    named = words[0] in {"exec", "dlx"}
    lines = [] if named else [line for place in places for line in script_lines(place, rest[0], rest[1:])]
    if not lines and cwd == invocation.cwd and places == [package]:
        return Unwrap((), at=len(invocation.argv) - len(rest))
    return Unwrap(tuple(lines) or tuple((shlex.join(rest), cwd if place == package else place) for place in places))


def _options(invocation: Invocation) -> tuple[list[str], Path, list[str], bool]:
    """The words from the command on, the directory, the filters, and whether `-r` was given."""
    words = list(invocation.argv[1:])
    cwd, filters, everywhere = invocation.cwd, [], False
    while words and words[0].startswith("-"):
        name, equals, value = words.pop(0).partition("=")
        if not equals and name in _WITH_VALUE and words:
            value = words.pop(0)
        if name in {"-C", "--dir"}:
            cwd = cwd / value
        elif name in {"-F", "--filter"}:
            filters.append(value)
        everywhere = everywhere or name in {"-r", "--recursive"}
    return words, cwd, filters, everywhere
