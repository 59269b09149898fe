"""`.gonogo/waivers.yaml`: what named people have accepted, until when; read from the commit, never from the disk.

A waiver counts once it is committed. Whoever wrote its lines (git blame) cannot be the one who approves it, and it ends
at most 90 days after its end was committed. One that breaks a rule is ignored, with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from gonogo.config import git_output
from gonogo.errors import Diagnostic, InputError, Severity, Span, nearest
from gonogo.frozen import dataclass
from gonogo.model.observation import ObservationType
from gonogo.model.roster import Person
from gonogo.model.verdict import Waiver
from gonogo.owners.blame import Blame, blamed, called
from gonogo.owners.waivers_file import FILE, MAX_BYTES, Entry, Written, read


@dataclass(frozen=True, slots=True)
class Loaded:
    """The waivers that count as far as their history tells, and why the others do not."""

    waivers: tuple[Waiver, ...] = ()
    remarks: tuple[Diagnostic, ...] = ()
    places: Mapping[str, Span] = field(default_factory=dict)
    """Id of a waiver -> where it stands; those that are ignored too."""

    @property
    def notes(self) -> tuple[str, ...]:
        """The remarks for the record of a run, each on one line."""
        return tuple(one.message for one in self.remarks)


# --- the repository ------------------------------------------------------------------------------------------


def load(
    root: Path,
    commit: str,
    *,
    as_of: date,
    people: Sequence[Person] = (),
    types: Mapping[str, ObservationType] | None = None,
) -> Loaded:
    """The waivers of a commit that is checked out at `root`.

    Args:
        root: Top of the working tree.
        commit: The subject's commit; empty where there is none.
        as_of: The day on which this is asked, UTC: a commit dated later counts as if it were of this day.
        people: Those whose keys are trusted; where there are any, an approver must be one of them.
        types: Every observation a criterion may name; None: criteria are not looked at.

    Raises:
        InputError: With every mistake in the committed file.
    """
    here = _on_disk(root)
    kept = _committed(root, commit)
    if kept is None:
        return Loaded(remarks=_whole("is not committed: none of its waivers counts")) if here is not None else Loaded()
    written = read(kept, types)
    if _changed(root, commit):
        gone = "is not in the working tree" if here is None else "was changed since the commit"
        return Loaded(
            remarks=_whole(f"{gone}: none of its waivers counts"), places={e.waiver.id: e.span for e in written.entries}
        )
    return _judged(written, blamed(root, commit, FILE), as_of, people)


def present(
    root: Path,
    commit: str,
    *,
    as_of: date,
    people: Sequence[Person] = (),
    types: Mapping[str, ObservationType] | None = None,
) -> Loaded:
    """The waivers of the working tree, as `load` would take them once they are committed; for looking ahead.

    Raises `InputError` with every mistake in the file. What is not committed yet is remarked on and kept.
    """
    data = _on_disk(root)
    if data is None:
        return load(root, commit, as_of=as_of, people=people, types=types)
    written = read(data, types)
    if _committed(root, commit) is not None and not _changed(root, commit):
        return _judged(written, blamed(root, commit, FILE), as_of, people)
    remark = _whole("differs from the commit: until it is committed none of its waivers counts")
    return Loaded(
        tuple(entry.waiver for entry in written.entries), remark, {e.waiver.id: e.span for e in written.entries}
    )


def _whole(why: str) -> tuple[Diagnostic, ...]:
    message, order = f"`{FILE}` {why}", f"commit {FILE}, reviewed by who approves"
    return (Diagnostic("waivers-not-committed", message, help=order, severity=Severity.WARNING),)


def _on_disk(root: Path) -> bytes | None:
    path = root / FILE
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError.of(
            "waivers-unreadable", f"cannot read `{FILE}`: {error.strerror or error}", help=f"make {FILE} readable"
        ) from error


def _committed(root: Path, commit: str) -> bytes | None:
    """The file of the commit, where it holds an ordinary one."""
    listed = git_output(root, "--no-replace-objects", "ls-tree", commit, "--", FILE) if commit else None
    if not (listed or b"").startswith(b"100"):
        return None
    return git_output(root, "--no-replace-objects", "cat-file", "blob", f"{commit}:{FILE}")


def _changed(root: Path, commit: str) -> bool:
    """Whether the working tree holds something else; asked of the bytes, since the index can be told to look away."""
    if (root / FILE).is_symlink():
        return True
    on_disk = git_output(root, "hash-object", f"--path={FILE}", "--", FILE)
    kept = git_output(root, "--no-replace-objects", "rev-parse", "--verify", "--quiet", f"{commit}:{FILE}")
    return on_disk is None or kept is None or on_disk.strip() != kept.strip()


# --- the history ---------------------------------------------------------------------------------------------


def _judged(written: Written, blame: Blame, as_of: date, people: Sequence[Person]) -> Loaded:
    """What the history allows: no approver of their own lines, no end too far away."""
    waivers: list[Waiver] = []
    remarks: list[Diagnostic] = []
    for entry in written.entries:
        waiver, problem = _with_history(entry, blame)
        problem = problem or _approval(entry, waiver, blame, people) or _length(entry, waiver, written.most_days, as_of)
        if problem is None:
            waivers.append(waiver)
        else:
            remarks.append(replace(problem, message=f"waiver `{waiver.id}` does not count: {problem.message}"))
    return Loaded(tuple(waivers), tuple(remarks), {entry.waiver.id: entry.span for entry in written.entries})


def _with_history(entry: Entry, blame: Blame) -> tuple[Waiver, Diagnostic | None]:
    """The waiver with who wrote it and when; and why that cannot be told."""
    commits = [blame.lines.get(line) for line in range(entry.first, entry.last + 1)]
    known = [commit for commit in commits if commit is not None]
    ended = blame.lines.get(entry.until)
    if ended is None or len(known) < len(commits) or any(commit.cut for commit in known):
        return entry.waiver, Diagnostic(
            "waiver-no-history",
            "the history is cut off here, so nobody can tell who wrote it",
            entry.span,
            help="fetch the whole history: `git fetch --unshallow`",
        )
    moment = datetime.fromtimestamp(ended.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    authors = tuple(sorted({author for commit in known for author in commit.shown}))
    return replace(entry.waiver, authors=authors, written=moment, commit=ended.sha), None


def _approval(entry: Entry, waiver: Waiver, blame: Blame, people: Sequence[Person]) -> Diagnostic | None:
    place = entry.places["approver"]
    person = next((person for person in people if person.called(waiver.approver)), None)
    if people and person is None:
        near = nearest(waiver.approver.casefold(), [person.id for person in people])
        label = f"did you mean `{near}`?" if near else ""
        order = "name somebody whose key is in .gonogo/people"
        return Diagnostic("unknown-approver", f"`{waiver.approver}` is nobody known here", place, label, order)
    if person is not None and person.revoked:
        message = f"the key of `{waiver.approver}` was revoked: {person.revoked}"
        return Diagnostic("revoked-approver", message, place, help="have somebody else approve it")
    mine = called(waiver.approver, person)
    own = next(
        (blame.lines[line] for line in range(entry.first, entry.last + 1) if mine & blame.lines[line].names), None
    )
    if own is None:
        return None
    message = f"{waiver.approver} wrote it (commit {own.sha[:12]}), and nobody approves their own"
    return Diagnostic("self-approved", message, place, help="have somebody else approve it, or write it")


def _length(entry: Entry, waiver: Waiver, most_days: int, as_of: date) -> Diagnostic | None:
    """At most so many days from the commit of its end; a commit dated in the future gains nothing by it."""
    begun = min(datetime.fromisoformat(waiver.written).date(), as_of)
    latest = begun + timedelta(days=most_days)
    if waiver.until <= latest:
        return None
    message = f"it lasts to {waiver.until.isoformat()}, {(waiver.until - begun).days} days from its commit"
    order = f"write {latest.isoformat()} at the latest: a waiver lasts at most {most_days} days"
    return Diagnostic("waiver-too-long", message, entry.places["until"], help=order)
