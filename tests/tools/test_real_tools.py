"""Real tools, asked through their wrappers, and what their reports then say."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from gonogo import plugins
from gonogo.evidence import reading
from gonogo.model.capture import Blob, Capture, ReportRef
from gonogo.model.observation import Reading
from tests.npm_project import Ended, Project, npm_project, uncoloured  # noqa: F401 - the fixture `project`
from tests.tools.test_every_kind import Shelf

REGISTRY = plugins.builtin(("families", "parsers", "tools"))
PACKAGE: dict[str, object] = {"name": "x", "private": True, "type": "module"}


def judged(ended: Ended) -> tuple[Reading, str]:
    """The reading of a command as the engine would come to it."""
    shelf = Shelf()
    blobs: list[Blob] = [shelf.put("stdout", ended.stdout.encode()), shelf.put("stderr", ended.stderr.encode())]
    refs = []
    for record in ended.records:
        for at, written in enumerate(record.reports):
            blob = shelf.put(f"report/{record.name}-{at}", written.file.read_bytes())
            blobs.append(blob)
            refs.append(ReportRef(blob.name, written.parser, record.tool, record.exit, dict(written.params)))
    return reading.read(Capture("command", "x", tuple(blobs), tuple(refs), exit=ended.exit), {}, shelf, REGISTRY)


def counts_of(found: Reading) -> dict[str, object]:
    return {o.name.removeprefix("tests."): o.value for o in found.observations if o.name.startswith("tests.")}


def package(**scripts: str) -> dict[str, str | dict[str, object]]:
    return {"package.json": {**PACKAGE, "scripts": dict(scripts)}}


PASSING = "import { test } from 'vitest';\ntest('a', () => {});\n"
SKIPPED = "import { test } from 'vitest';\ntest.skip('b', () => {});\ntest.todo('c');\n"


def test_vitest_counts(project: Project) -> None:
    failing = "import { expect, test } from 'vitest';\ntest('bad', () => {\n  expect(1).toBe(2);\n});\n"
    project.write({**package(test="vitest run"), "a.test.ts": PASSING + SKIPPED.replace("import", "// import")})
    project.write({"b.test.ts": failing, "c.test.ts": "import './nope.js';\n" + PASSING})
    ended = project.run("npm test")
    found, unexplained = judged(ended)
    assert ended.exit == 1
    assert counts_of(found) == {
        "total": 5, "passed": 1, "failed": 1, "errored": 1, "skipped": 2, "flaky": 0, "not_run": 0,
    }  # fmt: skip
    assert not unexplained
    by_severity = {finding.severity: finding for finding in found.findings}
    assert (by_severity["failed"].path, by_severity["failed"].line) == ("b.test.ts", 3)
    assert by_severity["errored"].path == "c.test.ts"


def test_vitest_that_only_skips_executed_nothing(project: Project) -> None:
    project.write({**package(test="vitest run"), "a.test.ts": SKIPPED})
    found, _ = judged(project.run("npm test"))
    assert not counts_of(found)
    assert [trouble.slug for trouble in found.troubles] == ["no-tests"]


def test_vitest_stopped_early_counts_what_never_ran(project: Project) -> None:
    """S58, and false green 18: `--bail` leaves tests and whole files that nobody ran."""
    first = "import { expect, test } from 'vitest';\ntest('bad', () => expect(1).toBe(2));\ntest('after', () => {});\n"
    project.write(
        {
            **package(test="vitest run --bail 1 --no-file-parallelism"),
            "a.test.ts": first + "test.skip('s', () => {});\n",
        }
    )
    project.write({f"{name}.test.ts": PASSING for name in ("b", "c")})
    project.write({"vitest.config.ts": _IN_ORDER})
    found, unexplained = judged(project.run("npm test"))
    counts = counts_of(found)
    assert (counts["failed"], counts["skipped"], counts["not_run"]) == (1, 1, 3)
    assert not unexplained
    assert any("2 test files never ran" in note for note in found.notes)


_IN_ORDER = """\
import { BaseSequencer, defineConfig } from "vitest/config";
import { BaseSequencer as Base } from "vitest/node";
class ByName extends Base {
  async sort(files) { return [...files].sort((a, b) => a.moduleId.localeCompare(b.moduleId)); }
}
export default defineConfig({ test: { sequence: { sequencer: ByName } } });
""".replace("BaseSequencer, defineConfig", "defineConfig")


def test_vitest_error_outside_every_test_is_unexplained(project: Project) -> None:
    """The report says `success: true` and exit 1: nothing in it explains that."""
    text = "import { test } from 'vitest';\ntest('a', () => { Promise.reject(new Error('boom')); });\n"
    project.write({**package(test="vitest run"), "a.test.ts": text})
    ended = project.run("npm test")
    found, unexplained = judged(ended)
    assert (ended.exit, counts_of(found)["failed"]) == (1, 0)
    assert "vitest exited 1" in unexplained


COVERED = {
    "lib.ts": "export const f = (a: number) => {\n  if (a) return 1;\n  return 2;\n};\n",
    "a.test.ts": "import { expect, test } from 'vitest';\nimport { f } from './lib.js';\n"
    "test('a', () => expect(f(1)).toBe(1));\n",
}


@pytest.mark.parametrize(
    ("script", "config"),
    [
        ("vitest run --coverage", "coverage: { provider: 'istanbul', reporter: ['text'] }"),
        ("vitest run", "coverage: { enabled: true, provider: 'istanbul', reportsDirectory: 'cov' }"),
        ("vitest run --coverage", "coverage: { provider: 'istanbul', reporter: ['json-summary', ['lcov']] }"),
        ("vitest run --coverage --coverage.reportsDirectory=there", "coverage: { provider: 'istanbul' }"),
    ],
)
def test_vitest_coverage_summary(project: Project, script: str, config: str) -> None:
    project.write(
        {**package(test=script), **COVERED, "vitest.config.ts": f"export default {{ test: {{ {config} }} }};\n"}
    )
    found, unexplained = judged(project.run("npm test"))
    assert found.value("coverage.lines.total") == 3
    assert found.value("coverage.lines.pct") == pytest.approx(200 / 3)
    assert "coverage scope: 1 file, 3 lines" in found.notes
    assert not unexplained


def test_vitest_without_coverage_is_not_asked_for_any(project: Project) -> None:
    project.write({**package(test="vitest run"), **COVERED, "coverage/coverage-summary.json": "{}"})
    ended = project.run("npm test")
    assert [written.parser for written in ended.records[0].reports] == ["vitest_json"]


def test_vitest_yesterdays_coverage_is_no_report(project: Project) -> None:
    """A failing run writes no coverage; the summary that lies there is somebody else's."""
    project.write({**package(test="vitest run --coverage --coverage.clean=false"), **COVERED})
    project.write({"vitest.config.ts": "export default { test: { coverage: { provider: 'istanbul' } } };\n"})
    project.write(
        {"a.test.ts": COVERED["a.test.ts"].replace("toBe(1)", "toBe(9)"), "coverage/coverage-summary.json": "{}"}
    )
    ended = project.run("npm test")
    (record,) = ended.records
    assert [written.parser for written in record.reports] == ["vitest_json"]
    assert record.missing == ("istanbul",)


def test_vitest_coverage_threshold_explains_exit_one(project: Project) -> None:
    project.write({**package(test="vitest run --coverage --coverage.thresholds.lines=99"), **COVERED})
    project.write({"vitest.config.ts": "export default { test: { coverage: { provider: 'istanbul' } } };\n"})
    ended = project.run("npm test")
    found, unexplained = judged(ended)
    assert (ended.exit, unexplained) == (1, "")
    assert any("Coverage for lines" in note for note in found.notes)


def test_vitest_own_reporters_still_write(project: Project) -> None:
    config = "export default { test: { reporters: ['verbose', ['junit', { outputFile: 'out/junit.xml' }]] } };\n"
    project.write({**package(test="vitest run"), "a.test.ts": PASSING, "vitest.config.ts": config})
    ended = project.run("npm test")
    assert (project.root / "out/junit.xml").exists()
    assert "✓ a.test.ts > a" in uncoloured(ended.stdout)
    assert counts_of(judged(ended)[0])["passed"] == 1


def test_vitest_own_json_is_kept_where_it_is(project: Project) -> None:
    project.write({**package(test="vitest run --reporter=json --outputFile=out/r.json"), "a.test.ts": PASSING})
    ended = project.run("npm test")
    assert ended.records[0].reports[0].path == str(project.root / "out/r.json")
    assert counts_of(judged(ended)[0])["passed"] == 1


TSCONFIG: dict[str, object] = {"compilerOptions": {"strict": True, "noEmit": True, "types": []}, "include": ["*.ts"]}


def test_tsc_counts_errors(project: Project) -> None:
    project.write({**package(typecheck="tsc"), "tsconfig.json": TSCONFIG, "a.ts": "export const a: number = 'x';\n"})
    found, unexplained = judged(project.run("npm run typecheck"))
    assert found.value("types.errors") == 1
    assert (found.findings[0].path, found.findings[0].line, found.findings[0].column) == ("a.ts", 1, 14)
    assert not unexplained


def test_tsc_clean(project: Project) -> None:
    project.write({**package(typecheck="tsc"), "tsconfig.json": TSCONFIG, "a.ts": "export const a = 1;\n"})
    found, unexplained = judged(project.run("npm run typecheck"))
    assert (found.value("types.errors"), found.troubles, unexplained) == (0, (), "")


def test_tsc_over_references_only_checks_nothing(project: Project) -> None:
    """A root configuration with `files: []`: `tsc --noEmit` exits 0 although the package does not compile."""
    project.write({**package(typecheck="tsc --noEmit"), "tsconfig.json": {"files": [], "references": [{"path": "p"}]}})
    project.write({"p/tsconfig.json": {**TSCONFIG, "compilerOptions": {"composite": True, "types": []}}})
    project.write({"p/a.ts": "export const a: number = 'x';\n"})
    ended = project.run("npm run typecheck")
    found, _ = judged(ended)
    assert ended.exit == 0
    assert found.value("types.errors") is None
    assert [trouble.slug for trouble in found.troubles] == ["no-files"]


def test_tsc_build_that_is_up_to_date(project: Project) -> None:
    project.write({**package(build="tsc -b"), "a.ts": "export const a = 1;\n"})
    project.write(
        {"tsconfig.json": {"compilerOptions": {"composite": True, "types": [], "outDir": "out"}, "include": ["*.ts"]}}
    )
    first, second = project.run("npm run build"), project.run("npm run build")
    assert judged(first)[0].value("types.errors") == 0
    again = judged(second)[0]
    assert again.value("types.errors") == 0
    assert again.notes == ("1 of 1 projects were up to date and not checked again",)


@pytest.mark.parametrize(
    ("line", "unformatted", "slugs"),
    [
        ("prettier --check src", 1, []),
        ("prettier -l src", 1, []),
        ("prettier -l src/good.js", 0, []),
        ("prettier --check src/good.js", 0, []),
        ("prettier --write src", 1, []),
        ("prettier --check nope", None, ["prettier-refused"]),
        ("prettier --check broken", 1, []),
    ],
)
def test_prettier(project: Project, line: str, unformatted: int | None, slugs: list[str]) -> None:
    project.write({**package(format=line), "src/bad.js": "const  a=1\n", "src/good.js": "const a = 1;\n"})
    project.write({"broken/x.js": "syntax (\n"})
    ended = project.run("npm run format")
    found, unexplained = judged(ended)
    assert found.value("format.unformatted") == unformatted
    assert [trouble.slug for trouble in found.troubles] == slugs
    assert not unexplained
    if "--write" in line:
        assert ended.records[0].notes == ("`prettier --write` rewrites files; use `prettier --check` in a gate",)


def test_eslint_quiet_hides_nothing_from_the_report(project: Project) -> None:
    project.write({**package(lint="eslint --quiet ."), "a.js": "const unused = 1;\n"})
    project.write({"eslint.config.js": "export default [{ rules: { 'no-unused-vars': 1, 'no-undef': 2 } }];\n"})
    plain, ended = project.run("npm run lint", wrapped=False), project.run("npm run lint")
    assert (ended.exit, ended.stdout) == (plain.exit, plain.stdout)
    found, _ = judged(ended)
    assert (found.value("lint.errors"), found.value("lint.warnings"), found.value("lint.files")) == (0, 1, 2)
    project.write({"b.js": "const other = nope;\n"})
    plain, ended = project.run("npm run lint", wrapped=False), project.run("npm run lint")
    assert (ended.exit, ended.stdout) == (plain.exit, plain.stdout)
    assert "other" not in ended.stdout


@pytest.mark.parametrize(
    "line",
    [
        "{modules}/.bin/eslint .",
        "node {modules}/.bin/eslint .",
        "node --max-old-space-size=512 {modules}/eslint/bin/eslint.js .",
        "npm run --silent lint",
    ],
)
def test_a_tool_called_by_its_path_is_asked_too(project: Project, line: str) -> None:
    modules = next(folder / "node_modules" for folder in project.root.parents if (folder / "node_modules").is_dir())
    line = line.format(modules=os.path.relpath(modules, project.root))
    project.write({**package(lint=f"{os.path.relpath(modules, project.root)}/.bin/eslint ."), "a.js": "nope();\n"})
    project.write({"eslint.config.js": "export default [{ rules: { 'no-undef': 2 } }];\n"})
    plain, ended = project.run(line, wrapped=False), project.run(line)
    assert (ended.exit, ended.stdout, ended.stderr) == (plain.exit, plain.stdout, plain.stderr)
    found, unexplained = judged(ended)
    assert (found.value("lint.errors"), len(ended.records), unexplained) == (1, 1, "")


@pytest.mark.parametrize("style", ["unix-like", "./mine.cjs", "json", "html"])
def test_eslint_formatter_of_the_command_line_is_used(project: Project, style: str) -> None:
    line = f"eslint -f {style} ." if style != "unix-like" else "eslint --format=stylish ."
    project.write({**package(lint=line), "a.js": "nope();\n"})
    project.write({"eslint.config.js": "export default [{ rules: { 'no-undef': 2 } }];\n"})
    project.write({"mine.cjs": "module.exports = (results, context) => `${results.length} in ${context.cwd}`;\n"})
    plain, ended = project.run("npm run --silent lint", wrapped=False), project.run("npm run --silent lint")
    timeless = [text.split("Generated on")[0] for text in (plain.stdout, ended.stdout)]
    assert timeless[0] == timeless[1]
    assert judged(ended)[0].value("lint.errors") == 1


def test_npm_audit_without_a_lockfile_counts_nothing(project: Project) -> None:
    project.write(package(security="npm audit"))
    ended = project.run("npm run security")
    found, unexplained = judged(ended)
    assert ended.exit == 1
    assert "audit This command requires an existing lockfile" in ended.stderr
    assert found.value("vulnerabilities.critical") is None
    (trouble,) = found.troubles
    assert (trouble.slug, unexplained) == ("audit-refused", "")
    assert "ENOLOCK" in trouble.message


PLAYWRIGHT_TEST = """\
import { expect, test } from "@playwright/test";
test("good", async () => {});
test("flaky", async ({}, info) => { expect(info.retry).toBe(1); });
test("bad", async () => { expect(1).toBe(2); });
test.skip("skipped", async () => {});
test("last", async () => {});
"""
PLAYWRIGHT_CONFIG = """\
export default { retries: 1, workers: 1, reporter: [["list"], ["html", { outputFolder: "my-report", open: "never" }]] };
"""


def test_playwright_counts_and_keeps_its_own_folder(project: Project) -> None:
    project.write(
        {**package(e2e="playwright test"), "a.spec.ts": PLAYWRIGHT_TEST, "playwright.config.ts": PLAYWRIGHT_CONFIG}
    )
    ended = project.run("npm run e2e")
    found, unexplained = judged(ended)
    assert counts_of(found) == {
        "total": 5, "passed": 3, "failed": 1, "errored": 0, "skipped": 1, "flaky": 1, "not_run": 0,
    }  # fmt: skip
    assert not unexplained
    assert (project.root / "my-report/index.html").exists()
    assert "1 flaky" in ended.stdout
    assert next(f for f in found.findings if f.severity == "failed").path == "a.spec.ts"


def test_playwright_stopped_early_counts_what_never_ran(project: Project) -> None:
    project.write(
        {
            **package(e2e="playwright test --max-failures=1 --retries=0"),
            "a.spec.ts": PLAYWRIGHT_TEST.replace("flaky", "second"),
        }
    )
    project.write({"playwright.config.ts": PLAYWRIGHT_CONFIG})
    found, _ = judged(project.run("npm run e2e"))
    counts = counts_of(found)
    assert counts["failed"] == 1
    assert counts["not_run"] == 2


def test_json_in_a_fixture_is_what_the_tool_writes_today(project: Project) -> None:
    """The committed fixtures still have the keys that the installed versions write."""
    project.write({**package(test="vitest run"), "a.test.ts": PASSING})
    data = json.loads(project.run("npm test").records[0].reports[0].file.read_text())
    assert {"numTotalTests", "testResults", "success"} <= set(data)


GO = {
    "go.mod": "module example.org/portal\n\ngo 1.19\n",
    "media.go": (
        'package portal\n\nfunc Size(n int) string {\n\tif n > 9 {\n\t\treturn "large"\n\t}\n\treturn "small"\n}\n'
    ),
    "media_test.go": (
        'package portal\n\nimport "testing"\n\nfunc TestSmall(t *testing.T) {\n'
        '\tif Size(1) != "small" {\n\t\tt.Fatal(1)\n\t}\n}\n'
    ),
}


@pytest.mark.skipif(shutil.which("go") is None, reason="no Go here")
@pytest.mark.parametrize("flags", ["-cover", "-coverprofile=c.out", "-covermode count -coverprofile c.out", ""])
def test_go_coverage(project: Project, flags: str) -> None:
    project.write(dict(GO))
    ended = project.run(f"go test -count=1 {flags} ./...", env={"GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"})
    assert ended.exit == 0, ended.stderr
    found, unexplained = judged(ended)
    assert (found.value("tests.passed"), unexplained) == (1, "")
    assert found.value("coverage.statements.pct") == (pytest.approx(200 / 3) if flags else None)
    assert (project.root / "c.out").exists() is ("c.out" in flags)
