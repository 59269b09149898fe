"""Notices of runs: who hears what, and that no end of them, dead or hostile, breaks a run."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from gonogo.ledger import Ledger
from gonogo.model.checklist import Gate
from gonogo.model.notice import NoticeSpec
from gonogo.telemetry import courier
from tests.engine.place import call, gate
from tests.telemetry.receiver import Receiver, receiving
from tests.telemetry.watching import GATES, SECRET, WAITS, Watching


def hook(name: str = "HOOK", *about: str) -> NoticeSpec:
    return NoticeSpec("webhook", {"url_from": name}, about or ("decision", "waiting"))


def bodies(server: Receiver) -> list[dict[str, Any]]:
    return [json.loads(taken.body) for taken in server.taken]


def test_the_decision_is_told(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as server:
        monkeypatch.setenv("HOOK", server.url)
        view = watching.run(*GATES, notify=(hook(),))
    (told,) = bodies(server)
    assert told["occasion"] == "decision"
    assert told["title"].startswith("NO-GO: A checklist of ")
    assert told["gates"] == {"PASS": 1, "FAIL": 1, "ERROR": 1, "NOT_RUN": 1}
    assert told["lines"][-1] == f"`gonogo show {view.id}` shows it all"


def test_that_it_waits_is_told_while_it_waits(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as server:
        monkeypatch.setenv("HOOK", server.url)
        watching.run(WAITS, notify=(hook(),), wait=4.0)
    first, second = bodies(server)
    assert (first["occasion"], first["state"], first["decision"]) == ("waiting", "running", None)
    assert first["waiting_for"] == ["Ben: Somebody agrees (asks)"]
    assert (second["occasion"], second["decision"]) == ("decision", "HOLD")


@pytest.mark.parametrize(("gates", "occasions"), [((WAITS,), ["waiting"]), ((GATES[0],), [])])
def test_who_asks_about_waiting_only_hears_of_nothing_else(
    watching: Watching, monkeypatch: pytest.MonkeyPatch, gates: tuple[Gate, ...], occasions: list[str]
) -> None:
    with receiving() as server:
        monkeypatch.setenv("HOOK", server.url)
        watching.run(*gates, notify=(hook("HOOK", "waiting"),))
    assert not watching.notes
    assert [one["occasion"] for one in bodies(server)] == occasions


def test_a_server_that_fails_first_is_told_again(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(500, 200) as server:
        monkeypatch.setenv("HOOK", server.url)
        watching.run(GATES[0], notify=(hook(),))
    first, second = bodies(server)
    assert first["id"] == second["id"]
    assert not watching.notes


# --- nobody breaks a run -------------------------------------------------------------------------------------


def test_dead_and_hostile_ends_cost_a_note_and_little_time(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "AT_MOST", 5.0)
    with receiving(None) as hanging, receiving(403) as refusing:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", hanging.url)
        monkeypatch.setenv("HANGS", f"{hanging.url}/{SECRET}")
        monkeypatch.setenv("REFUSES", f"{refusing.url}/{SECRET}")
        began = time.monotonic()
        view = watching.run(
            *GATES,
            traces=True,
            events=f"{hanging.url}/{SECRET}",
            metrics_push=f"{refusing.url}/{SECRET}",
            notify=(hook("HANGS"), hook("REFUSES"), hook("MISSING")),
        )
        took = time.monotonic() - began
    assert view.exit_code == 1
    assert took < view.seconds + 15, "less than one answer that hangs is waited for"
    assert [note for note in view.notes if "not sent" in note] == watching.notes
    notes = "\n".join(watching.notes)
    assert "metrics push: not sent: the answer was 403" in notes
    assert "notice 1 (webhook): not sent: no end within 5 s" in notes
    assert "notice 2 (webhook): not sent: the answer was 403" in notes
    assert "notice 3 (webhook): not sent: the variable `MISSING` is not set" in notes
    assert "traces: not sent" in notes
    assert "events: not sent (8 of 8)" in notes
    assert SECRET not in notes
    assert SECRET.encode() not in watching.everything_kept()


def test_an_answer_that_never_ends_is_left(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "AT_MOST", 1.0)
    over = threading.Event()

    def drip() -> None:
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            while not over.wait(0.02):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip)
        thread.start()
        monkeypatch.setenv("HOOK", f"http://127.0.0.1:{listening.getsockname()[1]}/")
        assert watching.run(GATES[0], notify=(hook(),)).exit_code == 0
        over.set()
        thread.join(5)
    assert watching.notes == ["notice 1 (webhook): not sent: no end within 1 s"]


def test_what_was_not_sent_is_in_the_ledger_and_in_no_decision(watching: Watching) -> None:
    view = watching.run(GATES[0], notify=(hook("MISSING"),))
    (note,) = watching.notes
    assert note in view.notes
    again = watching.place.view()
    assert note in again.notes
    assert again.seconds == view.seconds, "what comes after the end is no part of the run"
    assert again.decision is not None
    assert note not in [reason.text for reason in again.decision.reasons]
    ledger = Ledger(watching.place.state / "ledger.db")
    try:
        assert ledger.events(view.id)[-1].event == "untold"
    finally:
        ledger.close()


def test_a_bug_in_what_tells_others_is_a_note(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr("gonogo.telemetry.metrics.exposition", broken)
    monkeypatch.setattr("gonogo.telemetry.events.event", broken)
    assert watching.run(GATES[0], metrics_file=Path("x.prom"), events="http://127.0.0.1:9/").exit_code == 0
    assert "metrics file: not sent: gonogo broke over it (ZeroDivisionError)" in watching.notes
    monkeypatch.setattr("gonogo.telemetry.office.ways", broken)
    watching.heard.said.clear()
    assert watching.run(GATES[0], events="http://127.0.0.1:9/").exit_code == 0
    assert watching.notes == ["others were not told of this run: gonogo broke over it (ZeroDivisionError)"]


def test_the_address_of_a_notice_reaches_no_evidence(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as server:
        monkeypatch.setenv("HOOK", f"{server.url}/{SECRET}")
        monkeypatch.setenv("GONOGO_EVENTS", f"{server.url}/events-{SECRET}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"a=%20{SECRET}-1,b={SECRET}-2")
        line = 'echo "$HOOK $GONOGO_EVENTS $OTEL_EXPORTER_OTLP_HEADERS"'
        watching.run(gate("prints", call(line)), notify=(hook(),))
        assert SECRET.encode() not in b"".join(taken.body for taken in server.taken)
    assert SECRET.encode() not in watching.everything_kept()
