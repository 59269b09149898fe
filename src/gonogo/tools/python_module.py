"""`python -m`, and the launchers that start a program in place: uv, poetry."""

from __future__ import annotations

from gonogo.plugins import Invocation, Unwrap, tool
from gonogo.tools import options

_PYTHON_WITH_VALUE = frozenset({"-W", "-X", "--check-hash-based-pycs"})
_UV_WITH_VALUE = options.words(
    "--with --with-editable --with-requirements --python -p --extra --no-extra --group --no-group --only- "
    "group --package --directory --project --env-file --index --default-index --config-file --cache-dir "
    "--color"
)


@tool("python_module", executables=("python", "python3"), wrap=("-m",))
def python_module(invocation: Invocation) -> Unwrap | None:
    """`python -m NAME`: the module is asked in place, by the same interpreter.

    Source: Python's command line reference.
    """
    argv = invocation.argv
    at = 1
    while at < len(argv) and argv[at].startswith("-"):
        if argv[at] == "-m":
            return Unwrap((), at=at + 1) if at + 1 < len(argv) else None
        at += 2 if argv[at] in _PYTHON_WITH_VALUE else 1
    return None


@tool("uv", executables=("uv",), wrap=("run",))
def uv(invocation: Invocation) -> Unwrap | None:
    """`uv run [options] PROGRAM …`: the program is asked in place, because uv puts its own directory first on PATH.

    Source: uv's command line reference.
    """
    return _after_run(invocation)


@tool("poetry", executables=("poetry", "pipenv", "pdm"), wrap=("run",))
def poetry(invocation: Invocation) -> Unwrap | None:
    """`poetry run PROGRAM …`, and the same of pipenv and pdm: the program is asked in place.

    Source: Poetry's command line reference.
    """
    return _after_run(invocation)


def _after_run(invocation: Invocation) -> Unwrap | None:
    argv = invocation.argv
    if "run" not in argv:
        return None
    at = argv.index("run") + 1
    while at < len(argv) and argv[at].startswith("-"):
        if argv[at] in {"-m", "--module", "--"}:
            return Unwrap((), at=at + 1) if at + 1 < len(argv) else None
        at += 2 if argv[at] in _UV_WITH_VALUE else 1
    return Unwrap((), at=at) if at < len(argv) else None
