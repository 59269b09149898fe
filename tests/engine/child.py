"""Runs the plan on its standard input; started by tests that kill it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from gonogo import engine
from gonogo.config import Settings
from gonogo.model import codec
from gonogo.model.plan import Plan
from tests.engine.place import registry

if __name__ == "__main__":
    root = Path(sys.argv[1])
    settings = Settings(**json.loads(sys.argv[2]))
    frozen = codec.load(Plan, json.load(sys.stdin))
    finished = engine.run(frozen, root=root, state=root / ".gonogo" / "state", registry=registry(), settings=settings)
    sys.exit(finished.exit_code)
