"""Build an image of the subject: with its commit as a label, and with what it is made of as evidence."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from gonogo.actions import _sbom
from gonogo.docker import dockerfile, images
from gonogo.docker.client import Docker
from gonogo.docker.images import REVISION, Image
from gonogo.frozen import dataclass
from gonogo.model.capture import Blob, Capture
from gonogo.model.observation import Observation, Reading, Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import SHELL_TEXT, Context, Done, Look, Phrase, Ran, action
from gonogo.probes._facts import count, flag, printed

_WITH_VALUE = {"-f": "file", "--file": "file", "--target": "target", "-t": "tag", "--tag": "tag", "--build-arg": "arg"}
_SHELL = set("|&;<>`\n")


@dataclass(frozen=True, slots=True)
class ImageBuildParams:
    """What to build."""

    run: str = field(metadata=SHELL_TEXT)
    """The command line: `docker build -f Dockerfile --target app -t name:tag .`, without pipes or redirections."""
    cwd: str = "."
    """Directory of the command, relative to the repository."""
    service: str = ""
    """The service whose image it is. Empty: read from its tag, its target and the services of the target."""
    sbom: bool = True
    """Write a bill of materials (CycloneDX), where a tool that can do it is installed."""
    ask: bool = False
    """Ask recognised tools in the command for reports; a build has none."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a `docker build` command line says."""

    head: tuple[str, ...]
    """`docker build`, `docker buildx build`."""
    rest: tuple[str, ...]
    file: str = ""
    target: str = ""
    tags: tuple[str, ...] = ()
    args: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """The build context."""
        return self.rest[-1] if self.rest else "."


def read_line(run: str) -> Line | None:
    """A command line as a build; None where it is something else, or needs a shell."""
    try:
        words = shlex.split(run)
    except ValueError:
        return None
    at = next((n for n in (2, 3) if words[:n] and words[n - 1 : n] == ["build"]), 0)
    if words[:1] != ["docker"] or not at or words[1 : at - 1] not in ([], ["buildx"], ["image"]) or _SHELL & set(run):
        return None
    options = list(_options(tuple(words[at:])))
    given = dict(options)
    return Line(
        head=tuple(words[:at]),
        rest=tuple(words[at:]),
        file=given.get("file", ""),
        target=given.get("target", ""),
        tags=tuple(value for name, value in options if name == "tag"),
        args=dict(value.partition("=")[::2] for name, value in options if name == "arg"),
    )


def _options(words: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in _WITH_VALUE:
            yield _WITH_VALUE[name], value if equals else next(iter(words[at + 1 :]), "")


def service_of(line: Line, known: tuple[str, ...]) -> str:
    """The service whose image a line builds: `medianest-backend:…` with `--target backend-production` is `backend`."""
    reference = line.tags[0] if line.tags else ""
    name = reference.rpartition("/")[2].partition(":")[0]
    words = line.target.split("-")
    stages = ["-".join(words[:n]) for n in range(len(words), 0, -1)] if line.target else []
    for service in (*sorted(known, key=len, reverse=True), *stages):
        if name == service or name.endswith((f"-{service}", f"_{service}")):
            return service
    return name or line.target


def _asked(match: Any) -> Mapping[str, Any]:
    return {"run": match["run"]}


def _read(facts: Mapping[str, Any], _params: ImageBuildParams) -> Reading:
    image = facts.get("image")
    if not image:
        return Reading()
    observations = (
        Observation("image.bytes", image["size"], "facts.json"),
        Observation("image.healthcheck", image["healthcheck"], "facts.json"),
        Observation("image.of_subject", bool(facts["commit"]) and image["revision"] == facts["commit"], "facts.json"),
    )
    base = facts["base"]
    told = f" on `{base['name']}`" if base.get("name") else ""
    notes = (f"`{facts['service']}` is `{image['id'][:19]}`, {image['size'] / 1e6:.0f} MB{told}",)
    return Reading(observations, notes=(*notes, *facts["notes"]))


def look(_params: ImageBuildParams, _context: Context) -> Look:
    """A build that was cut off left nothing that matters: the same commit is built to the same image again."""
    return Look(Done.NOT_DONE, "a build that was cut off names no image; building again comes to the same")


@action(
    "image_build",
    yields=(
        count("image.bytes", "size of the image", unit="bytes"),
        flag("image.healthcheck", "the image has a healthcheck of its own"),
        flag("image.of_subject", "the image says that it was made of the subject's commit"),
    ),
    reader=_read,
    look=look,
    on_target=False,
    phrases=(
        Phrase(
            r"`?(?P<run>docker (?:buildx |image )?build(?! [^`]*--push)(?: [^`;&|<>]+)?)`?",
            _asked,
            "`docker build -f Dockerfile --target app-production -t app:${GIT_SHA} .`",
        ),
    ),
)
def image_build(params: ImageBuildParams, context: Context) -> Capture:
    """Build an image by the `docker build` command line of the checklist.

    The line is run as it is written, with what identifies the image added: the subject's commit as the label
    `org.opencontainers.image.revision` (and as build argument `GIT_SHA`, where the Dockerfile declares one), and no
    provenance attestation, which would give the same image another Id each time. Its Id becomes part of the subject.
    Evidence: Id, digests, size, history, the image it stands on, and a bill of materials (CycloneDX) where `syft` or
    `docker sbom` is installed; where neither is, the capture says so.
    """
    line = read_line(params.run)
    if line is None:
        mend = "write one plain `docker build … .`, or make it a `command`"
        trouble = Trouble(Outcome.UNKNOWN, "not-a-build", f"`{params.run}` is no plain `docker build`", mend)
        return Capture("image_build", params.run, troubles=(trouble,))
    docker = Docker(context)
    if isinstance(docker.versions, Trouble):
        return Capture("image_build", params.run, troubles=(docker.versions,))
    context.record("build", tags=list(line.tags))
    ran, identity = _built(params, line, context)
    capture = Capture(
        "image_build",
        params.run,
        blobs=(ran.stdout, ran.stderr),
        exit=ran.exit,
        signal=ran.signal,
        troubles=ran.troubles,
        notes=ran.notes,
        seconds=ran.seconds,
    )
    if ran.exit != 0:
        return replace(capture, blobs=(*capture.blobs, context.keep_facts({"notes": []})))
    return _told(capture, params, line, docker, identity or next(iter(line.tags), ""))


def _built(params: ImageBuildParams, line: Line, context: Context) -> tuple[Ran, str]:
    """The build, and the Id it wrote down."""
    place = context.scratch / "image-id"
    buildx = context.run(("docker", "buildx", "version"), timeout=30, name="buildx-version").exit == 0
    commit = context.subject.commit
    added = ["--iidfile", str(place), *(("--label", f"{REVISION}={commit}") if commit else ())]
    if buildx:
        added += ["--provenance=false", *(("--load",) if line.head[1] == "buildx" else ())]
    if commit and "GIT_SHA" not in line.args and "GIT_SHA" in _dockerfile(params, line, context).declared:
        added += ["--build-arg", f"GIT_SHA={commit}"]
    ran = context.run((*line.head, *added, *line.rest), cwd=params.cwd)
    return ran, place.read_text(encoding="utf-8").strip() if place.is_file() else ""


def _dockerfile(params: ImageBuildParams, line: Line, context: Context) -> dockerfile.Dockerfile:
    folder = Path(params.cwd)
    path = folder / line.file if line.file else folder / line.folder / "Dockerfile"
    try:
        return dockerfile.read((context.root / path).read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return dockerfile.Dockerfile()


def _told(capture: Capture, params: ImageBuildParams, line: Line, docker: Docker, name: str) -> Capture:
    """The capture with what the image is."""
    context = docker.context
    image = images.find(docker, name) if name else None
    if image is None:
        trouble = Trouble(
            Outcome.UNKNOWN, "no-image", f"the build succeeded, and `{name}` is not here", "give it a tag"
        )
        return replace(capture, troubles=(*capture.troubles, trouble))
    service = params.service or service_of(line, _services(context))
    history = docker.run("history", "--no-trunc", "--format", "{{json .}}", image.id, name="history")
    notes: list[str] = []
    materials: tuple[Blob, ...] = ()
    if params.sbom:
        materials, said = _sbom.materials(docker, image.id, shutil.which("syft") is not None)
        notes += said
    facts = {
        "commit": context.subject.commit,
        "service": service,
        "tags": list(line.tags),
        "image": _facts(image),
        "base": _base(docker, image, _dockerfile(params, line, context).base(line.target, line.args)),
        "notes": notes,
    }
    blobs = (*capture.blobs, *printed(history)[:1], *materials, context.keep_facts(facts))
    return replace(capture, blobs=blobs, images={service: image.id})


def _services(context: Context) -> tuple[str, ...]:
    params = context.spec.params if context.spec is not None else {}
    return (*(params.get("services") or ()), *(params.get("images") or {}))


def _facts(image: Image) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(json.dumps({name: getattr(image, name) for name in _KEPT}))
    return {**told, "revision": image.revision}


_KEPT = ("id", "tags", "digests", "size", "healthcheck", "user", "labels", "layers")


def _base(docker: Docker, image: Image, name: str) -> dict[str, Any]:
    """What it stands on, and whether its layers prove that."""
    if not name or name == "scratch":
        return {"name": name}
    found = images.find(docker, name)
    if found is None:
        return {"name": name, "id": "", "why": "the builder has it, and the engine's own store has not"}
    proved = image.layers[: len(found.layers)] == found.layers
    return {"name": name, "id": found.id, "digests": list(found.digests), "layers_match": proved}
