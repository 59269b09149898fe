"""What the TypeScript compiler prints with `--pretty false`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, BinaryIO

from gonogo.families import TYPES
from gonogo.model.observation import Finding, Reading
from gonogo.parsers._gather import Findings, observations, plain, silent, text_lines, unknown
from gonogo.parsers._place import relative
from gonogo.plugins import parser

_PLACED = re.compile(r"^(?P<path>.+?)\((?P<line>\d+),(?P<column>\d+)\): error (?P<code>TS\d+): (?P<text>.*)$")
_LOOSE = re.compile(r"^error (?P<code>TS(?P<number>\d+)): (?P<text>.*)$")
_FILES = re.compile(r"^Files:\s+(?P<count>\d+)$")
_BUILD = re.compile(r"Project '(?P<project>.+?)' is (?P<how>up to date|out of date)")


def _sniff(head: bytes) -> bool:
    return re.search(rb"^(?:.+\(\d+,\d+\): )?error TS\d+: ", head, re.M) is not None


def _is_about_the_command_line(number: int) -> bool:
    """TS5xxx and TS6xxx are about options and projects, TS18xxx about the configuration's inputs."""
    return 5000 <= number < 7000 or 18000 <= number < 18100  # noqa: PLR2004 - diagnosticMessages.json


@parser("tsc_text", yields=TYPES.types, media_type="text/plain", sniff=_sniff)
def tsc_text(stream: BinaryIO, params: Mapping[str, Any]) -> Reading:
    """Text of tsc: type errors, with their places.

    The compiler is silent when it finds nothing, so silence counts only beside a `Files: N` line of `--diagnostics`
    with N above 0, or the project lines of `-b --verbose`. Traps: a root configuration with `files: []` reads 0 files
    and exits 0; errors TS5…, TS6… and TS18… without a place mean that it did not start to look; lines that go on with
    an explanation are indented.

    Source: runs of TypeScript 5.9.
    """
    findings, errors, files, projects, fresh = Findings(), 0, 0, 0, 0
    refused = ""
    for line in text_lines(stream):
        if placed := _PLACED.match(line):
            errors += 1
            findings.add(_finding(placed, params))
        elif loose := _LOOSE.match(line):
            errors += 1
            refused = refused or (line if _is_about_the_command_line(int(loose["number"])) else "")
            findings.add(Finding("types", loose["code"], "error", plain(line)))
        elif counted := _FILES.match(line):
            files += int(counted["count"])
        elif built := _BUILD.search(line):
            projects += 1
            fresh += built["how"] == "up to date"
    if refused:
        return silent(unknown("tsc-refused", f"tsc did not look: {refused}"), findings)
    if not (errors or files or projects):
        return silent(unknown("no-files", "nothing tells that tsc looked at a file", "check which project it is given"))
    notes = (f"{fresh} of {projects} projects were up to date and not checked again",) if fresh else ()
    return Reading(observations({"types.errors": errors}), tuple(findings.kept), (*notes, *findings.notes))


def _finding(placed: re.Match[str], params: Mapping[str, Any]) -> Finding:
    path = relative(placed["path"], params)
    return Finding(
        family="types",
        id=f"{placed['code']}:{path}",
        severity="error",
        message=plain(f"{placed['text']} ({placed['code']})"),
        path=path,
        line=int(placed["line"]),
        column=int(placed["column"]),
    )
