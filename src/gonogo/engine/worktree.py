"""A clean checkout of the subject for one gate."""

from __future__ import annotations

import shutil
from pathlib import Path

from gonogo.config import git_output
from gonogo.errors import OperationError


def add(root: Path, place: Path, commit: str) -> None:
    """Check out `commit` at `place`, detached; raises `OperationError` where git cannot."""
    if not commit:
        raise OperationError("a clean checkout needs a commit, and there is none yet", help="commit first")
    place.parent.mkdir(parents=True, exist_ok=True)
    if git_output(root, "worktree", "add", "--detach", "--force", str(place), commit) is None:
        remove(root, place)
        raise OperationError(
            f"git cannot check out {commit[:12]} at `{place}`", help=f"try `git worktree add --detach {place} {commit}`"
        )


def remove(root: Path, place: Path) -> None:
    """Remove the checkout, whatever a gate left in it."""
    git_output(root, "worktree", "remove", "--force", "--force", str(place))
    shutil.rmtree(place, ignore_errors=True)
    git_output(root, "worktree", "prune")
