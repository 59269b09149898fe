"""Building images as the checklist's own command lines say, on a real engine."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gonogo.actions.image_build import image_build, read_line, service_of
from gonogo.docker import dockerfile
from gonogo.model.plan import Subject
from gonogo.model.release import TargetSpec
from gonogo.plugins import Done, builtin
from tests.containers.bed import Engine
from tests.probes.conftest import Looked, MemoryContext, look_with

COMMIT = "c" * 40
TEXT = """\
ARG BASE=redis:7
ARG TAG=alpine
FROM ${BASE}-${TAG} AS files
RUN echo made > /made
FROM files AS app-production
ARG GIT_SHA=unknown
ENV GIT_SHA=${GIT_SHA}
LABEL org.opencontainers.image.revision="${GIT_SHA}"
HEALTHCHECK --interval=1h CMD test -e /made
CMD ["sleep", "600"]
FROM files AS bare-production
CMD ["sleep", "600"]
"""


@pytest.fixture
def context(engine: Engine, compose_project: str, tmp_path: Path) -> Iterator[MemoryContext]:
    root = tmp_path / "a project"
    root.mkdir()
    (root / "Dockerfile").write_text(TEXT)
    (root / "made.txt").write_text(compose_project)
    yield MemoryContext(root, subject=Subject(COMMIT), inputs={"project": compose_project}, timeout=200)
    names = engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    if mine := [name for name in names if compose_project in name]:
        engine.docker("rmi", "--force", *mine)


def line(context: MemoryContext, service: str = "app", more: str = "") -> str:
    return (
        f"docker build -f Dockerfile --target {service}-production -t {context.inputs['project']}-{service}:1 {more}."
    )


def built(context: MemoryContext, service: str = "app", more: str = "") -> Looked:
    return look_with("image_build", context, run=line(context, service, more))


def test_an_image_is_built_as_written_and_says_what_it_is(context: MemoryContext, engine: Engine) -> None:
    seen = built(context)
    (image,) = engine.inspect(f"{context.inputs['project']}-app:1")
    assert seen.capture.exit == 0
    assert seen.capture.images == {"app": image["Id"]}
    assert seen.values["image.of_subject"] is True
    assert seen.values["image.healthcheck"] is True
    assert seen.values["image.bytes"] == image["Size"]
    assert image["Config"]["Labels"]["org.opencontainers.image.revision"] == COMMIT
    assert f"GIT_SHA={COMMIT}" in image["Config"]["Env"], "the Dockerfile asks for it"
    names = {blob.name for blob in seen.capture.blobs}
    assert {"stdout", "stderr", "facts.json", "history/stdout"} <= names
    blob = seen.capture.blob("facts.json")
    assert blob is not None
    facts = json.loads(context.blobs[blob.sha256])
    assert facts["base"]["name"] == "redis:7-alpine"
    assert facts["base"]["layers_match"] is True
    assert facts["base"]["id"] == engine.inspect("redis:7-alpine")[0]["Id"]


def test_the_same_commit_is_the_same_image(context: MemoryContext) -> None:
    assert built(context).capture.images == built(context).capture.images


def test_a_build_that_fails_brings_no_image(context: MemoryContext) -> None:
    (context.root / "Dockerfile").write_text(TEXT.replace("echo made > /made", "exit 7"))
    seen = built(context)
    assert seen.capture.exit not in {0, None}
    assert seen.capture.images == {}
    assert seen.values == {}


def test_an_image_without_a_healthcheck_says_so(context: MemoryContext) -> None:
    assert built(context, "bare").values["image.healthcheck"] is False


def test_a_bill_of_materials_where_a_tool_can_write_one(
    context: MemoryContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    double = tmp_path / "bin" / "syft"
    double.parent.mkdir()
    document = '{"bomFormat":"CycloneDX","components":[{"name":"busybox"}]}'
    double.write_text(f"#!/bin/sh\nfor last; do :; done\necho '{document}' > \"${{last#cyclonedx-json=}}\"\n")
    double.chmod(0o755)
    assert any("neither `syft` nor `docker sbom`" in note for note in built(context).reading.notes)
    monkeypatch.setenv("PATH", f"{double.parent}:{os.environ['PATH']}")
    seen = built(context)
    assert "1 components in the bill of materials" in seen.reading.notes
    blob = seen.capture.blob("sbom.cdx.json")
    assert blob is not None
    assert json.loads(context.blobs[blob.sha256])["bomFormat"] == "CycloneDX"
    double.write_text("#!/bin/sh\nexit 1\n")
    assert any("`syft` failed" in note for note in built(context).reading.notes)


def test_what_is_no_plain_build_is_not_run(context: MemoryContext) -> None:
    for run in (
        "docker build . | tee log",
        "docker build . && docker push x",
        "make image",
        "docker ps",
        "docker build '",
    ):
        seen = look_with("image_build", context, run=run)
        assert [t.slug for t in seen.capture.troubles] == ["not-a-build"], run
    assert context.recorded == ()


def test_a_build_that_was_cut_off_is_built_again(context: MemoryContext) -> None:
    look = builtin().probe("image_build").look
    assert look is not None
    assert look(None, context).done is Done.NOT_DONE
    assert image_build is not None


@pytest.mark.parametrize(
    ("run", "known", "service"),
    [
        ("docker build --target backend-production -t medianest-backend:1 .", (), "backend"),
        ("docker build --target=api-v2-production -t registry:5000/org/shop_api-v2:1 .", (), "api-v2"),
        ("docker build -t shop-web:1 .", ("web", "worker"), "web"),
        ("docker build -t shop:1 .", ("web",), "shop"),
        ("docker buildx build --target web .", (), "web"),
    ],
)
def test_the_service_of_an_image(run: str, known: tuple[str, ...], service: str) -> None:
    found = read_line(run)
    assert found is not None
    assert service_of(found, known) == service


def test_services_of_the_target_are_known(context: MemoryContext) -> None:
    context.spec = TargetSpec("staging", "compose", {"services": ["production-app", "app"]})
    assert set(built(context).capture.images) == {"app"}


def test_a_base_is_followed_through_stages_and_arguments() -> None:
    read = dockerfile.read(TEXT)
    assert read.base("app-production", {}) == "redis:7-alpine"
    assert read.base("", {"TAG": "x"}) == "redis:7-x"
    assert read.base("nope", {}) == ""
    assert "GIT_SHA" in read.declared
    odd = dockerfile.read("FROM --platform=linux/amd64 \\\n  a:1 AS One\nFROM one\n# FROM c\nFROM ${NO:-d} as two\n")
    assert odd.base("one", {}) == "a:1"
    assert odd.base("two", {}) == "d"
