"""What people say of a run: taken in, checked, and what it makes of the gates that waited for them.

Words come in through a file beside the ledger, one signed envelope on each line, so that a person can speak while
another process runs. Once taken in they are in the ledger's chain, where nobody can leave one out again.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from gonogo.engine.context import Workshop
from gonogo.engine.ending import Assignment
from gonogo.engine.journal import Journal
from gonogo.errors import IntegrityError, OperationError, Refused
from gonogo.evidence import reading, sign
from gonogo.evidence.sign import Envelope
from gonogo.judge import judge
from gonogo.judge.sign_offs import Answer, answers, declined, objections, spoken, tell
from gonogo.ledger.view import Fold
from gonogo.model.observation import WAITING, Captured, Trouble
from gonogo.model.outcome import DecisionWord, Outcome, State
from gonogo.model.plan import Node
from gonogo.model.sign_off import SignOff
from gonogo.model.verdict import Verdict
from gonogo.owners import keys, sign_off

DIRECTORY = "signoffs"
_NEVER_JUDGED = {Outcome.NOT_RUN, Outcome.NOT_APPLICABLE}


# --- the file ------------------------------------------------------------------------------------------------


def file_of(state: Path, run: str) -> Path:
    """The in-toto bundle (JSON Lines) of everything that was said of a run."""
    return state / DIRECTORY / f"{run}.intoto.jsonl"


def post(state: Path, run: str, envelope: Envelope) -> None:
    """Add one envelope to the file; whole or not at all, whoever else does so at the same moment."""
    path = file_of(state, run)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_RDWR | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            torn = file.seek(0, os.SEEK_END) and os.pread(descriptor, 1, file.tell() - 1) != b"\n"
            file.write((b"\n" if torn else b"") + envelope.line() + b"\n")
            os.fsync(descriptor)
    except OSError as error:
        raise OperationError(f"cannot write `{path}`: {error.strerror}", help="free space, then sign again") from error


def keep_seen(state: Path, document: bytes) -> Path:
    """Keep the bytes whose sha256 was signed, so that other programs can check the signature against a file."""
    path = state / DIRECTORY / "seen" / f"{hashlib.sha256(document).hexdigest()}.json"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(document)
    except OSError as error:
        raise OperationError(f"cannot write `{path}`: {error.strerror}", help="free space, then sign again") from error
    return path


def posted(state: Path, run: str) -> tuple[list[Envelope], list[str]]:
    """The sign-offs in the file, in order; and what is wrong with its other lines. A torn last line is not read yet."""
    try:
        text = file_of(state, run).read_bytes()
    except OSError:
        return [], []
    found, wrong = [], []
    for number, line in enumerate(text.split(b"\n")[:-1], start=1):
        try:
            envelope = sign.parse(line) if line else None
        except IntegrityError as error:
            wrong.append(f"line {number} of the file of sign-offs does not count: {error.message}")
            continue
        if envelope is not None and sign.predicate_type(envelope) != sign_off.DECISION:
            found.append(envelope)
    return found, wrong


def goes_on(folded: Fold, state: Path) -> bool:
    """Whether a decided run may be decided anew: it waited for people, or somebody has spoken since."""
    if folded.plan is None or folded.decision is None:
        return False
    if folded.uncounted or any(envelope.digest not in folded.envelopes for envelope in posted(state, folded.run)[0]):
        return True
    if any(node.runs and node.id not in folded.verdicts for node in folded.plan.nodes):  # reopened, by a person's word
        return True
    waits = any(verdict.state is State.WAITING for verdict in folded.verdicts.values())
    return folded.decision.word is DecisionWord.HOLD and bool(waits or folded.plan.sign_offs)


# --- a run ---------------------------------------------------------------------------------------------------


class Poll:
    """The words about one run, for the thread that owns the ledger."""

    def __init__(self, work: Assignment, journal: Journal, workshop: Workshop) -> None:
        self._work = work
        self._journal = journal
        self._shop = workshop
        self._intact: dict[str, tuple[int, int, int]] = {}
        self._size = -1

    @property
    def news(self) -> bool:
        """Whether the file has grown since it was read."""
        try:
            size = file_of(self._work.state, self._journal.fold.run).stat().st_size
        except OSError:
            size = 0
        return size != self._size

    def hear(self, *, tell: bool = True) -> bool:
        """Take in what is new, and judge anew the gates it speaks of; whether any verdict changed.

        Args:
            tell: Whether the listener is told now; at the start of a process it hears of every gate anyway.
        """
        self._take_in()
        folded = self._journal.fold
        if not folded.envelopes:
            return False
        standing, _ = self.standing()
        changed = [
            new
            for node in self._work.plan.nodes
            if (old := folded.verdicts.get(node.id)) is not None
            and (new := self._anew(node, old, standing)) is not None
            and new != old
        ]
        self._journal.record_all([("verdict", one.gate, {"verdict": one, "answered": True}) for one in changed])
        for verdict in changed if tell else ():
            self._work.listener.gate_finished(verdict)
        return bool(changed)

    def standing(self) -> tuple[tuple[SignOff, ...], tuple[str, ...]]:
        """The words that may count, void ones with the reason; and why others may not."""
        folded = self._journal.fold
        if not folded.envelopes:
            return (), ()
        return sign_off.standing(
            self._journal.view(),
            [sign.from_data(data) for data in folded.envelopes.values()],
            revoked=keys.revoked_now(self._work.root),
            altered=self._altered(),
        )

    def refusal(self) -> str:
        """Why nothing that follows may begin: somebody said no-go; empty: nobody did."""
        if self.news:
            self.hear()
        standing, _ = self.standing()
        keep_going = self._work.settings.keep_going
        said = [one for one in objections(standing) if not (keep_going and one.gate)]
        return "; ".join(spoken(one) for one in said)

    def waits(self) -> bool:
        """Whether somebody's word is still missing."""
        folded = self._journal.fold
        standing, _ = self.standing()
        missing = any(told.weight == "hold" for told in tell(self._work.plan, standing))
        return missing or any(verdict.state is State.WAITING for verdict in folded.verdicts.values())

    def reopen(self) -> bool:
        """Let every gate wait again that was never reached; whether there is any."""
        folded = self._journal.fold
        never = [
            node.id
            for node in self._work.plan.nodes
            if node.runs
            and (verdict := folded.verdicts.get(node.id)) is not None
            and verdict.outcome is Outcome.NOT_RUN
            and not verdict.attempts
        ]
        self._journal.record_all([("gate-reopened", gate, {}) for gate in never])
        return bool(never)

    # --- taking in -------------------------------------------------------------------------------------------

    def _take_in(self) -> None:
        work, folded = self._work, self._journal.fold
        if not self.news:
            return
        path = file_of(work.state, folded.run)
        self._size = path.stat().st_size if path.exists() else 0
        envelopes, wrong = posted(work.state, folded.run)
        for envelope in envelopes:
            if envelope.digest in folded.envelopes:
                continue
            try:
                said = sign_off.admit(envelope, self._journal.view())
            except (IntegrityError, Refused) as error:
                wrong.append(f"a sign-off does not count: {error.message}")
                continue
            self._journal.record("sign-off", {"sign_off": said, "envelope": envelope.data()}, durable=True)
            work.listener.note(spoken(said))
        for text in wrong:
            if text not in folded.notes:
                self._journal.record("note", {"text": text})
                work.listener.note(text)

    def _altered(self) -> list[str]:
        """Digests of the run's evidence that is gone or no longer has its digest; read again only where it may be."""
        verdicts = self._journal.fold.verdicts
        wanted = {str(entry["sha256"]) for entry in sign_off.evidence_entries(verdicts)}
        return [digest for digest in sorted(wanted) if not self._is_intact(digest)]

    def _is_intact(self, digest: str) -> bool:
        path = self._shop.store.path(digest)
        try:
            about = path.stat()
            mark = (about.st_size, about.st_mtime_ns, about.st_ctime_ns)
            if self._intact.get(digest) == mark:
                return True
            with path.open("rb") as file:
                whole = hashlib.file_digest(file, "sha256").hexdigest() == digest
        except OSError:
            return False
        if whole:
            self._intact[digest] = mark
        return whole

    # --- judging anew ----------------------------------------------------------------------------------------

    def _anew(self, node: Node, old: Verdict, standing: Sequence[SignOff]) -> Verdict | None:
        """The verdict with what its owners said; None where nobody said anything of it."""
        asked = self._journal.fold.asked.get(node.id)
        first = asked or old
        if first.outcome in _NEVER_JUDGED:
            return None
        found = answers(node, self._work.plan, standing)
        no = declined(node, standing)
        if not found and not no:
            return asked
        return self._judged(node, first, found, no)

    def _judged(self, node: Node, first: Verdict, found: Mapping[str, Answer], no: Sequence[SignOff]) -> Verdict:
        extra = [trouble for trouble in first.troubles if trouble.slug != WAITING]
        extra += [Trouble(Outcome.FAIL, "declined", spoken(one), "mend what was refused, then run again") for one in no]
        verdict = judge(
            node.gate,
            self._captured(node, first, found),
            first.captures,
            extra_troubles=extra,
            waivers=self._work.waivers,
            as_of=datetime.now(UTC).date(),
            types=self._shop.registry.observation_types,
            answers=found,
        )
        of_calls = [one.shown for name, one in found.items() if name not in {q.id for q in node.gate.questions}]
        return dataclasses.replace(
            verdict,
            notes=tuple(dict.fromkeys([*first.notes, *verdict.notes, *of_calls])),
            attempts=first.attempts,
            flaky=first.flaky,
            started=first.started,
            seconds=first.seconds,
        )

    def _captured(self, node: Node, first: Verdict, found: Mapping[str, Answer]) -> list[Captured]:
        """What the captures say, from their stored bytes, with the answers where a call asked a person."""
        recipe = self._work.recipes.get(node.id)
        params = {call.id: call.params for call in recipe.calls} if recipe is not None else {}
        captured = []
        for capture in first.captures:
            answer = found.get(f"{node.id}:{capture.call}")
            observed, unexplained = reading.read(
                capture,
                params.get(capture.call, {}),
                self._shop.store,
                self._shop.registry,
                answer.agreed if answer is not None else None,
            )
            speaks = node.speaks.get(capture.call, ())
            captured.append(Captured(capture.call, capture.shown, observed, speaks, unexplained))
        return captured
