"""Ways to talk a gate into green, on the example project; none works. Numbered as in docs/false-greens.md."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import GONOGO, AdvisoryDouble, Finished, Project, sh

NO_GO, BAD_INPUT, HOLD = 1, 2, 3


def gate(title: str, commands: str, criteria: str, more: str = "") -> str:
    """One gate of a YAML checklist; `more` is further fields as a flow mapping's inside."""
    tail = f", {more}" if more else ""
    return f"      - {{title: {title}, owners: [Backend], commands: [{commands}], criteria: [{criteria}]{tail}}}\n"


def assert_stopped(run: Finished, gate_id: str, outcome: str, exit_code: int, *words: str) -> None:
    """The gate's outcome, the decision that goes with the exit code, and the words that a person is told."""
    assert run.outcome(gate_id) == outcome, run.everything
    assert run.exit == exit_code, run.everything
    assert run.json["decision"] == {NO_GO: "NO-GO", HOLD: "HOLD"}[exit_code]
    told = json.dumps(run.gate(gate_id), ensure_ascii=False) + run.stderr
    for word in words:
        assert word in told, f"{word!r} is not in {told}"


VITEST = '"npx vitest run --root only"'


def vitest_apart(project: Project) -> None:
    """A configuration of its own for `only/`, so that the project's own list of tests has no say."""
    project.write("only/vitest.config.ts", "export default { test: { include: ['**/*.test.ts'] } };\n")


TESTS = '"tests.failed == 0", "tests.errored == 0", "tests.not_run == 0", "tests.passed > 0"'


def test_01_a_verify_script_prints_a_cross_and_exits_0(project: Project) -> None:
    project.write("verify.sh", "echo 'Backend ✅'\necho 'Frontend ❌'\nexit 0\n")
    project.checklist(gate("Build", '"sh verify.sh"', "'output.marked(\"Backend\")', 'output.marked(\"Frontend\")'"))
    run = project.run()
    assert_stopped(run, "build", "FAIL", NO_GO, "Frontend")
    outcomes = {j["criterion"]: j["outcome"] for j in run.gate("build")["judgements"]}
    assert outcomes == {'output.marked("Backend")': "PASS", 'output.marked("Frontend")': "FAIL"}


JUNIT = '<testsuites><testsuite name="a" tests="1"><testcase classname="a" name="b"/></testsuite></testsuites>'


def test_02_yesterdays_report_is_no_evidence(project: Project) -> None:
    project.write(".git/info/exclude", "out/\n")
    report = project.write("out/junit.xml", JUNIT)
    project.checklist(gate("Tests", "{run: 'true', reports: [{path: out/junit.xml}]}", TESTS))
    assert_stopped(project.run(), "tests", "STALE", HOLD, "out/junit.xml")
    assert report.read_text() == JUNIT, "what was moved aside is put back"


def test_02_the_same_report_written_anew_is_evidence(project: Project) -> None:
    project.write(".git/info/exclude", "out/\n")
    project.write("out/junit.xml", JUNIT)
    project.write("write.sh", f"mkdir -p out && echo '{JUNIT}' > out/junit.xml\n")
    project.checklist(gate("Tests", "{run: sh write.sh, reports: [{path: out/junit.xml}]}", TESTS))
    run = project.run()
    assert (run.outcome("tests"), run.json["decision"], run.exit) == ("PASS", "GO", 0), run.everything


def test_03_a_committed_report_is_stale(project: Project) -> None:
    project.write("out/junit.xml", JUNIT)
    project.checklist(gate("Tests", "{run: 'true', reports: [{path: out/junit.xml}]}", TESTS))
    assert_stopped(project.run(), "tests", "STALE", HOLD, "out/junit.xml")


def test_03_a_committed_report_that_is_rewritten_is_a_changed_file(project: Project) -> None:
    project.write("out/junit.xml", JUNIT)
    project.write("write.sh", f"mkdir -p out && echo '<!-- new -->{JUNIT}' > out/junit.xml\n")
    project.checklist(gate("Tests", "{run: sh write.sh, reports: [{path: out/junit.xml}]}", TESTS))
    assert_stopped(project.run(), "tests", "FAIL", NO_GO, "out/junit.xml", "must not change what it checks")


def test_04_zero_tests_run_and_exit_0(project: Project) -> None:
    project.checklist(gate("Tests", '"npx vitest run --passWithNoTests nothing-is-called-this"', TESTS))
    assert_stopped(project.run(), "tests", "UNKNOWN", HOLD)


def test_05_all_tests_are_skipped(project: Project) -> None:
    vitest_apart(project)
    project.write(
        "only/skipped.test.ts", "import { it } from 'vitest';\nit.skip('one', () => {});\nit.skip('two', () => {});\n"
    )
    project.checklist(gate("Tests", VITEST, TESTS))
    assert_stopped(project.run(), "tests", "UNKNOWN", HOLD, "2 skipped")


def test_06_a_test_file_that_fails_to_import(project: Project) -> None:
    vitest_apart(project)
    project.write("only/good.test.ts", "import { it } from 'vitest';\nit('one', () => {});\n")
    project.write("only/bad.test.ts", "import './not-there';\nimport { it } from 'vitest';\nit('two', () => {});\n")
    project.checklist(gate("Tests", VITEST, TESTS))
    run = project.run()
    assert_stopped(run, "tests", "FAIL", NO_GO, "bad.test.ts")
    outcomes = {j["criterion"]: j["outcome"] for j in run.gate("tests")["judgements"]}
    assert outcomes["tests.failed == 0"] == "PASS"
    assert outcomes["tests.errored == 0"] == "FAIL"


def coverage_checklist(project: Project, pct: str, covered: int, total: int) -> None:
    part = f'{{"total": {total}, "covered": {covered}, "skipped": 0, "pct": {pct}}}'
    parts = ", ".join(f'"{name}": {part}' for name in ("lines", "statements", "functions", "branches"))
    project.write(".git/info/exclude", "out/\n")
    summary = f'{{"total": {{{parts}}}, "/x/a.ts": {{{parts}}}}}'
    project.write("cover.sh", f"mkdir -p out\ncat > out/c.json <<'X'\n{summary}\nX\n")
    project.checklist(
        gate("Coverage", "{run: sh cover.sh, reports: [{path: out/c.json}]}", '"coverage.lines.pct >= 65"')
    )


def test_07_coverage_just_below_the_bound(project: Project) -> None:
    coverage_checklist(project, "64.99", 6499, 10000)
    assert_stopped(project.run(), "coverage", "FAIL", NO_GO, "64.99 %", "65 %", "1 line")


def test_07_coverage_that_says_unknown(project: Project) -> None:
    coverage_checklist(project, '"Unknown"', 0, 0)
    assert_stopped(project.run(), "coverage", "UNKNOWN", HOLD)


def test_07_coverage_over_an_absurd_scope_shows_its_scope(project: Project) -> None:
    coverage_checklist(project, "100", 3, 3)
    run = project.run()
    assert run.outcome("coverage") == "PASS"
    told = json.dumps(run.gate("coverage"), ensure_ascii=False)
    assert "1 file" in told
    assert "3 lines" in told


AUDIT = '"vulnerabilities.critical == 0", "vulnerabilities.high == 0"'


def test_08_the_advisory_service_answers_with_an_error(project: Project, advisory_double: AdvisoryDouble) -> None:
    project.checklist(gate("Security", '"npm audit"', AUDIT))
    run = project.run(env=advisory_double(405, {}))
    assert_stopped(run, "security", "UNKNOWN", HOLD, "405")


def test_08_no_lock_file(project: Project, advisory_double: AdvisoryDouble) -> None:
    project.write("bare/package.json", '{"name": "bare", "version": "1.0.0", "dependencies": {"left-pad": "1.3.0"}}')
    project.checklist(gate("Security", "{run: npm audit --workspaces=false, cwd: bare}", AUDIT))
    run = project.run(env=advisory_double(200, {}))
    assert_stopped(run, "security", "UNKNOWN", HOLD, "lock")


def test_08_a_real_answer_with_a_high_finding_is_red(project: Project, advisory_double: AdvisoryDouble) -> None:
    advisory = {
        "id": 1234567, "url": "https://example.org/advisory", "title": "a hole", "severity": "high",
        "vulnerable_versions": "*", "cwe": [], "cvss": {"score": 7.5, "vectorString": None},
    }  # fmt: skip
    project.checklist(gate("Security", '"npm audit"', AUDIT))
    run = project.run(env=advisory_double(200, {"express": [advisory]}))
    assert_stopped(run, "security", "FAIL", NO_GO, "express")


def test_08_a_real_answer_with_nothing_found_is_green(project: Project, advisory_double: AdvisoryDouble) -> None:
    project.checklist(gate("Security", '"npm audit"', AUDIT))
    run = project.run(env=advisory_double(200, {}))
    assert (run.outcome("security"), run.json["decision"], run.exit) == ("PASS", "GO", 0), run.everything


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("npm run not-a-script", ("not-a-script", "script")),
        ("not-a-binary-anywhere --check", ("not-a-binary-anywhere",)),
        ("sh scripts/not-a-file.sh", ("scripts/not-a-file.sh",)),
    ],
)
def test_09_missing_script_binary_and_file_have_reasons_of_their_own(
    project: Project, command: str, words: tuple[str, ...]
) -> None:
    project.checklist(gate("Missing", f'"{command}"', '"lint.errors == 0"'))
    assert_stopped(project.run(), "missing", "ERROR", HOLD, *words)


def test_09_where_nothing_ran_even_an_exit_code_criterion_is_an_error(project: Project) -> None:
    project.checklist(gate("Missing", '"sh -c not-a-binary-anywhere"', '"exit == 0"'))
    assert_stopped(project.run(), "missing", "ERROR", HOLD, "not-a-binary-anywhere")


def test_09_the_three_reasons_differ(project: Project) -> None:
    commands = ("npm run not-a-script", "not-a-binary-anywhere", "sh scripts/not-a-file.sh")
    project.checklist("".join(gate(f"M{n}", f'"{c}"', '"lint.errors == 0"') for n, c in enumerate(commands)))
    run = project.run()
    slugs = [run.gate(f"m{n}")["troubles"][0]["slug"] for n in range(3)]
    assert len(set(slugs)) == 3, slugs


def test_10_lint_crashed_before_it_linted_anything(project: Project) -> None:
    project.write("only/eslint.config.js", "throw new Error('no config today');\n")
    project.write("only/a.js", "export const a = 1;\n")
    project.checklist(gate("Lint", '"cd only && npx eslint ."', '"lint.errors == 0"'))
    assert_stopped(project.run(), "lint", "ERROR", HOLD)


def test_11_a_gate_that_rewrites_what_it_checks(project: Project) -> None:
    project.write("only/ugly.ts", "export   const a   = 1\n")
    project.checklist(gate("Format", '"npx prettier --write only/ugly.ts"', '"exit == 0"'))
    run = project.run()
    assert_stopped(run, "format", "FAIL", NO_GO, "only/ugly.ts", "must not change what it checks")


DOTENV = "{kind: dotenv, template: a.env.example, file: b.env.example}"


def test_12_one_key_is_missing(project: Project) -> None:
    project.write("a.env.example", "ONE=1\nTWO=2\n")
    project.write("b.env.example", "ONE=1\n")
    project.checklist(gate("Env", DOTENV, '"parity.missing == 0"'))
    assert_stopped(project.run(), "env", "FAIL", NO_GO, "TWO")


def test_12_only_placeholders(project: Project) -> None:
    project.write("a.env.example", "ONE=x\n")
    project.write("b.env.example", "ONE=<generate-a-secret>\n")
    project.checklist(gate("Env", DOTENV, '"parity.missing == 0", "placeholders == 0"'))
    assert_stopped(project.run(), "env", "FAIL", NO_GO, "ONE")


def test_12_the_raw_diff_differs_but_parity_holds(project: Project) -> None:
    project.write("a.env.example", "# one\nONE=1\nTWO=2\n")
    project.write("b.env.example", "TWO=zwei\n\nexport ONE='eins'\n")
    project.checklist(gate("Env", DOTENV, '"parity.missing == 0"'))
    run = project.run()
    assert (run.outcome("env"), run.exit) == ("PASS", 0), run.everything


def test_13_a_bad_commit_message(project: Project) -> None:
    project.commit("it works now")
    project.checklist(gate("Branch", "{kind: git}", '"commits.nonconforming == 0"'))
    assert_stopped(project.run(), "branch", "FAIL", NO_GO, "it works now")


def test_13_hooks_that_are_files_but_not_active(project: Project) -> None:
    sh("git", "config", "--unset", "core.hooksPath", cwd=project.root)
    project.checklist(gate("Branch", "{kind: git}", '"hooks.active"'))
    assert_stopped(project.run(), "branch", "FAIL", NO_GO)


def test_13_active_hooks_are_green(project: Project) -> None:
    project.checklist(gate("Branch", "{kind: git}", '"hooks.active"'))
    run = project.run()
    assert (run.outcome("branch"), run.exit) == ("PASS", 0), run.everything


SENTINEL = "s3ntinel-Xq7-Vb29-keep-me-out"


def test_14_a_secret_split_across_two_writes_is_in_no_file(project: Project) -> None:
    project.write(".git/info/exclude", ".env.staging\n")
    project.write(".env.staging", f"JWT_SECRET={SENTINEL}\n")
    half = len(SENTINEL) // 2
    project.write(
        "leak.sh",
        f"printf '%s' 'token {SENTINEL[:half]}'; sleep 0.3; printf '%s\\n' '{SENTINEL[half:]}'\n"
        f"printf '%s' '{SENTINEL}' | base64\nprintf '%s' '{SENTINEL}' >&2\n",
    )
    project.checklist(
        gate("Leak", "sh leak.sh", '"exit == 0"'), head="input_files: [.env.staging]\nsecret_files: [.env.staging]\n"
    )
    run = project.run()
    assert run.outcome("leak") == "PASS", run.everything
    assert SENTINEL not in run.everything
    for file in (project.root / ".gonogo").rglob("*"):
        if file.is_file():
            held = file.read_bytes()
            assert SENTINEL.encode() not in held, file
            assert SENTINEL[:half].encode() not in held, file


def test_15_a_timeout_takes_the_grandchildren_along(project: Project, tmp_path: Path) -> None:
    pid_file = tmp_path / "grandchild.pid"
    project.write("hang.sh", f"sh -c 'echo $$ > {pid_file}; trap \"\" TERM; while :; do sleep 1; done' &\nwait\n")
    project.checklist(gate("Hang", "sh hang.sh", '"exit == 0"', "timeout: 2s"))
    run = project.run()
    assert_stopped(run, "hang", "ERROR", HOLD, "2 s")
    pid = int(pid_file.read_text())
    assert not Path(f"/proc/{pid}").exists() or "Z (zombie)" in Path(f"/proc/{pid}/status").read_text()


def test_16_much_output_one_endless_line_and_not_utf8(project: Project) -> None:
    project.write("much.sh", "head -c 300000000 /dev/zero | tr '\\0' 'a'\nprintf '\\n\\377\\376\\000 end\\n'\n")
    project.checklist(gate("Much", "sh much.sh", '"exit == 0"'))
    run = project.run()
    assert (run.outcome("much"), run.exit) == ("PASS", 0), run.everything[-2000:]
    stored = sum(f.stat().st_size for f in (project.root / ".gonogo").rglob("*") if f.is_file())
    assert stored < 50_000_000


def test_17_kill_9_in_the_middle_of_a_gate_then_resume(project: Project, tmp_path: Path) -> None:
    count, go = tmp_path / "first-ran", tmp_path / "go"
    project.write("first.sh", f"echo x >> {count}\n")
    project.write("second.sh", f"touch {tmp_path}/second-started\nwhile [ ! -e {go} ]; do sleep 0.1; done\n")
    project.checklist(
        gate("First", "sh first.sh", '"exit == 0"') + gate("Second", "sh second.sh", '"exit == 0"', "needs: [first]")
    )
    process = subprocess.Popen(
        [str(GONOGO), "run", "e2e.yaml"], cwd=project.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "second-started").exists():
        assert time.monotonic() < deadline, "the second gate never started"
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    go.touch()
    run = project.gonogo("run", "--resume", "--format", "json")
    assert (run.outcome("first"), run.outcome("second"), run.exit) == ("PASS", "PASS", 0), run.everything
    assert count.read_text() == "x\n", "a finished gate is not run again"


def test_18_vitest_stopped_early_by_bail(project: Project) -> None:
    vitest_apart(project)
    for n in range(4):
        body = "throw new Error('red')" if n == 0 else "1"
        project.write(
            f"only/t{n}.test.ts",
            f"import {{ it }} from 'vitest';\nit('a{n}', () => {{ {body}; }});\nit('b{n}', () => {{}});\n",
        )
    project.checklist(gate("Tests", '"npx vitest run --root only --bail 1 --no-file-parallelism"', TESTS))
    run = project.run()
    assert_stopped(run, "tests", "FAIL", NO_GO)
    outcomes = {j["criterion"]: j["outcome"] for j in run.gate("tests")["judgements"]}
    assert outcomes["tests.not_run == 0"] != "PASS"


def test_19_a_pipe_that_hides_a_failure(project: Project) -> None:
    project.checklist(gate("Vet", "\"sh -c 'exit 3' | cat\"", '"exit == 0"'))
    assert_stopped(project.run(), "vet", "FAIL", NO_GO, "exit 3")


def test_19_a_tool_whose_failure_is_swallowed(project: Project) -> None:
    project.write("only/eslint.config.js", "export default [{ rules: { 'no-undef': 'error' } }];\n")
    project.write("only/a.js", "nobody();\n")
    project.checklist(gate("Lint", '"cd only && npx eslint . || true"', '"exit == 0"'))
    assert_stopped(project.run(), "lint", "FAIL", NO_GO, "hid it")
