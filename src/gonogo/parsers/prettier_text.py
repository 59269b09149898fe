"""What Prettier prints with `--check`, `--list-different` and `--write`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, BinaryIO

from gonogo.families import FORMAT
from gonogo.model.observation import Finding, Reading, Value
from gonogo.parsers._gather import Findings, observations, plain, silent, text_lines, unknown
from gonogo.parsers._place import relative
from gonogo.plugins import parser

_SUMMARY = re.compile(r"^Code style issues found in (?:(?P<count>\d+) files|the above file)")
_BROKEN_FILE = re.compile(r"^(?P<path>.+?): (?P<text>\w*Error: .*?)(?: \((?P<line>\d+):(?P<column>\d+)\))?$")
_EXCERPT = re.compile(r"^\s*(?:>\s*)?\d*\s*\|")
_WRITTEN = re.compile(r"^(?P<path>.+?) \d+(?:\.\d+)?ms(?P<same> \(unchanged\))?(?: \(cached\))?$")
_REMARKS = re.compile(r"^(?:Ignored unknown option|\S+ is deprecated|.* deprecated|Code style issues)")


def _sniff(head: bytes) -> bool:
    return head.startswith(b"Checking formatting...") or (b"[warn] Code style issues found" in head)


@parser("prettier_text", yields=FORMAT.types, media_type="text/plain", sniff=_sniff)
def prettier_text(stream: BinaryIO, params: Mapping[str, Any]) -> Reading:
    """Prettier's text: files that are not formatted, or that it could not parse.

    `mode` in the params says what it was run with (`check`, `list`, `write`). Traps: "All matched files use Prettier
    code style!" is printed even when no file matched (with an `[error]` line, which makes it UNKNOWN here), and when
    .prettierignore names every file (nothing tells that); `--list-different` prints nothing for clean files, which
    counts only together with its exit code 0 (`exit` in the params).

    Source: runs of Prettier 3.6 and 3.10.
    """
    lines = list(text_lines(stream))
    findings = Findings()
    refused = _errors(lines, findings, params)
    if refused:
        return silent(unknown("prettier-refused", f"Prettier could not look: {refused}"), findings)
    mode = params.get("mode", "check")
    broken = findings.seen
    files: int | None = None
    if mode == "list":
        paths = [line for line in lines if line and not line.startswith(("[warn] ", "[error] "))]
        looked = bool(paths or broken) or params.get("exit") == 0
    elif mode == "write":
        written = [match for match in map(_WRITTEN.match, lines) if match]
        paths = [match["path"] for match in written if not match["same"]]
        files, looked = len(written) + broken, bool(written or broken)
    else:
        paths = _warned(lines)
        looked = any(line.startswith(("All matched files use", "[warn] Code style issues")) for line in lines) or bool(
            broken
        )
    if not looked:
        return silent(unknown("no-files", "nothing tells that Prettier looked at a file"), findings)
    for path in paths:
        place = relative(path, params)
        findings.add(Finding("format", f"unformatted:{place}", "error", "is not formatted", place))
    values: dict[str, Value | None] = {"format.unformatted": len(paths) + broken, "format.files": files}
    return Reading(observations(values), tuple(findings.kept), findings.notes)


def _errors(lines: list[str], findings: Findings, params: Mapping[str, Any]) -> str:
    """Add a finding for each file that cannot be parsed; returns the first error that is not about one file's text."""
    refused = ""
    for line in lines:
        if not line.startswith("[error] ") or _EXCERPT.match(text := line.removeprefix("[error] ")):
            continue
        broken = _BROKEN_FILE.match(text)
        if broken:
            path = relative(broken["path"], params)
            message = plain(broken["text"])
            place = (int(broken["line"] or 0), int(broken["column"] or 0))
            findings.add(Finding("format", f"unparsable:{path}", "error", message, path, *place))
        elif not refused and text.strip():
            refused = plain(text)
    return refused


def _warned(lines: list[str]) -> list[str]:
    """The paths among the warnings: as many, from the end, as the summary counts."""
    warned = [line.removeprefix("[warn] ") for line in lines if line.startswith("[warn] ")]
    summary = next((match for match in map(_SUMMARY.match, warned) if match), None)
    paths = [text for text in warned if not _REMARKS.match(text)]
    if summary is None:
        return paths
    count = int(summary["count"] or 1)
    return paths[-count:] if len(paths) >= count else [*paths, *["?"] * (count - len(paths))]
