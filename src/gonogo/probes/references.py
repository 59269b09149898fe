"""References: is everything there that the Compose files of a target name, before anything is started."""

from __future__ import annotations

import errno
import json
import os
import posixpath
import re
import socket
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from gonogo import envfile
from gonogo.docker.client import Docker
from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.observation import Finding, Observation, Reading, Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import Clause, Context, OnlyHere, probe
from gonogo.probes._compose_text import ComposeText, Named, Port, Unreadable
from gonogo.probes._facts import Problem, count, problem, read_text, trouble

_DEFAULT_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_COUNTED = {"broken": "broken", "unset": "unset", "clashes": "clash", "to_pull": "pull"}


@dataclass(frozen=True, slots=True)
class ReferencesParams:
    """Which Compose project."""

    files: tuple[str, ...] = ()
    """Compose files in their order. Empty: those of the target, else the one that Compose finds by itself."""
    env_file: str = ""
    """Env file for the variables in them. Empty: the target's."""
    project: str = ""
    """Name of the project. Empty: the target's, else as the files say."""


def _read(facts: Mapping[str, Any], _params: ReferencesParams) -> Reading:
    """How much was looked at, and what of it is not as it must be."""
    troubles = tuple(trouble(one) for one in facts.get("problems", ()))
    if "checked" not in facts:
        return Reading(troubles=troubles)
    findings = tuple(Finding("references", **one) for one in facts["found"])
    observations = [Observation("references.checked", facts["checked"], "facts.json")]
    for name, severity in _COUNTED.items():
        many = sum(1 for one in findings if one.severity == severity)
        if many or severity not in facts.get("unseen", ()):
            observations.append(Observation(f"references.{name}", many, "facts.json"))
    return Reading(tuple(observations), findings, tuple(facts.get("notes", ())), troubles)


@probe(
    "references",
    yields=(
        count("references.checked", "paths, names and ports that the Compose files name"),
        count("references.broken", "those that are not there, or lie outside the repository", "broken"),
        count("references.unset", "variables without a value or a default, of which Compose only warns", "unset"),
        count("references.clashes", "published ports that are taken, by another service or by somebody else", "clash"),
        count("references.to_pull", "images that are neither built here nor there already", "pull"),
    ),
    reader=_read,
    clauses=(
        Clause(
            r"(?:all )?references (?:resolve|exist|are there)",
            ("references.checked > 0", "references.broken == 0", "references.unset == 0", "references.clashes == 0"),
            "all references resolve",
            brings={},
        ),
    ),
)
def references(params: ReferencesParams, context: Context) -> Capture:
    """Look whether all is there that Compose files name, before anything is built or started.

    Build contexts, Dockerfiles and their targets lie inside the repository, at this commit; bind mounts, env files,
    secret and config files exist; networks, volumes, secrets and services are declared; external networks and volumes
    are on the engine; published ports are free, or this project's own. Relative paths of every file are relative to
    the directory of the first: one that would only be there beside its own file is told as that. Where no engine
    answers, what only it knows stays unknown.
    """
    look = _Look(params, context)
    facts = look.facts()
    shown = f"what {', '.join(look.files) or 'the Compose files'} refer to"
    troubles = () if look.files else (_NO_FILES,)
    return Capture("references", shown, blobs=(context.keep_facts(facts),), troubles=troubles)


_NO_FILES = Trouble(
    Outcome.UNKNOWN,
    "no-compose-file",
    "no Compose file is there: nothing refers to anything",
    "name them with `files:`",
)


@dataclass
class _Look:
    """One look at what a project refers to."""

    params: ReferencesParams
    context: Context
    found: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        told = self._of_target("files")
        here = [name for name in _DEFAULT_FILES if (self.context.root / name).is_file()][:1]
        self.files = self.params.files or tuple(told or here)

    def _of_target(self, name: str) -> Any:
        spec = self.context.spec
        return spec.params.get(name) if spec is not None else None

    def facts(self) -> dict[str, Any]:
        """What may be kept: names and paths, no values."""
        if not self.files:
            return {}
        text = ComposeText(self._values())
        for path in self.files:
            self._add(text, path)
        if self.problems:
            return {"problems": self.problems}
        named = list(dict.fromkeys(text.named()))
        for one in named:
            self._exists(one)
        for name, path in sorted(text.unset.items()):
            self._tell("unset", name, f"`{name}` has no value and no default: Compose only warns of it", path)
        ports = text.ports()
        self._ports(ports)
        self._engine(text, [one for one in named if one.kind.startswith("external-")], ports)
        checked = len(named) + len(ports) + len(text.images())
        told = {"found": self.found, "notes": self.notes, "unseen": self.unseen, "problems": self.problems}
        return {"checked": checked, **told}

    def _values(self) -> dict[str, str]:
        path = self.params.env_file or self._of_target("env_file") or ""
        text = self._text(path) if path else ""
        values = {entry.key: entry.value for entry in envfile.parse(text or "")[0]}
        return {**values, **self.context.inputs, "GIT_SHA": self.context.subject.commit}

    def _text(self, path: str) -> str | None:
        try:
            text = read_text(self.context, path)
        except FileNotFoundError:
            message = f"`{path}` does not exist"
            self.problems.append(problem(Outcome.UNKNOWN, "no-file", message, f"write `{path}`, or name the right one"))
            return None
        if isinstance(text, str):
            return text
        self.problems.append(text)
        return None

    def _add(self, text: ComposeText, path: str) -> None:
        content = self._text(path)
        try:
            if content is not None:
                text.add(path, content)
        except Unreadable as error:
            self.problems.append(problem(Outcome.ERROR, "unreadable", str(error), "mend the file"))

    def _tell(self, severity: str, identity: str, said: str, path: str) -> None:
        one = {"id": f"{severity}:{path}:{identity}", "severity": severity, "message": said, "path": path}
        if one not in self.found:
            self.found.append(one)

    # --- paths and names ---------------------------------------------------------------------------------------------

    def _exists(self, one: Named) -> None:
        """Tell what is wrong with one thing that is named; external things are the engine's to know."""
        of = f" of `{one.of}`" if one.of else ""
        what = one.kind.replace("-", " ")
        if one.kind in {"network", "volume", "secret", "config", "service"}:
            self._broken(one, f"{what} `{one.name}`{of} is declared in no file")
        elif one.kind == "build-target":
            self._has_stage(one)
        elif not one.kind.startswith("external-"):
            why = self._why_not(one)
            if why:
                self._broken(one, f"{what} `{one.name}`{of} {why}")

    def _broken(self, one: Named, said: str) -> None:
        self._tell("broken", f"{one.kind}:{one.of}:{one.name}", said, one.file)

    @property
    def _base(self) -> str:
        return posixpath.dirname(self.files[0])

    def _why_not(self, one: Named) -> str:
        """Why a path is not usable; empty: it is."""
        written = posixpath.join(one.more, one.name) if one.kind == "dockerfile" else one.name
        place = self.context.root / self._base / Path(written).expanduser()
        inside = place.resolve().is_relative_to(self.context.root.resolve())
        built = one.kind in {"build-context", "dockerfile"}
        if built and not inside:
            return "lies outside the repository: no commit has it"
        if not place.exists():
            beside = self.context.root / posixpath.dirname(one.file) / written
            if posixpath.dirname(one.file) != self._base and beside.exists():
                return f"is looked for beside the first file, in `{self._base or '.'}`: write it relative to that"
            made = "; Docker would make an empty directory of it" if one.kind == "bind-mount" else ""
            return f"does not exist{made}"
        if one.kind == "build-context" and not place.is_dir():
            return "is no directory"
        if one.kind == "dockerfile":
            return self._committed(place)
        return ""

    def _committed(self, place: Path) -> str:
        try:
            self.context.read_file(os.path.relpath(place, self.context.root))
        except OnlyHere:
            return "exists on this machine only: commit it"
        except OSError as error:
            return f"cannot be read: {error.strerror}"
        return ""

    def _has_stage(self, one: Named) -> None:
        place = self.context.root / self._base / one.more
        try:
            text = place.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return  # the Dockerfile itself is told already
        stages = re.findall(r"^\s*FROM\s.+?\sAS\s+(\S+)", text, re.MULTILINE | re.IGNORECASE)
        if one.name.lower() not in {stage.lower() for stage in stages} and not one.name.isdecimal():
            self._broken(one, f"build target `{one.name}` of `{one.of}` is no stage of `{one.more}`")

    # --- ports -------------------------------------------------------------------------------------------------------

    def _ports(self, ports: list[Port]) -> None:
        """Two services on one port of this machine."""
        for at, one in enumerate(ports):
            for other in ports[:at]:
                if _same(one, other):
                    said = f"`{one.service}` and `{other.service}` are both published on port {one.number}"
                    self._tell("clash", f"{one.number}/{one.protocol}:{other.service}", said, one.file)

    # --- what only the engine knows ----------------------------------------------------------------------------------

    def _engine(self, text: ComposeText, external: list[Named], ports: list[Port]) -> None:
        docker = Docker(self.context)
        images = sorted(set(text.images().values()))
        if not (external or ports or images):
            return
        versions = docker.versions
        if isinstance(versions, Trouble):
            self.notes.append(
                f"external networks and volumes, images and taken ports were not looked at: {versions.message}"
            )
            self.unseen += ["clash", "pull", *(["broken"] if external else [])]
            return
        for one in external:
            kind = one.kind.removeprefix("external-")
            if docker.run(kind, "inspect", one.name, name=f"{kind}-inspect").exit != 0:
                mend = f"make it with `docker {kind} create {one.name}`"
                self._broken(one, f"external {kind} `{one.name}` is not on the engine: {mend}")
        for image in images:
            if docker.run("image", "inspect", "--format", "{{.Id}}", image, name="image-inspect").exit != 0:
                self._tell(
                    "pull", image, f"image `{image}` is not on the engine: it must be pulled first", self.files[0]
                )
        if os.environ.get("DOCKER_HOST", "").startswith(("ssh://", "tcp://")):
            self.notes.append("the engine is on another machine: whether its ports are free was not looked at")
            self.unseen.append("clash")
            return
        self._taken(docker, ports, self._project(text))

    def _project(self, text: ComposeText) -> str:
        told = self.params.project or self._of_target("project") or text.project
        name = told or (self.context.root / self._base).resolve().name
        return re.sub(r"[^a-z0-9_-]", "", str(name).lower())

    def _taken(self, docker: Docker, ports: list[Port], project: str) -> None:
        """Ports that somebody else holds; those that this project holds itself are its own."""
        for one in ports:
            if one.protocol != "tcp" or not _is_taken(one.host, one.number):
                continue
            mark = '{"name":{{json .Names}},"project":{{json (.Label "com.docker.compose.project")}}}'
            seen = docker.run("ps", "--filter", f"publish={one.number}", "--format", mark, name="docker-ps")
            holders = [json.loads(line) for line in seen.out.decode(errors="replace").splitlines() if line.strip()]
            if any(holder["project"] == project for holder in holders):
                continue
            who = f"container `{holders[0]['name']}`" if holders else "a process of this machine"
            said = f"port {one.number}, on which `{one.service}` is published, is taken by {who}"
            self._tell("clash", f"{one.number}/{one.protocol}", said, one.file)


def _same(one: Port, other: Port) -> bool:
    if (one.number, one.protocol) != (other.number, other.protocol) or one.service == other.service:
        return False
    return one.host == other.host or _everywhere(one.host) or _everywhere(other.host)


def _everywhere(host: str) -> bool:
    return host in {"", "0.0.0.0", "::"}  # noqa: S104 - what somebody else published


def _is_taken(host: str, number: int) -> bool:
    """Whether nobody else could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trying:
        trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trying.bind((host, number))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False
