"""What is being released, as git tells it at this moment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from gonogo.config import git_output
from gonogo.errors import InputError, OperationError
from gonogo.model.plan import Subject

_STATE = ".gonogo/state/"


def look(root: Path) -> Subject:
    """The commit checked out at `root`, and every path that differs from it.

    Untracked files count unless git ignores them; gonogo's own state never does. A repository without a commit
    gives an empty `commit`. The remote's URL carries no credentials.

    Raises:
        InputError: `root` is in no git working tree.
        OperationError: git is missing or could not read the tree.
    """
    printed = git_output(root, "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all")
    if printed is None:
        if git_output(root, "rev-parse", "--show-toplevel") is None:
            raise InputError.of(
                "no-repository",
                f"`{root}` is in no git working tree",
                help="run `git init` and commit: what is released is a commit",
            )
        raise OperationError(
            f"git cannot read the tree at `{root}`", help="run `git status` there and mend what it says"
        )
    entries = printed.decode("utf-8", "surrogateescape").split("\0")
    head = dict(entry[2:].partition(" ")[::2] for entry in entries if entry.startswith("# "))
    commit = head.get("branch.oid", "")
    branch = head.get("branch.head", "")
    commit = "" if commit == "(initial)" else commit
    branch = "" if branch == "(detached)" else branch
    upstream, urls = _remotes(root)
    remote = _remote_name(upstream.get(branch, ""), urls)
    return Subject(
        commit=commit,
        branch=branch,
        dirty=_dirty(entries),
        remote=_without_credentials(urls.get(remote, "")),
        pushed=_pushed(root, remote, commit),
    )


def head(root: Path) -> str:
    """The commit checked out at `root`; empty where there is none."""
    return _text(root, "rev-parse", "--verify", "--quiet", "HEAD")


_MAIN_BRANCHES = (
    *("refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master"),
    *("refs/heads/main", "refs/heads/master"),
)
_TRAILERS = "%(trailers:key=Co-authored-by,valueonly,unfold)"


def authors(root: Path) -> tuple[str, ...]:
    """Addresses of those who wrote the commits that are released, co-authors too, sorted and in small letters.

    The commits since the branch left the main one; on the main branch itself those that its last commit brought. A
    merge has no author of its own: who merges reviews. Empty where git cannot tell.
    """
    scope = next((f"{fork}..HEAD" for fork in _forks(root)), "")
    if not scope:
        scope = "HEAD^1..HEAD" if _text(root, "rev-parse", "--verify", "--quiet", "HEAD^1") else "HEAD"
    told = git_output(root, "log", "--no-merges", f"--format=%ae%n{_TRAILERS}", scope, "--")
    lines = (told or b"").decode("utf-8", "surrogateescape").splitlines()
    found = {(match[1] if (match := re.search(r"<([^<>]+)>", line)) else line).strip().lower() for line in lines}
    return tuple(sorted(found - {""}))


def _forks(root: Path) -> list[str]:
    """Where HEAD left each main branch that it has left."""
    known = _text(root, "for-each-ref", "--format=%(refname)", *_MAIN_BRANCHES).split()
    here = head(root)
    forks = [_text(root, "merge-base", name, "HEAD") for name in _MAIN_BRANCHES if name in known]
    return [fork for fork in forks if fork and fork != here]


def _text(root: Path, *arguments: str) -> str:
    return (git_output(root, *arguments) or b"").decode("utf-8", "surrogateescape").strip()


def _dirty(entries: list[str]) -> tuple[str, ...]:
    """Paths of `git status --porcelain=v2 -z` (git-status(1), "Porcelain Format Version 2")."""
    paths: set[str] = set()
    rest = iter(entries)
    for entry in rest:
        kind = entry[:2]
        if kind == "1 ":
            paths.add(entry.split(" ", 8)[8])
        elif kind == "2 ":
            paths |= {entry.split(" ", 9)[9], next(rest)}
        elif kind == "u ":
            paths.add(entry.split(" ", 10)[10])
        elif kind == "? ":
            paths.add(entry[2:])
    return tuple(sorted(path for path in paths if not path.startswith(_STATE)))


def _remotes(root: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Branch -> its remote, and remote -> its URL (empty where it has none), as the configuration says."""
    told = git_output(root, "config", "-z", "--get-regexp", r"^(remote\..*\.|branch\..*\.remote$)") or b""
    branches: dict[str, str] = {}
    urls: dict[str, str] = {}
    for entry in told.decode("utf-8", "surrogateescape").split("\0"):
        key, _, value = entry.partition("\n")
        section, _, rest = key.partition(".")
        name, _, variable = rest.rpartition(".")
        if section == "branch":
            branches[name] = value.strip()
        elif name:
            urls[name] = value.strip() if variable == "url" else urls.get(name, "")
    return branches, urls


def _remote_name(configured: str, urls: Mapping[str, str]) -> str:
    """The remote of the branch, else `origin`, else the only one there is; empty where there is none."""
    if configured and configured != ".":
        return configured
    if "origin" in urls:
        return "origin"
    return next(iter(urls)) if len(urls) == 1 else ""


def _pushed(root: Path, remote: str, commit: str) -> bool | None:
    """Whether a branch of the remote holds the commit, as far as this clone knows."""
    if not remote or not commit:
        return None
    holding = _text(root, "for-each-ref", "--count=1", f"--contains={commit}", f"refs/remotes/{remote}")
    return bool(holding)


def _without_credentials(url: str) -> str:
    """The URL without user and password; `git@host:path` keeps its user, which is no secret."""
    return re.sub(r"(?<=://)[^/@]*@", "", url)
