"""What an unfinished call remembers, in a file that outlives the process: a long watch goes on after `kill -9`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gonogo.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """One file per call of a run; nothing in it is evidence, and a file that cannot be read is as good as none."""

    directory: Path
    name: str
    params: str
    """Digest of the call's params: what was remembered for others is not taken up."""

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.directory / f"{self.name}.json"

    def load(self) -> Mapping[str, Any] | None:
        """The facts that were saved last; None where there are none for these params."""
        try:
            kept = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(kept, dict) or kept.get("params") != self.params or not isinstance(kept.get("facts"), dict):
            return None
        facts: Mapping[str, Any] = kept["facts"]
        return facts

    def save(self, facts: str) -> None:
        """Put facts, as JSON text without secrets, in the place of those before; raises `OSError`."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self.path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(f'{{"params":"{self.params}","facts":{facts}}}')
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)

    def drop(self) -> None:
        """Forget them."""
        with suppress(OSError):
            self.path.unlink()
