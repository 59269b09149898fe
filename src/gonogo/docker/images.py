"""Images: their exact identity, and what they say of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from gonogo.docker.client import Docker
from gonogo.frozen import dataclass

REVISION = "org.opencontainers.image.revision"
"""Label with the commit an image was made of (https://github.com/opencontainers/image-spec/blob/main/annotations.md)."""

_OPTIONAL = {
    "RepoTags": ". ",
    "RepoDigests": ". ",
    "Created": ". ",
    "Healthcheck": ".Config ",
    "Labels": ".Config ",
    "User": ".Config ",
    "Layers": ".RootFS ",
}
_ASKED = ",".join(f'"{name}":{{{{json (index {where}"{name}")}}}}' for name, where in _OPTIONAL.items())
TEMPLATE = f'{{"Id":{{{{json .Id}}}},"Size":{{{{json .Size}}}},{_ASKED}}}'
"""What is told of an image, without its environment."""


@dataclass(frozen=True, slots=True)
class Image:
    """One image that is here."""

    id: str
    """`sha256:…`: of its configuration in the classic store, of its manifest in containerd's."""
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    """`repository@sha256:…`: its manifest in registries."""
    size: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    healthcheck: bool = False
    interval: float = 30.0
    """Seconds between two of its health checks."""
    start_period: float = 0.0
    user: str = ""
    layers: tuple[str, ...] = ()

    @property
    def revision(self) -> str:
        """The commit that it says it was made of; empty where it says nothing."""
        return self.labels.get(REVISION, "")


def find(docker: Docker, name: str) -> Image | None:
    """The image that a name, a digest or an Id means now; None: there is none. Raises `OutOfReach`."""
    return next(iter(find_all(docker, (name,))), None)


def find_all(docker: Docker, names: Sequence[str]) -> list[Image]:
    """The images that are here of these names."""
    found = []
    for told in docker.inspect("image", names, TEMPLATE):
        check = told.get("Healthcheck") or {}
        test = check.get("Test") or []
        found.append(
            Image(
                id=str(told.get("Id", "")),
                tags=tuple(told.get("RepoTags") or ()),
                digests=tuple(told.get("RepoDigests") or ()),
                size=int(told.get("Size") or 0),
                labels=dict(told.get("Labels") or {}),
                healthcheck=bool(test) and test[0] != "NONE",
                interval=float(check.get("Interval") or 0) / 1e9 or 30.0,
                start_period=float(check.get("StartPeriod") or 0) / 1e9,
                user=str(told.get("User") or ""),
                layers=tuple(told.get("Layers") or ()),
            )
        )
    return found
