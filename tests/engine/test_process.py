"""Real processes: every way to end, hang, flood and hide."""

from __future__ import annotations

import base64
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gonogo.engine import leftovers, process
from gonogo.errors import OperationError
from gonogo.evidence.redact import Redactor
from gonogo.evidence.store import Store
from gonogo.model.outcome import Outcome
from gonogo.plugins import Ran

linux = pytest.mark.skipif(sys.platform != "linux", reason="strays are found through /proc")
Run = Callable[..., Ran]
SECRET = "correct-horse/battery+staple"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "evidence", Redactor([SECRET]))


@pytest.fixture
def run(store: Store, tmp_path: Path) -> Run:
    def call(command: str | list[str], **options: Any) -> Ran:
        cap = options.pop("cap", process.OUTPUT_CAP)
        given: dict[str, Any] = {"cwd": tmp_path, "env": dict(os.environ), "timeout": 60.0, "grace": 0.5} | options
        return process.run(command, stdout=store.sink("stdout", cap=cap), stderr=store.sink("stderr", cap=cap), **given)

    return call


def python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]


@pytest.fixture
def pids(tmp_path: Path) -> Iterator[Path]:
    """A file that processes write their number to; whoever lives at the end is killed."""
    path = tmp_path / "pids"
    path.write_text("")
    yield path
    for pid in _pids(path):
        if _alive(pid):
            os.kill(pid, signal.SIGKILL)


def _pids(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] if sys.platform == "linux" else "S"
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state not in "ZX"


def _slugs(ran: Ran) -> list[str]:
    assert all(trouble.outcome is Outcome.ERROR for trouble in ran.troubles)
    return [trouble.slug for trouble in ran.troubles]


def _stored(store: Store, digest: str) -> bytes:
    with store.open(digest) as file:
        return file.read()


# --- ordinary ends


def test_both_streams_and_the_exit_code_come_back(run: Run, store: Store) -> None:
    ran = run("echo out; echo err >&2; exit 3")
    assert (ran.exit, ran.signal, ran.out, ran.err, ran.troubles, ran.notes) == (3, "", b"out\n", b"err\n", (), ())
    assert _stored(store, ran.stdout.sha256) == b"out\n"
    assert (ran.stdout.name, ran.stderr.name) == ("stdout", "stderr")
    assert 0 < ran.seconds < 10


def test_a_sequence_never_meets_a_shell(run: Run) -> None:
    assert run(["echo", "$HOME; *", "a  b"]).out == b"$HOME; *\x20a  b\n"


def test_plain_text_starts_no_shell(run: Run) -> None:
    ran = run(f"{sys.executable} -S -c 'import os; print(os.getppid())'")
    assert int(ran.out) == os.getpid()


def test_standard_input_is_empty_and_there_is_no_terminal(run: Run) -> None:
    assert run(python("import sys; print(repr(sys.stdin.read()))")).out == b"''\n"
    assert run("echo question > /dev/tty").exit != 0


def test_the_environment_is_what_was_given(run: Run) -> None:
    ran = run("env", env={"PATH": os.environ["PATH"], "A": "b c"})
    names = {line.split(b"=")[0] for line in ran.out.splitlines()}
    assert b"A=b c" in ran.out.splitlines()
    assert names == {b"PATH", b"A", b"GONOGO_ATTEMPT"}


def test_s79_spaces_unicode_and_leading_dashes(run: Run, tmp_path: Path) -> None:
    directory = tmp_path / "-größe & co"
    directory.mkdir()
    script = directory / "prüf mich.sh"
    script.write_text('#!/bin/sh\nprintf "%s|" "$0" "$PWD" "$@"\n')
    script.chmod(0o755)
    ran = run(["./prüf mich.sh", "-x", "a b", "ö"], cwd=directory)
    assert ran.out.decode() == f"./prüf mich.sh|{directory}|-x|a b|ö|"
    assert run("'./prüf mich.sh' -x", cwd=directory).exit == 0


def test_a_script_without_a_first_line_is_read_by_the_shell(run: Run, tmp_path: Path) -> None:
    script = tmp_path / "plain"
    script.write_text("echo $1 ok\n")
    script.chmod(0o755)
    assert run(["./plain", "it is"]).out == b"it is ok\n"


# --- ends that are none


def test_s78_a_missing_command(run: Run) -> None:
    ran = run("no-such-tool-here --version")
    assert (ran.exit, _slugs(ran)) == (None, ["tool-missing"])
    assert "`no-such-tool-here`" in ran.troubles[0].message
    assert (ran.stdout.size, ran.stderr.size) == (0, 0)


@pytest.mark.parametrize("command", ["true && no-such-tool-here", "sh -c 'no-such-tool-here'", "env no-such-tool-here"])
def test_s78_a_missing_command_inside_a_shell(run: Run, command: str) -> None:
    ran = run(command)
    assert (ran.exit, _slugs(ran)) == (127, ["tool-missing"])
    assert "`no-such-tool-here`" in ran.troubles[0].message


def test_s78_a_file_that_may_not_be_run(run: Run, tmp_path: Path) -> None:
    (tmp_path / "script.sh").write_text("#!/bin/sh\n")
    direct, shell = run("./script.sh"), run("true && ./script.sh")
    assert (direct.exit, _slugs(direct), _slugs(shell), shell.exit) == (None, ["permission"], ["permission"], 126)
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
def test_s78_a_wrong_interpreter_is_named(run: Run, tmp_path: Path, first: str, named: str) -> None:
    (tmp_path / "tool").write_bytes(first.encode() + b"exit 0\n")
    (tmp_path / "tool").chmod(0o755)
    ran = run("./tool")
    assert _slugs(ran) == ["tool-missing"]
    assert named in ran.troubles[0].message


def test_a_missing_working_directory(run: Run, tmp_path: Path) -> None:
    ran = run("true", cwd=tmp_path / "backend")
    assert (ran.exit, _slugs(ran)) == (None, ["cwd-missing"])
    assert "backend" in ran.troubles[0].message


def test_a_placeholder_starts_no_process(run: Run, tmp_path: Path) -> None:
    ran = run("touch ran <staging>")
    assert _slugs(ran) == ["unfilled-placeholder"]
    assert not (tmp_path / "ran").exists()


def test_what_cannot_be_handed_over_is_a_value(run: Run) -> None:
    assert _slugs(run("true", env={"PATH": "/bin", "A": "b\0c"})) == ["cannot-start"]
    assert _slugs(run(["/bin/true", "x" * 20_000_000])) == ["cannot-start"]


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT"])
def test_a_signal_is_a_crash(run: Run, name: str) -> None:
    ran = run(f"kill -{name[3:]} $$")
    assert (ran.exit, ran.signal, _slugs(ran)) == (None, name, ["crash"])
    assert name in ran.troubles[0].message


# --- time


def test_a_timeout_says_how_long_and_is_no_exit(run: Run) -> None:
    ran = run("echo before; sleep 60", timeout=0.3)
    assert (ran.exit, _slugs(ran), ran.out, ran.seconds < 5) == (None, ["timeout"], b"before\n", True)
    assert "0.3 s" in ran.troubles[0].message


def test_a_timeout_beats_the_exit_code_of_a_tool_that_takes_the_hint(run: Run) -> None:
    ran = run("trap 'echo bye; exit 0' TERM; sleep 60 & wait", timeout=0.3)
    assert (ran.exit, _slugs(ran), ran.out) == (None, ["timeout"], b"bye\n")


def test_s76_who_ignores_the_hint_is_killed_grandchildren_too(run: Run, pids: Path) -> None:
    """Item 15: a shell, its child and its grandchild, all deaf to SIGTERM."""
    deaf = f"trap '' TERM; echo $$ >> {pids}; "
    ran = run(f'{deaf} sh -c "{deaf.replace("$", chr(92) + "$")} sleep 60 & sleep 61; true"; true', timeout=0.5)
    assert (_slugs(ran), len(_pids(pids))) == (["timeout"], 2)
    assert 0.9 < ran.seconds < 5
    assert [pid for pid in _pids(pids) if _alive(pid)] == []


@linux
def test_s76_who_left_the_group_is_found(run: Run, pids: Path) -> None:
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
    ran = run(python(code), timeout=0.7)
    assert (_slugs(ran), len(_pids(pids))) == (["timeout"], 2)
    assert [pid for pid in _pids(pids) if _alive(pid)] == []
    assert ran.seconds < 5


def test_s77_a_daemon_that_keeps_the_output_open_does_not_hang_us(run: Run, pids: Path) -> None:
    ran = run(f"(echo $$ >> {pids}; exec setsid sleep 60) & echo started" if sys.platform == "linux" else "sleep 60 &")
    assert ran.exit == 0
    assert process.PIPE_PATIENCE <= ran.seconds < process.PIPE_PATIENCE + 2
    assert any("held open" in note for note in ran.notes)
    assert ran.troubles == ()


def test_what_is_left_behind_is_ended_and_told(run: Run, pids: Path) -> None:
    ran = run(f"(echo $(exec sh -c 'echo $PPID') >> {pids}; exec sleep 60 >/dev/null 2>&1) & sleep 0.2")
    assert ran.exit == 0
    assert ran.seconds < 1.5
    assert ran.notes == ("it left 1 process behind, which gonogo ended",)
    assert [pid for pid in _pids(pids) if _alive(pid)] == []


@linux
def test_what_is_meant_to_stay_stays(run: Run, pids: Path) -> None:
    ran = run(f"setsid sh -c 'echo $$ >> {pids}; exec sleep 60' >/dev/null 2>&1 & sleep 0.3", leave_running=True)
    assert (ran.exit, ran.notes) == (0, ())
    assert [_alive(pid) for pid in _pids(pids)] == [True]


@linux
def test_what_a_killed_run_left_is_swept_by_its_token(run: Run, pids: Path) -> None:
    env = dict(os.environ) | {leftovers.MARKER: "outer/run-4711"}
    run(f"setsid sh -c 'echo $$ >> {pids}; exec sleep 60' >/dev/null 2>&1 & sleep 0.3", leave_running=True, env=env)
    assert leftovers.sweep("run-47") == 0, "a part of a token is no token"
    assert leftovers.sweep("run-4711") == 1
    assert [pid for pid in _pids(pids) if _alive(pid)] == []


def test_late_output_of_a_grandchild_is_still_read(run: Run) -> None:
    assert run("(sleep 0.3; echo late) & echo early").out == b"early\nlate\n"


def test_closed_pipes_are_no_end(run: Run) -> None:
    ran = run("exec >&- 2>&-; sleep 0.4; exit 5")
    assert ran.exit == 5
    assert ran.seconds >= 0.4


def test_everything_can_be_stopped_from_another_thread(run: Run) -> None:
    stopper = threading.Timer(0.4, process.stop_all)
    stopper.start()
    ran = run("trap '' TERM; sleep 60; sleep 60")
    stopper.join()
    assert (ran.exit, _slugs(ran)) == (None, ["interrupted"])
    assert ran.seconds < 5
    assert process.stop_all() == 0


# --- bytes


def test_item_14_a_secret_split_across_two_writes_is_in_no_file(run: Run, store: Store, tmp_path: Path) -> None:
    encoded = base64.b64encode(SECRET.encode()).decode()
    parts = [SECRET[:9], SECRET[9:], " ", encoded[:7], encoded[7:], " ", SECRET.encode().hex(), "\n"]
    code = f"import sys, time\nfor part in {parts!r}:\n    sys.stdout.write(part); sys.stdout.flush(); time.sleep(0.02)"
    (tmp_path / "hidden.py").write_text(code)
    lines: list[str] = []
    ran = run([sys.executable, "-S", "hidden.py"], on_line=lines.append)
    (tmp_path / "hidden.py").unlink()
    assert ran.out == b"[redacted] [redacted] [redacted]\n"
    spelled = [SECRET.encode(), encoded.encode(), SECRET.encode().hex().encode()]
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert not any(sentinel in path.read_bytes() for sentinel in spelled), path
    assert not any(sentinel.decode() in line for sentinel in spelled for line in lines)


def test_s73_bytes_are_stored_as_they_are_and_shown_as_a_terminal_can(run: Run, store: Store) -> None:
    raw = b"\x1b[31mred\x1b[0m caf\xe9 \x00\x07 \xe2\x80\xae\x1b]0;title\x07 100%\n"
    lines: list[str] = []
    ran = run([sys.executable, "-S", "-c", f"import sys; sys.stdout.buffer.write({raw!r})"], on_line=lines.append)
    assert _stored(store, ran.stdout.sha256) == raw
    assert lines == ["red caf\\xe9   100%"]


def test_the_live_line_is_redacted_also_where_colours_cut_the_secret(run: Run) -> None:
    lines: list[str] = []
    run(["printf", f"{SECRET}\\n"], on_line=lines.append)
    run(["printf", f"a {SECRET[:9]}\\033[1m{SECRET[9:]}\\n"], on_line=lines.append)
    assert lines == ["[redacted]", "a [redacted]"]


def test_live_lines_come_while_it_runs_and_not_too_often(run: Run) -> None:
    seen: list[tuple[float, str]] = []
    started = time.monotonic()
    run(
        "for i in $(seq 200); do echo line $i; done; sleep 0.5; echo last; sleep 0.3",
        on_line=lambda line: seen.append((time.monotonic() - started, line)),
    )
    assert seen[-1][1] == "last"
    assert "line 200" in [line for _, line in seen], "the line before the silence is shown during it"
    assert len(seen) <= 5
    assert seen[-1][0] - seen[0][0] >= 0.4


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "linux" else 1024 * 1024)


def _flood(run: Run, store: Store, megabytes: int) -> None:
    before = _memory()
    line = "x" * 1023
    ran = run(f"echo first; yes {line} | head -c {megabytes * 1_000_000}; echo; echo last >&2; echo last", timeout=280)
    assert (ran.exit, ran.troubles) == (0, ())
    assert ran.stdout.total == len("first\n") + megabytes * 1_000_000 + len("\nlast\n")
    assert ran.stdout.size < process.OUTPUT_CAP + 100
    kept = _stored(store, ran.stdout.sha256)
    assert kept.startswith(b"first\nxxx")
    assert kept.endswith(b"\nlast\n")
    assert kept.count(b"[gonogo left out") == 1
    assert _memory() - before < 60


def test_s72_three_hundred_megabytes_of_output(run: Run, store: Store) -> None:
    _flood(run, store, 300)


@pytest.mark.long
def test_s72_two_gigabytes_of_output(run: Run, store: Store) -> None:
    _flood(run, store, 2000)


def test_s72_one_line_of_two_hundred_megabytes(run: Run) -> None:
    before = _memory()
    lines: list[str] = []
    ran = run("head -c 200000000 /dev/zero | tr '\\0' 'x'", on_line=lines.append)
    assert (ran.exit, ran.stdout.total, lines) == (0, 200_000_000, [])
    assert len(ran.out) == 1024 * 1024
    assert _memory() - before < 60


def test_a_store_that_cannot_be_written_ends_the_process_and_is_told(run: Run, store: Store, pids: Path) -> None:
    store.directory.rename(store.directory.with_name("gone"))
    started = time.monotonic()
    with pytest.raises(OperationError, match="is gone"):
        run(f"echo $$ >> {pids}; head -c 20000000 /dev/zero; sleep 60")
    assert time.monotonic() - started < 5
    assert [pid for pid in _pids(pids) if _alive(pid)] == []


def test_no_descriptor_is_left_open(run: Run) -> None:
    directory = Path("/proc/self/fd" if sys.platform == "linux" else "/dev/fd")
    run("true")
    before = len(list(directory.iterdir()))
    for _ in range(20):
        run("echo x; no-such-tool")
        run("no-such-tool")
        run("sleep 9", timeout=0.01)
    assert len(list(directory.iterdir())) == before


def test_it_is_quick(run: Run) -> None:
    started = time.process_time()
    for _ in range(100):
        assert run("/bin/true").exit == 0
    assert time.process_time() - started < 0.5, "five milliseconds of our own each is far too slow"
