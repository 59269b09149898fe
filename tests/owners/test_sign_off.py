"""What a sign-off binds, who may make one, and what makes it void."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonogo.errors import IntegrityError, Refused
from gonogo.evidence import sign
from gonogo.evidence.sign import Envelope
from gonogo.model.capture import Capture
from gonogo.model.outcome import DecisionWord, Outcome, State
from gonogo.model.plan import Subject
from gonogo.model.run import RunView
from gonogo.model.sign_off import Word
from gonogo.model.verdict import Decision, Judgement, Verdict, Waiver
from gonogo.owners import sign_off
from gonogo.owners.sign_off import PARTS, Saying, seen_digest, seen_document, standing
from tests.owners.people import (
    ADA,
    BEN,
    BLOB,
    CLEO,
    NOW,
    SUBJECT,
    crew_plan,
    crew_view,
    envelopes,
    key,
    signed,
    with_verdict,
)

VIEW = crew_view()
WAIVER = Waiver("W1", "Backend", "ben", "tracked", date(2026, 12, 1), finding="x")


# --- what is seen --------------------------------------------------------------------------------------------


def test_the_digest_is_that_of_a_document_anybody_can_hash() -> None:
    digest, parts = seen_digest(VIEW)
    document = seen_document(VIEW)
    assert hashlib.sha256(document).hexdigest() == digest
    assert json.loads(document) == {"run": "R1", "gate": "", "parts": parts}
    assert set(parts) == set(PARTS)


def test_the_digest_stays_what_it_is_from_version_to_version() -> None:
    """Pinned: a change here voids every sign-off that was ever made. Do not change it without a new predicate type."""
    digests = [seen_digest(VIEW)[0], seen_digest(VIEW, "looks")[0]]
    assert [digest[:16] for digest in digests] == PINNED


PINNED = ["7527bc06d600918c", "ce01c41768b93f1d"]


def _other_evidence(view: RunView) -> RunView:
    capture = view.gates[0].verdict.captures[0]
    blob = dataclasses.replace(BLOB, sha256="cd" * 32)
    return with_verdict(view, "looks", captures=(dataclasses.replace(capture, blobs=(blob,)),))


def _built(view: RunView, digest: str, name: str = "looks") -> RunView:
    """The run in which a call of that gate built the image of the service `api`."""
    capture = Capture("command", "true", (BLOB,), exit=0, call="1", images={"api": digest})
    return with_verdict(view, name, captures=(capture,))


CHANGES: dict[str, tuple[Callable[[RunView], RunView], set[str]]] = {
    "a finding": (lambda v: with_verdict(v, "looks", findings_total=1), {"verdicts"}),
    "an outcome": (lambda v: with_verdict(v, "looks", outcome=Outcome.FAIL), {"verdicts"}),
    "a second attempt": (lambda v: with_verdict(v, "looks", attempts=2), {"verdicts"}),
    "a note": (lambda v: with_verdict(v, "looks", notes=("flaky",)), {"verdicts"}),
    "evidence": (_other_evidence, {"verdicts", "evidence"}),
    "an image": (lambda v: _built(v, "sha256:" + "1" * 64), {"subject", "verdicts"}),
    "a waiver": (lambda v: dataclasses.replace(v, waivers=(WAIVER,)), {"waivers"}),
    "a criterion": (lambda v: dataclasses.replace(v, plan=dataclasses.replace(v.plan, sign_offs=())), {"plan"}),
    "the target": (lambda v: dataclasses.replace(v, plan=dataclasses.replace(v.plan, target="prod")), {"plan"}),
    "who is trusted": (lambda v: dataclasses.replace(v, plan=crew_plan(people=(ADA, CLEO))), {"plan"}),
    "the commit": (
        lambda v: dataclasses.replace(v, plan=crew_plan(subject=dataclasses.replace(SUBJECT, commit="b" * 40))),
        {"plan", "subject"},
    ),
    "a dirty tree": (
        lambda v: dataclasses.replace(v, plan=crew_plan(subject=dataclasses.replace(SUBJECT, dirty=("a.ts",)))),
        {"plan", "subject"},
    ),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_any_later_change_voids_a_word_and_says_which(change: str) -> None:
    made = signed(VIEW, "ada", "Backend")
    alter, parts = CHANGES[change]
    after = alter(VIEW)
    before, now = seen_digest(VIEW)[1], seen_digest(after)[1]
    assert {part for part in PARTS if before[part] != now[part]} == parts
    if change == "who is trusted":
        after = dataclasses.replace(after, plan=dataclasses.replace(after.plan, people=(ADA, CLEO)))
    (said,), refused = standing(after, envelopes(made))
    assert not refused
    assert not said.stands
    assert all(part in said.void for part in parts), said.void
    assert standing(VIEW, envelopes(made))[0][0].stands


def test_images_that_a_run_brings_become_the_subject_of_a_word() -> None:
    first, second = (_built(VIEW, f"sha256:{digit * 64}") for digit in "12")
    assert (VIEW.subject.images, first.subject.images) == ({}, {"api": "sha256:" + "1" * 64})
    envelope, _ = signed(first, "ada", "Backend")
    subjects = sign.statement(envelope, sign_off.SIGN_OFF)["subject"]
    assert {"name": "image:api", "digest": {"sha256": "1" * 64}} in subjects
    (void,), _ = standing(second, [envelope])
    assert void.void == "the subject and the verdicts have changed since"


def test_an_image_of_a_later_phase_does_not_void_an_answer() -> None:
    """Somebody answers before the release is built; what is built then is no news to the question."""
    gates = [dataclasses.replace(one, gate=dataclasses.replace(one.gate, phase=phase))
             for one, phase in zip(VIEW.gates, "12", strict=True)]  # fmt: skip
    view = dataclasses.replace(VIEW, gates=tuple(gates))
    later, earlier = (_built(view, "sha256:" + "1" * 64, name) for name in ("board", "looks"))
    assert later.subject_at("looks") == view.subject_at("looks")
    assert later.subject_at("board").images == earlier.subject_at("board").images == {"api": "sha256:" + "1" * 64}


def test_s84_a_go_for_one_commit_is_none_for_another() -> None:
    made = signed(VIEW, "ada", "Backend")
    other = dataclasses.replace(VIEW, plan=crew_plan(subject=Subject("b" * 40, "main")))
    (said,), _ = standing(other, envelopes(made))
    assert said.void == "the plan and the subject have changed since"
    elsewhere = dataclasses.replace(other, id="R2")
    counted, refused = standing(elsewhere, envelopes(made))
    assert (counted, refused) == ((), ("a sign-off does not count: the sign-off is about run R1, not R2",))


def test_s80_altered_evidence_voids_every_word_over_it() -> None:
    whole, looks, board = (
        signed(VIEW, "ada", "Backend"),
        signed(VIEW, "ada", "Backend", gate="looks"),
        signed(VIEW, "ben", "DevOps", gate="board"),
    )
    said, _ = standing(VIEW, envelopes(whole, looks, board), altered=[BLOB.sha256])
    assert [one.void for one in said] == ["the evidence has changed since", "the evidence has changed since", ""]


def test_a_word_about_one_gate_is_not_voided_by_another() -> None:
    made = signed(VIEW, "ben", "DevOps", gate="board", question="board.1")
    after = with_verdict(VIEW, "looks", outcome=Outcome.FAIL)
    assert standing(after, envelopes(made))[0][0].stands


def test_an_answer_does_not_void_itself_nor_those_beside_it() -> None:
    """A quorum of two: the first answer, and then the verdict that both make, leave both standing."""
    made = [signed(VIEW, who, "DevOps", gate="board", question="board.1") for who in ("ben", "cleo")]
    asked = VIEW.gates[1].verdict
    answered = Verdict("board", "1", Outcome.PASS, judgements=(Judgement("Does it look right?", Outcome.PASS),))
    gate = dataclasses.replace(VIEW.gates[1], verdict=answered, asked=asked)
    after = dataclasses.replace(VIEW, gates=(VIEW.gates[0], gate))
    assert all(one.stands for one in standing(after, envelopes(*made))[0])
    assert not standing(after, envelopes(signed(VIEW, "ada", "Backend")))[0][0].stands


def test_the_manifest_is_not_asked_for_the_state_of_the_run() -> None:
    """The decision itself, who runs it and where are no part of what is signed."""
    after = dataclasses.replace(VIEW, decision=Decision(DecisionWord.GO, (), NOW), holder={"pid": 1}, seconds=9.0)
    assert seen_digest(after) == seen_digest(VIEW)


# --- who may say it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "saying", "why"),
    [
        ("ben", Saying("Backend", Word.GO, ""), "`ben` does not speak for `Backend`"),
        ("ada", Saying("DevOps", Word.GO, ""), "`ada` does not speak for `DevOps`"),
        ("ada", Saying("Nobody", Word.GO, ""), "`ada` does not speak for `Nobody`"),
        ("eve", Saying("Backend", Word.GO, ""), "the key of `eve` is not trusted"),
        ("ada", Saying("Backend", Word.GO, "", gate="board"), "belongs to `DevOps`, not to `Backend`"),
        ("ben", Saying("DevOps", Word.GO, "", gate="bord"), "has no gate `bord`"),
        ("ben", Saying("DevOps", Word.GO, "", gate="board", question="board.2"), "asks no question `board.2`"),
    ],
)
def test_nobody_signs_for_an_owner_they_are_not(who: str, saying: Saying, why: str) -> None:
    with pytest.raises(Refused, match=why):
        sign_off.make(VIEW, saying, key(who), NOW)


def test_a_word_under_another_name_is_refused() -> None:
    """Eve holds a key of her own and writes a statement that says it is Ada's; the key id lies as well."""
    envelope, _ = signed(VIEW, "ada", "Backend")
    forged = sign.sign(envelope.payload, key("eve").private)
    lying = Envelope(
        forged.payload_type,
        forged.payload,
        (dataclasses.replace(forged.signatures[0], keyid=sign.keyid(key("ada").private.public_key())),),
    )
    for one in (forged, lying, Envelope(envelope.payload_type, envelope.payload)):
        with pytest.raises(IntegrityError, match="claims to be of `ada`"):
            sign_off.admit(one, VIEW)


def test_a_revoked_key_says_nothing_any_more() -> None:
    made = signed(VIEW, "ada", "Backend", Word.NO_GO)
    counted, refused = standing(VIEW, envelopes(made), revoked={"ada": "2026-11-23, lost"})
    assert counted == ()
    assert "`ada` was revoked: 2026-11-23, lost" in refused[0]
    people = (dataclasses.replace(ADA, revoked="2026-01-01, left"), BEN)
    with pytest.raises(Refused, match="was revoked: 2026-01-01, left"):
        signed(crew_view(crew_plan(people=people)), "ada", "Backend")


def _spelled(change: Callable[[dict[str, object]], object]) -> Envelope:
    """Ada's statement, changed and signed by Ada herself."""
    envelope, _ = signed(VIEW, "ada", "Backend")
    statement = json.loads(envelope.payload)
    change(statement)
    text = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return sign.sign(text, key("ada").private)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["predicate"].pop("owner"),
        lambda s: s["predicate"].update(word="maybe"),
        lambda s: s["predicate"].update(message=1),
        lambda s: s["predicate"]["seen"].update(sha256="0" * 64),
        lambda s: s["predicate"]["seen"]["parts"].update(plan="0" * 64),
        lambda s: s["predicate"]["seen"]["parts"].pop("plan"),
        lambda s: s["predicate"].update(attachments=[{"name": 1}]),
        lambda s: s["subject"][0]["digest"].update(sha256="0" * 64),
        lambda s: s.update(subject=[]),
        lambda s: s.update(predicate=[]),
        lambda s: s.update(predicateType="urn:gonogo:sign-off:2"),
    ],
)
def test_a_statement_that_contradicts_itself_is_refused(change: Callable[[dict[str, object]], object]) -> None:
    with pytest.raises(IntegrityError):
        sign_off.admit(_spelled(change), VIEW)


LINE = signed(VIEW, "ada", "Backend")[0].line()


@settings(max_examples=400)
@given(st.integers(0, len(LINE) - 1), st.integers(1, 255))
def test_no_byte_of_a_kept_word_can_be_changed(at: int, change: int) -> None:
    with pytest.raises((IntegrityError, Refused)):
        sign_off.admit(sign.parse(LINE[:at] + bytes([LINE[at] ^ change]) + LINE[at + 1 :]), VIEW)


# --- when ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "at",
    [
        "2028-02-29T23:59:59Z",
        "2026-11-23T05:00:00+14:00",
        "2026-11-22T03:00:00-12:00",
        "1970-01-01T00:00:00Z",
        "2099-12-31T23:59:60Z",
        "",
    ],
)
def test_nothing_is_decided_by_the_clock_of_who_signed(at: str) -> None:
    """Zones, a leap day, a leap second, a clock that is years off: kept as said, and a word all the same."""
    (said,), refused = standing(VIEW, envelopes(signed(VIEW, "ada", "Backend", at=at)))
    assert (said.at, said.stands, refused) == (at, True, ())


# --- the decision --------------------------------------------------------------------------------------------


def test_the_decision_lists_the_words_it_counted() -> None:
    made = [signed(VIEW, "ada", "Backend"), signed(VIEW, "ben", "DevOps", Word.NO_GO)]
    said, _ = standing(VIEW, envelopes(*made))
    decision = Decision(DecisionWord.NO_GO, (), NOW)
    unsigned = sign_off.decision_envelope(VIEW, decision, said)
    assert unsigned.signatures == ()
    predicate = sign.statement(unsigned, sign_off.DECISION)["predicate"]
    assert [one["sha256"] for one in predicate["sign_offs"]] == [envelope.digest for envelope, _ in made]
    assert predicate["decision"] == "NO-GO"
    by_ada = sign_off.decision_envelope(VIEW, decision, said, key("ada"))
    assert by_ada.payload == unsigned.payload
    assert sign.verify(by_ada, [sign.public_key(ADA.public_key)])
    with pytest.raises(IntegrityError):
        sign_off.parse(unsigned)


def test_a_gate_that_waits_is_what_a_person_sees() -> None:
    assert VIEW.gates[1].verdict.state is State.WAITING
    digest, _ = seen_digest(VIEW, "board")
    assert signed(VIEW, "ben", "DevOps", gate="board")[1].seen == digest != seen_digest(VIEW)[0]
