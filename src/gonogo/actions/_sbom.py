"""A bill of materials of an image, by a tool that is installed: what the project is made of is theirs to know."""

from __future__ import annotations

import json

from gonogo.docker.client import Docker, said
from gonogo.model.capture import Blob

MEDIA_TYPE = "application/vnd.cyclonedx+json"
NAME = "sbom.cdx.json"


def materials(docker: Docker, image: str, syft: bool) -> tuple[tuple[Blob, ...], list[str]]:
    """The CycloneDX document of an image, and notes; neither tool being there is a note, and no trouble."""
    place = docker.context.scratch / NAME
    if syft:
        argv: tuple[str, ...] = ("syft", "scan", f"docker:{image}", "--quiet", "--output", f"cyclonedx-json={place}")
    elif docker.run("sbom", "version", name="sbom-version").exit == 0:
        argv = ("docker", "sbom", "--format", "cyclonedx-json", "--output", str(place), image)
    else:
        return (), ["no bill of materials: neither `syft` nor `docker sbom` is installed"]
    ran = docker.context.run(argv, name="sbom")
    if ran.exit != 0 or not place.is_file():
        return (), [f"no bill of materials: `{argv[0]}` failed: {said(ran) or f'exit code {ran.exit}'}"]
    data = place.read_bytes()
    try:
        document = json.loads(data)
    except ValueError:
        document = {}
    if document.get("bomFormat") != "CycloneDX":
        return (), [f"no bill of materials: what `{argv[0]}` wrote is no CycloneDX"]
    count = len(document.get("components") or ())
    return (docker.context.keep(NAME, data, MEDIA_TYPE),), [f"{count} components in the bill of materials"]
