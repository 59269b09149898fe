"""What lies about a run, for outputs that show it: redacted source lines, pictures, facts, the way to the files."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from gonogo.cli.place import Place
from gonogo.cli.tails import end_of, stored_at
from gonogo.evidence.redact import Redactor
from gonogo.evidence.secrets import harvest
from gonogo.model.capture import Blob
from gonogo.model.run import RunView
from gonogo.outputs.surroundings import Picture, Surroundings

_FILES = 200
_LARGEST = 1024 * 1024
"""Bytes of a source file; a larger one is generated, and no line of it helps."""
_LARGEST_FACTS = 8 * 1024
_ALL_FACTS = 512 * 1024
_LARGEST_PICTURE = 2 * 1024 * 1024
_ALL_PICTURES = 12 * 1024 * 1024
"""Bytes of all pictures of a page: mail and pull requests refuse larger files."""
_PICTURES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))
"""How a picture begins. No SVG: that is a program."""
_WORDS = 4096
_PATIENCE = 10.0


def surroundings(place: Place, view: RunView, output: Path | None = None, *, linked: bool = True) -> Surroundings:
    """What can be had of it; what cannot is left out, and the output shows the place alone.

    Args:
        place: Where the command works.
        view: The run.
        output: The file that is written; evidence is linked as seen from there. None: from the top of the repository.
        linked: Whether the evidence stays where it is.
    """
    redactor = Redactor(harvest(place.root / path for path in view.plan.secret_files if (place.root / path).is_file()))
    return Surroundings(
        sources=dict(_sources(place, view, redactor)),
        tails=view.tails,
        facts=dict(_facts(place, view)),
        pictures=dict(_pictures(place, view)),
        evidence=_link(place, output) if linked else "",
    )


def _sources(place: Place, view: RunView, redactor: Redactor) -> Iterator[tuple[str, str]]:
    """The files that findings point into: as they were stored, else as the subject's commit has them.

    A file that differed from the commit, and was not stored, is left out: its lines are not known.
    """
    stored = {blob.path: blob for blob in _blobs(view) if blob.path and not blob.cut and blob.size <= _LARGEST}
    wanted = [f.path for gate in view.gates for f in gate.verdict.findings if f.path and f.line]
    for path in list(dict.fromkeys(wanted))[:_FILES]:
        if path in stored:
            data = end_of(stored_at(place, stored[path].sha256), stored[path].size)
        elif path in view.plan.subject.dirty or _outside(path):
            continue
        else:
            data = _committed(place.root, view.plan.subject.commit, path)
        if data and b"\0" not in data:
            yield path, redactor.text(data.decode("utf-8", "replace"))


def _outside(path: str) -> bool:
    return path.startswith(("/", "-")) or ".." in Path(path).parts


def _committed(root: Path, commit: str, path: str) -> bytes:
    """A file as a commit has it; empty where it has none, where it is too large, or where git does not answer."""
    if not commit:
        return b""
    try:
        done = subprocess.run(
            ["git", "cat-file", "blob", f"{commit}:{path}"],  # noqa: S607 - the git that the run itself used
            cwd=root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_PATIENCE,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 and len(done.stdout) <= _LARGEST else b""


def _blobs(view: RunView) -> Iterator[Blob]:
    for gate in view.gates:
        for capture in gate.verdict.captures:
            yield from capture.blobs


def _facts(place: Place, view: RunView) -> Iterator[tuple[str, str]]:
    """What probes saw, where it is short enough to be read: alerts, services, load against its baseline."""
    room = _ALL_FACTS
    for blob in dict.fromkeys(_blobs(view)):
        if blob.name.rpartition("/")[2] != "facts.json" or blob.cut or blob.size > min(_LARGEST_FACTS, room):
            continue
        try:
            told = json.loads(end_of(stored_at(place, blob.sha256), blob.size))
        except ValueError:
            continue
        room -= blob.size
        yield blob.sha256, json.dumps(told, indent=1, ensure_ascii=False)


def _pictures(place: Place, view: RunView) -> Iterator[tuple[str, Picture]]:
    """Pictures that a page can hold, with what they show in words. What only claims to be a picture is left out."""
    room = _ALL_PICTURES
    for blobs in _together(view):
        words = {blob.name.removesuffix(".txt"): blob for blob in blobs if blob.name.endswith(".txt")}
        for blob in blobs:
            if not blob.media_type.startswith("image/") or blob.cut or blob.size > min(_LARGEST_PICTURE, room):
                continue
            data = end_of(stored_at(place, blob.sha256), blob.size)
            kind = next((kind for start, kind in _PICTURES if data.startswith(start)), "")
            if kind:
                room -= blob.size
                text = words.get(blob.name)
                told = end_of(stored_at(place, text.sha256), _WORDS).decode("utf-8", "replace").strip() if text else ""
                yield blob.sha256, Picture(f"data:{kind};base64,{base64.b64encode(data).decode()}", told)


def _together(view: RunView) -> Iterator[tuple[Blob, ...]]:
    """Blobs that belong together: those of a capture, and what was attached to one word."""
    for gate in view.gates:
        for capture in gate.verdict.captures:
            yield capture.blobs
    for said in view.sign_offs:
        yield said.attachments


def _link(place: Place, output: Path | None) -> str:
    """The evidence directory as a relative URL from where the output lies; empty where there is none."""
    directory = place.state / "evidence"
    if not directory.is_dir():
        return ""
    base = output.resolve().parent if output is not None else place.root
    return quote(Path(os.path.relpath(directory.resolve(), base.resolve())).as_posix())
