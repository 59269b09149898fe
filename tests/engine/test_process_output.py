"""Real processes that print: secrets, floods, and bytes that no terminal likes."""

from __future__ import annotations

import base64
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gonogo.engine.context import STREAM_CAP
from gonogo.errors import OperationError
from gonogo.evidence.redact import Redactor
from gonogo.evidence.store import Store
from tests.engine.running import SECRET, Pids, Running


@pytest.fixture
def run(tmp_path: Path) -> Running:
    return Running(Store(tmp_path / "evidence", Redactor([SECRET])), tmp_path)


@pytest.fixture
def pids(tmp_path: Path) -> Iterator[Pids]:
    yield from Pids(tmp_path / "pids").until_the_end()


def test_item_14_a_secret_split_across_two_writes_is_in_no_file(run: Running, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("command", [f"{SECRET}-tool --version", f"true && {SECRET}-tool", ["a/b", SECRET, "<x>"]])
def test_s74_a_secret_in_the_command_is_not_in_the_trouble(run: Running, command: str | list[str]) -> None:
    [trouble] = run(command).troubles
    assert SECRET not in trouble.message + trouble.help


def test_s73_bytes_are_stored_as_they_are_and_shown_as_a_terminal_can(run: Running) -> None:
    raw = b"\x1b[31mred\x1b[0m caf\xe9 \x00\x07 \xe2\x80\xae\x1b]0;title\x07 100%\n"
    lines: list[str] = []
    ran = run([sys.executable, "-S", "-c", f"import sys; sys.stdout.buffer.write({raw!r})"], on_line=lines.append)
    assert run.stored(ran.stdout.sha256) == raw
    assert lines == ["red caf\\xe9   100%"]


def test_the_live_line_is_redacted_also_where_colours_cut_the_secret(run: Running) -> None:
    lines: list[str] = []
    run(["printf", f"{SECRET}\\n"], on_line=lines.append)
    run(["printf", f"a {SECRET[:9]}\\033[1m{SECRET[9:]}\\n"], on_line=lines.append)
    assert lines == ["[redacted]", "a [redacted]"]


def test_live_lines_come_while_it_runs_and_not_too_often(run: Running) -> None:
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


def _flood(run: Running, megabytes: int) -> None:
    before = _memory()
    line = "x" * 1023
    ran = run(f"echo first; yes {line} | head -c {megabytes * 1_000_000}; echo; echo last >&2; echo last", timeout=280)
    assert (ran.exit, ran.troubles) == (0, ())
    assert ran.stdout.total == len("first\n") + megabytes * 1_000_000 + len("\nlast\n")
    assert ran.stdout.size < STREAM_CAP + 100
    kept = run.stored(ran.stdout.sha256)
    assert kept.startswith(b"first\nxxx")
    assert kept.endswith(b"\nlast\n")
    assert kept.count(b"[gonogo left out") == 1
    assert _memory() - before < 60


def test_s72_three_hundred_megabytes_of_output(run: Running) -> None:
    _flood(run, 300)


@pytest.mark.long
def test_s72_two_gigabytes_of_output(run: Running) -> None:
    _flood(run, 2000)


def test_s72_one_line_of_two_hundred_megabytes(run: Running) -> None:
    before = _memory()
    lines: list[str] = []
    ran = run("head -c 200000000 /dev/zero | tr '\\0' 'x'", on_line=lines.append)
    assert (ran.exit, ran.stdout.total, lines) == (0, 200_000_000, [])
    assert len(ran.out) == 1024 * 1024
    assert _memory() - before < 60


def test_a_store_that_cannot_be_written_ends_the_process_and_is_told(run: Running, pids: Pids) -> None:
    run.store.directory.rename(run.store.directory.with_name("gone"))
    started = time.monotonic()
    with pytest.raises(OperationError, match="is gone"):
        run(f"echo $$ >> {pids}; head -c 20000000 /dev/zero; sleep 60")
    assert time.monotonic() - started < 30
    assert pids.alive() == []
