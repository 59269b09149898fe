"""The `docker` command: whether it can work at all, and what it says of containers and images.

Only names of variables that the client itself reads are handed down, so that nothing of the caller's shell finds its
way into a Compose file (a variable of the shell beats `--env-file`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import Context, OutOfReach, Ran

INHERIT = (
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LANG", "LC_ALL", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"),
    *("SSH_AUTH_SOCK", "SSH_AGENT_PID", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy"),
    *("no_proxy", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS", "BUILDX_BUILDER"),
    *("DOCKER_TLS_VERIFY", "DOCKER_API_VERSION", "BUILDX_CONFIG", "DOCKER_BUILDKIT"),
)
"""Variables of gonogo's own process that the Docker client may see."""
FIXED = {"COMPOSE_ANSI": "never", "COMPOSE_MENU": "false", "DOCKER_CLI_HINTS": "false"}
QUICK = 60.0
"""Seconds that a look at the engine may take."""
OLDEST = (2, 20)
"""The oldest Compose whose answers are known."""

_NO_PLUGIN = re.compile(
    r"is not a docker command|unknown docker command|unknown command: docker compose|unknown shorthand flag: 'f'"
)
_TAKEN = re.compile(r"is already in use by container", re.IGNORECASE)
_GONE = re.compile(r"no such (?:object|container|image|volume)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Versions:
    """What answers on the other side, and how."""

    client: str = ""
    engine: str = ""
    compose: str = ""
    buildx: str = ""

    @property
    def compose_number(self) -> tuple[int, ...]:
        """`v2.26.1-desktop.1` as (2, 26, 1); empty where there is none."""
        return number(self.compose)


def number(text: str) -> tuple[int, ...]:
    """The numbers a version begins with, whatever stands before and after them."""
    match = re.search(r"\d+(?:\.\d+)*", text)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


@dataclass
class Docker:
    """One engine, through the `docker` command of this machine and whatever `DOCKER_HOST` leads to."""

    context: Context
    variables: Mapping[str, str] = field(default_factory=dict)
    """Given to every process beside the client's own: those that a Compose file may use."""

    def run(
        self,
        *arguments: str,
        name: str = "",
        timeout: float | None = QUICK,
        env: Mapping[str, str] | None = None,
    ) -> Ran:
        """`docker …` without a shell; never raises for what it does."""
        given = {**FIXED, **self.variables, **(env or {})}
        return self.context.run(("docker", *arguments), env=given, timeout=timeout, name=name, inherit=INHERIT)

    def must(self, *arguments: str, name: str = "", timeout: float | None = QUICK) -> bytes:
        """Standard output of `docker …`; raises `OutOfReach` where it fails."""
        ran = self.run(*arguments, name=name, timeout=timeout)
        if ran.exit != 0:
            raise failed(ran, f"docker {' '.join(arguments[:2])}")
        return ran.out

    @cached_property
    def versions(self) -> Versions | Trouble:
        """What answers, or why nothing does."""
        asked = self.run("version", "--format", "{{json .}}", name="docker-version")
        told = _json(asked.out)
        if missing := next((t for t in asked.troubles if t.slug == "tool-missing"), None):
            return missing
        if not isinstance(told, dict) or not told.get("Server"):
            why = said(asked) or "no engine answers"
            mend = "start the Docker engine, or point `DOCKER_HOST` to one"
            return Trouble(Outcome.ERROR, "no-engine", f"`docker version` found no engine: {why}", mend)
        compose = self.run("compose", "version", "--short", name="compose-version")
        if compose.exit != 0:
            return no_compose(compose) or _trouble(compose, "docker compose version")
        version = compose.out.decode(errors="replace").strip()
        if number(version) < OLDEST:
            mend = "install the `docker compose` plugin 2.20 or newer"
            return Trouble(Outcome.ERROR, "compose-too-old", f"Compose `{version}` is too old", mend)
        engine = str(told["Server"].get("Version", ""))
        return Versions(str((told.get("Client") or {}).get("Version", "")), engine, version)

    @cached_property
    def info(self) -> Mapping[str, Any]:
        """`docker info`: its identity, and how it stores images. Raises `OutOfReach`."""
        return self._told()

    def _told(self) -> Mapping[str, Any]:
        template = '{"ID":{{json .ID}},"DriverStatus":{{json .DriverStatus}},"SystemTime":{{json .SystemTime}}}'
        told = _json(self.must("info", "--format", template))
        return told if isinstance(told, dict) else {}

    @property
    def store(self) -> str:
        """`containerd` or `classic`: what an image Id is the digest of (manifest, or configuration)."""
        pairs = self.info.get("DriverStatus") or []
        return "containerd" if any("io.containerd.snapshotter" in str(pair) for pair in pairs) else "classic"

    def clock(self) -> str:
        """The engine's own time, RFC 3339; what else it tells of itself in that answer is not asked again."""
        told = self._told()
        self.__dict__.setdefault("info", told)
        return str(told.get("SystemTime", "")).strip().replace(" ", "T", 1)

    # --- containers and images -----------------------------------------------------------------------------------

    def ids(self, *filters: str) -> tuple[str, ...]:
        """Ids of the containers, stopped ones too, that all these filters hold for."""
        chosen = [part for one in filters for part in ("--filter", one)]
        return tuple(self.must("ps", "--all", "--no-trunc", "--quiet", *chosen).decode().split())

    def inspect(self, kind: str, names: Sequence[str], template: str) -> list[dict[str, Any]]:
        """What is told of those that are there, by a template that makes one line of JSON of each."""
        if not names:
            return []
        ran = self.run("inspect", "--type", kind, "--format", template, *names)
        if ran.exit != 0 and not gone(ran):
            raise failed(ran, "docker inspect")
        return rows(ran.out.decode(errors="replace"))


def rows(text: str) -> list[dict[str, Any]]:
    """Objects in whichever way they were printed: one array (Compose before 2.21), one object a line, or nothing.

    What stands between them and is no JSON, such as a warning, is passed over.
    """
    found: list[dict[str, Any]] = []
    decoder, at = json.JSONDecoder(), 0
    while (at := _opening(text, at)) >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except ValueError:
            at += 1
            continue
        found += [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]
        at = end
    return found


def _opening(text: str, at: int) -> int:
    match = re.compile(r"[\[{]").search(text, at)
    return match.start() if match else -1


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


# --- what went wrong ---------------------------------------------------------------------------------------------


def said(ran: Ran) -> str:
    """The line that says why it failed: the last that speaks of an error, else the last."""
    text = (ran.err.strip() or ran.out).decode(errors="backslashreplace")
    lines = [clean(line) for line in text.splitlines() if clean(line)]
    loud = [
        line for line in lines if re.search(r"error|fail|denied|cannot|conflict|no such|required", line, re.IGNORECASE)
    ]
    return (loud or lines or [""])[-1][:300]


def clean(line: str) -> str:
    """A line of Docker's without the sequences for terminals that some versions print everywhere."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line).strip()


def no_compose(ran: Ran) -> Trouble | None:
    """The trouble of a Docker without the Compose plugin, however it says so; None: that is not it."""
    if not _NO_PLUGIN.search(ran.err.decode(errors="replace")):
        return None
    mend = "install the `docker compose` plugin (version 2); `docker-compose` of version 1 is not enough"
    return Trouble(Outcome.ERROR, "no-compose", "this `docker` has no `compose` command", mend)


def gone(ran: Ran) -> bool:
    """Whether it failed because what it was asked for is not there."""
    return bool(_GONE.search(ran.err.decode(errors="replace")))


def taken(ran: Ran) -> bool:
    """Whether it failed because another container has the name."""
    return bool(_TAKEN.search(ran.err.decode(errors="replace")))


def failed(ran: Ran, what: str) -> OutOfReach:
    """The exception for a command that failed."""
    trouble = no_compose(ran) or _trouble(ran, what)
    return OutOfReach(trouble.message, help=trouble.help)


def _trouble(ran: Ran, what: str) -> Trouble:
    if ran.troubles:
        return ran.troubles[0]
    why = said(ran) or f"exit code {ran.exit}"
    mend = (
        "start the Docker engine, or point `DOCKER_HOST` to one"
        if _is_away(why)
        else f"run `{what}` yourself to see more"
    )
    return Trouble(Outcome.ERROR, "docker-failed", f"`{what}` failed: {why}", mend)


def _is_away(why: str) -> bool:
    return bool(re.search(r"cannot connect|connection refused|is the docker daemon running", why, re.IGNORECASE))
