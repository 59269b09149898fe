"""The whole run as plain text: for a file, a pipe, a log."""

from __future__ import annotations

from gonogo.model.run import RunView
from gonogo.plugins import output
from gonogo.telling.sheet import ending, line, opening, overview, plain, verdict_sentence

WIDTH = 100


@output("text", media_type="text/plain")
def text(view: RunView) -> str:
    """Plain text in lines of 100 columns: what was looked at, each gate, the decision, and why."""
    return plain(
        [
            *opening(view, WIDTH),
            *overview(view, WIDTH),
            line(),
            line("─" * WIDTH),
            *verdict_sentence(view, WIDTH),
            *ending(view, WIDTH),
        ]
    )
