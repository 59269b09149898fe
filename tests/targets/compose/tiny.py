"""A tiny Compose project, real in all its parts and quick: a web server of busybox that behaves as it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gonogo.model.plan import Subject
from gonogo.model.release import Release, TargetSpec
from gonogo.plugins import Context
from gonogo.targets.compose import ComposeTarget, ComposeTargetParams
from tests.containers.bed import Engine, run
from tests.probes.conftest import MemoryContext

DOCKERFILE = """\
FROM redis:7-alpine
ARG VERSION
COPY run.sh /run.sh
RUN mkdir /www && echo "$VERSION" > /www/index.html
HEALTHCHECK --interval=1s --timeout=2s --retries=1 CMD /bin/sh /run.sh check
ENTRYPOINT ["/bin/sh", "/run.sh"]
CMD ["serve"]
"""
RUN = """\
case "$1-$MODE" in
check-*) [ ! -e /tmp/sick ] && wget -q -O /dev/null http://127.0.0.1:8080/;;
*-crash) sleep "${AFTER:-0}"; exit 3;;
*-crash-after-healthy) httpd -p 8080 -h /www; sleep "${AFTER:-3}"; exit 3;;
*-done) exit "${CODE:-0}";;
*) exec httpd -f -p 8080 -h /www;;
esac
"""
FILE = """\
services:
  web:
    image: ${IMAGE:-tiny}/web:${GIT_SHA}
    build: .
    init: true
    stop_grace_period: 1s
    restart: unless-stopped
    environment: {MODE: "${MODE:-}", AFTER: "${AFTER:-}", GREETING: "${GREETING:-hello}"}
    ports: ["127.0.0.1::8080"]
"""
A, B, C = (letter * 40 for letter in "abc")
"""Commits."""


@dataclass
class Tiny:
    """The project in a folder of its own."""

    root: Path
    engine: Engine
    project: str
    values: dict[str, str] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.write("Dockerfile", DOCKERFILE)
        self.write("run.sh", RUN)
        self.write("docker-compose.yml", FILE)
        self.set(IMAGE=self.project)

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text, encoding="utf-8")

    def set(self, **values: str) -> None:
        """Values of its env file."""
        self.values.update(values)
        self.write(".env", "".join(f"{name}='{value}'\n" for name, value in self.values.items()))

    def image(self, commit: str) -> str:
        return f"{self.project}/web:{commit}"

    def build(self, commit: str, version: str = "", label: str | None = None) -> str:
        """The Id of the image of a commit."""
        # The cache would give one Id to all projects, and a test that removes its image would meet those of another.
        mine = ("--label", f"gonogo.test={self.project}")
        labels = (*mine, "--label", f"org.opencontainers.image.revision={commit if label is None else label}")
        options = ("--quiet", "--provenance=false", "--build-arg", f"VERSION={version or commit}", *labels)
        self.engine.docker("build", *options, "--tag", self.image(commit), ".", cwd=self.root)
        return str(self.engine.inspect(self.image(commit))[0]["Id"])

    def context(self, commit: str = A, images: Mapping[str, str] | None = None) -> MemoryContext:
        spec = TargetSpec("staging", "compose", {"project": self.project, **self.params}, urls=self.urls)
        subject = Subject(commit, images=dict(images or {}))
        return MemoryContext(self.root, subject=subject, spec=spec)

    def target(self, commit: str = A, context: Context | None = None, **params: Any) -> ComposeTarget:
        given = {"project": self.project, **self.params, **params}
        return ComposeTarget(ComposeTargetParams(**given), context or self.context(commit))

    def deploy(self, commit: str, number: int) -> Release:
        """Build, keep and start a release."""
        self.build(commit)
        target = self.target(commit)
        release = target.keep(replace(target.draft(), number=number))
        ran = target.up(release)
        assert ran.exit == 0, ran.err
        return release

    def compose(self, *arguments: str, commit: str = A) -> str:
        """`docker compose …` as a person would type it."""
        argv = ("docker", "compose", "--project-name", self.project, *arguments)
        return run(*argv, cwd=self.root, env={"GIT_SHA": commit})

    def container(self, service: str = "web") -> dict[str, Any]:
        """What `docker inspect` tells about its first container."""
        mine = ("label=com.docker.compose.project=" + self.project, f"label=com.docker.compose.service={service}")
        filters = [part for one in mine for part in ("--filter", one)]
        found = self.engine.docker("ps", "--all", "--quiet", "--no-trunc", *filters).split()
        return self.engine.inspect(found[0])[0]

    def clean(self) -> None:
        """Remove what bears the project's name."""
        self.engine.clean(f"{self.project}-trial")
        self.engine.clean(self.project)
        docker = self.engine.docker
        if found := docker("ps", "--all", "--quiet", "--filter", f"label=gonogo.target={self.project}").split():
            docker("rm", "--force", "--volumes", *found)
        if volumes := docker("volume", "ls", "--quiet", "--filter", f"label=gonogo.target={self.project}").split():
            docker("volume", "rm", *volumes)
        names = docker("images", "--format", "{{.Repository}}:{{.Tag}}").split()
        mine = [name for name in names if name.startswith((f"{self.project}/", f"gonogo/{self.project}-"))]
        if mine:
            docker("rmi", "--force", *mine)


def stored(context: MemoryContext) -> bytes:
    """Every byte that was kept."""
    return b"\n".join(context.blobs.values())
