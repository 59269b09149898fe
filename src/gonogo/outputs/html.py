"""The run as one HTML page that needs nothing else: no script, no network, light and dark, for screen and paper."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

import gonogo
from gonogo.frozen import dataclass
from gonogo.model.capture import Blob, Capture
from gonogo.model.observation import Finding
from gonogo.model.outcome import DecisionWord, Outcome, State
from gonogo.model.run import GateView, RunState, RunView
from gonogo.model.verdict import Judgement
from gonogo.outputs import people, pictures, reasons
from gonogo.outputs.acts import acts
from gonogo.outputs.surroundings import NOTHING, Picture, SourceLine, Surroundings, source_lines
from gonogo.plugins import output
from gonogo.telling import words
from gonogo.telling.printed import not_well

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_FINDINGS = 100
"""Findings shown of one gate; the first of them with their source."""
_WITH_SOURCE = 25
_DIGITS = 12
_RED = (Outcome.FAIL, Outcome.ERROR, Outcome.STALE, Outcome.UNKNOWN)

TONES = {
    Outcome.PASS: "pass",
    Outcome.FAIL: "fail",
    Outcome.ERROR: "warn",
    Outcome.STALE: "warn",
    Outcome.UNKNOWN: "warn",
    Outcome.NOT_APPLICABLE: "calm",
    Outcome.NOT_RUN: "calm",
}
_DECISION_TONES = {DecisionWord.GO: "pass", DecisionWord.NO_GO: "fail", DecisionWord.HOLD: "warn"}


@output("html", media_type="text/html", surroundings=True)
def html(view: RunView, around: Surroundings = NOTHING) -> str:
    """One HTML page: the decision and why, each gate with its distance, the time line, and who signed what."""
    template = _templates().get_template("page.html")
    text = template.render(
        view=view,
        plan=view.plan,
        subject=view.subject,
        said=_said(view),
        holding=reasons.holding(view),
        remarks=reasons.remarks(view),
        phases=_phases(view, around),
        spans=pictures.timeline(view),
        acts=acts(view),
        spoken=people.spoken(view),
        attached=lambda sign_off: _shown_of(sign_off.attachments, around),
        awaited=people.awaited(view),
        accepted=people.accepted(view),
        files=_all_files(view, around),
        gonogo=gonogo.__version__,
    )
    return text.lstrip() + "\n"


# --- what the page shows of each thing -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Said:
    """The decision in words."""

    word: str
    meaning: str
    tone: str
    symbol: str


@dataclass(frozen=True, slots=True)
class _Judged:
    """A judgement, with every look that it was the same on."""

    judgement: Judgement
    looks: tuple[str, ...]
    bar: pictures.Bar | None


@dataclass(frozen=True, slots=True)
class _Found:
    finding: Finding
    place: str
    lines: list[SourceLine]


@dataclass(frozen=True, slots=True)
class _File:
    """A stored file: what it is, and where it can be opened."""

    label: str
    size: str
    sha256: str
    url: str
    gate: str = ""
    shown: str = ""


@dataclass(frozen=True, slots=True)
class _Shown:
    """A picture with what it is called and what it shows."""

    picture: Picture
    name: str
    file: str
    """Where its file can be opened; empty: nowhere."""


@dataclass(frozen=True, slots=True)
class _Look:
    """One capture: what was done, how it ended, what was kept of it."""

    capture: Capture
    ended: str
    files: list[_File]
    tail: list[str]
    pictures: list[_Shown]
    facts: list[str]
    """What a probe saw, line by line."""


@dataclass(frozen=True, slots=True)
class _Gate:
    """A gate, ready to be written."""

    view: GateView
    open: bool
    why: str
    judged: list[_Judged]
    found: list[_Found]
    more: int
    looks: list[_Look]

    @property
    def has_more(self) -> bool:
        """Whether there is anything beneath its line."""
        verdict = self.view.verdict
        return bool(self.judged or self.found or self.looks or verdict.troubles or verdict.questions or verdict.notes)


def _said(view: RunView) -> _Said:
    if view.decision is None:
        gone = view.state is RunState.INTERRUPTED
        what = ("INTERRUPTED", "it ended before its decision") if gone else ("RUNNING", "there is no decision yet")
        return _Said(*what, "warn", "?")
    word = view.decision.word
    held = reasons.holding(view)
    whole = word is DecisionWord.HOLD and held and not any(account.gates for account in held)
    meaning = _whole(view) if whole else words.DECISION_MEANINGS[word]
    symbol = {DecisionWord.GO: "✓", DecisionWord.NO_GO: "✗", DecisionWord.HOLD: "?"}[word]
    return _Said(word.value, meaning, _DECISION_TONES[word], symbol)


def _whole(view: RunView) -> str:
    """What holds a run in which no gate does."""
    owners = [one.owner for one in people.awaited(view) if one.missing]
    return f"waits for the word of {words.listed(owners, 4)}" if owners else "the run as a whole holds it"


def _phases(view: RunView, around: Surroundings) -> list[tuple[Any, list[_Gate]]]:
    """The phases that have gates, with them."""
    found = [(phase, [g for g in view.gates if g.gate.phase == phase.id]) for phase in view.plan.phases]
    return [(phase, [_gate(gate, around) for gate in gates]) for phase, gates in found if gates]


def _gate(gate: GateView, around: Surroundings) -> _Gate:
    verdict = gate.verdict
    red = gate.outcome in _RED
    why = "" if gate.outcome is Outcome.PASS else next(iter(words.because(verdict) or verdict.questions), "")
    shown = verdict.findings[:_FINDINGS]
    return _Gate(
        view=gate,
        open=(red and not verdict.waived) or verdict.state is State.WAITING,
        why=why,
        judged=_judged(verdict.judgements),
        found=[_found(finding, around, with_source=at < _WITH_SOURCE) for at, finding in enumerate(shown)],
        more=max(verdict.findings_total, len(verdict.findings)) - len(shown),
        looks=[_look(c, around, tails=red and not_well(c, verdict)) for c in verdict.captures],
    )


def _judged(judgements: Iterable[Judgement]) -> list[_Judged]:
    """The judgements, the worst first; those that say the same on several looks are one."""
    groups: dict[tuple[str, ...], list[Judgement]] = {}
    for one in sorted(judgements, key=lambda j: words.WORST_FIRST.index(j.outcome)):
        groups.setdefault((one.criterion, one.outcome, one.distance, one.reason, *one.waived_by), []).append(one)
    return [
        _Judged(same[0], tuple(dict.fromkeys(one.shown for one in same if one.shown)), pictures.bar(same[0]))
        for same in groups.values()
    ]


def _found(finding: Finding, around: Surroundings, *, with_source: bool) -> _Found:
    lines = source_lines(finding, around) if with_source else []
    return _Found(finding, words.place(finding.path, finding.line, finding.column), lines)


def _look(capture: Capture, around: Surroundings, *, tails: bool) -> _Look:
    ended = f"exit {capture.exit}" if capture.exit is not None else capture.signal
    printed = [b for b in capture.blobs if tails and b.name.rpartition("/")[2] in {"stdout", "stderr"}]
    tail = "\n".join(around.tails.get(blob.sha256, "").strip("\n") for blob in printed).strip("\n").split("\n")
    files = list(dict.fromkeys(_file(capture, blob, around) for blob in capture.blobs if blob.size))
    facts = [line for blob in capture.blobs for line in around.facts.get(blob.sha256, "").splitlines()]
    return _Look(capture, ended, files, tail if any(tail) else [], _shown_of(capture.blobs, around), facts)


def _shown_of(blobs: Iterable[Blob], around: Surroundings) -> list[_Shown]:
    """The pictures among some blobs, none twice."""
    found = {blob.sha256: blob for blob in blobs if blob.sha256 in around.pictures}
    return [_Shown(around.pictures[b.sha256], b.path or b.name, _url(b, around)) for b in found.values()]


def _url(blob: Blob, around: Surroundings) -> str:
    return f"{around.evidence}/{blob.sha256[:2]}/{blob.sha256}" if around.evidence else ""


def _file(capture: Capture, blob: Blob, around: Surroundings, gate: str = "") -> _File:
    tool = next((report.tool or report.parser for report in capture.reports if report.blob == blob.name), "")
    label = blob.path or (f"report of {tool}" if tool and blob.name not in {"stdout", "stderr"} else blob.name)
    size = f"{blob.size:,} of {blob.total:,} bytes" if blob.cut else words.number(blob.size, "byte")
    return _File(label, size, blob.sha256, _url(blob, around), gate, capture.shown)


def _all_files(view: RunView, around: Surroundings) -> list[_File]:
    """Every stored file of the run."""
    found = [
        _file(capture, blob, around, gate.gate.title)
        for gate in view.gates
        for capture in gate.verdict.captures
        for blob in capture.blobs
        if blob.size
    ]
    return list(dict.fromkeys(found))


# --- the template's words ------------------------------------------------------------------------------------


@cache
def _templates() -> Environment:
    """Jinja with everything escaped, nothing forgiven, and no foreign control character let through."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # only who writes a page pays for it

    environment = Environment(
        loader=PackageLoader("gonogo.outputs", "_html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    style, digest = _style()
    environment.globals.update(style=style, style_digest=digest, symbols=words.SYMBOLS, words=words.WORDS, tones=TONES)
    environment.globals.update(sentence=words.sentence, mends=words.mends, because=words.because, tally=words.tally)
    environment.globals.update(qualities=words.qualities, number=words.number)
    environment.filters.update(
        duration=words.duration, prose=_prose, moment=_moment, commit=words.short_commit, web=_web
    )
    return environment


def _style() -> tuple[Markup, str]:
    """The style sheet, and the digest by which the page's own policy admits it and no other."""
    from importlib.resources import files

    from markupsafe import Markup

    text = files("gonogo.outputs").joinpath("_html/style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Markup(text), digest  # noqa: S704 - our own file


def _shown(value: object) -> object:
    """What `{{ }}` writes: foreign text without control and bidirectional characters."""
    from markupsafe import Markup

    return words.safe(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _prose(text: str) -> Markup:
    """A sentence in which `names in backticks` are code."""
    from markupsafe import Markup, escape

    parts = words.safe(text).split("`")
    if len(parts) % 2 == 0:
        return escape("`".join(parts))
    made = [Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in enumerate(parts)]
    return Markup("").join(made)


def _moment(text: str) -> str:
    """`2026-11-22 10:00:21 UTC` from what the ledger writes."""
    seconds = text.partition(".")[0].removesuffix("Z").replace("T", " ")
    return f"{seconds} UTC" if seconds else ""


def _web(link: str) -> bool:
    """Whether a link may be followed from the page: no `javascript:`, no file."""
    return link.startswith(("https://", "http://"))
