"""Real k6 against a real server, through the engine: what a gate makes of it. `failures.md` S60."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gonogo.model.capture import Capture
from gonogo.model.outcome import Outcome
from gonogo.model.run import RunView
from tests.engine.place import Place, gate, outcomes, slugs, verdict
from tests.load_target import LoadTarget, closed_port, load_target, path_with_k6

HEAD = "import http from 'k6/http';\nimport { check } from 'k6';\nconst base = __ENV.BASE_URL;\n"
HEALTHY = (
    HEAD
    + """\
export const options = { vus: 2, iterations: 40, thresholds: { http_req_failed: ['rate<0.5'] } };
export default function () {
  const health = http.get(`${base}/health?q=1`);
  check(health, { 'is ok': (answer) => answer.status === 200 });
  http.get(`${base}/slow/search`, { tags: { endpoint: 'search' } });
}
"""
)
SEARCH = "  http.get(`${base}/slow/search`"
LENIENT = "http_req_failed: ['rate<0.5']"
ASKED = ("load.errors.pct <= 1.0", "load.duration.p95 <= 2000")


@pytest.fixture(scope="module")
def target() -> Iterator[LoadTarget]:
    with load_target() as server:
        yield server


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: LoadTarget) -> Place:
    monkeypatch.setenv("PATH", path_with_k6())
    monkeypatch.setenv("BASE_URL", target.url)
    root = tmp_path / "repository"
    root.mkdir()
    made = Place(root)
    made.git("init", "-q", "-b", "main")
    made.write(".gitignore", ".gonogo/\nout/\n")
    return made


def run(place: Place, script: str, criteria: tuple[str, ...] = ASKED, line: str = "k6 run x.js") -> RunView:
    place.write("x.js", script)
    place.commit()
    return place.run(gate("load", line, criteria=criteria))


def capture(view: RunView) -> Capture:
    return verdict(view, "load").captures[0]


def decided(view: RunView) -> str:
    assert view.decision is not None
    return view.decision.word.value


def test_a_healthy_load_passes_with_figures_of_each_part(place: Place) -> None:
    criteria = (
        *ASKED,
        "load.requests == 80",
        "load.iterations == 40",
        "load.rps > 1.0",
        "load.vus == 2",
        "load.exceptions == 0",
        "load.checks.passed == 40",
        "load.thresholds.crossed == 0",
        'load.endpoint.requests["search"] == 40',
        'load.endpoint.p99["/health"] < 2000',
        'load.endpoint.med["search"] < 2000',
        'load.endpoint.errors_pct["search"] <= 0.0',
        'load.scenario.p95["default"] < 2000',
    )
    view = run(place, HEALTHY, criteria)
    assert outcomes(view) == {"load": "PASS"}, verdict(view, "load")
    assert {ref.parser for ref in capture(view).reports} == {"k6_summary", "k6_points", "k6_log"}


def test_an_endpoint_that_nobody_called_is_unknown(place: Place) -> None:
    view = run(place, HEALTHY, ('load.endpoint.p95["serach"] < 2000',))
    assert outcomes(view) == {"load": "UNKNOWN"}


def test_the_points_and_the_summary_agree(place: Place) -> None:
    """Both count every request, and take the percentile in the same way: to the microsecond that the CSV has."""
    view = run(place, HEALTHY, ('load.scenario.p95["default"] - load.duration.p95 < 0.001', *ASKED))
    assert outcomes(view) == {"load": "PASS"}, verdict(view, "load")
    view = run(place, HEALTHY, ('load.duration.p95 - load.scenario.p95["default"] < 0.001', *ASKED))
    assert outcomes(view) == {"load": "PASS"}, verdict(view, "load")


def test_s60_target_down(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASE_URL", f"http://127.0.0.1:{closed_port()}")
    view = run(place, HEALTHY.replace("rate<0.5", "rate<1.5"))
    judged = {j.criterion: j.outcome for j in verdict(view, "load").judgements}
    assert judged == {ASKED[0]: Outcome.FAIL, ASKED[1]: Outcome.UNKNOWN}
    only_speed = run(place, HEALTHY.replace("rate<0.5", "rate<1.5"), (ASKED[1],))
    assert outcomes(only_speed) == {"load": "UNKNOWN"}


def test_s60_zero_requests(place: Place) -> None:
    view = run(place, "export const options = { vus: 1, iterations: 3 };\nexport default function () {}\n")
    assert outcomes(view) == {"load": "UNKNOWN"}
    assert "no-requests" in slugs(view, "load")
    assert capture(view).exit == 0


def test_s60_every_iteration_throws_after_its_requests(place: Place) -> None:
    """k6 exits 0, counts the iterations as completed, and fails no check: grafana/k6#6480."""
    view = run(place, HEALTHY.replace(SEARCH, f"  throw new Error('boom');\n{SEARCH}"))
    assert outcomes(view) == {"load": "UNKNOWN"}
    assert slugs(view, "load") == ["every-iteration-threw"]
    assert capture(view).exit == 0


@pytest.mark.parametrize("option", ["--log-output=none", "--log-output none", "--log-format raw", "--log-format=json"])
def test_s60_exceptions_are_seen_however_the_log_is_set(place: Place, option: str) -> None:
    script = HEALTHY.replace(SEARCH, f"  throw new Error('boom');\n{SEARCH}")
    assert slugs(run(place, script, line=f"k6 run {option} x.js"), "load") == ["every-iteration-threw"]


def test_s60_exceptions_in_a_log_that_goes_elsewhere_are_no_zero(place: Place) -> None:
    place.write("out/keep", "")
    script = HEALTHY.replace(SEARCH, f"  throw new Error('boom');\n{SEARCH}")
    view = run(place, script, (*ASKED, "load.exceptions == 0"), line="k6 run --log-output=file=out/k6.log x.js")
    assert outcomes(view) == {"load": "UNKNOWN"}
    assert any("goes to `file`" in note for note in verdict(view, "load").notes)


def test_s60_some_iterations_throw(place: Place) -> None:
    script = HEALTHY.replace(
        "  http.get(`${base}/slow", "  if (__ITER === 3) throw new Error('boom');\n  http.get(`${base}/slow"
    )
    view = run(place, script, (*ASKED, "load.exceptions == 0"))
    assert outcomes(view) == {"load": "FAIL"}
    assert [f.message for f in verdict(view, "load").findings] == ["an iteration threw: Error: boom"]


def test_s60_terminated_leaves_a_partial_summary(place: Place) -> None:
    script = HEALTHY.replace("iterations: 40", "duration: '60s'")
    script = script.replace("  check(", "  console.log('at work');\n  check(")
    waits = "until [ -s said ]; do sleep 0.05; done"
    place.write("load.sh", f"k6 run --console-output=said x.js & {waits}; kill $!; wait $!\n")
    view = run(place, script, line="sh load.sh")
    assert outcomes(view) == {"load": "ERROR"}
    assert any("those of a part" in trouble.message for trouble in verdict(view, "load").troubles)


def test_s60_the_summary_cannot_be_written(place: Place) -> None:
    view = run(place, HEALTHY, line="k6 run --summary-export=no/such/place.json x.js")
    assert outcomes(view) == {"load": "UNKNOWN"}
    assert capture(view).exit == 0


def test_s60_a_stale_summary_is_not_read(place: Place) -> None:
    """k6 cannot write to where the summary of yesterday lies, and exits 0."""
    place.write("out/today.json", "{}")
    kept = place.write("out/s.json", '{"metrics": {"http_reqs": {"count": 5}}}')
    line = "rm -r out/today.json && mkdir out/today.json && k6 run --summary-export=out/today.json x.js"
    view = run(place, HEALTHY, line=line)
    assert outcomes(view) == {"load": "UNKNOWN"}
    assert kept.exists()


@pytest.mark.parametrize("flag", ["--no-summary", "--quiet"])
def test_s60_a_hushed_k6_is_asked_all_the_same(place: Place, flag: str) -> None:
    assert outcomes(run(place, HEALTHY, line=f"k6 run {flag} x.js")) == {"load": "PASS"}


def test_s60_a_crossed_threshold_is_seen_and_the_right_way_round(place: Place) -> None:
    script = HEALTHY.replace("http_req_failed: ['rate<0.5']", f"{LENIENT}, http_reqs: ['count>1000']")
    view = run(place, script, ("load.thresholds.crossed == 0",))
    assert capture(view).exit == 99
    assert outcomes(view) == {"load": "FAIL"}
    assert [f.message for f in verdict(view, "load").findings] == ["threshold crossed: http_reqs: count>1000"]
    not_asked = run(place, script)
    assert outcomes(not_asked) == {"load": "PASS"}
    assert "threshold crossed: http_reqs: count>1000" in verdict(not_asked, "load").notes


def test_s60_a_threshold_that_ends_the_test_early(place: Place) -> None:
    ending = "http_reqs: [{ threshold: 'count>100000', abortOnFail: true }]"
    script = HEALTHY.replace(LENIENT, ending).replace("iterations: 40", "duration: '30s'")
    view = run(place, script)
    assert outcomes(view) == {"load": "UNKNOWN"}
    assert "ended-early" in slugs(view, "load")


def test_s60_a_threshold_on_what_nothing_emits(place: Place) -> None:
    threshold = "'http_req_duration{endpoint:typo}': ['p(95)<1']"
    view = run(place, HEALTHY.replace(LENIENT, threshold))
    assert any("http_req_duration{endpoint:typo}" in note for note in verdict(view, "load").notes)
    script = HEALTHY.replace(LENIENT, threshold)
    assert outcomes(run(place, script, ('load.endpoint.p95["typo"] < 1000',))) == {"load": "UNKNOWN"}


ABORTING = "import exec from 'k6/execution';\n" + HEALTHY.replace("  const", "  exec.test.abort();\n  const", 1)


@pytest.mark.parametrize(
    ("line", "script", "word"),
    [
        ("k6 run --no-such-flag x.js", HEALTHY, "called wrongly"),
        ("k6 run nowhere.js", HEALTHY, "called wrongly"),
        ("k6 run x.js", "throw new Error('at once');\n" + HEALTHY, "before it ran"),
        ("k6 run x.js", HEALTHY + "export function setup() { throw new Error('no'); }\n", "before it ran"),
        (
            "k6 run x.js",
            "import exec from 'k6/execution';\n" + HEALTHY.replace("  const", "  exec.test.abort();\n const"),
            "",
        ),
    ],
)
def test_s60_exit_codes_that_say_nothing_was_measured(place: Place, line: str, script: str, word: str) -> None:
    view = run(place, script, line=line)
    assert outcomes(view)["load"] in {"ERROR", "UNKNOWN"}
    assert any(word in trouble.message for trouble in verdict(view, "load").troubles)


def test_the_summary_of_a_script_with_a_handle_summary_of_its_own(place: Place) -> None:
    own = "export function handleSummary(data) { return { 'out/own.json': JSON.stringify(data) }; }\n"
    place.write("out/keep", "")
    assert outcomes(run(place, HEALTHY + own, (*ASKED, "load.exceptions == 0"))) == {"load": "PASS"}


def test_own_outputs_are_left_alone(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--out` would switch off what `K6_OUT` asks for; then there are no points, and no figures of parts."""
    place.write("out/keep", "")
    monkeypatch.setenv("K6_OUT", "csv=out/own.csv")
    view = run(place, HEALTHY, (*ASKED, 'load.endpoint.p95["search"] < 2000'))
    assert (place.root / "out/own.csv").stat().st_size > 1000
    assert {ref.parser for ref in capture(view).reports} == {"k6_summary", "k6_log"}
    assert outcomes(view) == {"load": "UNKNOWN"}


def test_sub_metrics_of_thresholds_speak_where_there_are_no_points(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write("out/keep", "")
    monkeypatch.setenv("K6_OUT", "csv=out/own.csv")
    threshold = "'http_req_duration{endpoint:search}': ['p(95)<2000']"
    script = HEALTHY.replace(LENIENT, threshold)
    assert outcomes(run(place, script, ('load.endpoint.p95["search"] < 2000',))) == {"load": "PASS"}


# --- numbered as in docs/false-greens.md: k6 exits 0 in all of them

BAD = HEAD + "export const options = { vus: 1, iterations: 4 };\nexport default () => { http.get(`${base}/bad`); };\n"
TOO_MUCH = (
    HEAD
    + """\
export const options = { scenarios: { steady: {
  executor: 'constant-arrival-rate', rate: 50, duration: '1s', preAllocatedVUs: 1, maxVUs: 1,
} } };
export default () => { http.get(`${base}/slow`); };
"""
)


def test_20_every_request_fails_and_the_script_has_no_threshold(place: Place) -> None:
    view = run(place, BAD, (ASKED[0],))
    assert (capture(view).exit, outcomes(view), decided(view)) == (0, {"load": "FAIL"}, "NO-GO")


def test_21_thresholds_held_without_one_request(place: Place) -> None:
    script = "export const options = { iterations: 3, thresholds: { http_req_duration: ['p(95)<500'] } };\n"
    view = run(place, script + "export default function () {}\n")
    assert (capture(view).exit, outcomes(view), decided(view)) == (0, {"load": "UNKNOWN"}, "HOLD")
    assert "no-requests" in slugs(view, "load")


def test_22_most_iterations_were_dropped(place: Place, target: LoadTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "delay", 0.25)
    view = run(place, TOO_MUCH, (*ASKED, "load.dropped_iterations == 0"))
    assert (capture(view).exit, outcomes(view), decided(view)) == (0, {"load": "FAIL"}, "NO-GO")
    not_asked = run(place, TOO_MUCH)
    assert (outcomes(not_asked), decided(not_asked)) == ({"load": "PASS"}, "GO")
    assert any("iterations were dropped" in note for note in verdict(not_asked, "load").notes)
