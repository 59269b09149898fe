"""A plan: what one run will do, frozen and hashed before it does anything."""

from __future__ import annotations

from dataclasses import field

from gonogo.frozen import dataclass
from gonogo.model.checklist import Effect, EvidenceItem, Gate, Question
from gonogo.model.notice import NoticeSpec
from gonogo.model.release import TargetSpec
from gonogo.model.roster import Person, Roster


@dataclass(frozen=True, slots=True)
class Subject:
    """What is being released: a commit, whether the tree was clean, and the images it was made into."""

    commit: str
    """40 (or 64) hex digits; empty where there is no commit yet."""
    branch: str = ""
    """Empty when detached."""
    dirty: tuple[str, ...] = ()
    """Paths that differ from the commit, untracked ones too; empty: clean."""
    remote: str = ""
    """URL of the branch's remote without credentials; empty where there is none."""
    pushed: bool | None = None
    """Whether the commit is on the remote branch; None where that cannot be told."""
    authors: tuple[str, ...] = ()
    """Addresses of the authors of its commits; looked up only where the checklist asks for four eyes."""
    images: dict[str, str] = field(default_factory=dict)
    """Service -> digest of its image, `sha256:…`. A plan knows none yet: `RunView.subject` has what the run brought."""

    @property
    def clean(self) -> bool:
        """Whether the working tree equals the commit."""
        return not self.dirty


@dataclass(frozen=True, slots=True)
class Node:
    """A gate with its place in the graph."""

    gate: Gate
    needs: tuple[str, ...] = ()
    """Gate ids that must be finished first (explicit needs; phase order is kept by the scheduler)."""
    not_applicable: str = ""
    """The reason, where the gate's `when` is false for this subject and target."""
    left_out: str = ""
    """Why the selection does not run it: `optional, not selected`; empty: it runs."""
    speaks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Call id -> names of the observations that a static look at the call expects it to yield."""
    effects: dict[str, Effect] = field(default_factory=dict)
    """Call id -> what it does to the world: what its author, its kind or its tools say, whichever is most."""
    exclusive: bool = False
    """Runs alone in its tree: the gate, a probe of it or a tool in it says so."""
    problems: dict[str, str] = field(default_factory=dict)
    """Call id -> why its command leads nowhere: `missing script: "lint"`; told only if the call does not succeed."""
    calls_left_out: dict[str, str] = field(default_factory=dict)
    """Call id -> why this call is not run: it publishes and was not selected by name, or its condition is open."""
    asks: tuple[Question, ...] = ()
    """What its owners must answer: the gate's questions, and its calls that ask a person (`<gate>:<call>`)."""

    @property
    def id(self) -> str:
        """The gate's id."""
        return self.gate.id

    @property
    def runs(self) -> bool:
        """Whether this plan runs it."""
        return not (self.not_applicable or self.left_out)

    @property
    def acts(self) -> bool:
        """Whether a call of it that runs changes the world."""
        return any(
            effect is not Effect.READ for call, effect in self.effects.items() if call not in self.calls_left_out
        )


@dataclass(frozen=True, slots=True)
class PhaseTitle:
    """A phase without its gates, for headings."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Checklist + subject + target + selection, frozen; its digest names it."""

    digest: str
    """sha256 over the canonical JSON of everything below."""
    checklist_digest: str
    title: str
    source: str
    """The checklist's path, relative to the repository."""
    subject: Subject
    target: str
    phases: tuple[PhaseTitle, ...]
    nodes: tuple[Node, ...]
    """In the order of the document."""
    inputs: dict[str, str] = field(default_factory=dict)
    """Values of the inputs that are not secret."""
    input_files: dict[str, str] = field(default_factory=dict)
    """Declared input file -> salted digest of its bytes, or `missing`."""
    allow_dirty: bool = False
    missing_inputs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Input that has no value -> the places it appears; a run refuses to start while there is one."""
    directory: str = ""
    """The directory that commands run in, from the top of the checkout; empty: the top itself."""
    secret_files: tuple[str, ...] = ()
    """Env files whose values reach no file, log or screen."""
    secret_inputs: tuple[str, ...] = ()
    """Inputs whose values are secret: they are given anew to each run and are in no record."""
    roster: Roster = field(default_factory=Roster)
    """Who speaks for which owner, with what CODEOWNERS said when the plan was made."""
    sign_offs: tuple[str, ...] = ()
    """Owners whose word the decision needs."""
    people: tuple[Person, ...] = ()
    """Those whose keys are trusted at the subject's commit."""
    evidence_bundle: tuple[EvidenceItem, ...] = ()
    """What the checklist wants in the bundle, by its own names."""
    spec: TargetSpec | None = None
    """The target itself: as the checklist declares it, else as one of its commands describes it; None: nobody says."""
    smoke: tuple[Node, ...] = ()
    """Gates of the smoke checks: what tells, in the phase of the rollout, whether a release answers."""
    closing: tuple[Node, ...] = ()
    """What may be done once every phase is through and a release was put on the target: keep it, or revert it."""
    notify: tuple[NoticeSpec, ...] = ()
    """Who is told about a run of it."""

    def node(self, gate: str) -> Node:
        """The node of the gate called `gate`; raises `KeyError` where there is none."""
        for node in (*self.nodes, *self.closing):
            if node.id == gate:
                return node
        raise KeyError(gate)
