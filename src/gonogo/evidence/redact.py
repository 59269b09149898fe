"""Take secrets out of bytes before they reach disk or screen: by value, in every spelling, and by shape.

One automaton looks for all of it in one pass. What it finds is united, not chosen among: where two secrets overlap,
both go. The output does not depend on how the input was cut into chunks.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

from gonogo.evidence.forms import MARK, keys
from gonogo.evidence.patterns import Pattern, anchored
from gonogo.frozen import dataclass

_BLOCK = 256 * 1024
"""Bytes gathered before a scan: fits the cache, and makes the carry-over between scans cheap."""

_LARGEST_DFA = 96 * 1024
"""Bytes of keys up to which the table-driven automaton is used: three times as fast, about 430 bytes per key byte."""


@dataclass(frozen=True, slots=True)
class _Machine:
    """The automaton over the values (the first `values` of its keys) and the anchors of the patterns."""

    automaton: BytesAhoCorasick
    values: int
    patterns: tuple[Pattern, ...]
    carry: int
    """Bytes at the end of a buffer in which a key may have begun but not ended: the longest key less one."""

    @classmethod
    def over(cls, values: Iterable[bytes]) -> _Machine:
        wanted = sorted(values)
        anchors = list(anchored())
        words = [*wanted, *(anchor for anchor, _ in anchors)]
        small = sum(map(len, words)) <= _LARGEST_DFA
        automaton = BytesAhoCorasick(
            words,
            matchkind=MatchKind.Standard,  # the one kind that reports overlapping matches
            implementation=Implementation.DFA if small else Implementation.ContiguousNFA,
        )
        return cls(automaton, len(wanted), tuple(pattern for _, pattern in anchors), max(map(len, words)) - 1)

    def spans(self, data: bytes, final: bool) -> tuple[list[tuple[int, int]], int]:
        """What to replace, and up to where `data` is decided: what begins there is looked at again with more data."""
        decided = len(data) if final else max(0, len(data) - self.carry)
        found: list[tuple[int, int, int]] = []
        for key, start, end in self.automaton.find_matches_as_indexes(data, overlapping=True):
            if key < self.values:
                found.append((start, start, end))
                continue
            pattern = self.patterns[key - self.values]
            if not final and start + pattern.reach > len(data):
                decided = min(decided, start)
                continue
            match = pattern.shape.match(data, end if pattern.behind else start, start + pattern.reach)
            if match is not None:
                found.append((start, *match.span(match.lastindex or 0)))
        return [(start, end) for key_start, start, end in found if key_start < decided], decided


class Stream:
    """Redaction of one stream: feed chunks of any size, close at its end."""

    __slots__ = ("_ahead", "_block", "_covered", "_pending", "_redactor")

    def __init__(self, redactor: Redactor, block: int = _BLOCK) -> None:
        """`block`: bytes gathered before a scan; the output is the same for any."""
        self._redactor = redactor
        self._block = block
        self._pending = bytearray()
        self._covered = -1
        """How far into `_pending` an already written mark reaches; -1: what was written last is no mark."""
        self._ahead: list[tuple[int, int]] = []
        """Spans within `_pending` whose key has been passed already: `password=` was returned, its value was not."""

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes of the stream; returns redacted bytes that are decided, often none."""
        self._pending += chunk
        return self._advance(final=False) if len(self._pending) >= self._block else b""

    def close(self) -> bytes:
        """Redacted rest of the stream."""
        return self._advance(final=True)

    def peek(self) -> bytes:
        """The whole lines among what has not been returned yet, redacted, for a live view; takes nothing.

        Only whole lines: the last one may end in the first half of a secret.
        """
        end = max(self._pending.rfind(b"\n"), self._pending.rfind(b"\r")) + 1
        if end <= 0:
            return b""
        ahead = Stream(self._redactor)
        ahead._pending, ahead._covered, ahead._ahead = self._pending[:end], self._covered, self._ahead
        return ahead.close()

    def _advance(self, *, final: bool) -> bytes:
        data = bytes(self._pending)
        found, decided = self._redactor._machine_now().spans(data, final)
        pieces: list[bytes] = []
        written, covered = max(0, self._covered), self._covered
        spans = sorted(self._ahead + found)
        self._ahead = [(start - decided, end - decided) for start, end in spans if start >= decided]
        for start, end in spans:
            if start >= decided:
                break
            if start > covered:
                pieces += (data[written:start], MARK)
            covered = written = max(covered, end)
        if written < decided:
            pieces.append(data[written:decided])
        self._covered = covered - decided if covered >= decided else -1
        self._pending = bytearray(memoryview(data)[decided:])
        return b"".join(pieces)


class Redactor:
    """Knows the secrets of a run. One for all its streams; safe to use and to extend from several threads."""

    def __init__(self, secrets: Iterable[str] = (), common: Iterable[str] = ()) -> None:
        """`common` are words that are no secret whoever uses them as one: the names of the project and its parts."""
        self._common = frozenset(word.lower() for word in common)
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._values: frozenset[bytes] = frozenset()
        self._weak: tuple[str, ...] = ()
        self._machine: _Machine | None = None
        self.add(secrets)

    @property
    def weak(self) -> tuple[str, ...]:
        """Values given as secrets that are too short or too common to be looked for. Show their keys, never them."""
        return self._weak

    def add(self, values: Iterable[str]) -> None:
        """From now on these values reach no output, in streams that are already open too."""
        with self._lock:
            fresh = [value for value in dict.fromkeys(values) if value not in self._seen]
            self._seen.update(fresh)
            wanted, weak = keys(fresh, self._common)
            self._weak += tuple(value for value in weak if value not in self._weak)
            if not wanted <= self._values:
                self._values |= wanted
                self._machine = None

    def text(self, text: str) -> str:
        """The text without secrets."""
        return self.bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def bytes(self, data: bytes) -> bytes:
        """The bytes without secrets."""
        if not data:
            return data
        stream = Stream(self)
        return stream.feed(data) + stream.close()

    def stream(self, block: int = _BLOCK) -> Stream:
        """A new stream to redact; `block`: bytes gathered before a scan."""
        return Stream(self, block)

    def _machine_now(self) -> _Machine:
        machine = self._machine
        if machine is None:
            with self._lock:
                machine = self._machine = self._machine or _Machine.over(self._values)
        return machine
