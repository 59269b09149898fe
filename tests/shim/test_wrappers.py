"""The wrappers that stand before the real tools: reports appear, and nothing else changes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gonogo import plugins, shim
from gonogo.model.outcome import Outcome
from tests.npm_project import Project, npm_project, uncoloured  # noqa: F401 - the fixture `project`

TOOLS = plugins.builtin(("tools",)).tools
ESLINT_CONFIG = 'export default [{ rules: { "no-undef": 2, "no-unused-vars": 1 } }];\n'


def linted(scripts: dict[str, object] | None = None) -> dict[str, str | dict[str, object]]:
    """A package with one error and one warning."""
    return {
        "package.json": {"name": "x", "private": True, "type": "module", "scripts": scripts or {"lint": "eslint ."}},
        "eslint.config.js": ESLINT_CONFIG,
        "a.js": "const unused = 1;\nnope();\n",
    }


def body(record: shim.Record, at: int = 0) -> str:
    return record.reports[at].file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "line",
    [
        "eslint .",
        "npm run lint",
        "cd . && npm run lint",
        "npx eslint .",
        "npm exec -- eslint .",
        "npm run nested",
        "npm run deeper",
        "sh -c 'npm run --silent lint'",
        "(npm run lint)",
        "CI=1 npm run lint",
    ],
)
def test_report_appears_however_the_tool_is_called(project: Project, line: str) -> None:
    scripts: dict[str, object] = {
        "lint": "eslint .",
        "nested": "npm run lint",
        "deeper": "npm run nested && echo never",
    }
    project.write(linted(scripts))
    if line == "eslint .":
        line = f'PATH="$PATH:{project.root.parents[1]}/node_modules/.bin" eslint .'
    plain = project.run(line, wrapped=False)
    asked = project.run(line)
    assert asked.exit == plain.exit == 1
    assert asked.stdout == plain.stdout
    assert "✖ 2 problems (1 error, 1 warning)" in asked.stdout
    (record,) = asked.records
    assert (record.tool, record.exit, record.cwd) == ("eslint", 1, str(project.root))
    assert [file["errorCount"] for file in json.loads(body(record)) if file["filePath"].endswith("a.js")] == [1]
    assert not record.missing
    assert not shim.troubles(record, TOOLS["eslint"])


def test_workspaces_are_asked_one_by_one(project: Project) -> None:
    package = {"private": True, "type": "module", "scripts": {"lint": "eslint ."}}
    project.write({"package.json": {"name": "root", "private": True, "workspaces": ["one", "two"]}})
    for name in ("one", "two"):
        project.write({f"{name}/package.json": {"name": name, **package}, f"{name}/eslint.config.js": ESLINT_CONFIG})
        project.write({f"{name}/a.js": "nope();\n"})
    chosen = project.run("npm run lint -w two")
    assert [Path(record.cwd).name for record in chosen.records] == ["two"]
    everywhere = project.run("npm run lint --workspaces")
    assert [Path(record.cwd).name for record in everywhere.records] == ["one", "two"]
    assert everywhere.exit == 1
    moved = project.run("cd one && npm run lint")
    assert [Path(record.cwd).name for record in moved.records] == ["one"]


def test_own_format_and_file_are_kept(project: Project) -> None:
    project.write(linted({"lint": "eslint -f json -o mine.json ."}))
    ended = project.run("npm run lint")
    assert ended.exit == 1
    assert "problems" not in ended.stdout
    assert len(json.loads((project.root / "mine.json").read_text())) == 2
    assert len(json.loads(body(ended.records[0]))) == 2


def test_crash_before_linting_leaves_no_report(project: Project) -> None:
    project.write({**linted(), "eslint.config.js": "export default [{ rules: { 'no-such-rule': 2 } }];\n"})
    ended = project.run("npm run lint")
    assert ended.exit == 2
    (record,) = ended.records
    assert record.missing == ("eslint_json",)
    (trouble,) = shim.troubles(record, TOOLS["eslint"])
    assert (trouble.outcome, trouble.slug) == (Outcome.ERROR, "tool-looked-at-nothing")


def test_missing_program_is_the_shells_word(project: Project) -> None:
    project.write(linted({"lint": "k6 run x.js"}))
    ended = project.run("npm run lint", env={"PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"})
    assert ended.exit == 127
    assert "k6: command not found" in ended.stderr
    assert not ended.records


def test_prettier_text_is_kept_and_passed_on(project: Project) -> None:
    project.write({"package.json": {"name": "x", "private": True, "scripts": {"format": "prettier --check src"}}})
    project.write({"src/a.js": "const  a=1\n", "src/b.js": "const b = 1;\n"})
    plain, ended = project.run("npm run format", wrapped=False), project.run("npm run format")
    assert (ended.exit, ended.stdout) == (1, plain.stdout)
    assert "[warn] src/a.js" in uncoloured(ended.stderr)
    (record,) = ended.records
    assert "[warn] src/a.js" in uncoloured(body(record))
    assert "Checking formatting..." in body(record)


def test_tool_run_by_an_asked_tool_is_not_asked(project: Project) -> None:
    """A test that starts a linter brings no lint report into the gate."""
    project.write({**linted({"test": "vitest run"}), "a.test.ts": _SPAWNING_TEST})
    ended = project.run("npm test")
    assert ended.exit == 0, ended.stdout + ended.stderr
    assert [record.tool for record in ended.records] == ["vitest"]


_SPAWNING_TEST = """\
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
test("the linter finds it", () => {
  expect(spawnSync("npx", ["eslint", "a.js"], { encoding: "utf8" }).stdout).toContain("no-undef");
});
"""


# --- without npm ---------------------------------------------------------------------------------------------


def fake(directory: Path, name: str, text: str) -> None:
    """A stand-in for a tool's program; what is tested is the wrapper before it."""
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def environ(tmp_path: Path, reports: str = "reports") -> dict[str, str]:
    added = shim.prepare(tmp_path / "shims", TOOLS, tmp_path / reports)
    path = f"{tmp_path / 'shims'}:{tmp_path / 'bin'}:/usr/bin:/bin"
    return {**os.environ, **added, "PATH": path}


def run(tmp_path: Path, line: str, **more: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["/bin/sh", "-c", line], cwd=tmp_path, env={**environ(tmp_path), **more}, capture_output=True, check=False
    )


@pytest.mark.parametrize("code", [0, 1, 2, 99, 126, 127, 255])
def test_exit_code_passes_through(tmp_path: Path, code: int) -> None:
    fake(tmp_path / "bin", "k6", f"exit {code}")
    assert run(tmp_path, "k6 run x.js").returncode == code
    (record,) = shim.collect(tmp_path / "reports")
    assert record.exit == code


@pytest.mark.parametrize("name", ["TERM", "KILL", "SEGV"])
def test_signal_passes_through(tmp_path: Path, name: str) -> None:
    fake(tmp_path / "bin", "k6", f"kill -{name} $$")
    number = getattr(signal, f"SIG{name}")
    ended = subprocess.run(
        [str(tmp_path / "shims" / "k6"), "run", "x.js"], env=environ(tmp_path), capture_output=True, check=False
    )
    assert ended.returncode == -number
    (record,) = shim.collect(tmp_path / "reports")
    assert (record.exit, record.signal) == (None, f"SIG{name}")
    assert shim.troubles(record, TOOLS["k6"])[0].outcome is Outcome.ERROR


def test_termination_reaches_the_program(tmp_path: Path) -> None:
    fake(tmp_path / "bin", "k6", "trap 'echo told; exit 105' TERM; echo up; while :; do sleep 0.05; done")
    wrapper = tmp_path / "shims" / "k6"
    child = subprocess.Popen([str(wrapper), "run", "x.js"], env=environ(tmp_path), stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"up\n"
    child.terminate()
    assert child.communicate(timeout=120)[0] == b"told\n"
    assert child.returncode == 105


def test_killed_wrapper_leaves_a_record(tmp_path: Path) -> None:
    fake(tmp_path / "bin", "k6", "echo up; exec sleep 30")
    child = subprocess.Popen(
        [str(tmp_path / "shims" / "k6"), "run", "x.js"],
        env=environ(tmp_path),
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdout is not None
    child.stdout.readline()
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
    (record,) = shim.collect(tmp_path / "reports")
    (trouble,) = shim.troubles(record, TOOLS["k6"])
    assert (record.exit, trouble.slug) == (None, "tool-killed")


def test_streams_pass_through_byte_by_byte(tmp_path: Path) -> None:
    fake(tmp_path / "bin", "tsc", r"printf 'a\000\377\r\n no end'; printf 'err' >&2; cat")
    ended = subprocess.run(
        [str(tmp_path / "shims" / "tsc")],
        env=environ(tmp_path),
        input=b"in\xfe" * 100_000,
        capture_output=True,
        check=False,
    )
    assert ended.stdout == b"a\x00\xff\r\n no end" + b"in\xfe" * 100_000
    assert ended.stderr == b"err"
    (record,) = shim.collect(tmp_path / "reports")
    assert record.reports[0].file.read_bytes() == ended.stdout


def test_reader_that_leaves_early_does_not_cut_the_report(tmp_path: Path) -> None:
    fake(tmp_path / "bin", "tsc", "seq 1 200000")
    run(tmp_path, "tsc | head -n 1")
    (record,) = shim.collect(tmp_path / "reports")
    assert record.reports[0].file.read_bytes().endswith(b"200000\n")


def test_s77_daemon_that_keeps_stdout_open_does_not_hang_the_wrapper(tmp_path: Path) -> None:
    fake(tmp_path / "bin", "tsc", "sleep 60 & echo done")
    started = time.monotonic()
    with (tmp_path / "out").open("wb") as out:
        ended = subprocess.run([str(tmp_path / "shims" / "tsc")], env=environ(tmp_path), stdout=out, check=False)
    assert time.monotonic() - started < 30
    assert ended.returncode == 0
    assert (tmp_path / "out").read_bytes() == b"done\n"


def test_words_with_spaces_quotes_and_dashes_arrive(tmp_path: Path) -> None:
    fake(tmp_path / "bin", "eslint", 'for word; do printf "<%s>" "$word"; done')
    ended = run(tmp_path, """eslint 'a b' "it's" --rule '{"x": 2}' -- -odd "*" """)
    shown = ended.stdout.decode()
    assert shown.startswith('<a b><it\'s><--rule><{"x": 2}><-f><')
    assert shown.endswith("<--><-odd><*>")


def test_nothing_is_wrapped_where_nothing_is_asked(tmp_path: Path) -> None:
    """Without a reports directory every wrapper is the real program, with the words it was given."""
    fake(tmp_path / "bin", "eslint", 'echo "$@"')
    ended = run(tmp_path, "eslint .", **{shim.REPORTS: ""})
    assert ended.stdout == b".\n"
    assert not shim.collect(tmp_path / "reports")


def test_another_runs_wrappers_are_no_program(tmp_path: Path) -> None:
    """gonogo within gonogo: one wrapper never takes the other's for the real thing."""
    fake(tmp_path / "bin", "k6", "exit 7")
    other = shim.prepare(tmp_path / "outer", TOOLS, tmp_path / "outer-reports")
    path = f"{tmp_path / 'shims'}:{other['PATH'].split(':', maxsplit=1)[0]}:{tmp_path / 'bin'}:/usr/bin:/bin"
    assert run(tmp_path, "k6 run x.js", PATH=path).returncode == 7
    assert len(shim.collect(tmp_path / "reports")) == 1
    assert not shim.collect(tmp_path / "outer-reports")


def test_leftover_at_the_tools_own_place_is_no_report(tmp_path: Path) -> None:
    (tmp_path / "old.xml").write_text("<testsuites/>")
    fake(tmp_path / "bin", "pytest", "exit 0")
    run(tmp_path, "pytest --junitxml=old.xml")
    (record,) = shim.collect(tmp_path / "reports")
    assert record.missing == ("junit",)
    (trouble,) = shim.troubles(record, TOOLS["pytest"])
    assert (trouble.outcome, trouble.slug) == (Outcome.UNKNOWN, "no-report")


def test_same_bytes_written_anew_are_a_report(tmp_path: Path) -> None:
    (tmp_path / "old.xml").write_text("<testsuites/>")
    fake(tmp_path / "bin", "pytest", "cp old.xml new && cat new > old.xml")
    run(tmp_path, "pytest --junitxml=old.xml")
    (record,) = shim.collect(tmp_path / "reports")
    assert record.reports[0].path == str(tmp_path / "old.xml")
    assert record.reports[0].file.read_text() == "<testsuites/>"


def test_second_look_keeps_the_first_ones_words(tmp_path: Path) -> None:
    fake(tmp_path / "bin", "npm", 'case "$*" in *--json*) echo "{}"; exit 5;; esac; echo "found 0 vulnerabilities"')
    ended = run(tmp_path, "npm audit")
    assert (ended.returncode, ended.stdout) == (0, b"found 0 vulnerabilities\n")
    (record,) = shim.collect(tmp_path / "reports")
    assert (record.exit, record.reports[0].file.read_text()) == (0, "{}\n")


def test_python_module_is_asked_in_place(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it():\n    assert True\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    shim.prepare(tmp_path / "shims", TOOLS)
    path = f"{tmp_path / 'shims'}:{Path(sys.executable).parent}:/usr/bin:/bin"
    ended = run(tmp_path, "python -m pytest -q -p no:randomly -p no:cacheprovider test_it.py", PATH=path)
    assert ended.returncode == 0, ended.stderr
    (record,) = shim.collect(tmp_path / "reports")
    assert (record.tool, record.argv[:3]) == ("pytest", ("python", "-m", "pytest"))
    assert 'tests="1"' in record.reports[0].file.read_text()


def test_plugin_of_the_repository_is_asked_too(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "mine.py").write_text(_PLUGIN)
    registry = plugins.load(tmp_path / "plugins")
    added = shim.prepare(tmp_path / "shims", registry.tools, tmp_path / "reports")
    fake(tmp_path / "bin", "mylint", 'echo "{}" > "${1#--out=}"')
    path = f"{tmp_path / 'shims'}:{tmp_path / 'bin'}:/usr/bin:/bin"
    subprocess.run(["/bin/sh", "-c", "mylint"], env={**os.environ, **added, "PATH": path}, check=True)
    (record,) = shim.collect(tmp_path / "reports")
    assert record.reports[0].file.read_text() == "{}\n"


_PLUGIN = '''
from gonogo.plugins import Ask, AskedReport, tool

@tool("mylint", executables=("mylint",))
def mylint(invocation):
    """Mine."""
    return Ask(argv=(*invocation.argv, "--out={reports}/mine.json"), reports=(AskedReport("mine.json", "sarif"),))
'''


def test_a_call_that_has_nothing_to_ask_starts_no_python(tmp_path: Path) -> None:
    """What a wrapper adds to every call of a tool is a shell's `case`; the interpreter is for calls that are asked."""
    fake(tmp_path / "bin", "k6", "exit 0")
    ready = environ(tmp_path)
    wrapper = tmp_path / "shims" / "k6"
    wrapper.write_text(wrapper.read_text(encoding="utf-8").replace(sys.executable, "/nowhere/python"), encoding="utf-8")
    done = [subprocess.run(["/bin/sh", "-c", f"k6 {arguments}"], env=ready, check=False, capture_output=True).returncode
            for arguments in ("version", "run x.js")]  # fmt: skip
    assert done[0] == 0
    assert done[1] != 0, "the interpreter is not there, and this call needs it"


def test_broken_record_is_a_trouble(tmp_path: Path) -> None:
    (tmp_path / "1.record.json").write_text('{"name": ')
    (record,) = shim.collect(tmp_path)
    assert shim.troubles(record, None)[0].outcome is Outcome.ERROR
