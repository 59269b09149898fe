"""Values from outside: which a checklist asks for, where, and how they enter a call without meeting a shell bare."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from gonogo.config import state_salt
from gonogo.errors import Diagnostic, InputError
from gonogo.model.checklist import Call, Checklist, Gate
from gonogo.model.plan import Plan, Subject
from gonogo.plugins import Registry

FROM_SUBJECT = "GIT_SHA"
"""The input that is never asked for: the subject's commit."""

_PLAIN = re.compile(r"[\w@%+=:,./-]*\Z", re.ASCII)
"""Values a shell takes as one word as they stand (after `shlex.quote`)."""


def values(checklist: Checklist, given: Mapping[str, str], subject: Subject) -> dict[str, str]:
    """Every input that has a value: given, the subject's commit, or its default.

    Raises:
        InputError: An input nobody declared, or a value with a NUL or a line break in it.
    """
    declared = {item.name: item for item in checklist.inputs}
    problems = [
        Diagnostic("unknown-input", f"the checklist has no input `{name}`", help=f"drop `--input {name}=…`")
        for name in given
        if name not in declared and name != FROM_SUBJECT
    ]
    problems += [
        Diagnostic("bad-input", f"the value of input `{name}` has a line break or a NUL in it", help="give one line")
        for name, value in given.items()
        if re.search(r"[\0\r\n]", value)
    ]
    if problems:
        raise InputError(problems)
    found = {item.name: item.default for item in checklist.inputs if item.default is not None}
    found |= given
    if subject.commit:
        found[FROM_SUBJECT] = subject.commit
    return found


def places(checklist: Checklist, gate: Gate) -> Iterator[tuple[str, str]]:
    """(input, place) for each input that the gate's calls, evidence or condition name."""
    names = [item.name for item in checklist.inputs]
    for name in names:
        for call in gate.calls:
            if any(_names(text, name) for text in texts(call.params)):
                yield name, f"gate `{gate.id}`, command {call.id}: {call.text or call.kind}"
        for item in gate.evidence:
            if _names(item.path, name):
                yield name, f"gate `{gate.id}`, evidence {item.path}"
        if gate.when is not None and re.search(rf"\binputs\.{re.escape(name)}\b", gate.when.expression):
            yield name, f"gate `{gate.id}`, when: {gate.when.expression}"


def _names(text: str, name: str) -> bool:
    return f"${{{name}}}" in text or f"<{name}>" in text


def texts(value: Any) -> Iterator[str]:
    """Every text in JSON-able data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts(item)


def refuse_missing(plan: Plan, given: Mapping[str, str] | None = None) -> None:
    """Raise `InputError` naming every input without a value and each place it appears; a run does so before it starts.

    Args:
        plan: What is about to run.
        given: Values given beside the plan: those of secret inputs.
    """
    given = given or {}
    problems = [
        Diagnostic(
            "missing-input",
            f"input `{name}` has no value; it appears in {'; '.join(where)}",
            help=f"add `--input {name}=VALUE`",
        )
        for name, where in plan.missing_inputs.items()
        if name not in given
    ]
    problems += [
        Diagnostic("missing-input", f"secret input `{name}` has no value", help=f"add `--input {name}=VALUE` again")
        for name in plan.secret_inputs
        if name not in given and name not in plan.missing_inputs
    ]
    if problems:
        raise InputError(problems)


def substitute(call: Call, given: Mapping[str, str], registry: Registry) -> Call:
    """The call with the values of the inputs in its params; in command lines they are quoted as their place needs."""
    if not given:
        return call
    shell = shell_fields(registry.probe(call.kind).params)
    params = {
        key: _into_shell(value, given) if key in shell and isinstance(value, str) else fill_all(value, given)
        for key, value in call.params.items()
    }
    return dataclasses.replace(call, params=params)


@cache
def shell_fields(params: type) -> frozenset[str]:
    """The fields of a params type that hold a command line."""
    return frozenset(f.name for f in dataclasses.fields(params) if f.metadata.get("shell"))


def _asks(text: str) -> bool:
    """Whether it may name an input at all: a look that is quick, since most texts name none."""
    return "${" in text or "<" in text


def fill_all(value: Any, given: Mapping[str, str]) -> Any:
    """Data with the inputs in its texts filled in, where no shell will read them."""
    if isinstance(value, str):
        return fill(value, given)
    if isinstance(value, Mapping):
        return {key: fill_all(item, given) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill_all(item, given) for item in value]
    return value


def _pattern(given: Mapping[str, str]) -> re.Pattern[str]:
    either = "|".join(re.escape(name) for name in sorted(given, key=len, reverse=True))
    return re.compile(rf"\$\{{({either})\}}|<({either})>")


def fill(text: str, given: Mapping[str, str]) -> str:
    """The text with `${NAME}` and `<name>` replaced by their values, where no shell will read it."""
    return _pattern(given).sub(lambda m: given[m[1] or m[2]], text) if given and _asks(text) else text


def _into_shell(line: str, given: Mapping[str, str]) -> str:
    """The command line with each value quoted for the place it stands in: bare, in double or in single quotes.

    Raises `InputError` where a value is no plain word and the line nests commands, so that no quoting is surely right.
    """
    if not _asks(line):
        return line
    odd = sorted({m[1] or m[2] for m in _pattern(given).finditer(line) if not _PLAIN.match(given[m[1] or m[2]])})
    if odd and re.search(r"\$\(|`|<<", line):
        raise InputError.of(
            "unquotable-input",
            f"the value of input `{odd[0]}` is no plain word, and `{line}` nests commands around it",
            help="give a value of letters, digits and `@%+=:,./-_`, or put the command into a script",
        )
    pieces: list[str] = []
    end = 0
    quote = ""
    for match in _pattern(given).finditer(line):
        before = line[end : match.start()]
        quote = _quote_after(before, quote)
        pieces += [before, _quoted(given[match[1] or match[2]], quote)]
        end = match.end()
    return "".join([*pieces, line[end:]])


def _quote_after(text: str, quote: str) -> str:
    """The quote that is open after `text`, if `quote` was open before it (POSIX shell, 2.2 "Quoting")."""
    escaped = False
    for char in text:
        if escaped:
            escaped = False
        elif char == "\\" and quote != "'":
            escaped = True
        elif quote and char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
    return quote


def _quoted(value: str, quote: str) -> str:
    if quote == "'":
        return value.replace("'", "'\"'\"'")
    if quote == '"':
        return re.sub(r'([\\"$`])', r"\\\1", value)
    return value if value and _PLAIN.match(value) else shlex.quote(value)


def input_file_digests(paths: Sequence[str], root: Path) -> dict[str, str]:
    """Declared input file -> keyed digest of its bytes, or `missing`.

    The key is made once per repository and stays in its state directory, so that the digest of a file with few
    possible contents cannot be guessed from a record.
    """
    if not paths:
        return {}
    key = state_salt(root)
    digests: dict[str, str] = {}
    for path in paths:
        try:
            digests[path] = f"hmac-sha256:{hmac.new(key, (root / path).read_bytes(), hashlib.sha256).hexdigest()}"
        except FileNotFoundError:
            digests[path] = "missing"
        except OSError as error:
            digests[path] = f"unreadable: {error.strerror}"
    return digests
