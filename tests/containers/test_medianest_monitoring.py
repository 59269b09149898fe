"""The example's monitoring: rules that can fire, a dashboard that can be drawn, real Prometheus and Alertmanager."""

from __future__ import annotations

import json
import shutil
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.containers.bed import REPOSITORY, Engine, Example, wait_until

pytestmark = pytest.mark.xdist_group("containers")

MONITORING = REPOSITORY / "examples/medianest/monitoring"
PROMETHEUS = "prom/prometheus:v2.42.0"


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)


def query(example: Example, text: str) -> list[dict[str, Any]]:
    where = f"{example.address('prometheus')}/api/v1/query?{urllib.parse.urlencode({'query': text})}"
    found: list[dict[str, Any]] = get(where)["data"]["result"]
    return found


def promtool(engine: Engine, folder: Path, *arguments: str) -> str:
    mount = ("--user", "0", "--volume", f"{folder}:/rules:ro", "--workdir", "/rules", "--entrypoint", "promtool")
    return engine.docker("run", "--rm", *mount, PROMETHEUS, *arguments)


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((MONITORING / "grafana/dashboards/medianest.json").read_text())["panels"]
    return found


def test_each_alert_fires_when_it_should_and_only_then(engine: Engine, tmp_path: Path) -> None:
    rules = MONITORING / "prometheus/rules/medianest.yml"
    shutil.copy(rules, tmp_path)
    shutil.copy(Path(__file__).parent / "rules/medianest.test.yml", tmp_path)
    assert "SUCCESS" in promtool(engine, tmp_path, "test", "rules", "medianest.test.yml")
    told = yaml.safe_load((tmp_path / "medianest.test.yml").read_text())["tests"]
    fired = {c["alertname"] for test in told for c in test["alert_rule_test"] if c.get("exp_alerts")}
    assert fired == {rule["alert"] for rule in yaml.safe_load(rules.read_text())["groups"][0]["rules"]}


def test_prometheus_takes_its_settings(engine: Engine) -> None:
    promtool(engine, MONITORING / "prometheus", "check", "config", "prometheus.yml")


def test_dashboard_and_data_sources_fit_together() -> None:
    sources = yaml.safe_load((MONITORING / "grafana/provisioning/datasources/medianest.yml").read_text())
    known = {source["uid"] for source in sources["datasources"]}
    used = {target["datasource"]["uid"] for panel in panels() for target in panel["targets"]}
    assert used == known == {"prometheus", "loki"}
    services = yaml.safe_load((MONITORING / "docker-compose.yml").read_text())["services"]
    assert set(services) == {"prometheus", "alertmanager", "loki", "alloy", "grafana"}
    for port in (port for service in services.values() for port in service.get("ports", ())):
        assert port.startswith("127.0.0.1:"), port


def test_a_stopped_backend_is_an_alert_and_a_started_one_is_none(example: Example) -> None:
    example.start()
    example.watch()
    build = 'medianest_build_info{job="medianest-backend"}'
    wait_until(lambda: len(query(example, build)) == 1, "the backend is scraped", within=180)
    assert query(example, build)[0]["metric"]["sha"] == example.sha
    for panel in panels():
        for target in panel["targets"]:
            if target["datasource"]["uid"] == "prometheus":
                query(example, target["expr"])
    assert query(example, "count by (dependency) (medianest_dependency_up == 1)")
    alerts = f"{example.address('alertmanager')}/api/v2/alerts"
    assert get(alerts) == []
    example.compose("stop", "backend")
    wait_until(lambda: get(alerts) != [], "Alertmanager has the alert", within=180)
    assert [alert["labels"]["alertname"] for alert in get(alerts)] == ["BackendDown"]
    example.compose("start", "backend")
    wait_until(lambda: get(alerts) == [], "the alert is over", within=180)
