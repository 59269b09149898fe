"""What one capture says: reports combined, exit codes explained, and nothing ever raised."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from gonogo import plugins
from gonogo.evidence import reading
from gonogo.model.capture import Blob, Capture, ReportRef
from gonogo.model.observation import Observation, ObservationType, Reading, Trouble, Type
from gonogo.model.outcome import Outcome
from gonogo.plugins import Context, kinds_in, probe
from tests.tools.test_every_kind import FIXTURES, REGISTRY, Shelf


def report(parser: str, name: str) -> bytes:
    return (FIXTURES / parser / name).read_bytes()


def eslint(errors: int, warnings: int = 0) -> bytes:
    bad = [{"ruleId": f"r{n}", "severity": 2, "message": "m", "line": 1, "column": 1} for n in range(errors)]
    mild = [{"ruleId": f"w{n}", "severity": 1, "message": "m", "line": 1, "column": 1} for n in range(warnings)]
    return json.dumps([{"filePath": "/a.js", "messages": [*bad, *mild]}]).encode()


def coverage(covered: int, total: int) -> bytes:
    figures = {"covered": covered, "total": total, "pct": 0}
    return json.dumps({"total": dict.fromkeys(("lines", "branches"), figures), "a.ts": {}}).encode()


class Scene:
    """A capture being put together."""

    def __init__(self, exit: int | None = 0, out: bytes = b"", err: bytes = b"") -> None:  # noqa: A002
        self.shelf = Shelf()
        self.exit = exit
        self.blobs = [self.shelf.put("stdout", out), self.shelf.put("stderr", err)]
        self.refs: list[ReportRef] = []

    def add(self, parser: str, data: bytes, *, tool: str = "", exit: int | None = None, run: str = "") -> Scene:  # noqa: A002
        blob = self.shelf.put(f"report/{len(self.refs)}", data)
        self.blobs.append(blob)
        params: dict[str, object] = {"run": run or f"{len(self.refs)}"}
        self.refs.append(ReportRef(blob.name, parser, tool, exit, params))
        return self

    def capture(self, **more: Any) -> Capture:
        return Capture("command", "npm run x", tuple(self.blobs), tuple(self.refs), exit=self.exit, **more)

    def read(self, **more: Any) -> tuple[Reading, str]:
        return reading.read(self.capture(**more), {}, self.shelf, REGISTRY)


def test_exit_and_output() -> None:
    found, unexplained = Scene(0, b"Backend \xe2\x9c\x85\n", b"warned\xff\n").read()
    assert found.value("exit") == 0
    assert found.value("output") == "Backend ✅\nwarned�\n"
    assert unexplained == ""


def test_counts_of_three_workspaces_are_one_sum() -> None:
    scene = Scene(1)
    for errors in (0, 2, 3):
        scene.add("eslint_json", eslint(errors, 1), tool="eslint", exit=bool(errors))
    found, unexplained = scene.read()
    assert (found.value("lint.errors"), found.value("lint.warnings"), found.value("lint.files")) == (5, 3, 3)
    assert len(found.findings) == 8
    assert not unexplained


def test_percentages_are_computed_anew_not_averaged() -> None:
    scene = Scene().add("istanbul", coverage(10, 10), tool="vitest", exit=0)
    found, _ = scene.add("istanbul", coverage(0, 90), tool="vitest", exit=0).read()
    assert found.value("coverage.lines.pct") == 10


def test_one_broken_report_among_good_ones_is_a_trouble() -> None:
    scene = Scene(0).add("eslint_json", eslint(0), tool="eslint", exit=0)
    found, _ = scene.add("eslint_json", b"[{", tool="eslint", exit=0).read()
    assert [trouble.slug for trouble in found.troubles] == ["unreadable-report"]


def test_declared_report_speaks_for_its_family() -> None:
    scene = Scene(0).add("vitest_json", report("vitest_json", "passing.json"), tool="vitest", exit=0)
    found, _ = scene.add("junit", report("junit", "passing.xml")).read()
    assert found.value("tests.passed") == 1, "two reports of one run are not added up"


def test_what_an_asked_report_holds_against_a_declared_one_stays() -> None:
    scene = Scene(1).add("vitest_json", report("vitest_json", "failing.json"), tool="vitest", exit=1)
    found, unexplained = scene.add("junit", report("junit", "passing.xml")).read()
    assert (found.value("tests.passed"), found.value("tests.failed")) == (1, 1)
    assert found.findings
    assert not unexplained


def test_cut_report_is_unknown() -> None:
    scene = Scene(0).add("eslint_json", eslint(0), tool="eslint", exit=0)
    blob = scene.blobs[-1]
    scene.blobs[-1] = Blob(blob.name, blob.sha256, blob.size, 10**9, total_sha256="ab")
    found, _ = scene.read()
    assert found.value("lint.errors") is None
    assert [trouble.slug for trouble in found.troubles] == ["report-cut"]


@pytest.mark.parametrize(("parser", "slug"), [("no_such", "unknown-parser"), ("junit", "unreadable-report")])
def test_report_nobody_can_read(parser: str, slug: str) -> None:
    found, _ = Scene(0).add(parser, b"\x00", tool="eslint", exit=0).read()
    (trouble,) = found.troubles
    assert (trouble.outcome, trouble.slug) == (Outcome.UNKNOWN, slug)


def test_report_that_is_not_in_the_evidence() -> None:
    scene = Scene(0).add("junit", b"", tool="pytest", exit=0)
    del scene.blobs[-1]
    assert [trouble.slug for trouble in scene.read()[0].troubles] == ["no-report"]


# --- exit codes ----------------------------------------------------------------------------------------------


def test_findings_explain_exit_one() -> None:
    assert Scene(1).add("eslint_json", eslint(1), tool="eslint", exit=1).read()[1] == ""


def test_warnings_explain_exit_one() -> None:
    """`--max-warnings 0`."""
    assert Scene(1).add("eslint_json", eslint(0, 1), tool="eslint", exit=1).read()[1] == ""


def test_clean_report_beside_exit_one_is_unexplained() -> None:
    assert "eslint exited 1" in Scene(1).add("eslint_json", eslint(0), tool="eslint", exit=1).read()[1]


def test_swallowed_exit_is_seen_all_the_same() -> None:
    """`eslint . || true`."""
    assert "eslint exited 1" in Scene(0).add("eslint_json", eslint(0), tool="eslint", exit=1).read()[1]


def test_exit_code_nobody_knows() -> None:
    assert "eslint exited 77" in Scene(77).add("eslint_json", eslint(3), tool="eslint", exit=77).read()[1]
    assert "exit 3" in Scene(3).read()[1]


def test_good_tools_do_not_explain_a_bad_exit() -> None:
    assert "exit 1" in Scene(1).add("eslint_json", eslint(0), tool="eslint", exit=0).read()[1]


def test_declared_report_with_failures_explains() -> None:
    assert Scene(1).add("junit", report("junit", "failing.xml"), exit=1).read()[1] == ""
    assert Scene(1).add("junit", report("junit", "passing.xml"), exit=1).read()[1] != ""


def test_exit_that_means_nothing_was_looked_at() -> None:
    found, unexplained = Scene(2).add("eslint_json", eslint(0), tool="eslint", exit=2).read()
    (trouble,) = found.troubles
    assert (trouble.outcome, trouble.slug, unexplained) == (Outcome.ERROR, "tool-looked-at-nothing", "")


def test_refused_audit_stays_unknown() -> None:
    found, unexplained = Scene(1).add("npm_audit", report("npm_audit", "broken.json"), tool="npm_audit", exit=1).read()
    assert [trouble.outcome for trouble in found.troubles] == [Outcome.UNKNOWN]
    assert unexplained == ""


def test_threshold_explains_vitest() -> None:
    text = b"ERROR: Coverage for lines (64.99%) does not meet global threshold (65%)\n"
    passing = report("vitest_json", "passing.json")
    found, unexplained = Scene(1, err=text).add("vitest_json", passing, tool="vitest", exit=1).read()
    assert unexplained == ""
    assert "64.99%" in found.notes[-1]
    assert Scene(1).add("vitest_json", passing, tool="vitest", exit=1).read()[1] != ""


@pytest.mark.parametrize(("code", "words"), [(126, "could not be executed"), (127, "was not found")])
def test_s78_program_missing(code: int, words: str) -> None:
    found, _ = Scene(code).read()
    (trouble,) = found.troubles
    assert trouble.outcome is Outcome.ERROR
    assert words in trouble.message


def test_troubles_of_the_capture_come_first_and_explain() -> None:
    trouble = Trouble(Outcome.ERROR, "timeout", "it took too long")
    found, unexplained = Scene(1).read(troubles=(trouble,), notes=("n",))
    assert (found.troubles, found.notes, unexplained) == ((trouble,), ("n",), "")


# --- output --------------------------------------------------------------------------------------------------


def test_s72_output_between_head_and_tail_keeps_its_marks() -> None:
    filler = b"line of no interest\n" * 300_000
    found, _ = Scene(0, b"first\n" + filler + b"Frontend \xe2\x9d\x8c\n" + filler, b"last\n").read()
    text = found.value("output")
    assert isinstance(text, str)
    assert len(text) < 3 * reading.OUTPUT_SHOWN
    assert text.startswith("first\n")
    assert text.endswith("last\n")
    assert "Frontend ❌\n" in text
    assert "[...]" in text


def test_s72_output_that_was_not_kept_whole_is_absent() -> None:
    """A cross may be in the part that is gone, so no mark may be believed."""
    scene = Scene(0, b"Backend \xe2\x9c\x85\n")
    blob = scene.blobs[0]
    scene.blobs[0] = Blob(blob.name, blob.sha256, blob.size, 2 * 10**9, total_sha256="ab")
    found, _ = scene.read()
    assert found.value("output") is None
    assert found.value("exit") == 0
    assert "was not kept whole" in found.notes[0]


def test_two_megabytes_are_shown_whole() -> None:
    text = b"x" * reading.OUTPUT_SHOWN + b"\n"
    assert len(str(Scene(0, text, text[:-2]).read()[0].value("output"))) == 2 * len(text) - 2


# --- facts ---------------------------------------------------------------------------------------------------

SEEN = ObservationType("thing.seen", Type.INT, "things seen")


def _read(facts: Mapping[str, Any], params: Any) -> Reading:
    return Reading((Observation("thing.seen", facts["seen"] + len(params)),))


@probe("thing", yields=(SEEN,), reader=_read)
def thing(params: dict[str, str], context: Context) -> Capture:
    """A probe for these tests."""
    raise AssertionError


def facts(data: bytes | None) -> Reading:
    registry = plugins.Registry(families=REGISTRY.families)
    for kind in kinds_in(__import__(__name__, fromlist=["thing"])):
        registry.add(kind)
    shelf = Shelf()
    blobs = (shelf.put("facts.json", data),) if data is not None else ()
    return reading.read(Capture("thing", "look", blobs), {"a": "b"}, shelf, registry)[0]


def test_facts_through_their_reader() -> None:
    found = facts(b'{"seen": 3}')
    assert found.observations == (Observation("thing.seen", 4),)


@pytest.mark.parametrize("data", [b"", b"{}", b"[", b'{"seen": "x"}'])
def test_facts_that_do_not_fit(data: bytes) -> None:
    assert [trouble.slug for trouble in facts(data).troubles] == ["unreadable-facts"]


def test_no_facts() -> None:
    assert [trouble.slug for trouble in facts(None).troubles] == ["no-facts"]
