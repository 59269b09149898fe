"""The roster of a checklist, with CODEOWNERS read into it and the people whose keys are trusted at a commit."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from gonogo.errors import Diagnostic
from gonogo.frozen import dataclass
from gonogo.model.checklist import Checklist
from gonogo.model.roster import Person, Roster, Seat
from gonogo.owners import codeowners, keys


@dataclass(frozen=True, slots=True)
class Crew:
    """Who speaks for whom at one commit."""

    roster: Roster
    people: tuple[Person, ...]
    """Those whose keys are trusted at the commit."""
    warnings: tuple[Diagnostic, ...] = ()


def at(checklist: Checklist, root: Path, commit: str) -> Crew:
    """The crew of a checklist at a commit of the repository at `root`.

    People are read from the commit, never from the working tree: trusting a key is a reviewed commit.

    Raises:
        InputError: With every mistake in CODEOWNERS and in the people's files.
    """
    roster = checklist.roster
    warnings: tuple[Diagnostic, ...] = ()
    if roster.source == codeowners.NAME:
        imported, warnings = codeowners.find(root)
        roster = merged(roster, imported)
    return Crew(roster, keys.committed(root, commit), warnings)


def merged(own: Roster, imported: Roster) -> Roster:
    """The imported roster with the checklist's own seats and groups over it."""
    mine = {seat.owner.casefold() for seat in own.seats}
    seats: tuple[Seat, ...] = (*own.seats, *(seat for seat in imported.seats if seat.owner.casefold() not in mine))
    return dataclasses.replace(own, seats=seats, groups={**imported.groups, **own.groups})
