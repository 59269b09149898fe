"""Images: are they there by digest, and healthy when run alone. Declared, not built in yet."""

from __future__ import annotations

from dataclasses import dataclass

from gonogo.model.capture import Capture
from gonogo.plugins import Clause, Context, probe
from gonogo.probes._facts import count, not_built_in


@dataclass(frozen=True, slots=True)
class ImageParams:
    """Which images."""

    images: tuple[str, ...] = ()
    """References, such as `medianest-backend:1.4.0`. Empty: those that the gate's commands build or pull."""


@probe(
    "image",
    yields=(
        count("images.unhealthy", "images whose healthcheck is missing or fails when run alone", "unhealthy"),
        count("images.missing", "images of the merged compose configuration that are not here by digest", "missing"),
    ),
    clauses=(
        Clause(
            r"health ?checks? (?:is |are )?(?:ok|healthy|pass(?:es)?)(?: when run (?:locally|alone))?",
            ("images.unhealthy == 0",),
            "healthcheck OK when run locally",
            brings={},
        ),
        Clause(
            r"(?:latest |all )?(?:tags|images) (?:are )?pulled",
            ("exit == 0", "images.missing == 0"),
            "Latest tags pulled",
            brings={},
        ),
    ),
)
def image(_params: ImageParams, _context: Context) -> Capture:
    """Look at built or pulled images. Declared, not built in yet: UNKNOWN."""
    return not_built_in("image", "images")
