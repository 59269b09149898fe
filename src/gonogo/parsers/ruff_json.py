"""Ruff's JSON, as a list or line by line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from gonogo.families import LINT
from gonogo.model.observation import Finding, Reading
from gonogo.parsers._gather import Findings, Unreadable, observations, plain, silent, unknown, whole
from gonogo.parsers._place import relative
from gonogo.plugins import parser

_CHECKED = re.compile(rb"Checked (\d+) files? in")


def _sniff(head: bytes) -> bool:
    return b'"noqa_row"' in head and b'"filename"' in head


@parser("ruff_json", yields=LINT.types, media_type="application/json", sniff=_sniff)
def ruff_json(stream: BinaryIO, params: Mapping[str, Any]) -> Reading:
    """Ruff's `--output-format=json` or `json-lines`, the latter together with what `-v` says on stderr.

    Trap: `[]` is the answer for clean files and for no files; without the `Checked N files` line of `-v` an empty
    answer is therefore UNKNOWN.

    Source: runs of Ruff 0.17.
    """
    data = stream.read()
    checked = _CHECKED.search(data)
    findings, errors, warnings = Findings(), 0, 0
    for one in _entries(data):
        if not isinstance(one, dict) or "filename" not in one:
            raise Unreadable("an entry in it is no finding")
        is_warning = one.get("severity") == "warning"
        warnings += is_warning
        errors += not is_warning
        findings.add(_finding(one, params, "warning" if is_warning else "error"))
    files = int(checked[1]) if checked else None
    if not files and not findings.seen:
        return silent(unknown("no-files", "nothing tells that Ruff looked at a file"))
    values = {"lint.errors": errors, "lint.warnings": warnings, "lint.files": files}
    return Reading(observations(values), tuple(findings.kept), findings.notes)


def _entries(data: bytes) -> Iterator[Any]:
    try:
        if data.lstrip().startswith(b"[") and not data.lstrip().startswith(b"[2"):
            yield from json.loads(data)
            return
        for line in data.splitlines():
            if line.startswith(b"{"):
                yield json.loads(line)
    except ValueError as error:
        raise Unreadable(f"it is no JSON: {error}") from error


def _finding(one: Mapping[str, Any], params: Mapping[str, Any], severity: str) -> Finding:
    path = relative(str(one["filename"]), params)
    place = one.get("location") or {}
    rule = one.get("code") or "syntax-error"
    return Finding(
        family="lint",
        id=f"{rule}:{path}",
        severity=severity,
        message=plain(f"{one.get('message', '')} ({rule})"),
        path=path,
        line=whole(place.get("row")),
        column=whole(place.get("column")),
    )
