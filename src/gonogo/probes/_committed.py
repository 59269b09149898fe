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

# In the words that POSIX extended and Python's expressions share: git searches the commit, Python names the line.
PATTERNS = {
    "private-key": r"-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----",
    "aws-access-key": r"(AKIA|ASIA)[0-9A-Z]{16}",
    "github-token": r"gh[pousr]_[A-Za-z0-9]{36}",
    "github-fine-grained-token": r"github_pat_[A-Za-z0-9_]{36}",
    "gitlab-token": r"glpat-[A-Za-z0-9_-]{20}",
    "slack-token": r"xox[abprs]-[A-Za-z0-9-]{20}",
    "google-api-key": r"AIza[0-9A-Za-z_-]{35}",
    "stripe-live-key": r"[rs]k_live_[0-9A-Za-z]{20}",
    "npm-token": r"npm_[A-Za-z0-9]{36}",
    "jwt": r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
}
_COMPILED = {rule: re.compile(pattern.encode()) for rule, pattern in PATTERNS.items()}
_DOCUMENTED = re.compile(rb"(?:AKIA|ASIA)[0-9A-Z]{9}EXAMPLE")
"""The access keys that the vendor's own manual prints."""


def look(context: Context, allowed: Sequence[str], runs: list[Ran]) -> dict[str, Any]:
    """Tracked files of the subject's commit that hold what looks like a secret: rule, path and line, never the text."""
    commit = context.subject.commit or "HEAD"
    search = [word for pattern in PATTERNS.values() for word in ("-e", pattern)]
    grep = context.run(
        ["git", "grep", "-l", "-z", "-I", "-E", *search, commit, "--"], env={"LC_ALL": "C"}, name="git-grep"
    )
    env_files = context.run(["git", "ls-files", "-z", "--", ":(glob)**/.env*"], name="git-env-files")
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
    found = [
        {"rule": rule, "path": path, "line": number}
        for number, line in enumerate(data.splitlines(), start=1)
        for rule, pattern in _COMPILED.items()
        for match in pattern.finditer(line)
        if not _DOCUMENTED.fullmatch(match[0])
    ]
    shown = any(_DOCUMENTED.search(line) for line in data.splitlines())
    return found or ([] if shown else [{"rule": "committed", "path": path, "line": 0}])


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
