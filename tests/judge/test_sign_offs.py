"""What people's words mean for the decision, and for a gate that asked."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonogo.judge import decide
from gonogo.judge.sign_offs import answers, declined, lacking
from gonogo.model.checklist import Question
from gonogo.model.outcome import DecisionWord, Outcome, State
from gonogo.model.plan import Node, Plan
from gonogo.model.roster import Person, Roster, Seat
from gonogo.model.sign_off import SignOff, Word
from gonogo.model.verdict import Decision, Verdict
from tests.judge.gates import captured, gate, judged
from tests.owners.people import ADA, BEN, BOARD, CLEO, DAN, LOOKS, ROSTER, SUBJECT, crew_plan, person, word

GREEN = {name: Verdict(name, "1", Outcome.PASS) for name in ("looks", "board")}
NOW = "2026-11-22T15:00:00Z"
GO, NO_GO, HOLD = DecisionWord.GO, DecisionWord.NO_GO, DecisionWord.HOLD
EVERYBODY_AGREES = (word("ada", "Backend"), word("ben", "DevOps"), word("cleo", "DevOps"))


def decided(*said: SignOff, plan: Plan | None = None) -> Decision:
    return decide(plan or crew_plan(), GREEN, as_of=NOW, sign_offs=said)


def texts(decision: Decision) -> list[str]:
    return [reason.text for reason in decision.reasons]


def test_go_needs_every_word_that_the_checklist_demands() -> None:
    assert decided(*EVERYBODY_AGREES).word is GO
    waiting = decided()
    assert waiting.word is HOLD
    assert texts(waiting) == [
        "waits for the word of Backend: 0 of 1 said go; ada, dan may",
        "waits for the word of DevOps: 0 of 2 said go; ben, cleo, dan may",
    ]
    assert decided(*EVERYBODY_AGREES[:2]).word is HOLD
    assert decided(plan=crew_plan(sign_offs=())).word is GO


def test_a_quorum_is_of_people_not_of_signatures() -> None:
    twice = (word("ada", "Backend"), word("ben", "DevOps"), word("ben", "DevOps", message="again"))
    assert texts(decided(*twice))[0] == "waits for the word of DevOps: 1 of 2 said go; cleo, dan may"
    assert lacking(crew_plan(), "DevOps", twice[1:]) == "1 of 2 said go; cleo, dan may"


def test_a_word_for_one_owner_is_none_for_another() -> None:
    """Dan speaks for both, and has spoken for one."""
    assert decided(word("dan", "Backend"), word("ben", "DevOps")).word is HOLD
    assert decided(word("dan", "Backend"), word("ben", "DevOps"), word("dan", "DevOps")).word is GO


def test_a_word_about_a_gate_is_none_about_the_run() -> None:
    only_a_gate = word("ada", "Backend", gate="looks")
    assert decided(only_a_gate, *EVERYBODY_AGREES[1:]).word is HOLD


def test_a_no_go_says_who_and_why() -> None:
    decision = decided(*EVERYBODY_AGREES, word("dan", "Backend", Word.NO_GO, message="the queue leaks"))
    assert decision.word is NO_GO
    assert texts(decision)[0] == "dan (Backend) says no-go: the queue leaks"


def test_a_no_go_of_an_owner_whose_word_nobody_asked_for_counts_too() -> None:
    assert decided(word("ben", "DevOps", Word.NO_GO), plan=crew_plan(sign_offs=())).word is NO_GO
    assert decided(word("ben", "DevOps", Word.NO_GO, gate="board"), plan=crew_plan(sign_offs=())).word is NO_GO


def test_a_void_go_counts_nothing_and_says_what_changed() -> None:
    void = word("ada", "Backend", void="the verdicts have changed since")
    decision = decided(void, *EVERYBODY_AGREES[1:])
    assert decision.word is HOLD
    assert "ada's go for Backend is void: the verdicts have changed since" in texts(decision)
    assert decided(void, *EVERYBODY_AGREES).word is GO


def test_a_void_no_go_is_not_silenced_by_the_change_that_voids_it() -> None:
    void = word("ada", "Backend", Word.NO_GO, void="the waivers have changed since")
    decision = decided(void, word("dan", "Backend"), *EVERYBODY_AGREES[1:])
    assert decision.word is HOLD
    assert "ask ada again" in texts(decision)[0]
    assert decided(void, *EVERYBODY_AGREES).word is GO


words = st.builds(
    word,
    st.sampled_from(["ada", "ben", "cleo", "dan"]),
    st.sampled_from(["Backend", "DevOps", "backend"]),
    st.sampled_from(list(Word)),
    gate=st.sampled_from(["", "board"]),
    question=st.just(""),
    void=st.sampled_from(["", "the plan has changed since"]),
)


@given(st.lists(words, max_size=12), st.randoms(use_true_random=False))
def test_a_standing_no_go_always_wins_in_any_order(said: list[SignOff], random: object) -> None:
    no_go = any(one.word is Word.NO_GO and one.stands for one in said)
    shuffled = sorted(said, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert (decided(*said).word is NO_GO) is (decided(*shuffled).word is NO_GO) is no_go


@given(st.lists(words, max_size=12))
def test_a_go_has_every_quorum_behind_it(said: list[SignOff]) -> None:
    def standing(*owners: str) -> set[str]:
        return {one.person for one in said if one.stands and not one.gate and one.owner.casefold() in owners}

    enough = len(standing("backend")) >= 1 and len(standing("devops")) >= 2
    if decided(*said).word is GO:
        assert enough
        assert all(one.word is Word.GO for one in said if one.stands)


@given(st.lists(words, max_size=8), words)
def test_another_go_never_makes_it_worse_and_another_no_go_never_better(said: list[SignOff], more: SignOff) -> None:
    rank = [NO_GO, HOLD, GO]
    before, after = rank.index(decided(*said).word), rank.index(decided(*said, more).word)
    if more.word is Word.NO_GO:
        assert after <= before
    elif more.stands:
        assert after >= before


# --- four eyes -----------------------------------------------------------------------------------------------

SOLO = Roster((Seat("Backend", ("ada", "dan"), four_eyes=True),))


def plan_of(roster: Roster, *authors: str, people: tuple[Person, ...] = (ADA, BEN, CLEO, DAN)) -> Plan:
    subject = dataclasses.replace(SUBJECT, authors=authors)
    return crew_plan(roster=roster, subject=subject, people=people, sign_offs=("Backend",))


def test_an_author_cannot_be_the_only_one_who_approves() -> None:
    made = plan_of(SOLO, "ada@example.org")
    assert lacking(made, "Backend", [word("ada", "Backend")]).startswith("only authors of the subject's commits")
    assert not lacking(made, "Backend", [word("dan", "Backend")])
    assert not lacking(made, "Backend", [word("ada", "Backend"), word("dan", "Backend")])


def test_an_author_is_known_by_every_address_in_any_case() -> None:
    ada = person("ada", emails=("ada@work.example", "Ada@Home.example"))
    made = plan_of(SOLO, "ada@home.example", people=(ada, DAN))
    assert "only authors" in lacking(made, "Backend", [word("ada", "Backend")])


def test_an_address_that_is_nobodys_may_be_anybodys() -> None:
    made = plan_of(SOLO, "mystery@example.net")
    assert "mystery@example.net, is nobody we know" in lacking(made, "Backend", [word("ada", "Backend")])
    assert not lacking(made, "Backend", [word("ada", "Backend"), word("dan", "Backend")])


def test_commits_without_a_known_author_are_not_four_eyes() -> None:
    assert "cannot be told" in lacking(plan_of(SOLO), "Backend", [word("dan", "Backend")])


def test_four_eyes_of_the_whole_release() -> None:
    roster = dataclasses.replace(ROSTER, four_eyes=True)
    everyone = dataclasses.replace(SUBJECT, authors=("ada@example.org", "ben@example.org", "cleo@example.org"))
    made = crew_plan(roster=roster, subject=everyone)
    assert decided(*EVERYBODY_AGREES, plan=made).word is HOLD
    assert decided(*EVERYBODY_AGREES, word("dan", "DevOps"), plan=made).word is GO


# --- who is meant --------------------------------------------------------------------------------------------


def test_all_stands_for_each_owner_of_the_roster() -> None:
    assert ROSTER.demanded(["All"]) == ("Backend", "DevOps")
    assert [p.id for p in ROSTER.speakers("all", [ADA, BEN, CLEO, DAN])] == ["ada", "ben", "cleo", "dan"]
    assert [p.id for p in ROSTER.speakers("All", [ADA, person("eve")])] == ["ada"]
    listed = Roster((Seat("All", ("ben",)), Seat("Backend", ("ada",))))
    assert listed.demanded(["All"]) == ("All",)
    assert [p.id for p in listed.speakers("All", [ADA, BEN])] == ["ben"]


def test_an_owner_without_a_seat_is_a_person_called_so() -> None:
    assert [p.id for p in Roster().speakers("Ada", [ADA, BEN])] == ["ada"]
    assert Roster().speakers("Backend", [ADA, BEN]) == ()
    revoked = dataclasses.replace(ADA, revoked="lost")
    assert Roster().speakers("Ada", [revoked]) == ()


def test_too_few_trusted_keys_are_told_as_such() -> None:
    made = crew_plan(people=(ADA, BEN))
    assert lacking(made, "DevOps", [word("ben", "DevOps")]) == "only 1 of the 2 people needed have a trusted key"
    assert lacking(crew_plan(people=()), "Backend", []) == "nobody who may speak has a trusted key"


# --- answers -------------------------------------------------------------------------------------------------

NODE = Node(BOARD, asks=BOARD.questions)


def answer(who: str, said: Word = Word.GO, **more: str) -> SignOff:
    return word(who, "DevOps", said, **{"gate": "board", "question": "board.1", **more})


def test_a_question_is_answered_by_the_owners_quorum() -> None:
    made = crew_plan()
    assert answers(NODE, made, [answer("ben")]) == {}
    assert answers(NODE, made, [answer("ben"), answer("cleo")])["board.1"].agreed
    assert answers(NODE, made, [answer("ben"), answer("cleo", question="")])["board.1"].agreed
    assert answers(NODE, made, [answer("ben"), answer("cleo", void="the plan has changed since")]) == {}
    assert answers(NODE, made, [word("ben", "DevOps"), word("cleo", "DevOps")]) == {}


def test_one_no_is_the_answer_whatever_the_others_say() -> None:
    found = answers(
        NODE, crew_plan(), [answer("ben"), answer("cleo"), answer("dan", Word.NO_GO, message="it is empty")]
    )
    assert (found["board.1"].agreed, found["board.1"].shown) == (False, "dan (DevOps) says no-go: it is empty")


def test_a_no_to_the_gate_as_a_whole_declines_it() -> None:
    no = answer("dan", Word.NO_GO, question="")
    assert declined(NODE, [no, answer("ben"), dataclasses.replace(no, void="x")]) == (no,)
    assert declined(Node(LOOKS), [no]) == ()


def test_an_answered_question_is_judged_like_a_criterion() -> None:
    asks = gate(questions=(Question("g.1", "Is it right?", "no rule"),))
    waiting = judged(asks)
    assert (waiting.outcome, waiting.state, waiting.questions) == (Outcome.UNKNOWN, State.WAITING, ("Is it right?",))
    made = crew_plan()
    node = Node(dataclasses.replace(asks, id="board", owners=("DevOps",)), asks=asks.questions)
    said = [answer(who, question="g.1") for who in ("ben", "cleo")]
    yes = judged(asks, answers=answers(node, made, said))
    assert (yes.outcome, yes.state, yes.questions) == (Outcome.PASS, State.DONE, ())
    assert yes.judgements[0].distance == "ben (DevOps) says go; cleo (DevOps) says go"
    no = judged(asks, answers=answers(node, made, [answer("ben", Word.NO_GO, question="g.1")]))
    assert (no.outcome, no.waived, no.judgements[0].value) == (Outcome.FAIL, False, "no")


def test_an_answer_never_hides_what_could_not_be_seen() -> None:
    asks = gate("lint.errors == 0", calls=("npm run lint",), questions=(Question("g.1", "Is it right?", "no rule"),))
    node = Node(dataclasses.replace(asks, id="board", owners=("DevOps",)), asks=asks.questions)
    yes = answers(node, crew_plan(), [answer(who, question="g.1") for who in ("ben", "cleo")])
    assert judged(asks, captured("1", {}), answers=yes).outcome is Outcome.UNKNOWN
    assert judged(asks, captured("1", {"lint.errors": 2}), answers=yes).outcome is Outcome.FAIL
    assert judged(asks, captured("1", {"lint.errors": 0}), answers=yes).outcome is Outcome.PASS


@pytest.mark.parametrize("other", [Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR, Outcome.STALE, Outcome.NOT_RUN])
def test_s81_no_word_makes_up_for_a_gate_that_is_not_green(other: Outcome) -> None:
    verdicts = {**GREEN, "looks": Verdict("looks", "1", other)}
    assert decide(crew_plan(), verdicts, as_of=NOW, sign_offs=EVERYBODY_AGREES).word is not GO
    missing = {"board": GREEN["board"]}
    assert decide(crew_plan(), missing, as_of=NOW, sign_offs=EVERYBODY_AGREES).word is HOLD
