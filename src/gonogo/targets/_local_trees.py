"""Releases as directories: made from a commit, named by what is in them, never changed afterwards."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from gonogo.frozen import dataclass
from gonogo.model import codec
from gonogo.plugins import Context, OutOfReach, Ran
from gonogo.targets import _strays
from gonogo.targets._durable import read_json, write_json

_BLOCK = 1024 * 1024


def digest(tree: Path) -> str:
    """Identity of a directory: paths, contents, link targets and whether a file can be run; no times, no owners."""
    whole = hashlib.sha256()
    for path in _files(tree):
        name = os.fsencode(path.relative_to(tree))
        if path.is_symlink():
            line = b"link", os.fsencode(path.readlink())
        else:
            kind = b"run" if path.stat().st_mode & stat.S_IXUSR else b"file"
            line = kind, _content(path)
        whole.update(b"%s\0%s\0%s\n" % (name, *line))
    return f"sha256:{whole.hexdigest()}"


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest().encode()


def _files(tree: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(tree):
        folders.sort()
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        yield from (Path(folder) / name for name in sorted((*names, *links)))


def lock_down(tree: Path) -> None:
    """Take away every right to write; root keeps its own, which is why a release is looked at before it is used."""
    for folder, _, names in os.walk(tree):
        for path in (*(Path(folder) / name for name in names), Path(folder)):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & ~0o222)


def remove(tree: Path) -> None:
    """Remove a directory that was locked down."""
    for folder, _, _ in os.walk(tree):
        with suppress(OSError):
            Path(folder).chmod(0o700)
    shutil.rmtree(tree, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a release directory is made."""

    commit: str
    build: tuple[str, ...]
    copy: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trees:
    """The release directories of a target."""

    directory: Path

    def path(self, artifact: str) -> Path:
        """Where the release of that identity lies, whether it is there or not."""
        return self.directory / "releases" / artifact.removeprefix("sha256:")[:32]

    def intact(self, artifact: str) -> bool | None:
        """Whether it is what its name says; None: it is not there."""
        tree = self.path(artifact)
        return digest(tree) == artifact if tree.is_dir() else None

    def made(self, recipe: Recipe, context: Context) -> str:
        """The identity of the release that a recipe makes; made only where it has not been.

        Raises `OutOfReach` where it cannot be made.
        """
        copied = {path: self._copied(context.root / path, path) for path in recipe.copy}
        note = self.directory / "builds" / f"{codec.digest([recipe, copied])}.json"
        known = read_json(note) if note.exists() else None
        if known is not None and self.intact(known["artifact"]):
            return str(known["artifact"])
        self._sweep()
        work = self.directory / "builds" / f"{os.getpid()}-{secrets.token_hex(4)}"
        try:
            artifact = self._make(recipe, context, work)
        finally:
            remove(work)
        write_json(note, {"artifact": artifact})
        return artifact

    def _copied(self, source: Path, name: str) -> str:
        if source.is_dir():
            return digest(source)
        if source.is_file():
            return _content(source).decode()
        raise OutOfReach(
            f"`{name}` is to be copied into the release, and is not there", help=f"build it first, or drop `{name}`"
        )

    def _make(self, recipe: Recipe, context: Context, work: Path) -> str:
        work.mkdir(mode=0o755, parents=True)
        tree = work / "tree"
        tree.mkdir(mode=0o755)
        archive = work / "tree.tar"
        self._ran(context, ("git", "archive", "--format=tar", "-o", str(archive), recipe.commit), context.root)
        self._ran(context, ("tar", "-xf", str(archive), "-C", str(tree)), context.root)
        for command in recipe.build:
            context.tell(f"builds the release: {command}")
            self._ran(context, command, tree)
        for path in recipe.copy:
            _copy(context.root / path, tree / path)
        artifact = digest(tree)
        if not self.intact(artifact):
            place = self.path(artifact)
            place.parent.mkdir(mode=0o755, exist_ok=True)
            remove(place)
            with suppress(OSError):  # another run has put the same there meanwhile, or the next look says what is wrong
                tree.replace(place)
            lock_down(place)
        return artifact

    def _ran(self, context: Context, command: str | tuple[str, ...], cwd: Path) -> Ran:
        ran = context.run(command, cwd=str(cwd), name="build")
        if ran.exit != 0:
            told = command if isinstance(command, str) else " ".join(command[:2])
            said = (ran.err or ran.out).decode(errors="backslashreplace").strip().splitlines()
            why = ran.troubles[0].message if ran.troubles else f"exit code {ran.exit}"
            last = f": {said[-1][:300]}" if said else ""
            raise OutOfReach(f"the release cannot be made: `{told}`: {why}{last}", help="mend it, then run again")
        return ran

    def _sweep(self) -> None:
        """Remove what builds that were killed left behind."""
        for left in (self.directory / "builds").iterdir():
            owner = left.name.partition("-")[0]
            if left.is_dir() and owner.isdigit() and not _strays.alive(int(owner)):
                remove(left)


def _copy(source: Path, to: Path) -> None:
    """Put a file or directory in place of what the build left there."""
    to.parent.mkdir(parents=True, exist_ok=True)
    if to.is_dir() and not to.is_symlink():
        shutil.rmtree(to)
    else:
        to.unlink(missing_ok=True)
    if source.is_dir():
        shutil.copytree(source, to, symlinks=True)
    else:
        shutil.copy2(source, to)
