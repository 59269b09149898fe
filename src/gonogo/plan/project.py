"""The directory that a checklist is for: where its commands run, and where its paths count from.

In a repository of several projects each may have a checklist of its own. Git, evidence and the ledger know files by
their path from the top; so the plan keeps paths from there, and the author writes them from the project.
"""

from __future__ import annotations

import dataclasses
import os
import posixpath
from pathlib import Path

from gonogo.errors import InputError
from gonogo.model.checklist import Call, Checklist, Gate

_MANIFESTS = (
    *("package.json", "pyproject.toml", "setup.py", "go.mod", "Cargo.toml", "pom.xml", "build.gradle"),
    *("build.gradle.kts", "composer.json", "Gemfile", "mix.exs", "compose.yaml", "compose.yml"),
    *("docker-compose.yml", "docker-compose.yaml"),
)
"""A directory with one of these is a project."""


def directory_of(checklist: Checklist, root: Path) -> str:
    """The directory of `checklist`, from the top of the working tree at `root`; empty text for the top itself.

    What it says in `directory`; else the nearest directory at or above its own file that has a manifest
    (`package.json`, `pyproject.toml`, `go.mod`), so that `docs/READINESS.md` is for the whole; else the top. A
    checklist from elsewhere is for the top. Raises `InputError` where `directory` is none within the repository.
    """
    if checklist.directory:
        return _said(checklist.directory, root)
    file = Path(os.path.abspath(checklist.source)).resolve() if checklist.source else root  # noqa: PTH100 - a plain join
    top = root.resolve()
    for directory in file.parents:
        if directory == top or not directory.is_relative_to(top):
            return ""
        if any((directory / name).is_file() for name in _MANIFESTS):
            return directory.relative_to(top).as_posix()
    return ""


def _said(directory: str, root: Path) -> str:
    plain = posixpath.normpath(directory)
    if plain.startswith(("/", "..")) or not (root / plain).is_dir():
        raise InputError.of(
            "no-directory",
            f"the checklist is for `{directory}`, and there is no such directory in the repository",
            help="write it from the top of the repository, such as `directory: apps/portal`",
        )
    return "" if plain == "." else plain


def from_top(path: str, directory: str) -> str:
    """A path of the author's, counted from the top; a slash at its end stays."""
    if not directory or not path:
        return path
    return posixpath.normpath(posixpath.join(directory, path)) + ("/" if path.endswith("/") else "")


def placed(gate: Gate, directory: str) -> Gate:
    """The gate with its evidence, reports and changes counted from the top; its commands keep what they say."""
    if not directory:
        return gate
    return dataclasses.replace(
        gate,
        changes=tuple(from_top(path, directory) for path in gate.changes),
        evidence=tuple(dataclasses.replace(item, path=from_top(item.path, directory)) for item in gate.evidence),
        calls=tuple(_reports_placed(call, directory) for call in gate.calls),
    )


def _reports_placed(call: Call, directory: str) -> Call:
    reports = call.params.get("reports")
    if not reports:
        return call
    moved = [{**report, "path": from_top(str(report["path"]), directory)} for report in reports]
    return dataclasses.replace(call, params={**call.params, "reports": moved})
