"""From the text of a command to what is executed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gonogo.engine.commandline import (
    CannotStart,
    argv_of,
    demand_executable,
    interpreter,
    program,
    told_by_exit,
    unfilled,
    words,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("npm run lint", ("npm", "run", "lint")),
        ("  npm   test\t", ("npm", "test")),
        ("echo 'a b' \"c d\" e''f", ("echo", "a b", "c d", "ef")),
        ("grep '$x|y' \"it's\"", ("grep", "$x|y", "it's")),
        ("./a-b_c.sh --x=1 @y %z ^q k:v,w+", ("./a-b_c.sh", "--x=1", "@y", "%z", "^q", "k:v,w+")),
        ("cmd ''", ("cmd", "")),
        ("prüfe größe", ("prüfe", "größe")),
    ],
)
def test_plain_words_need_no_shell(text: str, expected: tuple[str, ...]) -> None:
    assert words(text) == expected


def test_words_are_those_a_shell_would_make() -> None:
    text = "printf %s,  'a  b' \"it's\" c'd'\"e\" ''"
    split = words(text)
    assert split is not None
    assert subprocess.check_output(split) == subprocess.check_output(["/bin/sh", "-c", text])


@pytest.mark.parametrize(
    "text",
    [
        "a && b", "a | b", "a; b", "a > b", "a < b", "a &", "(a)", "echo $HOME", 'echo "$HOME"', "echo `x`", "ls *.py",
        "ls ?", "ls [ab]", "a {b,c}", "ls ~/x", "a # b", "! a", "X=1 a", "cd x", "exit 3", ". ./env", "if true",
        "a\nb", 'echo "\\$"', "echo a\\ b", "echo 'open", 'echo "open', "export A=b", "unset A", "",
    ],
)  # fmt: skip
def test_everything_else_does(text: str) -> None:
    assert words(text) is None


@pytest.mark.parametrize(
    ("command", "placeholder"),
    [
        ("curl http://<staging>/health", "<staging>"),
        ('curl "http://<staging>/health"', "<staging>"),
        ("docker build -t app:${GIT_SHA} .", "${GIT_SHA}"),
        ('echo "${GIT_SHA}"', "${GIT_SHA}"),
        ("deploy <generate-me>", "<generate-me>"),
        (["curl", "http://<staging>/health"], "<staging>"),
        (["deploy", "<target>"], "<target>"),
        ("echo ${HOME}", ""),
        ("echo '${GIT_SHA}'", ""),
        ("echo ${GIT_SHA:-none}", ""),
        ("for F in a b; do echo ${F}; done", ""),
        ("X=1; echo ${X}", ""),
        ("sort < in > out", ""),
        ("grep '<div>' \"<span>\"", ""),
        (["grep", "a<b>c"], ""),
        ("cat <<EOF\nx\nEOF", ""),
    ],
)
def test_placeholders_nobody_filled_in(command: str | list[str], placeholder: str) -> None:
    assert unfilled(command, {"HOME": "/root"}) == placeholder


def test_a_placeholder_is_refused_with_an_order_that_mends_it() -> None:
    with pytest.raises(CannotStart) as caught:
        argv_of("curl http://<staging>/", {})
    assert caught.value.trouble.slug == "unfilled-placeholder"
    assert caught.value.trouble.help == "give it with `--input staging=…`"


@pytest.mark.parametrize("command", ["", "   ", [], [""], "a\0b", ["a\0b"]])
def test_no_command_is_told(command: str | list[str]) -> None:
    with pytest.raises(CannotStart) as caught:
        argv_of(command, {})
    assert caught.value.trouble.slug == "no-command"


def test_programs_are_looked_up_as_a_shell_in_that_directory_would(tmp_path: Path) -> None:
    tool = tmp_path / "bin" / "tool"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\n")
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "tool").mkdir()  # a directory of that name is passed over
    tool.chmod(0o755)
    assert program("tool", tmp_path, {"PATH": f"{tmp_path / 'first'}:bin"}) == str(tool)
    assert program("bin/tool", tmp_path, {"PATH": ""}) == "bin/tool"
    tool.chmod(0o644)
    with pytest.raises(CannotStart) as caught:
        program("tool", tmp_path, {"PATH": "bin"})
    assert caught.value.trouble.slug == "permission"
    with pytest.raises(CannotStart) as caught:
        demand_executable("bin/tool", tool)
    assert caught.value.trouble.slug == "permission"


def test_the_interpreter_is_read_from_the_first_line(tmp_path: Path) -> None:
    script = tmp_path / "x"
    script.write_bytes(b"#! /opt/none/python -u\nprint()\n")
    assert interpreter(str(script)) == "/opt/none/python -u"
    script.write_bytes(b"\x7fELF")
    assert interpreter(str(script)) == interpreter(str(tmp_path / "missing")) == ""


@pytest.mark.parametrize(
    ("printed", "name"),
    [
        ("/bin/sh: 1: eslint: not found\n", "eslint"),
        ("sh: 1: eslint: not found\n", "eslint"),
        ("npm noise\nbash: line 1: eslint: command not found\n", "eslint"),
        ("sh: eslint: command not found\n", "eslint"),
        ("/usr/bin/env: \u2018eslint\u2019: No such file or directory\n", "eslint"),
        ("env: eslint: No such file or directory\n", "eslint"),
        ("./run.sh: line 3: eslint: command not found\n", "eslint"),
        ("", "npm"),
    ],
)
def test_exit_127_names_what_is_missing(printed: str, name: str) -> None:
    told = told_by_exit(127, printed, ("npm", "test"))
    assert told is not None
    assert (told.slug, told.message) == ("tool-missing", f"`{name}` was not found (exit 127)")


def test_exit_126_names_what_may_not_be_run() -> None:
    told = told_by_exit(126, "/bin/sh: 1: ./x.sh: Permission denied\n", ("sh",))
    assert told is not None
    assert (told.slug, told.message) == ("permission", "`./x.sh` cannot be executed (exit 126)")
    assert told_by_exit(1, "sh: 1: x: not found", ("sh",)) is None
