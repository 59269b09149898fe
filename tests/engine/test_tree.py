"""What gates do to the tree they look at: evidence old and new, tracked files changed, things others need removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gonogo.config import Settings
from gonogo.model.checklist import Call, Evidence, Gate
from gonogo.model.run import RunView
from tests.engine.place import Place, gate, outcomes, slugs, verdict


def evidence(run: RunView, gate_id: str) -> dict[str, bytes]:
    """Path -> stored bytes of the files that the gate's captures hold."""
    blobs = [blob for capture in verdict(run, gate_id).captures for blob in capture.blobs if blob.path]
    store = Path(run.evidence_directory)
    return {blob.path: (store / blob.sha256[:2] / blob.sha256).read_bytes() for blob in blobs}


def brings(path: str, line: str, **more: object) -> Gate:
    return gate("one", line, evidence=(Evidence(path, path),), **more)


def test_evidence_written_now_is_stored(place: Place) -> None:
    run = place.run(brings("out/metrics.json", "mkdir -p out && echo new > out/metrics.json"))
    assert outcomes(run) == {"one": "PASS"}
    assert evidence(run, "one") == {"out/metrics.json": b"new\n"}


def test_evidence_that_is_not_written_is_unknown(place: Place) -> None:
    run = place.run(brings("out/metrics.json", "true"))
    assert (outcomes(run), slugs(run, "one")) == ({"one": "UNKNOWN"}, ["evidence-missing"])
    assert run.exit_code == 3


def test_evidence_of_yesterday_is_stale_and_put_back(place: Place) -> None:
    old = place.write("out/metrics.json", "old\n")
    before = old.stat()
    run = place.run(brings("out/metrics.json", "true"))
    assert (outcomes(run), slugs(run, "one")) == ({"one": "STALE"}, ["evidence-stale"])
    assert old.read_text() == "old\n"
    assert old.stat().st_mtime_ns == before.st_mtime_ns
    assert not (place.state / "aside" / run.id).exists()


def test_a_byte_identical_rewrite_is_fresh(place: Place) -> None:
    place.write("out/metrics.json", "same\n")
    run = place.run(brings("out/metrics.json", "mkdir -p out && echo same > out/metrics.json"))
    assert outcomes(run) == {"one": "PASS"}


def test_touching_an_old_file_is_no_evidence(place: Place) -> None:
    place.write("out/metrics.json", "old\n")
    run = place.run(brings("out/metrics.json", "touch out/metrics.json"))
    assert evidence(run, "one") == {"out/metrics.json": b""}, "what was there before is out of its reach"


def test_a_directory_as_evidence_is_listed_and_stored(place: Place) -> None:
    place.write("out/site/old.html", "old")
    run = place.run(
        brings("out/site/", "mkdir -p out/site/a && echo 1 > out/site/a/x.html && echo 2 > out/site/y.html")
    )
    assert outcomes(run) == {"one": "PASS"}
    assert evidence(run, "one") == {"out/site/a/x.html": b"1\n", "out/site/y.html": b"2\n"}
    names = [blob.name for blob in verdict(run, "one").captures[-1].blobs]
    assert "evidence/out/site/listing.json" in names


def test_an_old_directory_is_stale_and_put_back_whole(place: Place) -> None:
    place.write("out/site/old.html", "old")
    run = place.run(brings("out/site/", "true"))
    assert slugs(run, "one") == ["evidence-stale"]
    assert (place.root / "out/site/old.html").read_text() == "old"


def test_an_empty_directory_is_no_evidence(place: Place) -> None:
    run = place.run(brings("out/site/", "mkdir -p out/site"))
    assert slugs(run, "one") == ["evidence-empty"]


@pytest.mark.parametrize("line", ["true", "touch a.txt", "cp a.txt a.new && mv a.new a.txt"])
def test_committed_evidence_is_stale(place: Place, line: str) -> None:
    run = place.run(brings("a.txt", line))
    assert (outcomes(run), slugs(run, "one")) == ({"one": "STALE"}, ["evidence-stale"])
    assert "is committed" in verdict(run, "one").troubles[0].message


def test_committed_evidence_that_is_rewritten_is_a_changed_file(place: Place) -> None:
    run = place.run(brings("a.txt", "echo new > a.txt"))
    assert outcomes(run) == {"one": "FAIL"}
    assert "changed-tracked-files" in slugs(run, "one")


def test_a_log_that_no_command_writes_is_our_own_capture(place: Place) -> None:
    run = place.run(brings("build-output.log", "echo built"))
    assert outcomes(run) == {"one": "PASS"}
    assert any("build-output.log" in note for note in verdict(run, "one").notes)
    named = place.run(brings("build-output.log", "echo built > /dev/null # build-output.log"))
    assert slugs(named, "one") == ["evidence-missing"], "a log that a command names is expected of it"


def test_our_capture_serves_where_the_author_allows_it(place: Place) -> None:
    allowed = Evidence("out/coverage.json or coverage summary", "out/coverage.json", or_capture=True)
    run = place.run(gate("one", "echo 80 %", evidence=(allowed,)))
    assert outcomes(run) == {"one": "PASS"}


def test_evidence_outside_the_repository_is_unknown(place: Place, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (place.root / "out").symlink_to(tmp_path / "elsewhere")
    run = place.run(brings("out/x.json", "echo 1 > out/x.json"))
    assert slugs(run, "one") == ["evidence-outside"]


JUNIT = '<testsuites><testsuite name="a" tests="1"><testcase classname="a" name="b"/></testsuite></testsuites>'


def reports(line: str, path: str = "out/junit.xml", **report: str) -> Gate:
    call = Call("1", "command", {"run": line, "reports": [{"path": path, **report}]})
    return gate("one", call, criteria=("tests.failed == 0", "tests.passed > 0"))


def test_a_declared_report_is_found_by_its_content(place: Place) -> None:
    place.write("write.sh", f"mkdir -p out; echo '{JUNIT}' > out/junit.xml")
    place.commit()
    run = place.run(reports("sh write.sh"))
    assert outcomes(run) == {"one": "PASS"}, slugs(run, "one")


def test_a_glob_finds_all_reports(place: Place) -> None:
    place.write("write.sh", f"mkdir -p out; for n in 1 2; do echo '{JUNIT}' > out/junit-$n.xml; done")
    place.commit()
    place.write("out/junit-3.xml", JUNIT)
    run = place.run(reports("sh write.sh", "out/junit-*.xml"))
    assert outcomes(run) == {"one": "PASS"}
    values = [j.value for j in verdict(run, "one").judgements if j.criterion == "tests.passed > 0"]
    assert values[0].startswith("2"), "the one of yesterday is not counted"


@pytest.mark.parametrize(
    ("line", "slug", "outcome"),
    [
        ("true", "report-missing", "UNKNOWN"),
        ("mkdir -p out; : > out/junit.xml", "report-empty", "UNKNOWN"),
        ("mkdir -p out; echo words > out/junit.xml", "report-unread", "UNKNOWN"),
        ("mkdir -p out; mkdir out/junit.xml", "report-missing", "UNKNOWN"),
    ],
)
def test_a_report_that_says_nothing(place: Place, line: str, slug: str, outcome: str) -> None:
    run = place.run(reports(line))
    assert outcomes(run) == {"one": outcome}
    assert slug in slugs(run, "one")


def test_yesterdays_report_is_stale(place: Place) -> None:
    old = place.write("out/junit.xml", JUNIT)
    run = place.run(reports("true"))
    assert (outcomes(run), "report-stale" in slugs(run, "one")) == ({"one": "STALE"}, True)
    assert old.read_text() == JUNIT


# --- tracked files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["echo x >> a.txt", "rm a.txt", "rm a.txt && ln -s b.txt a.txt"])
def test_a_check_must_not_change_what_it_checks(place: Place, line: str) -> None:
    run = place.run(gate("one", line))
    assert (outcomes(run), slugs(run, "one")) == ({"one": "FAIL"}, ["changed-tracked-files"])
    message = verdict(run, "one").troubles[0].message
    assert message == "a check must not change what it checks: it changed `a.txt`"
    assert run.exit_code == 1


def test_a_change_that_keeps_size_and_time_is_seen(place: Place) -> None:
    run = place.run(
        gate("one", "touch -r a.txt /tmp/ref.$$; echo two > a.txt; touch -r /tmp/ref.$$ a.txt; rm /tmp/ref.$$")
    )
    assert slugs(run, "one") == ["changed-tracked-files"]


def test_touching_or_rewriting_the_same_is_no_change(place: Place) -> None:
    run = place.run(gate("one", "touch a.txt; echo two > b.txt"))
    assert outcomes(run) == {"one": "PASS"}


def test_a_file_that_was_dirty_before_is_compared_with_itself(place: Place) -> None:
    place.write("a.txt", "dirty\n")
    run = place.run(
        gate("one", "true"), gate("two", "touch a.txt", phase="2"), gate("three", "echo x > a.txt", phase="3")
    )
    assert outcomes(run) == {"one": "PASS", "two": "PASS", "three": "FAIL"}


def test_only_the_gate_that_ran_is_blamed(place: Place) -> None:
    run = place.run(gate("one", "echo x >> a.txt"), gate("two", "true", phase="2"), settings=Settings(keep_going=True))
    assert outcomes(run) == {"one": "FAIL", "two": "PASS"}


def test_when_several_ran_all_of_them_fail(place: Place) -> None:
    wait = "mkdir -p out; touch out/{0}; while [ ! -e out/{1} ]; do sleep 0.05; done"
    run = place.run(
        gate("a", wait.format("a", "b") + "; sleep 0.5"),
        gate("b", wait.format("b", "a") + "; echo x >> a.txt"),
        gate("c", "true", phase="2"),
        settings=Settings(jobs=2, keep_going=True),
    )
    assert outcomes(run) == {"a": "FAIL", "b": "FAIL", "c": "PASS"}
    for name in "ab":
        message = verdict(run, name).troubles[0].message
        assert message.endswith("one of these changed `a.txt`: `a`, `b`")
        assert "alone" in verdict(run, name).troubles[0].help


def test_declared_changes_are_shown_and_undone(place: Place) -> None:
    run = place.run(gate("one", "echo x >> a.txt; rm b.txt", changes=("*.txt",)), gate("two", "true"))
    assert outcomes(run) == {"one": "PASS", "two": "PASS"}
    assert verdict(run, "one").notes == ("changed as declared, and undone: `a.txt`, `b.txt`",)
    assert (place.root / "a.txt").read_text() == "one\n"
    assert (place.root / "b.txt").read_text() == "two\n"
    assert place.git("status", "--porcelain") == ""


def test_undoing_keeps_a_persons_own_changes(place: Place) -> None:
    place.write("a.txt", "mine, not committed\n")
    run = place.run(gate("one", "echo x >> a.txt", changes=("a.txt",)))
    assert outcomes(run) == {"one": "PASS"}
    assert (place.root / "a.txt").read_text() == "mine, not committed\n"


def test_what_is_not_declared_still_fails(place: Place) -> None:
    run = place.run(gate("one", "echo x >> a.txt; echo x >> b.txt", changes=("a.txt",)))
    assert verdict(run, "one").troubles[0].message.endswith("it changed `b.txt`")
    assert (place.root / "a.txt").read_text() == "one\n"


def test_odd_names(place: Place) -> None:
    for name in ("new\nline.txt", '"quoted".txt', "-dash.txt", "umläut.txt", "back\\slash.txt"):
        place.write(name, "x")
    place.commit()
    run = place.run(
        gate("quiet", "touch ./*.txt"), gate("one", 'for f in ./*.txt; do echo y > "$f"; done', phase="2")
    )
    assert outcomes(run) == {"quiet": "PASS", "one": "FAIL"}
    assert "umläut.txt" in verdict(run, "one").troubles[0].message


# --- order must not poison -----------------------------------------------------------------------------------


def test_a_red_gate_says_who_removed_what_it_needs(place: Place) -> None:
    place.write("node_modules/x.js", "x")
    run = place.run(
        gate("clean", "rm -rf node_modules"),
        gate("look", "test -d node_modules", phase="2"),
        gate("fine", "true", phase="2"),
    )
    assert outcomes(run) == {"clean": "PASS", "look": "FAIL", "fine": "PASS"}
    said = [note for note in verdict(run, "look").notes if "node_modules" in note]
    assert said == ["`node_modules` is not there any more: it went away while `clean` ran"]
    assert verdict(run, "fine").notes == ()


def test_other_gates_evidence_is_watched(place: Place) -> None:
    run = place.run(
        gate("write", "mkdir -p out/deep; echo 1 > out/deep/r.json", evidence=(Evidence("", "out/deep/r.json"),)),
        gate("clean", "rm out/deep/r.json", phase="2"),
        gate("use", "test -e out/deep/r.json", phase="3"),
    )
    assert any("out/deep/r.json" in note and "`clean`" in note for note in verdict(run, "use").notes)


def test_what_comes_back_is_not_missing(place: Place) -> None:
    place.write("node_modules/x.js", "x")
    run = place.run(
        gate("clean", "rm -rf node_modules"),
        gate("install", "mkdir node_modules", phase="2"),
        gate("red", "false", phase="3"),
    )
    assert verdict(run, "red").notes == ()


def test_workspaces_are_watched_too(place: Place) -> None:
    place.write("backend/package.json", "{}")
    place.commit()
    place.write("backend/node_modules/x", "")
    run = place.run(gate("clean", "rm -rf backend/node_modules"), gate("red", "false", phase="2"))
    assert any("backend/node_modules" in note for note in verdict(run, "red").notes)


# --- what only one machine has -------------------------------------------------------------------------------


def test_env_files_must_be_committed_or_declared(place: Place) -> None:
    place.write(".env.local", "NAME=ignored-and-undeclared\n")
    call = Call("1", "command", {"run": 'test -n "$NAME"', "env_files": [".env.local"]})
    run = place.run(gate("one", call))
    assert "only-here" in slugs(run, "one")
    assert outcomes(run) != {"one": "PASS"}
    declared = place.run(gate("one", call), input_files=(".env.local",))
    assert outcomes(declared) == {"one": "PASS"}


def test_values_of_env_files_reach_no_file(place: Place) -> None:
    place.write(".env.staging", "TOKEN=Xq7Vb29-sentinel-Lm4\n")
    call = Call("1", "command", {"run": "echo $TOKEN | tee out.log", "env_files": [".env.staging"]})
    made = gate("one", call, evidence=(Evidence("", "out.log"),))
    run = place.run(made, input_files=(".env.staging",))
    assert outcomes(run) == {"one": "PASS"}
    for file in place.state.rglob("*"):
        assert not file.is_file() or b"sentinel" not in file.read_bytes(), file


def test_the_evidence_store_is_gone(place: Place) -> None:
    run = place.run(
        gate("one", f"rm -rf .gonogo/state/evidence && mkdir -p out && touch {os.path.join('out', 'x')}"),
        gate("two", "true", phase="2"),
    )
    assert outcomes(run)["one"] == "ERROR"
    assert run.exit_code == 3
