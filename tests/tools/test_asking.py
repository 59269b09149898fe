"""How tools are asked, told from the command line and the configuration alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo import plugins
from gonogo.plugins import Ask, Invocation
from gonogo.tools import _js_config as js_config
from gonogo.tools import _options as options

TOOLS = plugins.builtin(("tools",)).tools


def ask(tool: str, line: str, cwd: Path, **files: str) -> Ask:
    for name, text in files.items():
        (cwd / name.replace("__", ".")).write_text(text, encoding="utf-8")
    answer = TOOLS[tool].recognise(Invocation(tuple(line.split()), cwd))
    assert isinstance(answer, Ask)
    return answer


def test_vitest_by_default(tmp_path: Path) -> None:
    found = ask("vitest", "vitest run", tmp_path)
    assert found.argv[2:] == ("--reporter=default", "--reporter=json", "--outputFile.json={reports}/vitest.json")
    assert [report.parser for report in found.reports] == ["vitest_json"]


def test_vitest_words_after_dashes_stay_last(tmp_path: Path) -> None:
    assert ask("vitest", "vitest run -- a", tmp_path).argv[-2:] == ("--", "a")


def test_vitest_json_on_stdout(tmp_path: Path) -> None:
    found = ask("vitest", "vitest run --reporter=json", tmp_path)
    assert found.argv == ("vitest", "run", "--reporter=json")
    assert found.stdout_report is not None
    assert not found.reports


def test_vitest_computed_reporters_are_told(tmp_path: Path) -> None:
    config = "export default { test: { reporters: process.env.CI ? ['x'] : ['y'] } }"
    assert "computes its reporters" in ask("vitest", "vitest run", tmp_path, vitest__config__ts=config).notes[0]


@pytest.mark.parametrize(
    ("flags", "settings", "asked"),
    [
        ("", "", False),
        ("--coverage", "", True),
        ("--coverage.enabled", "", True),
        ("--coverage=false", "enabled: true", False),
        ("--no-coverage", "enabled: true", False),
        ("", "enabled: true", True),
        ("", "enabled: false", False),
        ("", "reporter: ['text']", False),
        ("", "thresholds: { enabled: true }", False),
    ],
)
def test_vitest_coverage_only_where_it_is_on(tmp_path: Path, flags: str, settings: str, asked: bool) -> None:
    config = f"export default {{ test: {{ coverage: {{ {settings} }} }} }}"
    found = ask("vitest", f"vitest run {flags}", tmp_path, vite__config__ts=config)
    assert ("istanbul" in [report.parser for report in found.reports]) is asked
    assert any(word == "--coverage.reporter=json-summary" for word in found.argv) is asked


def test_vitest_asked_for_its_summary_already(tmp_path: Path) -> None:
    settings = "{ enabled: true, reporter: [['json-summary', {}]], reportsDirectory: 'c' }"
    config = f"export default {{ test: {{ coverage: {settings} }} }}"
    found = ask("vitest", "vitest run", tmp_path, vitest__config__mts=config)
    assert not any(word.startswith("--coverage.reporter") for word in found.argv)
    assert found.reports[-1].file == "c/coverage-summary.json"


def test_playwright_places(tmp_path: Path) -> None:
    config = "export default { reporter: [['html', {outputFolder: 'h'}], ['junit', {outputFile: 'j.xml'}]] }"
    found = ask("playwright", "playwright test", tmp_path, playwright__config__ts=config)
    assert found.argv[-1] == "--reporter=html,junit,json"
    assert found.env["PLAYWRIGHT_HTML_OUTPUT_DIR"] == str(tmp_path / "h")
    assert found.env["PLAYWRIGHT_JUNIT_OUTPUT_FILE"] == str(tmp_path / "j.xml")


def test_playwright_reporter_of_the_command_line(tmp_path: Path) -> None:
    found = ask("playwright", "playwright test --reporter=line --grep x", tmp_path)
    assert found.argv == ("playwright", "test", "--grep", "x", "--reporter=line,json")


def test_playwright_own_json(tmp_path: Path) -> None:
    config = "export default { reporter: [['json', {outputFile: 'out/r.json'}]] }"
    found = ask("playwright", "playwright test", tmp_path, playwright__config__js=config)
    assert found.argv == ("playwright", "test")
    assert found.reports[0].file == str(tmp_path / "out/r.json")


def test_jest_in_package_json(tmp_path: Path) -> None:
    found = ask("jest", "jest", tmp_path, package__json='{"jest": {"collectCoverage": true, "coverageDirectory": "c"}}')
    assert found.argv[-1] == "--coverageReporters=json-summary"
    assert [report.file for report in found.reports] == ["jest.json", "c/coverage-summary.json"]


def test_k6_keeps_its_own_export(tmp_path: Path) -> None:
    found = ask("k6", "k6 run --summary-export=s.json x.js", tmp_path)
    assert found.reports[0].file == "s.json"
    assert found.reports[0].cwd_relative
    assert found.exclusive, "what else the machine does would be measured too"


def test_k6_names_the_load_by_script_imports_and_shape(tmp_path: Path) -> None:
    files = {"load/main.js": "import a from './lib/a.js';\n", "load/lib/a.js": "const b = open('../data.json');\n"}
    files |= {"load/data.json": "[1]\n", "load/other.js": "export default 1;\n"}

    def name(line: str = "k6 run -e TOKEN=secret load/main.js", **env: str) -> str:
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        found = TOOLS["k6"].recognise(Invocation(tuple(line.split()), tmp_path, env))
        assert isinstance(found, Ask)
        return str(found.reports[0].params.get("script", ""))

    first = name()
    assert first.startswith("load/main.js ")
    assert name("k6 run -e TOKEN=other --quiet load/main.js") == first, "what is secret or only shown names no load"
    assert name("k6 run --vus 9 load/main.js") != first
    assert name("k6 run -u9 load/main.js") != first
    assert name(K6_DURATION="1m") != first
    files["load/other.js"] = "export default 2;\n"
    assert name() == first, "nobody imports it"
    files["load/data.json"] = "[2]\n"
    assert name() != first
    assert name("k6 run nowhere.js") == ""
    assert name("k6 run -") == ""


@pytest.mark.parametrize(
    ("tool", "line"),
    [
        ("prettier", "prettier a.js"),
        ("tsc", "tsc --init"),
        ("playwright", "playwright install"),
        ("npm_audit", "npm audit fix"),
        ("npm_audit", "npm audit signatures"),
        ("k6", "k6 cloud x.js"),
        ("ruff", "ruff format --check"),
        ("go_test", "go build ./..."),
        ("vitest", "vitest list"),
        ("mkdocs", "mkdocs serve"),
        ("pytest", "pytest --collect-only"),
        ("eslint", "eslint --print-config a.js"),
    ],
)
def test_what_is_none_of_its_business(tmp_path: Path, tool: str, line: str) -> None:
    assert TOOLS[tool].recognise(Invocation(tuple(line.split()), tmp_path)) is None


# --- reading configurations as text ---------------------------------------------------------------------------


def test_comments_and_strings() -> None:
    text = js_config.without_comments("a: 'http://x', /* b: 1 */ // c: 2\n b: \"/* no */\"")
    assert js_config.string(text, "a") == "http://x"
    assert js_config.string(text, "b") == "/* no */"
    assert js_config.after(text, "c") is None


@pytest.mark.parametrize(
    ("text", "names", "understood"),
    [
        ("reporters: 'dot'", ["dot"], True),
        ("reporters: ['a', ['b', { x: [1, 2] }], ]", ["a", "b"], True),
        ("reporters: ['a', new Mine()]", ["a"], False),
        ("reporters: isCI ? ['a'] : ['b']", [], False),
        ("reporters: []", [], True),
        ("other: 1", [], True),
        ("reporters: [", [], False),
    ],
)
def test_reporters(text: str, names: list[str], understood: bool) -> None:
    found, whole = js_config.reporters(f"export default {{ {text} }}", "reporters")
    assert ([reporter.name for reporter in found], whole) == (names, understood)


def test_options() -> None:
    argv = ("x", "-f", "json", "--out=a", "--flag", "word", "--", "-f", "no")
    assert options.value(argv, "-f", "--format") == "json"
    assert options.without(argv, "-f", "--out") == ("x", "--flag", "word", "--", "-f", "no")
    assert options.positionals(argv, ("-f",)) == ("word", "-f", "no")
    assert options.extended(argv, "--new") == (
        "x",
        "-f",
        "json",
        "--out=a",
        "--flag",
        "word",
        "--new",
        "--",
        "-f",
        "no",
    )
    assert not options.has(argv, "no")


@pytest.mark.parametrize(
    ("line", "added"),
    [
        ("pytest --cov", ("--cov-report=term", "--cov-report=xml:{reports}/coverage.xml")),
        ("pytest --cov=src --cov-report=html", ("--cov-report=xml:{reports}/coverage.xml",)),
        ("pytest --cov=src --cov-report=", ("--cov-report=xml:{reports}/coverage.xml",)),
        ("pytest --cov --no-cov", ()),
        ("pytest", ()),
    ],
)
def test_pytest_cov_is_asked_where_coverage_is_on(tmp_path: Path, line: str, added: tuple[str, ...]) -> None:
    found = ask("pytest", line, tmp_path)
    assert found.argv == (*line.split(), "--junitxml={reports}/pytest.xml", *added)
    assert [report.parser for report in found.reports] == ["junit", *(["cobertura"] if added else [])]


@pytest.mark.parametrize(
    ("line", "file"),
    [
        ("go test ./...", ""),
        ("go test -cover=false ./...", ""),
        ("go test -cover ./...", "cover.out"),
        ("go test -coverpkg=./... ./...", "cover.out"),
        ("go test -coverprofile=c.out ./...", "c.out"),
        ("go test --coverprofile c.out ./...", "c.out"),
    ],
)
def test_go_coverage_is_asked_where_it_is_on(tmp_path: Path, line: str, file: str) -> None:
    found = ask("go_test", line, tmp_path)
    assert [report.file for report in found.reports] == ([file] if file else [])
    assert ("-coverprofile={reports}/cover.out" in found.argv) is (file == "cover.out")


def test_playwright_line_reporter_keeps_the_projects_html_report(tmp_path: Path) -> None:
    config = "export default { reporter: [['list'], ['html', { outputFolder: 'pages' }]] }"
    found = ask("playwright", "playwright test --reporter=line", tmp_path, playwright__config__ts=config)
    assert found.argv[-1] == "--reporter=line,html,json"
    assert found.env["PLAYWRIGHT_HTML_OUTPUT_DIR"] == str(tmp_path / "pages")
    assert ask("playwright", "playwright test --reporter=line", tmp_path / "other").argv[-1] == "--reporter=line,json"
