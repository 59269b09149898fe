"""The `roster` of a checklist: owners, the people who speak for them, groups, quorums; and what is wrong with it."""

from __future__ import annotations

from gonogo.checklist import fields as form
from gonogo.errors import nearest
from gonogo.model.checklist import Checklist
from gonogo.model.roster import EVERYBODY, Roster, Seat
from gonogo.text.raw import Raw
from gonogo.text.reader import Reader
from gonogo.text.source import Problems

SOURCES = ("", "CODEOWNERS")


def read_roster(reader: Reader, fields: dict[str, Raw]) -> Roster:
    """The roster under `roster`; an empty one where there is none."""
    raw = fields.get("roster")
    if raw is None or raw.value is None:
        return Roster()
    inner = reader.mapping(raw, form.ROSTER)
    if inner is None:
        return Roster()
    groups = _mapping(reader, inner, "groups", "a mapping of group to a list of people")
    owners = _mapping(reader, inner, "owners", "a mapping of owner to people")
    return Roster(
        seats=tuple(_seat(reader, name, value) for name, value in owners.items()),
        groups={name: reader.texts(groups, name) for name in groups},
        four_eyes=reader.flag(inner, "four_eyes"),
        source=reader.choice(inner, "from", SOURCES, ""),
    )


def _mapping(reader: Reader, fields: dict[str, Raw], name: str, wanted: str) -> dict[str, Raw]:
    raw = fields.get(name)
    if raw is None or raw.value is None:
        return {}
    if raw.mapping is None:
        reader.wrong(raw, name, wanted)
        return {}
    return raw.mapping


def _seat(reader: Reader, owner: str, raw: Raw) -> Seat:
    if raw.items is not None:
        return Seat(owner, people=reader.texts({owner: raw}, owner))
    fields = reader.mapping(raw, form.SEAT) or {}
    quorum = reader.count(fields, "quorum") if "quorum" in fields else 1
    if quorum == 0 and not isinstance(fields["quorum"].value, bool) and fields["quorum"].value == 0:
        reader.wrong(fields["quorum"], "quorum", "a whole number, 1 or more")
    return Seat(
        owner,
        people=reader.texts(fields, "people"),
        groups=reader.texts(fields, "groups"),
        quorum=max(1, quorum),
        four_eyes=reader.flag(fields, "four_eyes"),
    )


def lint_roster(checklist: Checklist, raw: Raw, problems: Problems) -> None:
    """Look at the roster as a whole: groups that are not there, owners nobody can speak for, quorums too large."""
    roster, written = checklist.roster, raw.get("roster") or Raw(None, raw.span)
    owners = written.get("owners") or written
    for seat in roster.seats:
        place = owners.key_span(seat.owner)
        unknown = [group for group in seat.groups if group not in roster.groups and not roster.source]
        for group in unknown:
            near = nearest(group, roster.groups)
            problems.error(
                "unknown-group", f"owner `{seat.owner}` names a group `{group}` that the roster does not have", place,
                help=f"write `{near}`" if near else "add it under `groups:`",
            )  # fmt: skip
        people = roster.tokens(seat)
        if not people and not unknown and not roster.source:
            problems.error("nobody-speaks", f"nobody speaks for `{seat.owner}`", place, help="name people or groups")
        elif people and len(people) < seat.quorum:
            problems.error(
                "quorum-too-large",
                f"`{seat.owner}` needs {seat.quorum} people, and the roster names {len(people)}",
                place,
                help=f"name more people, or write `quorum: {len(people)}`",
            )
    _demands(checklist, raw, problems)


def _demands(checklist: Checklist, raw: Raw, problems: Problems) -> None:
    """Owners whose word is demanded must be in the roster, unless CODEOWNERS will say who they are."""
    roster, asked = checklist.roster, raw.get("sign_offs")
    known = [seat.owner for seat in roster.seats]
    for index, owner in enumerate(checklist.sign_offs):
        if roster.source or not known or roster.seat(owner) or owner.casefold() == EVERYBODY.casefold():
            continue
        items = asked.items if asked is not None else None
        near = nearest(owner, known)
        problems.error(
            "unknown-owner",
            f"the word of `{owner}` is demanded, and the roster does not list that owner",
            items[index].span if items and index < len(items) else None,
            label=f"did you mean `{near}`?" if near else "",
            help=f"write `{near}`" if near else "add it under `roster: owners:`",
        )


def roster_data(roster: Roster) -> dict[str, object]:
    """The roster as data of the YAML form; what equals its default is left out."""
    found: dict[str, object] = {}
    if roster.source:
        found["from"] = roster.source
    if roster.four_eyes:
        found["four_eyes"] = True
    if roster.groups:
        found["groups"] = {name: list(people) for name, people in roster.groups.items()}
    if roster.seats:
        found["owners"] = {seat.owner: _seat_data(seat) for seat in roster.seats}
    return found


def _seat_data(seat: Seat) -> object:
    found: dict[str, object] = {}
    if seat.people:
        found["people"] = list(seat.people)
    if seat.groups:
        found["groups"] = list(seat.groups)
    if seat.quorum != 1:
        found["quorum"] = seat.quorum
    if seat.four_eyes:
        found["four_eyes"] = True
    return found["people"] if list(found) == ["people"] else found
