"""Read the repository: commit messages, hooks that really refuse, secrets in tracked files, a clean tree."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.observation import Finding, Observation, Reading, Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import Clause, Context, Ran, probe
from gonogo.probes import _commits, _committed, _hooks
from gonogo.probes._facts import count, flag, last_line, printed, problem, trouble, whole

_PARTS = ("commits", "hooks", "secrets", "tree")


@dataclass(frozen=True, slots=True)
class GitParams:
    """What to look at: those of the four parts that are named, or all where none is."""

    commits: bool = False
    """Whether their messages follow Conventional Commits."""
    hooks: bool = False
    """Whether the commit-msg hook refuses a bad message."""
    secrets: bool = False
    """Secrets in tracked files."""
    tree: bool = False
    """Whether the tree is clean and pushed, and which files are tracked although ignored."""
    base: str = ""
    """Branch or commit the range starts from. Empty: where the branch left the main one, else the last 50 commits."""
    types: tuple[str, ...] = (
        *("build", "chore", "ci", "docs", "feat", "fix"),
        *("perf", "refactor", "revert", "style", "test"),
    )
    """Types a commit may have, as in commitlint's conventional configuration. Empty: any."""
    bad_message: str = "this message follows no convention"
    """The commit-msg hook must refuse it."""
    good_message: str = "chore: see that the hook accepts a good message"
    """The commit-msg hook must accept it."""
    allow: tuple[str, ...] = ()
    """Paths (globs) that may hold what looks like a secret, such as test data. Shown in the report."""


def _read(facts: Mapping[str, Any], params: GitParams) -> Reading:
    """Each part by its own rules; a part that could not be looked at is a trouble and yields nothing."""
    said: list[Observation | Finding | Trouble | str] = []
    for part, stored in facts.items():
        if "problem" in stored:
            said.append(trouble(stored["problem"]))
        elif part == "commits":
            said += _commits.read(stored, params.types)
        elif part == "hooks":
            said += _hooks.read(stored)
        elif part == "secrets":
            said += _committed.read(stored)
        elif part == "tree":
            said += _tree_read(stored)
    return Reading(
        tuple(item for item in said if isinstance(item, Observation)),
        tuple(item for item in said if isinstance(item, Finding)),
        tuple(item for item in said if isinstance(item, str)),
        tuple(item for item in said if isinstance(item, Trouble)),
    )


def _tree_read(facts: Mapping[str, Any]) -> Iterable[Observation | Finding | Trouble | str]:
    yield Observation("tree.clean", not facts["dirty"], "facts.json")
    yield Observation("tree.tracked_ignored", len(facts["ignored"]), "facts.json")
    if facts["pushed"] is not None:
        yield Observation("tree.pushed", facts["pushed"], "facts.json")
    for path in facts["dirty"]:
        yield Finding("tree", f"dirty:{path}", "dirty", "differs from the commit", path)
    for path in facts["ignored"]:
        yield Finding("tree", f"ignored:{path}", "ignored", "is tracked although .gitignore names it", path)


@probe(
    "git",
    yields=(
        count("commits.checked", "commits whose message was checked: without merges and reverts"),
        count("commits.nonconforming", "commits that do not follow Conventional Commits", "nonconforming"),
        count("commits.merges", "merge commits in the range"),
        count("commits.reverts", "reverts in the range, with the subject that git gave them"),
        flag("hooks.active", "git finds the commit-msg hook, it refuses a bad message and accepts a good one"),
        count("secrets.committed", "secrets in tracked files, and tracked env files that hold values", "committed"),
        flag("tree.clean", "the working tree equals the commit"),
        flag("tree.pushed", "the commit is on the remote branch"),
        count("tree.tracked_ignored", "files tracked although .gitignore names them", "ignored"),
    ),
    reader=_read,
    clauses=(
        Clause(
            r"(?:all )?(?:commits? (?:messages? )?(?:follow|are|use) )?conventional commits?",
            ("commits.nonconforming == 0",),
            "Conventional Commits",
            brings={"commits": True},
        ),
        Clause(
            r"(?:git |commit |husky )?hooks (?:are )?(?:enabled|active|installed)",
            ("hooks.active",),
            "hooks enabled",
            brings={"hooks": True},
        ),
        Clause(
            r"\(?(?:no|0|zero) secrets (?:are )?(?:committed|in (?:git|the repo(?:sitory)?|tracked files))\)?",
            ("secrets.committed == 0",),
            "no secrets committed",
            brings={"secrets": True},
        ),
        Clause(
            r"(?:working )?tree (?:is )?clean|clean (?:working )?tree",
            ("tree.clean",),
            "clean tree",
            brings={"tree": True},
        ),
        Clause(
            r"(?:branch|commits?|everything) (?:is |are )?pushed",
            ("tree.pushed",),
            "branch pushed",
            brings={"tree": True},
        ),
    ),
)
def git(params: GitParams, context: Context) -> Capture:
    """Look at the repository, without changing it.

    Commit messages are checked from where the branch left the main one, else over the last 50; merges and reverts are
    shown apart. Hooks count as active only when git finds them, they can run, and a bad message is really refused.
    Secrets are searched in the files of the subject's commit; findings name rule, file and line, never the text.
    """
    runs: list[Ran] = []
    facts: dict[str, Any] = {}
    parts = [part for part in _PARTS if getattr(params, part)] or _PARTS
    if "commits" in parts:
        facts["commits"] = _commits.look(context, params.base, runs)
    if "hooks" in parts:
        facts["hooks"] = _hooks.look(context, params.bad_message, params.good_message, runs)
    if "secrets" in parts:
        facts["secrets"] = _committed.look(context, params.allow, runs)
    if "tree" in parts:
        facts["tree"] = _tree(context, runs)
    return Capture(
        "git",
        f"git: {', '.join(parts)}",
        blobs=(context.keep_facts(facts), *printed(*runs)),
        seconds=sum(ran.seconds for ran in runs),
    )


def _tree(context: Context, runs: list[Ran]) -> dict[str, Any]:
    ran = context.run(["git", "ls-files", "-z", "--cached", "--ignored", "--exclude-standard"], name="git-ignored")
    runs.append(ran)
    if ran.exit != 0 or not whole(ran):
        message = f"git cannot list its files: {last_line(ran.err) or 'too much output'}"
        return {"problem": problem(Outcome.UNKNOWN, "no-git", message)}
    ignored = [os.fsdecode(path) for path in ran.out.split(b"\0") if path]
    return {"dirty": list(context.subject.dirty), "pushed": context.subject.pushed, "ignored": ignored}
