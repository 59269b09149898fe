"""Runs in one repository that are told to others."""

from __future__ import annotations

import dataclasses
from typing import Any

from gonogo import engine
from gonogo.config import Settings
from gonogo.model.checklist import Gate, Question
from gonogo.model.notice import NoticeSpec
from gonogo.model.run import RunView
from gonogo.telemetry.watched import Watched
from tests.engine.place import Heard, Place, gate, registry

SECRET = "hunter2-and-more"
GATES = (
    gate("good", "true"),
    gate("bad", "false"),
    gate("gone", "no-such-program-here", phase="1"),
    gate("later", "true", phase="2"),
)
WAITS = Gate(
    "asks", "Somebody agrees", "1", ("Ben",), questions=(Question("asks.1", "Is it well?", "a person is asked"),)
)


@dataclasses.dataclass
class Watching:
    """Runs in one repository, told to others."""

    place: Place
    heard: Heard = dataclasses.field(default_factory=Heard)

    def run(self, *gates: Gate, notify: tuple[NoticeSpec, ...] = (), wait: float = 0.0, **settings: Any) -> RunView:
        given = Settings(jobs=1, **settings)
        return engine.run(
            self.place.plan(*gates, notify=notify),
            root=self.place.root,
            state=self.place.state,
            registry=registry(),
            settings=given,
            listener=Watched(self.heard, given, registry()),
            wait=wait,
        )

    @property
    def notes(self) -> list[str]:
        return [said[1] for said in self.heard.said if said[0] == "note"]

    def everything_kept(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.place.state.rglob("*") if path.is_file())
