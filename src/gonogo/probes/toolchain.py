"""Compare what package.json asks of the machine with what is installed; look for Docker, Compose, a secrets store."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.observation import Finding, Observation, Reading
from gonogo.model.outcome import Outcome
from gonogo.plugins import SHELL_TEXT, Clause, Context, Ran, probe
from gonogo.probes._facts import Problem, count, flag, last_line, printed, problem, read_text, trouble

_ASKED_OF_THE_MACHINE = ("node", "npm", "pnpm", "yarn")
_PATIENCE = 30.0
"""Seconds for one `--version`; a Docker daemon that hangs must not hang the gate."""


@dataclass(frozen=True, slots=True)
class ToolchainParams:
    """Where to look."""

    package: str = "package.json"
    """The root package.json; its workspaces are read too."""
    engines: bool = False
    """Look at node, npm and what else package.json asks of the machine. Neither this nor `docker` named: both."""
    docker: bool = False
    """Look for Docker and Compose."""
    secrets: str = field(default="", metadata=SHELL_TEXT)
    """A command that exits 0 when the secrets store can be reached: `vault token lookup`. Empty: none is configured."""


def _read(facts: Mapping[str, Any], _params: ToolchainParams) -> Reading:
    """Engines against versions, with the ranges as npm reads them; pre-releases count as npm counts them."""
    troubles = [trouble(stored) for stored in facts.get("problems", ())]
    observations = [Observation(name, value, "facts.json") for name, value in facts.get("found", {}).items()]
    engines, versions = facts.get("engines", ()), facts.get("versions", {})
    notes = list(facts.get("notes", ()))
    findings: list[Finding] = []
    judged = [engine for engine in engines if engine["name"] in _ASKED_OF_THE_MACHINE]
    for engine in (e for e in judged if e["name"] in versions):
        said = _unsatisfied(engine, versions[engine["name"]])
        if said:
            findings.append(
                Finding("engines", f"{engine['path']}:{engine['name']}", "unsatisfied", said, engine["path"])
            )
    notes += sorted({f"not looked at: engine `{e['name']}`" for e in engines if e not in judged})
    absent = sorted({engine["name"] for engine in judged if engine["name"] not in versions})
    if judged and not absent:
        observations.append(Observation("engines.checked", len(judged), "facts.json"))
    if findings or (judged and not absent):
        observations.append(Observation("engines.unsatisfied", len(findings), "facts.json"))
    notes += [f"{name} {version}" for name, version in sorted(versions.items())]
    return Reading(tuple(observations), tuple(findings), tuple(notes), tuple(troubles))


def _unsatisfied(engine: Mapping[str, str], version: str) -> str:
    import nodesemver  # npm's own rules for ranges; only a reading needs them

    wanted, where = engine["range"], engine["path"]
    if nodesemver.valid_range(wanted, loose=False) is None:
        return f"`{wanted}` is no version range: {engine['name']} {version} cannot satisfy it"
    if nodesemver.satisfies(version, wanted, loose=False, include_prerelease=True):
        return ""
    return f"{engine['name']} {version} does not satisfy `{wanted}` of {where}"


@probe(
    "toolchain",
    yields=(
        count(
            "engines.unsatisfied", "engines of package.json that the installed version does not satisfy", "unsatisfied"
        ),
        count("engines.checked", "engines of package.json that were compared"),
        flag("docker.available", "the docker command is here and its daemon answers"),
        flag("compose.available", "`docker compose` is here"),
        flag("secrets.reachable", "the configured secrets store answers"),
    ),
    reader=_read,
    clauses=(
        Clause(
            r"node(?:\.js)?(?: ?/ ?npm| and npm)? (?:match(?:es)?|satisf(?:y|ies)) (?:the )?engines",
            ("engines.unsatisfied == 0",),
            "Node/npm match engines",
            brings={"engines": True},
        ),
        Clause(
            r"docker ?(?:/|and|\+) ?(?:docker )?compose (?:are |is )?(?:available|present|installed)",
            ("docker.available && compose.available",),
            "Docker/Compose available",
            brings={"docker": True},
        ),
        Clause(
            r"docker (?:is )?(?:available|present|running)",
            ("docker.available",),
            "Docker available",
            brings={"docker": True},
        ),
        # No clause for "access to secrets store": which store that is, only `secrets` can say. So it is a question.
    ),
)
def toolchain(params: ToolchainParams, context: Context) -> Capture:
    """Look at the machine: versions of node and npm, Docker, Compose.

    The engines of the root package.json and of each workspace are compared with what is installed, by npm's rules. A
    package.json without engines is UNKNOWN: nothing was compared. Docker counts as available when its daemon answers.
    """
    facts: dict[str, Any] = {"engines": [], "versions": {}, "found": {}, "problems": [], "notes": []}
    runs: list[Ran] = []
    shown: list[str] = []
    if params.engines or not params.docker:
        shown.append(f"engines of {params.package}")
        _look_at_engines(params, context, facts, runs)
    if params.docker or not params.engines:
        shown.append("Docker and Compose")
        _look_at_docker(context, facts, runs)
    if params.secrets:
        shown.append("secrets store")
        _look_at_secrets(params.secrets, context, facts, runs)
    return Capture(
        "toolchain",
        ", ".join(shown),
        blobs=(context.keep_facts(facts), *printed(*runs)),
        seconds=sum(ran.seconds for ran in runs),
    )


def _look_at_engines(params: ToolchainParams, context: Context, facts: dict[str, Any], runs: list[Ran]) -> None:
    for path, data in _packages(params.package, context, facts["problems"]):
        engines = data.get("engines")
        for name, wanted in engines.items() if isinstance(engines, dict) else ():
            facts["engines"].append({"name": str(name), "range": str(wanted), "path": path})
    names = {engine["name"] for engine in facts["engines"]} & set(_ASKED_OF_THE_MACHINE)
    if not names and not facts["problems"]:
        message = f"neither `{params.package}` nor a workspace names engines: nothing to compare"
        facts["problems"].append(problem(Outcome.UNKNOWN, "no-engines", message, "add `engines` to package.json"))
    for name in sorted(names):
        if shutil.which(name) is None:
            message = f"`{name}` is not installed, but package.json asks for it"
            facts["problems"].append(problem(Outcome.ERROR, "tool-missing", message, f"install {name}"))
            continue
        ran = context.run([name, "--version"], timeout=_PATIENCE, name=name)
        runs.append(ran)
        version = ran.out.decode(errors="replace").strip().removeprefix("v")
        if ran.exit == 0 and version:
            facts["versions"][name] = version
        else:
            message = f"`{name} --version` said nothing: {last_line(ran.err) or _end(ran)}"
            facts["problems"].append(problem(Outcome.ERROR, "tool-broken", message))


def _end(ran: Ran) -> str:
    """How a process ended, in words."""
    if ran.exit is not None:
        return f"exit {ran.exit}"
    return ran.signal or next((trouble.message for trouble in ran.troubles), "it did not end")


def _packages(root: str, context: Context, problems: list[Problem]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The root package.json and those of its workspaces, with their paths."""
    data = _package(root, context, problems)
    if data is None:
        return
    yield root, data
    folder = (context.root / root).parent
    workspaces = data.get("workspaces", [])
    patterns = workspaces.get("packages", []) if isinstance(workspaces, dict) else workspaces
    seen = {folder / "package.json"}
    for pattern in patterns if isinstance(patterns, list) else []:
        for path in sorted(folder.glob(f"{str(pattern).strip('/')}/package.json")):
            if path in seen or "node_modules" in path.parts:
                continue
            seen.add(path)
            name = path.relative_to(context.root).as_posix()
            member = _package(name, context, problems)
            if member is not None:
                yield name, member


def _package(path: str, context: Context, problems: list[Problem]) -> dict[str, Any] | None:
    try:
        text = read_text(context, path)
        data = json.loads(text) if isinstance(text, str) else text
    except FileNotFoundError:
        data = problem(Outcome.UNKNOWN, "no-package-json", f"there is no `{path}`", "name the right one as `package`")
        text = data
    except ValueError as error:
        data = text = problem(Outcome.UNKNOWN, "unreadable", f"`{path}` is no JSON: {error}")
    if isinstance(text, str) and isinstance(data, dict):
        return data
    problems.append(
        text if isinstance(text, dict) else problem(Outcome.UNKNOWN, "unreadable", f"`{path}` is no object")
    )
    return None


def _look_at_docker(context: Context, facts: dict[str, Any], runs: list[Ran]) -> None:
    """Absent is a fact here, not a trouble: this gate asks whether they are there."""
    if shutil.which("docker") is None:
        facts["found"] |= {"docker.available": False, "compose.available": False}
        facts["notes"].append("`docker` is not installed")
        return
    client = context.run(["docker", "version", "--format", "json"], timeout=_PATIENCE, name="docker")
    runs.append(client)
    try:
        server = json.loads(client.out).get("Server")
    except (ValueError, AttributeError):
        server = None
    if client.exit is None:
        facts["notes"].append(f"`docker version` did not end: {_end(client)}")
    else:
        facts["found"]["docker.available"] = bool(server)
        facts["notes"].append(_docker_said(server, client))
    compose = context.run(["docker", "compose", "version", "--short"], timeout=_PATIENCE, name="compose")
    runs.append(compose)
    if compose.exit is not None:
        facts["found"]["compose.available"] = compose.exit == 0 and bool(compose.out.strip())
        version = compose.out.decode(errors="replace").strip()
        absent = f"`docker compose` is not installed: `docker compose version` ends with exit {compose.exit}"
        facts["notes"].append(f"compose {version}" if compose.exit == 0 else absent)


def _docker_said(server: Any, client: Ran) -> str:
    if isinstance(server, dict):
        return f"docker engine {server.get('Version', 'of unknown version')}"
    return f"the docker daemon does not answer: {last_line(client.err) or _end(client)}"


def _look_at_secrets(command: str, context: Context, facts: dict[str, Any], runs: list[Ran]) -> None:
    ran = context.run(command, timeout=_PATIENCE, name="secrets")
    runs.append(ran)
    if ran.exit is None or ran.exit in {126, 127}:
        message = f"`{command}` could not run: {last_line(ran.err) or _end(ran)}"
        facts["problems"].append(problem(Outcome.ERROR, "tool-missing", message, "install it, or mend `secrets`"))
    else:
        facts["found"]["secrets.reachable"] = ran.exit == 0
