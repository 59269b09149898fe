from __future__ import annotations

import json
import subprocess
import sys

import jsonschema
import pytest

from gonogo.outputs.json import schema
from tests.cli.conftest import CHECKLIST, Gonogo, Repository


def test_go_is_0_and_the_report_is_on_stdout(gonogo: Gonogo, repository: Repository) -> None:
    said = gonogo("run")
    assert said.exit == 0, said.err
    assert "  GO  " in said.out
    assert "pass     says-hello" in said.err
    assert "\x1b" not in said.out + said.err


def test_no_go_is_1_and_tells_distance_owner_and_command(gonogo: Gonogo, repository: Repository) -> None:
    repository.write("count.sh", "echo one; exit 3\n")
    repository.commit()
    said = gonogo("run")
    assert said.exit == 1
    for words in ("NO-GO", "exit 3, needs 0", "Ben, Cleo", "gonogo run --gate counts", ".gonogo/state/evidence/"):
        assert words in said.out
    assert "phase 1 did not hold" in said.out


def test_a_dirty_tree_is_hold_3_unless_it_is_allowed(gonogo: Gonogo, repository: Repository) -> None:
    repository.write("new.txt", "x")
    said = gonogo("run")
    assert said.exit == 3
    assert "`new.txt`" in said.out
    assert gonogo("run", "--allow-dirty").exit == 0


def test_json_on_stdout_is_the_decision_and_nothing_else(gonogo: Gonogo, repository: Repository) -> None:
    said = gonogo("run", "--format", "json")
    decision = json.loads(said.out)
    jsonschema.validate(decision, schema())
    assert (decision["decision"], decision["exit_code"], said.exit) == ("GO", 0, 0)
    published = json.loads(gonogo("schema", "decision").out)
    jsonschema.validate(decision, published)
    evidence = decision["gates"][0]["evidence"][0]
    stored = (repository.root / evidence["path"]).read_bytes()
    assert stored == b"hello\n"


def test_output_goes_to_a_file(gonogo: Gonogo, repository: Repository) -> None:
    said = gonogo("run", "--format", "junit", "--output", "../junit.xml")
    assert (said.exit, said.out) == (0, "")
    assert (repository.root.parent / "junit.xml").read_text().startswith("<?xml")
    assert "wrote ../junit.xml" in said.err


def test_an_output_that_cannot_be_written_is_told(gonogo: Gonogo, repository: Repository) -> None:
    said = gonogo("report", "--output", "no/such/place") if gonogo("run").exit == 0 else None
    assert said is not None
    assert said.exit == 2
    assert "cannot write `no/such/place`" in said.err


def test_one_gate_alone_leaves_the_decision_open(gonogo: Gonogo, repository: Repository) -> None:
    said = gonogo("run", "--gate", "says-hello", "--format", "json")
    outcomes = {g["id"]: g["outcome"] for g in json.loads(said.out)["gates"]}
    assert outcomes == {"says-hello": "PASS", "counts": "NOT_RUN", "after-that": "NOT_RUN"}
    assert said.exit == 3


def test_an_unknown_gate_is_told_with_the_nearest(gonogo: Gonogo, repository: Repository) -> None:
    said = gonogo("run", "--gate", "say-hello")
    assert said.exit == 2
    assert "did you mean `says-hello`?" in said.err


def test_a_missing_input_is_told_before_anything_starts(gonogo: Gonogo, repository: Repository) -> None:
    repository.write("gonogo.yaml", CHECKLIST.replace("sh hello.sh", '"echo hello <staging> ${COLOUR}"'))
    repository.commit()
    said = gonogo("run")
    assert said.exit == 2
    assert "add `--input staging=VALUE`" in said.err
    assert "add `--input COLOUR=VALUE`" in said.err
    assert not (repository.root / ".gonogo/state/ledger.db").exists()
    assert gonogo("run", "--input", "staging=a.test", "--input", "COLOUR=red").exit == 0
    assert "a.test red" in gonogo("logs", "says-hello").out


@pytest.mark.parametrize("form", ["text", "markdown", "json", "junit"])
def test_report_renders_the_last_run_again(gonogo: Gonogo, repository: Repository, form: str) -> None:
    first = gonogo("run", "--format", form)
    assert gonogo("report", "--format", form).out == first.out


def test_keep_going_looks_at_later_phases(gonogo: Gonogo, repository: Repository) -> None:
    repository.write("count.sh", "exit 1\n")
    repository.commit()
    said = gonogo("run", "--keep-going", "--format", "json")
    assert {g["id"]: g["outcome"] for g in json.loads(said.out)["gates"]}["after-that"] == "PASS"
    assert said.exit == 1


LOUD = """\
echo starting
printf 'pass''word=hunter2secret9\\n'
printf '\\033[31mError: cannot find module x\\033[0m\\n' >&2
exit 2
"""


def test_a_red_gate_that_is_judged_by_its_exit_code_shows_what_it_printed(
    gonogo: Gonogo, repository: Repository
) -> None:
    repository.write("count.sh", LOUD)
    repository.commit()
    assert gonogo("run").exit == 1
    for kind in ("text", "markdown", "html"):
        told = gonogo("report", "--format", kind).out
        assert "Error: cannot find module x" in told, kind
        assert "\x1b" not in told
        assert "hunter2secret9" not in told
    shown = gonogo("show", "counts").out
    gap = " " * 13
    assert f"    printed  starting\n{gap}password=[redacted]\n{gap}Error: cannot find module x\n" in shown
    for blob in (repository.root / ".gonogo/state/evidence").glob("??/*"):
        blob.unlink()
    assert "printed" not in gonogo("show", "counts").out, "what is not kept any more is left out"


def test_a_green_gate_shows_nothing_of_its_output(gonogo: Gonogo, repository: Repository) -> None:
    assert "printed" not in gonogo("run").out


def test_a_run_imports_what_it_uses_and_no_more(repository: Repository) -> None:
    code = """
import sys
from gonogo.cli.main import run
assert run(["run"]) == 0
unwanted = {"ruamel.yaml", "pydantic", "cryptography", "jinja2", "rich", "importlib.metadata"}
unwanted |= {"gonogo.probes.git", "gonogo.outputs.html", "gonogo.checklist.export"}
assert not unwanted & set(sys.modules), unwanted & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], cwd=repository.root, check=True, capture_output=True)
