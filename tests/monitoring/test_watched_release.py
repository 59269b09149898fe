"""A release on the Compose target, watched by real Prometheus and Alertmanager: what turns the decision, and why.

One stack for all: the application, what watches it, and a double of Loki with what ships lines to it. Each test breaks
one thing, runs the whole checklist, and mends it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.containers.bed import Engine, free_port, run
from tests.monitoring.loki_double import LokiDouble, push
from tests.monitoring.servers import RULES, get, until
from tests.targets.compose.tiny import Tiny

pytestmark = pytest.mark.xdist_group("containers")

GONOGO = str(Path(sys.executable).with_name("gonogo"))
LATENCY = "sum(rate(http_seconds_sum[4s])) / sum(rate(http_seconds_count[4s]))"
USUAL, SLOWER, BOUND = 250, 400, 325
"""Milliseconds that a request takes, takes in a release that is 60 % slower, and may take."""
DOCKERFILE = """\
FROM node:20-alpine
ARG VERSION
COPY watched.js release.json /
HEALTHCHECK --interval=1s --timeout=5s --retries=3 CMD wget -q -O /dev/null http://127.0.0.1:8080/health
CMD ["node", "/watched.js"]
"""
FILE = """\
services:
  web:
    image: ${IMAGE}/web:${GIT_SHA}
    build: .
    init: true
    stop_grace_period: 2s
    restart: unless-stopped
    environment: {GIT_SHA: "${GIT_SHA}"}
    ports: ["127.0.0.1:${APP_PORT}:8080"]
    volumes: ["${LOGS}:/logs"]
    networks: [observed]
networks: {observed: {external: true, name: "${OBSERVED}"}}
"""
WATCH = """\
services:
  prometheus:
    image: prom/prometheus:v2.42.0
    command:
      - --config.file=/config/config.yml
      - --storage.tsdb.path=/prometheus
      - --web.enable-lifecycle
      - --rules.alert.resend-delay=1s
    volumes: ["${PLACE}/prometheus:/config:ro"]
    ports: ["127.0.0.1:${PROMETHEUS_PORT}:9090"]
    networks: [observed]
  alertmanager:
    image: prom/alertmanager:v0.25.0
    command: [--config.file=/config/config.yml, --storage.path=/alertmanager, --cluster.listen-address=]
    volumes: ["${PLACE}/alertmanager:/config:ro"]
    ports: ["127.0.0.1:${ALERTMANAGER_PORT}:9093"]
    networks: [observed]
networks: {observed: {external: true, name: "${OBSERVED}"}}
"""
PROMETHEUS = {
    "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"},
    "rule_files": ["rules/*.yml"],
    "scrape_configs": [{"job_name": "backend", "static_configs": [{"targets": ["web:8080"]}]}],
    "alerting": {"alertmanagers": [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]},
}
ALERTMANAGER = {"route": {"receiver": "nobody", "group_wait": "10m"}, "receivers": [{"name": "nobody"}]}
CHECKLIST = """\
gonogo: 1
title: Ship it and watch it
inputs: {{staging: where it answers}}
targets:
  staging:
    kind: compose
    project: {project}
    window: 3.0
    inputs: {{staging: '127.0.0.1:{app}'}}
    urls:
      app: http://127.0.0.1:{app}
      prometheus: http://127.0.0.1:{prometheus}
      alertmanager: http://127.0.0.1:{alertmanager}
      loki: {loki}
phases:
  - id: '5'
    title: Deploy
    gates:
      - {{title: Deploy, owners: [Ops], commands: [{{kind: rollout}}], criteria: [services.unhealthy == 0]}}
      - title: Smoke
        owners: [Ops]
        commands: [{{kind: http, url: 'http://<staging>/health'}}]
        criteria: [http.status == 200, http.release_matches]
        needs: [deploy]
  - id: '6'
    title: Seen
    gates:
      - {{title: Version, owners: [Ops], commands: [{{kind: prometheus}}], criteria: [metrics.version_matches]}}
      - title: Logs
        owners: [Ops]
        commands: [{{kind: loki, wait: 5.0}}]
        criteria: [logs.indexed_seconds <= 4.0]
  - id: '7'
    title: Watched
    gates:
      - title: Soak
        owners: [Ops]
        commands:
          - {{kind: soak, minutes: 0.1, interval: 1.0, gap: 15.0, latency: '{latency}'}}
        criteria: [alerts.firing == 0, soak.restarts == 0, soak.latency_ms <= {bound}, soak.minutes >= 0.1]
"""


@dataclass
class Watched:
    """The application, what watches it, who uses it, and what ships its log."""

    tiny: Tiny
    place: Path
    loki: LokiDouble
    ports: dict[str, int]
    commits: dict[str, str] = field(default_factory=dict)
    ships: bool = True
    """Whether what ships the lines of the log does its work."""
    done: threading.Event = field(default_factory=threading.Event)

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    @property
    def rules(self) -> Path:
        return self.place / "prometheus/rules/rules.yml"

    # --- making it -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._write()
        for name, delay in (("usual", USUAL), ("slower", SLOWER)):
            self.tiny.write("release.json", json.dumps({"delay": delay}))
            run("git", "add", "-A", cwd=self.tiny.root)
            run("git", "commit", "-qm", f"feat: {name}", cwd=self.tiny.root)
            self.commits[name] = run("git", "rev-parse", "HEAD", cwd=self.tiny.root).strip()
            self.tiny.build(self.commits[name])
        self.checkout("usual")
        mine = f"com.docker.compose.project={self.tiny.project}"
        self.tiny.engine.docker("network", "create", "--label", mine, self.tiny.values["OBSERVED"])
        argv = ("docker", "compose", "--project-name", f"{self.tiny.project}-watch", "--file", self.place / "watch.yml")
        run(*argv, "up", "--detach", "--pull", "never", cwd=self.place, env=self.tiny.values)
        for work in (self._use, self._use, self._ship):
            threading.Thread(target=work, daemon=True).start()

    def _write(self) -> None:
        for name, config in (("prometheus", PROMETHEUS), ("alertmanager", ALERTMANAGER)):
            (self.place / name).mkdir(parents=True)
            (self.place / name / "config.yml").write_text(json.dumps(config))  # JSON is YAML
        self.rules.parent.mkdir()
        self.rules.write_text(RULES)
        (self.place / "logs").mkdir()
        (self.place / "watch.yml").write_text(WATCH)
        shutil.copy(Path(__file__).with_name("watched.js"), self.tiny.root)
        self.tiny.write("Dockerfile", DOCKERFILE)
        self.tiny.write("docker-compose.yml", FILE)
        self.tiny.write(".gitignore", ".env\n.gonogo/\n")
        places = {"LOGS": self.place / "logs", "PLACE": self.place, "OBSERVED": f"{self.tiny.project}-observed"}
        ports = {f"{name.upper()}_PORT": port for name, port in self.ports.items()}
        self.tiny.set(**{name: str(value) for name, value in (places | ports).items()})
        given = {**self.ports, "project": self.tiny.project, "loki": self.loki.url, "latency": LATENCY, "bound": BOUND}
        self.tiny.write("gonogo.yaml", CHECKLIST.format(**given))
        run("git", "init", "-q", cwd=self.tiny.root)
        for name, value in (("user.name", "Ada"), ("user.email", "ada@example.org")):
            run("git", "config", name, value, cwd=self.tiny.root)

    def _use(self) -> None:
        """Somebody who uses it, one request after the other."""
        while not self.done.wait(0.05):
            get(f"{self.url('app')}/work")

    def _ship(self) -> None:
        """What ships its lines to Loki."""
        log, at = self.place / "logs/app.log", 0
        while not self.done.wait(0.1):
            lines = log.read_text().splitlines() if log.exists() else []
            for line in lines[at:]:
                if self.ships:
                    push(self.loki.url, line, time.time(), {"service": "web"})
            at = len(lines)

    # --- using it ------------------------------------------------------------------------------------------------

    def checkout(self, name: str) -> None:
        run("git", "checkout", "-q", self.commits[name], cwd=self.tiny.root)

    def ship(self, meanwhile: Callable[[], object] | None = None) -> dict[str, Any]:
        """The decision of a run; `meanwhile` happens when its soak begins."""
        argv = [GONOGO, "run", "--target", "staging", "--format", "json"]
        env = {**os.environ, "NO_COLOR": "1"}
        said = []
        with (
            (self.place / "out").open("w") as out,
            subprocess.Popen(
                argv, cwd=self.tiny.root, env=env, stdout=out, stderr=subprocess.PIPE, text=True
            ) as process,
        ):
            assert process.stderr is not None
            for line in process.stderr:
                said.append(line)
                if meanwhile is not None and line.split() == ["start", "soak"]:
                    meanwhile()
        told = (self.place / "out").read_text()
        print("".join(said))
        assert told
        decided: dict[str, Any] = json.loads(told)
        return decided

    def well(self) -> bool:
        """Whether nothing is left of an earlier test."""
        found = get(f"{self.url('prometheus')}/api/v1/query?query={LATENCY.replace(' ', '')}")
        value = float(found["data"]["result"][0]["value"][1]) if found and found["data"]["result"] else 9.0
        tells = get(f"{self.url('prometheus')}/api/v1/alertmanagers")
        alerts = get(f"{self.url('prometheus')}/api/v1/alerts")
        rules = get(f"{self.url('prometheus')}/api/v1/rules")
        if not (tells and alerts and rules):
            return False
        health = [rule["health"] for group in rules["data"]["groups"] for rule in group["rules"]]
        quiet = tells["data"]["activeAlertmanagers"] and not alerts["data"]["alerts"]
        return bool(quiet and value * 1000 < BOUND and health and set(health) == {"ok"})

    def reload(self) -> None:
        assert get(f"{self.url('prometheus')}/-/reload", method="POST", data={}) is not None


def outcomes(decided: dict[str, Any]) -> dict[str, str]:
    return {gate["id"]: gate["outcome"] for gate in decided["gates"]}


def gate(decided: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in decided["gates"] if one["id"] == name)
    return found


def reason(decided: dict[str, Any]) -> str:
    """Everything that the decision says of why it is so."""
    return " ".join(f"{one['gate']}: {one['text']}" for one in decided["reasons"])


@pytest.fixture(scope="module")
def shipped(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Watched, dict[str, Any]]]:
    """The stack with a healthy release on it, and the decision that put it there."""
    folder = tmp_path_factory.mktemp("watched")
    tiny = Tiny(folder / "app", engine, f"gonogo-t-{uuid4().hex[:10]}")
    ports = {name: free_port() for name in ("app", "prometheus", "alertmanager")}
    with LokiDouble() as loki:
        made = Watched(tiny, folder / "watch", loki, ports)
        try:
            made.start()
            yield made, made.ship()
        finally:
            made.done.set()
            tiny.clean()


@pytest.fixture
def watched(shipped: tuple[Watched, dict[str, Any]]) -> Watched:
    """The stack, with the healthy release on it and nothing wrong."""
    until(shipped[0].well)
    return shipped[0]


def test_a_healthy_release_soaks_and_passes(shipped: tuple[Watched, dict[str, Any]]) -> None:
    decided = shipped[1]
    assert (decided["decision"], decided["exit_code"]) == ("GO", 0), decided
    assert set(outcomes(decided).values()) == {"PASS"}
    values = {one["criterion"]: one["value"] for one in gate(decided, "soak")["judgements"]}
    assert float(values["soak.minutes >= 0.1"].removesuffix(" min")) >= 0.1
    assert USUAL <= float(values[f"soak.latency_ms <= {BOUND}"].removesuffix(" ms")) <= BOUND


def test_a_backend_that_is_stopped(watched: Watched) -> None:
    try:
        decided = watched.ship(lambda: watched.tiny.engine.docker("stop", watched.tiny.container()["Id"]))
    finally:
        watched.tiny.engine.docker("start", watched.tiny.container()["Id"])
    assert decided["decision"] == "NO-GO", decided
    assert "soak: 1 firing alert, needs 0" in reason(decided)
    assert any("BackendDown" in one["id"] for one in gate(decided, "soak")["findings"])


def test_a_release_that_is_60_percent_slower_is_put_back(watched: Watched) -> None:
    watched.checkout("slower")
    try:
        decided = watched.ship()
    finally:
        watched.checkout("usual")
    assert decided["decision"] == "NO-GO", decided
    assert f"ms, needs <= {BOUND} ms, over by" in reason(decided)
    assert get(f"{watched.url('app')}/health") == {"sha": watched.commits["usual"]}


def test_an_alert_that_fires_counts_though_somebody_silenced_it(watched: Watched) -> None:
    silences = f"{watched.url('alertmanager')}/api/v2/silences"
    matcher = {"name": "alertname", "value": "Broken", "isRegex": False, "isEqual": True}
    times = {name: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + at)) for name, at in
             (("startsAt", -1), ("endsAt", 3600))}  # fmt: skip
    made = get(silences, {"matchers": [matcher], "createdBy": "ada", "comment": "quiet", **times})
    get(f"{watched.url('app')}/switch/on")
    try:
        until(lambda: _suppressed(watched) == ["Broken"])
        decided = watched.ship()
    finally:
        get(f"{watched.url('app')}/switch/off")
        get(f"{watched.url('alertmanager')}/api/v2/silence/{made['silenceID']}", method="DELETE")
    assert decided["decision"] == "NO-GO", decided
    assert "soak: 1 firing alert, needs 0" in reason(decided)
    assert any("Broken" in one["id"] and "silence" in one["message"] for one in gate(decided, "soak")["findings"])


def _suppressed(watched: Watched) -> list[str]:
    alerts = get(f"{watched.url('alertmanager')}/api/v2/alerts") or ()
    return [one["labels"]["alertname"] for one in alerts if one["status"]["state"] == "suppressed"]


def test_a_rule_file_that_was_removed(watched: Watched) -> None:
    watched.rules.unlink()
    watched.reload()
    try:
        decided = watched.ship()
    finally:
        watched.rules.write_text(RULES)
        watched.reload()
    assert decided["decision"] == "HOLD", decided
    assert "no alert rule is loaded" in json.dumps(gate(decided, "soak")["troubles"])
    assert outcomes(decided)["soak"] == "UNKNOWN"


def test_a_log_that_arrives_nowhere(watched: Watched) -> None:
    watched.ships = False
    try:
        decided = watched.ship()
    finally:
        watched.ships = True
    assert decided["decision"] == "NO-GO", decided
    assert outcomes(decided)["logs"] == "FAIL"
    assert "logs: logs indexed seconds" in reason(decided)
    assert "needs <= 4 s, over by" in reason(decided)
