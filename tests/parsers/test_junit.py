from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.parsers.reading_of import fixture, read, slugs, values

HEAD = '<testsuites><testsuite name="s" tests="9">'
TAIL = "</testsuite></testsuites>"


def counts(xml: str) -> dict[str, object]:
    return values(read("junit", HEAD + xml + TAIL), "tests")


def test_outcomes_of_cases() -> None:
    found = fixture("junit", "failing.xml")
    assert values(found, "tests") == {
        "total": 5, "passed": 2, "failed": 1, "errored": 1, "skipped": 1, "flaky": 0, "not_run": 0,
    }  # fmt: skip
    assert [(f.severity, f.id) for f in found.findings] == [
        ("failed", "test_a::test_bad"),
        ("errored", "test_a::test_teardown"),
    ]
    assert found.findings[0].message == "assert 1 == 2"


def test_place_of_a_finding() -> None:
    case = '<testcase classname="c" name="n" file="/srv/app/src/t.py" line="7"><failure/></testcase>'
    (finding,) = read("junit", HEAD + case + TAIL, root="/srv/app").findings
    assert (finding.path, finding.line) == ("src/t.py", 7)


def test_collection_error_is_no_executed_test() -> None:
    found = read("junit", HEAD + '<testcase name="x"><error message="collection failure"/></testcase>' + TAIL)
    assert not found.observations
    assert slugs(found) == ["no-tests"]
    assert "1 could not be run" in found.troubles[0].message
    assert found.findings[0].severity == "errored"


@pytest.mark.parametrize(
    "xml", ["", "<testcase name='a'><skipped/></testcase>", "<testcase name='a' status='notrun'/>"]
)
def test_s58_nothing_executed(xml: str) -> None:
    found = read("junit", HEAD + xml + TAIL)
    assert (found.observations, slugs(found)) == ((), ["no-tests"])


def test_s59_flaky_counts_as_passed_and_is_told() -> None:
    found = read("junit", HEAD + '<testcase name="a"><flakyFailure message="x"/></testcase>' + TAIL)
    assert (found.value("tests.passed"), found.value("tests.flaky")) == (1, 1)
    assert found.notes == ("1 flaky: failed first, passed on a retry",)


def test_failures_without_a_case_are_believed() -> None:
    cases = '<testcase name="a"/><testcase name="b"><failure/></testcase>'
    xml = f'<testsuite name="s" tests="3" failures="2" errors="1">{cases}</testsuite>'
    found = read("junit", xml)
    assert (found.value("tests.failed"), found.value("tests.errored"), found.value("tests.passed")) == (2, 1, 1)


def test_error_shown_as_a_failure_is_not_counted_twice() -> None:
    xml = '<testsuite failures="1" errors="0"><testcase name="a"><error/></testcase><testcase name="b"/></testsuite>'
    assert values(read("junit", xml), "tests")["total"] == 2


def test_nested_suites() -> None:
    inner = '<testsuite name="i" failures="1"><testcase name="a"><failure/></testcase></testsuite>'
    xml = f'<testsuites><testsuite name="o" failures="1">{inner}<testcase name="b"/></testsuite></testsuites>'
    assert (values(read("junit", xml), "tests")["failed"], values(read("junit", xml), "tests")["passed"]) == (1, 1)


def test_stops_early_says_that_it_cannot_tell_what_never_ran() -> None:
    found = fixture("junit", "failing.xml", stops_early=True)
    assert found.value("tests.not_run") is None
    assert found.value("tests.failed") == 1
    assert fixture("junit", "passing.xml", stops_early=True).value("tests.not_run") == 0


LOLS = """<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<testsuite><testcase name="&b;"/></testsuite>"""


def test_entities_are_refused() -> None:
    found = read("junit", LOLS)
    assert (found.observations, slugs(found)) == ((), ["unreadable-report"])
    assert "entities" in found.troubles[0].message


@pytest.mark.parametrize("xml", ["<html><body/></html>", "<testsuite><testcase name='a'/>", "{}", "<testsuite/><x/>"])
def test_something_else(xml: str) -> None:
    assert slugs(read("junit", xml)) == ["unreadable-report"]


def test_findings_are_bounded_and_counts_are_not() -> None:
    found = read("junit", HEAD + '<testcase name="a"><failure message="no"/></testcase>' * 1500 + TAIL)
    assert (len(found.findings), found.value("tests.failed")) == (1000, 1500)
    assert "500 more findings" in found.notes[0]


READER = """
import resource, sys
sys.path.insert(0, {source!r})
from gonogo.parsers.junit import junit
with open(sys.argv[1], "rb") as stream:
    found = junit(stream, {{}})
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(found.value("tests.total"), found.value("tests.failed"), peak)
"""


def test_two_hundred_megabytes_in_bounded_memory(tmp_path: Path) -> None:
    """A 200 MB report is read within 150 MB: one huge message, and more than 300,000 cases."""
    report = tmp_path / "big.xml"
    case = b'<testcase classname="a.b.c" name="does a thing" time="0.1"><system-out>%s</system-out></testcase>\n' % (
        b"x" * 400
    )
    bad = b'<testcase name="bad"><failure message="no">%s</failure></testcase>\n' % (b"stack " * 1_000_000)
    cases = (200_000_000 - len(bad)) // len(case)
    with report.open("wb") as file:
        file.write(b"<testsuites><testsuite>" + bad)
        for _ in range(cases // 1000):
            file.write(case * 1000)
        file.write(b"</testsuite></testsuites>")
    assert report.stat().st_size > 199_000_000
    source = str(Path(__file__).parents[2] / "src")
    script = textwrap.dedent(READER.format(source=source))
    ended = subprocess.run([sys.executable, "-c", script, str(report)], capture_output=True, text=True, check=True)
    total, failed, peak = (int(figure) for figure in ended.stdout.split())
    assert (total, failed) == (cases // 1000 * 1000 + 1, 1)
    assert peak < 150_000_000, f"{peak / 1e6:.0f} MB"
