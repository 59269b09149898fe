"""status, show, logs, plan, check, explain, doctor, export: commands that only look."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import CHECKLIST, Gonogo, Repository

DOCUMENT = Path(__file__).parents[3] / "shared" / "checklist" / "medianest-staging.md"


def test_status_tells_how_the_last_run_ended(gonogo: Gonogo, repository: Repository) -> None:
    assert gonogo("status").exit == 2
    gonogo("run")
    said = gonogo("status")
    assert said.exit == 0
    assert "  GO  " in said.out
    assert "3 pass" in said.out


def test_show_a_run_and_a_gate(gonogo: Gonogo, repository: Repository) -> None:
    repository.write("count.sh", "echo oops; exit 3\n")
    repository.commit()
    decision = json.loads(gonogo("run", "--format", "json").out)
    whole = gonogo("show", decision["run"])
    assert "NO-GO" in whole.out
    assert whole.out == gonogo("show").out
    one = gonogo("show", "counts").out
    assert "exit == 0" in one
    assert "exit 3" in one
    assert decision["gates"][1]["evidence"][0]["sha256"] in one
    assert "After that" not in one
    assert gonogo("show", "says-hello").exit == 0
    wrong = gonogo("show", "cuonts")
    assert wrong.exit == 2
    assert "did you mean `counts`?" in wrong.err


def test_show_keeps_the_columns_of_findings_apart(gonogo: Gonogo, repository: Repository) -> None:
    call = "{kind: dotenv, template: .env.example, file: .env.staging.example}"
    repository.write(
        "gonogo.yaml",
        CHECKLIST.replace("sh count.sh", call).replace('"exit == 0"]\n  - id', '"parity.missing == 0"]\n  - id'),
    )
    repository.write(".env.example", "A=1\n")
    repository.write(".env.staging.example", "A=changeme\n")
    repository.commit()
    gonogo("run")
    said = gonogo("show", "counts").out
    assert "    placeholder .env.staging.example:1" in said, said


def test_logs_are_the_stored_bytes(gonogo: Gonogo, repository: Repository) -> None:
    repository.write("count.sh", "printf '\\033[31mred\\033[0m\\n'; echo bad >&2; exit 1\n")
    repository.commit()
    gonogo("run")
    said = gonogo("logs", "counts")
    assert said.out == "\x1b[31mred\x1b[0m\nbad\n", "a pipe gets the bytes as they are"
    assert "$ sh count.sh  (exit 1, " in said.err


def test_logs_say_when_evidence_is_gone(gonogo: Gonogo, repository: Repository) -> None:
    decision = json.loads(gonogo("run", "--format", "json").out)
    (repository.root / decision["gates"][0]["evidence"][0]["path"]).unlink()
    said = gonogo("logs", "says-hello")
    assert said.exit == 5
    assert "is gone" in said.err


def test_logs_print_nothing_of_altered_evidence(gonogo: Gonogo, repository: Repository) -> None:
    decision = json.loads(gonogo("run", "--format", "json").out)
    stored = decision["gates"][0]["evidence"][0]["path"]
    (repository.root / stored).write_bytes(b"all is well\n")
    said = gonogo("logs", "says-hello")
    assert (said.exit, said.out) == (5, "")
    assert "was altered" in said.err
    assert stored in said.err


def test_logs_leave_control_characters_out_of_a_terminal(repository: Repository) -> None:
    import os
    import pty

    repository.write("count.sh", "printf '\\033]0;owned\\007one\\n\\033[2Jtwo\\n'\n")
    repository.commit()
    running = repository.started("run")
    running.communicate(timeout=120)
    assert running.returncode == 0
    primary, secondary = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "gonogo", "logs", "counts"],
        cwd=repository.root,
        stdout=secondary,
        stderr=subprocess.PIPE,
    )
    os.close(secondary)
    _, _ = process.communicate(timeout=120)
    told = os.read(primary, 65536)
    os.close(primary)
    assert told == b"one\r\ntwo\r\n"


def test_plan_needs_neither_repository_nor_inputs(
    gonogo: Gonogo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gonogo.yaml").write_text(CHECKLIST.replace("sh hello.sh", '"curl http://<staging>/ --x ${GIT_SHA}"'))
    said = gonogo("plan", "gonogo.yaml", "--format", "json")
    assert said.exit == 0, said.err
    plan = json.loads(said.out)
    gate = plan["phases"][0]["gates"][0]
    keys = {
        "id",
        "title",
        "phase",
        "owners",
        "commands",
        "criteria",
        "questions",
        "evidence",
        "ci_job",
        "cache",
        "optional",
    }
    assert keys <= set(gate)
    assert gate["commands"] == ["curl http://<staging>/ --x ${GIT_SHA}"], "as written"
    assert (gate["id"], gate["owners"], gate["optional"]) == ("says-hello", ["Ada"], False)
    assert [phase["id"] for phase in plan["phases"]] == ["1", "2"]
    assert "staging" in plan["missing_inputs"]
    text = gonogo("plan", "gonogo.yaml").out
    assert "$ curl http://<staging>/ --x ${GIT_SHA}" in text
    assert "a run needs --input staging=VALUE" in text
    assert not (tmp_path / ".gonogo").exists(), "plan writes nothing"


@pytest.mark.skipif(not DOCUMENT.exists(), reason="the shared document is not here")
def test_the_document_has_8_phases_and_26_gates(gonogo: Gonogo) -> None:
    said = gonogo("check", str(DOCUMENT))
    assert said.exit == 0
    assert "8 phases and 26 gates" in said.out
    assert "questions for owners" in said.out
    assert "(or compose `pg_dump`)" in said.out, "what is not understood is listed"


@pytest.mark.skipif(not DOCUMENT.exists(), reason="the shared document is not here")
def test_explain_shows_clause_and_criterion_or_why_not(gonogo: Gonogo) -> None:
    said = gonogo("explain", "--checklist", str(DOCUMENT), "unit-integration-coverage").out
    assert '"lines coverage ≥ 65%"\n    becomes  coverage.lines.pct >= 65\n' in said
    said = gonogo("explain", "--checklist", str(DOCUMENT), "tooling").out
    asked = (
        '"access to secrets store"\n    is a question for the owner: no rule understands this clause; nearest rule: "'
    )
    assert asked in said


def test_check_tells_every_mistake_at_once(gonogo: Gonogo, repository: Repository) -> None:
    repository.write(
        "gonogo.yaml", CHECKLIST.replace("title: Counts", "titel: Counts").replace("output.contains", "ouptut.contains")
    )
    said = gonogo("check")
    assert said.exit == 2
    assert said.err.count("error: ") >= 2
    assert "mistakes" in said.err
    assert "^" in said.err
    assert "gonogo.yaml:10:" in said.err


def test_check_names_commands_that_lead_nowhere(gonogo: Gonogo, repository: Repository) -> None:
    repository.write("package.json", '{"scripts": {"build": "true"}}')
    repository.write("gonogo.yaml", CHECKLIST.replace("sh count.sh", "npm run lint"))
    said = gonogo("check")
    assert said.exit == 0
    assert "commands that lead nowhere here" in said.out
    assert "`npm run lint`" in said.out
    assert "lint" in said.out.split("lead nowhere here")[1].splitlines()[1]


def test_explain_a_gate_of_yaml(gonogo: Gonogo, repository: Repository) -> None:
    said = gonogo("explain", "counts")
    assert said.exit == 0
    assert "  exit == 0\n" in said.out
    assert "sh count.sh" in said.out
    assert "owner: Ben, Cleo" in said.out


def test_explain_observations_and_kinds(gonogo: Gonogo, repository: Repository) -> None:
    one = gonogo("explain", "coverage.lines.pct").out
    assert one.startswith("coverage.lines.pct: double, in %\n")
    assert "parser istanbul" in one
    assert '"lines coverage ≥ 65%"' in one
    assert "`template`" in gonogo("explain", "dotenv").out
    assert "## eslint" in gonogo("explain", "eslint").out
    kinds = gonogo("explain", "--kinds").out
    assert all(word in kinds for word in ("  dotenv ", "  eslint ", "  junit ", "  coverage ", "  markdown "))


def test_doctor_says_what_is_there(gonogo: Gonogo, repository: Repository) -> None:
    said = gonogo("doctor")
    assert said.exit == 0, said.out
    for name in (
        "git",
        "node",
        "npm",
        "docker",
        "compose",
        "chromium",
        "state",
        "disk",
        "clock",
        "ledger",
        "repository",
    ):
        assert f" {name} " in said.out


def test_doctor_says_what_a_missing_thing_means(
    gonogo: Gonogo, repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import shutil

    only_git = tmp_path / "bin"
    only_git.mkdir()
    git = shutil.which("git")
    assert git is not None
    (only_git / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(only_git))
    said = gonogo("doctor")
    assert said.exit == 0
    assert "! missing  npm         gates that run npm scripts are ERROR" in said.out


def test_doctor_finds_altered_and_missing_evidence(gonogo: Gonogo, repository: Repository) -> None:
    decision = json.loads(gonogo("run", "--format", "json").out)
    assert "each as it was stored" in gonogo("doctor").out
    altered, missing = (decision["gates"][at]["evidence"][0] for at in (0, 1))
    (repository.root / altered["path"]).write_bytes(b"all is well\n")
    (repository.root / missing["path"]).unlink()
    said = gonogo("doctor")
    assert said.exit == 5
    told = " ".join(said.out.split())
    assert f"evidence `{altered['sha256']}` was altered" in told
    assert f"evidence `{missing['sha256']}` is missing" in told


def test_doctor_finds_an_altered_ledger(gonogo: Gonogo, repository: Repository) -> None:
    import sqlite3

    gonogo("run")
    assert gonogo("doctor").exit == 0
    database = sqlite3.connect(repository.root / ".gonogo/state/ledger.db")
    for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        database.execute(f"DROP TRIGGER {trigger}")
    database.execute("UPDATE events SET data = '{}' WHERE seq = 2")
    database.commit()
    database.close()
    said = gonogo("doctor")
    assert said.exit == 5
    assert "was altered" in said.out


@pytest.mark.parametrize("form", ["yaml", "markdown"])
def test_export_gives_a_checklist_that_loads(gonogo: Gonogo, repository: Repository, form: str) -> None:
    said = gonogo("export", "--to", form)
    assert said.exit == 0, said.err
    name = {"yaml": "out.yaml", "markdown": "out.md"}[form]
    repository.write(name, said.out)
    plans = [json.loads(gonogo("plan", path, "--format", "json").out) for path in ("gonogo.yaml", name)]
    assert plans[0]["phases"] == plans[1]["phases"]


def test_schema_of_the_checklist_is_json(gonogo: Gonogo) -> None:
    assert json.loads(gonogo("schema").out)["$schema"].startswith("https://json-schema.org/")
