"""The JSON that Vitest and Jest share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, BinaryIO

from gonogo.families import TESTS
from gonogo.model.observation import Reading
from gonogo.parsers._gather import Tests, Unreadable, load_object, plain
from gonogo.parsers._place import relative
from gonogo.plugins import parser

_AUTHORS_CHOICE = frozenset({"skipped", "todo", "disabled"})


def _sniff(head: bytes) -> bool:
    return b'"numTotalTests"' in head or (b'"numFailedTestSuites"' in head and b'"numPassedTestSuites"' in head)


@parser("vitest_json", yields=TESTS.types, media_type="application/json", sniff=_sniff)
def vitest_json(stream: BinaryIO, params: Mapping[str, Any]) -> Reading:
    """Vitest's and Jest's JSON: tests by outcome, and the files that could not be run.

    Each test is counted from its own entry, never from the totals. Traps: a file that fails to import has no test and
    counts no failed test (here: `tests.errored`); in Vitest a test that `--bail` kept from running is `pending` and a
    file that it kept from running is `passed` with no test (here: `tests.not_run`, a file counting as one test),
    while in Jest `pending` means skipped by its author.

    Source: runs of Vitest 3.2 and Jest 29.7.
    """
    data = load_object(stream)
    files = data.get("testResults")
    if not isinstance(files, list) or "numTotalTests" not in data:
        raise Unreadable("it has no `testResults`")
    is_jest = "numRuntimeErrorTestSuites" in data
    tests = Tests()
    never_ran = 0
    for file in files:
        if not isinstance(file, dict):
            raise Unreadable("a file in it is no object")
        path = relative(str(file.get("name", "")), params)
        cases = file.get("assertionResults") or []
        for case in cases:
            _count(case, path, tests, is_jest=is_jest)
        if not cases or (file.get("status") == "failed" and not any(c.get("status") == "failed" for c in cases)):
            never_ran += _file(file, path, tests, ran=bool(cases))
    if never_ran:
        tests.notes.append(f"{never_ran} test files never ran; each is counted as one test that did not")
    if data.get("wasInterrupted") is True:
        tests.errored += 1
        tests.finding("errored", "run", "the run was interrupted")
    return tests.reading()


def _file(file: Mapping[str, Any], path: str, tests: Tests, *, ran: bool) -> int:
    """Count a file without a test, or one that failed beside its tests; returns 1 for one that never ran."""
    if not ran and file.get("status") != "failed":
        tests.not_run += 1
        return 1
    tests.errored += 1
    message = plain(file.get("message", "")) or "the file could not be run"
    line, column = _place(message, str(file.get("name", "")))
    tests.finding("errored", path, message, path=path, line=line, column=column)
    return 0


def _count(case: Any, path: str, tests: Tests, *, is_jest: bool) -> None:
    if not isinstance(case, dict):
        raise Unreadable("a test in it is no object")
    status = case.get("status")
    if status == "passed":
        tests.passed += 1
        if int(case.get("invocations") or 1) > 1 or case.get("retryReasons"):
            tests.flaky += 1
            tests.finding("flaky", f"{path}::{case.get('fullName', '')}", "passed on a retry", path=path)
    elif status == "failed":
        tests.failed += 1
        message = "\n".join(str(text) for text in case.get("failureMessages") or ()) or "no message"
        line, column = _place(message, path)
        tests.finding("failed", f"{path}::{case.get('fullName', '')}", message, path=path, line=line, column=column)
    elif status in _AUTHORS_CHOICE or (is_jest and status == "pending"):
        tests.skipped += 1
    else:
        tests.not_run += 1


def _place(message: str, path: str) -> tuple[int, int]:
    """Line and column of the first stack line that names the file itself."""
    name = re.escape(path.rpartition("/")[2])
    match = re.search(rf"[/( ]{name}:(\d+):(\d+)", message) if name else None
    return (int(match[1]), int(match[2])) if match else (0, 0)
