"""Who may speak for whom: people with their keys, and owners with the people who answer for them. Lookups only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field

from gonogo.frozen import dataclass

EVERYBODY = "All"
"""The owner that stands for everybody, where the roster does not list it: anybody of the roster may answer for it."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whose key was trusted in a reviewed commit: `.gonogo/people/<id>.yaml`."""

    id: str
    """The file's name: `ada`."""
    name: str
    public_key: str
    """Ed25519, PEM (SubjectPublicKeyInfo). Empty: they sign without a key, for the identity below."""
    emails: tuple[str, ...] = ()
    """Addresses they commit with; four eyes go by them."""
    handles: tuple[str, ...] = ()
    """What CODEOWNERS calls them: `@ada`."""
    since: str = ""
    """Day from which the key was to be trusted. A remark; nothing is decided by it."""
    revoked: str = ""
    """Why the key is no longer trusted, and since when; empty: it is trusted."""
    identity: str = ""
    """Whom Sigstore's certificate must name: an address, or the URI of a workflow."""
    issuer: str = ""
    """URL of the OpenID provider that vouches for the identity."""

    @property
    def keyless(self) -> bool:
        """Whether they sign without a key of their own."""
        return not self.public_key

    def called(self, token: str) -> bool:
        """Whether `token` names this person: id, name, address or handle, in any case of letters."""
        wanted = token.casefold()
        names = [self.id, self.name, f"@{self.id}", *self.emails, *self.handles]
        return wanted in {name.casefold() for name in names if name}


@dataclass(frozen=True, slots=True)
class Seat:
    """One owner of the checklist: who speaks for it, and how many of them must say go."""

    owner: str
    people: tuple[str, ...] = ()
    """Ids, addresses or handles."""
    groups: tuple[str, ...] = ()
    """Names of the roster's groups."""
    quorum: int = 1
    """How many different people must say go."""
    four_eyes: bool = False
    """One of them must not be an author of the subject's commits."""


@dataclass(frozen=True, slots=True)
class Roster:
    """The owners of a checklist and the people who speak for them."""

    seats: tuple[Seat, ...] = ()
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Group -> ids, addresses or handles of its people."""
    four_eyes: bool = False
    """Somebody who is no author of the subject's commits must be among those who say go."""
    source: str = ""
    """`CODEOWNERS`: further owners are read from that file of the repository when the plan is made."""

    def seat(self, owner: str) -> Seat | None:
        """The seat of an owner, in any case of letters; None where the roster does not list it."""
        wanted = owner.casefold()
        return next((seat for seat in self.seats if seat.owner.casefold() == wanted), None)

    def tokens(self, seat: Seat) -> tuple[str, ...]:
        """Everybody named in a seat, groups included, as written."""
        found = [*seat.people, *(name for group in seat.groups for name in self.groups.get(group, ()))]
        return tuple(dict.fromkeys(found))

    def speakers(self, owner: str, people: Iterable[Person]) -> tuple[Person, ...]:
        """The trusted people who may speak for an owner.

        An owner that the roster does not list is a person called so, or, for `All`, everybody of the roster.
        """
        trusted = [person for person in people if not person.revoked]
        seat = self.seat(owner)
        if seat is not None:
            tokens = self.tokens(seat)
            return tuple(person for person in trusted if any(person.called(token) for token in tokens))
        if owner.casefold() == EVERYBODY.casefold():
            named = {token for one in self.seats for token in self.tokens(one)}
            return tuple(p for p in trusted if not self.seats or any(p.called(token) for token in named))
        return tuple(person for person in trusted if person.called(owner))

    def quorum(self, owner: str) -> int:
        """How many people must say go for an owner."""
        seat = self.seat(owner)
        return seat.quorum if seat is not None else 1

    @property
    def asks_four_eyes(self) -> bool:
        """Whether it matters who wrote the subject's commits."""
        return self.four_eyes or any(seat.four_eyes for seat in self.seats)

    def demanded(self, owners: Iterable[str]) -> tuple[str, ...]:
        """The owners whose word is demanded; `All`, where it has no seat, is each of the roster's owners."""
        found: list[str] = []
        for owner in owners:
            everybody = owner.casefold() == EVERYBODY.casefold() and self.seat(owner) is None and self.seats
            found += [seat.owner for seat in self.seats] if everybody else [owner]
        return tuple(dict.fromkeys(found))
