"""The events table: appended to by one writer, each entry chained to the one before it."""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gonogo.errors import IntegrityError, OperationError, Refused
from gonogo.frozen import dataclass
from gonogo.ledger.lease import Holder, Lease, new_token, provably_dead, this_process
from gonogo.model.codec import canonical

FORMAT = 2
"""Version of the tables below, kept as SQLite's `user_version`."""

_TABLES = """
CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  run TEXT NOT NULL,
  gate TEXT NOT NULL,
  event TEXT NOT NULL,
  time TEXT NOT NULL,
  monotonic REAL NOT NULL,
  data TEXT NOT NULL,
  prev_hash TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE INDEX events_of_run ON events (run, seq);
CREATE INDEX verdicts_of_gate ON events (gate, seq) WHERE event = 'verdict';
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_remain BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE TABLE lease (one INTEGER PRIMARY KEY CHECK (one = 1), token TEXT NOT NULL, run TEXT NOT NULL,
                    holder TEXT NOT NULL) STRICT;
INSERT INTO head VALUES (1, 0, '');
"""
_LATER_INDEX = "CREATE INDEX IF NOT EXISTS baselines ON events (seq) WHERE event = 'baseline'"
"""Came after the tables: added to a ledger that has none."""
_SUBJECT = "SELECT json_extract(data, '$.plan.subject.commit') FROM events WHERE run = ? AND event = 'run-started'"
_BUSY_SECONDS = 10.0
_PAGE = 1024
"""Bytes of a page of a new file. An event changes a few pages by some hundred bytes, and each is written whole to the
log: with pages a quarter of the usual size, the disk is waited for half as long at the end of a run."""
_CHECKPOINT = 16_000_000 // _PAGE
"""Pages of the log after which it is taken over into the file, which waits for the disk."""
_COLUMNS = "seq, run, gate, event, time, monotonic, data, prev_hash, hash"
_INSERT = f"INSERT INTO events ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?)"  # noqa: S608 - our columns
_LAST_TURN = """SELECT event FROM events WHERE run = ? AND event IN ('run-started', 'run-resumed', 'run-finished')
                ORDER BY seq DESC LIMIT 1"""
_BEGUN = """SELECT gate FROM events WHERE run = ? AND event IN ('attempt-started', 'attempt-ended', 'verdict')
            GROUP BY gate HAVING MAX(CASE event WHEN 'attempt-started' THEN seq ELSE 0 END) = MAX(seq) LIMIT 1"""
_HEAD = "SELECT seq, hash, (SELECT token FROM lease) FROM head"


@dataclass(frozen=True, slots=True)
class Event:
    """One entry."""

    seq: int
    run: str
    gate: str
    """Empty for what concerns the run as a whole."""
    event: str
    time: str
    """UTC, RFC 3339 with microseconds."""
    monotonic: float
    """Seconds on the writer's monotonic clock: differences within one process are true durations."""
    data: str
    """Canonical JSON."""
    prev_hash: str
    hash: str

    @property
    def value(self) -> Any:
        """The data, parsed."""
        return json.loads(self.data)


@dataclass(frozen=True, slots=True)
class Verified:
    """What checking the chain found."""

    good: int
    """Events that are whole, counted from the first."""
    problems: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether every event is as it was written."""
        return not self.problems


def new_run_id() -> str:
    """Sortable by time, and unique even within one second: `20261122T151201Z-4f3a1c`."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def _hash(event: tuple[object, ...]) -> str:
    """The hash of (seq, run, gate, event, time, monotonic, data, prev_hash)."""
    *about, data, prev = event
    return link_hash((*about, data_digest(str(data)), prev))


def data_digest(data: str) -> str:
    """sha256 of an event's data, in hex."""
    return hashlib.sha256(data.encode()).hexdigest()


def link_hash(link: tuple[object, ...]) -> str:
    """The hash of an event, from its columns in their order with the digest of its data in place of the data.

    So an event can be shown to stand in the chain without showing what it says.
    """
    return hashlib.sha256(json.dumps(link, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


class Ledger:
    """One SQLite file. Reading is free to everybody; appending needs the lease. Use it in one thread.

    A committed append survives `kill -9` of this process. It survives a power cut once a later append asked for
    `durable=True`, which is what precedes every act that changes the world.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._token = ""
        self._head: tuple[int, str] | None = None
        """Number and hash of the last event as the open transaction leaves them; None: it has written none."""
        with self._telling("open"):
            self._db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
            self._db.execute(f"PRAGMA page_size = {_PAGE}")  # of a file that has no page yet
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT}")
            self._make_tables()

    def _make_tables(self) -> None:
        if self._format() == 0:
            with self._transaction():
                if self._format() == 0:  # somebody else may have been quicker
                    for statement in _split(_TABLES):
                        self._db.execute(statement)
                    self._db.execute(f"PRAGMA user_version = {FORMAT}")
        if self._format() != FORMAT:
            raise OperationError(
                f"the ledger `{self.path}` has format {self._format()}, and this gonogo reads {FORMAT}",
                help="use the gonogo that wrote it, or move the state directory away",
            )
        self._db.execute(_LATER_INDEX)

    def _format(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def close(self) -> None:
        """Close the file; the lease stays as it is."""
        self._db.close()

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """SQLite's errors as ours."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorname", "")
            if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
                raise IntegrityError(
                    f"the ledger `{self.path}` is damaged: {error}",
                    help="move it away and keep it, then run again; nothing was read from it",
                ) from error
            raise OperationError(
                f"cannot {what} the ledger `{self.path}`: {error}",
                help="free space or mend the permissions of the state directory, then `gonogo run --resume`",
            ) from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._begin()
        try:
            yield
            self._commit()
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _begin(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._head = None

    def _commit(self) -> None:
        """End a transaction; the head of the chain is written once, however much was chained to it."""
        if self._head is not None:
            self._db.execute("UPDATE head SET seq = ?, hash = ?", self._head)
        self._db.execute("COMMIT")

    # --- writing ---------------------------------------------------------------------------------------------

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is appended within is written as one: all of it is there afterwards, or nothing.

        Except where something `durable` is among it: that and all before it is on the disk at once.
        """
        with self._telling("write"), self._transaction():
            yield

    @property
    def in_transaction(self) -> bool:
        """Whether something appended is not there for good yet."""
        return self._db.in_transaction

    @contextmanager
    def _interlude(self) -> Iterator[None]:
        """Outside the open transaction: what it holds is written first, and another is open afterwards."""
        self._commit()
        yield
        self._begin()

    def append(self, run: str, event: str, data: Any = None, *, gate: str = "", durable: bool = False) -> Event:
        """Write one event.

        Args:
            run: Id of the run.
            event: Its name.
            data: A noun or JSON-able value.
            gate: The gate it is about.
            durable: Wait until the disk has it (and everything before it): asked for before an act.

        Raises:
            Refused: This process does not hold the lease (any more).
            OperationError: It could not be written; then nothing was.
        """
        return self.append_all(run, [(event, gate, data)], durable=durable)[0]

    def append_all(self, run: str, entries: list[tuple[str, str, Any]], *, durable: bool = False) -> tuple[Event, ...]:
        """Write several (event, gate, data) in one transaction: all of them are there afterwards, or none."""
        with self._telling("write"):
            if self._db.in_transaction and not durable:
                return self._insert(run, entries, self._token)
            if self._db.in_transaction:
                with self._interlude():
                    return self.append_all(run, entries, durable=True)
            if durable:
                self._db.execute("PRAGMA synchronous = FULL")
            try:
                with self._transaction():
                    return self._insert(run, entries, self._token)
            finally:
                if durable:
                    self._db.execute("PRAGMA synchronous = NORMAL")

    def _insert(self, run: str, entries: list[tuple[str, str, Any]], mine: str) -> tuple[Event, ...]:
        """Chain (event, gate, data) to the head, which is read once for each transaction."""
        seq, prev = self._head or self._read_head(mine)
        rows = []
        for event, gate, data in entries:
            now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
            text = canonical({} if data is None else data).decode()
            row = (seq + 1, run, gate, event, now, time.monotonic(), text, prev)
            seq, prev = seq + 1, _hash(row)
            rows.append((*row, prev))
        self._db.executemany(_INSERT, rows)
        self._head = seq, prev
        return tuple(Event(*row) for row in rows)

    def _read_head(self, mine: str) -> tuple[int, str]:
        """Number and hash of the last event; nobody else can write until the transaction ends."""
        seq, prev, token = self._db.execute(_HEAD).fetchone()
        if not mine or token != mine:
            raise Refused("this process no longer holds the ledger", help="run `gonogo status` to see who does")
        return seq, prev

    # --- the lease -------------------------------------------------------------------------------------------

    def take(self, run: str) -> Holder:
        """Take the right to write; a holder that is provably dead on this machine loses it, which is recorded.

        Raises:
            Refused: Another process holds it, or may hold it.
        """
        mine, token = this_process(), new_token()
        with self._telling("write"), self._transaction():
            held = self.lease()
            why = provably_dead(held.holder) if held else ""
            if held is not None and not why:
                raise Refused(
                    f"another run holds the ledger: {held.holder.shown}{f' (run {held.run})' if held.run else ''}",
                    help="wait until it has ended, or end it; `gonogo status` shows what it does",
                )
            self._db.execute("DELETE FROM lease")
            self._db.execute("INSERT INTO lease VALUES (1, ?, ?, ?)", (token, run, json.dumps(mine.data())))
            if held is not None:
                told = {"from": held.holder, "by": mine, "why": why}
                self._insert(held.run, [("lease-taken-over", "", told)], token)
        self._token = token
        return mine

    def give_back(self) -> None:
        """Give the right to write back; nothing happens where this process does not hold it."""
        if self._token:
            with self._telling("write"), self._transaction():
                self._db.execute("DELETE FROM lease WHERE token = ?", (self._token,))
            self._token = ""

    def lease(self) -> Lease | None:
        """Who may write now; None: nobody does."""
        row = self._db.execute("SELECT token, run, holder FROM lease").fetchone()
        return Lease(Holder.of(json.loads(row[2])), row[0], row[1]) if row else None

    # --- reading ---------------------------------------------------------------------------------------------

    def events(self, run: str) -> tuple[Event, ...]:
        """Every event of a run, in order."""
        return self._chosen("run = ? ORDER BY seq", run)

    def unfinished(self, run: str) -> bool:
        """Whether the run has no end since it last began, or an attempt of it has none; quicker than reading it all."""
        with self._telling("read"):
            last = self._db.execute(_LAST_TURN, (run,)).fetchone()
            begun = self._db.execute(_BEGUN, (run,)).fetchone()
        return last is None or last[0] != "run-finished" or begun is not None

    def span(self, first: int, last: int) -> tuple[Event, ...]:
        """Every event of any run from number `first` to number `last`, in order."""
        return self._chosen("seq BETWEEN ? AND ? ORDER BY seq", first, last)

    def last_verdicts(self, gate: str, limit: int = 20) -> tuple[Event, ...]:
        """The latest verdicts of a gate over all runs, the newest first."""
        return self._chosen("event = 'verdict' AND gate = ? ORDER BY seq DESC LIMIT ?", gate, limit)

    def baselines(self) -> tuple[Event, ...]:
        """The baselines that stand, the oldest first: those of a run that was decided anew count as that says."""
        return self._chosen(
            "event = 'baseline' AND NOT EXISTS (SELECT 1 FROM events AS later WHERE later.run = events.run "
            "AND later.seq > events.seq AND later.event = 'run-resumed') ORDER BY seq"
        )

    def measured(self) -> tuple[Event, ...]:
        """The verdicts, of all runs, whose captures hold figures that may become a baseline; the oldest first."""
        return self._chosen("event = 'verdict' AND instr(data, ?) ORDER BY seq", '"measured":{')

    def _chosen(self, condition: str, *values: object) -> tuple[Event, ...]:
        with self._telling("read"):
            rows = self._db.execute(f"SELECT {_COLUMNS} FROM events WHERE {condition}", values)  # noqa: S608 - ours
            return tuple(Event(*row) for row in rows)

    def subject_of(self, run: str) -> str:
        """The commit that a run is about; empty where it has none, or there is no such run."""
        with self._telling("read"):
            row = self._db.execute(_SUBJECT, (run,)).fetchone()
            return str(row[0] or "") if row else ""

    def runs(self) -> tuple[str, ...]:
        """Ids of all runs, the oldest first."""
        with self._telling("read"):
            rows = self._db.execute("SELECT run FROM events WHERE event = 'run-started' ORDER BY seq")
            return tuple(row[0] for row in rows)

    def last_run(self) -> str:
        """Id of the run that was written to last; empty where there is none."""
        with self._telling("read"):
            row = self._db.execute("SELECT run FROM events ORDER BY seq DESC LIMIT 1").fetchone()
            return str(row[0]) if row else ""

    def verify(self) -> Verified:
        """Check every event against its own hash and the one before it, and the end against the head."""
        good, prev, problems = 0, "", []
        with self._telling("read"):
            for row in self._db.execute(f"SELECT {_COLUMNS} FROM events ORDER BY seq"):  # noqa: S608 - our columns
                event = Event(*row)
                problem = broken_link(event, good + 1, prev)
                if problem:
                    problems.append(problem)
                    break
                good, prev = event.seq, event.hash
            seq, last = self._db.execute("SELECT seq, hash FROM head").fetchone()
        if not problems and (seq, last) != (good, prev):
            problems.append(f"events {good + 1} to {seq} are missing" if seq > good else "the head was altered")
        return Verified(good, tuple(problems))


def broken_link(event: Event, expected: int, prev: str) -> str:
    """What is wrong with an event that should have number `expected` and follow the hash `prev`; empty: nothing."""
    if event.seq != expected:
        return f"event {expected} is missing"
    if event.prev_hash != prev:
        return f"event {event.seq} does not follow event {event.seq - 1}"
    row = (event.seq, event.run, event.gate, event.event, event.time, event.monotonic, event.data, event.prev_hash)
    if _hash(row) != event.hash:
        return f"event {event.seq} (`{event.event}` of run {event.run}) was altered"
    return ""


def _split(script: str) -> Iterator[str]:
    """The statements of a script; a trigger's body holds a `;` of its own."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
