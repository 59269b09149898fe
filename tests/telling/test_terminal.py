from __future__ import annotations

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gonogo.model.outcome import DecisionWord, Outcome
from gonogo.telling.terminal import PlainListener, banner, listening, show_ending
from tests.outputs.runs import gate, green, mixed, red, run, seen

ROOT = Path(__file__).parents[2]


def plain_telling(*, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors="strict", write_through=True)
    view = mixed()
    with listening(stream) as listener:
        listener.run_started(view)
        for gate_view in view.gates:
            listener.gate_started(gate_view.gate.id, 1)
            listener.gate_output(gate_view.gate.id, "\x1b[31mnoise\x1b[0m")
            listener.gate_finished(gate_view.verdict)
        listener.note("something \x1b[2J odd")
        listener.run_finished(view)
    return raw.getvalue().decode(encoding)


def test_without_a_terminal_nothing_moves() -> None:
    said = plain_telling()
    assert "\x1b" not in said
    assert "\r" not in said
    assert "noise" not in said
    for gate_view in mixed().gates:
        assert said.count(f"start    {gate_view.gate.id}\n") == 1
    assert "FAIL     formatting-linting, 8.1 s: lint errors 3, needs 0: 3 too many\n" in said
    assert "note     something  odd\n" in said


def test_a_stream_that_writes_ascii_only_is_no_trouble() -> None:
    assert plain_telling(encoding="ascii").isascii()


def test_it_is_plain_where_the_terminal_is_dumb(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "dumb")
    with listening(Terminal()) as listener:
        assert isinstance(listener, PlainListener)


@pytest.mark.parametrize("word", list(DecisionWord))
@pytest.mark.parametrize("width", [40, 80, 100])
def test_the_decision_is_large_and_in_words(word: DecisionWord, width: int) -> None:
    rows = ["".join(piece.text for piece in line) for line in banner(run(green(gate("A")), decision=word), width)]
    assert sum("█" in row for row in rows) == 2
    assert any(re.search(rf"\b{word.value}\b", row) for row in rows)
    assert max(map(len, rows)) <= width


def test_without_symbols_the_decision_is_in_words_alone() -> None:
    said = io.TextIOWrapper(raw := io.BytesIO(), encoding="ascii", errors="strict", write_through=True)
    show_ending(said, mixed())
    shown = raw.getvalue().decode()
    assert "NO-GO  a1b2c3d on staging" in shown
    assert "x FAIL     Formatting & linting" in shown


SCRIPT = """
import sys, time
from tests.outputs.runs import mixed
from gonogo.telling.terminal import listening, show_ending
view = mixed()
with listening(sys.stderr) as listener:
    listener.run_started(view)
    for gate in view.gates[:4]:
        listener.gate_started(gate.gate.id, 1)
        listener.gate_output(gate.gate.id, "\\x1b]0;owned\\x07last \\x1b[5mline of " + gate.gate.id)
        time.sleep({pause})
        listener.gate_finished(gate.verdict)
    listener.run_finished(view)
show_ending(sys.stdout, view)
"""


def in_terminal(
    pause: float, *, width: int = 80, interrupt: bytes = b"", script: str = "", **env: str
) -> tuple[str, int]:
    """What a terminal of `width` columns is sent, and the exit code; interrupted once `interrupt` is shown."""
    primary, secondary = pty.openpty()
    import fcntl
    import struct
    import termios

    fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    keep = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"}}
    process = subprocess.Popen(
        [sys.executable, "-c", script or SCRIPT.format(pause=pause)],
        stdin=secondary,
        stdout=secondary,
        stderr=secondary,
        cwd=ROOT,
        env={**keep, "TERM": "xterm-256color", **env},
        start_new_session=True,
    )
    os.close(secondary)
    told, started, interrupted = b"", time.monotonic(), False
    while time.monotonic() - started < 60:
        ready, _, _ = select.select([primary], [], [], 0.1)
        if ready:
            try:
                chunk = os.read(primary, 65536)
            except OSError:
                break
            if not chunk:
                break
            told += chunk
        if interrupt and not interrupted and interrupt in told:
            process.send_signal(signal.SIGINT)
            interrupted = True
    else:
        process.kill()
    os.close(primary)
    return told.decode(errors="replace"), process.wait(timeout=120)


def test_a_terminal_sees_the_last_line_then_the_outcome_then_the_decision() -> None:
    told, exit_code = in_terminal(0.4)
    assert exit_code == 0
    assert "last line of formatting-linting" in told
    assert "\x1b]0;owned" not in told
    assert "\x1b[5m" not in told
    assert told.index("running") < told.index("FAIL") < told.rindex("NO-GO")
    assert told.rindex("\x1b[?25h") > told.rindex("\x1b[?25l"), "the cursor is shown again"


def test_no_color_sends_no_colour() -> None:
    told, _ = in_terminal(0.05, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", told)
    assert "FAIL" in told
    coloured, _ = in_terminal(0.05)
    assert re.search(r"\x1b\[[0-9;]*3[0-7]m", coloured), "else this test could not fail"


def test_an_interrupt_gives_the_terminal_back() -> None:
    told, exit_code = in_terminal(5, interrupt=b"last line")
    assert exit_code != 0
    assert "\x1b[?25l" in told, "the view was up"
    assert told.rindex("\x1b[?25h") > told.rindex("\x1b[?25l")


def test_narrow_terminals_break_no_line_of_the_view() -> None:
    told, _ = in_terminal(0.3, width=44)
    view = told[: told.index("█")]
    for row in re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", view)):
        assert len(row) <= 44, row


def test_a_gate_that_never_ran_is_told_at_the_end_only() -> None:
    shown = io.StringIO()
    show_ending(shown, run(red(gate("A")), seen(gate("B", "2"), Outcome.NOT_RUN, "phase 1 is not green")))
    assert re.search(r"not run  phase 1 is not green\n +B\n", shown.getvalue())


STRESS = """
import sys, threading
from tests.outputs.runs import gate, green, run
from gonogo.telling.terminal import LiveListener, console_for
gates = [green(gate(f"Gate {n}")) for n in range(400)]
listener = LiveListener(console_for(sys.stderr))
listener.run_started(run(*gates))
def work(mine):
    for one in mine:
        listener.gate_started(one.gate.id, 1)
        for n in range(5):
            listener.gate_output(one.gate.id, f"line {n}")
            listener._live.refresh()
        listener.gate_finished(one.verdict)
threads = [threading.Thread(target=work, args=(gates[n::4],)) for n in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
listener.run_finished(run(*gates))
"""


def test_drawing_and_printing_never_wait_for_each_other() -> None:
    told, exit_code = in_terminal(0, script=STRESS)
    assert exit_code == 0
    words = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", told)
    assert len(re.findall(r"pass     Gate \d+ ", words)) == 400
