"""Which release a set of metric labels names, and whether it is the subject."""

from __future__ import annotations

import re
from collections.abc import Mapping

COMMIT_LABELS = ("commit", "git_sha", "git_commit", "gitsha", "sha", "revision", "git_revision", "release", "version")
"""Labels of build-info metrics that may hold a commit, the likeliest first."""
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


def named(labels: Mapping[str, str], label: str) -> str:
    """The release in these labels: that of `label`, else the first that looks like a commit, else any there is."""
    if label:
        return labels.get(label, "")
    found = [labels[name] for name in COMMIT_LABELS if labels.get(name)]
    return next((text for text in found if _COMMIT.fullmatch(text.lower())), found[0] if found else "")


def matches(release: str, expected: str, commit: str) -> bool | None:
    """Whether a release is the expected one, or the subject's commit; None where the two cannot be compared."""
    if expected:
        return release == expected
    if not commit or not _COMMIT.fullmatch(release.lower()):
        return None
    return commit.lower().startswith(release.lower())
