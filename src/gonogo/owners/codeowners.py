"""CODEOWNERS as a roster: GitHub's form, and GitLab's sections with their counts of approvals."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from gonogo.errors import Diagnostic, InputError, Severity, Span
from gonogo.model.roster import EVERYBODY, Roster, Seat

NAME = "CODEOWNERS"
PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""Where GitHub and GitLab look for it."""

_SECTION = re.compile(r"^\^?\[(?P<name>[^\]]+)\](?:\[(?P<count>\d+)\])?(?P<rest>.*)$")
_OWNER = re.compile(r"@@?[\w.-]+(?:/[\w./-]+)?|[^@\s]+@[^@\s]+")


@dataclass(slots=True)
class _Found:
    owner: str
    tokens: list[str] = field(default_factory=list)
    quorum: int = 1
    depth: int = 0
    """Directories in the pattern it was read from; 0 for a section."""


def read(text: str, file: str = NAME) -> tuple[Roster, tuple[Diagnostic, ...]]:
    """The roster that the text says, and a warning for each line that says nothing a roster can hold.

    A section's name is an owner (`[DevOps][2] @ben @cleo`: two of them). Outside sections the owner is the last plain
    directory of the pattern (`/src/backend/ @ada` is `backend`), and `*` is `All`; of two directories of one name the
    one nearer to the top counts. A team (`@org/team`) is a group of that name, whose people the checklist must say.
    """
    found: dict[str, _Found] = {}
    problems: list[Diagnostic] = []
    section: _Found | None = None
    default: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = re.sub(r"(?<!\\)#.*", "", line).strip()
        head = _SECTION.match(words)
        if head is not None:
            section = found.setdefault(head["name"].casefold(), _Found(head["name"].strip()))
            section.quorum = max(section.quorum, int(head["count"] or 1))
            default = _tokens(head["rest"], number, line, file, problems)
            section.tokens += default
        elif words:
            pattern, *rest = re.split(r"(?<!\\)\s+", words, maxsplit=1)
            tokens = _tokens(rest[0] if rest else "", number, line, file, problems)
            at = section or _of_pattern(pattern, found)
            if at is not None:
                at.tokens += tokens
    seats = tuple(_seat(one) for one in found.values() if one.tokens)
    groups: dict[str, tuple[str, ...]] = {name: () for seat in seats for name in seat.groups}
    return Roster(seats, groups), tuple(problems)


def _of_pattern(pattern: str, found: dict[str, _Found]) -> _Found | None:
    """The owner that a pattern outside any section speaks of."""
    parts = [part for part in pattern.replace("\\ ", " ").split("/") if part and not set(part) & set("*?[!")]
    plain = [part for part in parts if "." not in part]
    name = plain[-1] if plain else EVERYBODY if pattern.strip("/") in {"*", "**"} else ""
    known = found.get(name.casefold())
    if not name or (known is not None and known.depth < len(parts)):
        return None
    if known is None or known.depth > len(parts):
        known = found[name.casefold()] = _Found(name, depth=len(parts))
    return known


def _tokens(text: str, number: int, line: str, file: str, problems: list[Diagnostic]) -> list[str]:
    tokens = []
    for word in text.split():
        if _OWNER.fullmatch(word):
            tokens.append(word)
        else:
            span = Span(file, number, line.find(word) + 1, line.find(word) + 1 + len(word), line)
            message = f"`{word}` is nobody CODEOWNERS can name"
            problems.append(
                Diagnostic("codeowners-word", message, span, help="write `@name`, `@org/team` or an address",
                           severity=Severity.WARNING)
            )  # fmt: skip
    return tokens


def _seat(one: _Found) -> Seat:
    tokens = tuple(dict.fromkeys(one.tokens))
    return Seat(
        one.owner,
        people=tuple(token for token in tokens if "/" not in token),
        groups=tuple(token for token in tokens if "/" in token),
        quorum=one.quorum,
    )


def find(root: Path) -> tuple[Roster, tuple[Diagnostic, ...]]:
    """The roster of the repository's CODEOWNERS; raises `InputError` where there is none or it cannot be read."""
    for place in PLACES:
        path = root / place
        if not path.is_file():
            continue
        try:
            return read(path.read_text(encoding="utf-8"), place)
        except (OSError, ValueError) as error:
            raise InputError.of(
                "codeowners-unreadable", f"`{place}` cannot be read: {error}", help="make it a text in UTF-8"
            ) from error
    raise InputError.of(
        "codeowners-missing",
        f"the roster is to come from CODEOWNERS, and there is none: looked for {', '.join(f'`{p}`' for p in PLACES)}",
        help="write one, or list the owners under `roster: owners:`",
    )
