"""Pull the images of a Compose project, and say in plain words why one cannot be pulled."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from gonogo.docker.client import Docker, clean
from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import SHELL_TEXT, Context, Done, Look, Phrase, Ran, action

_FAILED = re.compile(r"^\s*(?P<name>[\w.-]+)\s+(?P<how>Error|Warning)\s+(?P<why>.+)$")
_AWAY = re.compile(
    r"no such host|connection refused|i/o timeout|TLS handshake|network is unreachable|deadline", re.IGNORECASE
)
_DENIED = re.compile(r"denied|unauthorized|authentication required", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ImagePullParams:
    """What to pull."""

    run: str = field(metadata=SHELL_TEXT)
    """The command line: `docker compose -f docker-compose.yml pull`."""
    cwd: str = "."
    """Directory of the command, relative to the repository."""
    ask: bool = False
    """Ask recognised tools in the command for reports; a pull has none."""


def _asked(match: Any) -> Mapping[str, Any]:
    return {"run": match["run"]}


def look(_params: ImagePullParams, _context: Context) -> Look:
    """A pull that was cut off is simply pulled again: it fetches what is missing, and moves nothing that runs."""
    return Look(Done.NOT_DONE, "a pull that was cut off is taken up again")


def why(printed: str, how: str) -> tuple[str, ...]:
    """What Compose says of each image that it could not pull, once each.

    `how` is `Error`, or `Warning` for an image that it could build instead.
    """
    found = (_FAILED.match(clean(line)) for line in printed.splitlines())
    return tuple(dict.fromkeys(f"`{one['name']}`: {one['why']}" for one in found if one and one["how"] == how))


@action(
    "image_pull",
    look=look,
    on_target=False,
    phrases=(
        Phrase(
            r"`?(?P<run>docker compose(?: (?:-f|--file|-p|--project-name|--env-file|--profile) [^\s`;&|<>]+)*"
            r" pull(?: [\w.-]+)*)`?",
            _asked,
            "`docker compose -f docker-compose.yml -f docker-compose.prod.yml pull`",
        ),
    ),
)
def image_pull(params: ImagePullParams, context: Context) -> Capture:
    """Pull images as the `docker compose … pull` of the checklist says; nothing that runs is touched.

    Compose exits 18 for a registry that does not answer, for one that refuses, and for images that are built here and
    were never in any registry. Only the first two are troubles; for the last the capture says that there is nothing to
    pull, so that the gate can be given a `when:`. Whether each image is here by digest is for the probe `image` to see.
    """
    variables = {"GIT_SHA": context.subject.commit} if context.subject.commit else {}
    docker = Docker(context, variables)
    if isinstance(docker.versions, Trouble):
        return Capture("image_pull", params.run, troubles=(docker.versions,))
    words = shlex.split(params.run)
    context.record("pull")
    ran = context.run(words, cwd=params.cwd, env=variables)
    troubles, notes = _explained(ran)
    return Capture(
        "image_pull",
        params.run,
        blobs=(ran.stdout, ran.stderr),
        exit=ran.exit,
        signal=ran.signal,
        troubles=(*ran.troubles, *troubles),
        notes=(*ran.notes, *notes),
        seconds=ran.seconds,
    )


def _explained(ran: Ran) -> tuple[tuple[Trouble, ...], tuple[str, ...]]:
    """Troubles and notes of a pull."""
    text = ran.err.decode(errors="replace")
    errors, local = why(text, "Error"), why(text, "Warning")
    notes = tuple(f"built here, and not pulled: {one}" for one in local)
    if local and not errors:
        notes = ("every image that was not pulled is built here: there is nothing to pull", *notes)
    if any(_AWAY.search(one) for one in errors):
        mend = "see whether the registry answers from here, and is the right one"
        message = f"the registry of an image does not answer: {errors[0]}"
        return (Trouble(Outcome.ERROR, "registry-unreachable", message, mend),), notes
    if any(_DENIED.search(one) for one in errors):
        mend = "log in: docker login <registry>; and see that the image exists there"
        message = f"the registry has no such image, or refuses it: {errors[0]}"
        return (Trouble(Outcome.ERROR, "pull-denied", message, mend),), notes
    return (), (*errors, *notes)
