"""A line that nobody else writes: sent through the application's own way of logging, then looked for."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gonogo.model.observation import Trouble
from gonogo.plugins import Context
from gonogo.probes._api import Unanswered
from gonogo.probes._fetch import bare, fetch, secrets_of
from gonogo.probes._watch import Clock, machine_clock

_EVERY = 2.0
"""Seconds between two looks: so much too great a lag can come out."""
PASSING = frozenset({"unreachable", "not-ready", "timeout", "broken-answer", "out-of-reach"})
"""What a system that has just started may say, and takes back."""


def unique() -> str:
    """A new marker, of letters, digits and `-` only: any logger prints it as it is, and it needs no quoting."""
    return f"gonogo-{secrets.token_hex(8)}"


class Marked(Protocol):
    """The params of a call that sends a marker."""

    @property
    def path(self) -> str:
        """What is asked of the application; `{marker}` in it is replaced."""

    @property
    def marker_header(self) -> str:
        """The header that carries the marker; empty: none."""

    @property
    def timeout(self) -> float:
        """Seconds for one request."""


def send(marker: str, app: str, params: Marked, context: Context) -> dict[str, Any]:
    """Ask the application with the marker in a header, and where `{marker}` stands in the path.

    Any answer will do: it is not the answer that is looked at. Raises `Unanswered` where none came.
    """
    context.add_secrets(secrets_of(app, {}))
    url = app.rstrip("/") + params.path.replace("{marker}", marker)
    headers = {"User-Agent": "gonogo", **({params.marker_header: marker} if params.marker_header else {})}
    answer = fetch(url, headers=headers, timeout=min(params.timeout, context.timeout), cap=1024)
    if isinstance(answer, Trouble):
        message = f"the application at {bare(url)}: {answer.message}"
        raise Unanswered(answer.slug, message, answer.help, answer.outcome)
    return {"url": bare(url), "status": answer.status}


def _clock() -> Clock:
    return machine_clock()


Look = Callable[[], Mapping[str, Any] | None]
"""What was found; None: it is not there yet. Raises `Unanswered`."""


@dataclass(slots=True)
class Hunt:
    """Looks for the marked line until it is there, or its time is up. The time begins when this is made."""

    context: Context
    wait: float
    """Seconds to go on looking."""
    warm_up: float
    """Seconds in which nothing need answer; so long a silence later is borne too."""
    clock: Clock = field(default_factory=_clock)
    begun: float = field(init=False)
    wall: float = field(init=False)

    def __post_init__(self) -> None:
        self.begun, self.wall = self.clock.steady(), self.clock.wall()

    def run(self, look: Look) -> dict[str, Any] | None:
        """What was found, after how many seconds, or how long it was not there; None: told to stop.

        Raises `Unanswered` where the silence is longer than `warm_up`, or lasts when the time is up.
        """
        absent, answered, looks = 0.0, self.begun, 0
        while True:
            asked, why = self.clock.steady(), None
            try:
                found = look()
            except Unanswered as unanswered:
                found, why = None, unanswered
            now = self.clock.steady()
            if why is None:
                looks += 1
                silent, answered = asked - answered, now
                if found is not None:
                    seconds = round(now - self.begun, 3)
                    return {"found": dict(found), "seconds": seconds, "silent": round(silent, 3), "looks": looks}
                absent = asked - self.begun
                if absent >= self.wait:
                    return {"found": None, "seconds": round(absent, 3), "silent": 0.0, "looks": looks}
            elif why.trouble.slug not in PASSING or now - answered >= self.warm_up:
                raise why
            self.context.tell(why.trouble.message if why else f"not there after {now - self.begun:.0f} s")
            left = self.wait - (now - self.begun)
            if not self.context.wait(min(_EVERY, left) if left > 0 and why is None else _EVERY):
                return None
