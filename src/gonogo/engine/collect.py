"""What commands wrote into the tree: taken into the evidence where it is new, named where it is old or missing."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from gonogo.engine import aside
from gonogo.engine.order import Order
from gonogo.evidence.store import Store
from gonogo.model.capture import Blob, Capture, ReportRef
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import Parser, Registry

_SNIFFED = 64 * 1024
_MOST_FILES = 200
_MOST_BYTES = 64 * 1024 * 1024
"""Of a directory as evidence, at most so many files and bytes are stored; the listing names all of them."""


def reports_of(order: Order, call: str, capture: Capture, store: Store, registry: Registry) -> Capture:
    """The capture with the reports that its command wrote to declared places; old and missing ones are its troubles."""
    declared = [(path, parser) for owner, path, parser in order.reports if owner == call]
    if not declared:
        return capture
    blobs, refs, troubles = list(capture.blobs), list(capture.reports), list(capture.troubles)
    root = Path(order.root)
    for path, parser in declared:
        found = [place for place in aside.matching(root, path) if _is_file(place) and _fresh(order, root, place)]
        if not found:
            troubles.append(_absent(order, path, "report"))
        for place in found:
            name = place.relative_to(root).as_posix()
            blob, trouble = _stored(store, f"report/{name}", place, name)
            if trouble is not None:
                troubles.append(trouble)
                continue
            assert blob is not None
            chosen = parser or _sniff(store, blob, registry.parsers)
            if chosen in registry.parsers:
                refs.append(ReportRef(blob.name, chosen, exit=capture.exit))
            else:
                troubles.append(_unread(name, chosen, blob))
            blobs.append(blob)
    return replace(capture, blobs=tuple(blobs), reports=tuple(refs), troubles=tuple(troubles))


def evidence_of(order: Order, store: Store) -> tuple[tuple[Blob, ...], tuple[Trouble, ...], tuple[str, ...]]:
    """Blobs of the evidence that was written anew, troubles for what is old or missing, and notes."""
    if not order.evidence:
        return (), (), ()
    blobs: list[Blob] = []
    troubles: list[Trouble] = []
    notes: list[str] = []
    root = Path(order.root)
    for path, or_capture in order.evidence:
        found = [place for place in aside.matching(root, path) if _fresh(order, root, place)]
        if found:
            for place in found:
                got, problems = _evidence(place, root, store)
                blobs += got
                troubles += problems
        elif or_capture or _served_by_capture(order, path):
            notes.append(f"`{path}`: no command wrote it; our own capture of the output stands for it")
        else:
            troubles.append(_absent(order, path, "evidence"))
    return tuple(blobs), tuple(troubles), tuple(notes)


def reports_among(
    blobs: Iterable[Blob], order: Order, captures: Iterable[Capture], store: Store, registry: Registry
) -> tuple[ReportRef, ...]:
    """Evidence files that are a tool's report, found by their content, where no other report tells the same.

    Two reports of one test run (JUnit beside the JSON we asked for) would be counted twice, so the second is evidence
    only.
    """
    parsers = registry.parsers
    told = {t.name for c in captures for ref in c.reports if ref.parser in parsers for t in parsers[ref.parser].yields}
    declared = {path for path, _ in order.evidence}
    refs: list[ReportRef] = []
    for blob in blobs:
        parser = _sniff(store, blob, parsers) if blob.path in declared else ""
        if parser in parsers and told.isdisjoint(t.name for t in parsers[parser].yields):
            refs.append(ReportRef(blob.name, parser))
            told.update(t.name for t in parsers[parser].yields)
    return tuple(refs)


def _served_by_capture(order: Order, path: str) -> bool:
    """A log that no command names is what the commands printed, and we have that."""
    name = path.rpartition("/")[2]
    return path.endswith(".log") and not any(name in json.dumps(call.params, default=str) for call in order.calls)


def _is_file(place: Path) -> bool:
    try:
        return stat.S_ISREG(place.stat().st_mode)
    except OSError:
        return False


def _fresh(order: Order, root: Path, place: Path) -> bool:
    """Whether this attempt wrote it. What was there before was moved aside, except what git tracks."""
    name = place.relative_to(root).as_posix()
    return name not in order.tracked


def _absent(order: Order, path: str, word: str) -> Trouble:
    before = [item.path for item in order.aside] + list(order.tracked)
    plain = path.rstrip("/")
    old = any(plain == b or plain.startswith(f"{b}/") or b.startswith(f"{plain}/") for b in before)
    if aside.inside(Path(order.root), path) is None:
        return Trouble(
            Outcome.UNKNOWN, f"{word}-outside", f"`{path}` leads out of the repository", f"let the {word} lie inside it"
        )
    if not old:
        return Trouble(
            Outcome.UNKNOWN,
            f"{word}-missing",
            f"`{path}` was not written",
            f"make the commands write `{path}`, or correct the path in the checklist",
        )
    committed = plain in order.tracked
    return Trouble(
        Outcome.STALE,
        f"{word}-stale",
        f"`{path}` {'is committed' if committed else 'was there before'}, and this attempt did not write it",
        f"run `git rm --cached {path}` and ignore it, so that it can be written anew"
        if committed
        else f"make the commands write `{path}` on each run",
    )


def _stored(store: Store, name: str, place: Path, repo_path: str) -> tuple[Blob | None, Trouble | None]:
    import mimetypes  # only where files were written

    media = mimetypes.guess_type(place.name)[0] or "application/octet-stream"
    try:
        return store.put_file(name, place, media, repo_path), None
    except OSError as error:
        return None, Trouble(
            Outcome.ERROR, "file-unreadable", f"`{repo_path}` cannot be read: {error.strerror}", "mend its permissions"
        )


def _sniff(store: Store, blob: Blob, parsers: Mapping[str, Parser]) -> str:
    """The name of the one parser that knows the content; several names, or none, where that is not told."""
    with store.open(blob.sha256) as stored:
        head = stored.read(_SNIFFED)
    return " and ".join(sorted(name for name, parser in parsers.items() if head and parser.sniff(head)))


def _unread(path: str, chosen: str, blob: Blob) -> Trouble:
    if not blob.size:
        return Trouble(Outcome.UNKNOWN, "report-empty", f"`{path}` is empty", "look at why its tool wrote nothing")
    if not chosen:
        message = f"no parser knows the content of `{path}`"
    elif " and " in chosen:
        message = f"`{path}` can be read as {chosen}"
    else:
        message = f"there is no parser `{chosen}` for `{path}`"
    return Trouble(Outcome.UNKNOWN, "report-unread", message, "name its `parser:` in the checklist")


def _evidence(place: Path, root: Path, store: Store) -> tuple[list[Blob], list[Trouble]]:
    name = place.relative_to(root).as_posix()
    if not place.is_dir():
        blob, trouble = _stored(store, f"evidence/{name}", place, name)
        return [blob] if blob else [], [trouble] if trouble else []
    files = sorted(path for path in place.rglob("*") if path.is_file() and not path.is_symlink())
    if not files:
        return [], [
            Trouble(Outcome.UNKNOWN, "evidence-empty", f"`{name}/` holds no file", f"look at what fills `{name}/`")
        ]
    return _directory(name, files, root, store)


def _directory(name: str, files: Iterable[Path], root: Path, store: Store) -> tuple[list[Blob], list[Trouble]]:
    """Each file up to the bound, and a listing of all of them."""
    blobs: list[Blob] = []
    troubles: list[Trouble] = []
    listing: list[dict[str, object]] = []
    room = _MOST_BYTES
    for path in files:
        repo_path = path.relative_to(root).as_posix()
        try:
            size = path.stat().st_size
        except OSError:
            continue
        entry: dict[str, object] = {"path": repo_path, "size": size, "sha256": ""}
        if len(blobs) < _MOST_FILES and size <= room:
            blob, trouble = _stored(store, f"evidence/{repo_path}", path, repo_path)
            if blob is not None:
                entry["sha256"] = blob.sha256
                room -= size
                blobs.append(blob)
            if trouble is not None:
                troubles.append(trouble)
        listing.append(entry)
    text = json.dumps(listing, indent=1, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return [store.put(f"evidence/{name}/listing.json", text, "application/json"), *blobs], troubles
