"""Images that calls make belong to the subject of what comes after them; and what a process inherits."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from gonogo import plugins
from gonogo.model.capture import Capture
from gonogo.model.checklist import Call
from gonogo.plugins import Context, probe
from tests.engine import place as places
from tests.engine.place import Place, gate, outcomes, verdict

DIGEST = "sha256:" + "1" * 64


@dataclass(frozen=True)
class Nothing:
    """No params."""


@probe("makes_images")
def makes(_params: Nothing, context: Context) -> Capture:
    """Makes one."""
    ran = context.run("true")
    return Capture("makes_images", "make", blobs=(ran.stdout, ran.stderr), exit=0, images={"web": DIGEST})


@probe("sees_images")
def sees(_params: Nothing, context: Context) -> Capture:
    """Says which it sees."""
    ran = context.run(["sh", "-c", 'echo "$IMAGES"'], env={"IMAGES": str(dict(context.subject.images))})
    return Capture("sees_images", "see", blobs=(ran.stdout, ran.stderr), exit=0, notes=(ran.out.decode().strip(),))


@probe("inherits")
def inherits(_params: Nothing, context: Context) -> Capture:
    """Says which variables of this process two others are given."""
    show = ["sh", "-c", 'echo "${SHOWN-not there} ${HIDDEN-not there} ${GIVEN-not there}"']
    few = context.run(show, env={"GIVEN": "given"}, inherit=("PATH", "SHOWN", "NOT_SET_ANYWHERE"))
    every = context.run(show, name="all")
    said = tuple(ran.out.decode().strip() for ran in (few, every))
    return Capture("inherits", "inherit", blobs=(few.stdout, few.stderr), exit=0, notes=said)


@pytest.fixture(autouse=True)
def _kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    shelves = plugins.load()
    for kind in plugins.kinds_in(sys.modules[__name__]):
        shelves.add(kind)
    monkeypatch.setattr(places, "registry", lambda: shelves)


def test_later_calls_and_later_phases_see_them(place: Place) -> None:
    make, see = Call("make", "makes_images"), Call("see", "sees_images")
    run = place.run(
        gate("before", Call("see", "sees_images"), phase="1"),
        gate("build", make, see, phase="2"),
        gate("after", Call("see", "sees_images"), phase="3"),
    )
    assert outcomes(run) == {"before": "PASS", "build": "PASS", "after": "PASS"}
    assert "{}" in verdict(run, "before").notes
    for later in ("build", "after"):
        assert str({"web": DIGEST}) in verdict(run, later).notes
    assert run.subject.images == {"web": DIGEST}


def test_a_process_is_given_only_what_it_may_inherit(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOWN", "shown")
    monkeypatch.setenv("HIDDEN", "hidden")
    run = place.run(gate("one", Call("1", "inherits")))
    assert {"shown not there given", "shown hidden not there"} <= set(verdict(run, "one").notes)
