"""The releases of a target on disk: the configuration drafted from checklist and env file, and what is kept of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from gonogo import envfile
from gonogo.frozen import dataclass
from gonogo.model import codec
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome
from gonogo.model.release import Release
from gonogo.plugins import Context, OnlyHere, OutOfReach
from gonogo.targets._durable import read_json, write_json
from gonogo.targets._local_home import Home
from gonogo.targets._local_params import LocalParams, port_of
from gonogo.targets._local_trees import remove
from gonogo.targets._local_units import Config, ServiceConfig

_DRAFTS_FOR = 24 * 3600.0
"""Seconds that a draft is left for the run that made it."""

Hide = Callable[[Mapping[str, str]], None]
"""Makes secrets of those variables whose values are not plainly public."""


def hiding(context: Context) -> Hide:
    """As `Hide`, through a context."""
    return lambda values: context.add_secrets([v for key, v in values.items() if not envfile.public(key, v)])


def configured(params: LocalParams, context: Context) -> Config:
    """The configuration as the checklist and the env file say it now; raises `OutOfReach` for a missing file."""
    if not params.services:
        raise OutOfReach("the target declares no services", help="name at least one under `services:`")
    values = _values(params.env_file, context)
    return Config(
        {
            name: ServiceConfig(
                command=one.command,
                cwd=one.cwd,
                values={key: text for key, text in values.items() if _given(key, one.variables)},
                env=dict(one.env),
                port=port_of(name, one),
                health=one.health,
                needs=one.needs,
                start_seconds=one.start_seconds,
                stop_seconds=one.stop_seconds,
                one_shot=one.one_shot,
            )
            for name, one in params.services.items()
        },
        params.database is not None,
    )


def _given(key: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def _values(path: str, context: Context) -> dict[str, str]:
    if not path:
        return {}
    try:
        text = context.read_file(path).decode("utf-8", "surrogateescape")
    except (OnlyHere, OSError) as error:
        why = "is not declared under `input_files`" if isinstance(error, OnlyHere) else "cannot be read"
        raise OutOfReach(
            f"the env file `{path}` {why}", help=f"make `{path}`, and name it under the checklist's `input_files`"
        ) from error
    values = {entry.key: entry.value for entry in envfile.parse(text)[0]}
    hiding(context)(values)
    return values


def migrations(folder: Path) -> tuple[str, ...]:
    """The names of the migrations in a folder: its directories, or its SQL files where it has none."""
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return tuple(one.name for one in found if one.is_dir()) or tuple(one.name for one in found if one.suffix == ".sql")


def trees_of(release: Release) -> set[str]:
    """The artifacts of a release that are directories of the target."""
    return {one for one in release.artifacts.values() if one.startswith("sha256:")}


@dataclass(frozen=True, slots=True)
class Kept:
    """What a target keeps of its releases."""

    home: Home
    hide: Hide

    def _config(self, digest: str) -> Path:
        return self.home.made() / "configs" / f"{digest}.json"

    def store(self, config: Config) -> str:
        """Keep a configuration; its digest."""
        digest = config.digest(self.home.salt())
        if not self._config(digest).exists():
            write_json(self._config(digest), config)
        return digest

    def config(self, release: Release) -> Config:
        """The configuration that a release was drafted with; raises `OutOfReach` where it is gone."""
        stored = read_json(self._config(release.config))
        if stored is None:
            raise OutOfReach(f"the configuration of {release.id} is gone", help="roll out its commit again")
        config = codec.load(Config, stored)
        for service in config.services.values():
            self.hide(service.values)
        return config

    def trouble(self, release: Release) -> Trouble | None:
        """Why a release cannot be put there: its directory or its configuration is gone, or was changed."""
        for artifact in sorted(trees_of(release)):
            place, whole = self.home.trees.path(artifact), self.home.trees.intact(artifact)
            if whole is None:
                return _gone("release-gone", f"the directory of {release.id} is gone: `{place}`")
            if not whole:
                return _gone("release-mutated", f"the directory of {release.id} was changed: `{place}`")
        try:
            if self.config(release).digest(self.home.salt()) != release.config:
                return _gone("config-mutated", f"the kept configuration of {release.id} was changed")
        except OutOfReach as error:
            return _gone("config-gone", error.message)
        return None

    def keep(self, release: Release) -> Release:
        """Keep its directories and its configuration until they are let go."""
        note = {"artifacts": sorted(trees_of(release)), "config": release.config}
        write_json(self.home.made() / "kept" / f"{release.number}.json", note)
        return replace(release, facts={**release.facts, "kept": True})

    def forget(self, release: Release, running: set[str]) -> None:
        """Let go of it: what no other kept release needs, and does not run, is removed."""
        notes = self.home.made() / "kept"
        with suppress(FileNotFoundError):
            (notes / f"{release.number}.json").unlink()
        others = [read_json(file) or {} for file in notes.glob("*.json")]
        used = running | {one for note in others for one in note["artifacts"]}
        configs = {note["config"] for note in others}
        for artifact in trees_of(release) - used:
            remove(self.home.trees.path(artifact))
        if release.config not in configs:
            self._config(release.config).unlink(missing_ok=True)
        self._sweep({self.home.trees.path(one) for one in used} | {self._config(one) for one in configs})

    def _sweep(self, used: set[Path]) -> None:
        """Remove drafts that nothing came of: a configuration holds values, and should not lie about for ever."""
        found = [*(self.home.directory / "configs").glob("*.json"), *(self.home.directory / "releases").iterdir()]
        for path in found:
            if path not in used and time.time() - path.lstat().st_mtime > _DRAFTS_FOR:
                remove(path) if path.is_dir() else path.unlink(missing_ok=True)


def _gone(slug: str, message: str) -> Trouble:
    return Trouble(Outcome.FAIL, slug, message, "choose another release, or roll out its commit again")
