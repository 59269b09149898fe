"""What lies about a run and is not in its record: source lines, ends of logs, where the evidence can be opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from gonogo.frozen import dataclass
from gonogo.model.observation import Finding

_CONTEXT = 2
_WIDTH = 160


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture among the evidence, small enough to be shown where it is spoken of."""

    url: str
    """`data:`, with the bytes themselves."""
    text: str = ""
    """What it shows, in words; empty: nobody said."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an output may show beside the run. All of it is redacted; everything may be missing."""

    sources: Mapping[str, str] = field(default_factory=dict)
    """Path in the repository -> its text as the run saw it."""
    tails: Mapping[str, str] = field(default_factory=dict)
    """sha256 of a stored stream -> its last lines."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """sha256 of the stored facts of a probe -> the facts, as lines for people."""
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    """sha256 of a stored picture -> the picture."""
    evidence: str = ""
    """URL of the evidence directory as the output's place sees it; empty: it cannot be linked."""


NOTHING = Surroundings()


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One line of a source file near a finding."""

    number: int
    text: str
    meant: bool
    """Whether the finding is on this line."""
    caret: int = 0
    """Spaces before the caret that points at the column; only on the line that is meant, and where it is known."""
    pointed: bool = False


def source_lines(finding: Finding, around: Surroundings) -> list[SourceLine]:
    """The line of a finding with two before and two after; empty where its source is not at hand."""
    text = around.sources.get(finding.path, "")
    lines = text.split("\n")
    if not text or not 1 <= finding.line <= len(lines):
        return []
    shown = range(max(1, finding.line - _CONTEXT), min(len(lines), finding.line + _CONTEXT) + 1)
    while len(shown) > 1 and not lines[shown[-1] - 1].strip() and shown[-1] != finding.line:
        shown = shown[:-1]
    return [_line(number, lines[number - 1], finding) for number in shown]


def _line(number: int, text: str, finding: Finding) -> SourceLine:
    widened = text.removesuffix("\r").replace("\t", "    ")
    meant = number == finding.line
    before = text[: max(0, finding.column - 1)].replace("\t", "    ")
    pointed = meant and 0 < finding.column <= len(text) + 1 and len(before) < _WIDTH
    cut = widened if len(widened) <= _WIDTH else widened[: _WIDTH - 1] + "…"
    return SourceLine(number, cut, meant, len(before) if pointed else 0, pointed)
