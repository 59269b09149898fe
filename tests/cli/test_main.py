from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gonogo import __version__
from gonogo.cli.main import COMMANDS
from tests.cli.conftest import Gonogo, Repository

HEAVY = (
    "pydantic",
    "rich",
    "celpy",
    "lark",
    "yaml",
    "httpx2",
    "markdown_it",
    "sqlite3",
    "gonogo.plugins",
    "gonogo.model",
)


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from gonogo.cli.main import run; code = run(['--help']); "
        f"print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    assert "Run a release-readiness checklist" in done.stdout


def test_help_names_every_command(gonogo: Gonogo) -> None:
    said = gonogo("--help")
    assert said.exit == 0
    assert all(re.search(rf"^  {name} ", said.out, re.MULTILINE) for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(gonogo: Gonogo, name: str) -> None:
    said = gonogo(name, "--help")
    assert said.exit == 0, said.err
    assert said.out.startswith(f"Usage: gonogo {name}")


def test_version(gonogo: Gonogo) -> None:
    assert gonogo("--version").out == f"gonogo {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["statsu"], "did you mean `gonogo status`?"),
        (["run", "--jobs", "0"], "run `gonogo run --help`"),
        (["run", "--time-budget", "soon"], "such as `90s`"),
        (["run", "--input", "GIT_SHA"], "say `--input GIT_SHA=VALUE`"),
        (["run", "--resume", "", "gonogo.yaml"], "--resume goes on with a run as it was planned"),
        (["report", "--format", "jsn"], "use `json`"),
        (["explain", "coverage.line.pct"], "did you mean `coverage.lines.pct`?"),
        (["check", "nowhere.yaml"], "nowhere.yaml"),
        (["logs", "counts"], "run `gonogo run`"),
    ],
)
def test_bad_usage_is_2_and_says_what_to_do(
    gonogo: Gonogo, repository: Repository, arguments: list[str], told: str
) -> None:
    said = gonogo(*arguments)
    assert said.exit == 2
    assert told in said.err
    assert said.err.startswith("error: ")
    assert said.out == ""
    assert not list(repository.root.glob(".gonogo/state/*.db")), "nothing has started"


def test_outside_a_repository_run_is_bad_input(gonogo: Gonogo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = gonogo("run")
    assert (said.exit, said.out) == (2, "")
    assert "[no-repository]" in said.err


def test_a_bug_is_70_and_its_report_holds_no_secret(
    gonogo: Gonogo, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    repository.write(
        ".gonogo/plugins/boom.py",
        "from gonogo.plugins import output\n"
        "@output('boom', media_type='text/plain')\n"
        "def boom(view):\n    '''Break.'''\n    raise RuntimeError('the token is hunter2-s3cret')\n",
    )
    repository.commit()
    assert gonogo("run").exit == 0
    said = gonogo("report", "--format", "boom", "--output", "hunter2-s3cret")
    assert said.exit == 70
    report = Path(re.search(r"what happened is in (\S+)", said.err)[1])  # type: ignore[index]
    text = report.read_text()
    assert report.stat().st_mode & 0o777 == 0o600
    assert "attach that file" in said.err
    assert "builtins.RuntimeError" in text
    assert "plugins/boom.py:5 in boom" in text
    assert "hunter2" not in text.replace("raise RuntimeError('the token is hunter2-s3cret')", "")
    assert "hunter2" not in said.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run_in_order_and_it_can_be_resumed(repository: Repository, number: int, code: int) -> None:
    repository.write("count.sh", "test -f go && exit 0; touch started; sleep 60\n")
    repository.write(".gitignore", "started\ngo\n")
    repository.commit()
    process = repository.started("run")
    assert process.stderr is not None
    said = iter(process.stderr.readline, "")
    assert any(line.startswith("pass     says-hello") for line in said), "it ends while the other still runs"
    deadline = time.monotonic() + 60
    while not (repository.root / "started").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    assert "go on with: gonogo run --resume" in out
    (repository.root / "go").touch()
    again = repository.started("run", "--resume")
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert "start    says-hello" not in err, "a finished gate is not repeated"
    assert "GO" in out


def test_a_reader_that_has_gone_is_no_failure(repository: Repository) -> None:
    process = repository.started("plan", "--format", "json")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.wait(timeout=120)
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.returncode == 0
