"""Paths of reports, made relative to the repository by their text alone."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping


def relative(path: str, params: Mapping[str, object]) -> str:
    """`path` relative to the checkout (`root`), read from the tool's working directory (`cwd`); as it is elsewhere.

    A path outside the checkout, and one that nothing is known about, stays as the report has it.
    """
    text = path.removeprefix("file://").replace("\\", "/")
    if not text:
        return ""
    cwd, root = str(params.get("cwd") or ""), str(params.get("root") or "")
    full = text if text.startswith("/") else posixpath.join(cwd, text) if cwd else text
    full = posixpath.normpath(full)
    for base in (root, str(params.get("real_root") or "")):
        if base and full.startswith(base.rstrip("/") + "/"):
            return full[len(base.rstrip("/")) + 1 :]
    return full if text.startswith("/") else posixpath.normpath(text)
