"""Fixtures that every test may ask for: see tests/containers/README.md."""

from tests.containers.bed import bare_engine, compose_project, engine, example, image_registry, registry_mirror

__all__ = ["bare_engine", "compose_project", "engine", "example", "image_registry", "registry_mirror"]
