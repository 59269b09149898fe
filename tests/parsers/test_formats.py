"""What each format makes of its traps; the common ground of all is in tests/tools/test_every_kind.py."""

from __future__ import annotations

import json

import pytest

from tests.parsers.reading_of import FIXTURES, fixture, read, slugs, values


def total(covered: int, of: int, pct: object = 0) -> dict[str, object]:
    figures = {"total": of, "covered": covered, "skipped": 0, "pct": pct}
    return {"total": dict.fromkeys(("lines", "statements", "functions", "branches"), figures), "/srv/a.ts": {}}


# --- coverage ------------------------------------------------------------------------------------------------


def test_istanbul_is_computed_not_rounded() -> None:
    """64.996 % is shown by the tool as 64.99 and is not 65."""
    found = read("istanbul", json.dumps(total(16249, 25000, 65)))
    assert found.value("coverage.lines.pct") == pytest.approx(64.996)
    assert found.notes == ("coverage scope: 1 file, 25,000 lines",)


def test_istanbul_unknown_is_absent() -> None:
    data = total(5, 10, 50)
    data["total"]["branches"] = {"total": 0, "covered": 0, "skipped": 0, "pct": "Unknown"}  # type: ignore[index]
    found = read("istanbul", json.dumps(data))
    assert found.value("coverage.branches.pct") is None
    assert found.value("coverage.lines.pct") == 50


def test_istanbul_total_of_zero_is_absent_although_it_says_100() -> None:
    found = read("istanbul", json.dumps(total(0, 0, 100)))
    assert (found.observations, slugs(found)) == ((), ["no-coverage"])


@pytest.mark.parametrize("bad", [{"covered": 11}, {"covered": -1}, {"covered": "9"}, {"covered": True}, {"total": 1.5}])
def test_istanbul_that_contradicts_itself(bad: dict[str, object]) -> None:
    data = total(5, 10, 50)
    data["total"]["lines"] = {"total": 10, "covered": 5, "pct": 50, **bad}  # type: ignore[index]
    assert slugs(read("istanbul", json.dumps(data))) == ["unreadable-report"]


def test_cobertura_without_counts_at_its_root_counts_lines_once() -> None:
    lines = '<lines><line number="1" hits="1"/><line number="2" hits="0"/></lines>'
    method = f'<methods><method name="m">{lines}</method></methods>'
    xml = f'<coverage line-rate="1"><packages><class filename="a">{method}{lines}</class></packages></coverage>'
    assert values(read("cobertura", xml), "coverage") == {
        "lines.pct": 50.0, "lines.covered": 1, "lines.total": 2, "files": 1,
    }  # fmt: skip


def test_lcov_without_summary_lines() -> None:
    found = read("lcov", "SF:a\nDA:1,1\nDA:2,0\nend_of_record\nSF:b\nLF:2\nLH:2\nend_of_record\n")
    assert found.value("coverage.lines.pct") == 75
    assert found.value("coverage.files") == 2


# --- tests ---------------------------------------------------------------------------------------------------


def test_vitest_bail_is_not_run_and_authors_skip_is_skipped() -> None:
    found = fixture("vitest_json", "failing.json", root="/srv/app")
    assert values(found, "tests") == {
        "total": 8, "passed": 1, "failed": 1, "errored": 0, "skipped": 2, "flaky": 0, "not_run": 4,
    }  # fmt: skip
    (finding,) = found.findings
    assert (finding.id, finding.line, finding.column) == ("bail/a.test.ts::s a2", 2, 74)


def test_jest_pending_is_its_authors_choice() -> None:
    found = fixture("vitest_json", "jest.json", root="/srv/app")
    assert values(found, "tests") == {
        "total": 6, "passed": 2, "failed": 1, "errored": 1, "skipped": 2, "flaky": 0, "not_run": 0,
    }  # fmt: skip
    assert {f.path for f in found.findings} == {"t/a.test.js", "t/imp.test.js"}


def test_vitest_totals_are_not_believed() -> None:
    """A file that fails to import counts no failed test in the totals."""
    data = json.loads((FIXTURES / "vitest_json" / "passing.json").read_text())
    data["testResults"].append(
        {"assertionResults": [], "status": "failed", "message": "cannot find ./nope", "name": "/x"}
    )
    found = read("vitest_json", json.dumps(data))
    assert (found.value("tests.failed"), found.value("tests.errored")) == (0, 1)


def test_vitest_coverage_failure_is_no_test_failure() -> None:
    found = fixture("vitest_json", "coverage_fails.json")
    assert (found.value("tests.passed"), found.value("tests.skipped"), found.findings) == (1, 2, ())


def test_s59_playwright_flaky() -> None:
    found = fixture("playwright_json", "failing.json", root="/srv/app")
    assert (found.value("tests.flaky"), found.value("tests.failed")) == (1, 1)
    assert found.notes[0] == "1 flaky: failed first, passed on a retry"
    bad = next(f for f in found.findings if f.severity == "failed")
    assert (bad.path, bad.line) == ("js/pw/a.spec.ts", 5)
    assert "\x1b" not in bad.message


def test_playwright_stopped_early() -> None:
    found = fixture("playwright_json", "stopped_early.json")
    assert (found.value("tests.not_run"), found.value("tests.skipped"), found.value("tests.errored")) == (2, 1, 0)
    assert "Testing stopped early after 1 maximum allowed failures." in found.notes


def test_playwright_load_error_is_an_error_outside_tests() -> None:
    data = json.loads((FIXTURES / "playwright_json" / "passing.json").read_text())
    data["errors"] = [{"message": "Error: globalSetup failed"}]
    assert read("playwright_json", json.dumps(data)).value("tests.errored") == 1


def test_tap_that_stopped_early() -> None:
    found = read("tap", "1..4\nok 1\nnot ok 2 - b # TODO later\nok 3\n")
    assert (found.value("tests.not_run"), found.value("tests.skipped")) == (1, 1)


def test_tap_bail_out() -> None:
    assert read("tap", "1..1\nok 1\nBail out! no database\n").value("tests.errored") == 1


def test_ctrf_summary_that_counts_more_failures() -> None:
    data = json.loads((FIXTURES / "ctrf" / "passing.json").read_text())
    data["results"]["summary"]["failed"] = 3
    assert read("ctrf", json.dumps(data)).value("tests.failed") == 3


def test_go_package_that_does_not_build() -> None:
    found = fixture("go_test_json", "failing.json")
    assert (found.value("tests.errored"), found.value("tests.failed"), found.value("tests.skipped")) == (1, 2, 1)
    assert found.findings[-1].id == "example.org/x.TestBad"


def test_go_events_that_end_too_early() -> None:
    whole = (FIXTURES / "go_test_json" / "passing.json").read_text().splitlines(keepends=True)
    assert slugs(read("go_test_json", "".join(whole[:-1]))) == ["unreadable-report"]


# --- lint, types, format -------------------------------------------------------------------------------------


def test_eslint_findings() -> None:
    found = fixture("eslint_json", "failing.json", root="/srv/app")
    assert values(found, "lint") == {"errors": 4, "warnings": 1, "files": 2}
    assert found.findings[-1].id == "parse-error:js/src/c.js"
    assert (found.findings[1].path, found.findings[1].line, found.findings[1].column) == ("js/src/a.js", 2, 5)


def test_eslint_ignored_file_was_not_looked_at() -> None:
    message = {"ruleId": None, "severity": 1, "message": "File ignored because of a matching ignore pattern."}
    assert slugs(read("eslint_json", json.dumps([{"filePath": "/a.js", "messages": [message]}]))) == ["no-files"]


def test_finding_ids_do_not_name_lines() -> None:
    moved = (FIXTURES / "eslint_json" / "failing.json").read_text().replace('"line":2', '"line":99')
    before, after = fixture("eslint_json", "failing.json"), read("eslint_json", moved)
    assert [f.id for f in before.findings] == [f.id for f in after.findings]
    assert [f.line for f in before.findings] != [f.line for f in after.findings]


def test_tsc_without_a_word_on_files_is_silence() -> None:
    assert slugs(read("tsc_text", "")) == ["no-files"]
    assert slugs(read("tsc_text", "Files:               0\n")) == ["no-files"]
    assert read("tsc_text", "Files:               3\n").value("types.errors") == 0


def test_tsc_refusal_is_no_type_error() -> None:
    found = read("tsc_text", "error TS18003: No inputs were found in config file 'x'.\nFiles:   0\n")
    assert (found.observations, slugs(found)) == ((), ["tsc-refused"])


def test_tsc_error_without_a_place_counts() -> None:
    found = read("tsc_text", "error TS2688: Cannot find type definition file for 'node'.\nFiles:   3\n")
    assert found.value("types.errors") == 1


def test_prettier_paths_and_remarks() -> None:
    found = fixture("prettier_text", "unformatted.txt")
    assert found.value("format.unformatted") == 2
    assert [f.path for f in found.findings] == ["a.js", "src/b c.ts"]


def test_prettier_list_of_nothing_needs_its_exit_code() -> None:
    assert slugs(read("prettier_text", "", mode="list")) == ["no-files"]
    assert slugs(read("prettier_text", "", mode="list", exit=2)) == ["no-files"]
    assert read("prettier_text", "", mode="list", exit=0).value("format.unformatted") == 0


def test_ruff_list_without_files() -> None:
    assert slugs(read("ruff_json", "[]")) == ["no-files"]
    assert slugs(read("ruff_json", "[]warning: No Python files found under the given path(s)\n")) != []


# --- vulnerabilities -----------------------------------------------------------------------------------------


def test_npm_audit_counts_packages_and_calls_moderate_medium() -> None:
    found = fixture("npm_audit", "failing.json")
    assert values(found, "vulnerabilities") == {
        "critical": 1, "high": 0, "medium": 1, "low": 0, "info": 0, "packages": 201,
    }  # fmt: skip
    listed = {f.id: f.severity for f in found.findings}
    assert listed == {
        "GHSA-xvch-5gv4-984h:minimist:<0.2.4": "critical",
        "via minimist:mkdirp:0.4.1 - 0.5.1": "medium",
    }


def test_npm_audit_of_npm_six() -> None:
    found = fixture("npm_audit", "version_one.json")
    assert (found.value("vulnerabilities.high"), found.value("vulnerabilities.packages")) == (1, 15)
    assert found.findings[0].id == "1179:minimist:<0.2.1"


@pytest.mark.parametrize(("name", "words"), [("broken.json", "405 Method Not Allowed"), ("empty.json", "ENOLOCK")])
def test_npm_audit_refused_in_its_own_words(name: str, words: str) -> None:
    found = fixture("npm_audit", name)
    assert (found.observations, slugs(found)) == ((), ["audit-refused"])
    assert words in found.troubles[0].message
    assert found.troubles[0].help


def test_npm_audit_over_nothing() -> None:
    data = json.loads((FIXTURES / "npm_audit" / "passing.json").read_text())
    data["metadata"]["dependencies"]["total"] = 0
    assert slugs(read("npm_audit", json.dumps(data))) == ["no-packages"]


def test_npm_audit_counts_that_hide_what_is_listed() -> None:
    data = json.loads((FIXTURES / "npm_audit" / "failing.json").read_text())
    data["metadata"]["vulnerabilities"]["critical"] = 0
    assert read("npm_audit", json.dumps(data)).value("vulnerabilities.critical") == 1


def test_sarif_levels_and_suppressions() -> None:
    found = fixture("sarif", "failing.sarif")
    assert values(found, "lint") == {"errors": 1, "warnings": 0}
    assert found.notes == ("1 results are suppressed in the file",)
    assert (found.findings[0].path, found.findings[0].line) == ("src/a.c", 7)


@pytest.mark.parametrize(("score", "grade"), [("9.8", "critical"), ("7.0", "high"), ("5", "medium"), ("0.5", "low")])
def test_sarif_of_a_scanner_is_graded(score: str, grade: str) -> None:
    data = json.loads((FIXTURES / "sarif" / "failing.sarif").read_text())
    data["runs"][0]["tool"]["driver"]["rules"][0]["properties"] = {"security-severity": score}
    found = read("sarif", json.dumps(data))
    assert found.value(f"vulnerabilities.{grade}") == 1
    assert found.value("lint.errors") is None


@pytest.mark.parametrize("change", [{"results": None}, {"invocations": [{"executionSuccessful": False}]}])
def test_sarif_of_a_tool_that_broke_off(change: dict[str, object]) -> None:
    data = json.loads((FIXTURES / "sarif" / "passing.sarif").read_text())
    data["runs"][0].update(change)
    assert slugs(read("sarif", json.dumps(data))) == ["tool-broke-off"]


# --- colours -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parser", "text", "name", "value"),
    [
        ("prettier_text", "\x1b[33mwarn\x1b[39m", "format.unformatted", 1),
        ("tsc_text", "a.ts(1,2): \x1b[91merror\x1b[0m TS2322: \x1b[1mno\x1b[0m", "types.errors", 1),
        ("tap", "1..1\n\x1b[31mnot ok\x1b[39m 1 - red", "tests.failed", 1),
    ],
)
def test_colours_hide_nothing(parser: str, text: str, name: str, value: int) -> None:
    """Tools colour what they print where `CI` is set."""
    if parser == "prettier_text":
        text = f"Checking formatting...\n[{text}] a.js\n[{text}] Code style issues found in the above file."
    assert read(parser, text + "\n").value(name) == value


def test_a_coloured_refusal_of_prettier_is_no_zero() -> None:
    text = 'Checking formatting...\n[\x1b[31merror\x1b[39m] No files matching the pattern were found: "nope".\n'
    text += "All matched files use Prettier code style!\n"
    assert read("prettier_text", text).value("format.unformatted") is None
