"""Playwright's JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from gonogo.families import TESTS
from gonogo.model.observation import Reading
from gonogo.parsers._gather import Tests, Unreadable, load_object, plain, whole
from gonogo.parsers._place import relative
from gonogo.plugins import parser


def _sniff(head: bytes) -> bool:
    return head.lstrip().startswith(b"{") and b'"config"' in head and (b'"rootDir"' in head or b'"projects"' in head)


@parser("playwright_json", yields=TESTS.types, media_type="application/json", sniff=_sniff)
def playwright_json(stream: BinaryIO, params: Mapping[str, Any]) -> Reading:
    """Playwright's JSON: tests of every project by outcome, flaky ones apart, errors outside any test.

    Traps: flaky tests, only skipped tests and no tests at all can all exit 0; a test that `--max-failures` kept from
    running is `skipped` without a single try (here: `tests.not_run`); an error while loading leaves all counts at 0.

    Source: testReporter.d.ts, and runs of Playwright 1.56 and 1.65.
    """
    data = load_object(stream)
    if not isinstance(data.get("suites"), list) or not isinstance(data.get("stats"), dict):
        raise Unreadable("it has no `suites` and `stats`")
    config = data.get("config")
    base = str(config.get("rootDir", "")) if isinstance(config, dict) else ""
    tests = Tests()
    for spec in _specs(data["suites"]):
        for test in spec.get("tests", ()):
            _count(spec, test, base, params, tests)
    for error in data.get("errors") or ():
        message = plain(error.get("message", "")) if isinstance(error, dict) else plain(error)
        if message.startswith("Testing stopped early"):
            tests.notes.append(message)
        elif not message.startswith("Error: No tests found"):
            tests.errored += 1
            tests.finding("errored", "run", message)
    return tests.reading()


def _specs(suites: list[Any]) -> Iterator[dict[str, Any]]:
    pending = list(suites)
    while pending:
        suite = pending.pop(0)
        if not isinstance(suite, dict):
            raise Unreadable("a suite in it is no object")
        yield from suite.get("specs", ())
        pending[:0] = suite.get("suites", ())


def _count(spec: dict[str, Any], test: dict[str, Any], base: str, params: Mapping[str, Any], tests: Tests) -> None:
    status, tries = test.get("status"), test.get("results") or []
    path = relative(f"{base}/{spec.get('file', '')}" if base else str(spec.get("file", "")), params)
    project = test.get("projectName") or ""
    identity = "::".join(part for part in (project, path, str(spec.get("title", ""))) if part)
    line, column = whole(spec.get("line")), whole(spec.get("column"))
    if status == "expected":
        tests.passed += 1
    elif status == "flaky":
        tests.passed += 1
        tests.flaky += 1
        tests.finding("flaky", identity, _message(tries), path=path, line=line, column=column)
    elif status == "skipped":
        never = not tries and test.get("expectedStatus") != "skipped"
        tests.not_run += never
        tests.skipped += not never
    elif status == "unexpected":
        tests.failed += 1
        tests.finding("failed", identity, _message(tries), path=path, line=line, column=column)
    else:
        raise Unreadable(f"a test has the status `{status}`")


def _message(tries: list[Any]) -> str:
    for attempt in tries:
        error = attempt.get("error") if isinstance(attempt, dict) else None
        if isinstance(error, dict) and error.get("message"):
            return str(error["message"])
    return f"ended as {tries[-1].get('status')}" if tries else "no message"
