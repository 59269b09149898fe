"""The small history that the demo gives the example project."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Commit:
    """One step, and the paths that it brings."""

    date: str
    author: str
    message: str
    paths: tuple[str, ...]


COMMITS = (
    Commit(
        "2025-09-01T09:12:00+02:00",
        "Ada Mayer",
        "chore: lay out the workspaces",
        (
            *(
                ".gitignore",
                ".prettierrc.json",
                ".prettierignore",
                "commitlint.config.js",
                ".husky",
                "eslint.config.js",
            ),
            *("package.json", "package-lock.json", "tsconfig.base.json", "scripts/clean.mjs"),
            *("shared/package.json", "backend/package.json", "frontend/package.json"),
        ),
    ),
    Commit(
        "2025-09-01T16:40:00+02:00",
        "Ada Mayer",
        "feat(shared): say what a request is",
        ("shared", "vitest.config.ts"),
    ),
    Commit(
        "2025-09-03T11:05:00+02:00",
        "Grace Okafor",
        "feat(backend): keep requests in postgresql",
        ("backend/prisma", "backend/src/store", "backend/src/migrate", "backend/src/migrate-cli.ts"),
    ),
    Commit(
        "2025-09-08T14:21:00+02:00",
        "Grace Okafor",
        "feat(backend): take requests over http",
        ("backend", ".env.example"),
    ),
    Commit(
        "2025-09-10T10:02:00+02:00",
        "Lin Haas",
        "feat(frontend): list and request media on a page",
        ("frontend",),
    ),
    Commit(
        "2025-09-11T17:33:00+02:00",
        "Ada Mayer",
        "build: measure, verify and scan what is built",
        ("scripts", "load-tests"),
    ),
    Commit(
        "2025-09-11T18:05:00+02:00",
        "Grace Okafor",
        "build: put it into containers, and watch them",
        ("Dockerfile", ".dockerignore", "docker-compose.yml", "config", ".env.staging.example"),
    ),
    Commit(
        "2025-09-12T08:50:00+02:00",
        "Lin Haas",
        "docs: tell how it is run",
        ("docs", "mkdocs.yml", "requirements-docs.txt", "README.md"),
    ),
    Commit(
        "2025-09-12T09:30:00+02:00",
        "Grace Okafor",
        "ci: say what must hold before staging",
        (".",),
    ),
)
"""Oldest first. The last one brings whatever is left, so that the tree is clean: this is release 1.4.0."""

RELEASE_BEFORE = "v1.4.0"
"""The tag after `COMMITS`: the release that is there already, and to which a rollback leads."""

NEXT = Commit(
    "2025-09-22T15:10:00+02:00",
    "Grace Okafor",
    "feat(backend): say when a request was decided",
    (".",),
)
"""Brings `1.5.0.patch`, and with it the example as it stands in this repository."""
