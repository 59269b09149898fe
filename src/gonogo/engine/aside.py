"""What lay at a declared path before an attempt is moved out of its way, so that only what is written anew counts."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from gonogo.errors import OperationError
from gonogo.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Moved:
    """One path that was there before."""

    path: str
    """Relative to the checkout."""
    kept: str
    """Absolute path of its place aside."""


def inside(root: Path, path: str) -> Path | None:
    """The absolute place of `path` below `root`; None where it leads out of it, also through a symbolic link."""
    place = root / path
    real_root = root.resolve()
    parent = place.parent.resolve()
    return place if parent == real_root or real_root in parent.parents else None


def overlap(a: str, b: str) -> bool:
    """Whether two declared paths are one, or one lies in the other; a glob counts as the directory before it."""
    first, second = _fixed(a), _fixed(b)
    return first == second or f"{first}/".startswith(f"{second}/") or f"{second}/".startswith(f"{first}/")


def _fixed(path: str) -> str:
    parts = []
    for part in PurePosixPath(path).parts:
        if any(char in part for char in "*?["):
            break
        parts.append(part)
    return "/".join(parts)


def choose(paths: Iterable[str], root: Path, directory: Path) -> tuple[Moved, ...]:
    """Which of `paths` (globs allowed) are there and must move, outermost only; nothing is moved yet."""
    present: set[str] = set()
    for path in paths:
        present |= {found.relative_to(root).as_posix() for found in matching(root, path)}
    outermost = [p for p in present if not any(str(parent) in present for parent in PurePosixPath(p).parents)]
    return tuple(Moved(path, str(directory / f"{n}")) for n, path in enumerate(sorted(outermost)))


def matching(root: Path, path: str) -> list[Path]:
    """What is at `path` now, in order; empty where nothing is, or where it leads out of the checkout."""
    if any(char in path for char in "*?["):
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            return []
        return sorted(found for found in root.glob(path) if inside(root, found.relative_to(root).as_posix()))
    place = inside(root, path.rstrip("/"))
    return [place] if place is not None and (place.is_symlink() or place.exists()) and place != root else []


def move(moves: Iterable[Moved], root: Path) -> None:
    """Move each aside; raises `OperationError` where one cannot be moved, with everything put back."""
    done: list[Moved] = []
    for item in moves:
        kept = Path(item.kept)
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            _rename(root / item.path, kept)
        except OSError as error:
            for other in done:
                put_back(other, root)
            raise OperationError(
                f"cannot move `{item.path}` out of the way: {error.strerror}",
                help="mend its permissions: what was there before an attempt is no evidence of it",
            ) from error
        done.append(item)


def put_back(item: Moved, root: Path) -> bool:
    """Put one back where nothing took its place; False where something did, and the old one is dropped then."""
    kept, place = Path(item.kept), root / item.path
    if not (kept.is_symlink() or kept.exists()):
        return False
    if place.is_symlink() or place.exists():
        drop(item)
        return False
    place.parent.mkdir(parents=True, exist_ok=True)
    _rename(kept, place)
    return True


def drop(item: Moved) -> None:
    """Delete what was kept: something newer stands in its place."""
    kept = Path(item.kept)
    if kept.is_dir() and not kept.is_symlink():
        shutil.rmtree(kept, ignore_errors=True)
    else:
        kept.unlink(missing_ok=True)


def _rename(source: Path, goal: Path) -> None:
    try:
        source.rename(goal)
    except OSError as error:
        if error.errno != _OTHER_FILE_SYSTEM:
            raise
        shutil.move(source, goal)


_OTHER_FILE_SYSTEM = 18
"""EXDEV: the state directory lies on another file system."""
