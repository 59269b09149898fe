"""The working tree while gates run in it: who changed a tracked file, and who removed what another gate needs."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from gonogo.config import git_output
from gonogo.errors import OperationError

Signature = tuple[int, int, int, int] | None
"""Size, mtime, ctime (ns) and inode; None: it is not there. Content can hardly change without one of them."""

_WORKSPACE_MARKS = frozenset({"package.json", "pyproject.toml", "go.mod", "Cargo.toml"})
_MOST_WORKSPACES = 64


def _signature(path: bytes) -> Signature:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    if stat.S_ISDIR(found.st_mode):  # a submodule: its own files are its own matter
        return (0, 0, 0, found.st_ino)
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


class Tree:
    """The tracked files of one checkout, as they were when the run began or was last looked at."""

    def __init__(self, root: Path) -> None:
        self.root = root
        listed = git_output(root, "ls-files", "--stage", "-z")
        if listed is None:
            raise OperationError(f"git cannot list the files of `{root}`", help="run `git status` there")
        self._oids: dict[bytes, str] = {}
        for entry in listed.split(b"\0"):
            about, _, path = entry.partition(b"\t")
            if path:
                self._oids[path] = about.split()[1].decode()
        self.tracked: frozenset[str] = frozenset(os.fsdecode(path) for path in self._oids)
        self._prefix = os.fsencode(root) + b"/"
        self._paths = list(self._oids)
        self._full = [self._prefix + path for path in self._paths]
        self._index = dict(self._oids)
        self._remember_dirty()
        self._last = [_signature(path) for path in self._full]
        self.folders = self._workspaces()

    def _remember_dirty(self) -> None:
        """A file that differs from the index already is compared with what it is now, not with the index."""
        printed = git_output(self.root, "diff-files", "--name-only", "-z") or b""
        dirty = [path for path in printed.split(b"\0") if path]
        self._oids.update(self._hashes(dirty))

    def _hashes(self, paths: Iterable[bytes]) -> dict[bytes, str]:
        """Path -> object id of its present content; empty text for what is not there."""
        present, found = [], {}
        for path in paths:
            place = Path(os.fsdecode(self._prefix + path))
            if place.is_symlink():
                found[path] = self._hash_text(os.fsencode(place.readlink()))
            elif place.is_file():
                present.append(path)
            else:
                found[path] = ""
        if present:
            quoted = b"\n".join(_quoted(path) for path in present)
            done = subprocess.run(
                ["git", "hash-object", "--stdin-paths"],  # noqa: S607 - the git of the person's own PATH
                cwd=self.root, input=quoted, capture_output=True, check=False,
            )  # fmt: skip
            ids = done.stdout.decode().split()
            found.update(zip(present, ids, strict=True) if len(ids) == len(present) else dict.fromkeys(present, "?"))
        return found

    def _hash_text(self, text: bytes) -> str:
        done = subprocess.run(
            ["git", "hash-object", "--stdin"],  # noqa: S607 - as above
            cwd=self.root, input=text, capture_output=True, check=False,
        )  # fmt: skip
        return done.stdout.decode().strip()

    def changed(self) -> tuple[str, ...]:
        """Tracked files whose content is not what it was at the last call, sorted; removed ones too.

        A look at every file's signature; content is read only where that differs, so a touched file is no change.
        """
        now = [_signature(path) for path in self._full]
        if now == self._last:
            return ()
        suspects = [path for path, a, b in zip(self._paths, self._last, now, strict=True) if a != b]
        self._last = now
        changed = []
        for path, oid in self._hashes(suspects).items():
            if oid != self._oids[path]:
                self._oids[path] = oid
                changed.append(os.fsdecode(path))
        return tuple(sorted(changed))

    def keep_copies(self, globs: Iterable[str], directory: Path) -> dict[str, str]:
        """Copies of the files that `globs` match and git could not give back, because they differ from the index."""
        copies: dict[str, str] = {}
        globs = tuple(globs)
        for path, oid in self._oids.items():
            name = os.fsdecode(path)
            if oid and oid != self._index[path] and matches(name, globs):
                directory.mkdir(parents=True, exist_ok=True)
                copy = directory / str(len(copies))
                shutil.copy2(self.root / name, copy)
                copies[name] = str(copy)
        return copies

    def undo(self, paths: Iterable[str], copies: Mapping[str, str], before: Mapping[str, str]) -> tuple[str, ...]:
        """Give files their earlier content back; returns those that could not be given back.

        Args:
            paths: Files that changed.
            copies: What `keep_copies` kept.
            before: What `contents` said before the change.
        """
        failed = []
        for name in paths:
            path = os.fsencode(name)
            if name in copies:
                shutil.copy2(copies[name], self.root / name)
            elif before.get(name) == self._index[path]:
                if git_output(self.root, "checkout-index", "--force", "--", name) is None:
                    failed.append(name)
            elif before.get(name) == "":
                (self.root / name).unlink(missing_ok=True)
            else:
                failed.append(name)
        self.changed()
        return tuple(failed)

    def contents(self, globs: Iterable[str]) -> dict[str, str]:
        """Path -> object id of the content last seen, for the files that `globs` match."""
        globs = tuple(globs)
        named = {os.fsdecode(path): oid for path, oid in self._oids.items()}
        return {name: oid for name, oid in named.items() if matches(name, globs)}

    def tracks(self, path: str) -> bool:
        """Whether git tracks `path`, or anything below it."""
        plain = path.rstrip("/")
        return plain in self.tracked or any(name.startswith(f"{plain}/") for name in self.tracked)

    def _workspaces(self) -> tuple[str, ...]:
        """The top and every directory with a manifest of its own: where `node_modules` and `dist` come and go."""
        found = {name.rpartition("/")[0] for name in self.tracked if name.rpartition("/")[2] in _WORKSPACE_MARKS}
        return ("", *sorted(found - {""})[:_MOST_WORKSPACES])

    def entries(self) -> frozenset[str]:
        """Every entry of the top and of each workspace."""
        seen: set[str] = set()
        for folder in self.folders:
            try:
                names = os.listdir(self.root / folder if folder else self.root)  # noqa: PTH208 - names only
            except OSError:
                continue
            seen.update(f"{folder}/{name}" for name in names) if folder else seen.update(names)
        return frozenset(seen)


def matches(path: str, globs: Iterable[str]) -> bool:
    """Whether one of the globs covers the path; `*` does not stop at `/`, and a directory covers what is in it."""
    return any(fnmatchcase(path, glob) or path.startswith(glob.rstrip("/") + "/") for glob in globs)


def _quoted(path: bytes) -> bytes:
    """For `git hash-object --stdin-paths`, which unquotes a path that starts with a double quote."""
    if b"\n" not in path and not path.startswith(b'"'):
        return path
    escaped = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + escaped + b'"'
