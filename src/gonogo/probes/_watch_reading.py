"""Facts of a watch -> how long it was watched, and why it proves nothing where it does not. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.observation import Observation, Trouble
from gonogo.model.outcome import Outcome
from gonogo.probes import _facts
from gonogo.probes._account import Account, Gap, Pace, Sampled, account, expand
from gonogo.probes._api import INTERRUPTED, clock_text
from gonogo.probes._watch import DECIDED, SILENT, THROUGH, TOO_LONG
from gonogo.probes._watch import INTERRUPTED as STOPPED

_FEW = 5


@dataclass(frozen=True, slots=True)
class Watched:
    """What a watch amounts to."""

    samples: list[Sampled]
    account: Account
    pace: Pace
    ended: str
    """How it ended; empty: it goes on."""
    troubles: tuple[Trouble, ...]
    notes: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether it is over and was not cut off."""
        return self.ended not in {"", STOPPED}

    @property
    def told(self) -> bool:
        """Whether its length says something of the release: it came through, or was ended by what it saw."""
        return self.ended in {THROUGH, DECIDED}

    @property
    def through(self) -> bool:
        """Whether it was watched long enough."""
        return self.ended == THROUGH


def pace_of(params: Any) -> Pace:
    """The pace that a call's params ask for; a watch may take three times as long as all goes well."""
    return Pace(params.minutes, params.interval, params.gap, 3 * 60 * params.minutes + 2 * params.gap)


def watched(facts: Mapping[str, Any]) -> Watched:
    """Read what is common to every watch."""
    pace = Pace(**facts["pace"])
    samples = expand(facts["samples"])
    now = account(samples, pace)
    ended = str(facts.get("ended", ""))
    return Watched(samples, now, pace, ended, _troubles(samples, now, pace, ended), tuple(_notes(now, pace)))


def _troubles(samples: Sequence[Sampled], now: Account, pace: Pace, ended: str) -> tuple[Trouble, ...]:
    if ended == STOPPED:
        return (INTERRUPTED,)
    if ended == SILENT:
        why = _facts.trouble(samples[-1]["why"])
        longer = f"{why.message}, for {now.silent:.0f} s" if now.silent else why.message
        return (Trouble(why.outcome, why.slug, longer, why.help),)
    if ended == TOO_LONG:
        last = next((s["why"]["message"] for s in reversed(samples) if s["why"]), "")
        message = f"watched {now.watched / 60:.1f} of {pace.minutes:g} min in {now.awake / 60:.1f} min"
        mend = "mend what interrupts the watch, or give the run more time"
        return (Trouble(Outcome.UNKNOWN, "not-through", f"{message}: {last}" if last else message, mend),)
    return ()


def _notes(now: Account, pace: Pace) -> list[str]:
    notes = [f"{now.samples} samples, {now.coverage:.0f} % saw everything"] if pace.minutes else []
    notes += [_gap(gap) for gap in now.gaps[:_FEW]]
    if len(now.gaps) > _FEW:
        notes.append(f"{len(now.gaps) - _FEW} more gaps")
    notes += [f"the clock began anew at {clock_text(at)}: {why}" for at, why in now.restarts[:_FEW]]
    return notes + list(now.jumps[:_FEW])


def _gap(gap: Gap) -> str:
    return f"gap of {gap.seconds:.0f} s until {clock_text(gap.at)}: {gap.why}"


def of_time(one: Watched) -> list[Observation]:
    """The observations that every soak has, once it has ended; its length only where that tells something."""
    now = one.account
    longest = max((gap.seconds for gap in now.gaps), default=0.0)
    values = [
        *([("soak.minutes", round(now.watched / 60, 3))] if one.told else []),
        ("soak.samples", now.samples),
        ("soak.coverage_pct", round(now.coverage, 1)),
        ("soak.gaps", len(now.gaps)),
        ("soak.longest_gap_seconds", round(longest, 1)),
        ("soak.clock_restarts", len(now.restarts)),
    ]
    return [Observation(name, value, "facts.json") for name, value in values]
