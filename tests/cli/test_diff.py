from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Gonogo, Repository

LOCK = '{{"lockfileVersion": 3, "packages": {{"": {{}}, "node_modules/typescript": {{"version": "{}"}}}}}}'
REPORT = '[{{"filePath": "a.js", "messages": [{}], "errorCount": {}, "warningCount": 0}}]'
MESSAGE = '{"ruleId": "eqeqeq", "severity": 2, "message": "Expected ===", "line": 3, "column": 5}'
CHECKLIST = """\
gonogo: 1
title: A linted thing
phases:
  - id: "1"
    title: Look
    gates:
      - title: Lint
        owners: [Ada]
        commands: [{run: sh lint.sh, reports: [{path: eslint.json, parser: eslint_json}]}]
        criteria: ["lint.errors == 0"]
      - title: Hello
        owners: [Ada]
        commands: [sh hello.sh]
        criteria: ["exit == 0"]
"""


def two_runs(repository: Repository, gonogo: Gonogo) -> None:
    """Green, then red: a commit brings one lint error."""
    repository.write("gonogo.yaml", CHECKLIST)
    repository.write(".gitignore", "eslint.json\n")
    repository.write("lint.sh", f"echo '{REPORT.format('', 0)}' > eslint.json\n")
    repository.commit()
    assert gonogo("run").exit == 0
    repository.write("lint.sh", f"echo '{REPORT.format(MESSAGE, 1)}' > eslint.json\n")
    repository.write("a.js", "\n\nif (a == b) {}\n")
    repository.commit("feat: compare")
    assert gonogo("run").exit == 1


def test_it_tells_what_changed_by_how_much_and_why(repository: Repository, gonogo: Gonogo) -> None:
    two_runs(repository, gonogo)
    said = gonogo("diff")
    assert said.exit == 0
    lines = [line.strip() for line in said.out.splitlines()]
    assert lines[0].startswith("from GO")
    assert lines[1].startswith("to   NO-GO")
    at = lines.index("Further from GO")
    assert lines[at + 1] == "✓ pass → ✗ FAIL  Lint"
    assert lines[at + 2].startswith("lint.errors == 0: 0 → 1 (+1, worse)")
    assert "a.js:3:5  Expected ===" in said.out
    assert any(line.startswith("because  commit ") and line.endswith("in a.js") for line in lines)
    assert lines[-1] == "1 gate changed, 1 did not"


def test_json_is_the_same_as_data(repository: Repository, gonogo: Gonogo, tmp_path: Path) -> None:
    two_runs(repository, gonogo)
    found = json.loads(gonogo("diff", "--format", "json").out)
    assert found["format"] == "gonogo.diff/1"
    assert (found["before"]["decision"], found["after"]["decision"]) == ("GO", "NO-GO")
    (change,) = found["changes"]
    assert (change["gate"], change["before"], change["after"]) == ("lint", "PASS", "FAIL")
    assert change["measures"][0]["change"] == "+1"
    assert change["causes"][0]["kind"] == "commit"
    file = tmp_path / "diff.json"
    assert gonogo("diff", "--format", "json", "-o", str(file)).out == ""
    assert json.loads(file.read_text()) == found


def test_runs_are_named_by_their_beginnings_in_either_order(repository: Repository, gonogo: Gonogo) -> None:
    two_runs(repository, gonogo)
    runs = json.loads(gonogo("diff", "--format", "json").out)
    old, new = runs["before"]["run"], runs["after"]["run"]
    back = json.loads(gonogo("diff", new, old, "--format", "json").out)
    assert back["changes"][0]["direction"] == "better"
    same = gonogo("diff", old, old)
    assert "nothing that the two runs recorded differs" in same.out
    assert "0 gates changed, 2 did not" in same.out
    assert gonogo("diff", old).out == gonogo("diff", old, new).out


def test_one_run_or_an_unknown_one_is_told(repository: Repository, gonogo: Gonogo) -> None:
    assert gonogo("run").exit == 0
    said = gonogo("diff")
    assert said.exit == 2
    assert "there is only one run here" in said.err
    assert gonogo("diff", "nonsense", "nonsense").exit == 2


def test_a_commit_that_is_gone_leaves_the_comparison_standing(repository: Repository, gonogo: Gonogo) -> None:
    two_runs(repository, gonogo)
    repository.git("reset", "-q", "--soft", "HEAD~2")
    repository.git("reflog", "expire", "--expire=now", "--all")
    repository.git("gc", "-q", "--prune=now")
    said = gonogo("diff")
    assert said.exit == 0
    assert "✓ pass → ✗ FAIL  Lint" in said.out
    assert "because  commit" in said.out


def test_the_lock_file_tells_the_version_of_the_tool(repository: Repository, gonogo: Gonogo) -> None:
    written = "{run: sh lint.sh, reports: [{path: eslint.json, parser: eslint_json}]}"
    checklist = CHECKLIST.replace(written, "{run: npx --no-install tsc --noEmit}").replace(
        "lint.errors", "types.errors"
    )
    repository.write("gonogo.yaml", checklist)
    repository.write("node_modules/.bin/tsc", "#!/bin/sh\n# stands for tsc\ncat tsc.out; exit $(cat tsc.exit)\n")
    (repository.root / "node_modules/.bin/tsc").chmod(0o755)
    repository.write(".gitignore", "node_modules\n")
    repository.write("package.json", '{"name": "x", "private": true}\n')
    for version, error, code in (("5.8.0", "", 0), ("5.9.0", "a.ts(3,5): error TS2304: Cannot find name 'b'.\n", 1)):
        repository.write("package-lock.json", LOCK.format(version))
        repository.write("tsc.out", f"{error}Files:  12\n")
        repository.write("tsc.exit", str(code))
        repository.commit()
        assert gonogo("run").exit == code
    assert "because  tsc 5.8.0 → 5.9.0" in gonogo("diff").out
