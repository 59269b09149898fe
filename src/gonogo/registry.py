"""The one registry of every kind: each by its name, and imported no earlier than it is asked for.

This module imports nothing heavy: the wrapper that stands in front of each tool during a run loads it too.
"""

from __future__ import annotations

import importlib
import pkgutil
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gonogo.errors import InputError, nearest
from gonogo.model.observation import Combine, Declared, ObservationType, Type
from gonogo.seams import Family, Kind, Notice, Output, Parser, Probe, TargetKind, Tool

ATTRIBUTE = "__gonogo_kind__"
"""Where a decorated function keeps the kind that was made of it."""

K = TypeVar("K", bound=Kind | Family)


class Shelf(Mapping[str, K]):
    """Kinds of one sort by name: those put here, and those below."""

    def __init__(self, below: Mapping[str, K] | None = None) -> None:
        """`below`: kinds that are there already."""
        self._below: Mapping[str, K] = {} if below is None else below
        self._own: dict[str, K] = {}

    def __getitem__(self, name: str) -> K:
        own = self._own.get(name)
        return self._below[name] if own is None else own

    def __iter__(self) -> Iterator[str]:
        yield from self._below
        yield from self._own

    def __len__(self) -> int:
        return len(self._below) + len(self._own)

    def put(self, kind: K) -> None:
        """Add one whose name is free."""
        self._own[kind.name] = kind


class BuiltIn(Mapping[str, K]):
    """Kinds of one sort that come with gonogo, each in the module of its name.

    Who asks for one by name waits for no other to be imported; who asks for all, or for what is not there, for all.
    """

    def __init__(self, sort: type[K], packages: Sequence[str]) -> None:
        self._sort = sort
        self._packages = packages
        self._known: dict[str, K] = {}
        self._whole = False

    def __getitem__(self, name: str) -> K:
        found = self._known.get(name) or (None if self._whole else self._imported(name))
        return self._all()[name] if found is None else found

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _imported(self, name: str) -> K | None:
        """The kind of that name in the module of that name; None: nothing but a look at all modules will tell."""
        if not name.isidentifier() or name.startswith("_"):
            return None
        for package in self._packages:
            path = f"gonogo.{package}.{name}"
            try:
                self._known |= self._of(importlib.import_module(path))
            except ModuleNotFoundError as error:
                if error.name != path:
                    raise
        return self._known.get(name)

    def _all(self) -> dict[str, K]:
        if not self._whole:
            every = [self._of(module) for package in self._packages for module in modules(package)]
            self._known = {name: kind for of_module in every for name, kind in of_module.items()}
            self._whole = True
        return self._known

    def _of(self, module: Any) -> dict[str, K]:
        return {kind.name: kind for kind in kinds_in(module) if isinstance(kind, self._sort)}


@dataclass(slots=True)
class Registry:
    """Every kind by family and name."""

    probes: Shelf[Probe] = field(default_factory=Shelf)
    """Probes and actions: a call's `kind` is looked up here."""
    parsers: Shelf[Parser] = field(default_factory=Shelf)
    tools: Shelf[Tool] = field(default_factory=Shelf)
    families: Shelf[Family] = field(default_factory=Shelf)
    targets: Shelf[TargetKind] = field(default_factory=Shelf)
    outputs: Shelf[Output] = field(default_factory=Shelf)
    notices: Shelf[Notice] = field(default_factory=Shelf)
    _types: Mapping[str, ObservationType] | None = None

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
        shelf.put(kind)
        self._types = None

    def _shelf(self, kind: Kind | Family) -> Shelf[Any]:
        for cls, shelf in (
            (Probe, self.probes),
            (Parser, self.parsers),
            (Tool, self.tools),
            (Family, self.families),
            (TargetKind, self.targets),
            (Output, self.outputs),
            (Notice, self.notices),
        ):
            if isinstance(kind, cls):
                return typing.cast("Shelf[Any]", shelf)
        raise TypeError(f"not a kind: {kind!r}")

    def probe(self, name: str) -> Probe:
        """The probe or action called `name`; raises `InputError` naming the nearest."""
        try:
            return self.probes[name]
        except KeyError:
            near = nearest(name, self.probes)
            raise InputError.of(
                "unknown-kind",
                f"unknown probe or action `{name}`",
                help=f"use `{near}`" if near else "run `gonogo explain --kinds` to see them all",
            ) from None

    @property
    def observation_types(self) -> Mapping[str, ObservationType]:
        """Every observation any kind declares, by name, with the two that each command yields."""
        if self._types is None:
            self._types = _Types(self)
        return self._types


class _Types(Mapping[str, ObservationType]):
    """Looks through all kinds only where a name is asked for that not every command yields."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._every = Declared()

    def __getitem__(self, name: str) -> ObservationType:
        found = _OF_COMMANDS.get(name)
        return self._all()[name] if found is None else found

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> Declared:
        if not self._every:
            known = self._registry
            sources: list[Probe | Parser | Tool] = [
                *known.parsers.values(),
                *known.probes.values(),
                *known.tools.values(),
            ]
            types = [type_ for family in known.families.values() for type_ in family.types]
            types += [type_ for source in sources for type_ in source.yields]
            self._every = Declared({**{type_.name: type_ for type_ in types}, **_OF_COMMANDS})
        return self._every


COMMAND_OBSERVATIONS = (
    ObservationType("exit", Type.INT, "exit code of the command", combine=Combine.MAX),
    ObservationType("output", Type.TEXT, "what the command printed, both streams", combine=Combine.JOIN),
)
"""What every command yields, whatever it runs."""

_OF_COMMANDS = {type_.name: type_ for type_ in COMMAND_OBSERVATIONS}


# --- modules -------------------------------------------------------------------------------------------------


def kinds_in(module: Any) -> Iterator[Kind | Family]:
    """The kinds that a module declares, in order of their definition."""
    for value in vars(module).values():
        kind = getattr(value, ATTRIBUTE, None)
        if kind is not None and kind.module == module.__name__:
            yield kind
        elif isinstance(value, Family):
            yield value


def modules(package_name: str) -> Iterator[Any]:
    """The modules of one of gonogo's packages that may declare a kind."""
    package = importlib.import_module(f"gonogo.{package_name}")
    if not hasattr(package, "__path__"):
        yield package
        return
    for info in pkgutil.iter_modules(package.__path__):
        if not info.name.startswith("_"):
            yield importlib.import_module(f"{package.__name__}.{info.name}")
