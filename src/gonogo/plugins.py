"""The seams: what a probe, action, parser, tool, family and output is, and the one registry that knows them all.

A kind is one decorated function in one file. Its name is written once, in the decorator; its params type is its
schema; its docstring is its reference page. Built-in kinds are the modules of the plural packages, others come
from the entry point group `gonogo.kinds` or from `.gonogo/plugins/*.py`. An unknown name never falls back.

This module imports nothing heavy: the wrapper that stands in front of each tool during a run loads it too.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

from gonogo.errors import InputError, nearest
from gonogo.model.capture import Blob, Capture, ReportRef
from gonogo.model.checklist import Effect
from gonogo.model.observation import ObservationType, Reading, Trouble
from gonogo.model.plan import Subject

BUILT_IN_PACKAGES = ("families", "parsers", "tools", "probes", "actions", "outputs")
ENTRY_POINT_GROUP = "gonogo.kinds"


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

    `{name}` in its texts is replaced as in the criteria. Where an earlier clause of the same gate has brought a call
    of this kind, the params are added to that call: "hooks enabled; no secrets committed" looks at both with one.
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
    """Regular expression over a gate's title and commands: where it matches, this family's clauses are tried."""
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
        """The checkout that this gate looks at; absolute."""

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
    ) -> Ran:
        """Run a process in its own group until it ends or its time is up; never raises for what it does.

        Text runs without a shell where it is plain words, else through `/bin/sh -c`; a sequence never meets a shell.
        `name` prefixes the blobs (`node-version/stdout`), for probes that run several processes.
        """

    def keep(self, name: str, data: bytes, media_type: str = "application/octet-stream") -> Blob:
        """Redact and store bytes; returns the blob to put into the capture."""

    def keep_facts(self, facts: Mapping[str, Any]) -> Blob:
        """Redact and store facts as canonical JSON named `facts.json`, which the probe's reader is given again."""

    def read_file(self, path: str) -> bytes:
        """Bytes of a file in the checkout.

        Raises `FileNotFoundError`; raises `OnlyHere` for a file that git does not know and the checklist does not
        declare: what exists on one machine only must not make anything green.
        """

    def add_secrets(self, values: Sequence[str]) -> None:
        """From now on these values reach no file, log or screen."""


SHELL_TEXT: Mapping[str, bool] = {"shell": True}
"""Metadata of a params field that holds a command line: `run: str = field(metadata=SHELL_TEXT)`. Values of inputs are
quoted before they enter it, and the plan looks at the tools in it."""


class OnlyHere(Exception):
    """A file that is neither tracked at the subject's commit nor declared as an input."""


ANSWER = "answer"
"""What is laid over the stored facts of a probe that asks a person, once the person has signed an answer: true or
false. Stored facts never hold it."""


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
    wrap: tuple[str, ...] = ("",)
    """During a run the program is wrapped where one of these texts occurs in its arguments; `("",)`: always;
    empty: never, because there is nothing to ask it for."""


@dataclass(frozen=True, slots=True)
class Output(Kind):
    """A run rendered for somebody: pure, from the ledger's view."""

    function: Callable[..., str]
    media_type: str
    surroundings: bool = False
    """It also takes what lies about a run: `(view, around)`, with `gonogo.outputs.surroundings.Surroundings`."""


# --- registry ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Registry:
    """Every kind by family and name."""

    probes: dict[str, Probe] = field(default_factory=dict)
    """Probes and actions: a call's `kind` is looked up here."""
    parsers: dict[str, Parser] = field(default_factory=dict)
    tools: dict[str, Tool] = field(default_factory=dict)
    families: dict[str, Family] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)

    def add(self, kind: Kind | Family) -> None:
        """Register a kind; raises `InputError` where its name is taken."""
        shelf = self._shelf(kind)
        taken = shelf.get(kind.name)
        if taken is not None and taken is not kind:
            raise InputError.of(
                "kind-name-taken",
                f"two kinds are called `{kind.name}`",
                help=f"rename the one in {getattr(kind, 'module', 'your plugin')}",
            )
        shelf[kind.name] = kind

    def _shelf(self, kind: Kind | Family) -> dict[str, Any]:
        for cls, shelf in (
            (Probe, self.probes),
            (Parser, self.parsers),
            (Tool, self.tools),
            (Family, self.families),
            (Output, self.outputs),
        ):
            if isinstance(kind, cls):
                return typing.cast("dict[str, Any]", shelf)
        raise TypeError(f"not a kind: {kind!r}")

    def probe(self, name: str) -> Probe:
        """The probe or action called `name`; raises `InputError` naming the nearest."""
        found = self.probes.get(name)
        if found is None:
            near = nearest(name, self.probes)
            raise InputError.of(
                "unknown-kind",
                f"unknown probe or action `{name}`",
                help=f"use `{near}`" if near else "run `gonogo explain --kinds` to see them all",
            )
        return found

    @property
    def observation_types(self) -> dict[str, ObservationType]:
        """Every observation any kind declares, by name, with the two that each command yields."""
        types = {t.name: t for t in COMMAND_OBSERVATIONS}
        for family in self.families.values():
            types.update({t.name: t for t in family.types})
        sources: list[Probe | Parser | Tool] = [*self.parsers.values(), *self.probes.values(), *self.tools.values()]
        for source in sources:
            types.update({t.name: t for t in source.yields})
        return types


def _observation_types_of_commands() -> tuple[ObservationType, ...]:
    from gonogo.model.observation import Combine, Type

    return (
        ObservationType("exit", Type.INT, "exit code of the command", combine=Combine.MAX),
        ObservationType("output", Type.TEXT, "what the command printed, both streams", combine=Combine.JOIN),
    )


COMMAND_OBSERVATIONS = _observation_types_of_commands()

K = TypeVar("K", bound="Kind | Family")
_ATTRIBUTE = "__gonogo_kind__"


def _declared(function: Any, kind: Kind) -> None:
    setattr(function, _ATTRIBUTE, kind)


def _doc(function: Any) -> str:
    return inspect.cleandoc(function.__doc__ or "")


F = TypeVar("F", bound=Callable[..., Any])


def probe(
    name: str,
    *,
    yields: tuple[ObservationType, ...] = (),
    reader: Reader | None = None,
    clauses: tuple[Clause, ...] = (),
    phrases: tuple[Phrase, ...] = (),
    effect: Effect = Effect.READ,
    exclusive: bool = False,
    asks: str = "",
) -> Callable[[F], F]:
    """Declare a probe: `(params, context) -> Capture`. The annotation of `params` is its schema."""

    def declare(function: F) -> F:
        params = next(iter(typing.get_type_hints(function).values()))
        _declared(
            function,
            Probe(
                name=name,
                doc=_doc(function),
                module=function.__module__,
                function=function,
                params=params,
                yields=yields,
                reader=reader,
                clauses=clauses,
                phrases=phrases,
                effect=effect,
                exclusive=exclusive,
                asks=asks,
            ),
        )
        return function

    return declare


def action(name: str, **declaration: Any) -> Callable[[F], F]:
    """Declare an action: a probe that changes the world, so that it is written down first and never repeated."""
    return probe(name, **{"effect": Effect.WRITE, "exclusive": True, **declaration})


def parser(
    name: str, *, yields: tuple[ObservationType, ...], media_type: str, sniff: Callable[[bytes], bool]
) -> Callable[[F], F]:
    """Declare a parser: `(stream, params) -> Reading`."""

    def declare(function: F) -> F:
        _declared(
            function,
            Parser(
                name=name,
                doc=_doc(function),
                module=function.__module__,
                function=function,
                yields=yields,
                media_type=media_type,
                sniff=sniff,
            ),
        )
        return function

    return declare


def tool(
    name: str,
    *,
    executables: tuple[str, ...],
    yields: tuple[ObservationType, ...] = (),
    exits: Mapping[int, str] | None = None,
    explain: Callable[[int, Reading, str], str | None] | None = None,
    wrap: tuple[str, ...] = ("",),
) -> Callable[[F], F]:
    """Declare a tool: `(invocation) -> Ask | Unwrap | None`; None: this invocation is none of its business."""

    def declare(function: F) -> F:
        _declared(
            function,
            Tool(
                name=name,
                doc=_doc(function),
                module=function.__module__,
                recognise=function,
                executables=executables,
                yields=yields,
                exits=exits or {},
                explain=explain,
                wrap=wrap,
            ),
        )
        return function

    return declare


def output(name: str, *, media_type: str, surroundings: bool = False) -> Callable[[F], F]:
    """Declare an output: `(view) -> text`; with `surroundings` also `(view, around) -> text`."""

    def declare(function: F) -> F:
        _declared(
            function,
            Output(
                name=name,
                doc=_doc(function),
                module=function.__module__,
                function=function,
                media_type=media_type,
                surroundings=surroundings,
            ),
        )
        return function

    return declare


def kinds_in(module: Any) -> Iterator[Kind | Family]:
    """The kinds that a module declares, in order of their definition."""
    for value in vars(module).values():
        kind = getattr(value, _ATTRIBUTE, None)
        if kind is not None and kind.module == module.__name__:
            yield kind
        elif isinstance(value, Family):
            yield value


def _modules(package_name: str) -> Iterator[Any]:
    package = importlib.import_module(f"gonogo.{package_name}")
    if not hasattr(package, "__path__"):
        yield package
        return
    for info in pkgutil.iter_modules(package.__path__):
        if not info.name.startswith("_"):
            yield importlib.import_module(f"{package.__name__}.{info.name}")


@cache
def builtin(packages: tuple[str, ...] = BUILT_IN_PACKAGES) -> Registry:
    """The kinds that come with gonogo; the same registry each time."""
    registry = Registry()
    for package in packages:
        for module in _modules(package):
            for kind in kinds_in(module):
                registry.add(kind)
    return registry


def load(plugin_directory: Path | None = None) -> Registry:
    """Built-in kinds, those of installed packages, and those of the repository's own `.gonogo/plugins`.

    Raises `InputError` for a plugin that cannot be imported or takes a name that is taken.
    """
    shelves = builtin()
    registry = Registry(
        dict(shelves.probes), dict(shelves.parsers), dict(shelves.tools), dict(shelves.families), dict(shelves.outputs)
    )
    for module in (*_entry_points(), *_local(plugin_directory)):
        for kind in kinds_in(module):
            registry.add(kind)
    return registry


def _entry_points() -> Iterator[Any]:
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINT_GROUP):
        yield point.load()


def _local(directory: Path | None) -> Iterator[Any]:
    if directory is None or not directory.is_dir():
        return
    for path in sorted(directory.glob("*.py")):
        name = f"gonogo_plugins.{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            continue
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise InputError.of(
                "plugin-broken",
                f"cannot import plugin `{path.name}`: {type(error).__name__}: {error}",
                help=f"mend {path}, or move it out of {directory}",
            ) from error
        yield module
