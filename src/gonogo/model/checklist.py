"""A checklist as its authors meant it, whichever form they wrote: phases, gates, calls, criteria, questions."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import Any

from gonogo.errors import Span
from gonogo.frozen import dataclass
from gonogo.model.notice import NoticeSpec
from gonogo.model.release import TargetSpec
from gonogo.model.roster import Roster


class Effect(StrEnum):
    """What a call does to the world. A read may be tried again; a write never is; a publish runs only by name."""

    READ = "read"
    WRITE = "write"
    PUBLISH = "publish"


@dataclass(frozen=True, slots=True)
class Call:
    """One entry of a gate's commands: a probe or an action, with its params."""

    id: str
    """Within its gate: the slug of its label, else its number, counted from 1."""
    kind: str
    """Name of a registered probe or action; `command` for what a shell would run."""
    params: dict[str, Any] = field(default_factory=dict)
    """Validated against the kind's params type; JSON-able."""
    text: str = ""
    """As its author wrote it."""
    label: str = ""
    """`Backup`, `API`; empty for most."""
    effect: Effect = Effect.READ
    alternatives: tuple[Call, ...] = ()
    """Written in parentheses or after "or": a person may select one; none runs because this call failed."""
    condition: str = ""
    """"if using registry", as written; answered once in a `when:`."""
    span: Span | None = field(default=None, compare=False)
    effect_said: bool = False
    """The author named the effect. Where not, the plan looks at the tools behind the command (`npm run x`) and says."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One boolean CEL expression over observations, and the prose it came from."""

    expression: str
    clause: str = ""
    """The clause of the `Pass:` line, as written; empty in YAML."""
    calls: tuple[str, ...] = ()
    """Ids of the calls it is judged on; empty: each capture it can speak of."""
    documented: bool = False
    """Each finding it counts must be covered by a live waiver ("documented", "warnings acceptable if documented")."""
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Question:
    """What no rule could turn into a criterion: the gate's owner answers it."""

    id: str
    text: str
    why: str
    """Why it is a question: `no rule understands this clause`, `an action without a command`."""
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing the gate must bring: a path expected from this attempt, or words that our own capture serves."""

    text: str
    path: str = ""
    """Relative to the repository; expected fresh. Empty where our own capture serves it."""
    or_capture: bool = False
    """The author allows our own capture instead ("or coverage summary")."""
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class When:
    """A gate's own condition: CEL over `target`, `subject`, `inputs` and `machine`; false is NOT_APPLICABLE."""

    expression: str
    reason: str
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing that must hold, with all that was written about it."""

    id: str
    """Slug of the title, unique in the checklist."""
    title: str
    phase: str
    owners: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    questions: tuple[Question, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    action: str = ""
    note: str = ""
    passes: str = ""
    """The `Pass:` line as written."""
    ci_jobs: tuple[str, ...] = ()
    cache: str = ""
    optional: bool = False
    condition: str = ""
    """"if separate host, skip here", as written in the title."""
    when: When | None = None
    needs: tuple[str, ...] = ()
    """Ids of gates that must be green (or tolerated) first, beyond the order of the phases."""
    exclusive: bool = False
    """Shares the working tree with no other gate."""
    isolation: str = ""
    """`worktree`: a clean checkout of the subject; empty: the working tree."""
    timeout: float = 900.0
    """Seconds for one call."""
    retries: int = 0
    """Further attempts after an ERROR or FAIL; a read only. Red then green is counted as flaky."""
    max_age: float | None = None
    """Seconds a PASS of an earlier run for the same commit stays good; None: only this run's."""
    changes: tuple[str, ...] = ()
    """Tracked paths (globs) it declares to change; shown and undone."""
    proceed_on: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Gate id -> outcomes an action here tolerates; recorded, and the decision stays HOLD."""
    unread: tuple[str, ...] = ()
    """Text that no rule understood; kept, and listed by `gonogo check`."""
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Phase:
    """A named, ordered group of gates."""

    id: str
    """`"0"` to `"7"` in the document form."""
    title: str
    gates: tuple[Gate, ...] = ()
    unread: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class CiJob:
    """One line of the CI job map."""

    id: str
    text: str
    commands: tuple[str, ...] = ()
    cache: str = ""
    manual: bool = False


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """One line of the evidence bundle: a group and what belongs to it."""

    group: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Input:
    """A value the checklist needs from outside: `${GIT_SHA}`, `<staging>`; declared, or declared by appearing."""

    name: str
    meaning: str = ""
    default: str | None = None
    secret: bool = False
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Checklist:
    """The whole document."""

    title: str
    phases: tuple[Phase, ...]
    objective: str = ""
    assumptions: tuple[str, ...] = ()
    evidence_bundle: tuple[EvidenceItem, ...] = ()
    ci_jobs: tuple[CiJob, ...] = ()
    inputs: tuple[Input, ...] = ()
    input_files: tuple[str, ...] = ()
    """Files outside git that gates may read (`.env.staging`); recorded by salted digest."""
    secret_files: tuple[str, ...] = ()
    """Env files whose values are secrets, beyond every `.env*` that a gate names."""
    other_sections: tuple[tuple[str, str], ...] = ()
    """Heading and Markdown of the sections gonogo does not act on; kept for the round trip."""
    source: str = field(default="", compare=False)
    """Path of the file it was read from."""
    roster: Roster = field(default_factory=Roster)
    """Owners -> people, groups, quorum."""
    sign_offs: tuple[str, ...] = ()
    """Owners whose word the decision needs; none by default."""
    targets: tuple[TargetSpec, ...] = ()
    """Where releases go."""
    directory: str = ""
    """The directory it is for, from the top of the repository; empty: told by where its file lies."""
    notify: tuple[NoticeSpec, ...] = ()
    """Who is told about a run."""

    @property
    def gates(self) -> tuple[Gate, ...]:
        """Every gate, in the order of the document."""
        return tuple(gate for phase in self.phases for gate in phase.gates)
