"""Where a passphrase comes from: the file that `GONOGO_PASSPHRASE_FILE` names, else the person at the terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gonogo.errors import InputError
from gonogo.owners import keys
from gonogo.owners.keys import Key


def asked(root: Path, person: str, *, new: bool = False) -> str:
    """The passphrase; a new one is asked for twice. Raises `InputError` where there is nobody to ask."""
    given = keys.passphrase_from_file(root)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise InputError.of(
            "no-passphrase",
            f"the key of `{person}` needs a passphrase, and there is no terminal to ask at",
            help=f"let {keys.PASSPHRASE_VARIABLE} name a file outside the repository that holds it",
        )
    prompt = f"passphrase for the key of {person}"
    text: str = click.prompt(prompt, hide_input=True, confirmation_prompt=new, err=True)
    return text


def unlocked(root: Path, person: str) -> Key:
    """The private half of a person's key."""
    return keys.unlock(person, lambda: asked(root, person), root)
