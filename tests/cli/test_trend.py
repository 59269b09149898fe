"""`gonogo trend` on a ledger with a history: table, plot, picture and data."""

from __future__ import annotations

import json
import random
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from gonogo.cli.main import run
from gonogo.engine import baselines
from gonogo.ledger import Ledger
from gonogo.model.baseline import Baseline, Figures
from gonogo.model.capture import Capture
from gonogo.model.outcome import Outcome
from gonogo.model.verdict import Verdict

KEY = {"script": "load-tests/light.js 3f2a90c1d4e5", "tool": "k6 v1.1.0", "machine": "ci", "vus": "5"}
KEY |= {"target": "staging", "series": ""}
SVG = "{http://www.w3.org/2000/svg}"


def verdict(at: int, p95: float, *, outcome: Outcome = Outcome.PASS, **key: str) -> Verdict:
    parts = {"": Figures(p95, 1200), "search": Figures(2 * p95, 600)}
    started = f"2026-11-{1 + at // 24:02d}T{at % 24:02d}:00:00.000000Z"
    capture = Capture("baseline", "load", started=started, call="2", measured=Baseline({**KEY, **key}, parts))
    return Verdict("load", "1", outcome, captures=(capture,))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gonogo" / "state").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def remember(place: Path, *verdicts: Verdict) -> None:
    ledger = Ledger(place / ".gonogo" / "state" / "ledger.db")
    for at, one in enumerate(verdicts):
        name = f"20261101T{at:06d}Z-aaaaaa"
        ledger.take(name)
        ledger.append(name, "run-started", {"plan": {"subject": {"commit": f"{at:040d}"}}})
        ledger.append(name, "verdict", {"verdict": one}, gate="load")
        if one.outcome is Outcome.PASS:
            (measured,) = baselines.measured_in(one)
            ledger.append(name, baselines.EVENT, {"baseline": measured, "commit": f"{at:040d}"}, gate="load")
        ledger.give_back()
    ledger.close()


def creeping() -> list[Verdict]:
    """Twenty steady runs, one that failed, twenty that are a tenth slower."""
    rng = random.Random(5)
    values = [100 + rng.gauss(0, 2) + (0 if at < 20 else 12) for at in range(40)]
    outcomes = [Outcome.FAIL if at == 25 else Outcome.PASS for at in range(40)]
    return [
        verdict(at, value, outcome=outcome) for at, (value, outcome) in enumerate(zip(values, outcomes, strict=True))
    ]


def test_as_text(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remember(place, *creeping())
    assert run(["trend"]) == 0
    said = capsys.readouterr().out
    assert "load-tests/light.js (3f2a90c), all requests: 95th percentile" in said
    assert "5 virtual users, staging, k6 v1.1.0, ci" in said
    assert "10 earlier runs not shown" in said
    assert said.count("1,200 requests") == 30
    assert said.count("✗ FAIL") == 1
    assert said.count("baseline  2026") == 29
    plotted = [line for line in said.splitlines() if "│" in line]
    assert len(plotted) == 8
    assert sum(line.count("•") for line in plotted) == 39
    assert sum(line.count("✗") for line in plotted) == 1
    (changed,) = [line for line in said.splitlines() if " became " in line]
    assert "20261101T000020Z-aaaaaa" in changed
    assert "(+1" in changed


def test_as_data(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remember(place, *creeping())
    assert run(["trend", "--format", "json", "--endpoint", "search"]) == 0
    (series,) = json.loads(capsys.readouterr().out)["series"]
    assert series["key"] == KEY
    assert len(series["points"]) == 40
    assert series["points"][25]["outcome"] == "FAIL"
    assert not series["points"][25]["baseline"]
    assert series["points"][0]["commit"] == "0" * 40
    assert series["points"][0]["p95"] > 180, "of the endpoint, not of all requests"
    assert [change["at"] for change in series["changes"]] == [20]


def test_as_a_picture(place: Path) -> None:
    remember(place, *creeping())
    assert run(["trend", "--format", "svg", "--output", "trend.svg"]) == 0
    root = ET.fromstring((place / "trend.svg").read_text(encoding="utf-8"))
    assert len(root.findall(f".//{SVG}circle")) == 39
    assert len([path for path in root.findall(f".//{SVG}path") if path.get("class") == "failed"]) == 1
    assert len([line for line in root.findall(f".//{SVG}line") if line.get("class") == "change"]) == 1
    description = root.find(f"{SVG}desc")
    assert description is not None
    assert " became " in str(description.text)
    for point in root.findall(f".//{SVG}circle"):
        assert 0 < float(str(point.get("cx"))) < 760
        assert 0 < float(str(point.get("cy"))) < 260


def test_series_that_cannot_be_compared_stand_apart(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remember(place, verdict(1, 100.0), verdict(2, 300.0, machine="<laptop> & co\x07"), verdict(3, 101.0))
    assert run(["trend", "--format", "svg"]) == 0
    ET.fromstring(capsys.readouterr().out)
    assert run(["trend", "--format", "json"]) == 0
    series = json.loads(capsys.readouterr().out)["series"]
    assert [len(one["points"]) for one in series] == [1, 2]
    assert run(["trend"]) == 0
    assert "8 runs at least are needed" in capsys.readouterr().out


def test_a_verdict_taken_over_from_an_earlier_run_measured_nothing(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    remember(place, verdict(1, 100.0))
    ledger = Ledger(place / ".gonogo" / "state" / "ledger.db")
    ledger.take("later")
    ledger.append("later", "run-started", {"plan": {"subject": {"commit": ""}}})
    ledger.append("later", "verdict", {"verdict": verdict(1, 100.0), "reused_from": "x"}, gate="load")
    ledger.give_back()
    ledger.close()
    assert run(["trend", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["series"][0]["points"]) == 1


def test_nothing_measured(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["trend"]) == 2
    Ledger(place / ".gonogo" / "state" / "ledger.db").close()
    assert run(["trend"]) == 2
    assert "no run here measured load that could be compared" in capsys.readouterr().err
    remember(place, verdict(1, 100.0))
    assert run(["trend", "--endpoint", "typo"]) == 2
    assert run(["trend", "--gate", "other"]) == 2
    assert "endpoint `typo`" in capsys.readouterr().err
