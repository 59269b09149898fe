"""The rules of the waiter over looks that are written down here: no process, no clock."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gonogo.model.release import Instance
from gonogo.stability import Rules, Watched

IMAGE = "sha256:" + "a" * 64
WELL = Instance("backend", "c1", IMAGE, "running", health="healthy", started="t0", exit=0)
STARTING = replace(WELL, health="starting")
BARE = replace(WELL, health="")
INIT = Instance("init", "i1", IMAGE, "running", one_shot=True, started="t0")


def judged(
    *looks: Instance | tuple[Instance, ...], window: float = 5, before: dict[str, Instance] | None = None
) -> Watched:
    """One look a second; the services are those that are looked at."""
    taken = [look if isinstance(look, tuple) else (look,) for look in looks]
    services = {one.service: IMAGE for look in taken for one in look}
    rules = Rules(services, window, before)
    for second, look in enumerate(taken):
        rules.see(float(second), look)
    return rules.outcome(float(len(taken) - 1), 0.0)


def slugs(watched: Watched) -> list[str]:
    return [problem.slug for problem in watched.problems]


def test_what_holds_still_for_the_window_is_stable() -> None:
    assert judged(STARTING, STARTING, *[WELL] * 6).stable
    assert not judged(STARTING, STARTING, *[WELL] * 5).stable, "four seconds are not five"


def test_the_window_begins_anew_with_each_bad_moment() -> None:
    watched = judged(*[WELL] * 3, replace(WELL, status="created", started=""), *[WELL] * 4)
    assert watched.held == 3


def test_the_window_spans_three_health_checks() -> None:
    slow = replace(WELL, interval=4)
    assert not judged(*[slow] * 12).stable
    assert judged(*[slow] * 13).stable


def test_nothing_expected_is_never_stable() -> None:
    rules = Rules({}, 0.0)
    rules.see(0.0, (WELL,))
    assert not rules.outcome(1.0, 0.0).stable


def test_s13_without_a_healthcheck_it_is_not_silently_healthy() -> None:
    watched = judged(*[BARE] * 9)
    assert not watched.stable
    assert watched.unproven == ("backend",)
    assert slugs(watched) == []
    assert watched.notes == ("`backend` has no healthcheck: running is all that is known of it",)


def test_s14_crash_loop_after_healthy() -> None:
    again = replace(WELL, restarts=1, started="t20")
    watched = judged(*[WELL] * 3, again, window=30)
    assert slugs(watched) == ["restarted"]
    assert watched.restarts == 1
    assert "ended and was started again once" in watched.problems[0].message


def test_s14_a_restart_that_resets_the_count_moves_the_start() -> None:
    assert slugs(judged(replace(WELL, restarts=4), replace(WELL, restarts=0, started="t9"))) == ["restarted"]


def test_s14_a_new_copy_has_never_been_restarted() -> None:
    looping = replace(WELL, restarts=3, started="t9")
    assert slugs(judged(looping, before={})) == ["restarted"]
    assert slugs(judged(looping, before={"c1": replace(WELL, restarts=3)})) == []


def test_s15_a_slow_crash_loop_is_seen_by_a_later_look() -> None:
    for later in (replace(WELL, restarts=1, started="t90"), replace(WELL, started="t90")):
        rules = Rules.against({"backend": IMAGE}, (WELL,), 600.0)
        rules.see(600.0, (later,))
        assert slugs(rules.outcome(600.0, 600.0)) == ["restarted"]


def test_s15_a_later_look_at_the_same_copy_is_well() -> None:
    for checks_every in (0.0, 30.0):  # the window was watched before: one look is enough
        rules = Rules.against({"backend": IMAGE}, (WELL,), 600.0)
        rules.see(600.0, (replace(WELL, interval=checks_every),))
        assert rules.outcome(600.0, 600.0).stable


def test_s16_running_with_exit_code_0_between_two_crashes() -> None:
    watched = judged(BARE, replace(BARE, status="running", exit=0, restarts=1, started="t1"))
    assert slugs(watched) == ["restarted"]


def test_s16_in_its_back_off_it_says_why() -> None:
    watched = judged(replace(BARE, status="restarting", exit=3))
    assert watched.problems[0].message == "`backend` ends and is started again and again (exit code 3)"


def test_s17_a_one_shot_that_ends_well() -> None:
    done = replace(INIT, status="exited", exit=0)
    assert judged((WELL, INIT), *[(WELL, done)] * 6).stable
    assert slugs(judged(replace(INIT, status="exited", exit=1))) == ["one-shot-failed"]


def test_s17_what_is_no_one_shot_must_not_end() -> None:
    assert slugs(judged(replace(WELL, status="exited", exit=0))) == ["exited"]


def test_s18_a_one_shot_that_never_ends() -> None:
    rules = Rules({"init": ""}, 5.0)
    rules.see(0.0, (INIT,))
    assert not rules.settled
    rules.late(60.0)
    assert slugs(rules.outcome(60.0, 0.0)) == ["not-ended"]


def test_s19_unhealthy_within_its_start_period() -> None:
    sick = replace(WELL, health="unhealthy", start_period=3)
    watched = judged(sick, sick, *[replace(WELL, start_period=3)] * 6)
    assert watched.stable
    assert watched.notes == ("`backend` was unhealthy within its start period of 3 s",)
    assert slugs(judged(*[sick] * 4)) == ["unhealthy"]
    assert slugs(judged(replace(WELL, health="unhealthy"))) == ["unhealthy"]


def test_s20_flapping_says_how_often() -> None:
    sick = replace(WELL, health="unhealthy")
    assert judged(WELL, sick).problems[0].message == "`backend` was healthy and became unhealthy again, once"
    patient, flapping = (replace(one, start_period=60.0) for one in (WELL, sick))
    assert slugs(judged(patient, flapping, patient)) == []
    watched = judged(patient, flapping, patient, flapping)
    assert watched.problems[0].message == "`backend` was healthy and became unhealthy again, 2 times"


def test_s21_a_port_that_is_taken_is_named_with_a_way_out() -> None:
    error = "driver failed programming external connectivity: listen tcp4 0.0.0.0:80: bind: address already in use"
    (problem,) = judged(replace(WELL, status="created", health="", error=error, exit=128)).problems
    assert "0.0.0.0:80: bind: address already in use" in problem.message
    assert problem.help.startswith("free the port")


def test_s22_out_of_memory_is_not_exit_137() -> None:
    (problem,) = judged(replace(WELL, status="exited", exit=137, oom=True)).problems
    assert problem.slug == "out-of-memory"
    assert "137" not in problem.message


@pytest.mark.parametrize(("status", "slug"), [("paused", "paused"), ("dead", "dead"), ("removing", "dead")])
def test_s23_what_leads_nowhere_fails_at_once(status: str, slug: str) -> None:
    assert slugs(judged(replace(WELL, status=status))) == [slug]


def test_s23_created_and_never_started_does_not_hang() -> None:
    made = replace(WELL, status="created", health="", started="")
    assert slugs(judged(*[made] * 10)) == []
    assert slugs(judged(*[made] * 12)) == ["not-started"]


def test_s24_one_of_three_copies_is_not_enough() -> None:
    absent = replace(WELL, id="", artifact="", status="absent", health="")
    watched = judged(*[(WELL, absent, absent)] * 12)
    assert slugs(watched) == ["not-started"]
    second, third = replace(WELL, id="c2"), replace(WELL, id="c3")
    assert judged((WELL, absent, absent), *[(WELL, second, third)] * 6).stable
    assert slugs(judged((WELL, second, replace(third, health="unhealthy")))) == ["unhealthy"]


def test_s24_a_service_without_any_copy() -> None:
    rules = Rules({"backend": IMAGE, "frontend": ""}, 5.0)
    for second in range(12):
        rules.see(float(second), (WELL,))
    assert [(p.service, p.slug) for p in rules.problems] == [("frontend", "not-started")]


def test_s25_somebody_else_replaces_it() -> None:
    watched = judged(WELL, replace(WELL, id="c2"))
    assert slugs(watched) == ["foreign-change"]
    assert watched.problems[0].message == "`backend` `c1` was replaced by c2 by somebody else"
    assert slugs(judged(WELL, (WELL, replace(WELL, id="c2")))) == ["foreign-change"]


def test_s25_somebody_else_removes_it() -> None:
    rules = Rules({"backend": IMAGE}, 5.0)
    rules.see(0.0, (WELL,))
    rules.see(1.0, ())
    assert slugs(rules.outcome(1.0, 0.0)) == ["foreign-change"]


def test_s26_another_image_than_the_one_that_was_judged() -> None:
    watched = judged(replace(WELL, artifact="sha256:" + "b" * 64))
    assert slugs(watched) == ["wrong-artifact"]
    assert "`bbbbbbbbbbbb`, and `aaaaaaaaaaaa` was judged" in watched.problems[0].message


def test_s29_what_its_engine_restarted_begins_anew() -> None:
    rules = Rules({"backend": IMAGE}, 5.0)
    rules.see(0.0, (WELL,))
    rules.again(5.0)
    for second in range(6, 12):
        rules.see(float(second), (replace(WELL, started="t6"),))
    watched = rules.outcome(11.0, 0.0)
    assert watched.stable
    assert watched.held == 5
    assert watched.notes == ("out of reach for 5 s; the window began anew",)
    rules.see(12.0, (replace(WELL, started="t12", restarts=1),))
    assert slugs(rules.outcome(12.0, 0.0)) == ["restarted"]


def test_s29_it_must_be_the_same_copy_afterwards() -> None:
    rules = Rules({"backend": IMAGE}, 5.0)
    rules.see(0.0, (WELL,))
    rules.again(5.0)
    rules.see(6.0, (replace(WELL, id="c2"),))
    assert slugs(rules.outcome(6.0, 0.0)) == ["foreign-change"]


def test_what_is_told_can_be_kept() -> None:
    facts = judged(*[WELL] * 6).facts()
    assert facts["stable"] is True
    assert facts["seen"][0]["id"] == "c1"
