"""Who wrote each line of a committed file, by everything a commit calls its authors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path

from gonogo.config import git_output
from gonogo.frozen import dataclass
from gonogo.model.roster import Person

_PLAIN = ("--no-replace-objects", "-c", "log.showSignature=false")
"""What a clone's own configuration could hide is asked for all the same."""
_BLAME = ("blame", "--porcelain", "--root", "--no-textconv", "--ignore-revs-file=")
"""An empty name, given last, clears the list of revisions that blame would look through."""
_HEADER = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64}) \d+ (\d+)(?: \d+)?")
_FORMAT = "%H%x1f%ct%x1f%an%x1f%ae%x1f%aN%x1f%aE%x1f%(trailers:key=Co-authored-by,valueonly,unfold,separator=%x1f)%x1e"
_ADDRESS = re.compile(r"\s*([^<>]*?)\s*<\s*([^<>]*?)\s*>\s*")


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that wrote lines."""

    sha: str
    time: int
    """Seconds since 1970 at which it was committed."""
    shown: tuple[str, ...]
    """Its authors: `Ada <ada@example.org>`."""
    names: frozenset[str]
    """All that its authors may be called, in small letters: names, addresses, what stands before an address's @."""
    cut: bool = False
    """The history ends here because this clone has no more of it: its lines may be of anybody."""


@dataclass(frozen=True, slots=True)
class Blame:
    """Line, counted from 1 -> the commit that wrote it."""

    lines: Mapping[int, Commit] = field(default_factory=dict)


def blamed(root: Path, commit: str, path: str) -> Blame:
    """Who wrote each line of `path` as it is at `commit`; no lines where git cannot tell."""
    told = git_output(root, *_PLAIN, *_BLAME, commit, "--", path)
    owners: dict[int, str] = {}
    for line in (told or b"").split(b"\n"):
        if not line.startswith(b"\t") and (match := _HEADER.fullmatch(line.decode("utf-8", "replace"))):
            owners[int(match[2])] = match[1]
    commits = _commits(root, sorted(set(owners.values())))
    return Blame({line: commits[sha] for line, sha in owners.items() if sha in commits})


def _commits(root: Path, shas: list[str]) -> dict[str, Commit]:
    if not shas:
        return {}
    told = git_output(
        root, *_PLAIN, "log", "--no-walk=unsorted", "--no-use-mailmap", f"--format={_FORMAT}", "--end-of-options", *shas
    )
    cut = _cut_off(root)
    found = {}
    for record in (told or b"").decode("utf-8", "replace").split("\x1e"):
        parts = record.strip("\n").split("\x1f")
        if len(parts) < 6:  # noqa: PLR2004 - what `_FORMAT` gives at the least
            continue
        sha, time, *told_names = parts
        pairs = [(told_names[0], told_names[1]), (told_names[2], told_names[3])]
        pairs += [(match[1], match[2]) for text in told_names[4:] if (match := _ADDRESS.fullmatch(text))]
        found[sha] = Commit(sha, int(time), _shown([pairs[0], *pairs[2:]]), names_of(pairs), sha in cut)
    return found


def _shown(pairs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{name} <{address}>" for name, address in pairs))


def names_of(pairs: Iterable[tuple[str, str]]) -> frozenset[str]:
    """What these authors (name, address) may be called, in small letters.

    Also the part before the @, without the number that GitHub puts before it.
    """
    found: set[str] = set()
    for name, address in pairs:
        local = address.partition("@")[0]
        found |= {name, address, local, local.rpartition("+")[2]}
    return frozenset(text.strip().casefold() for text in found if text.strip())


def called(approver: str, person: Person | None) -> frozenset[str]:
    """What somebody who approves may be called, in small letters; `person` where they are known by key."""
    names = {approver}
    if person is not None:
        names |= {person.id, person.name, *person.emails, *person.handles}
    return frozenset(name.strip().casefold().removeprefix("@") for name in names if name.strip())


def _cut_off(root: Path) -> frozenset[str]:
    """The commits at which a shallow clone ends."""
    shallow = (git_output(root, "rev-parse", "--path-format=absolute", "--git-path", "shallow") or b"").decode()
    try:
        return frozenset(Path(shallow.rstrip("\n")).read_text().split())
    except OSError:
        return frozenset()
