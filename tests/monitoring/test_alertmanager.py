"""The alertmanager probe against real servers: what fires, what hides it, and when an empty list says nothing."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gonogo.model.outcome import Outcome
from tests.monitoring.servers import RULES, SWITCHES, Stack, running, until
from tests.probes.conftest import Looked, MemoryContext, look_with

ON = "broken_switch 1\nwaiting_switch 0\n"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def ask(stack: Stack, tmp_path: Path, *criteria: str, **params: Any) -> Looked:
    context = MemoryContext(tmp_path, criteria=criteria)
    given = {"url": stack.alertmanager.url, "prometheus": stack.prometheus.url, "interval": 0.3, "gap": 4, **params}
    return look_with("alertmanager", context, **given)


def fire(stack: Stack) -> None:
    """Have `Broken` fire, and Alertmanager know it."""
    stack.app.release(COMMIT, more=ON)
    until(lambda: "Broken" in stack.firing() and "Broken" in stack.firing(alertmanager=True))


def rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def severities(seen: Looked) -> list[tuple[str, str]]:
    return sorted((f.family, f.severity) for f in seen.reading.findings)


def test_a_quiet_watch(stack: Stack, tmp_path: Path) -> None:
    once = ask(stack, tmp_path)
    assert (once.values["alerts.firing"], once.values["alerts.rules"], once.troubles) == (0, 1, {})
    assert "alerts.quiet_minutes" not in once.values, "one look has watched nothing"
    seen = ask(stack, tmp_path, minutes=0.03)
    assert (seen.values["alerts.firing"], seen.troubles) == (0, {})
    assert 0.03 <= seen.values["alerts.quiet_minutes"] < 0.2


def test_an_alert_ends_the_watch_at_once(stack: Stack, tmp_path: Path) -> None:
    switch = threading.Timer(1.0, lambda: stack.app.release(COMMIT, more=ON))
    switch.start()
    start = time.monotonic()
    seen = ask(stack, tmp_path, "alerts.firing == 0", minutes=5)
    assert time.monotonic() - start < 60
    assert (seen.values["alerts.firing"], seen.values["alerts.new"]) == (1, 1)
    assert severities(seen) == [("alerts", "new")]
    assert seen.troubles == {}
    assert seen.values["alerts.quiet_minutes"] < 5


def test_an_alert_that_comes_and_goes_between_two_looks_fired(stack: Stack, tmp_path: Path) -> None:
    def flap() -> None:
        fire(stack)
        stack.app.release(COMMIT, more=SWITCHES)

    thread = threading.Timer(0.3, flap)
    thread.start()
    seen = ask(stack, tmp_path, interval=8, minutes=0.15, gap=20)
    thread.join()
    assert seen.values["alerts.firing"] == 1
    assert seen.findings[0].startswith("Broken{")


def test_s66_an_alert_that_fires_and_is_silenced_fires(stack: Stack, tmp_path: Path) -> None:
    deployed = rfc3339(time.time() - 30)
    fire(stack)
    stack.silence("alertname", ".+", regex=True)
    until(lambda: ask(stack, tmp_path).values["alerts.silenced"] == 1)
    seen = ask(stack, tmp_path, deployed_at=deployed)
    assert (seen.values["alerts.firing"], seen.values["alerts.silenced"], seen.values["alerts.inhibited"]) == (1, 1, 0)
    assert (seen.values["silences.active"], seen.values["silences.fresh"], seen.values["silences.blanket"]) == (1, 1, 1)
    assert severities(seen) == [("alerts", "new"), ("silences", "blanket"), ("silences", "fresh")]
    assert any("silenced by ada until" in f.message for f in seen.reading.findings)
    narrow = ask(stack, tmp_path, deployed_at=rfc3339(time.time() + 60))
    assert narrow.values["silences.fresh"] == 0, "made before the deploy"


def test_a_silence_for_one_alert_is_no_blanket(stack: Stack, tmp_path: Path) -> None:
    stack.silence("alertname", "Broken")
    seen = ask(stack, tmp_path)
    assert (seen.values["silences.active"], seen.values["silences.blanket"], seen.values["alerts.firing"]) == (1, 0, 0)
    stack.silence("severity", "critical")
    assert ask(stack, tmp_path).values["silences.blanket"] == 1


def test_s67_the_empty_list_of_a_restarted_alertmanager_is_not_believed(stack: Stack, tmp_path: Path) -> None:
    fire(stack)
    stack.alertmanager.stop()
    stack.prometheus.stop()
    argv = tuple(part for part in stack.prometheus.argv if "resend-delay" not in part)
    stack.prometheus.argv = (*argv, "--rules.alert.resend-delay=10m")
    stack.prometheus.start()
    until(lambda: "Broken" in stack.firing())
    stack.alertmanager.start()
    seen = ask(stack, tmp_path)
    assert stack.firing(alertmanager=True) == [], "it has just started and was told nothing"
    assert seen.values["alerts.firing"] == 1


def test_s67_alertmanager_is_restarted_while_it_is_watched(stack: Stack, tmp_path: Path) -> None:
    restart = threading.Timer(1.0, stack.alertmanager.restart)
    restart.start()
    seen = ask(stack, tmp_path, minutes=0.08, gap=20)
    restart.join()
    assert (seen.values["alerts.firing"], seen.troubles) == (0, {})
    assert any("Alertmanager was restarted" in note for note in seen.reading.notes)
    assert seen.capture.blobs


def test_s68_what_fired_before_the_deploy_is_told_from_what_is_new(stack: Stack, tmp_path: Path) -> None:
    fire(stack)
    at_first = ask(stack, tmp_path, minutes=0.02)
    assert (at_first.values["alerts.firing"], at_first.values["alerts.new"]) == (1, 0)
    assert severities(at_first) == [("alerts", "firing")]
    later = ask(stack, tmp_path, deployed_at=rfc3339(time.time() + 60))
    assert (later.values["alerts.firing"], later.values["alerts.new"]) == (1, 0)
    earlier = ask(stack, tmp_path, deployed_at=rfc3339(time.time() - 3600))
    assert (earlier.values["alerts.firing"], earlier.values["alerts.new"]) == (1, 1)


def test_pending_is_told_and_does_not_fire(stack: Stack, tmp_path: Path) -> None:
    stack.app.release(COMMIT, more="broken_switch 0\nwaiting_switch 1\n")
    until(lambda: ask(stack, tmp_path).values["alerts.pending"] == 1)
    seen = ask(stack, tmp_path, minutes=0.01)
    assert (seen.values["alerts.firing"], seen.values["alerts.pending"]) == (0, 1)
    assert any(note.startswith("pending: Waiting{") for note in seen.reading.notes)
    assert any("waits 3600 s before it fires" in note for note in seen.reading.notes)


def test_an_inhibited_alert_fires_and_is_told_apart(stack: Stack, tmp_path: Path) -> None:
    rules = RULES + "  - alert: Critical\n    expr: broken_switch > 0\n    labels: {severity: critical}\n"
    stack.load_rules(rules)
    fire(stack)
    until(lambda: ask(stack, tmp_path).values["alerts.inhibited"] == 1)
    seen = ask(stack, tmp_path)
    assert (seen.values["alerts.firing"], seen.values["alerts.inhibited"], seen.values["alerts.silenced"]) == (2, 1, 0)


def test_s65_no_rule_loaded_proves_nothing(stack: Stack, tmp_path: Path) -> None:
    stack.load_rules("groups: []\n")
    seen = ask(stack, tmp_path, gap=0.5)
    assert seen.troubles == {"no-rules": Outcome.UNKNOWN}
    assert seen.values == {"alerts.rules": 0}


def test_a_rule_file_that_goes_away_while_it_is_watched(stack: Stack, tmp_path: Path) -> None:
    only_one = RULES.partition("  - alert: BackendDown")[0] + "  - alert: Broken\n    expr: broken_switch > 0\n"
    away = threading.Timer(1.0, lambda: stack.load_rules(only_one))
    away.start()
    seen = ask(stack, tmp_path, minutes=1, gap=1)
    away.join()
    assert seen.troubles == {"rules-removed": Outcome.UNKNOWN}
    assert seen.values["alerts.rules"] == 0
    assert "health/BackendDown" in seen.capture.troubles[0].message


def test_s65_a_rule_that_cannot_be_evaluated_proves_nothing(stack: Stack, tmp_path: Path) -> None:
    doubled = 'up + on () group_left () {__name__=~"broken_switch|waiting_switch"} > 5'
    stack.load_rules(RULES + f"  - alert: CannotFire\n    expr: '{doubled}'\n")
    until(lambda: "err" in stack.rule_health())
    seen = ask(stack, tmp_path, gap=0.5)
    assert seen.troubles == {"rule-broken": Outcome.UNKNOWN}
    assert "`CannotFire`" in seen.capture.troubles[0].message


def test_nobody_who_would_be_told(stack: Stack, tmp_path: Path) -> None:
    stack.told = False
    stack.configure()
    stack.prometheus.restart()
    stack.settled()
    assert ask(stack, tmp_path, gap=0.5).troubles == {"not-sent": Outcome.UNKNOWN}


def test_a_watchdog_proves_the_way(stack: Stack, tmp_path: Path) -> None:
    absent = ask(stack, tmp_path, gap=0.5, watchdog="Watchdog")
    assert absent.troubles == {"watchdog-silent": Outcome.UNKNOWN}
    stack.load_rules(RULES + "  - alert: Watchdog\n    expr: vector(1)\n")
    until(lambda: "Watchdog" in stack.firing(alertmanager=True))
    seen = ask(stack, tmp_path, watchdog="Watchdog", minutes=0.01)
    assert (seen.values["alerts.firing"], seen.troubles) == (0, {})
    assert ask(stack, tmp_path).values["alerts.firing"] == 1, "without its name it is an alert like any other"


@pytest.mark.parametrize("query", ['up{job="no-such-job"} == 0', "probe_success == 0"])
def test_a_health_rule_that_can_never_fire_does_not_count(query: str, stack: Stack, tmp_path: Path) -> None:
    stack.load_rules(f"groups:\n- name: g\n  rules:\n  - alert: BackendDown\n    expr: '{query}'\n")
    until(lambda: ask(stack, tmp_path, gap=0).troubles == {})
    seen = ask(stack, tmp_path)
    assert (seen.values["alerts.rules"], seen.values["alerts.firing"]) == (0, 0)
    assert any("can never fire" in note for note in seen.reading.notes)


def test_the_configuration_of_alertmanager_is_not_kept(tmp_path: Path) -> None:
    with running(tmp_path / "stack") as stack:
        stack.app.release(COMMIT, more=SWITCHES)
        stack.hook = "http://hooks:swordfish-and-chips@127.0.0.1:9/x"
        stack.start().settled()
        seen = ask(stack, tmp_path)
        assert seen.values["alerts.firing"] == 0
        assert b"swordfish" not in seen.stored
