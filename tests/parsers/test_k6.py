"""What the three formats of k6 make of their traps: the summary, the points and the log."""

from __future__ import annotations

import csv
import json

import pytest

from tests.parsers.reading_of import FIXTURES, fixture, read, slugs


def test_s60_k6_inverted_thresholds() -> None:
    """In the export, `true` means crossed; in handleSummary, `ok: true` means held."""
    assert fixture("k6_summary", "failing.json").value("load.thresholds.crossed") != 0
    assert fixture("k6_summary", "passing.json").value("load.thresholds.crossed") == 0
    assert fixture("k6_summary", "handle_summary.json").value("load.thresholds.crossed") == 0
    data = json.loads((FIXTURES / "k6_summary" / "handle_summary.json").read_text())
    data["metrics"]["http_req_duration"]["thresholds"]["p(95)<300"]["ok"] = False
    assert read("k6_summary", json.dumps(data)).value("load.thresholds.crossed") == 1


def test_s60_k6_target_down_has_no_duration() -> None:
    found = fixture("k6_summary", "target_down.json")
    assert found.value("load.errors.pct") == 100
    assert found.value("load.duration.p95") is None


@pytest.mark.parametrize("name", ["empty.json", "broken.json"])
def test_s60_k6_without_a_request(name: str) -> None:
    found = fixture("k6_summary", name)
    assert (found.observations, slugs(found)) == ((), ["no-requests"])


def test_k6_shapes_agree() -> None:
    export, handled = fixture("k6_summary", "passing.json"), fixture("k6_summary", "handle_summary.json")
    assert export.value("load.errors.pct") == handled.value("load.errors.pct") == 0
    assert isinstance(export.value("load.duration.p95"), float)
    assert isinstance(handled.value("load.duration.p99"), float)


def test_k6_machine_readable_has_no_thresholds() -> None:
    found = fixture("k6_summary", "machine_readable.json")
    assert found.value("load.thresholds.crossed") is None
    assert (found.value("load.errors.pct"), found.value("load.checks.failed")) == (5.0, 1)
    assert (found.value("load.duration.p95"), found.value("load.duration.p99")) == (12.0, None)


def test_k6_exit_99_where_the_summary_names_no_threshold() -> None:
    data = (FIXTURES / "k6_summary" / "machine_readable.json").read_text()
    found = read("k6_summary", data, exit=99)
    assert found.value("load.thresholds.crossed") == 1
    assert [finding.severity for finding in found.findings if finding.severity == "crossed"] == ["crossed"]


def test_k6_requests_of_setup_alone_are_no_load() -> None:
    data = json.loads((FIXTURES / "k6_summary" / "passing.json").read_text())
    del data["metrics"]["iterations"]
    found = read("k6_summary", json.dumps(data))
    assert (found.observations, slugs(found)) == ((), ["no-iterations"])


def test_k6_dropped_iterations_are_told() -> None:
    data = json.loads((FIXTURES / "k6_summary" / "passing.json").read_text())
    data["metrics"]["dropped_iterations"] = {"count": 12, "rate": 1.0}
    found = read("k6_summary", json.dumps(data))
    assert found.value("load.dropped_iterations") == 12
    assert any(note.startswith("12 iterations were dropped") for note in found.notes)


def test_k6_points_in_both_forms() -> None:
    """Real points of k6 1.1.0, as CSV and as JSON lines of the same requests."""
    table = fixture("k6_points", "failing.csv")
    rows = list(csv.DictReader((FIXTURES / "k6_points" / "failing.csv").read_text().splitlines()))
    events = [
        {
            "metric": row["metric_name"],
            "type": "Point",
            "data": {
                "value": float(row["metric_value"]),
                "tags": {"name": row["name"], "scenario": row["scenario"], "status": row["status"]}
                | dict(tag.split("=") for tag in row["extra_tags"].split("&") if tag),
            },
        }
        for row in rows
    ]
    lines = read("k6_points", "\n".join(json.dumps(event) for event in events) + "\n")
    assert lines.observations == table.observations
    assert table.value('load.endpoint.errors_pct["search"]') == 50.0
    assert table.value('load.endpoint.requests["health"]') == 12
    assert table.value('load.scenario.requests["default"]') == 24


def points(*requests: tuple[str, float, int, int]) -> str:
    """Name, duration, whether it failed, status."""
    head = (FIXTURES / "k6_points" / "empty.csv").read_text()
    lines = []
    for name, duration, failed, status in requests:
        for metric, value in (("http_req_duration", duration), ("http_req_failed", failed)):
            lines.append(f"{metric},1,{value},,,,true,,GET,{name},HTTP/1.1,default,,{status},,,{name},,")
    return head + "\n".join(lines) + "\n"


def test_k6_endpoints_of_urls_have_no_host_and_no_query() -> None:
    found = read("k6_points", points(("https://a.example/x?token=secret", 5, 0, 200), ("https://a.example", 5, 0, 200)))
    assert {o.name for o in found.observations if o.name.startswith("load.endpoint.p95")} == {
        'load.endpoint.p95["/x"]',
        'load.endpoint.p95["/"]',
    }


def test_k6_an_endpoint_that_only_fails_has_no_duration() -> None:
    found = read("k6_points", points(("dead", 0.1, 1, 0), ("alive", 50, 0, 200)))
    assert found.value('load.endpoint.errors_pct["dead"]') == 100
    assert found.value('load.endpoint.p95["dead"]') is None
    assert found.value('load.endpoint.p95["alive"]') == 50


def test_k6_errors_that_the_script_calls_expected_are_told() -> None:
    found = read("k6_points", points(("a", 5, 0, 503), ("a", 5, 0, 200)))
    assert found.value('load.endpoint.errors_pct["a"]') == 0
    assert found.notes == ("1 answers of status 500 or above count as expected: the script says so",)


def test_k6_points_of_very_many_names_and_requests_stay_bounded() -> None:
    many = points(*((f"/item/{n}", 10.0, 0, 200) for n in range(150)), *(("/list", 20.0, 0, 200) for _ in range(3)))
    found = read("k6_points", many)
    told = [o for o in found.observations if o.name.startswith("load.endpoint.p95[")]
    assert len(told) == 100
    assert found.value('load.endpoint.p95["/list"]') == 20
    assert found.notes == ("151 endpoints, of which the 100 busiest are told of: give requests the tag `name`",)


def test_k6_points_kept_of_one_part_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gonogo.parsers.k6_points._MOST_KEPT", 400)
    found = read("k6_points", points(*(("a", float(n % 1000), 0, 200) for n in range(3000))))
    assert found.value('load.endpoint.requests["a"]') == 3000
    assert found.value('load.endpoint.p95["a"]') == pytest.approx(949, abs=25)


def test_k6_tenths_are_in_order_of_time() -> None:
    rising = points(*(("a", float(n), 0, 200) for n in range(200)))
    found = read("k6_points", rising)
    tenths = found.value("load.tenths")
    assert isinstance(tenths, tuple)
    assert [float(tenth) for tenth in tenths] == pytest.approx([18.05 + 20 * at for at in range(10)])
    assert read("k6_points", points(*(("a", 5.0, 0, 200) for _ in range(99)))).value("load.tenths") is None


@pytest.mark.parametrize("cut", [-1, -9, -60])
def test_k6_points_that_break_off(cut: int) -> None:
    whole = points(*(("a", float(n), 0, 200) for n in range(20)))
    assert read("k6_points", whole[:cut] if cut < -1 else whole + "http_req_duration,1").observations == ()


def test_k6_log_as_json() -> None:
    line = json.dumps({"level": "error", "msg": "Error: boom\n\tat default", "source": "stacktrace"})
    found = read("k6_log", f"     execution: local\n{line}\n{line}\n")
    assert found.value("load.exceptions") == 2
    assert [finding.message for finding in found.findings] == ["an iteration threw: Error: boom"]
