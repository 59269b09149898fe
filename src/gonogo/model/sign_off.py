"""A person's word, as it was signed."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from gonogo.frozen import dataclass
from gonogo.model.capture import Blob


class Word(StrEnum):
    """What a person says."""

    GO = "go"
    NO_GO = "no-go"


@dataclass(frozen=True, slots=True)
class SignOff:
    """One signed word of one person for one owner, about a run, a gate of it, or a question of that gate."""

    run: str
    owner: str
    person: str
    """Id of the person."""
    word: Word
    message: str
    seen: str
    """sha256 of exactly what the person saw."""
    parts: dict[str, str] = field(default_factory=dict)
    """Part of what was seen (`plan`, `subject`, `verdicts`, `evidence`, `waivers`) -> its sha256."""
    gate: str = ""
    """Empty: the run as a whole."""
    question: str = ""
    """Empty: the gate as a whole."""
    at: str = ""
    """When, by the signer's clock; UTC, RFC 3339. Nothing is decided by it."""
    attachments: tuple[Blob, ...] = ()
    keyid: str = ""
    digest: str = ""
    """sha256 of the envelope's line in the file of sign-offs; names it in the decision."""
    void: str = ""
    """Why it no longer counts; empty: it stands."""

    @property
    def stands(self) -> bool:
        """Whether it counts."""
        return not self.void

    @property
    def about(self) -> tuple[str, str]:
        """The gate and the question it speaks of."""
        return self.gate, self.question
