"""The seams: what a probe, action, parser, tool, family and output is, and what each is given.

Plain data, and one protocol. A plugin imports all of it from `gonogo.plugins`, which also declares and finds kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from gonogo.errors import OperationError
from gonogo.frozen import dataclass
from gonogo.model.baseline import Baseline
from gonogo.model.capture import Blob, Capture, ReportRef
from gonogo.model.checklist import Effect
from gonogo.model.observation import Captured, ObservationType, Reading, Trouble
from gonogo.model.outcome import Outcome
from gonogo.model.plan import Subject
from gonogo.model.release import Difference, Instance, Release, TargetSpec, TargetState

# --- prose ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Clause:
    """A phrase of a `Pass:` line that a kind understands, and the criteria it becomes."""

    pattern: str
    """Regular expression, matched without case against one whole clause."""
    criteria: tuple[str, ...]
    """CEL; `{name}` is replaced by the named group of the match.

    Empty: a rule for an `Evidence:` line; it only brings a call."""
    example: str
    """A clause it matches; a test proves that it does."""
    documented: bool = False
    """The findings counted must be covered by live waivers ("documented")."""
    brings: Mapping[str, Any] | None = None
    """Params of the call this clause adds to a gate that has none of its kind; None: it adds nothing.

    `{name}` in its texts is replaced as in the criteria; a text `{name:number}` becomes a number. Where an earlier
    clause of the same gate has brought a call of this kind, the params are added to that call: "hooks enabled; no
    secrets committed" looks at both with one.
    """


@dataclass(frozen=True, slots=True)
class Phrase:
    """A command bullet in prose that a probe or action understands: "Diff `.env.example` vs `.env.staging.example`"."""

    pattern: str
    """Regular expression, matched without case against the whole entry, backticks included."""
    params: Callable[[Any], Mapping[str, Any]]
    """From the `re.Match` to the call's params."""
    example: str


@dataclass(frozen=True, slots=True)
class Family:
    """Observations that many tools share (`tests.*`, `lint.*`), with the prose that asks for them."""

    name: str
    types: tuple[ObservationType, ...]
    clauses: tuple[Clause, ...] = ()
    hints: str = ""
    """Regular expression over a gate's title, its commands and the clause: where it matches, its clauses are tried."""
    doc: str = ""


# --- what kinds are given ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ran:
    """A process that has ended, or could not be started: its streams are stored already."""

    exit: int | None
    """None where a signal or a timeout ended it, or where it never started."""
    signal: str
    stdout: Blob
    stderr: Blob
    troubles: tuple[Trouble, ...]
    seconds: float
    out: bytes = b""
    """The first MiB of the *stored*, redacted standard output, for probes that read a version or a list."""
    err: bytes = b""
    reports: tuple[ReportRef, ...] = ()
    """Reports that recognised tools wrote during this process, each naming one of `report_blobs`."""
    report_blobs: tuple[Blob, ...] = ()
    notes: tuple[str, ...] = ()
    """Remarks that change no outcome: a daemon kept its output open, processes were left behind and ended."""


class Context(Protocol):
    """What a probe or action may touch. Everything that leaves it has been redacted on the way."""

    @property
    def root(self) -> Path:
        """The directory that the checklist is for, in the checkout that this gate looks at; absolute."""

    @property
    def subject(self) -> Subject:
        """What is being released."""

    @property
    def target(self) -> str:
        """Where it goes."""

    @property
    def inputs(self) -> Mapping[str, str]:
        """Values of the checklist's inputs."""

    @property
    def timeout(self) -> float:
        """Seconds this call may take."""

    def run(
        self,
        command: str | Sequence[str],
        *,
        cwd: str = ".",
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
        name: str = "",
        inherit: Collection[str] | None = None,
    ) -> Ran:
        """Run a process in its own group until it ends or its time is up; never raises for what it does.

        Text runs without a shell where it is plain words, else through `/bin/sh -c`; a sequence never meets a shell.
        `name` prefixes the blobs (`node-version/stdout`), for probes that run several processes. `inherit` names the
        variables of gonogo's own process that it gets beside those in `env`; None: all of them.
        """

    def keep(self, name: str, data: bytes, media_type: str = "application/octet-stream") -> Blob:
        """Redact and store bytes; returns the blob to put into the capture."""

    def redacted(self, data: bytes) -> bytes:
        """Bytes as they may be shown: without secrets. For what a target hands on without storing it, such as logs."""

    def keep_facts(self, facts: Mapping[str, Any]) -> Blob:
        """Redact and store facts as canonical JSON named `facts.json`, which the probe's reader is given again."""

    def read_file(self, path: str) -> bytes:
        """Bytes of a file in the checkout.

        Raises `FileNotFoundError`; raises `OnlyHere` for a file that git does not know and the checklist does not
        declare: what exists on one machine only must not make anything green.
        """

    def add_secrets(self, values: Sequence[str]) -> None:
        """From now on these values reach no file, log or screen."""

    @property
    def before(self) -> tuple[Captured, ...]:
        """What the earlier calls of this attempt say, read from their stored bytes, in the order they ran."""

    def baselines(self) -> tuple[Baseline, ...]:
        """The figures of earlier load tests whose releases became stable, the oldest first."""

    def tell(self, line: str) -> None:
        """Show a line of progress to whoever watches the run; it is no evidence."""

    def wait(self, seconds: float) -> bool:
        """Let time pass; false at once when the run is told to stop.

        A probe that stops early because of it says so with a trouble `interrupted`, and is tried again on a resume.
        """

    def remembered(self) -> Mapping[str, Any] | None:
        """What `remember` kept in an attempt of this run that was cut off; None: nothing."""

    def remember(self, facts: Mapping[str, Any]) -> None:
        """Keep facts where `kill -9` does not reach them, for the next attempt; forgotten once this call has ended."""

    def failing(self, reading: Reading) -> tuple[str, ...]:
        """The criteria of the gate that a reading makes false already, though the call has not ended.

        Give it only observations that can get no better: what it names is then decided.
        """

    @property
    def run_id(self) -> str:
        """The run this is part of."""

    @property
    def gate(self) -> str:
        """The gate this is part of."""

    @property
    def scratch(self) -> Path:
        """A private directory for this call's own files; gone when the run ends. Nothing in it is redacted."""

    @property
    def spec(self) -> TargetSpec | None:
        """The target as the checklist declares it, inputs filled in; None: nobody says what it is."""

    @property
    def fence(self) -> int:
        """The number under which this run holds the target's lock; 0: it does not hold it."""

    def reach(self) -> Target:
        """The target itself, through its kind; the same one for the whole call. Raises `NoTarget`."""

    def smoke(self, commit: str, *, origin: str = "") -> Smoked | None:
        """Do the plan's smoke checks now, and judge them as their own gates do, for the release of `commit`.

        None: the plan has none.
        `origin` (`http://127.0.0.1:4711`) takes the place of scheme and host in their URLs: a trial answers elsewhere.
        """

    def record(self, step: str, **data: Any) -> None:
        """Write a step of this act into the ledger, durably, before it is taken. Only acts may."""

    @property
    def recorded(self) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        """The steps that this act has recorded, oldest first; those of the process that was cut off come first."""


@dataclass(frozen=True, slots=True)
class Smoked:
    """What the smoke checks said of a release."""

    outcome: Outcome
    """PASS; FAIL; anything else: the checks themselves could not look, which says nothing about the release."""
    said: tuple[str, ...] = ()
    """One sentence for each gate of them."""
    blobs: tuple[Blob, ...] = ()


class OutOfReach(OperationError):
    """A target cannot be reached, or could not do what was asked of it; a call that meets it has not looked."""


class NoTarget(OutOfReach):
    """The checklist declares no target of the name the run goes to, and no command of it describes one."""


SHELL_TEXT: Mapping[str, bool] = {"shell": True}
"""Metadata of a params field that holds a command line: `run: str = field(metadata=SHELL_TEXT)`. Values of inputs are
quoted before they enter it, and the plan looks at the tools in it."""


class OnlyHere(Exception):
    """A file that is neither tracked at the subject's commit nor declared as an input."""


ANSWER = "answer"
"""What is laid over the stored facts of a probe that asks a person, once the person has signed an answer: true or
false. Stored facts never hold it."""


# --- targets -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Database:
    """The PostgreSQL database of a target, and how programs of its own version are run against it."""

    name: str
    prefix: tuple[str, ...] = ()
    """What stands before a client program: empty, or `docker compose … exec -T postgres`. Never a password."""
    programs: str = ""
    """Directory of the client programs; empty: they are on the PATH of wherever `prefix` leads."""
    connection: tuple[str, ...] = ()
    """Options that every client program takes: `-h 127.0.0.1 -p 5432 -U app`. Never a password."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables of the client process, `PGPASSWORD` among them; secrets."""
    url: str = ""
    """libpq URL as this machine, or the migrating program, reaches it, with the password: a secret."""
    inner: str = ""
    """The same as the target's own services reach it; empty: by `url`. A secret."""

    def argv(self, program: str, *arguments: str) -> tuple[str, ...]:
        """The command line of a client program; which database it speaks to is one of its arguments."""
        path = f"{self.programs}/{program}" if self.programs else program
        return (*self.prefix, path, *self.connection, *arguments)


class Target(Protocol):
    """One place where releases are put. What is true of it lives there: its lock and its releases.

    Every method is safe to repeat. `claim`, `save`, `keep`, `up` and `trial` change the target; all others only look.
    A method that cannot do its work raises `OutOfReach`, with a help that mends it.
    """

    @property
    def window(self) -> float:
        """Seconds that a release must hold still there before it counts as up."""

    def trouble(self) -> Trouble | None:
        """Why it cannot be reached or acted on: no engine, no Compose, no program; None: it can."""

    def url(self, name: str) -> str:
        """Base URL of what answers there: `app`, `prometheus`; empty where nobody says."""

    # --- what lives there ----------------------------------------------------------------------------------------

    def claim(self, holder: Mapping[str, Any], *, instead_of: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Take the lock, atomically, and return who holds it now: `holder` itself, or somebody else.

        `instead_of` is a holder that is provably dead: the lock changes hands only if it is still that one's.
        """

    def unclaim(self, holder: Mapping[str, Any]) -> None:
        """Give the lock back, if it is that holder's."""

    def holder(self) -> Mapping[str, Any] | None:
        """Who holds the lock; None: nobody."""

    def load(self) -> TargetState:
        """What it remembers; an empty state where gonogo has never acted there."""

    def save(self, state: TargetState, *, over: TargetState | None = None) -> None:
        """Replace what it remembers, atomically, unless a later holder of the lock has written. Call it with the lock.

        `over` is what `load` brought a moment ago: a target that is far away need not be asked for it a second time.
        """

    # --- releases ------------------------------------------------------------------------------------------------

    def draft(self) -> Release:
        """The release that this run's artifacts make: number 0, nothing put there yet.

        Where no gate makes artifacts (`local`), it makes them itself, once for each commit; what runs stays untouched.
        Raises `OutOfReach` where an artifact is missing or is not the subject's.
        """

    def differences(self, release: Release) -> tuple[Difference, ...]:
        """What `up` would do to each service, and what drifted from what it remembers."""

    def present(self, release: Release) -> Trouble | None:
        """Why the release cannot be put there: an artifact is gone, or is another one under the same name."""

    def keep(self, release: Release) -> Release:
        """Keep its artifacts from being pruned, with its configuration; the release with the facts that say how."""

    def forget(self, release: Release) -> None:
        """Let go of what `keep` kept."""

    def up(self, release: Release) -> Ran:
        """Put it there and start it; returns when the commands have ended, not when it is healthy.

        What runs as the release wants it already is left alone, so that one cut off is finished by another.
        """

    def instances(self) -> tuple[Instance, ...]:
        """One look at every copy of every service."""

    def since(self) -> str:
        """The target's own clock now, to ask for its logs and events from here on; RFC 3339."""

    def autopsy(self, since: str) -> tuple[Blob, ...]:
        """What may be gone after a revert, stored: state of each service, logs, health log, events."""

    def logs(self, service: str, since: str) -> bytes:
        """What a service printed from `since` on, redacted, at most 1 MiB from the end."""

    # --- its data ------------------------------------------------------------------------------------------------

    def database(self) -> Database | None:
        """Its database, started if that is this target's to do and it does not run; None: it has none."""

    def trial(self, release: Release, variables: Mapping[str, str]) -> AbstractContextManager[Mapping[str, str]]:
        """Run a release beside what is there, with some variables of its environment replaced.

        Gives name -> base URL once all of it is healthy, or has had its time to become so: smoke checks judge it. Ends
        it on leaving, and sweeps what an earlier trial left behind.
        """


TargetFunction = Callable[[Any, Context], Target]


class Done(StrEnum):
    """How far an act that was cut off had come, as a look at the world tells."""

    DONE = "done"
    NOT_DONE = "not done"
    HALF_DONE = "half done"
    """The act itself goes on from there: it finishes, or reverts, as its recorded steps say."""
    UNKNOWN = "unknown"
    """It cannot be told: a person must say."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a read-only look found of an act that was begun and never ended."""

    done: Done
    why: str
    """One sentence for people: what was seen."""
    capture: Capture | None = None
    """Where it is done: what the act would have brought back."""


# --- kinds ---------------------------------------------------------------------------------------------------

ProbeFunction = Callable[[Any, Context], Capture]
Reader = Callable[[Mapping[str, Any], Any], Reading]
ParserFunction = Callable[[BinaryIO, Mapping[str, Any]], Reading]


@dataclass(frozen=True, slots=True)
class Kind:
    """What every kind has."""

    name: str
    doc: str
    module: str


@dataclass(frozen=True, slots=True)
class Probe(Kind):
    """A look at the world; with `effect` other than READ it is an action: it changes the world, once per attempt."""

    function: ProbeFunction
    params: type
    """A frozen dataclass; its fields are the schema of the call's params."""
    yields: tuple[ObservationType, ...] = ()
    reader: Reader | None = None
    """Pure: the stored `facts.json` and the params -> reading. None: the capture's reports say it all."""
    clauses: tuple[Clause, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    effect: Effect = Effect.READ
    exclusive: bool = False
    asks: str = ""
    """The param that holds a question to the gate's owners; empty: it asks nobody."""
    takes: Callable[[Any], float] | None = None
    """Seconds that a call with these params takes by design; the gate's timeout counts beyond them. None: none."""
    without: Callable[[Mapping[str, Any]], tuple[str, ...]] | None = None
    """Names among `yields` that a call cannot bring, from its params as the checklist gives them; None: it may bring
    each. A criterion that names one of them is not asked of that call."""
    look: Callable[[Any, Context], Look] | None = None
    """An action's read-only look at how far it had come when it was cut off; None: a person must say."""
    on_target: bool = True
    """Whether an act of this kind changes the target, and so needs its lock."""
    releases: bool = False
    """It puts a release on the target: what follows in the plan is about that release."""
    rehearses: bool = False
    """It puts an earlier release there and comes forward again: what is red in it says nothing of the new one."""
    closes: str = ""
    """It ends a rollout when all phases are through: `kept` where all held, `reverted` where a gate is red."""
    smokes: bool = False
    """A look that tells whether a release answers: in the phase of a rollout it is one of the smoke checks."""
    labels: str = ""
    """Regular expression of the labels (`Backup:`, `Migrate:`) whose commands are calls of this kind: the command goes
    into its field of `SHELL_TEXT`. Empty: none."""
    describes: Callable[[Mapping[str, Any]], Mapping[str, Any] | None] | None = None
    """From the call's params to the target that they describe (`kind` and its params), where none is declared."""


@dataclass(frozen=True, slots=True)
class Parser(Kind):
    """A format that tools write: stored bytes -> reading. Pure, and streaming where files get large."""

    function: ParserFunction
    yields: tuple[ObservationType, ...]
    media_type: str
    sniff: Callable[[bytes], bool]
    """Whether a file that starts with these bytes (at most 64 KiB) is in this format."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One program about to run: argv with the program's bare name first, and where."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AskedReport:
    """A report we asked a tool for: a file name in the attempt's own folder, and the parser that reads it."""

    file: str
    parser: str
    cwd_relative: bool = False
    """The tool writes it to its own place below its working directory; taken from there, if written anew."""
    params: Mapping[str, object] = field(default_factory=dict)
    """What the parser must know about the command line: `quiet` hides warnings, so that none is not zero."""
    optional: bool = False
    """Its absence is no trouble by itself: the observations it would bring are simply absent."""
    largest: int = 0
    """Bytes; a larger one is left out like an absent one, with a note. 0: however large."""


@dataclass(frozen=True, slots=True)
class Ask:
    """How to run a tool so that it writes its own machine-readable report. `{reports}` is the attempt's folder."""

    argv: tuple[str, ...]
    """The whole command line, program first."""
    reports: tuple[AskedReport, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    stdout_report: AskedReport | None = None
    """The report is what it prints; it is passed on to the terminal as well."""
    effect: Effect = Effect.READ
    exclusive: bool = False
    text_report: AskedReport | None = None
    """The report is what it prints on both streams, in the order it came; passed on to the terminal as well."""
    also: tuple[str, ...] = ()
    """A second, read-only command line run after the first, for tools that speak either to people or to machines:
    only its report is kept (`stdout_report` is then its standard output); exit and output are those of the first."""
    notes: tuple[str, ...] = ()
    """Traps seen in this command line: "it rewrites files"."""


@dataclass(frozen=True, slots=True)
class Unwrap:
    """A launcher (`npm run`, `npx`, `python -m`): the command lines it would run, each with its directory."""

    lines: tuple[tuple[str, Path], ...]
    problem: str = ""
    """Why it leads nowhere: `missing script: "lint"`."""
    at: int = 0
    """Where in its own argv the inner command line begins, for launchers that start it without a search of PATH
    (`python -m`, `uv run`): it is recognised and asked in place. 0: it is found on PATH, through `lines`."""


@dataclass(frozen=True, slots=True)
class Tool(Kind):
    """All gonogo knows about one program, in one file."""

    recognise: Callable[[Invocation], Ask | Unwrap | None]
    executables: tuple[str, ...]
    yields: tuple[ObservationType, ...] = ()
    exits: Mapping[int, str] = field(default_factory=dict)
    """Exit code -> `clean`, `findings` (its report must show them), or a sentence why nothing was looked at."""
    explain: Callable[[int, Reading, str], str | None] | None = None
    """Exit code, reading, printed text -> why a clean report goes with a non-zero exit; None: it does not."""
    doubts: Callable[[Reading], Trouble | None] | None = None
    """What all reports of one run say together -> why they are hollow, whatever it exited with; None: they are not."""
    wrap: tuple[str, ...] = ("",)
    """During a run the program is wrapped where one of these texts occurs in its arguments; `("",)`: always;
    empty: never, because there is nothing to ask it for."""


@dataclass(frozen=True, slots=True)
class TargetKind(Kind):
    """A kind of place where releases are put."""

    function: TargetFunction
    params: type
    """A frozen dataclass; its fields are the schema of the target's params."""


class NotSent(Exception):
    """A message could not be sent; the text says why, and names no address, no header and no secret."""

    def __init__(self, why: str, *, again: bool = False) -> None:
        """`again`: another try may help."""
        super().__init__(why)
        self.again = again


@dataclass(frozen=True, slots=True)
class Message:
    """What there is to say of a run, in words and as data; redacted, since it comes from the ledger."""

    id: str
    """The same for every try, so that a receiver can tell a repetition."""
    occasion: str
    """`decision` or `waiting`."""
    title: str
    """One line."""
    lines: tuple[str, ...]
    """What follows it, one sentence each."""
    facts: Mapping[str, Any]
    """The same for programs, JSON-able."""


NoticeFunction = Callable[[Any, Message, Mapping[str, str], float], None]
"""`(params, message, variables, seconds)`: one try; raises `NotSent`."""


@dataclass(frozen=True, slots=True)
class Notice(Kind):
    """A way to tell people about a run. A field of its params that ends in `_from` names a variable with a secret."""

    function: NoticeFunction
    params: type
    """A frozen dataclass; its fields are the schema of the notice's params."""


@dataclass(frozen=True, slots=True)
class Output(Kind):
    """A run rendered for somebody: pure, from the ledger's view."""

    function: Callable[..., str]
    media_type: str
    surroundings: bool = False
    """It also takes what lies about a run: `(view, around)`, with `gonogo.outputs.surroundings.Surroundings`."""
