"""`gonogo --help` against `pre-commit --version`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.timing import Timed, in_turn

LIMIT = 1.0


def measure(rounds: int = 11) -> dict[str, Timed]:
    """Median seconds of each, by name."""
    binaries = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as name:
        return in_turn(
            {
                "gonogo --help": ([str(binaries / "gonogo"), "--help"], Path(name)),
                "pre-commit --version": ([str(binaries / "pre-commit"), "--version"], Path(name)),
            },
            rounds,
        )
