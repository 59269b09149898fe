"""Real processes: every way to end, to hang and to hide."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gonogo.engine import leftovers, process
from gonogo.evidence.redact import Redactor
from gonogo.evidence.store import Store
from tests.engine.running import SECRET, Pids, Running, python, slugs

linux = pytest.mark.skipif(sys.platform != "linux", reason="strays are found through /proc")


@pytest.fixture
def run(tmp_path: Path) -> Running:
    return Running(Store(tmp_path / "evidence", Redactor([SECRET])), tmp_path)


@pytest.fixture
def pids(tmp_path: Path) -> Iterator[Pids]:
    yield from Pids(tmp_path / "pids").until_the_end()


# --- ordinary ends


def test_both_streams_and_the_exit_code_come_back(run: Running) -> None:
    ran = run("echo out; echo err >&2; exit 3")
    assert (ran.exit, ran.signal, ran.out, ran.err, ran.troubles, ran.notes) == (3, "", b"out\n", b"err\n", (), ())
    assert run.stored(ran.stdout.sha256) == b"out\n"
    assert (ran.stdout.name, ran.stderr.name) == ("stdout", "stderr")
    assert 0 < ran.seconds < 10


def test_a_sequence_never_meets_a_shell(run: Running) -> None:
    assert run(["echo", "$HOME; *", "a  b"]).out == b"$HOME; *\x20a  b\n"


def test_plain_text_starts_no_shell(run: Running) -> None:
    ran = run(f"{sys.executable} -S -c 'import os; print(os.getppid())'")
    assert int(ran.out) == os.getpid()


def test_standard_input_is_empty(run: Running) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"from our own standard input\n")
    os.close(writing)
    kept = os.dup(0)
    os.dup2(reading, 0)
    try:
        assert run("cat").out == b""
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(reading)


def test_it_leads_a_group_and_a_session_without_a_terminal(run: Running) -> None:
    ran = run(python("import os; print(os.getpid() == os.getpgid(0) == os.getsid(0))"))
    assert ran.out == b"True\n"
    assert run("echo question > /dev/tty").exit != 0


def test_the_environment_is_what_was_given(run: Running) -> None:
    ran = run("env", env={"PATH": os.environ["PATH"], "A": "b c"})
    names = {line.split(b"=")[0] for line in ran.out.splitlines()}
    assert b"A=b c" in ran.out.splitlines()
    assert names == {b"PATH", b"A", b"GONOGO_ATTEMPT"}


def test_s79_spaces_unicode_and_leading_dashes(run: Running, tmp_path: Path) -> None:
    directory = tmp_path / "-größe & co"
    directory.mkdir()
    script = directory / "prüf mich.sh"
    script.write_text('#!/bin/sh\nprintf "%s|" "$0" "$PWD" "$@"\n')
    script.chmod(0o755)
    ran = run(["./prüf mich.sh", "-x", "a b", "ö"], cwd=directory)
    assert ran.out.decode() == f"./prüf mich.sh|{directory}|-x|a b|ö|"
    assert run("'./prüf mich.sh' -x", cwd=directory).exit == 0


def test_a_script_without_a_first_line_is_read_by_the_shell(run: Running, tmp_path: Path) -> None:
    script = tmp_path / "plain"
    script.write_text("echo $1 ok\n")
    script.chmod(0o755)
    assert run(["./plain", "it is"]).out == b"it is ok\n"


# --- ends that are none


def test_s78_a_missing_command(run: Running) -> None:
    ran = run("no-such-tool-here --version")
    assert (ran.exit, slugs(ran)) == (None, ["tool-missing"])
    assert "`no-such-tool-here`" in ran.troubles[0].message
    assert (ran.stdout.size, ran.stderr.size) == (0, 0)


@pytest.mark.parametrize("command", ["true && no-such-tool-here", "sh -c 'no-such-tool-here'", "env no-such-tool-here"])
def test_s78_a_missing_command_inside_a_shell(run: Running, command: str) -> None:
    ran = run(command)
    assert (ran.exit, slugs(ran)) == (127, ["tool-missing"])
    assert "`no-such-tool-here`" in ran.troubles[0].message


def test_s78_a_file_that_may_not_be_run(run: Running, tmp_path: Path) -> None:
    (tmp_path / "script.sh").write_text("#!/bin/sh\n")
    direct, shell = run("./script.sh"), run("true && ./script.sh")
    assert (direct.exit, slugs(direct), slugs(shell), shell.exit) == (None, ["permission"], ["permission"], 126)
    assert direct.troubles[0].help == "chmod +x ./script.sh"
    assert "`./script.sh`" in shell.troubles[0].message


@pytest.mark.parametrize(
    ("first", "named"),
    [
        (
            "#!/opt/no/such/python3 -u\n",
            "`/opt/no/such/python3` is not there, and the first line of `./tool` asks for it",
        ),
        ("#!/bin/sh\r\n", "names `/bin/sh` with a Windows line end"),
        ("#!/usr/bin/env no-such-interpreter\n", "`no-such-interpreter` was not found (exit 127)"),
    ],
)
def test_s78_a_wrong_interpreter_is_named(run: Running, tmp_path: Path, first: str, named: str) -> None:
    (tmp_path / "tool").write_bytes(first.encode() + b"exit 0\n")
    (tmp_path / "tool").chmod(0o755)
    ran = run("./tool")
    assert slugs(ran) == ["tool-missing"]
    assert named in ran.troubles[0].message


def test_a_missing_working_directory(run: Running, tmp_path: Path) -> None:
    ran = run("true", cwd=tmp_path / "backend")
    assert (ran.exit, slugs(ran)) == (None, ["cwd-missing"])
    assert "backend" in ran.troubles[0].message


def test_a_placeholder_starts_no_process(run: Running, tmp_path: Path) -> None:
    ran = run("touch ran <staging>")
    assert slugs(ran) == ["unfilled-placeholder"]
    assert not (tmp_path / "ran").exists()


def test_what_cannot_be_handed_over_is_a_value(run: Running) -> None:
    assert slugs(run("true", env={"PATH": "/bin", "A": "b\0c"})) == ["cannot-start"]
    assert slugs(run(["/bin/true", "x" * 20_000_000])) == ["cannot-start"]


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT"])
def test_a_signal_is_a_crash(run: Running, name: str) -> None:
    ran = run(f"kill -{name[3:]} $$")
    assert (ran.exit, ran.signal, slugs(ran)) == (None, name, ["crash"])
    assert name in ran.troubles[0].message


# --- time


def test_a_timeout_says_how_long_and_is_no_exit(run: Running) -> None:
    ran = run("echo before; sleep 60", timeout=1.0)
    assert (ran.exit, slugs(ran), ran.out, ran.seconds < 30) == (None, ["timeout"], b"before\n", True)
    assert "1 s" in ran.troubles[0].message


def test_a_timeout_beats_the_exit_code_of_a_tool_that_takes_the_hint(run: Running) -> None:
    ran = run("trap 'echo bye; exit 0' TERM; sleep 60 & wait", timeout=1.0)
    assert (ran.exit, slugs(ran), ran.out) == (None, ["timeout"], b"bye\n")


def test_s76_who_ignores_the_hint_is_killed_grandchildren_too(run: Running, pids: Pids) -> None:
    """Item 15: a shell, its child and its grandchild, all deaf to SIGTERM."""
    deaf = f"trap '' TERM; echo $$ >> {pids}; "
    ran = run(f'{deaf} sh -c "{deaf.replace("$", chr(92) + "$")} sleep 60 & sleep 61; true"; true', timeout=1.0)
    assert (slugs(ran), len(pids.all())) == (["timeout"], 2)
    assert 1.4 < ran.seconds < 30
    assert pids.alive() == []


@linux
def test_s76_who_left_the_group_is_found(run: Running, pids: Pids) -> None:
    code = (
        "import os, time, signal\n"
        f"def note(): open({str(pids)!r}, 'a').write(str(os.getpid()) + chr(10))\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        signal.signal(signal.SIGTERM, signal.SIG_IGN); note(); time.sleep(60)\n"
        "    os._exit(0)\n"
        "note(); time.sleep(60)\n"
    )
    ran = run(python(code), timeout=2.5)
    assert (slugs(ran), len(pids.all())) == (["timeout"], 2)
    assert pids.alive() == []
    assert ran.seconds < 30


@linux
def test_a_process_of_many_threads_that_is_left_behind_is_one(run: Running, tmp_path: Path) -> None:
    """Threads have numbers too, which are looked at one by one right after a quick command."""
    (tmp_path / "many.py").write_text(
        "import os, threading, time\n"
        "for _ in range(4): threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "open('ready', 'w').close()\n"
    )
    ran = run(f"setsid {sys.executable} many.py >/dev/null 2>&1 & while [ ! -e ready ]; do sleep 0.01; done")
    assert ran.notes == ("it left 1 process behind, which gonogo ended",)


@linux
def test_who_left_the_group_has_time_to_clean_up_too(run: Running, tmp_path: Path) -> None:
    polite = "trap 'sleep 0.2; touch clean; exit' TERM; while :; do sleep 0.05; done"
    ran = run(f'setsid sh -c "{polite}" & sleep 60', timeout=1.0, grace=20.0)
    assert (tmp_path / "clean").exists()
    assert ran.seconds < 15, "less than the grace"


def test_s77_a_daemon_that_keeps_the_output_open_does_not_hang_us(run: Running, pids: Pids) -> None:
    ran = run(f"(echo $$ >> {pids}; exec setsid sleep 60) & echo started" if sys.platform == "linux" else "sleep 60 &")
    assert ran.exit == 0
    assert process.PIPE_PATIENCE <= ran.seconds < process.PIPE_PATIENCE + 30
    assert any("held open" in note for note in ran.notes)
    assert ran.troubles == ()


def test_what_is_left_behind_is_ended_and_told(run: Running, pids: Pids) -> None:
    ran = run(
        f"(echo $(exec sh -c 'echo $PPID') >> {pids}; exec sleep 60 >/dev/null 2>&1) & "
        f"while [ ! -s {pids} ]; do sleep 0.05; done; sleep 0.2"
    )
    assert ran.exit == 0
    assert ran.seconds < 30
    assert ran.notes == ("it left 1 process behind, which gonogo ended",)
    assert pids.alive() == []


@linux
def test_what_is_meant_to_stay_stays(run: Running, pids: Pids) -> None:
    ran = run(
        f"setsid sh -c 'echo $$ >> {pids}; exec sleep 60' >/dev/null 2>&1 & while [ ! -s {pids} ]; do sleep 0.05; done",
        leave_running=True,
    )
    assert (ran.exit, ran.notes) == (0, ())
    assert len(pids.alive()) == 1


@linux
def test_what_a_killed_run_left_is_swept_by_its_token(run: Running, pids: Pids) -> None:
    env = dict(os.environ) | {leftovers.MARKER: "outer/run-4711"}
    run(
        f"setsid sh -c 'echo $$ >> {pids}; exec sleep 60' >/dev/null 2>&1 & while [ ! -s {pids} ]; do sleep 0.05; done",
        leave_running=True,
        env=env,
    )
    assert leftovers.sweep("run-47") == 0, "a part of a token is no token"
    assert leftovers.sweep("run-4711") == 1
    assert pids.alive() == []


def test_late_output_of_a_grandchild_is_still_read(run: Running) -> None:
    assert run("(sleep 0.3; echo late) & echo early").out == b"early\nlate\n"


def test_closed_pipes_are_no_end(run: Running) -> None:
    ran = run("exec >&- 2>&-; sleep 0.4; exit 5")
    assert ran.exit == 5
    assert ran.seconds >= 0.4


def test_everything_can_be_stopped_from_another_thread(run: Running, tmp_path: Path) -> None:
    def stop() -> None:
        while not (tmp_path / "ready").exists():
            time.sleep(0.02)
        process.stop_all()

    stopper = threading.Thread(target=stop)
    stopper.start()
    ran = run(f"trap '' TERM; touch {tmp_path}/ready; sleep 60; sleep 60")
    stopper.join()
    assert (ran.exit, slugs(ran)) == (None, ["interrupted"])
    assert ran.seconds < 30
    assert process.stop_all() == 0


def test_no_descriptor_is_left_open(run: Running) -> None:
    directory = Path("/proc/self/fd" if sys.platform == "linux" else "/dev/fd")
    run("true")
    before = len(list(directory.iterdir()))
    for _ in range(20):
        run("echo x; no-such-tool")
        run("no-such-tool")
        run("sleep 9", timeout=0.01)
    assert len(list(directory.iterdir())) == before


def test_it_is_quick(run: Running) -> None:
    started = time.process_time()
    for _ in range(100):
        assert run("/bin/true").exit == 0
    assert time.process_time() - started < 1.5, "fifteen milliseconds of our own each is far too slow"
