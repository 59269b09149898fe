"""The images of releases on a Compose target: which ones this run made, and how they are kept alive.

An image that has no tag is removed by `docker image prune`, and a tag can be moved. So each image of a release is kept
in three ways: by a tag of its own, by a container that is never started, and by its recorded identity.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gonogo.docker import images
from gonogo.docker.client import Docker, failed, gone, taken
from gonogo.docker.containers import NO_PROJECT
from gonogo.docker.images import Image
from gonogo.docker.project import Config
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome
from gonogo.model.release import Release
from gonogo.plugins import OutOfReach
from gonogo.targets._compose_memory import TARGET

PIN = "gonogo.pin"
_AGAIN = "build the images again in this run, and deploy those"


@dataclass
class Artifacts:
    """Images by service."""

    docker: Docker
    project: str
    names: Mapping[str, str]
    """Service -> image reference that the checklist gives it; the configuration's own where it gives none."""
    _seen: dict[str, Image] = field(default_factory=dict)
    """Images that were judged, by Id: what an Id names never changes; it can only be gone."""

    def judged(self, config: Config, services: tuple[str, ...]) -> dict[str, str]:
        """Service -> Id of the image that this run made of the subject; raises `OutOfReach` where one is missing."""
        found = {service: self._judged(service, self.reference(config, service)) for service in services}
        self._seen |= {image.id: image for image in found.values()}
        return {service: image.id for service, image in found.items()}

    def reference(self, config: Config, service: str) -> str:
        """The image's name: as the checklist says, as the Compose files say, or as Compose names what it builds."""
        given = self.names.get(service) or str(config.services.get(service, {}).get("image") or "")
        return given or f"{config.name}-{service}"

    def _judged(self, service: str, reference: str) -> Image:
        subject = self.docker.context.subject
        built = subject.images.get(service)
        found = images.find(self.docker, reference)
        if built is not None:
            if found is not None and not _is(found, built):
                message = f"`{reference}` is not the image that was judged: it was made anew under the same name"
                raise OutOfReach(message, help=_AGAIN)
            found = found or images.find(self.docker, built)
            if found is None:
                raise OutOfReach(f"the image of `{service}` that was judged is gone: `{built[:19]}`", help=_AGAIN)
            return found
        if found is None:
            raise OutOfReach(
                f"there is no image `{reference}` for `{service}`", help="build or pull it before this gate"
            )
        if not _of_commit(found, subject.commit):
            of = f"of commit `{found.revision[:12]}`" if found.revision else "of nobody knows which commit"
            message = f"`{reference}` is an image {of}, and not of the subject `{subject.commit[:12]}`"
            raise OutOfReach(message, help=f"build it in this run, or with `--label {images.REVISION}=<commit>`")
        return found

    # --- kept alive ----------------------------------------------------------------------------------------------

    def tag(self, service: str, release: int) -> str:
        """The tag that keeps the image of a release."""
        return f"gonogo/{repository(self.project, service)}:r{release}"

    def keep(self, release: Release) -> Release:
        """Tag and pin each image; the release with what says how."""
        kept: dict[str, Any] = {}
        for service, identity in release.artifacts.items():
            image = self._seen.get(identity) or images.find(self.docker, identity)
            tag = self.tag(service, release.number)
            tagged = self.docker.run("tag", identity, tag)
            if image is None or (tagged.exit != 0 and gone(tagged)):
                raise OutOfReach(f"the image of `{service}` is gone: `{identity[:19]}`", help=_AGAIN)
            if tagged.exit != 0:
                raise failed(tagged, "docker tag")
            self._pin(service, release.number, tag)
            kept[service] = {"tag": tag, "id": image.id, "digests": list(image.digests), "size": image.size}
        return replace(release, facts={**release.facts, "images": kept, "store": self.docker.store})

    def _pin(self, service: str, release: int, tag: str) -> None:
        labels = ("--label", f"{TARGET}={self.project}", "--label", f"{PIN}=r{release}")
        options = (*NO_PROJECT, *labels, "--network", "none", "--pull", "never")
        made = self.docker.run("create", "--name", self._pin_name(service, release), *options, tag, "none")
        if made.exit != 0 and not taken(made):
            raise failed(made, "docker create")

    def _pin_name(self, service: str, release: int) -> str:
        return f"gonogo-pin-{repository(self.project, service).replace('/', '-')}-r{release}"

    def forget(self, release: Release) -> None:
        """Let go of pins and tags."""
        pins = [self._pin_name(service, release.number) for service in release.artifacts]
        there = self.docker.inspect("container", pins, '{"Id":{{json .Id}}}')
        if there:
            self.docker.must("rm", "--volumes", *(str(one["Id"]) for one in there))
        for service in release.artifacts:
            tag = self.tag(service, release.number)
            if images.find(self.docker, tag) is not None:
                self.docker.run("rmi", "--no-prune", tag)  # what still runs from it keeps its layers

    def present(self, release: Release) -> Trouble | None:
        """Why an image of the release cannot be put back; None: all are here, and are what they were."""
        for service, identity in release.artifacts.items():
            tag = str((release.facts.get("images") or {}).get(service, {}).get("tag", ""))
            found = images.find(self.docker, tag or identity)
            if found is None:
                return self._gone(service, identity, tag, release)
            if found.id != identity:
                message = f"`{tag}` is another image than release {release.id} ran: it was moved to `{found.id[7:19]}`"
                return Trouble(
                    Outcome.FAIL, "target-mutated", message, "roll back to another release, and see who did it"
                )
        return None

    def _gone(self, service: str, identity: str, tag: str, release: Release) -> Trouble:
        if tag and images.find(self.docker, identity) is not None:
            mend = f"give it back: docker tag {identity} {tag}"
            return Trouble(Outcome.FAIL, "tag-missing", f"the tag `{tag}` of release {release.id} is gone", mend)
        told = (release.facts.get("images") or {}).get(service, {}).get("digests") or ()
        mend = f"pull it again: docker pull {told[0]}" if told else f"build commit {release.commit[:12]} again"
        message = f"the image of `{service}` in release {release.id} is gone: `{identity[:19]}`"
        return Trouble(Outcome.FAIL, "image-missing", message, mend)


def repository(project: str, service: str) -> str:
    """A repository name of both: lower case, no two separators beside each other, and never the same for two."""
    plain = f"{project}-{service}"
    name = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    return name if name == plain else f"{name}-{hashlib.sha256(plain.encode()).hexdigest()[:8]}"


def _is(image: Image, digest: str) -> bool:
    """Whether a digest is that image's: its Id, or that of its manifest in a registry."""
    return digest == image.id or any(one.endswith(f"@{digest}") for one in image.digests)


def _of_commit(image: Image, commit: str) -> bool:
    """Whether an image says it was made of the commit; a shortened commit will do, from seven digits on."""
    said = image.revision
    return bool(commit) and len(said) >= 7 and commit.startswith(said)  # noqa: PLR2004 - git's own shortest
