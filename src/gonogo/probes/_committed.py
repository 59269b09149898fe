"""Secrets in tracked files: by pattern, and in env files that are no examples. Never brings a value."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from typing import Any

from gonogo.envfile import is_placeholder, is_template, parse
from gonogo.model.observation import Finding, Observation
from gonogo.model.outcome import Outcome
from gonogo.plugins import Context, OnlyHere, Ran
from gonogo.probes._facts import last_line, problem, whole
from gonogo.shapes import SHAPES

_SEARCHED = {shape.rule: re.compile(shape.search.encode()) for shape in SHAPES}
_DOCUMENTED = re.compile(rb"(?:AKIA|ASIA)[0-9A-Z]{9}EXAMPLE|wJalrXUtnFEMI/K7MDENG/\w+EXAMPLEKEY")
"""The keys that the vendor's own manual prints."""
_ENV_FILES = (":(glob)**/.env*", ":(glob)**/*.env", ":(glob)**/*.env.*")
_NOBODYS_HOSTS = re.compile(
    r"(?:localhost|127(?:\.\d+){3}|\[?::1\]?|0\.0\.0\.0|[\w-]+|(?:[\w-]+\.)*(?:example|test|invalid|local|localhost)"
    r"|(?:[\w-]+\.)*example\.(?:com|net|org))(?::\d+)?"
)
"""Loopback, the services of a compose file, and what RFC 2606 and RFC 6761 reserve: its password guards nothing."""


def look(context: Context, allowed: Sequence[str], runs: list[Ran]) -> dict[str, Any]:
    """Tracked files of the subject's commit that hold what looks like a secret: rule, path and line, never the text."""
    commit = context.subject.commit or "HEAD"
    search = [word for shape in SHAPES for word in ("-e", shape.search)]
    grep = context.run(
        ["git", "grep", "-l", "-z", "-I", "-E", *search, commit, "--"], env={"LC_ALL": "C"}, name="git-grep"
    )
    env_files = context.run(["git", "ls-files", "-z", "--", *_ENV_FILES], name="git-env-files")
    runs += [grep, env_files]
    if grep.exit not in {0, 1} or env_files.exit != 0:
        message = f"git cannot search the tracked files: {last_line(grep.err, env_files.err) or grep.signal}"
        return {"problem": problem(Outcome.UNKNOWN, "not-searched", message)}
    if not whole(grep) or not whole(env_files):
        message = "git names more files than are read at once"
        return {"problem": problem(Outcome.UNKNOWN, "not-searched", message, "take those files out of git")}
    hits: list[dict[str, Any]] = []
    for path in _names(grep.out, f"{commit}:"):
        if not any(fnmatch(path, pattern) for pattern in allowed):
            hits += _places(context, path)
    files = [path for path in _names(env_files.out) if not is_template(path)]
    values = [found for path in files if (found := _values(context, path))["keys"]]
    return {"hits": hits, "env_files": values, "allowed": list(allowed)}


def _names(out: bytes, prefix: str = "") -> list[str]:
    return [os.fsdecode(name).removeprefix(prefix) for name in out.split(b"\0") if name]


def _places(context: Context, path: str) -> list[dict[str, Any]]:
    """Rule and line of each hit. Where the working tree no longer shows it, the commit still holds it: line 0."""
    try:
        data = context.read_file(path)
    except (OSError, OnlyHere):
        data = b""
    lines = data.splitlines()
    found = [
        {"rule": shape.rule, "path": path, "line": number}
        for number, line in enumerate(lines, start=1)
        for shape in SHAPES
        for match in shape.compiled.finditer(line)
        if not _harmless(shape.rule, match, line, path)
    ]
    shown = any(pattern.search(line) for line in lines for pattern in _SEARCHED.values())
    return found or ([] if shown else [{"rule": "committed", "path": path, "line": 0}])


def _harmless(rule: str, match: re.Match[bytes], line: bytes, path: str) -> bool:
    """Whether it is only an example: the manual's own, one that asks to be replaced, a password that guards nothing."""
    if _DOCUMENTED.search(match[0]):
        return True
    value = match[match.lastindex or 0].decode(errors="replace")
    if rule != "url-password":
        return rule != "private-key" and is_placeholder(value)
    host = re.match(r"[^\s/?#\"'<>`,)]*", line[match.end() :].decode(errors="replace"))
    user = match[0][3:].partition(b":")[0].decode(errors="replace")
    plain = value == user or value.lower() in _NO_PASSWORDS or bool(re.search(r"[${}%]", value))
    return plain or is_template(path) or is_placeholder(value) or bool(host and _NOBODYS_HOSTS.fullmatch(host[0]))


_NO_PASSWORDS = frozenset({"password", "passwd", "pass", "pwd", "secret", "token", "user", "postgres", "root", "test"})


def _values(context: Context, path: str) -> dict[str, Any]:
    """Keys of a tracked env file whose values are neither empty nor placeholders."""
    try:
        entries, _ = parse(context.read_file(path).decode(errors="replace"))
    except (OSError, OnlyHere):
        entries = ()
    keys = [{"key": e.key, "line": e.line} for e in entries if e.value and not is_placeholder(e.value)]
    return {"path": path, "keys": keys}


def read(facts: Mapping[str, Any]) -> Iterator[Observation | Finding | str]:
    """One finding for each hit, and one for each env file: its keys are named, its values are not."""
    findings = [_hit(hit) for hit in facts["hits"]] + [_env_file(file) for file in facts["env_files"]]
    yield Observation("secrets.committed", len(findings), "facts.json")
    yield from findings
    if facts["allowed"]:
        yield f"not searched for secrets: {', '.join(facts['allowed'])}"


def _hit(hit: Mapping[str, Any]) -> Finding:
    what = hit["rule"].replace("-", " ") if hit["line"] else "secret that the working tree no longer shows"
    return Finding("secrets", f"{hit['rule']}:{hit['path']}", "committed", f"a {what}", hit["path"], hit["line"])


def _env_file(file: Mapping[str, Any]) -> Finding:
    keys = ", ".join(f"`{entry['key']}`" for entry in file["keys"][:5])
    more = f" and {len(file['keys']) - 5} more" if len(file["keys"]) > 5 else ""  # noqa: PLR2004 - as shown above
    said = f"a tracked env file that holds values: {keys}{more}"
    return Finding("secrets", f"env-file:{file['path']}", "committed", said, file["path"], file["keys"][0]["line"])
