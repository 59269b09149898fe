"""Which programs a command line leads to: through `&&`, `cd x &&`, `VAR=x`, parentheses and launchers.

It only reads. What it finds is for people and for checks made before a run (`gonogo check`, `gonogo explain`); during
a run the wrappers of `gonogo.shim` meet each program itself, whatever shell construct led to it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import lru_cache
from pathlib import Path

from gonogo.frozen import dataclass
from gonogo.plugins import Ask, Invocation, Tool, Unwrap

DEEPEST = 16
"""Launchers within launchers; a script that runs itself ends here."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One program that a command line would run, and how its tool would ask it for a report."""

    invocation: Invocation
    tool: Tool | None = None
    """The tool that knows it; None: nobody does."""
    ask: Ask | None = None
    via: tuple[str, ...] = ()
    """The command lines that led here, outermost first: `npm run lint`."""
    problem: str = ""
    """Why this leads nowhere: `missing script: "lint"`."""


@dataclass(frozen=True, slots=True)
class _Word:
    """A word without its quotes; `bare` where no part of it was quoted, so that it can be a keyword."""

    text: str
    bare: bool = True


_OPERATORS = ("&&", "||", ";;", "|&", ";", "|", "&", "\n", "(", ")")
_REDIRECTION = re.compile(r"\d*(?:&>>|&>|>>|>\||>&|<<<|<<-?|<&|<>|>|<)(?P<glued>&?[^\s;|&()<>]*)")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_KEYWORDS = re.compile(r"if|then|else|elif|fi|for|while|until|do|done|case|esac|\{|\}")
_PREFIXES = re.compile(r"!|exec|command|time|nohup|env|cross-env|builtin|then|do|else|\{")
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh"})


@lru_cache(maxsize=4096)
def words(line: str) -> tuple[_Word | str, ...]:
    """The words and operators of a command line; redirections and comments are left out, variables stay as written.

    Reading, linting and planning a checklist each ask for the words of the same lines.
    """
    found: list[_Word | str] = []
    at = 0
    while at < len(line):
        if line[at] == "#" and (at == 0 or line[at - 1].isspace()):
            at = _end_of_line(line, at)
            continue
        redirection = _REDIRECTION.match(line, at)
        if redirection and _starts_a_word(line, at):
            at = redirection.end() if redirection["glued"] else _word(line, _skip_blanks(line, redirection.end()))[1]
            continue
        operator = next((o for o in _OPERATORS if line.startswith(o, at)), None)
        if operator:
            found.append(operator)
            at += len(operator)
        elif line[at].isspace() or line.startswith("\\\n", at):
            at += 2 if line[at] == "\\" else 1
        else:
            word, at = _word(line, at)
            found.append(word)
    return tuple(found)


def _starts_a_word(line: str, at: int) -> bool:
    return not line[at].isdigit() or at == 0 or line[at - 1].isspace() or line[at - 1] in ";|&()"


def _end_of_line(line: str, at: int) -> int:
    end = line.find("\n", at)
    return len(line) if end < 0 else end


def _skip_blanks(line: str, at: int) -> int:
    while at < len(line) and line[at] in " \t":
        at += 1
    return at


def _word(line: str, at: int) -> tuple[_Word, int]:
    """The word that starts at `at`, and where it ends."""
    text: list[str] = []
    bare = True
    while at < len(line) and not line[at].isspace() and line[at] not in ";|&()<>":
        char = line[at]
        if char == "\\" and at + 1 < len(line):
            text.append(line[at + 1])
            bare, at = False, at + 2
        elif char in "'\"":
            inside, at = _quoted(line, at)
            text.append(inside)
            bare = False
        elif line.startswith("$(", at) or char == "`":
            inside, at = _substitution(line, at)
            text.append(inside)
        else:
            text.append(char)
            at += 1
    return _Word("".join(text), bare), at


def _quoted(line: str, at: int) -> tuple[str, int]:
    quote, text, at = line[at], [], at + 1
    while at < len(line) and line[at] != quote:
        if quote == '"' and line[at] == "\\" and at + 1 < len(line) and line[at + 1] in '"\\$`':
            at += 1
        text.append(line[at])
        at += 1
    return "".join(text), at + 1


def _substitution(line: str, at: int) -> tuple[str, int]:
    start = at
    if line[at] == "`":
        end = line.find("`", at + 1)
        end = len(line) if end < 0 else end + 1
        return line[start:end], end
    depth, at = 0, at + 1
    while at < len(line):
        depth += {"(": 1, ")": -1}.get(line[at], 0)
        at += 1
        if not depth:
            break
    return line[start:at], at


def simple_commands(line: str, cwd: Path) -> Iterator[tuple[list[str], Path | None]]:
    """The simple commands of a line, each with its directory (None after a `cd` that only the shell can follow)."""
    stack: list[Path | None] = []
    here: Path | None = cwd
    command: list[_Word] = []
    for item in [*words(line), ";"]:
        if isinstance(item, _Word):
            command.append(item)
            continue
        argv = _bare_command(command)
        command = []
        if argv and argv[0] == "cd":
            here = _moved(here, argv[1:])
        elif argv:
            yield argv, here
        if item == "(":
            stack.append(here)
        elif item == ")" and stack:
            here = stack.pop()


def _moved(here: Path | None, to: Sequence[str]) -> Path | None:
    target = next((word for word in to if not word.startswith("-")), "")
    if here is None or not target or "$" in target or "`" in target or target.startswith("~"):
        return None
    return Path(_normal(here / target))


def _normal(path: Path) -> str:
    import os.path

    return os.path.normpath(path)


def _bare_command(command: list[_Word]) -> list[str]:
    """The argv without assignments, `!`, `env`, `exec` and the like before it; empty for a lone keyword."""
    rest = list(command)
    while rest:
        first = rest[0]
        if _ASSIGNMENT.match(first.text) or (first.bare and _PREFIXES.fullmatch(first.text)):
            rest.pop(0)
            if first.text in {"env", "cross-env"}:
                while rest and rest[0].text.startswith("-"):
                    rest.pop(0)
        elif first.bare and _KEYWORDS.fullmatch(first.text):
            return _bare_command(rest[1:]) if first.text in {"if", "while", "until", "elif"} else []
        else:
            return [word.text for word in rest]
    return []


@dataclass(frozen=True, slots=True)
class _Trail:
    """How far into launchers we are."""

    tools: Mapping[str, tuple[Tool, ...]]
    via: tuple[str, ...] = ()
    lines: frozenset[tuple[str, Path]] = field(default_factory=frozenset)


def by_executable(tools: Mapping[str, Tool]) -> dict[str, tuple[Tool, ...]]:
    """The tools that may know a program, by the program's bare name."""
    known, count, index = _indexed[0]
    if known is tools and count == len(tools):
        return index
    index = {}
    for tool in tools.values():
        for executable in tool.executables:
            index[executable] = (*index.get(executable, ()), tool)
    _indexed[0] = (tools, len(tools), index)
    return index


_indexed: list[tuple[Mapping[str, Tool], int, dict[str, tuple[Tool, ...]]]] = [({}, 0, {})]
"""The tools that were asked for last, how many they were, and their index: each command of a checklist asks."""


def leaves(line: str, cwd: Path, tools: Mapping[str, Tool]) -> tuple[Leaf, ...]:
    """The programs that `line`, typed in the directory `cwd`, would run, in order.

    Launchers are followed to what they launch, at most `DEEPEST` deep; where one leads nowhere, the leaf says why.
    Nothing is run; besides what the tools' own `recognise` reads (package.json files, configurations), no file is read.
    """
    return tuple(_follow(line, cwd, _Trail(by_executable(tools))))


def _follow(line: str, cwd: Path, trail: _Trail) -> Iterator[Leaf]:
    for argv, here in simple_commands(line, cwd):
        if here is None:
            yield Leaf(Invocation(tuple(argv), cwd), via=trail.via, problem="only the shell knows its directory")
        elif argv[0].rpartition("/")[2] in _SHELLS and _script_of(argv):
            yield from _deeper(_script_of(argv), here, " ".join(argv), trail)
        else:
            yield from _leaf(tuple(argv), here, trail)


def program_name(word: str) -> str:
    """What tools know a program by: the name of its file, of a script in node_modules without `.js` (`eslint.js`)."""
    name = word.rpartition("/")[2]
    stem, _, suffix = name.rpartition(".")
    return stem if stem and suffix in {"js", "mjs", "cjs"} and "node_modules" in word.split("/") else name


def _script_of(argv: Sequence[str]) -> str:
    """The text after `sh -c`; empty where the shell runs a file."""
    for option, value in itertools.pairwise(argv[1:]):
        if re.fullmatch(r"-[a-z]*c", option):
            return value
        if not option.startswith("-"):
            return ""
    return ""


def _leaf(argv: tuple[str, ...], cwd: Path, trail: _Trail) -> Iterator[Leaf]:
    invocation = Invocation((program_name(argv[0]), *argv[1:]), cwd)
    tool, answer = recognise(invocation, trail.tools)
    if isinstance(answer, Ask):
        yield Leaf(invocation, tool, answer, trail.via)
    elif isinstance(answer, Unwrap):
        yield from _unwrapped(invocation, tool, answer, trail)
    else:
        yield Leaf(invocation, via=trail.via)


def _unwrapped(invocation: Invocation, tool: Tool | None, answer: Unwrap, trail: _Trail) -> Iterator[Leaf]:
    shown = " ".join(invocation.argv)
    if answer.problem:
        yield Leaf(invocation, tool, via=trail.via, problem=answer.problem)
    elif answer.at:
        inner = replace(trail, via=(*trail.via, shown))
        yield from _leaf(invocation.argv[answer.at :], invocation.cwd, inner)
    for line, cwd in answer.lines:
        yield from _deeper(line, cwd, shown, trail)


def _deeper(line: str, cwd: Path, shown: str, trail: _Trail) -> Iterator[Leaf]:
    if (line, cwd) in trail.lines or len(trail.via) >= DEEPEST:
        yield Leaf(Invocation((line,), cwd), via=(*trail.via, shown), problem="it leads back to itself")
        return
    yield from _follow(line, cwd, replace(trail, via=(*trail.via, shown), lines=trail.lines | {(line, cwd)}))


def recognise(invocation: Invocation, tools: Mapping[str, tuple[Tool, ...]]) -> tuple[Tool | None, Ask | Unwrap | None]:
    """The first tool that knows this invocation, and its answer; an inner command asked in place keeps its launcher."""
    for tool in tools.get(invocation.argv[0], ()):
        answer = tool.recognise(invocation)
        if answer is not None:
            return tool, answer
    return None, None


def in_place(invocation: Invocation, tools: Mapping[str, tuple[Tool, ...]]) -> tuple[Tool, Ask] | None:
    """How to ask this very process for reports, through launchers that start the inner program in place; None: not."""
    tool, answer = recognise(invocation, tools)
    if isinstance(answer, Ask) and tool is not None:
        return tool, answer
    if not isinstance(answer, Unwrap) or not answer.at:
        return None
    launcher, inner = invocation.argv[: answer.at], invocation.argv[answer.at :]
    found = in_place(replace(invocation, argv=(program_name(inner[0]), *inner[1:])), tools) if inner else None
    if found is None:
        return None
    tool, ask = found
    asked = (*launcher, inner[0], *ask.argv[1:])
    also = (*launcher, inner[0], *ask.also[1:]) if ask.also else ()
    return tool, replace(ask, argv=asked, also=also)
