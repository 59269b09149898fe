"""package.json files: where the package is, its scripts, its workspaces."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def read(directory: Path) -> dict[str, Any]:
    """package.json of a directory; empty where there is none that can be read."""
    try:
        data = json.loads((directory / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def package_directory(cwd: Path) -> Path | None:
    """The nearest directory from `cwd` upwards that has a package.json, as npm looks for it."""
    return next((d for d in (cwd, *cwd.parents) if (d / "package.json").is_file()), None)


def workspaces(root: Path) -> list[Path]:
    """The directories of the workspaces that the package.json in `root` (or pnpm-workspace.yaml) names, sorted."""
    declared = read(root).get("workspaces") or _pnpm_workspaces(root)
    patterns = declared.get("packages", []) if isinstance(declared, dict) else declared
    found: dict[Path, None] = {}
    for pattern in patterns if isinstance(patterns, list) else []:
        text = str(pattern).rstrip("/").removeprefix("./")
        if text and not text.startswith(("!", "/")):
            for directory in sorted(root.glob(text)):
                if (directory / "package.json").is_file() and "node_modules" not in directory.parts:
                    found[directory] = None
    return list(found)


def _pnpm_workspaces(root: Path) -> list[str]:
    """The `packages:` list of pnpm-workspace.yaml: plain lines are all that pnpm's own documentation shows."""
    try:
        lines = (root / "pnpm-workspace.yaml").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [line.strip()[1:].strip().strip("'\"") for line in lines if line.strip().startswith("- ")]


def workspace(root: Path, name: str) -> list[Path]:
    """The workspaces that `-w name` selects: by package name, by path, or all below a directory."""
    wanted = (root / name).resolve()
    return [
        directory
        for directory in workspaces(root)
        if read(directory).get("name") == name or wanted in (directory.resolve(), *directory.resolve().parents)
    ]


def script_lines(directory: Path, script: str, arguments: Sequence[str]) -> list[tuple[str, Path]]:
    """What `npm run script` runs in a package, with the `pre` and `post` scripts; empty where it has no such script."""
    scripts = read(directory).get("scripts")
    if not isinstance(scripts, dict) or not isinstance(scripts.get(script), str):
        return []
    line = " ".join([scripts[script], *(shlex.quote(word) for word in arguments)])
    around = [scripts.get(f"pre{script}"), line, scripts.get(f"post{script}")]
    return [(text, directory) for text in around if isinstance(text, str) and text]
