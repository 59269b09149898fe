"""Go's coverage profiles (`go test -coverprofile`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, BinaryIO

from gonogo.families import COVERAGE
from gonogo.model.observation import Reading
from gonogo.parsers._gather import Unreadable, observations, silent, unknown
from gonogo.parsers.istanbul import part_of
from gonogo.plugins import parser

_BLOCK = re.compile(rb"(?P<file>.+):(?P<place>\d+\.\d+,\d+\.\d+) (?P<statements>\d+) (?P<count>\d+)")
_YIELDS = tuple(t for t in COVERAGE.types if t.name.startswith(("coverage.statements.", "coverage.files")))


def _sniff(head: bytes) -> bool:
    return re.match(rb"mode: (?:set|count|atomic)\r?\n", head) is not None


@parser("go_coverprofile", yields=_YIELDS, media_type="text/plain", sniff=_sniff)
def go_coverprofile(stream: BinaryIO, params: Mapping[str, Any]) -> Reading:  # noqa: ARG001 - the seam gives both
    """A coverage profile: statements covered, of all in the packages that were measured, and the files they are in.

    Go measures statements, and that is what it calls coverage; lines are not told. Traps: several packages that measure
    one another (`-coverpkg`) list a block once each, and it counts once; the last line may have been cut off.

    Source: `go help testflag`, cmd/cover, and runs of Go 1.2x.
    """
    blocks: dict[tuple[bytes, bytes], tuple[int, bool]] = {}
    mode = stream.readline().strip()
    if not _sniff(mode + b"\n"):
        raise Unreadable("its first line is no `mode:`")
    for number, raw in enumerate(stream, start=2):
        line = raw.rstrip(b"\r\n")
        match = _BLOCK.fullmatch(line)
        if match is None or not raw.endswith(b"\n"):
            raise Unreadable(f"line {number} is no block, or was cut off")
        key = (match["file"], match["place"])
        _, before = blocks.get(key, (0, False))
        blocks[key] = (int(match["statements"]), before or match["count"] != b"0")
    total = sum(statements for statements, _ in blocks.values())
    covered = sum(statements for statements, hit in blocks.values() if hit)
    files = len({file for file, _ in blocks})
    if not total:
        return silent(unknown("no-coverage", f"coverage was measured over {files} files and no statement"))
    note = f"coverage scope: {files:,} {'file' if files == 1 else 'files'}, {total:,} statements"
    return Reading(observations({**part_of("statements", covered, total), "coverage.files": files}), notes=(note,))
