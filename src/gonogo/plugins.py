"""Declaring kinds and finding them: the decorators, and the one registry that knows them all.

A kind is one decorated function in one file. Its name is written once, in the decorator; its params type is its
schema; its docstring is its reference page. Built-in kinds are the modules of the plural packages, others come
from the entry point group `gonogo.kinds` or from `.gonogo/plugins/*.py`. An unknown name never falls back. What each
kind is and is given stands in `gonogo.seams`, and is to be had from here.

This module imports nothing heavy: the wrapper that stands in front of each tool during a run loads it too.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from gonogo.errors import InputError
from gonogo.model.checklist import Effect
from gonogo.model.observation import ObservationType, Reading, Trouble
from gonogo.registry import ATTRIBUTE, COMMAND_OBSERVATIONS, BuiltIn, Registry, Shelf, kinds_in
from gonogo.seams import (
    ANSWER,
    SHELL_TEXT,
    Ask,
    AskedReport,
    Clause,
    Context,
    Database,
    Done,
    Family,
    Invocation,
    Kind,
    Look,
    Message,
    NoTarget,
    Notice,
    NotSent,
    OnlyHere,
    OutOfReach,
    Output,
    Parser,
    ParserFunction,
    Phrase,
    Probe,
    ProbeFunction,
    Ran,
    Reader,
    Smoked,
    Target,
    TargetFunction,
    TargetKind,
    Tool,
    Unwrap,
)

__all__ = [
    "ANSWER",
    "BUILT_IN_PACKAGES",
    "COMMAND_OBSERVATIONS",
    "ENTRY_POINT_GROUP",
    "SHELL_TEXT",
    "Ask",
    "AskedReport",
    "Clause",
    "Context",
    "Database",
    "Done",
    "Family",
    "Invocation",
    "Kind",
    "Look",
    "Message",
    "NoTarget",
    "NotSent",
    "Notice",
    "OnlyHere",
    "OutOfReach",
    "Output",
    "Parser",
    "ParserFunction",
    "Phrase",
    "Probe",
    "ProbeFunction",
    "Ran",
    "Reader",
    "Registry",
    "Shelf",
    "Smoked",
    "Target",
    "TargetFunction",
    "TargetKind",
    "Tool",
    "Unwrap",
    "action",
    "builtin",
    "kinds_in",
    "load",
    "module_of",
    "notice",
    "output",
    "parser",
    "probe",
    "target",
    "tool",
]

BUILT_IN_PACKAGES = ("families", "parsers", "tools", "probes", "actions", "targets", "outputs", "notices")
ENTRY_POINT_GROUP = "gonogo.kinds"


# --- declaring -----------------------------------------------------------------------------------------------

F = TypeVar("F", bound=Callable[..., Any])


def _declaring(kind: Callable[[Any, str, str], Kind]) -> Callable[[F], F]:
    """A decorator that leaves on a function the kind made of it, its docstring and its module."""

    def declare(function: F) -> F:
        setattr(function, ATTRIBUTE, kind(function, inspect.cleandoc(function.__doc__ or ""), function.__module__))
        return function

    return declare


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
    **more: Any,
) -> Callable[[F], F]:
    """Declare a probe: `(params, context) -> Capture`. The annotation of `params` is its schema.

    `more` are the fields of `Probe` that few need: `seams.py` says what each is for.
    """

    def kind(function: Any, doc: str, module: str) -> Probe:
        shape = (_params_of(function), yields, reader, clauses, phrases, effect, exclusive, asks)
        return Probe(name, doc, module, function, *shape, **more)

    return _declaring(kind)


def _params_of(function: Any) -> type:
    """The params type of a kind: the annotation of its function's first parameter."""
    return typing.cast("type", next(iter(typing.get_type_hints(function).values())))


def action(name: str, **declaration: Any) -> Callable[[F], F]:
    """Declare an action: a probe that changes the world, so that it is written down first and never repeated."""
    return probe(name, **{"effect": Effect.WRITE, "exclusive": True, **declaration})


def parser(
    name: str, *, yields: tuple[ObservationType, ...], media_type: str, sniff: Callable[[bytes], bool]
) -> Callable[[F], F]:
    """Declare a parser: `(stream, params) -> Reading`."""
    return _declaring(lambda function, doc, module: Parser(name, doc, module, function, yields, media_type, sniff))


def tool(
    name: str,
    *,
    executables: tuple[str, ...],
    yields: tuple[ObservationType, ...] = (),
    exits: Mapping[int, str] | None = None,
    explain: Callable[[int, Reading, str], str | None] | None = None,
    doubts: Callable[[Reading], Trouble | None] | None = None,
    wrap: tuple[str, ...] = ("",),
) -> Callable[[F], F]:
    """Declare a tool: `(invocation) -> Ask | Unwrap | None`; None: this invocation is none of its business."""

    def kind(function: Any, doc: str, module: str) -> Tool:
        return Tool(name, doc, module, function, executables, yields, exits or {}, explain, doubts, wrap)

    return _declaring(kind)


def target(name: str) -> Callable[[F], F]:
    """Declare a kind of target: `(params, context) -> Target`. The annotation of `params` is its schema."""
    return _declaring(lambda function, doc, module: TargetKind(name, doc, module, function, _params_of(function)))


def output(name: str, *, media_type: str, surroundings: bool = False) -> Callable[[F], F]:
    """Declare an output: `(view) -> text`; with `surroundings` also `(view, around) -> text`."""
    return _declaring(lambda function, doc, module: Output(name, doc, module, function, media_type, surroundings))


def notice(name: str) -> Callable[[F], F]:
    """Declare a way to tell people: `(params, message, variables, seconds) -> None`, which raises `NotSent`."""
    return _declaring(lambda function, doc, module: Notice(name, doc, module, function, _params_of(function)))


# --- finding -------------------------------------------------------------------------------------------------


@cache
def builtin(packages: tuple[str, ...] = BUILT_IN_PACKAGES) -> Registry:
    """The kinds that come with gonogo; the same registry each time, which imports them as they are asked for."""
    return Registry(
        Shelf(BuiltIn(Probe, [name for name in ("probes", "actions") if name in packages])),
        Shelf(BuiltIn(Parser, [name for name in ("parsers",) if name in packages])),
        Shelf(BuiltIn(Tool, [name for name in ("tools",) if name in packages])),
        Shelf(BuiltIn(Family, [name for name in ("families",) if name in packages])),
        Shelf(BuiltIn(TargetKind, [name for name in ("targets",) if name in packages])),
        Shelf(BuiltIn(Output, [name for name in ("outputs",) if name in packages])),
        Shelf(BuiltIn(Notice, [name for name in ("notices",) if name in packages])),
    )


def load(plugin_directory: Path | None = None) -> Registry:
    """Built-in kinds, those of installed packages, and those of the repository's own `.gonogo/plugins`.

    Raises `InputError` for a plugin that cannot be imported or takes a name that is taken.
    """
    below = builtin()
    registry = Registry(
        Shelf(below.probes),
        Shelf(below.parsers),
        Shelf(below.tools),
        Shelf(below.families),
        Shelf(below.targets),
        Shelf(below.outputs),
        Shelf(below.notices),
    )
    for module in (*_entry_points(), *_local(plugin_directory)):
        for kind in kinds_in(module):
            registry.add(kind)
    return registry


def _entry_points() -> Iterator[Any]:
    if not _installed_any():
        return
    from importlib.metadata import entry_points  # takes as long to import as all of gonogo\'s kinds together

    for point in entry_points(group=ENTRY_POINT_GROUP):
        yield _imported(point.load, point.value, f"mend or uninstall the package that brings `{point.name}`")


def _installed_any() -> bool:
    """Whether anything installed has an entry point of ours, as its `entry_points.txt` says (PyPA entry points)."""
    wanted = f"[{ENTRY_POINT_GROUP}]".encode()
    for directory in map(Path, sys.path):
        if directory.is_file():  # a zip archive: let importlib look into it
            return True
        for about in directory.glob("*.*-info/entry_points.txt"):
            if wanted in about.read_bytes():
                return True
    return False


def _local(directory: Path | None) -> Iterator[Any]:
    for path in sorted(directory.glob("*.py")) if directory is not None and directory.is_dir() else ():
        load_file = partial(module_of, f"gonogo_plugins.{path.stem}", path)
        yield _imported(load_file, path.name, f"mend {path}, or move it out of {directory}")


def _imported(load_module: Callable[[], Any], name: str, mend: str) -> Any:
    try:
        return load_module()
    except Exception as error:  # other people's code runs when it is imported: it may raise anything
        raise InputError.of(
            "plugin-broken", f"cannot import plugin `{name}`: {type(error).__name__}: {error}", help=mend
        ) from error


def module_of(name: str, path: str | Path) -> Any:
    """The module in a file that is on no path, imported as `name`."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"`{path}` is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
