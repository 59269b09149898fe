"""What people say of a run, taken in by whoever holds the ledger: what waited goes on, and a no-go stops the rest."""

from __future__ import annotations

import dataclasses
import multiprocessing
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gonogo import engine
from gonogo.config import Settings
from gonogo.engine import poll
from gonogo.errors import GonogoError, Refused
from gonogo.evidence import sign
from gonogo.evidence.sign import Envelope
from gonogo.ledger import Ledger
from gonogo.ledger.view import fold
from gonogo.model.checklist import Call, Gate, Question
from gonogo.model.outcome import DecisionWord, State
from gonogo.model.roster import Roster, Seat
from gonogo.model.run import RunView
from gonogo.model.sign_off import Word
from gonogo.owners import sign_off
from tests.engine.place import Heard, Place, call, gate, outcomes, registry, verdict
from tests.owners.people import ADA, BEN, key, signed

ROSTER = Roster((Seat("Backend", ("ada",)), Seat("DevOps", ("ben",))))
LOOKS = gate("looks", "echo x >> out/looks", owners=("Backend",))
ASKS = Gate("asks", "Asks", "1", ("DevOps",), questions=(Question("asks.1", "Does it look right?", "no rule"),))
ACTS = gate("acts", call("echo x >> out/acts", acts=True), phase="2", owners=("DevOps",))


class Crew:
    """Runs in one repository, and the people who speak of them."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.listener = Heard()
        (place.root / "out").mkdir()

    def run(self, *gates: Gate, demanded: tuple[str, ...] = (), wait: float = 0.0, **settings: Any) -> RunView:
        plan = self.place.plan(*gates, roster=ROSTER, sign_offs=demanded)
        plan = dataclasses.replace(plan, people=(ADA, BEN))
        return engine.run(plan, **self._given(settings), wait=wait)

    def resume(self, **settings: Any) -> RunView:
        return engine.resume(**self._given(settings))

    def _given(self, settings: dict[str, Any]) -> dict[str, Any]:
        self.listener = Heard()
        return {
            "root": self.place.root,
            "state": self.place.state,
            "registry": registry(),
            "settings": Settings(**{"jobs": 2, **settings}),
            "listener": self.listener,
        }

    def say(self, view: RunView, who: str, owner: str, word: Word = Word.GO, **more: Any) -> Envelope:
        envelope, _ = signed(view, who, owner, word, **more)
        assert engine.deliver(envelope, run_id=view.id, root=self.place.root, state=self.place.state)
        return envelope

    def count(self, name: str) -> int:
        file = self.place.root / "out" / name
        return file.read_text().count("x") if file.exists() else 0

    def file(self, view: RunView) -> Path:
        return poll.file_of(self.place.state, view.id)


@pytest.fixture
def crew(place: Place) -> Crew:
    return Crew(place)


def reasons(view: RunView) -> list[str]:
    assert view.decision is not None
    return [reason.text for reason in view.decision.reasons]


# --- waiting and going on ------------------------------------------------------------------------------------


def test_a_run_that_waits_is_hold_and_goes_on_with_the_last_answer(crew: Crew) -> None:
    first = crew.run(LOOKS, ASKS, ACTS)
    assert outcomes(first) == {"looks": "PASS", "asks": "UNKNOWN", "acts": "NOT_RUN"}
    assert (first.exit_code, verdict(first, "asks").state) == (3, State.WAITING)
    crew.say(first, "ben", "DevOps", gate="asks", question="asks.1")
    second = crew.resume()
    assert outcomes(second) == {"looks": "PASS", "asks": "PASS", "acts": "PASS"}
    assert (second.id, second.exit_code) == (first.id, 0)
    assert (crew.count("looks"), crew.count("acts")) == (1, 1)
    assert [one.void for one in second.sign_offs] == [""]
    assert [heard for heard in crew.listener.said if heard[:2] == ("finished", "asks")] == [
        ("finished", "asks", "PASS")
    ]
    with pytest.raises(Refused, match="is decided already"):
        crew.resume()


def test_going_on_without_an_answer_changes_nothing(crew: Crew) -> None:
    first = crew.run(LOOKS, ASKS, ACTS)
    again = crew.resume()
    assert outcomes(again) == outcomes(first)
    assert (again.exit_code, crew.count("looks"), crew.count("acts")) == (3, 1, 0)
    assert sign_off.seen_digest(again) == sign_off.seen_digest(first)


def test_a_call_that_asks_a_person_is_answered_the_same_way(crew: Crew) -> None:
    person = Call("1", "person", {"question": "Is the store reachable?"}, text="Is the store reachable?")
    asks = gate(
        "store", person, call("echo x >> out/looks", "2"), criteria=("person.agrees", "exit == 0"), owners=("DevOps",)
    )
    first = crew.run(asks)
    assert (outcomes(first), verdict(first, "store").state) == ({"store": "UNKNOWN"}, State.WAITING)
    crew.say(first, "ben", "DevOps", gate="store", question="store:1", message="I looked")
    second = crew.resume()
    assert (outcomes(second), crew.count("looks")) == ({"store": "PASS"}, 1)
    assert "ben (DevOps) says go: I looked" in verdict(second, "store").notes


def test_a_no_to_a_call_that_asks_fails_its_criterion(crew: Crew) -> None:
    person = Call("1", "person", {"question": "Is it?"}, text="Is it?")
    first = crew.run(gate("store", person, criteria=("person.agrees",), owners=("DevOps",)))
    crew.say(first, "ben", "DevOps", Word.NO_GO, gate="store", question="store:1")
    second = crew.resume()
    assert (outcomes(second), second.exit_code) == ({"store": "FAIL"}, 1)


def test_the_words_that_are_demanded_make_it_go(crew: Crew) -> None:
    first = crew.run(LOOKS, demanded=("Backend", "DevOps"))
    assert first.exit_code == 3
    crew.say(first, "ada", "Backend")
    crew.say(first, "ben", "DevOps")
    second = crew.resume()
    assert (second.exit_code, reasons(second)) == (
        0,
        ["ada (Backend) says go: because", "ben (DevOps) says go: because"],
    )
    assert [(one.person, one.void) for one in second.sign_offs] == [("ada", ""), ("ben", "")]


def test_an_answer_voids_a_word_that_was_said_before_it(crew: Crew) -> None:
    first = crew.run(LOOKS, ASKS, demanded=("Backend",))
    crew.say(first, "ada", "Backend")
    crew.say(first, "ben", "DevOps", gate="asks")
    second = crew.resume()
    assert second.exit_code == 3
    assert "ada's go for Backend is void: the verdicts have changed since" in reasons(second)
    crew.say(second, "ada", "Backend")
    assert crew.resume().exit_code == 0


# --- a no-go -------------------------------------------------------------------------------------------------


def test_a_declined_gate_stops_what_follows(crew: Crew) -> None:
    first = crew.run(LOOKS, ASKS, ACTS)
    crew.say(first, "ben", "DevOps", Word.NO_GO, gate="asks", message="it is empty")
    second = crew.resume()
    assert outcomes(second) == {"looks": "PASS", "asks": "FAIL", "acts": "NOT_RUN"}
    assert verdict(second, "acts").reason == "ben (DevOps) says no-go: it is empty"
    assert (second.exit_code, crew.count("acts")) == (1, 0)


def test_a_green_gate_can_be_declined_and_a_later_go_does_not_help(crew: Crew) -> None:
    first = crew.run(LOOKS, ASKS, ACTS)
    crew.say(first, "ada", "Backend", Word.NO_GO, gate="looks", message="flaky")
    crew.say(first, "ada", "Backend", gate="looks")
    crew.say(first, "ben", "DevOps", gate="asks")
    second = crew.resume()
    assert (outcomes(second)["looks"], second.exit_code) == ("FAIL", 1)
    assert [t.slug for t in verdict(second, "looks").troubles] == ["declined"]


def test_a_no_go_after_the_go_still_wins(crew: Crew) -> None:
    first = crew.run(LOOKS, demanded=("Backend",))
    crew.say(first, "ada", "Backend")
    assert crew.resume().exit_code == 0
    crew.say(crew.place.view(), "ben", "DevOps", Word.NO_GO, message="stop")
    late = crew.place.view()
    assert late.decision is not None
    assert late.decision.word is DecisionWord.GO
    assert any("after the decision ben said no-go for DevOps: stop" in note for note in late.notes)
    final = crew.resume()
    assert (final.exit_code, reasons(final)[0]) == (1, "ben (DevOps) says no-go: stop")
    with pytest.raises(Refused, match="is decided already"):
        crew.resume()


def test_a_no_go_while_it_runs_lets_no_act_begin(crew: Crew) -> None:
    slow = gate("slow", "touch out/started; while [ ! -e out/go ]; do sleep 0.05; done", owners=("Backend",))

    def refuse() -> None:
        while not (crew.place.root / "out/started").exists():
            time.sleep(0.02)
        envelope, _ = signed(crew.place.view(), "ben", "DevOps", Word.NO_GO, message="stop")
        assert not engine.deliver(envelope, run_id=crew.place.view().id, root=crew.place.root, state=crew.place.state)
        (crew.place.root / "out/go").touch()

    voice = threading.Thread(target=refuse)
    voice.start()
    run = crew.run(slow, ACTS, keep_going=True)
    voice.join()
    assert outcomes(run) == {"slow": "PASS", "acts": "NOT_RUN"}
    assert crew.count("acts") == 0
    assert run.exit_code == 3  # the verdict of `slow` came after the no-go: it is void, and holds
    assert "ben's no-go for DevOps is void: the verdicts and the evidence have changed since; ask ben again" in reasons(
        run
    )
    crew.say(run, "ben", "DevOps", Word.NO_GO, message="stop")
    assert crew.resume().exit_code == 1


# --- a run that stays alive ----------------------------------------------------------------------------------


def test_a_run_that_is_alive_goes_on_at_once(crew: Crew) -> None:
    def answer() -> None:
        while not (view := _waiting(crew)):
            time.sleep(0.05)
        envelope, _ = signed(view, "ben", "DevOps", gate="asks", question="asks.1")
        taken = engine.deliver(envelope, run_id=view.id, root=crew.place.root, state=crew.place.state)
        assert not taken, "the run at work holds the ledger"

    voice = threading.Thread(target=answer)
    voice.start()
    began = time.monotonic()
    run = crew.run(LOOKS, ASKS, ACTS, wait=200)
    voice.join()
    assert outcomes(run) == {"looks": "PASS", "asks": "PASS", "acts": "PASS"}
    assert (run.exit_code, crew.count("looks"), crew.count("acts")) == (0, 1, 1)
    assert time.monotonic() - began < 100


def _waiting(crew: Crew) -> RunView | None:
    """The run, once everything but the answer is there."""
    if not (crew.place.state / "ledger.db").exists():
        return None
    try:
        view = crew.place.view()
    except GonogoError:  # it has not begun yet
        return None
    return view if outcomes(view).get("acts") == "NOT_RUN" and verdict(view, "acts").state is State.DONE else None


def test_it_waits_no_longer_than_it_was_told(crew: Crew) -> None:
    began = time.monotonic()
    assert crew.run(ASKS, wait=1.2).exit_code == 3
    assert 1.0 < time.monotonic() - began < 60


# --- the file ------------------------------------------------------------------------------------------------


def test_what_is_left_out_of_the_file_stays_in_the_ledger(crew: Crew) -> None:
    first = crew.run(LOOKS, demanded=("Backend",))
    crew.say(first, "ada", "Backend")
    crew.say(first, "ben", "DevOps", Word.NO_GO)
    crew.file(first).unlink()
    assert crew.resume().exit_code == 1


@pytest.mark.parametrize(
    "line", [b"{}", b"\xff\x00", b"[" * 5000, b'{"payload":"","payloadType":"x","signatures":[]}', b"x" * 100_000]
)
def test_a_line_that_is_no_word_is_told_and_counts_nothing(crew: Crew, line: bytes) -> None:
    first = crew.run(LOOKS, demanded=("Backend",))
    crew.file(first).parent.mkdir(exist_ok=True)
    crew.file(first).write_bytes(line + b"\n")
    crew.say(first, "ada", "Backend")
    second = crew.resume()
    assert second.exit_code == 0
    assert any("does not count" in note for note in second.notes)


def test_a_forged_word_is_told_and_counts_nothing(crew: Crew) -> None:
    first = crew.run(LOOKS, demanded=("Backend",))
    true, _ = signed(first, "ada", "Backend")
    poll.post(crew.place.state, first.id, sign.sign(true.payload, key("eve").private))
    second = crew.resume()
    assert second.exit_code == 3
    assert "a sign-off does not count: the sign-off claims to be of `ada`, and its one signature is not" in second.notes


def test_a_torn_line_is_finished_by_the_next_and_not_read_before(crew: Crew) -> None:
    first = crew.run(LOOKS, demanded=("Backend",))
    envelope, _ = signed(first, "ada", "Backend")
    crew.file(first).parent.mkdir(exist_ok=True)
    crew.file(first).write_bytes(envelope.line()[:100])
    assert poll.posted(crew.place.state, first.id) == ([], [])
    poll.post(crew.place.state, first.id, envelope)
    found, wrong = poll.posted(crew.place.state, first.id)
    assert (found, len(wrong)) == ([envelope], 1)


def _post_many(state: str, lines: list[bytes]) -> None:
    for line in lines:
        poll.post(Path(state), "R", sign.parse(line))


def test_many_may_speak_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    made = [[sign.sign(b'{"n":%d,"w":%d}' % (n, w) * 50, key("ada").private) for n in range(25)] for w in range(4)]
    workers = [context.Process(target=_post_many, args=(str(tmp_path), [e.line() for e in one])) for one in made]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    found, wrong = poll.posted(tmp_path, "R")
    assert wrong == []
    assert sorted(e.digest for e in found) == sorted(e.digest for one in made for e in one)


def test_one_file_tells_the_whole_poll_and_the_ledger_the_same(crew: Crew) -> None:
    first = crew.run(LOOKS, demanded=("Backend",))
    said = crew.say(first, "ada", "Backend")
    crew.resume()
    lines = crew.file(first).read_bytes().splitlines()
    kinds = [sign.predicate_type(sign.parse(line)) for line in lines]
    assert kinds == [sign_off.SIGN_OFF, sign_off.DECISION]
    decision = sign.statement(sign.parse(lines[1]), sign_off.DECISION)["predicate"]
    assert (decision["decision"], [one["sha256"] for one in decision["sign_offs"]]) == ("GO", [said.digest])
    with closing(Ledger(crew.place.state / "ledger.db")) as ledger:
        folded = fold(ledger.events(first.id), first.id)
        assert ledger.verify().sound
        assert sign.from_data(folded.envelopes[said.digest]) == said
        finished = [event.value for event in ledger.events(first.id) if event.event == "run-finished"]
    assert sign.from_data(finished[-1]["envelope"]).line() == lines[1]


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"altered")])
def test_s80_evidence_that_was_altered_voids_the_word_over_it(crew: Crew, harm: Callable[[Path], object]) -> None:
    first = crew.run(gate("looks", "echo hello", owners=("Backend",)), demanded=("Backend",))
    crew.say(first, "ada", "Backend")
    blob = next(b for b in verdict(first, "looks").captures[0].blobs if b.name == "stdout")
    harm(crew.place.state / "evidence" / blob.sha256[:2] / blob.sha256)
    second = crew.resume()
    assert second.exit_code == 3
    assert "ada's go for Backend is void: the evidence has changed since" in reasons(second)


def test_an_answer_that_became_void_no_longer_answers(crew: Crew) -> None:
    person = Call("1", "person", {"question": "Is it?"}, text="Is it?")
    first = crew.run(gate("store", person, criteria=("person.agrees",), owners=("DevOps",)), demanded=("Backend",))
    crew.say(first, "ben", "DevOps", gate="store")
    second = crew.resume()
    assert outcomes(second) == {"store": "PASS"}
    blob = verdict(second, "store").captures[0].blobs[0]
    (crew.place.state / "evidence" / blob.sha256[:2] / blob.sha256).write_bytes(b"{}")
    third = crew.resume()
    assert (outcomes(third), verdict(third, "store").state) == ({"store": "UNKNOWN"}, State.WAITING)
    assert "ben's go for DevOps is void: the evidence has changed since" in reasons(third)


def test_s84_a_run_does_not_go_on_for_another_commit(crew: Crew) -> None:
    first = crew.run(LOOKS, demanded=("Backend",))
    crew.say(first, "ada", "Backend")
    crew.place.commit()
    with pytest.raises(Refused, match="is checked out now"):
        crew.resume()


def test_nothing_of_a_key_reaches_the_commands(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONOGO_PASSPHRASE_FILE", "/somewhere/secret")
    monkeypatch.setenv("GONOGO_KEYS", "/somewhere/keys")
    run = crew.run(gate("env", "! env | grep -e GONOGO_KEYS -e GONOGO_PASSPHRASE", owners=("Backend",)))
    assert outcomes(run) == {"env": "PASS"}
