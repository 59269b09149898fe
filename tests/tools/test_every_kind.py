"""Every parser and every tool: a passing, a failing, a broken and an empty fixture; the last two are never green."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from gonogo import criterion, plugins
from gonogo.evidence import reading
from gonogo.model.capture import Blob, Capture, ReportRef
from gonogo.model.observation import Declared, Reading
from gonogo.model.outcome import Outcome
from gonogo.plugins import Ask, Invocation, Unwrap
from gonogo.shell import words

FIXTURES = Path(__file__).parents[1] / "fixtures" / "tools"
REGISTRY = plugins.builtin(("families", "parsers", "tools"))
KINDS = ("passing", "failing", "broken", "empty")

CRITERIA = {
    "tests": ("tests.failed == 0", "tests.errored == 0", "tests.not_run == 0", "tests.passed > 0"),
    "coverage": ("coverage.lines.pct >= 65",),
    "lint": ("lint.errors == 0", "lint.warnings == 0"),
    "format": ("format.unformatted == 0",),
    "types": ("types.errors == 0",),
    "vulnerabilities": ("vulnerabilities.critical == 0", "vulnerabilities.high == 0"),
    "load": ("load.thresholds.crossed == 0", "load.requests > 0"),
}
"""The usual criteria of each family that parsers speak of."""

PARTIAL = {
    "go_coverprofile": ("coverage.statements.pct >= 65",),
    "k6_log": ("load.exceptions == 0",),
    "k6_points": ('load.endpoint.errors_pct["health"] <= 1.0', 'load.endpoint.errors_pct["search"] <= 1.0'),
}
"""Criteria of the parsers that say only some of their family."""


class Shelf:
    """Stored bytes by digest: the one method of the evidence store that a reading needs."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def put(self, name: str, data: bytes) -> Blob:
        digest = sha256(data).hexdigest()
        self.kept[digest] = data
        return Blob(name, digest, len(data), len(data))

    def open(self, digest: str) -> BinaryIO:
        return io.BytesIO(self.kept[digest])


def outcomes(found: Reading, families: set[str], parser: str = "") -> list[Outcome]:
    """The usual criteria of the families, or of a parser that says only some of one, judged on a reading."""
    types = REGISTRY.observation_types
    asked = list(PARTIAL.get(parser, ()))
    asked = asked or [line for family in sorted(families) for line in CRITERIA[family]] or ["exit == 0"]
    return [criterion.compile(line, types, None).evaluate(found).outcome for line in asked]


def families_of(kind: Any, found: Reading) -> set[str]:
    """The families to ask: of a format that serves two, the one that this fixture speaks of."""
    declared = {observation.family for observation in kind.yields} & set(CRITERIA)
    spoken = {observation.name.partition(".")[0] for observation in found.observations} & declared
    return spoken or declared


def fixture_of(parser: str, which: str) -> Path:
    found = sorted((FIXTURES / parser).glob(f"{which}.*"))
    assert len(found) == 1, f"{parser} needs exactly one fixture `{which}`"
    return found[0]


def parsed(parser: str, data: bytes) -> Reading:
    params = {"root": "/srv/app", "cwd": "/srv/app"}
    return reading.parse(REGISTRY.parsers[parser], io.BytesIO(data), params, "the report")


@pytest.mark.parametrize("which", KINDS)
@pytest.mark.parametrize("name", sorted(REGISTRY.parsers))
def test_parser_on_its_fixtures(name: str, which: str) -> None:
    parser = REGISTRY.parsers[name]
    found = parsed(name, fixture_of(name, which).read_bytes())
    judged = outcomes(found, families_of(parser, found), name)
    if which == "passing":
        assert set(judged) == {Outcome.PASS}, found
        assert not found.troubles
    elif which == "failing":
        assert Outcome.FAIL in judged, found
        assert found.findings or name in {"istanbul", "cobertura", "lcov", "go_coverprofile", "k6_points"}
    else:
        assert Outcome.PASS not in judged, found
        assert found.troubles
        assert all(trouble.outcome is not Outcome.PASS and trouble.message for trouble in found.troubles)


@pytest.mark.parametrize("junk", [b"", b"\n \n", b"null", b"{}", b"[]", b"<a/>", b"\x00\xff\xfe" * 50, b'{"total": 3}'])
@pytest.mark.parametrize("name", sorted(REGISTRY.parsers))
def test_parser_on_what_is_no_report(name: str, junk: bytes) -> None:
    found = parsed(name, junk)
    assert found.troubles
    assert Outcome.PASS not in outcomes(found, families_of(REGISTRY.parsers[name], found), name)


@pytest.mark.parametrize("name", sorted(set(REGISTRY.parsers) - {"tsc_text", "prettier_text", "k6_log"}))
def test_parser_on_a_report_cut_in_half(name: str) -> None:
    """Plain text may end anywhere and still be whole; a document may not."""
    whole = fixture_of(name, "failing").read_bytes()
    found = parsed(name, whole[: len(whole) // 2])
    assert set(outcomes(found, families_of(REGISTRY.parsers[name], found), name)) != {Outcome.PASS}


@pytest.mark.parametrize("name", sorted(REGISTRY.parsers))
def test_parser_yields_only_what_it_declares(name: str) -> None:
    parser = REGISTRY.parsers[name]
    kinds = Declared((observation.name, observation) for observation in parser.yields)
    for path in sorted((FIXTURES / name).iterdir()):
        if path.name == "cases.json":
            continue
        for observation in parsed(name, path.read_bytes()).observations:
            assert observation.name in kinds
            expected = {"int": int, "double": float, "string": str, "list": tuple}[kinds[observation.name].type]
            assert type(observation.value) is expected, observation


def told_apart() -> Iterator[tuple[str, Path]]:
    """A clean report of tsc or Ruff says nothing that would tell whose it is."""
    for name in sorted(REGISTRY.parsers):
        for which in ("passing", "failing"):
            if (name, which) not in {("tsc_text", "passing"), ("ruff_json", "passing")}:
                yield name, fixture_of(name, which)


@pytest.mark.parametrize(("name", "path"), list(told_apart()), ids=lambda v: v if isinstance(v, str) else v.stem)
def test_content_tells_the_format(name: str, path: Path) -> None:
    head = path.read_bytes()[: 64 * 1024]
    assert [other for other, parser in sorted(REGISTRY.parsers.items()) if parser.sniff(head)] == [name]


# --- tools ---------------------------------------------------------------------------------------------------


def cases(tool: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((FIXTURES / tool / "cases.json").read_text(encoding="utf-8"))
    return data


def captured(tool: str, case: dict[str, Any], shelf: Shelf) -> Capture:
    blobs = [shelf.put("stdout", case.get("stdout", "").encode()), shelf.put("stderr", b"")]
    refs = []
    for parser, path in case["reports"].items():
        blob = shelf.put(f"report/{parser}", (FIXTURES / path).read_bytes())
        blobs.append(blob)
        params: dict[str, object] = {"root": "/srv/app", "cwd": "/srv/app", "run": "1"}
        refs.append(ReportRef(blob.name, parser, tool, case["exit"], params))
    return Capture("command", tool, tuple(blobs), tuple(refs), exit=case["exit"])


@pytest.mark.parametrize("which", KINDS)
@pytest.mark.parametrize("name", sorted(REGISTRY.tools))
def test_tool_on_its_fixtures(name: str, which: str) -> None:
    shelf = Shelf()
    capture = captured(name, cases(name)[which], shelf)
    found, unexplained = reading.read(capture, {}, shelf, REGISTRY)
    families = {family for ref in capture.reports for family in families_of(REGISTRY.parsers[ref.parser], found)}
    judged = outcomes(found, families)
    if which == "passing":
        assert set(judged) == {Outcome.PASS}, found
        assert not found.troubles
        assert not unexplained
    elif which == "failing":
        assert Outcome.FAIL in judged, found
    else:
        assert Outcome.PASS not in judged, found


@pytest.mark.parametrize("name", sorted(REGISTRY.tools))
def test_tool_recognises_its_own_line(name: str, tmp_path: Path) -> None:
    tool = REGISTRY.tools[name]
    argv = tuple(word.text for word in words(cases(name)["line"]) if not isinstance(word, str))
    answer = tool.recognise(Invocation(argv, tmp_path))
    assert isinstance(answer, (Ask, Unwrap))
    assert argv[0] in tool.executables
    if isinstance(answer, Ask):
        asked = [report for report in (*answer.reports, answer.stdout_report, answer.text_report) if report]
        assert {report.parser for report in asked} == set(cases(name)["passing"]["reports"])
        assert answer.argv[0] == argv[0]
        assert tool.wrap or not asked


@pytest.mark.parametrize("name", sorted(REGISTRY.tools))
@pytest.mark.parametrize("word", ["--help", "--version"])
def test_tool_leaves_questions_about_itself_alone(name: str, word: str, tmp_path: Path) -> None:
    tool = REGISTRY.tools[name]
    answer = tool.recognise(Invocation((tool.executables[0], word), tmp_path))
    assert not isinstance(answer, Ask) or not (answer.reports or answer.stdout_report or answer.text_report)


@pytest.mark.parametrize("kind", [*REGISTRY.parsers.values(), *REGISTRY.tools.values()], ids=lambda kind: kind.name)
def test_docstring_is_a_reference_page(kind: plugins.Kind) -> None:
    assert len(kind.doc) > 80
    assert "Source:" in kind.doc
