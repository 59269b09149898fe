"""Where a command works: the repository, its state, the kinds it knows, the checklist and the runs in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gonogo import checklist as checklists
from gonogo import plan, plugins
from gonogo.config import Settings, gather, repository_and_state
from gonogo.errors import GonogoError, InputError, nearest
from gonogo.model.checklist import Checklist
from gonogo.model.plan import Plan, Subject
from gonogo.model.run import RunView
from gonogo.owners import roster
from gonogo.plan import Selection, subject
from gonogo.plugins import Output, Registry

if TYPE_CHECKING:
    from gonogo.checklist import Loaded
    from gonogo.ledger import Ledger


@dataclass(frozen=True)
class Place:
    """The working tree a command works in, and every kind that is known there."""

    root: Path
    """Top of the git working tree; the current directory where there is none."""
    repository: bool
    state: Path
    registry: Registry
    settings: Settings

    @property
    def repository_root(self) -> Path | None:
        """Where nothing private may lie; None where there is no repository."""
        return self.root if self.repository else None

    def load(self, path: Path | None) -> Loaded:
        """The checklist at `path`, or the one that is found; raises `InputError` with every mistake in it."""
        return checklists.load(path or _as_seen(checklists.find(self.root, Path.cwd())), self.registry)

    def subject(self) -> Subject:
        """What git says is being released; an empty subject where there is no repository. Git is asked once."""
        return self._subject

    @cached_property
    def _subject(self) -> Subject:
        return subject.look(self.root) if self.repository else Subject(commit="")

    def plan(self, checklist: Checklist, inputs: Mapping[str, str], selection: Selection | None = None) -> Plan:
        """The frozen plan; without a selection, of everything required."""
        subject, crew = self.subject(), self.crew(checklist)
        return plan.compile(
            checklist,
            subject=subject,
            target=self.settings.target,
            inputs=inputs,
            selection=selection or Selection(),
            registry=self.registry,
            root=self.root,
            allow_dirty=self.settings.allow_dirty,
            roster=crew.roster,
            people=crew.people,
        )

    def crew(self, checklist: Checklist) -> roster.Crew:
        """Who answers for what at the subject's commit, with warnings of what is wrong in the roster."""
        return roster.at(checklist, self.root, self.subject().commit)

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """The ledger, for reading; raises `InputError` where nothing has run yet."""
        from gonogo.ledger import Ledger

        path = self.state / "ledger.db"
        if not path.is_file():
            raise InputError.of("no-run", "nothing has been run here yet", help="run `gonogo run`")
        ledger = Ledger(path)
        try:
            yield ledger
        finally:
            ledger.close()

    def run_view(self, name: str = "") -> RunView:
        """The run called `name` (a unique beginning will do), or the last one; raises `InputError` where none fits."""
        from gonogo.ledger.view import view

        with self.ledger() as ledger:
            return view(ledger, name)


def _as_seen(path: Path) -> Path:
    """The path as somebody in the current directory would type it, so that places in messages are short."""
    current = Path.cwd()
    return path.relative_to(current) if path.is_relative_to(current) else path


def here(*, repository: bool = True, **command_line: object) -> Place:
    """The place of the current directory.

    Args:
        repository: Whether the command makes sense in a git working tree only.
        command_line: Settings given as options; None where one was not given.

    Raises:
        InputError: No working tree although one is needed, or a setting that cannot be read.
    """
    settings = gather(command_line)
    current = Path.cwd()
    try:
        (root, shared), found = repository_and_state(current), True
    except GonogoError:
        if repository:
            raise
        root, shared, found = current, current / ".gonogo" / "state", False
    return Place(root, found, settings.state or shared, plugins.load(root / ".gonogo" / "plugins"), settings)


def write(text: str, output: Path | None = None) -> None:
    """Data: to standard output, or to a file. A reader that has gone (`| head`) is no failure."""
    if output is not None:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError.of(
                "cannot-write",
                f"cannot write `{output}`: {error.strerror}",
                help="name a file in a directory that exists",
            ) from error
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def output_called(place: Place, kind: str) -> Output:
    """The output called `kind`; raises `InputError` where there is no such output."""
    known = place.registry.outputs
    if kind not in known:
        near = nearest(kind, known)
        raise InputError.of(
            "unknown-format",
            f"there is no format `{kind}`",
            help=f"use `{near}`" if near else f"use one of {', '.join(f'`{name}`' for name in sorted(known))}",
        )
    return known[kind]


def rendered(place: Place, view: RunView, kind: str, output: Path | None = None, *, linked: bool = True) -> str:
    """The run through the output called `kind`, for the file `output` (None: standard output).

    Args:
        place: Where the command works, and the evidence lies.
        view: The run.
        kind: Name of the output.
        output: The file that is written.
        linked: Whether the evidence stays where it is, so that it can be linked.
    """
    from gonogo.cli.tails import with_tails

    found, view = output_called(place, kind), with_tails(place, view)
    if found.surroundings:
        from gonogo.cli.surroundings import surroundings  # only for outputs that show them

        return str(found.function(view, surroundings(place, view, output, linked=linked)))
    return str(found.function(view))
