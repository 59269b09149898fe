"""What the checklist wants as evidence, by its own names, and which piece of the run answers each name.

Names are matched as a person would: a path by the path a file was written to; words by the gate whose own evidence
line uses the same words, then by what its commands were. What nothing answers is said, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from gonogo.bundle.pieces import Piece
from gonogo.frozen import dataclass
from gonogo.model.checklist import Evidence
from gonogo.model.outcome import Outcome
from gonogo.model.run import GateView, RunView

_WORD = re.compile(r"[a-z0-9]{3,}")
_CODE = re.compile(r"`([^`]+)`")
_EMPTY = frozenset(
    _WORD.findall(
        "and artifact artifacts build check checks digest digests filename filenames for hash hashes log logs name "
        "names new output outputs redacted report reports result results run size snapshot status summary the with"
    )
)
"""Words that say of what kind a thing is, not of what."""
_STEM = 5
"""Letters two words must begin with in common: "migration" and "migrate", "alert" and "Alertmanager"."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One name, and what answers it."""

    group: str
    """The heading it stands under, or the title of its gate."""
    name: str
    gate: str
    """The gate that answers it, or should; empty: none."""
    pieces: tuple[Piece, ...] = ()
    missing: str = ""
    """Why nothing answers it; empty: something does."""
    of_gate: bool = False
    """It is a gate's own evidence line; otherwise the checklist lists it for the bundle."""

    @property
    def files(self) -> tuple[Piece, ...]:
        """The pieces that answer it, each file once."""
        return tuple({piece.file: piece for piece in self.pieces}.values())

    def data(self) -> dict[str, Any]:
        """As plain JSON data."""
        return {
            "group": self.group,
            "name": self.name,
            "gate": self.gate,
            "of_gate": self.of_gate,
            "files": [piece.file for piece in self.files],
            "missing": self.missing,
        }


def mapped(view: RunView, pieces: Sequence[Piece]) -> tuple[Wanted, ...]:
    """Every name of the checklist's list for the bundle, then every gate's own evidence line."""
    found = [_of_bundle(item.group, name, view, pieces) for item in view.plan.evidence_bundle for name in item.items]
    found += [_of_gate(gate, item, pieces) for gate in view.gates for item in gate.gate.evidence]
    return tuple(found)


def _of_bundle(group: str, name: str, view: RunView, pieces: Sequence[Piece]) -> Wanted:
    path = _path(name)
    if path:
        return _of_path(group, name, path, view, pieces)
    gates = _gates_with(name, group, view)
    if not gates:
        return Wanted(group, name, "", (), "no gate of the checklist brings it")
    answers = [Wanted(group, name, gate.gate.id, _of_words(name, gate, pieces)) for gate in gates]
    best = next((answer for answer in answers if answer.pieces), None)
    return best or Wanted(group, name, gates[0].gate.id, (), _why(gates[0]))


def _of_path(group: str, name: str, path: str, view: RunView, pieces: Sequence[Piece]) -> Wanted:
    written = tuple(piece for piece in pieces if _at(piece.path, path))
    if written:
        return Wanted(group, name, written[0].gate, written)
    asked = [(gate, item) for gate in view.gates for item in gate.gate.evidence if _at(item.path, path)]
    if not asked:
        return Wanted(group, name, "", (), f"no gate of the checklist brings `{path}`")
    gate, item = asked[0]
    stands = _stand_in(gate, item, pieces)
    return Wanted(group, name, gate.gate.id, stands, "" if stands else _why(gate, f"`{path}` was not written anew"))


def _of_gate(gate: GateView, item: Evidence, pieces: Sequence[Piece]) -> Wanted:
    title, own = gate.gate.title, _own(gate, pieces)
    if item.path:
        written = tuple(piece for piece in own if _at(piece.path, item.path))
        answer = written or _stand_in(gate, item, pieces)
        why = "" if answer else _why(gate, f"`{item.path}` was not written anew")
    else:
        answer = _of_words(item.text, gate, pieces)
        why = "" if answer else _why(gate)
    return Wanted(title, item.path or item.text, gate.gate.id, answer, why, of_gate=True)


def _stand_in(gate: GateView, item: Evidence, pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Our own capture of what the commands printed, where the checklist allows it instead of a file."""
    if not item.or_capture or gate.outcome in {Outcome.NOT_RUN, Outcome.NOT_APPLICABLE}:
        return ()
    return tuple(piece for piece in _own(gate, pieces) if _stream(piece))


def _stream(piece: Piece) -> bool:
    return piece.name.rpartition("/")[2] in {"stdout", "stderr"} and bool(piece.size)


def _own(gate: GateView, pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    return tuple(piece for piece in pieces if piece.gate == gate.gate.id)


# --- paths and words -----------------------------------------------------------------------------------------


def _path(name: str) -> str:
    """The path that a name is, or has in backticks; empty where it is words."""
    for span in (*_CODE.finditer(name), re.fullmatch(r"(.*)", name, re.DOTALL)):
        plain = str(span[1]).strip() if span else ""
        if re.fullmatch(r"[^\s`]+", plain) and ("/" in plain or re.search(r"\w\.\w", plain)):
            return plain
    first = name.split(" ", 1)[0]
    return first if re.fullmatch(r"[\w./-]+\.\w+|[\w./-]+/", first) else ""


def _at(found: str, wanted: str) -> bool:
    """Whether a file lies at a wanted path: there, below it, or by its bare name where only that is wanted."""
    plain = wanted.rstrip("/")
    if not found or not plain:
        return False
    last = found.rstrip("/").rpartition("/")[2]
    return found.rstrip("/") == plain or found.startswith(f"{plain}/") or ("/" not in plain and last == plain)


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower())) - _EMPTY


def _common(some: frozenset[str], others: frozenset[str]) -> int:
    """How many words of `some` are also among the others, as they are or by their beginning."""
    stems = {word[:_STEM] for word in others}
    return sum(1 for word in some if word in others or (len(word) >= _STEM and word[:_STEM] in stems))


def _gates_with(name: str, group: str, view: RunView) -> list[GateView]:
    """The gates whose own words are those of the name, the nearest first; gates that ran before those that did not.

    Where several fit alike, the heading that the name stands under tells: `docker compose ps` under "Deploy".
    """
    words, heading = _words(name), _words(group)
    scored = []
    for at, gate in enumerate(view.gates):
        evidence = _common(words, _words(" ".join(item.text for item in gate.gate.evidence)))
        calls = _common(words, _words(" ".join([gate.gate.title, *(f"{c.kind} {c.text}" for c in gate.gate.calls)])))
        if evidence or calls:
            calls += _common(heading, _words(gate.gate.title))
            scored.append((-2 * evidence - calls, not gate.verdict.captures, at, gate))
    return [gate for *_, gate in sorted(scored, key=lambda item: item[:3])]


def _of_words(name: str, gate: GateView, pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Those of the gate's pieces that the words fit best: by name and path, else by command, else all that say much."""
    own = [piece for piece in _own(gate, pieces) if piece.size]
    words = _words(name)
    for told in (_said_by_file, _said_by_command):
        fitting = tuple(piece for piece in own if _common(words, _words(told(piece))))
        if fitting:
            return fitting
    return tuple(own)


def _said_by_file(piece: Piece) -> str:
    kind = "screenshot screenshots picture" if piece.media_type.startswith("image/") else ""
    return f"{piece.name} {piece.path} {kind}"


def _said_by_command(piece: Piece) -> str:
    return piece.shown


def _why(gate: GateView, ran: str = "") -> str:
    """Why a gate brought nothing of that name."""
    verdict, title = gate.verdict, gate.gate.title
    if gate.outcome is Outcome.NOT_APPLICABLE:
        return f"gate `{title}` does not apply: {verdict.reason}"
    if gate.outcome is Outcome.NOT_RUN:
        return f"gate `{title}` was not run: {verdict.reason or 'never reached'}"
    told = next((trouble.message for trouble in verdict.troubles if trouble.outcome is gate.outcome), "")
    return f"gate `{title}` is {gate.outcome}: {told or ran or 'its commands brought nothing'}"
