"""`gonogo init`: look at a repository and write a checklist that runs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import click

from gonogo import checklist as checklists
from gonogo.checklist.emit import emit, scalar
from gonogo.cli.failure import say
from gonogo.cli.place import Place, here
from gonogo.cli.survey import PHASES, Proposal, survey
from gonogo.config import git_output
from gonogo.errors import InputError
from gonogo.telling.words import number

NAME = "gonogo.yaml"


@click.command("init")
@click.option("--owner", "owners", multiple=True, metavar="NAME", help="Who answers for the gates; may be given again.")
def command(owners: tuple[str, ...]) -> int:
    """Look at this repository and write a `gonogo.yaml` that loads and runs.

    Looks for npm workspaces and scripts, Python, Go, compose files, MkDocs, Playwright and env files; runs nothing.
    Never overwrites a checklist.
    """
    place = here()
    _refuse_existing(place.root)
    found = survey(place.root)
    text = written(place.root.name, found, owners or _owners(place.root))
    _prove(text, place)
    path = place.root / NAME
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    say(f"wrote {os.path.relpath(path)}: {number(len(found), 'gate')}")
    for proposal in found:
        say(f"  {proposal.title:<24}because of {proposal.why}")
    say("")
    say("read it, commit it, then: gonogo run")
    return 0


def _refuse_existing(root: Path) -> None:
    for name in (NAME, "gonogo.yml"):
        if (root / name).exists():
            raise InputError.of(
                "checklist-exists", f"`{name}` is there already", help="edit it, or move it away and run this again"
            )


def _prove(text: str, place: Place) -> None:
    """What is written must load; raises `InputError` where it does not, and nothing is written then."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / NAME
        path.write_text(text, encoding="utf-8")
        checklists.load(path, place.registry)


def _owners(root: Path) -> tuple[str, ...]:
    """Whom CODEOWNERS names for everything, else who commits here, else `Team`."""
    for name in (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"):
        try:
            lines = (root / name).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            continue
        for line in reversed(lines):
            words = line.partition("#")[0].split()
            if words[:1] == ["*"] and words[1:]:
                return tuple(words[1:])
    name = (git_output(root, "config", "user.name") or b"").decode("utf-8", "replace").strip()
    return (name or "Team",)


def written(title: str, proposals: Iterable[Proposal], owners: Iterable[str]) -> str:
    """The checklist as YAML, with a remark on why each gate is there; laid out as Prettier lays it out.

    A repository that checks its format must not be NO-GO because of the very file that asks for it.
    """
    proposals, people = list(proposals), list(owners)
    lines = ["# What must hold before a release. `gonogo run` judges it; `gonogo explain GATE` says how.", "gonogo: 1"]
    lines += [f"title: {scalar(f'{title} readiness')}", "", "phases:"]
    for identity, name in PHASES.items():
        gates = [proposal for proposal in proposals if proposal.phase == identity]
        if gates:
            lines += [f"  - id: {scalar(identity)}", f"    title: {scalar(name)}", "    gates:"]
            for proposal in gates:
                lines += [*_gate(proposal, people), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _gate(proposal: Proposal, owners: list[str]) -> list[str]:
    fields = {
        "title": proposal.title,
        "owners": owners,
        "commands": proposal.commands,
        "criteria": proposal.criteria,
        **proposal.more,
    }
    first, *rest = emit(fields).splitlines()
    return [f"      # because of {proposal.why}", f"      - {first}", *(f"        {line}" for line in rest)]
