"""What people's words mean for a gate and for the decision. Pure: who signed, and whether it stands, is known already.

A no-go always wins over any number of go. A go that is void counts nothing; a no-go that is void holds until that
person speaks again, because a change somewhere else must not silence it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gonogo.frozen import dataclass
from gonogo.model.plan import Node, Plan
from gonogo.model.sign_off import SignOff, Word


@dataclass(frozen=True, slots=True)
class Answer:
    """What the owners of a gate answered to one of its questions."""

    agreed: bool
    said: tuple[SignOff, ...]

    @property
    def shown(self) -> str:
        """`ada (DevOps) says go: the dashboard is right`."""
        return "; ".join(spoken(one) for one in self.said)


def spoken(sign_off: SignOff) -> str:
    """Who says what, for whom, and why."""
    why = f": {sign_off.message}" if sign_off.message else ""
    return f"{sign_off.person} ({sign_off.owner}) says {sign_off.word}{why}"


def answers(node: Node, plan: Plan, sign_offs: Sequence[SignOff]) -> dict[str, Answer]:
    """The questions of a gate that are answered, by id.

    A no-go of anybody who speaks for one of its owners is the answer no. It is yes once, for one of its owners, as
    many people say go as that owner's quorum asks; a go to the gate as a whole is one to each of its questions.
    """
    about = [one for one in sign_offs if one.gate == node.id and one.stands]
    found: dict[str, Answer] = {}
    for question in node.asks:
        refusing = tuple(one for one in about if one.question == question.id and one.word is Word.NO_GO)
        agreeing = [one for one in about if one.question in {question.id, ""} and one.word is Word.GO]
        if refusing:
            found[question.id] = Answer(agreed=False, said=refusing)
            continue
        for owner in node.gate.owners:
            said = _of(owner, agreeing)
            if said and not lacking(plan, owner, said):
                found[question.id] = Answer(agreed=True, said=said)
                break
    return found


def declined(node: Node, sign_offs: Sequence[SignOff]) -> tuple[SignOff, ...]:
    """Every standing no-go to the gate as a whole."""
    return tuple(one for one in sign_offs if one.about == (node.id, "") and one.word is Word.NO_GO and one.stands)


def refusals(sign_offs: Sequence[SignOff]) -> tuple[SignOff, ...]:
    """Every standing no-go, to whatever it was said."""
    return tuple(one for one in sign_offs if one.word is Word.NO_GO and one.stands)


def objections(sign_offs: Sequence[SignOff]) -> tuple[SignOff, ...]:
    """Every no-go that nothing may begin against: those that stand, and void ones whose person has not spoken since."""
    return tuple(
        one
        for index, one in enumerate(sign_offs)
        if one.word is Word.NO_GO and (one.stands or not _said_anew(sign_offs, index))
    )


def _of(owner: str, sign_offs: Sequence[SignOff]) -> tuple[SignOff, ...]:
    """What was said for an owner, the latest of each person."""
    latest = {one.person: one for one in sign_offs if one.owner.casefold() == owner.casefold()}
    return tuple(latest.values())


def lacking(plan: Plan, owner: str, said: Sequence[SignOff]) -> str:
    """What is missing before these words are the owner's go; empty: nothing."""
    people = {one.person for one in said}
    speakers = plan.roster.speakers(owner, plan.people)
    needed = plan.roster.quorum(owner)
    waiting = [person.id for person in speakers if person.id not in people]
    if len(people) < needed:
        if len(speakers) < needed:
            few = f"only {len(speakers)} of the {needed} people needed have" if speakers else "nobody who may speak has"
            return f"{few} a trusted key"
        return f"{len(people)} of {needed} said go; {', '.join(waiting)} may"
    seat = plan.roster.seat(owner)
    if seat is not None and seat.four_eyes:
        return one_pair_of_eyes(plan, people)
    return ""


def one_pair_of_eyes(plan: Plan, people: set[str]) -> str:
    """Why these people are not four eyes; empty: they are.

    Somebody among them must not be an author of the subject's commits. An address that is nobody's may be anybody's,
    one of theirs too, so that two others are needed then.
    """
    authors = {address.casefold() for address in plan.subject.authors}
    if not authors:
        return "who wrote the subject's commits cannot be told, and the checklist asks for four eyes"
    addresses = {person.id: {mail.casefold() for mail in person.emails} for person in plan.people}
    others = {person for person in people if not addresses.get(person, set()) & authors}
    strangers = sorted(authors - {mail for mails in addresses.values() for mail in mails})
    if not others:
        return "only authors of the subject's commits said go, and the checklist asks for four eyes"
    if strangers and len(others) == 1:
        return f"an author of the commits, {strangers[0]}, is nobody we know: four eyes need one more person"
    return ""


# --- for the decision ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """One sentence about what people said, and how it weighs: `no-go`, `hold` or `remark`."""

    weight: str
    text: str
    gate: str = ""


def tell(plan: Plan, sign_offs: Sequence[SignOff]) -> Iterator[Told]:
    """What people's words say to the decision: refusals, voided ones, and what is missing of those demanded."""
    for one in refusals(sign_offs):
        yield Told("no-go", spoken(one), one.gate)
    yield from _voided(sign_offs)
    whole = [one for one in sign_offs if not one.gate and one.stands and one.word is Word.GO]
    demanded = plan.roster.demanded(plan.sign_offs)
    counted: set[str] = set()
    for owner in demanded:
        said = _of(owner, whole)
        missing = lacking(plan, owner, said)
        if missing:
            yield Told("hold", f"waits for the word of {owner}: {missing}")
        else:
            yield from (Told("remark", spoken(one)) for one in said)
        counted |= {one.person for one in said}
    if demanded and counted and plan.roster.four_eyes:
        blind = one_pair_of_eyes(plan, counted)
        if blind:
            yield Told("hold", blind)


def _voided(sign_offs: Sequence[SignOff]) -> Iterator[Told]:
    """Void words that nobody has said anew."""
    for index, one in enumerate(sign_offs):
        if one.stands or _said_anew(sign_offs, index):
            continue
        weight = "hold" if one.word is Word.NO_GO else "remark"
        text = f"{one.person}'s {one.word} for {one.owner} is void: {one.void}"
        yield Told(weight, f"{text}; ask {one.person} again" if weight == "hold" else text, one.gate)


def _said_anew(sign_offs: Sequence[SignOff], index: int) -> bool:
    """Whether the same person spoke again, for the same owner about the same thing."""
    one = sign_offs[index]
    voice = (one.person, one.owner.casefold(), one.about)
    return any((other.person, other.owner.casefold(), other.about) == voice for other in sign_offs[index + 1 :])
