"""Fixtures that every test may ask for: see tests/containers/README.md, and tests/postgres.py."""

import sys

import hypothesis

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

# cel-python raises it to this at its first use, wherever that is; hypothesis permits nobody to do so within a test.
sys.setrecursionlimit(2500)

# A busy machine is no error of what is tested.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
if hypothesis.settings.get_current_profile_name() != "ci":  # that is as patient, and its examples are always the same
    hypothesis.settings.load_profile("patient")
