"""Compare env files by their keys: what a template names and a file lacks, and what is no value yet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from gonogo.envfile import is_placeholder, is_template, parse
from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.observation import Finding, Observation, Reading, Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import Clause, Context, Phrase, probe
from gonogo.probes._facts import Problem, count, flag, problem, read_text, trouble

_ENV_FILE = r"(?:[\w.-]+/)*\.env(?:\.[\w-]+)*"
_COMPOSE_FILES = ("compose*.yaml", "compose*.yml", "docker-compose*.yaml", "docker-compose*.yml")
# `$$` is a dollar; a default after `-` or `:-`, or a replacement after `+`, makes the variable optional.
_VARIABLE = re.compile(r"\$\$|\$\{(?P<braced>[A-Za-z_]\w*)(?P<mark>:?[-+?])?|\$(?P<plain>[A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class DotenvParams:
    """Which files to compare."""

    template: str
    """The file that names every key: `.env.example`. Relative to the repository."""
    file: str
    """The file that must have them: `.env.staging.example`."""
    compose: tuple[str, ...] = ()
    """Compose files whose variables the template must name. Empty: those at the root of the repository."""


_PARITY = ("missing", "extra", "duplicate", "empty", "unnamed")
EXISTS = flag("env.exists", "the env file is there")
PLACEHOLDERS = count("placeholders", "values that ask to be replaced: `<generate-…>`, `changeme`", "placeholder")


def _compared(match: re.Match[str]) -> Mapping[str, Any]:
    first, second = match["template"], match["file"]
    if is_template(second) and not is_template(first):
        first, second = second, first
    return {"template": first, "file": second}


def _read(facts: Mapping[str, Any], params: DotenvParams) -> Reading:
    """Parity of two stored lists of keys. Values are no part of it: they never leave the probe."""
    if problems := facts.get("problems"):
        return Reading(troubles=tuple(trouble(p) for p in problems))
    if "template" not in facts:
        return Reading()
    if facts["file"] is None:
        finding = Finding("env", f"absent:{params.file}", "absent", f"`{params.file}` does not exist", params.file)
        return Reading((Observation(EXISTS.name, value=False, source="facts.json"),), (finding,))
    template, file = facts["template"], facts["file"]
    if not template["keys"]:
        message = f"`{params.template}` names no key: nothing to compare with"
        return Reading(troubles=(Trouble(Outcome.UNKNOWN, "empty-template", message, "name the keys in it"),))
    findings = tuple(_findings(template, file, facts["unnamed"], params))
    counted = Counter(finding.severity for finding in findings)
    observations = [Observation(EXISTS.name, value=True, source="facts.json")]
    observations.append(Observation("parity.keys", len({k["key"] for k in file["keys"]}), "facts.json"))
    observations += [Observation(f"parity.{n}", counted[n], "facts.json") for n in _PARITY]
    observations.append(Observation(PLACEHOLDERS.name, counted["placeholder"], "facts.json"))
    notes = tuple(
        f"{path}:{line} is neither assignment nor comment"
        for path, side in ((params.template, template), (params.file, file))
        for line in side["unread"][:10]
    )
    return Reading(tuple(observations), findings, notes)


def _findings(
    template: Mapping[str, Any], file: Mapping[str, Any], unnamed: Iterable[Mapping[str, Any]], params: DotenvParams
) -> Iterable[Finding]:
    here = {entry["key"] for entry in file["keys"]}
    asked = {entry["key"]: entry["line"] for entry in reversed(template["keys"])}

    def finding(kind: str, key: str, said: str, place: tuple[str, int], family: str = "parity") -> Finding:
        name = f"{kind}:{place[0] if kind == 'unnamed' else params.file}:{key}"
        return Finding(family, name, kind, said, *place)

    for key, line in sorted(asked.items(), key=lambda item: item[1]):
        if key not in here:
            yield finding("missing", key, f"`{key}` is missing in `{params.file}`", (params.template, line))
    seen: set[str] = set()
    for entry in file["keys"]:
        key, line = entry["key"], entry["line"]
        if key in seen:
            yield finding("duplicate", key, f"`{key}` is assigned again", (params.file, line))
        elif key not in asked:
            yield finding("extra", key, f"`{key}` is not in `{params.template}`", (params.file, line))
        seen.add(key)
        if entry["empty"]:
            yield finding("empty", key, f"`{key}` has no value", (params.file, line))
        if entry["placeholder"]:
            yield finding("placeholder", key, f"`{key}` holds a placeholder", (params.file, line), "placeholders")
    for use in unnamed:
        said = f"`{use['key']}` is used here, but `{params.template}` does not name it"
        yield finding("unnamed", use["key"], said, (use["path"], use["line"]))


@probe(
    "dotenv",
    yields=(
        EXISTS,
        count("parity.keys", "different keys in the file"),
        count("parity.missing", "keys of the template that the file lacks", "missing"),
        count("parity.extra", "keys of the file that the template lacks", "extra"),
        count("parity.duplicate", "keys assigned more than once", "duplicate"),
        count("parity.empty", "keys without a value", "empty"),
        count("parity.unnamed", "variables that compose files need but the template does not name", "unnamed"),
        PLACEHOLDERS,
    ),
    reader=_read,
    clauses=(
        Clause(
            rf"`?(?P<file>{_ENV_FILE})`? (?:is )?derived from `?(?P<template>{_ENV_FILE})`?",
            ("env.exists", "parity.missing == 0", "placeholders == 0"),
            "`.env.staging` derived from `.env.staging.example`",
            brings={"template": "{template}", "file": "{file}"},
        ),
        Clause(
            r"(?:0|no|zero) missing (?:env(?:ironment)? )?(?:keys?|variables?|vars?)(?: in .+)?",
            ("parity.missing == 0",),
            "No missing keys in staging example",
        ),
        Clause(
            r"(?:0|no|zero) (?:extra|unknown) (?:keys?|variables?)(?: in .+)?", ("parity.extra == 0",), "no extra keys"
        ),
        Clause(r"(?:0|no|zero) duplicate(?:d|s)?(?: keys?)?", ("parity.duplicate == 0",), "no duplicate keys"),
        Clause(r"(?:0|no|zero) placeholders?(?: (?:left|in .+))?", ("placeholders == 0",), "no placeholders left"),
    ),
    phrases=(
        Phrase(
            rf"`?(?:git )?(?:diff|compare|parity|comm)\b.*?(?<![\w./-])(?P<template>{_ENV_FILE})(?![\w./-])"
            rf".*?(?<![\w./-])(?P<file>{_ENV_FILE})(?![\w/-]).*",
            _compared,
            "Diff `.env.example` vs `.env.staging.example`",
        ),
    ),
)
def dotenv(params: DotenvParams, context: Context) -> Capture:
    """Compare two env files by key.

    Order, comments and values may differ: parity is about the keys. Missing and extra keys, duplicates, empty values
    and placeholders are counted; so are the variables that compose files need and the template does not name.
    Findings name key, file and line, never a value.
    """
    shown = f"compare the keys of {params.template} with {params.file}"
    facts: dict[str, Any] = {}
    problems: list[Problem] = []
    for side, path in (("template", params.template), ("file", params.file)):
        try:
            text = read_text(context, path)
        except FileNotFoundError:
            facts[side] = None
            continue
        if isinstance(text, str):
            facts[side] = _keys(text)
        else:
            problems.append(text)
    if facts.get("template", {}) is None:
        problems.append(_no_template(params.template))
    facts["unnamed"] = [] if problems else _unnamed(params, context, facts, problems)
    facts["problems"] = problems
    return Capture("dotenv", shown, blobs=(context.keep_facts(facts),))


def _no_template(path: str) -> Problem:
    message = f"the template `{path}` does not exist: nothing to compare with"
    return problem(Outcome.UNKNOWN, "no-template", message, f"write `{path}`, or name the right template")


def _keys(text: str) -> dict[str, Any]:
    entries, unread = parse(text)
    keys = [
        {"key": e.key, "line": e.line, "empty": not e.value, "placeholder": is_placeholder(e.value)} for e in entries
    ]
    return {"keys": keys, "unread": list(unread)}


def _unnamed(
    params: DotenvParams, context: Context, facts: Mapping[str, Any], problems: list[Problem]
) -> list[dict[str, Any]]:
    """Variables that compose files need and no template names, each with the first place that uses it."""
    named = {entry["key"] for entry in facts["template"]["keys"]}
    if facts["file"] and is_template(params.file):
        named |= {entry["key"] for entry in facts["file"]["keys"]}
    found: dict[str, dict[str, Any]] = {}
    for path in params.compose or _compose_files(context):
        try:
            text = read_text(context, path)
        except FileNotFoundError:
            text = problem(Outcome.UNKNOWN, "no-compose-file", f"the compose file `{path}` does not exist")
        if not isinstance(text, str):
            problems.extend([text] if params.compose else [])  # one that nobody named and git ignores is not ours
            continue
        for key, line in needed(text):
            if key not in named:
                found.setdefault(key, {"key": key, "path": path, "line": line})
    return list(found.values())


def _compose_files(context: Context) -> list[str]:
    found = {path for pattern in _COMPOSE_FILES for path in context.root.glob(pattern)}
    return sorted(path.relative_to(context.root).as_posix() for path in found)


def needed(text: str) -> Iterable[tuple[str, int]]:
    """Variables that a compose file uses without a default, with their lines; comments use nothing."""
    for number, line in enumerate(text.splitlines(), start=1):
        code = re.sub(r"(?:^|\s)#.*$", "", line)
        for match in _VARIABLE.finditer(code):
            key, mark = match["braced"] or match["plain"], match["mark"] or ""
            if key and not mark.endswith(("-", "+")):
                yield key, number
