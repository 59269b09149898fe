"""Where a passphrase comes from: the file that `GONOGO_PASSPHRASE_FILE` names, else the person at the terminal."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from gonogo.errors import InputError, Refused
from gonogo.owners import keys
from gonogo.owners.keys import Key


def asked(root: Path | None, person: str, *, new: bool = False) -> str:
    """The passphrase; a new one is asked for twice. Raises `InputError` where there is nobody to ask."""
    given = from_file(root)
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


def unlocked(root: Path | None, person: str) -> Key:
    """The private half of a person's key."""
    return keys.unlock(person, lambda: asked(root, person), root)


def from_file(root: Path | None) -> str | None:
    """The first line of the file named by `GONOGO_PASSPHRASE_FILE`; None where the variable is not set.

    Raises:
        InputError: The file cannot be read, or says nothing.
        Refused: It lies below `root`, the repository.
    """
    name = os.environ.get(keys.PASSPHRASE_VARIABLE)
    if not name:
        return None
    path = Path(name).resolve()
    if root is not None and path.is_relative_to(root.resolve()):
        raise Refused(
            "the file with the passphrase lies in the repository",
            help=f"let {keys.PASSPHRASE_VARIABLE} name one outside of it",
        )
    try:
        text = path.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
    except (OSError, ValueError):
        text = ""
    if not text:
        raise InputError.of(
            "no-passphrase",
            f"no passphrase can be read from `{name}`",
            help=f"mend {keys.PASSPHRASE_VARIABLE}, or unset it",
        )
    return text
