"""Phases, needs, retries, budget: what runs when, and what is said of the rest."""

from __future__ import annotations

import time

import pytest

from gonogo.config import Settings
from gonogo.errors import InputError
from gonogo.model.checklist import Call, Criterion, Evidence, Gate, Input, When
from gonogo.model.outcome import DecisionWord
from gonogo.model.run import RunState
from gonogo.plan import Selection
from tests.engine.place import Place, call, checklist, gate, outcomes, slugs, verdict


def test_all_green_is_go(place: Place) -> None:
    run = place.run(gate("one", "true"), gate("two", "test -f a.txt", phase="2"))
    assert outcomes(run) == {"one": "PASS", "two": "PASS"}
    assert run.decision is not None
    assert run.decision.word is DecisionWord.GO
    assert (run.exit_code, run.state) == (0, RunState.FINISHED)
    assert place.view() == run, "what the ledger tells is what the engine told"
    assert ("started", "one", "1") in place.listener.said
    assert ("finished", "two", "PASS") in place.listener.said


def test_a_required_fail_stops_later_phases(place: Place) -> None:
    run = place.run(gate("red", "false"), gate("beside", "true"), gate("later", "touch out-later", phase="2"))
    assert outcomes(run) == {"red": "FAIL", "beside": "PASS", "later": "NOT_RUN"}
    assert verdict(run, "later").reason == "phase 1 did not hold: red FAIL"
    assert not (place.root / "out-later").exists()
    assert run.exit_code == 1


def test_keep_going_looks_further(place: Place) -> None:
    run = place.run(gate("red", "false"), gate("later", "true", phase="2"), settings=Settings(keep_going=True))
    assert outcomes(run) == {"red": "FAIL", "later": "PASS"}


def test_what_could_not_be_seen_stops_no_look(place: Place) -> None:
    run = place.run(gate("gone", "no-such-program-anywhere"), gate("later", "true", phase="2"))
    assert outcomes(run) == {"gone": "ERROR", "later": "PASS"}
    assert run.exit_code == 3


def test_an_optional_fail_stops_nothing(place: Place) -> None:
    gates = gate("red", "false", optional=True), gate("later", "true", phase="2")
    run = place.run(*gates, selection=Selection(optional=("red",)))
    assert outcomes(run) == {"red": "FAIL", "later": "PASS"}
    assert run.exit_code == 0


def test_optional_gates_run_only_when_selected(place: Place) -> None:
    run = place.run(gate("one", "true"), gate("extra", "touch out-extra", optional=True))
    assert verdict(run, "extra").reason == "optional, not selected"
    assert not (place.root / "out-extra").exists()
    assert run.exit_code == 0


def test_a_gate_waits_for_what_it_needs(place: Place) -> None:
    run = place.run(
        gate("second", "test -f out/first", needs=("first",)), gate("first", "sleep 0.3; mkdir -p out; touch out/first")
    )
    assert outcomes(run) == {"second": "PASS", "first": "PASS"}


def test_a_need_that_is_not_green(place: Place) -> None:
    run = place.run(gate("first", "false"), gate("second", "touch out-second", needs=("first",)))
    assert verdict(run, "second").reason == "needs what is not green: `first` is FAIL"
    assert not (place.root / "out-second").exists()


def test_a_gate_asked_for_by_name_waits_for_what_it_needs(place: Place) -> None:
    gates = gate("first", "false"), gate("second", "true", needs=("first",)), gate("third", "true")
    run = place.run(*gates, selection=Selection(gates=("second",)))
    assert outcomes(run) == {"first": "FAIL", "second": "NOT_RUN", "third": "NOT_RUN"}
    assert verdict(run, "third").reason == "not selected"


def test_gates_of_a_phase_run_at_the_same_time(place: Place) -> None:
    wait = "n=0; while [ ! -e out/{1} ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done"
    meet = f"mkdir -p out; touch out/{{0}}; {wait}; test -e out/{{1}}"
    run = place.run(gate("a", meet.format("a", "b")), gate("b", meet.format("b", "a")))
    assert outcomes(run) == {"a": "PASS", "b": "PASS"}


def test_an_exclusive_gate_shares_the_tree_with_nobody(place: Place) -> None:
    alone = "mkdir out/busy && sleep 0.3 && rmdir out/busy"
    (place.root / "out").mkdir()
    run = place.run(gate("a", alone), gate("b", alone, exclusive=True), gate("c", alone))
    assert outcomes(run) == {"a": "PASS", "b": "PASS", "c": "PASS"}
    order = [said[1] for said in place.listener.said if said[0] in {"started", "finished"}]
    assert order == ["a", "a", "b", "b", "c", "c"]


def test_two_gates_that_share_a_report_do_not_overlap(place: Place) -> None:
    write = "mkdir -p out; test ! -e out/r.log && sleep 0.2 && echo {0} > out/r.log"
    reports = [{"path": "out/r.log", "parser": "none"}]
    run = place.run(
        gate("a", Call("1", "command", {"run": write.format("a"), "reports": reports})),
        gate("b", Call("1", "command", {"run": write.format("b"), "reports": reports})),
    )
    captures = [verdict(run, g).captures[0] for g in ("a", "b")]
    assert [capture.exit for capture in captures] == [0, 0]
    assert [len(capture.blobs) for capture in captures] == [3, 3]


def test_red_then_green_is_flaky(place: Place) -> None:
    run = place.run(gate("odd", "mkdir -p out; test -e out/seen || { touch out/seen; exit 1; }", retries=2))
    seen = verdict(run, "odd")
    assert (seen.outcome, seen.attempts, seen.flaky) == ("PASS", 2, True)
    assert [said[2] for said in place.listener.said if said[:2] == ("started", "odd")] == ["1", "2"]
    assert place.view() == run


def test_retries_end(place: Place) -> None:
    run = place.run(gate("red", "echo x >> out-count; false", retries=2))
    assert (verdict(run, "red").attempts, verdict(run, "red").flaky) == (3, False)
    assert (place.root / "out-count").read_text() == "x\nx\nx\n"


def test_s82_the_time_budget_is_spent(place: Place) -> None:
    started = time.monotonic()
    run = place.run(
        gate("quick", "true", needs=()),
        gate("slow", "sleep 120"),
        gate("later", "true", phase="2"),
        settings=Settings(jobs=2, time_budget=3.0),
    )
    assert time.monotonic() - started < 60
    assert outcomes(run) == {"quick": "PASS", "slow": "NOT_RUN", "later": "NOT_RUN"}
    assert verdict(run, "slow").reason == "the time budget of 3 s was spent while it ran"
    assert verdict(run, "later").reason == "the time budget of 3 s was spent"
    assert run.decision is not None
    assert run.decision.word is DecisionWord.HOLD
    assert run.exit_code == 3


def test_a_timeout_of_its_own_is_an_error(place: Place) -> None:
    run = place.run(gate("slow", "sleep 30", timeout=0.5))
    assert (outcomes(run), slugs(run, "slow")) == ({"slow": "ERROR"}, ["timeout"])


def test_when_is_the_only_way_to_be_not_applicable(place: Place) -> None:
    run = place.run(
        gate("here", "true", when=When('target == "staging"', "staging only")),
        gate("there", "touch out-there", when=When('target == "production"', "there is no production here")),
    )
    assert outcomes(run) == {"here": "PASS", "there": "NOT_APPLICABLE"}
    assert verdict(run, "there").reason == "there is no production here"
    assert not (place.root / "out-there").exists()
    assert run.exit_code == 0


def test_missing_inputs_refuse_the_run_before_anything_starts(place: Place) -> None:
    with pytest.raises(InputError) as caught:
        place.run(
            gate("one", "touch out-one"),
            gate("two", "echo <staging> ${TAG}"),
            inputs=(Input("staging"), Input("TAG")),
        )
    told = [(d.slug, d.message, d.help) for d in caught.value.diagnostics]
    assert [slug for slug, _, _ in told] == ["missing-input", "missing-input"]
    assert "gate `two`, command 1" in told[0][1]
    assert told[0][2] == "add `--input staging=VALUE`"
    assert not (place.root / "out-one").exists()
    assert not (place.state / "ledger.db").exists()


def test_values_reach_the_shell_quoted(place: Place) -> None:
    odd = "a b; touch out-broken $(touch out-broken) 'q' \"d\" `touch out-broken`"
    run = place.run(
        gate("one", "printf '%s|' <staging> \"<staging>\" '<staging>' > out-values; true"),
        inputs=(Input("staging"),),
        given={"staging": odd},
    )
    assert outcomes(run) == {"one": "PASS"}
    assert (place.root / "out-values").read_text() == f"{odd}|{odd}|{odd}|"
    assert not (place.root / "out-broken").exists()


def test_git_sha_comes_from_the_subject(place: Place) -> None:
    place.run(gate("one", "echo ${GIT_SHA} > out-sha"), inputs=(Input("GIT_SHA"),))
    assert (place.root / "out-sha").read_text().strip() == place.git("rev-parse", "HEAD").strip()


def test_a_secret_input_is_in_no_record(place: Place) -> None:
    from gonogo import engine
    from tests.engine.place import registry

    frozen = place.plan(
        gate("one", "echo <token>"), inputs=(Input("token", secret=True),), given={"token": "Xq7-hidden-93"}
    )
    run = engine.run(
        frozen,
        root=place.root,
        state=place.state,
        registry=registry(),
        settings=Settings(),
        secret_inputs={"token": "Xq7-hidden-93"},
    )
    assert outcomes(run) == {"one": "PASS"}
    for file in place.state.rglob("*"):
        assert not file.is_file() or b"Xq7-hidden-93" not in file.read_bytes(), file


def test_an_unquotable_value_is_refused(place: Place) -> None:
    with pytest.raises(InputError, match="nests commands"):
        place.run(gate("one", 'echo "$(echo <x>)"'), inputs=(Input("x"),), given={"x": "a b"})


def test_a_dirty_tree_holds(place: Place) -> None:
    place.write("a.txt", "changed\n")
    place.write("new.txt", "new\n")
    run = place.run(gate("one", "true"))
    assert run.plan.subject.dirty == ("a.txt", "new.txt")
    assert (outcomes(run), run.exit_code) == ({"one": "PASS"}, 3)
    allowed = place.run(gate("one", "true"), allow_dirty=True)
    assert (allowed.exit_code, allowed.plan.allow_dirty) == (0, True)


def test_declared_input_files_are_no_dirt(place: Place) -> None:
    place.write("settings.env", "KEY=value-of-some-length\n")
    run = place.run(gate("one", "true"), input_files=("settings.env", "absent.env"))
    assert run.exit_code == 0
    assert run.plan.input_files["absent.env"] == "missing"
    assert run.plan.input_files["settings.env"].startswith("hmac-sha256:")


def test_a_pass_may_stand_for_a_while(place: Place) -> None:
    counted = gate("one", "echo x >> out/count", max_age=3600.0)
    (place.root / "out").mkdir()
    first = place.run(counted)
    second = place.run(counted)
    assert outcomes(second) == {"one": "PASS"}
    assert (place.root / "out/count").read_text() == "x\n"
    assert any(first.id in note for note in verdict(second, "one").notes)
    place.write("a.txt", "another\n")
    place.commit()
    place.run(counted)
    assert (place.root / "out/count").read_text() == "x\nx\n", "another commit is looked at anew"


@pytest.mark.parametrize("change", ["dirty", "other gate", "too old"])
def test_a_pass_that_may_not_stand(place: Place, change: str) -> None:
    (place.root / "out").mkdir()
    first = gate("one", "echo x >> out/count", max_age=1e-6 if change == "too old" else 3600.0)
    place.run(first)
    if change == "dirty":
        place.write("a.txt", "dirty\n")
    again = gate("one", "echo x >> out/count # again", max_age=3600.0) if change == "other gate" else first
    place.run(again)
    assert (place.root / "out/count").read_text() == "x\nx\n"


def test_isolation_gives_a_clean_checkout(place: Place) -> None:
    place.write("a.txt", "dirty\n")
    run = place.run(gate("apart", "grep -q one a.txt && echo x > b.txt", isolation="worktree"), allow_dirty=True)
    assert slugs(run, "apart") == ["changed-tracked-files"], "a check changes nothing there either"
    assert verdict(run, "apart").captures[0].exit == 0
    assert (place.root / "b.txt").read_text() == "two\n"
    assert place.git("worktree", "list").count("\n") == 1
    assert not list((place.state / "worktrees").rglob("a.txt"))


def test_a_probe_that_breaks_is_an_error(place: Place) -> None:
    broken = Gate("one", "one", "1", calls=(Call("1", "command", {"run": 3}),), criteria=(Criterion("exit == 0"),))
    run = place.run(broken)
    assert (outcomes(run), slugs(run, "one")[0]) == ({"one": "ERROR"}, "probe-crashed")


def test_live_lines_are_heard(place: Place) -> None:
    place.run(gate("one", "for i in 1 2 3; do echo line $i; sleep 0.3; done"))
    lines = [said[2] for said in place.listener.said if said[0] == "output"]
    assert lines
    assert lines[-1] == "line 3"


def test_nothing_private_is_left_in_the_temporary_directory(
    place: Place, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path_factory.mktemp("t")
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)
    place.run(gate("one", "true"))
    assert list(temporary.iterdir()) == []


def test_the_manifest_names_every_blob(place: Place) -> None:
    import json

    run = place.run(gate("one", "echo hello"))
    manifest = json.loads((place.state / "manifests" / f"{run.id}.json").read_text())
    named = {entry["sha256"] for entry in manifest["evidence"]}
    kept = {blob.sha256 for g in run.gates for c in g.verdict.captures for blob in c.blobs}
    assert named == kept
    assert named


def test_checklist_order_is_kept_in_the_view(place: Place) -> None:
    gates = [gate(f"g{n}", "true", phase=str(n % 3)) for n in range(6)]
    run = place.run(*sorted(gates, key=lambda g: g.phase))
    assert [g.gate.id for g in run.gates] == [g.id for g in checklist(*sorted(gates, key=lambda g: g.phase)).gates]


def test_commands_of_a_gate_run_in_order_and_each_is_judged(place: Place) -> None:
    run = place.run(gate("one", call("true", "a"), call("false", "b"), call("true", "c")))
    seen = [(j.call, j.outcome.value) for j in verdict(run, "one").judgements]
    assert seen == [("a", "PASS"), ("b", "FAIL"), ("c", "PASS")]


def test_s84_another_commit_while_it_runs_holds(place: Place) -> None:
    line = "git -c user.name=a -c user.email=a@example.org commit -q --allow-empty -m 'feat: more'"
    run = place.run(gate("one", line))
    assert (outcomes(run), run.exit_code) == ({"one": "PASS"}, 3)
    assert run.decision is not None
    assert "was checked out in the place of" in run.decision.reasons[0].text


JUNIT = '<testsuite name="a"><testcase classname="a" name="b"/></testsuite>'


def test_evidence_that_is_a_report_is_read(place: Place) -> None:
    place.write(".gitignore", "out/\n")
    place.commit()
    look = gate(
        "tests",
        f"mkdir -p out && echo '{JUNIT}' > out/any.name",
        criteria=("tests.passed == 1", "tests.failed == 0"),
        evidence=(Evidence("out/any.name", "out/any.name"),),
    )
    assert outcomes(place.run(look)) == {"tests": "PASS"}


def test_evidence_beside_a_report_of_the_same_tests_is_not_counted_twice(place: Place) -> None:
    place.write(".gitignore", "out/\n")
    place.commit()
    line = f"mkdir -p out && echo '{JUNIT}' > out/one.xml && cp out/one.xml out/two.xml"
    look = gate(
        "tests",
        call(line, reports=[{"path": "out/one.xml"}]),
        criteria=("tests.passed == 1",),
        evidence=(Evidence("out/two.xml", "out/two.xml"),),
    )
    assert outcomes(place.run(look)) == {"tests": "PASS"}


def test_a_path_of_the_calls_own_is_searched_behind_the_wrappers(place: Place) -> None:
    tool = place.root / "bin" / "only-here"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\nexit 0\n")
    tool.chmod(0o755)
    place.commit()
    path = f"{tool.parent}:/usr/bin:/bin"
    assert outcomes(place.run(gate("own", call("only-here", env={"PATH": path})))) == {"own": "PASS"}
