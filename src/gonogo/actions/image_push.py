"""Publish an image of the subject in a registry, and pin it by the digest that it has there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from gonogo.docker import images
from gonogo.docker.client import Docker, said
from gonogo.docker.images import Image
from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.checklist import Effect
from gonogo.model.observation import Observation, Reading, Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import SHELL_TEXT, Clause, Context, Done, Look, OutOfReach, Phrase, Ran, action
from gonogo.probes._facts import flag, printed

_INSPECT = ("buildx", "imagetools", "inspect", "--format", "{{json .Manifest.Digest}}")
_DIGEST = re.compile(r"digest: (sha256:[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class ImagePushParams:
    """What to publish."""

    run: str = field(metadata=SHELL_TEXT)
    """The command line: `docker push registry/name:tag`."""
    service: str = ""
    """The service whose image it is. Empty: the one whose image of this run has that name's Id."""
    ask: bool = False
    """Ask recognised tools in the command for reports; a push has none."""


def _asked(match: Any) -> Mapping[str, Any]:
    return {"run": match["run"]}


def reference(run: str) -> str:
    """The image that a `docker push` line names; empty where it is no plain one."""
    try:
        words = shlex.split(run)
    except ValueError:
        return ""
    plain = words[:2] == ["docker", "push"] or words[:3] == ["docker", "image", "push"]
    named = [word for word in words[2:] if not word.startswith("-") and word != "push"]
    return named[0] if plain and len(named) == 1 else ""


def _read(facts: Mapping[str, Any], _params: ImagePushParams) -> Reading:
    if "digest" not in facts:
        return Reading()
    there = bool(facts["digest"]) and facts["there"] == facts["digest"]
    notes = (f"published as `{facts['pinned']}`",) if there else ()
    return Reading((Observation("image.published", there, "facts.json"),), notes=notes)


def look(params: ImagePushParams, context: Context) -> Look:
    """Whether the registry has under that name what is here under it."""
    docker, name = Docker(context), reference(params.run)
    image = images.find(docker, name) if name else None
    if image is None:
        return Look(Done.UNKNOWN, f"there is no image `{name}` here to compare with")
    wanted = _digest(image, name)
    if not wanted:
        return Look(Done.NOT_DONE, f"`{name}` has no digest of that registry: it was never pushed there whole")
    there = _there(docker, name)
    if isinstance(there, Trouble):
        return Look(Done.UNKNOWN, there.message)
    if there != wanted:
        return Look(Done.NOT_DONE, f"the registry has another image, or none, under `{name}`")
    facts = _facts(name, wanted, there)
    capture = Capture("image_push", params.run, exit=0, blobs=(context.keep_facts(facts),))
    return Look(Done.DONE, f"the registry has `{wanted[:19]}` under `{name}`", capture)


@action(
    "image_push",
    yields=(flag("image.published", "the registry has, under that name, the image that was judged"),),
    reader=_read,
    look=look,
    on_target=False,
    effect=Effect.PUBLISH,
    clauses=(
        Clause(
            r"(?:images? )?(?:pushed|published)(?:,? (?:and )?pinned)?(?: by digest)?",
            ("exit == 0", "image.published"),
            "Image pushed, pinned by digest",
        ),
    ),
    phrases=(
        Phrase(
            r"`?(?P<run>docker (?:image )?push [^`;&|<>\s]+)`?",
            _asked,
            "`docker push registry.example.org/app:${GIT_SHA}`",
        ),
    ),
)
def image_push(params: ImagePushParams, context: Context) -> Capture:
    """Publish an image that this run has built, and read back from the registry what it has under that name.

    The image must be the one that was judged: where the tag was moved in between, nothing is pushed. Its digest in the
    registry becomes part of the subject, so that what is deployed later is named by what nobody can move.
    """
    name, docker = reference(params.run), Docker(context)
    if not name:
        message = f"`{params.run}` is no plain `docker push` of one image"
        trouble = Trouble(Outcome.UNKNOWN, "not-a-push", message, "write `docker push <name>:<tag>`")
        return Capture("image_push", params.run, troubles=(trouble,))
    try:
        image = images.find(docker, name)
    except OutOfReach as error:
        return _in_trouble(params, "docker-failed", error.message, error.help)
    if image is None:
        return _in_trouble(params, "no-image", f"there is no image `{name}`", "build and tag it before this call")
    service = _service(params, context, image)
    if not service:
        message = f"`{name}` is no image that this run has built"
        return _in_trouble(params, "not-judged", message, "build it in this run, and push that")
    context.record("push", name=name, image=image.id)
    ran = context.run(("docker", "push", name))
    digest = _pushed(docker, name, ran)
    there = _there(docker, name) if ran.exit == 0 else ""
    troubles = (*ran.troubles, *((there,) if isinstance(there, Trouble) else ()))
    seen = "" if isinstance(there, Trouble) else there
    facts = _facts(name, digest, seen) if ran.exit == 0 and not troubles else {}
    return Capture(
        "image_push",
        params.run,
        blobs=(*printed(ran), *(() if ran.stdout.size else (ran.stdout,)), context.keep_facts(facts)),
        exit=ran.exit,
        signal=ran.signal,
        troubles=troubles,
        seconds=ran.seconds,
        images={service: digest} if digest and seen == digest else {},
    )


def _pushed(docker: Docker, name: str, ran: Ran) -> str:
    """The digest of what was pushed: as the push said it, else as the engine has noted it; empty: neither knows."""
    told = _DIGEST.search(ran.out.decode(errors="replace"))
    found = None if told else images.find(docker, name)
    return told[1] if told else _digest(found, name) if found is not None else ""


def _service(params: ImagePushParams, context: Context, image: Image) -> str:
    known = {digest: service for service, digest in context.subject.images.items()}
    names = (image.id, *(digest.partition("@")[2] for digest in image.digests))
    found = next((known[name] for name in names if name in known), "")
    return found if not params.service or found == params.service else ""


def _facts(name: str, digest: str, there: str) -> dict[str, Any]:
    return {"name": name, "digest": digest, "there": there, "pinned": f"{_repository(name)}@{digest}"}


def _repository(name: str) -> str:
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def _digest(image: Image, name: str) -> str:
    """Its digest in the registry of that name; empty where it was never there."""
    prefix = f"{_repository(name)}@"
    return next((one.removeprefix(prefix) for one in image.digests if one.startswith(prefix)), "")


def _there(docker: Docker, name: str) -> str | Trouble:
    """The digest that the registry has under a name."""
    asked = docker.run(
        "buildx", "imagetools", "inspect", name, "--format", "{{json .Manifest.Digest}}", name="registry"
    )
    if asked.exit == 0:
        return asked.out.decode(errors="replace").strip().strip('"')
    why = said(asked)
    if re.search(r"not found|manifest unknown", why, re.IGNORECASE):
        return ""
    mend = "log in to the registry, install buildx, and look what it has"
    return Trouble(
        Outcome.UNKNOWN, "registry-silent", f"the registry does not say what it has under `{name}`: {why}", mend
    )


def _in_trouble(params: ImagePushParams, slug: str, message: str, mend: str) -> Capture:
    return Capture("image_push", params.run, troubles=(Trouble(Outcome.ERROR, slug, message, mend),))
