"""Fixtures that every test may ask for: see tests/containers/README.md, and tests/postgres.py."""

from tests.containers.bed import (
    bare_engine,
    compose_project,
    engine,
    example,
    image_registry,
    registry_mirror,
    running_example,
)
from tests.postgres import database, postgres

__all__ = [
    "bare_engine",
    "compose_project",
    "database",
    "engine",
    "example",
    "image_registry",
    "postgres",
    "registry_mirror",
    "running_example",
]
