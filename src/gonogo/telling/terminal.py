"""The run as it happens: a live view in a terminal, plain lines anywhere else, and the ending after both.

What has finished is printed once and never moves; only the gates that run right now are redrawn, at the bottom.
So the view fits any height, scrolls back whole, and an interrupt leaves nothing half drawn.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from gonogo.model.checklist import Gate
from gonogo.model.outcome import DecisionWord, Outcome
from gonogo.model.run import GateView, RunView
from gonogo.model.verdict import Verdict
from gonogo.telling.sheet import (
    DECISION_STYLES,
    Line,
    Piece,
    ending,
    gate_lines,
    labelled,
    line,
    opening,
    overview,
    phase_heading,
    plain,
    verdict_sentence,
)
from gonogo.telling.words import WORDS, because, cells, crop, duration, number, plain_symbols, qualities, safe

if TYPE_CHECKING:  # rich is imported when something is drawn, not when kinds are looked up
    from rich.console import Console, RenderableType
    from rich.live import Live

_PALETTE = {
    "": "",
    "dim": "dim",
    "bold": "bold",
    "head": "bold",
    "pass": "green",
    "fail": "bold red",
    "warn": "yellow",
    "calm": "cyan",
}
_WIDEST = 100
_NARROWEST = 40
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAMES_PER_SECOND = 8
_BESIDE = 78
"""From this width on the decision's sentence stands beside its letters."""
_OTHER_LINES = 6
"""Lines of the terminal that the running gates leave free."""

_LETTERS = {
    "G": ("█▀▀ ", "█▄█ "),
    "O": ("█▀█ ", "█▄█ "),
    "N": ("█▄ █ ", "█ ▀█ "),
    "H": ("█ █ ", "█▀█ "),
    "L": ("█   ", "█▄▄ "),
    "D": ("█▀▄ ", "█▄▀ "),
    "-": ("▄▄ ", "   "),
}


def is_terminal(stream: TextIO) -> bool:
    """Whether something that can move a cursor reads `stream`."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def console_for(stream: TextIO) -> Console:
    """A console on `stream`: colour only in a terminal and without `NO_COLOR`, no markup, no guessing of styles."""
    from rich.console import Console

    return Console(
        file=stream,
        force_terminal=is_terminal(stream),
        no_color=True if os.environ.get("NO_COLOR") else None,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=True,
    )


def width_of(console: Console) -> int:
    """Columns to write in: never wider than reads well, never narrower than is possible."""
    return max(_NARROWEST, min(_WIDEST, console.width))


def unicode_in(stream: TextIO) -> bool:
    """Whether `stream` can write the symbols."""
    return (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "").startswith("utf")


def show(console: Console, lines: Iterable[Line]) -> None:
    """Print lines with their colours; long words run on, so that a path can be copied whole."""
    from rich.text import Text

    ascii_only = not unicode_in(console.file)  # type: ignore[arg-type]  # rich says IO[str]
    for pieces in lines:
        text = Text()
        for piece in pieces:
            text.append(plain_symbols(piece.text) if ascii_only else piece.text, _PALETTE[piece.style])
        text.rstrip()
        console.print(text, soft_wrap=True)


def banner(view: RunView, width: int, *, symbols: bool = True) -> list[Line]:
    """The decision in large letters, with the same in words beside or beneath them."""
    if view.decision is None or not symbols:
        return [line(), *verdict_sentence(view, width)]
    style = DECISION_STYLES[view.decision.word]
    large = [f"  {_large(view.decision.word, row)} " for row in (0, 1)]
    beside = verdict_sentence(view, width - cells(large[0]))
    if width < _BESIDE:
        beneath = verdict_sentence(view, width)
        return [line(), *(line(row, style) for row in large), line(), *beneath]
    rows = [*large, *[" " * cells(large[0])] * (len(beside) - len(large))]
    return [line(), *((Piece(row, style), *said) for row, said in zip(rows, beside, strict=False))]


def _large(word: DecisionWord, row: int) -> str:
    return "".join(_LETTERS[letter][row] for letter in word.value)


def show_ending(stream: TextIO, view: RunView) -> None:
    """The decision, large, and all that follows from it."""
    console = console_for(stream)
    width = width_of(console)
    show(console, [*banner(view, width, symbols=unicode_in(stream)), *ending(view, width)])


def show_run(stream: TextIO, view: RunView) -> None:
    """A run that is over, from its first line to its last."""
    console = console_for(stream)
    width = width_of(console)
    show(console, [line(), *opening(view, width), *overview(view, width)])
    show_ending(stream, view)


class PlainListener:
    """Tells a run in lines that never move: one when a gate starts, one when it is done."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._ascii = not unicode_in(stream)

    def run_started(self, view: RunView) -> None:
        """Say what is looked at."""
        self._say(plain(opening(view, _WIDEST)).rstrip("\n"))

    def gate_started(self, gate_id: str, attempt: int) -> None:
        """Say that a gate starts."""
        again = f" (attempt {attempt})" if attempt > 1 else ""
        self._say(f"start    {safe(gate_id)}{again}")

    def gate_output(self, gate_id: str, line: str) -> None:
        """What a command prints is kept as evidence; `gonogo logs` shows it."""

    def gate_finished(self, verdict: Verdict) -> None:
        """Say what became of a gate, and the first reason where it is not green."""
        quality = qualities(verdict)
        said = f"{WORDS[verdict.outcome]:<9}{safe(verdict.gate)}" + (f" ({quality})" if quality else "")
        took = f", {duration(verdict.seconds)}" if verdict.seconds else ""
        green = verdict.outcome is Outcome.PASS
        reason = "" if green else next(iter(because(verdict) or verdict.questions), "")
        self._say(f"{said}{took}" + (f": {safe(reason)}" if reason else ""))

    def run_waiting(self, view: RunView) -> None:
        """The gates that wait have said so."""

    def untold(self) -> Sequence[str]:
        """Whoever reads this has been told."""
        return ()

    def run_finished(self, view: RunView) -> None:
        """The ending is printed by whoever asked for the run."""

    def note(self, text: str) -> None:
        """Say a remark about the run."""
        self._say(f"note     {safe(text)}")

    def _say(self, text: str) -> None:
        with self._lock:
            self._stream.write(f"{plain_symbols(text) if self._ascii else text}\n")
            self._stream.flush()


class _Running:
    """A gate at work: when it started, and the last thing it printed."""

    def __init__(self, title: str, attempt: int) -> None:
        self.title = title
        self.attempt = attempt
        self.since = time.monotonic()
        self.last = ""


class LiveListener:
    """Draws a run in a terminal. Its methods may be called from any thread.

    The drawing thread holds rich's own lock when it asks for the next frame, and printing takes that lock too. So
    ours is held for looking at the gates only, never while something is printed: else the two would wait for ever.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._live: Live | None = None
        self._view: RunView | None = None
        self._gates: dict[str, GateView] = {}
        self._closing: dict[str, Gate] = {}
        self._running: dict[str, _Running] = {}
        self._done = 0
        self._phase = ""
        self._since = time.monotonic()

    def close(self) -> None:
        """Give the terminal back: cursor shown, nothing half drawn. May be called twice."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def run_started(self, view: RunView) -> None:
        """Print what is looked at and begin to draw."""
        from rich.live import Live

        with self._lock:
            self._view = view
            self._gates = {gate.gate.id: gate for gate in view.gates}
            self._closing = {node.id: node.gate for node in view.plan.closing}
            self._since = time.monotonic()
        show(self._console, [line(), *opening(view, self._width)])
        self._live = Live(
            console=self._console,
            get_renderable=self._frame,
            refresh_per_second=_FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._live.start()

    def gate_started(self, gate_id: str, attempt: int) -> None:
        """Draw a gate as running."""
        with self._lock:
            known = self._gate(gate_id)
            self._running[gate_id] = _Running(known.title if known else gate_id, attempt)

    def gate_output(self, gate_id: str, line: str) -> None:
        """Remember the last line a gate printed."""
        said = safe(line).strip()
        with self._lock:
            running = self._running.get(gate_id)
            if said and running is not None:
                running.last = said

    def gate_finished(self, verdict: Verdict) -> None:
        """Print a finished gate for good, under its phase. Gates that never ran are told at the end, with reasons."""
        with self._lock:
            self._running.pop(verdict.gate, None)
            self._done += 1
            known = self._gate(verdict.gate)
            if known is None or verdict.outcome in {Outcome.NOT_RUN, Outcome.NOT_APPLICABLE}:
                return
            lines = [*self._heading(verdict.phase), *gate_lines(GateView(known, verdict), self._width)]
        show(self._console, lines)

    def run_waiting(self, view: RunView) -> None:
        """The gates that wait have said so."""

    def untold(self) -> Sequence[str]:
        """Whoever reads this has been told."""
        return ()

    def run_finished(self, view: RunView) -> None:  # noqa: ARG002 - the protocol has it
        """Stop drawing."""
        self.close()

    def note(self, text: str) -> None:
        """Print a remark about the run."""
        show(self._console, labelled("note", safe(text), self._width))

    def _gate(self, gate_id: str) -> Gate | None:
        """A gate of the plan, or what closes its rollout."""
        known = self._gates.get(gate_id)
        return known.gate if known is not None else self._closing.get(gate_id)

    @property
    def _width(self) -> int:
        return width_of(self._console)

    def _heading(self, phase: str) -> list[Line]:
        if phase == self._phase or self._view is None:
            return []
        self._phase = phase
        title = next((p.title for p in self._view.plan.phases if p.id == phase), "")
        return [line(), phase_heading(phase, title, self._width)]

    def _frame(self) -> RenderableType:
        from rich.text import Text

        with self._lock:
            now = time.monotonic()
            lines = self._running_lines(now)
            lines += [line(), (Piece(f"  {self._counts(now)}", "dim"),)]
        ascii_only = not unicode_in(self._console.file)  # type: ignore[arg-type]  # rich says IO[str]
        frame = Text(no_wrap=True, overflow="ellipsis")
        for number_, pieces in enumerate(lines):
            frame.append("\n" if number_ else "")
            for piece in pieces:
                frame.append(plain_symbols(piece.text) if ascii_only else piece.text, _PALETTE[piece.style])
        return frame

    def _running_lines(self, now: float) -> list[Line]:
        """The gates at work, each with its last line; without those lines where the terminal is too low for them."""
        width, frame = self._width, _FRAMES[int(now * _FRAMES_PER_SECOND) % len(_FRAMES)]
        room = max(1, self._console.height - _OTHER_LINES)
        with_output = 2 * len(self._running) <= room
        lines: list[Line] = []
        for running in list(self._running.values())[:room]:
            again = f" (attempt {running.attempt})" if running.attempt > 1 else ""
            title = crop(safe(running.title) + again, width - 24)
            gap = " " * max(1, width - 23 - cells(title))
            took = f"{duration(now - running.since):>10}"
            lines.append((Piece(f"  {frame} running  ", "calm"), Piece(title), Piece(f"{gap}{took}", "dim")))
            if with_output and running.last:
                lines.append(line(f"             {crop(running.last, width - 15)}", "dim"))
        return [line(), *lines] if lines else lines

    def _counts(self, now: float) -> str:
        total = len(self._gates)
        waiting = total - self._done - len(self._running)
        said = [f"{self._done} of {number(total, 'gate')}"]
        said += [f"{len(self._running)} running"] if self._running else []
        said += [f"{waiting} to go"] if waiting > 0 else []
        return " · ".join([*said, duration(now - self._since)])


@contextmanager
def listening(stream: TextIO) -> Iterator[PlainListener | LiveListener]:
    """The listener that fits `stream`; however the block ends, the terminal is given back as it was."""
    if not is_terminal(stream):
        yield PlainListener(stream)
        return
    listener = LiveListener(console_for(stream))
    try:
        yield listener
    finally:
        listener.close()
