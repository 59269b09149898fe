"""Whether services hold still: the rules over many looks at them. Pure; `gonogo.rollout.watch` is the loop.

What a single look says is not enough. A service that crashes and is started again is `running` with exit code 0 most of
the time, and one without a healthcheck is `running` whatever it does. So each copy is compared with itself: its
identity, its artifact, how often it was restarted, when its process started, over a window without any trouble.

Source: state facts of Docker Engine 20.10 to 29 (`State`, `RestartCount`), and the start period of its healthcheck,
https://docs.docker.com/reference/dockerfile/#healthcheck.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model import codec
from gonogo.model.observation import Trouble
from gonogo.model.release import Instance

WRONG_ARTIFACT = "wrong-artifact"
"""Slug of the problem that a service runs something else than it should."""
CREATED_PATIENCE = 10.0
"""Seconds that a copy may be absent, or created and not started, before that counts as a failed start."""
FLAPS = 2
"""So often may a copy not stop being healthy, even where each time is excused by its start period."""
CHECKS = 3
"""The window spans at least so many health checks: one lucky answer proves nothing."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a service, and ends the watch: it is up to no good, however long one waits."""

    service: str
    slug: str
    message: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Watched:
    """What came of watching services."""

    stable: bool
    """Nothing went wrong, everything is proved healthy, and so for the whole window."""
    seconds: float
    """How long it was watched."""
    held: float = 0.0
    """Seconds that all of it had held still when the watch ended."""
    samples: int = 0
    problems: tuple[Problem, ...] = ()
    """Why it failed. Neither stable nor a problem: it could not be told, see `unproven` and `troubles`."""
    unproven: tuple[str, ...] = ()
    """Services that run, and have nothing that could say whether they are healthy."""
    notes: tuple[str, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    """Why it could not be looked at: out of reach for too long, interrupted."""
    restarts: int = 0
    """Restarts seen while it was watched."""
    seen: tuple[Instance, ...] = ()
    """The last look at these services; what `still` compares later looks with."""

    def facts(self) -> dict[str, Any]:
        """All of it as JSON."""
        data: dict[str, Any] = codec.dump(self)
        return data


@dataclass(slots=True)
class _Copy:
    """What is remembered of one copy of a service."""

    first: Instance
    """Itself when the watch began; what it is compared with."""
    seen: float
    """When its present process was first seen."""
    health: str = ""
    flaps: int = 0
    restarts: int = 0


@dataclass(slots=True)
class Rules:
    """The rules, fed with one look after the other."""

    expected: Mapping[str, str]
    """Service -> identity of the artifact it must run; empty: whichever."""
    window: float
    before: Mapping[str, Instance] | None = None
    """Copies that were there before, by id: a copy that is not among them has never been restarted. None: unknown."""
    once: bool = False
    """One look is enough: what it is compared with was watched before."""
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    samples: int = 0
    seen: tuple[Instance, ...] = ()
    _copies: dict[str, _Copy] = field(default_factory=dict)
    _short: set[str] = field(default_factory=set)
    """Services that lacked a copy at the last look."""
    _since: float | None = None
    """When all of it began to hold still."""
    _absent: dict[str, float] = field(default_factory=dict)

    @classmethod
    def against(cls, expected: Mapping[str, str], since: Iterable[Instance], at: float) -> Rules:
        """Rules that compare the next look with an earlier one, however long ago that was."""
        rules = cls(expected, 0.0, once=True)
        rules._copies = {one.id: _Copy(one, at, one.health) for one in since if one.id and one.service in expected}
        return rules

    # --- looks ---------------------------------------------------------------------------------------------------

    def see(self, at: float, instances: Iterable[Instance]) -> None:
        """Judge one look, taken at the monotonic time `at`."""
        mine = [one for one in instances if one.service in self.expected]
        there = {one.service for one in mine}
        mine += [Instance(service, "", "", "absent") for service in self.expected if service not in there]
        self.seen = tuple(mine)
        self.samples += 1
        self._same_copies(mine, at)
        settled = [self._judge(one, at) for one in mine]
        self._short = {one.service for one in mine if not one.id}
        self._absent = {service: since for service, since in self._absent.items() if service in self._short}
        if not all(settled):
            self._since = None
        elif self._since is None:
            self._since = at

    def again(self, seconds: float) -> None:
        """It was out of reach for so long and is back: what was restarted together with its engine begins anew."""
        self.notes.append(f"out of reach for {seconds:.0f} s; the window began anew")
        known, self._copies = self._copies, {}
        self.before = None
        self._since = None
        for identity, copy in known.items():
            copy.first = replace(copy.first, restarts=-1, started="")
            self._copies[identity] = copy

    def _same_copies(self, mine: Sequence[Instance], at: float) -> None:
        known = {copy.first.service for copy in self._copies.values()}
        here = {one.id for one in mine if one.id}
        for identity, copy in list(self._copies.items()):
            if identity not in here:
                self._gone(copy, [one for one in mine if one.service == copy.first.service])
                del self._copies[identity]
        for one in mine:
            if not one.id or one.id in self._copies:
                continue
            if one.service in known - self._short and not any(p.service == one.service for p in self.problems):
                self._problem(one, "foreign-change", "got another copy that this rollout did not make", _WHO)
            self._copies[one.id] = _Copy(self._first(one), at)

    def _first(self, one: Instance) -> Instance:
        if self.before is None:
            return one
        known = self.before.get(one.id)
        return replace(one, restarts=0) if known is None else replace(one, restarts=known.restarts)

    def _gone(self, copy: _Copy, now: Sequence[Instance]) -> None:
        others = [one.id[:12] for one in now if one.id]
        what = f"replaced by {' and '.join(others)}" if others else "removed"
        self._problem(copy.first, "foreign-change", f"`{copy.first.id[:12]}` was {what} by somebody else", _WHO)

    # --- one copy ------------------------------------------------------------------------------------------------

    def _judge(self, one: Instance, at: float) -> bool:
        """Whether a copy is well now; what is beyond hope becomes a problem."""
        if not one.id:
            self._awaited(one, at - self._absent.setdefault(one.service, at), "is not there")
            return False
        copy = self._copies[one.id]
        self._identity(one)
        self._restarted(one, copy, at)
        if found := _hopeless(one):
            self._problem(one, *found)
            return False
        if one.status == "created":
            self._awaited(one, at - copy.seen, "was made and never started")
            return False
        if one.one_shot:
            return one.status == "exited" and one.exit == 0
        return one.status == "running" and self._healthy(one, copy, at)

    def _awaited(self, one: Instance, seconds: float, what: str) -> None:
        if seconds > CREATED_PATIENCE:
            self._problem(one, "not-started", f"{what} ({seconds:.0f} s)", "see why in its engine's log")

    def _identity(self, one: Instance) -> None:
        wanted = self.expected[one.service]
        if wanted and one.artifact != wanted:
            why = f"runs `{_short(one.artifact)}`, and `{_short(wanted)}` was judged"
            self._problem(one, WRONG_ARTIFACT, why, "find out who moved the tag or deployed something else")

    def _restarted(self, one: Instance, copy: _Copy, at: float) -> None:
        first = copy.first
        if first.restarts < 0:  # its engine was away: whatever it did meanwhile is not held against it
            copy.first, copy.seen, copy.health = one, at, ""
            return
        moved = bool(first.started) and one.started != first.started and first.status != "created"
        count = max(one.restarts - first.restarts, int(moved))
        if count > copy.restarts and not one.one_shot:
            copy.restarts = count
            times = "once" if count == 1 else f"{count} times"
            told = f" (exit code {one.exit})" if one.exit else ""
            told = " because memory ran out" if one.oom else told
            self._problem(one, "restarted", f"ended and was started again {times}{told}", _LOGS)
        if first.status == "created" and one.status != "created":
            copy.first, copy.seen = replace(one, restarts=first.restarts), at

    def _healthy(self, one: Instance, copy: _Copy, at: float) -> bool:
        was, copy.health = copy.health, one.health
        excused = at - copy.seen < one.start_period
        if was == "healthy" and one.health != "healthy":
            copy.flaps += 1
        if copy.flaps and one.health == "unhealthy" and (copy.flaps >= FLAPS or not excused):
            times = "once" if copy.flaps == 1 else f"{copy.flaps} times"
            self._problem(one, "flapping", f"was healthy and became unhealthy again, {times}", _LOGS)
        elif one.health == "unhealthy" and not excused:
            self._problem(
                one,
                "unhealthy",
                f"is unhealthy: its healthcheck fails{_told(one)}",
                "read its health log, and its own log",
            )
        elif one.health == "unhealthy":
            self._note(f"`{one.service}` was unhealthy within its start period of {one.start_period:.0f} s")
        return one.health in {"", "healthy"}

    def _problem(self, one: Instance, slug: str, message: str, mend: str = "") -> None:
        if not any((p.service, p.slug) == (one.service, slug) for p in self.problems):
            self.problems.append(Problem(one.service, slug, f"`{one.service}` {message}", mend))

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    # --- the whole -----------------------------------------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Whether all of it was well at the last look."""
        return self._since is not None

    @property
    def needed(self) -> float:
        """Seconds that all of it must hold still: the window, and never less than a few health checks."""
        if self.once:
            return 0.0
        return max(self.window, *(CHECKS * one.interval for one in self.seen), 0.0)

    def held(self, at: float) -> float:
        """Seconds that all of it has held still."""
        return 0.0 if self._since is None else at - self._since

    def late(self, seconds: float) -> None:
        """The time is up: what is not well yet becomes a problem."""
        for one in self.seen:
            if any(problem.service == one.service for problem in self.problems):
                continue
            if one.one_shot and one.status != "exited":
                self._problem(
                    one, "not-ended", f"was to do its work and end; it still runs after {seconds:.0f} s", _LOGS
                )
            elif one.status != "running":
                self._problem(one, "not-started", f"is `{one.status}` after {seconds:.0f} s", _LOGS)
            elif one.health not in {"", "healthy"} and not one.one_shot:
                why = f"is `{one.health}` after {seconds:.0f} s{_told(one)}"
                self._problem(one, "not-healthy", why, "raise the time it may take, or see what keeps it")

    @property
    def unproven(self) -> tuple[str, ...]:
        """Services that run without anything that could say whether they are healthy."""
        mute = {one.service for one in self.seen if one.status == "running" and not one.health and not one.one_shot}
        return tuple(service for service in self.expected if service in mute)

    def outcome(self, at: float, began: float, troubles: tuple[Trouble, ...] = ()) -> Watched:
        """What came of it."""
        unproven = self.unproven
        mute = tuple(f"`{service}` has no healthcheck: running is all that is known of it" for service in unproven)
        ended = tuple(
            f"`{one.service}` did its work and ended" for one in self.seen if one.one_shot and one.status == "exited"
        )
        enough = self.settled and self.held(at) >= self.needed
        return Watched(
            stable=bool(self.expected) and enough and not (self.problems or unproven or troubles),
            seconds=round(at - began, 3),
            held=round(self.held(at), 3),
            samples=self.samples,
            problems=tuple(self.problems),
            unproven=unproven,
            notes=(*self.notes, *mute, *(ended if not self.problems else ())),
            troubles=troubles,
            restarts=sum(copy.restarts for copy in self._copies.values()),
            seen=self.seen,
        )


def _told(one: Instance) -> str:
    return f" ({one.said})" if one.said else ""


_WHO = "find out who else deploys here, and run this again alone"
_LOGS = "read its log from just before that moment"


def _hopeless(one: Instance) -> tuple[str, str, str] | None:
    """Slug, words and mend of a state from which nothing good comes; None: there is hope."""
    if one.error:
        return "not-started", f"could not be started: {one.error}", _mend_start(one.error)
    if one.oom:
        return "out-of-memory", "ran out of memory and was killed", "raise its memory limit, or find the leak"
    if one.status == "exited":
        return _ended(one)
    again = f" (exit code {one.exit})" if one.exit else ""
    return {
        "restarting": ("restarted", f"ends and is started again and again{again}", _LOGS),
        "paused": ("paused", "is paused", f"resume it: docker unpause {one.id[:12]}"),
        "dead": ("dead", "is `dead`", "remove it, and deploy again"),
        "removing": ("dead", "is being removed", "find out who removes it"),
    }.get(one.status)


def _ended(one: Instance) -> tuple[str, str, str] | None:
    if not one.one_shot:
        return "exited", f"ended with exit code {'unknown' if one.exit is None else one.exit}", _LOGS
    if one.exit in {0, None}:
        return None
    return "one-shot-failed", f"was to do its work and failed with exit code {one.exit}", _LOGS


def _mend_start(error: str) -> str:
    if "address already in use" in error or "port is already allocated" in error:
        return "free the port (`docker ps`, `ss -ltnp` show who has it), or publish another one"
    if "executable file not found" in error or "no such file or directory" in error:
        return "correct the command of the image: that program is not in it"
    return "mend what it names, and deploy again"


def _short(artifact: str) -> str:
    return artifact.removeprefix("sha256:")[:12] or "nothing"
