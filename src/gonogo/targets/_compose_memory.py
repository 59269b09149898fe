"""What is true of a Compose target, kept on its engine: the lock, the releases, and each release's configuration.

The lock is a container that is never started: an engine gives a name away once, whoever asks, and it is removed by its
own Id, so that two who break a dead lock cannot break each other's. The rest lies in a labelled volume, read and
written through `docker cp`. The image of both containers is empty: nothing of it can ever run.

State is written into two files in turn, each with its own digest: whoever is cut off writing one leaves the other.
Configurations hold the secrets of a release. They lie where the engine itself keeps the environment of its containers,
and nowhere else.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gonogo.docker.client import Docker, failed, gone, taken
from gonogo.model import codec
from gonogo.model.release import TargetState
from gonogo.plugins import OutOfReach, Ran

NOTHING = "gonogo/nothing:1"
TARGET = "gonogo.target"
"""Label of all that gonogo keeps for a target; its value is the project."""
_HOLDER = "gonogo.holder"
_SLOTS = ("state-a.json", "state-b.json")
_LOCK_TEMPLATE = f'{{"Id":{{{{json .Id}}}},"holder":{{{{json (index .Config.Labels "{_HOLDER}")}}}}}}'
_TRIES = 25
_PAUSE = 0.2


@dataclass
class Memory:
    """What a project's engine remembers for gonogo."""

    docker: Docker
    project: str
    _loaded: tuple[TargetState, int, str] | None = None
    """What `load` brought last, its number, and the file it stands in."""
    _locked: tuple[str, Mapping[str, Any]] | None = None
    """The Id of the lock that was taken through this, and who it was taken for."""

    @property
    def _lock(self) -> str:
        return f"gonogo-lock-{self.project}"

    @property
    def _volume(self) -> str:
        return f"gonogo-{self.project}"

    # --- the lock ------------------------------------------------------------------------------------------------

    def claim(self, holder: Mapping[str, Any], instead_of: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """Take the lock, and return who holds it now."""
        if instead_of is not None:
            held = self._held()
            if held is not None and held[1] == dict(instead_of):
                self.docker.run("rm", held[0])
        label = codec.canonical(holder).decode()
        options = ("--label", f"{TARGET}={self.project}", "--label", f"{_HOLDER}={label}")
        for _ in range(_TRIES):
            made = self._create(self._lock, *options, name="lock")
            if made.exit == 0:
                self._locked = made.out.decode(errors="replace").strip(), holder
                return holder
            if not taken(made):
                raise failed(made, "docker create")
            # An engine gives the name away before the container can be seen; or it was given back a moment ago.
            held = self._held()
            if held is not None:
                return held[1]
            self.docker.context.wait(_PAUSE)
        raise OutOfReach(f"the lock `{self._lock}` comes and goes", help="see who else deploys there, and try again")

    def unclaim(self, holder: Mapping[str, Any]) -> None:
        """Give the lock back, if it is that holder's: by its own Id, which no other lock ever has."""
        mine = self._locked if self._locked is not None and self._locked[1] == holder else self._held()
        if mine is None or codec.dump(mine[1]) != codec.dump(dict(holder)):
            return
        self._locked = None
        removed = self.docker.run("rm", mine[0])
        if removed.exit != 0 and (held := self._held()) is not None and held[0] == mine[0]:
            raise failed(removed, "docker rm")

    def holder(self) -> Mapping[str, Any] | None:
        """Who holds the lock; None: nobody."""
        held = self._held()
        return held[1] if held else None

    def _held(self) -> tuple[str, dict[str, Any]] | None:
        for told in self.docker.inspect("container", (self._lock,), _LOCK_TEMPLATE):
            try:
                holder = json.loads(told["holder"])
            except ValueError:
                holder = {"host": "unknown: its label cannot be read"}
            return str(told["Id"]), holder
        return None

    # --- the state -----------------------------------------------------------------------------------------------

    def load(self) -> TargetState:
        """What it remembers; an empty state where nothing was ever kept."""
        self._loaded = self._load()
        return self._loaded[0]

    def _load(self) -> tuple[TargetState, int, str]:
        """The state, its number, and the file it stands in."""
        files = self._files()
        torn = False
        best: tuple[int, str, Any] | None = None
        for slot in _SLOTS:
            if not (data := files.get(slot)):
                continue
            kept = _checked(data)
            torn = torn or kept is None
            if kept is not None and (best is None or kept["number"] > best[0]):
                best = (kept["number"], slot, kept["state"])
        if best is not None:
            return codec.load(TargetState, best[2]), best[0], best[1]
        if torn:
            mend = f"look into the volume `{self._volume}`; remove it to forget all releases of this target"
            raise OutOfReach("what the target remembers cannot be read", help=mend)
        return TargetState(), 0, _SLOTS[1]

    def save(self, state: TargetState, over: TargetState | None = None) -> None:
        """Replace what it remembers; a holder whose lock was taken over changes nothing any more.

        Where `over` is what `load` brought last, it is compared with that, and good for one write.
        """
        last, self._loaded = self._loaded, None
        known, count, slot = last if last is not None and last[0] is over else self._load()
        if known.fence > state.fence:
            message = f"the lock of the target was taken over: {known.fence} is its number now, and {state.fence} ours"
            raise OutOfReach(message, help="see what the other run did there, then `gonogo run --resume`")
        data = codec.dump(state)
        body = {"number": count + 1, "digest": codec.digest(data), "state": data}
        self._write(_SLOTS[1 - _SLOTS.index(slot)], codec.canonical(body))

    # --- configurations ------------------------------------------------------------------------------------------

    def keep_config(self, release: int, data: Mapping[str, Any]) -> None:
        """Keep the whole configuration of a release, secrets and all."""
        body = {"number": release, "digest": codec.digest(data), "state": data}
        self._write(f"r{release}.json", codec.canonical(body))

    def config(self, release: int) -> Mapping[str, Any] | None:
        """The configuration of a release; None: it is not kept, or not whole."""
        data = self._files().get(f"r{release}.json")
        kept = _checked(data) if data else None
        return kept["state"] if kept else None

    def drop_config(self, release: int) -> None:
        """Forget the configuration of a release."""
        if self._exists():
            self._write(f"r{release}.json", b"")

    # --- files in the volume -------------------------------------------------------------------------------------

    def _exists(self) -> bool:
        return bool(self.docker.inspect("volume", (self._volume,), '{"Name":{{json .Name}}}'))

    def _files(self) -> dict[str, bytes]:
        place, source = self.docker.context.scratch, f"{self._volume}:/state/."
        try:
            if self.docker.run("cp", source, str(place), name="state").exit != 0:
                if not self._exists():
                    return {}
                self._have_holder()
                self.docker.must("cp", source, str(place), name="state")
            return {path.name: path.read_bytes() for path in place.iterdir() if path.is_file()}
        finally:
            _empty(place)

    def _write(self, name: str, data: bytes) -> None:
        place = self.docker.context.scratch
        file = place / name
        try:
            file.touch(mode=0o600)
            file.write_bytes(data)
            self._copy(str(file), f"{self._volume}:/state/{name}")
        finally:
            _empty(place)

    def _copy(self, source: str, to: str) -> None:
        """Into the volume, or out of it; once more where there is no container through which it is reached."""
        if self.docker.run("cp", source, to, name="state").exit != 0:
            self._have_holder()
            self.docker.must("cp", source, to, name="state")

    def _have_holder(self) -> None:
        """The container through which the volume is reached; it also keeps the volume from being pruned."""
        if self.docker.inspect("container", (self._volume,), '{"Id":{{json .Id}}}'):
            return
        label = ("--label", f"{TARGET}={self.project}")
        if not self._exists():
            self.docker.must("volume", "create", *label, self._volume)
        made = self._create(self._volume, *label, "--volume", f"{self._volume}:/state")
        if made.exit != 0 and not taken(made):
            raise failed(made, "docker create")

    def _create(self, called: str, *options: str, name: str = "") -> Ran:
        """A container of the empty image; the image is made where it is not there."""
        arguments = ("create", "--pull", "never", "--name", called, *options, NOTHING, "none")
        made = self.docker.run(*arguments, name=name)
        if made.exit == 0 or not gone(made):
            return made
        self._make_nothing()
        return self.docker.run(*arguments, name=name)

    def _make_nothing(self) -> None:
        """The empty image."""
        place = self.docker.context.scratch
        file = place / "nothing.tar"
        try:
            with tarfile.open(file, "w"):
                pass
            self.docker.must("import", str(file), NOTHING, name="nothing")
        finally:
            _empty(place)


def _checked(data: bytes) -> dict[str, Any] | None:
    """What was written, if it is whole."""
    try:
        kept = json.loads(data)
        whole = kept["digest"] == codec.digest(kept["state"])
    except (ValueError, KeyError, TypeError):
        return None
    return kept if whole else None


def _empty(place: Path) -> None:
    for path in place.iterdir():
        if path.is_file():
            path.unlink()
