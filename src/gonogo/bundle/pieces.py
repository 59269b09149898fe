"""The evidence of a run, piece by piece: where each stands in the bundle, and what of a long log is kept there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from gonogo.bundle.record import Record
from gonogo.errors import IntegrityError
from gonogo.frozen import dataclass
from gonogo.model.capture import Blob, Capture
from gonogo.model.run import GateView

LOG_CAP = 1 << 20
"""Bytes of a log that was not judged: of a longer one, head and tail are kept, with the digest of the whole."""
FOLDER = "evidence/"

_STREAMS = {"stdout", "stderr"}
_OUTPUT = re.compile(r"\boutput\b")


@dataclass(frozen=True, slots=True)
class Piece:
    """One stored piece of evidence."""

    gate: str
    capture: int
    """Which capture of the gate, counted from 1; 0: a person attached it to a sign-off."""
    call: str
    shown: str
    """The command or probe it came from, or who attached it."""
    name: str
    path: str
    media_type: str
    sha256: str
    """As the ledger names it."""
    size: int
    total: int
    """Bytes produced; more than `size` where the run kept only head and tail."""
    total_sha256: str
    file: str
    """Its file in the bundle."""
    kept: int
    """Bytes of that file; fewer than `size` where the bundle keeps only head and tail."""

    @property
    def cut(self) -> bool:
        """Whether the bundle keeps less of it than the run did."""
        return self.file != FOLDER + self.sha256

    def data(self) -> dict[str, Any]:
        """As plain JSON data."""
        return asdict(self)


def whole(record: Record) -> Iterator[Piece]:
    """Every piece of evidence that the run's verdicts and sign-offs name, as if nothing were cut."""
    for gate in record.view.gates:
        for number, capture in enumerate(gate.verdict.captures, start=1):
            for blob in capture.blobs:
                yield _piece(gate.gate.id, number, capture.call, capture.shown, blob)
    for sign_off in record.view.sign_offs:
        for blob in sign_off.attachments:
            yield _piece(sign_off.gate, 0, "", f"attached by {sign_off.person}", blob)


def _piece(gate: str, capture: int, call: str, shown: str, blob: Blob) -> Piece:
    return Piece(
        gate=gate,
        capture=capture,
        call=call,
        shown=shown,
        name=blob.name,
        path=blob.path,
        media_type=blob.media_type,
        sha256=blob.sha256,
        size=blob.size,
        total=blob.total,
        total_sha256=blob.total_sha256,
        file=FOLDER + blob.sha256,
        kept=blob.size,
    )


def may_cut(record: Record) -> frozenset[str]:
    """Digests of logs that nothing was judged by: they may be cut. What any gate judged stays whole for all."""
    logs: set[str] = set()
    needed: set[str] = set()
    for gate in record.view.gates:
        for capture in gate.verdict.captures:
            for blob in capture.blobs:
                (logs if _unjudged_log(gate, capture, blob) else needed).add(blob.sha256)
    return frozenset(logs - needed)


def _unjudged_log(gate: GateView, capture: Capture, blob: Blob) -> bool:
    """A stream of a command that ended well, that is no report, and whose text no criterion of its gate asks for.

    Where a command did not end well, its tool may explain its exit code by what it printed.
    """
    if blob.name.rpartition("/")[2] not in _STREAMS or capture.exit != 0:
        return False
    if any(ref.blob == blob.name or ref.exit for ref in capture.reports):
        return False
    return not any(_OUTPUT.search(criterion.expression) for criterion in gate.gate.criteria)


def files(record: Record, evidence: Mapping[str, Path]) -> tuple[tuple[Piece, ...], dict[str, bytes | Path]]:
    """The pieces as they stand in the bundle, and its files of evidence.

    Args:
        record: The run.
        evidence: Digest -> the stored file, already compared with its digest.
    """
    cuttable = may_cut(record)
    pieces: list[Piece] = []
    found: dict[str, bytes | Path] = {}
    for piece in whole(record):
        place = evidence[piece.sha256]
        if piece.sha256 in cuttable and piece.size > LOG_CAP:
            text = head_and_tail(place, piece.size)
            piece = replace(piece, file=FOLDER + hashlib.sha256(text).hexdigest(), kept=len(text))  # noqa: PLW2901
            found[piece.file] = text
        else:
            found[piece.file] = place
        pieces.append(piece)
    return tuple(pieces), found


def head_and_tail(path: Path, size: int) -> bytes:
    """The first and last half of `LOG_CAP` bytes, with a line between that says what was left out."""
    half = LOG_CAP // 2
    with path.open("rb") as file:
        head = file.read(half)
        file.seek(size - half)
        return head + f"\n[gonogo left out {size - 2 * half} bytes here]\n".encode() + file.read()


def capture_as_kept(capture: Capture, cut: Mapping[str, Piece]) -> Capture:
    """The capture with the logs that the bundle cut marked as cut, so that nothing is judged by them."""
    blobs = tuple(_as_kept(blob, cut.get(blob.sha256)) for blob in capture.blobs)
    return replace(capture, blobs=blobs)


def _as_kept(blob: Blob, piece: Piece | None) -> Blob:
    if piece is None:
        return blob
    whole_digest = blob.total_sha256 or blob.sha256
    return replace(blob, sha256=piece.file.removeprefix(FOLDER), size=piece.kept, total_sha256=whole_digest)


def check(record: Record, listed: list[Any], sizes: Mapping[str, tuple[int, str]]) -> tuple[Piece, ...]:
    """The pieces of a bundle, each compared with what the ledger names and with its file.

    Args:
        record: The run.
        listed: What the bundle says of its pieces.
        sizes: Name of each file in the bundle -> size and sha256 of its bytes.

    Raises:
        IntegrityError: A piece is missing, was swapped, is cut although it was judged, or belongs to nothing.
    """
    expected = tuple(whole(record))
    cuttable = may_cut(record)
    if len(listed) != len(expected):
        raise IntegrityError(f"the run has {len(expected)} pieces of evidence, and the bundle lists {len(listed)}")
    found = tuple(_checked(data, piece, cuttable, sizes) for data, piece in zip(listed, expected, strict=True))
    extra = sorted(name for name in sizes if name.startswith(FOLDER) and name not in {piece.file for piece in found})
    if extra:
        raise IntegrityError(f"`{extra[0]}` belongs to no gate of the run")
    return found


def _checked(data: Any, piece: Piece, cuttable: frozenset[str], sizes: Mapping[str, tuple[int, str]]) -> Piece:
    called = f"`{piece.name}` of gate `{piece.gate}`"
    if data != piece.data():
        kept = _cut(data, piece)
        if kept is None:
            raise IntegrityError(f"the bundle's {called} is not the one that the ledger names")
        if piece.sha256 not in cuttable or piece.size <= LOG_CAP:
            raise IntegrityError(f"{called} was judged, and the bundle holds only a part of it")
        piece = kept
    if piece.file not in sizes:
        raise IntegrityError(f"{called} is not in the bundle")
    if sizes[piece.file] != (piece.kept, piece.file.removeprefix(FOLDER)):
        raise IntegrityError(f"the bytes of {called} are not those that were judged: they were swapped")
    return piece


def _cut(data: Any, piece: Piece) -> Piece | None:
    """The piece with the file and size that the bundle says, if nothing else differs."""
    if not isinstance(data, dict) or not isinstance(data.get("file"), str) or not isinstance(data.get("kept"), int):
        return None
    cut = replace(piece, file=data["file"], kept=data["kept"])
    return cut if cut.data() == data and cut.file.startswith(FOLDER) and cut.kept < piece.size else None
