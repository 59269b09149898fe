"""Commit messages of a range, against Conventional Commits 1.0."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gonogo.model.observation import Finding, Observation, Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import Context, Ran
from gonogo.probes._facts import last_line, problem, whole

Git = Callable[..., Ran]
_MAIN_BRANCHES = (
    *("refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master"),
    *("refs/remotes/upstream/main", "refs/remotes/upstream/master", "refs/heads/main", "refs/heads/master"),
)
_WITHOUT_BASE = 50
"""checklist/reading.md: the merge-base to HEAD, else the last 50."""
_PAGE = 1000
_MOST = 5000
_SUBJECT = re.compile(r"(?P<type>[A-Za-z][\w-]*)(?:\((?P<scope>[^()\r\n]+)\))?(?P<breaking>!)?: (?P<text>\S.*)")


def look(context: Context, base: str, runs: list[Ran]) -> dict[str, Any]:
    """The commits since `base` (empty: since the branch left the main one), newest first, merges marked."""

    def git(*argv: str) -> Ran:
        runs.append(context.run(["git", *argv], name=f"git-{len(runs)}"))
        return runs[-1]

    start = _start(git, base)
    if isinstance(start, dict):
        return start
    scope = f"{start}..HEAD" if start else "HEAD"
    found = _list(git, scope, _MOST if start else _WITHOUT_BASE)
    if isinstance(found, dict):
        return found
    shallow = git("rev-parse", "--is-shallow-repository").out.strip() == b"true"
    if shallow and not start and len(found) < _WITHOUT_BASE:
        message = f"a shallow clone: only {len(found)} commits are here"
        return {"problem": problem(Outcome.UNKNOWN, "shallow-clone", message, "run `git fetch --unshallow`")}
    return {"scope": scope if start else f"the last {_WITHOUT_BASE}", "commits": found}


def _start(git: Git, base: str) -> str | dict[str, Any]:
    """The commit the range starts behind; empty where the branch has no commit of its own."""
    if base:
        names = [base]
        if git("rev-parse", "--verify", "--quiet", f"{base}^{{commit}}").exit != 0:
            message = f"git does not know the base `{base}`"
            return {"problem": problem(Outcome.UNKNOWN, "no-base", message, f"fetch `{base}`, or name another base")}
    else:
        known = git("for-each-ref", "--format=%(refname)", *_MAIN_BRANCHES).out.decode(errors="replace").split()
        names = [name for name in _MAIN_BRANCHES if name in known]
    head = git("rev-parse", "HEAD").out.decode().strip()
    for name in names:
        fork = git("merge-base", name, "HEAD").out.decode().strip()
        if fork and fork != head:
            return fork
    return ""


def _list(git: Git, scope: str, most: int) -> list[dict[str, Any]] | dict[str, Any]:
    found: list[dict[str, Any]] = []
    while len(found) < most:
        page = min(_PAGE, most - len(found))
        ran = git("log", "-z", f"--skip={len(found)}", f"--max-count={page}", "--format=%H%x1f%P%x1f%s", scope, "--")
        if ran.exit != 0 or not whole(ran):
            message = f"git cannot list the commits: {last_line(ran.err) or 'too much output'}"
            return {"problem": problem(Outcome.UNKNOWN, "no-history", message)}
        lines = [line for line in ran.out.decode(errors="backslashreplace").split("\0") if line]
        for line in lines:
            commit, parents, subject = (line.split("\x1f", 2) + ["", ""])[:3]
            found.append({"id": commit, "parents": len(parents.split()), "subject": subject[:300]})
        if len(lines) < page:
            break
    return found


def read(facts: Mapping[str, Any], types: Sequence[str]) -> Iterator[Observation | Finding | Trouble | str]:
    """Merges and reverts that git wrote itself are counted apart: nobody chose their subject."""
    commits = facts["commits"]
    merges = [c for c in commits if c["parents"] > 1]
    reverts = [c for c in commits if c not in merges and c["subject"].startswith('Revert "')]
    apart = {c["id"] for c in (*merges, *reverts)}
    chosen = [c for c in commits if c["id"] not in apart]
    yield Observation("commits.checked", len(chosen), "facts.json")
    yield Observation("commits.merges", len(merges), "facts.json")
    yield Observation("commits.reverts", len(reverts), "facts.json")
    yield f"commits of {facts['scope']}: {len(chosen)} checked, {len(merges)} merges and {len(reverts)} reverts apart"
    if not chosen:
        yield Trouble(Outcome.UNKNOWN, "no-commits", f"no commit to check in {facts['scope']}")
        return
    bad = [(commit, why) for commit in chosen if (why := _wrong(commit["subject"], types))]
    yield Observation("commits.nonconforming", len(bad), "facts.json")
    for commit, why in bad:
        yield Finding("commits", commit["id"], "nonconforming", f"{commit['id'][:10]} `{commit['subject']}`: {why}")
    if len(commits) >= _MOST:
        yield Trouble(Outcome.UNKNOWN, "too-many-commits", f"more than {_MOST} commits", "name a nearer `base`")


def _wrong(subject: str, types: Sequence[str]) -> str:
    """What is wrong with the subject by Conventional Commits 1.0; empty: nothing."""
    match = _SUBJECT.fullmatch(subject)
    if match is None:
        return "not of the form `type(scope): text`"
    if types and match["type"].lower() not in types:
        return f"`{match['type']}` is none of {', '.join(types)}"
    return ""
