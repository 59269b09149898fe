"""What is true of a target in a directory: who holds its lock, and what it remembers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model import codec
from gonogo.model.release import TargetState
from gonogo.plugins import OutOfReach
from gonogo.targets._durable import guarded, read_json, write_json


@dataclass(frozen=True, slots=True)
class Memory:
    """Lock and state below a directory that is there. Safe between threads and processes of one machine."""

    directory: Path

    @property
    def _lock(self) -> Path:
        return self.directory / "lock.json"

    @property
    def _state(self) -> Path:
        return self.directory / "state.json"

    @property
    def _guard(self) -> Path:
        return self.directory / ".guard"

    def claim(self, holder: Mapping[str, Any], instead_of: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """Take the lock where it is free, or is still `instead_of`'s; who holds it now."""
        with guarded(self._guard):
            now = self.holder()
            if now is None or (instead_of is not None and now == instead_of):
                write_json(self._lock, holder)
                return holder
            return holder if now == holder else now

    def unclaim(self, holder: Mapping[str, Any]) -> None:
        """Give the lock back, if it is that holder's."""
        with guarded(self._guard):
            if self.holder() == holder:
                self._lock.unlink()

    def holder(self) -> Mapping[str, Any] | None:
        """Who holds the lock; None: nobody."""
        found: Mapping[str, Any] | None = read_json(self._lock)
        return found

    def load(self) -> TargetState:
        """What is remembered; an empty state where nothing is. Raises `OutOfReach` where it cannot be read."""
        stored = read_json(self._state)
        if stored is None:
            return TargetState()
        try:
            return codec.load(TargetState, stored)
        except ValueError as error:  # of a newer gonogo, or edited by hand
            raise OutOfReach(
                f"cannot understand `{self._state}`", help="use the gonogo that wrote it, or a newer one"
            ) from error

    def save(self, state: TargetState) -> None:
        """Replace what is remembered; raises `OutOfReach` for one who has lost the lock to a later holder."""
        with guarded(self._guard):
            known = self.load().fence
            if state.fence < known:
                raise OutOfReach(
                    f"the target's lock was taken over by another run (fencing number {known}, ours is {state.fence})",
                    help="let that run end, then run again",
                )
            write_json(self._state, state)
