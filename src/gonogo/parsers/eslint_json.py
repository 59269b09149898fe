"""ESLint's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from gonogo.families import LINT
from gonogo.model.observation import Finding, Reading, Value
from gonogo.parsers.gather import Findings, Unreadable, load_json, observations, plain, silent, unknown, whole
from gonogo.parsers.place import relative
from gonogo.plugins import parser


def _sniff(head: bytes) -> bool:
    return head.lstrip().startswith(b"[") and b'"filePath"' in head and b'"messages"' in head


@parser("eslint_json", yields=LINT.types, media_type="application/json", sniff=_sniff)
def eslint_json(stream: BinaryIO, params: Mapping[str, Any]) -> Reading:
    """ESLint's `-f json`: errors (fatal parse errors included), warnings, files.

    Traps: no file at all is an empty list; a file that is ignored is listed with a warning that names no rule, and was
    not looked at; under `--quiet` (`quiet` in the params) warnings and clean files are missing, so `lint.warnings` and
    `lint.files` are absent.

    Source: ESLint's formatter reference, and runs of ESLint 9.39.
    """
    data = load_json(stream)
    if not isinstance(data, list) or not all(isinstance(file, dict) and "filePath" in file for file in data):
        raise Unreadable("it is no list of files")
    findings, errors, warnings, ignored = Findings(), 0, 0, 0
    for file in data:
        messages = [message for message in file.get("messages", ()) if isinstance(message, dict)]
        if _is_ignored(messages):
            ignored += 1
            continue
        path = relative(str(file["filePath"]), params)
        for message in messages:
            is_error = message.get("severity") == 2 or message.get("fatal") is True  # noqa: PLR2004 - ESLint's own
            errors += is_error
            warnings += not is_error
            findings.add(_finding(message, path, is_error))
    files = len(data) - ignored
    notes = (*findings.notes, *((f"{ignored} files were named but are ignored",) if ignored else ()))
    if not files:
        return silent(unknown("no-files", "ESLint looked at no file"), notes=notes)
    values: dict[str, Value | None] = {
        "lint.errors": errors,
        "lint.warnings": None if params.get("quiet") else warnings,
        "lint.files": None if params.get("quiet") else files,
    }
    return Reading(observations(values), tuple(findings.kept), notes)


def _is_ignored(messages: list[dict[str, Any]]) -> bool:
    return (
        len(messages) == 1
        and not messages[0].get("ruleId")
        and not messages[0].get("fatal")
        and str(messages[0].get("message", "")).startswith("File ignored")
    )


def _finding(message: dict[str, Any], path: str, is_error: bool) -> Finding:
    rule = message.get("ruleId") or "parse-error"
    return Finding(
        family="lint",
        id=f"{rule}:{path}",
        severity="error" if is_error else "warning",
        message=plain(f"{message.get('message', '')} ({rule})"),
        path=path,
        line=whole(message.get("line")),
        column=whole(message.get("column")),
    )
