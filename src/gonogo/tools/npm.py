"""npm as a launcher of scripts and programs."""

from __future__ import annotations

import shlex
from pathlib import Path

from gonogo.model.checklist import Effect
from gonogo.plugins import Ask, Invocation, Unwrap, tool
from gonogo.tools import _options as options
from gonogo.tools._package_json import package_directory, script_lines, workspace, workspaces

_RUN = frozenset({"run", "run-script", "rum", "urn"})
_OWN_WORD = {"test": "test", "t": "test", "tst": "test", "start": "start", "stop": "stop", "restart": "restart"}
_EXEC = frozenset({"exec", "x"})
_INSTALLS = options.words(
    "install i add in ins ci clean-install ic install-test it install-ci-test cit update up upgrade "
    "uninstall rm remove un r dedupe ddp prune link ln rebuild rb"
)
_WITH_VALUE = (
    "-w",
    "--workspace",
    "--prefix",
    "-C",
    "--script-shell",
    "--loglevel",
    "--registry",
    "--cache",
    "-p",
    "--package",
)


@tool("npm", executables=("npm",), wrap=())
def npm(invocation: Invocation) -> Ask | Unwrap | None:
    """npm: `run`, `test`, `start`, `exec` lead to what they run; installs share the tree with nothing else.

    Follows `--prefix d`, `-C d`, `-w name`, `--workspaces`, `--if-present`, the `pre` and `post` scripts, and the
    arguments after `--`. Trap: npm puts node_modules/.bin before PATH when it runs a script.

    Source: npm's command line reference, and runs of npm 11.19.
    """
    before = options.before_dashes(invocation.argv)
    words = options.positionals(before, _WITH_VALUE)
    if not words:
        return None
    if words[0] in _RUN and len(words) > 1:
        return _run(invocation, words[1], _arguments(invocation, words[2:]))
    if words[0] in _OWN_WORD:
        return _run(invocation, _OWN_WORD[words[0]], _arguments(invocation, words[1:]))
    if words[0] in _EXEC:
        return _exec(invocation)
    if words[0] in _INSTALLS or words[0] == "publish":
        effect = Effect.PUBLISH if words[0] == "publish" else Effect.READ
        return Ask(argv=invocation.argv, effect=effect, exclusive=True)
    return None


def _arguments(invocation: Invocation, words: tuple[str, ...]) -> tuple[str, ...]:
    argv = invocation.argv
    return (*words, *(argv[argv.index("--") + 1 :] if "--" in argv else ()))


def _places(invocation: Invocation) -> tuple[list[Path], str]:
    """The packages a command speaks of, and why there is none."""
    argv = invocation.argv
    start = invocation.cwd / (options.value(argv, "--prefix", "-C") or ".")
    package = start if (start / "package.json").is_file() else package_directory(start)
    if package is None:
        return [], f"no package.json in {start.name}/ or above"
    root = next((d for d in (package, *package.parents) if package in workspaces(d)), package)
    if options.has(argv, "-ws", "--workspaces") and not options.has(argv, "--workspaces=false"):
        return workspaces(root), f"no workspaces in {root.name}/package.json"
    chosen = options.values(argv, "-w", "--workspace")
    if not chosen:
        return [package], ""
    for name in chosen:
        if not workspace(root, name):
            return [], f"no workspace called `{name}`"
    return [directory for name in chosen for directory in workspace(root, name)], ""


def _run(invocation: Invocation, script: str, arguments: tuple[str, ...]) -> Unwrap:
    places, problem = _places(invocation)
    lines: list[tuple[str, Path]] = []
    for directory in places:
        found = script_lines(directory, script, arguments)
        if not found and not options.has(invocation.argv, "--if-present"):
            return Unwrap((), problem=f'missing script: "{script}" in {directory.name}/package.json')
        lines += found
    return Unwrap(tuple(lines), problem="" if lines or places else problem)


def _exec(invocation: Invocation) -> Unwrap | None:
    called = options.value(invocation.argv, "-c", "--call")
    argv = invocation.argv
    words = (
        argv[argv.index("--") + 1 :] if "--" in argv else options.positionals(argv, (*_WITH_VALUE, "-c", "--call"))[1:]
    )
    places, problem = _places(invocation)
    line = called or launched(words)
    if not line:
        return None
    if not options.has(argv, "-w", "--workspace", "-ws", "--workspaces"):
        places = [invocation.cwd]
    return Unwrap(tuple((line, place) for place in places), problem="" if places else problem)


def launched(words: tuple[str, ...]) -> str:
    """The command line behind `npx name@version args`: the program is called by its bare name."""
    if not words:
        return ""
    scope, _, name = words[0].rpartition("/")
    bare = name.partition("@")[0] if not scope.startswith((".", "/")) else words[0]
    return shlex.join((bare or words[0], *words[1:]))
