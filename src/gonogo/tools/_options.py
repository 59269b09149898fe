"""Reading and rewriting the options of a command line, for the files beside this one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path


def words(text: str) -> frozenset[str]:
    """The words of a text as a set: long lists of commands read best as text."""
    return frozenset(text.split())


def has(argv: Sequence[str], *names: str) -> bool:
    """Whether one of the options stands in `argv` before `--`, alone or as `--name=value`."""
    return any(word in names or word.partition("=")[0] in names for word in before_dashes(argv))


def before_dashes(argv: Sequence[str]) -> Sequence[str]:
    """What stands before a lone `--`."""
    return argv[: argv.index("--")] if "--" in argv else argv


def values(argv: Sequence[str], *names: str) -> tuple[str, ...]:
    """The values of an option, in order: `--name value`, `--name=value`, and `-nvalue` for one letter."""
    found: list[str] = []
    taken = before_dashes(argv)
    for at, word in enumerate(taken):
        name, equals, value = word.partition("=")
        if word in names:
            if at + 1 < len(taken) and not taken[at + 1].startswith("-"):
                found.append(taken[at + 1])
        elif equals and name in names:
            found.append(value)
        elif len(word) > 2 and not word.startswith("--") and word[:2] in names:  # noqa: PLR2004 - a dash and a letter
            found.append(word[2:])
    return tuple(found)


def value(argv: Sequence[str], *names: str) -> str:
    """The last value of an option; empty where it is not given."""
    found = values(argv, *names)
    return found[-1] if found else ""


def without(argv: Sequence[str], *names: str) -> tuple[str, ...]:
    """`argv` without an option and its values."""
    kept: list[str] = []
    skip = False
    before = len(before_dashes(argv))
    for at, word in enumerate(argv):
        if skip:
            skip = False
        elif at >= before or (word not in names and word.partition("=")[0] not in names):
            kept.append(word)
        else:
            skip = word in names and at + 1 < before and not argv[at + 1].startswith("-")
    return tuple(kept)


def positionals(argv: Sequence[str], with_value: Collection[str] = ()) -> tuple[str, ...]:
    """The words after the program that are no options; `with_value` names the options that take the next word."""
    found: list[str] = []
    skip = False
    for at, word in enumerate(argv[1:], start=1):
        if skip:
            skip = False
        elif word == "--":
            return (*found, *argv[at + 1 :])
        elif word.startswith("-"):
            skip = word in with_value
        else:
            found.append(word)
    return tuple(found)


def extended(argv: Sequence[str], *added: str) -> tuple[str, ...]:
    """`argv` with options added where they still count as options: before a lone `--`, else at the end."""
    before = before_dashes(argv)
    return (*before, *added, *argv[len(before) :])


def only_asks(argv: Sequence[str]) -> bool:
    """Whether the program is only asked about itself: `--help`, `--version`."""
    return has(argv, "--help", "-h", "--version", "-V")


def inside(cwd: Path, path: str) -> Path:
    """A path of the command line as a full one."""
    return cwd / path
