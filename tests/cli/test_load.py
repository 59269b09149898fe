"""A document that asks for load against its baseline, run as a user runs it, with real k6: S61, S62, and the bundle."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Gonogo, Repository
from tests.load_target import SCRIPT, USUAL, LoadTarget, load_target, path_with_k6

DOCUMENT = """\
# Speed

## Phase 5 — Deploy

- Performance sanity
  - Command: `k6 run load.js`
  - Pass: No error spikes; p95 within 15 % of baseline
  - Evidence: k6 summary JSON
  - Owner: DevOps

  ```yaml gonogo
  commands:
    - k6 run load.js
    - {kind: baseline, within: 15, first_run: record, machine: here, requests: 100, slack_ms: 60}
  ```
"""


@pytest.fixture(scope="module")
def target() -> Iterator[LoadTarget]:
    with load_target() as server:
        yield server


@pytest.fixture
def loaded(repository: Repository, target: LoadTarget, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("PATH", path_with_k6())
    monkeypatch.setenv("BASE_URL", target.url)
    target.delay = USUAL
    repository.git("rm", "-q", "gonogo.yaml")
    repository.write("READINESS.md", DOCUMENT)
    repository.write("load.js", SCRIPT)
    repository.commit()
    return repository


def test_a_slower_release_is_no_go_with_the_reason(loaded: Repository, gonogo: Gonogo, target: LoadTarget) -> None:
    first = gonogo("run")
    assert first.exit == 0, first.out
    assert "this run is the first, and is recorded" in " ".join(first.out.split())
    again = gonogo("run", "--format", "json")
    assert again.exit == 0, again.out
    (gate,) = json.loads(again.out)["gates"]
    assert any("in one earlier run" in note for note in gate["notes"])

    target.delay = 5 * USUAL
    slower = gonogo("run")
    assert slower.exit == 1, slower.out
    said = " ".join(slower.out.split())
    assert "baseline p95 change" in said
    assert "needs <= 15 %, over by" in said
    assert "endpoint `search` is slower" in said

    assert gonogo("bundle", "--output", "slower.gonogo").exit == 0
    proven = gonogo("verify", "slower.gonogo", "--rejudge")
    assert proven.exit == 0, proven.out + proven.err
    assert "the evidence comes to the same verdicts" in proven.out

    history = gonogo("trend")
    assert history.exit == 0
    assert history.out.count("100 requests") == 3
    assert history.out.count("baseline  ") == 2
    assert "✗ FAIL" in history.out
