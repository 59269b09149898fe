"""CTRF, the Common Test Report Format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from gonogo.families import TESTS
from gonogo.model.observation import Reading
from gonogo.parsers._gather import Tests, Unreadable, load_object, number, whole
from gonogo.parsers._place import relative
from gonogo.plugins import parser


def _sniff(head: bytes) -> bool:
    return (
        head.lstrip().startswith(b"{")
        and b'"results"' in head
        and (b'"reportFormat"' in head or (b'"tool"' in head and b'"summary"' in head))
    )


@parser("ctrf", yields=TESTS.types, media_type="application/json", sniff=_sniff)
def ctrf(stream: BinaryIO, params: Mapping[str, Any]) -> Reading:
    """CTRF: each test by its status; `pending` and `other` never ran, `flaky` passed on a retry.

    Trap: the summary may count what the list does not hold; where it counts more failures, it is believed.

    Source: the CTRF schema.
    """
    results = load_object(stream).get("results")
    if not isinstance(results, dict) or not isinstance(results.get("summary"), dict):
        raise Unreadable("it has no `results.summary`")
    tests = Tests()
    for test in results.get("tests") or ():
        _count(test, params, tests)
    summary = results["summary"]
    for name, attribute in (("failed", "failed"), ("pending", "not_run")):
        more = number(summary.get(name, 0)) - getattr(tests, attribute)
        if more > 0:
            setattr(tests, attribute, getattr(tests, attribute) + more)
            tests.notes.append(f"the summary counts {more} more {name} than the tests listed")
    return tests.reading()


def _count(test: Any, params: Mapping[str, Any], tests: Tests) -> None:
    if not isinstance(test, dict):
        raise Unreadable("a test in it is no object")
    status = test.get("status")
    path = relative(str(test.get("filePath") or ""), params)
    identity = "::".join(part for part in (path, str(test.get("name", ""))) if part)
    if status == "passed":
        tests.passed += 1
        if test.get("flaky") is True:
            tests.flaky += 1
            tests.finding("flaky", identity, "passed on a retry", path=path)
    elif status == "failed":
        tests.failed += 1
        message = test.get("message") or test.get("trace") or "no message"
        tests.finding("failed", identity, str(message), path=path, line=whole(test.get("line")))
    elif status == "skipped":
        tests.skipped += 1
    else:
        tests.not_run += 1
