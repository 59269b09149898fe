"""`gonogo bundle`: a run sealed into one file that anyone can prove."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import click

from gonogo.bundle.seal import Sealed, seal
from gonogo.bundle.wanted import Wanted
from gonogo.cli.failure import say
from gonogo.cli.passphrase import unlocked
from gonogo.cli.place import here, write
from gonogo.telling.words import number, safe


@click.command("bundle")
@click.argument("run", required=False, default="")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The file to write.  [default: gonogo-RUN.zip]",
)
@click.option("--key", "people", multiple=True, metavar="PERSON", help="Sign with this person's key; may be repeated.")
def command(run: str, output: Path | None, people: tuple[str, ...]) -> int:
    """Seal RUN into one file; without RUN, the last one.

    The file holds the evidence, the events of the run, what people said, and statements over all of it. The same run
    gives the same bytes. What the checklist wants as evidence goes to standard output: which file answers each name,
    or why nothing does. What the gates themselves ask for is in the bundle's `evidence.json`.
    """
    place = here()
    keys = [unlocked(place.root, person) for person in dict.fromkeys(people)]
    with place.ledger() as ledger:
        if output is None:
            from gonogo.ledger.view import find_run

            output = Path(f"gonogo-{find_run(ledger, run)}.zip")
        sealed = seal(ledger, run, place.state, output, keys)
    of_checklist = [wish for wish in sealed.wanted if not wish.of_gate]
    write(evidence_list(of_checklist or sealed.wanted))
    _tell(sealed)
    return 0


def _tell(sealed: Sealed) -> None:
    manifest = sealed.manifest
    by = ", ".join(signer.person for signer in manifest.signers) or "nobody"
    files = number(len(manifest.files), "file")
    say(f"sealed run {manifest.run} ({manifest.decision}) into {sealed.path}: {files}, {sealed.size:,} bytes")
    say(f"sha256 {sealed.sha256}")
    say(f"signed by {by}; prove it with: gonogo verify {sealed.path}")


def evidence_list(wanted: Iterable[Wanted]) -> str:
    """Each name that the checklist has for its evidence, under its heading, with the file that answers it."""
    lines = []
    for group, wishes in groupby(wanted, key=lambda wish: wish.group):
        lines.append(safe(group))
        for wish in wishes:
            lines += [f"  {safe(wish.name)}", *(f"    {text}" for text in _answers(wish))]
    return "".join(f"{line}\n" for line in lines)


_MOST_SHOWN = 4


def _answers(wish: Wanted) -> list[str]:
    if wish.missing:
        return [f"missing: {safe(wish.missing)}"]
    shown = [
        f"{safe(piece.path or piece.name)} of `{safe(piece.shown)}`, sha256 {piece.sha256[:12]}"
        for piece in wish.files[:_MOST_SHOWN]
    ]
    more = len(wish.files) - _MOST_SHOWN
    return [*shown, f"and {more} more"] if more > 0 else shown
