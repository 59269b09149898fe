"""Real Prometheus and Alertmanager (Debian's packages) on free loopback ports, and a small application to scrape.

With `CI=true` the packages are installed where they are missing; elsewhere a test that needs them skips, and says so.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 90.0
"""Seconds for a server to come up, or for something to be seen: two cores may be shared by many."""
EVERY = "500ms"
"""How often Prometheus scrapes and evaluates."""
STARTED = "process_start_time_seconds"


def need(*packages: str) -> None:
    """See that the programs of these packages are there; each is called as its package is."""
    missing = [package for package in packages if shutil.which(package) is None]
    if not missing:
        return
    if os.environ.get("CI") != "true":
        pytest.skip(f"{', '.join(missing)} is not installed; with CI=true it would be")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", *missing]):
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
        return port


def until(holds: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """What `holds` gives as soon as that is true."""
    end = time.monotonic() + patience
    while True:
        found = holds()
        if found or time.monotonic() > end:
            assert found, "it did not come true in time"
            return found
        time.sleep(0.05)


def get(url: str, data: Any = None, method: str = "") -> Any:
    """JSON of a URL, or its text; None where nobody answers or the answer is an error."""
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method or None)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read().decode()
    except (urllib.error.URLError, ConnectionError, http.client.HTTPException, TimeoutError):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text or True


# --- the application -----------------------------------------------------------------------------------------


@dataclass
class App:
    """Answers `/metrics` with what `text` holds at the moment, and anything else as `answer` says."""

    text: str = ""
    media: str = "text/plain; version=0.0.4"
    answer: Callable[[], tuple[int, Mapping[str, str], str]] = lambda: (200, {}, "ok")
    port: int = 0
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        app = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                scraped = self.path == "/metrics"
                status, headers, body = (200, {"Content-Type": app.media}, app.text) if scraped else app.answer()
                data = body.encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                if scraped:  # a connection that is kept would outlive the stop
                    self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def release(self, commit: str, *, start: float | None = None, more: str = "") -> None:
        """Expose the build of a commit, started at a moment, with more metrics."""
        began = time.time() if start is None else start
        self.text = f'app_build_info{{version="1.4.0",git_sha="{commit}"}} 1\n' + more
        self.text += f"{STARTED} {began}\n"


# --- servers -------------------------------------------------------------------------------------------------


@dataclass
class Server:
    """A program that is started, stopped and started again on one port."""

    argv: Sequence[str]
    directory: Path
    port: int
    ready: str = "/-/ready"
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        log = (self.directory / "log").open("ab")
        with log:
            self.process = subprocess.Popen(self.argv, cwd=self.directory, stdout=log, stderr=log)
        until(lambda: self._up() or self._dead())
        assert not self._dead(), (self.directory / "log").read_text()[-2000:]

    def _up(self) -> bool:
        return get(self.url + self.ready) is not None

    def _dead(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def stop(self, *, kill: bool = True) -> None:
        if self.process is not None:
            if kill:
                self.process.kill()
            else:
                self.process.terminate()
            self.process.wait(120)
            self.process = None

    def restart(self) -> None:
        self.stop()
        self.start()


RULES = """
groups:
- name: health
  rules:
  - alert: BackendDown
    expr: up{job="backend"} == 0
    for: 1s
    labels: {severity: critical}
  - alert: Broken
    expr: broken_switch > 0
    labels: {severity: warning}
  - alert: Waiting
    expr: waiting_switch > 0
    for: 1h
"""
"""Rules that can really fire: the last two by a metric that the application exposes."""
SWITCHES = "broken_switch 0\nwaiting_switch 0\n"


@dataclass
class Stack:
    """An application, Prometheus that scrapes it, and an Alertmanager that is told."""

    directory: Path
    app: App = field(default_factory=App)
    rules: str = RULES
    jobs: dict[str, list[str]] | None = None
    """Job -> addresses; None: the application as `backend`."""
    told: bool = True
    """Whether Prometheus tells Alertmanager."""
    hook: str = "http://127.0.0.1:9/hook"
    """Where Alertmanager would send its word; nobody is there."""
    argv: tuple[str, ...] = field(init=False)
    """How Prometheus is started, unless a test wants it otherwise."""
    prometheus: Server = field(init=False)
    alertmanager: Server = field(init=False)

    def __post_init__(self) -> None:
        need("prometheus", "prometheus-alertmanager")
        made = {name: self.directory / name for name in ("prometheus", "alertmanager")}
        for place in made.values():
            place.mkdir(parents=True, exist_ok=True)
        ports = {name: free_port() for name in made}
        listen = {name: f"--web.listen-address=127.0.0.1:{port}" for name, port in ports.items()}
        self.argv = (
            "prometheus", "--config.file=config.yml", "--storage.tsdb.path=data", listen["prometheus"],
            "--web.enable-lifecycle", "--rules.alert.resend-delay=1s", "--log.level=warn",
        )  # fmt: skip
        self.prometheus = Server(self.argv, made["prometheus"], ports["prometheus"])
        self.alertmanager = Server(
            ("prometheus-alertmanager", "--config.file=config.yml", "--storage.path=data", listen["alertmanager"],
             "--cluster.listen-address=", "--log.level=warn"),
            made["alertmanager"], ports["alertmanager"],
        )  # fmt: skip

    def configure(self) -> None:
        jobs = {"backend": [self.app.address]} if self.jobs is None else self.jobs
        config: dict[str, Any] = {
            "global": {"scrape_interval": EVERY, "scrape_timeout": EVERY, "evaluation_interval": EVERY},
            "rule_files": ["rules.yml"],
            "scrape_configs": [{"job_name": job, "static_configs": [{"targets": to}]} for job, to in jobs.items()],
        }
        if self.told:
            address = f"127.0.0.1:{self.alertmanager.port}"
            config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [address]}]}]}
        (self.prometheus.directory / "config.yml").write_text(json.dumps(config))  # JSON is YAML
        (self.prometheus.directory / "rules.yml").write_text(self.rules)
        routes = {
            "route": {"receiver": "nobody", "group_wait": "10m"},
            "receivers": [{"name": "nobody", "webhook_configs": [{"url": self.hook}]}],
            "inhibit_rules": [{"source_matchers": ['alertname="Critical"'], "target_matchers": ['severity="warning"']}],
        }
        (self.alertmanager.directory / "config.yml").write_text(json.dumps(routes))

    def start(self, *, alertmanager: bool = True) -> Stack:
        self.app.start()
        self.configure()
        if alertmanager:
            self.alertmanager.start()
        self.prometheus.start()
        return self

    def reset(self, app: str) -> Stack:
        """As it was at first, with the application exposing `app`: Prometheus goes on where it can, for speed."""
        read = [self.prometheus.directory / name for name in ("config.yml", "rules.yml")]
        config, rules = (file.read_text() for file in read)
        self.jobs, self.told, self.hook, self.rules = None, True, Stack.hook, RULES
        self.app.stop()
        self.app.text = app
        self.app.start()
        self.alertmanager.stop()
        shutil.rmtree(self.alertmanager.directory / "data", ignore_errors=True)
        self.configure()
        self.alertmanager.start()
        if read[0].read_text() != config or self.prometheus.process is None or self.prometheus.argv != self.argv:
            self.prometheus.stop()
            self.prometheus.argv = self.argv
            # A target that went with a stop of Prometheus leaves series behind that show for five minutes more.
            shutil.rmtree(self.prometheus.directory / "data", ignore_errors=True)
            self.prometheus.start()
        elif rules != RULES:
            self.load_rules(RULES)
        until(lambda: not (get(f"{self.prometheus.url}/api/v1/alerts") or {"data": {"alerts": 1}})["data"]["alerts"])
        # What Prometheus scraped last may be of the test before: its end would look like a restart.
        started = next((float(line.split()[1]) for line in app.splitlines() if line.startswith(f"{STARTED} ")), None)
        until(lambda: self.value(STARTED) == started)
        return self.settled()

    def stop(self) -> None:
        for server in (self.prometheus, self.alertmanager):
            server.stop()
        self.app.stop()

    def load_rules(self, rules: str) -> None:
        """Put other rules in the place of those before, and have them read."""
        (self.prometheus.directory / "rules.yml").write_text(rules)
        assert get(f"{self.prometheus.url}/-/reload", method="POST", data={}) is not None
        until(self.tells)

    def value(self, query: str) -> float | None:
        """The one value of a query, or None."""
        from urllib.parse import quote

        answer = get(f"{self.prometheus.url}/api/v1/query?query={quote(query)}")
        found = answer["data"]["result"] if answer else []
        return float(found[0]["value"][1]) if found else None

    def evaluated(self) -> bool:
        """Whether every rule has been evaluated, and every target scraped."""
        rules = get(f"{self.prometheus.url}/api/v1/rules")
        targets = get(f"{self.prometheus.url}/api/v1/targets?state=active")
        if not rules or not targets:
            return False
        active = [target["health"] for target in targets["data"]["activeTargets"]]
        health = [rule["health"] for group in rules["data"]["groups"] for rule in group["rules"]]
        wanted = sum(len(to) for to in self.jobs.values()) if self.jobs is not None else 1
        return len(active) >= wanted and "unknown" not in {*active, *health} and self.tells()

    def tells(self) -> bool:
        """Whether Prometheus has found the Alertmanager that it is to tell: anew after each reload, which takes 5 s."""
        if not self.told:
            return True
        found = get(f"{self.prometheus.url}/api/v1/alertmanagers")
        return bool(found and found["data"]["activeAlertmanagers"])

    def rule_health(self) -> list[str]:
        """The health of every rule: `ok`, `err`, `unknown`."""
        answer = get(f"{self.prometheus.url}/api/v1/rules") or {"data": {"groups": []}}
        return [rule["health"] for group in answer["data"]["groups"] for rule in group["rules"]]

    def settled(self) -> Stack:
        until(self.evaluated)
        return self

    def firing(self, *, alertmanager: bool = False) -> list[str]:
        """Names of the alerts that fire, by Prometheus or by Alertmanager."""
        if alertmanager:
            return [a["labels"]["alertname"] for a in get(f"{self.alertmanager.url}/api/v2/alerts") or ()]
        found = get(f"{self.prometheus.url}/api/v1/alerts") or {"data": {"alerts": []}}
        return [a["labels"]["alertname"] for a in found["data"]["alerts"] if a["state"] == "firing"]

    def silence(self, name: str, value: str, *, regex: bool = False) -> str:
        now = time.time()
        stamps = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for at in (now - 1, now + 3600)]
        matcher = {"name": name, "value": value, "isRegex": regex, "isEqual": True}
        data = {
            "matchers": [matcher], "startsAt": stamps[0], "endsAt": stamps[1], "createdBy": "ada", "comment": "quiet"
        }  # fmt: skip
        made = get(f"{self.alertmanager.url}/api/v2/silences", data)
        return str(made["silenceID"])


@contextmanager
def running(directory: Path, **options: Any) -> Iterator[Stack]:
    """A stack that is gone afterwards, whatever happens."""
    stack = Stack(directory, **options)
    try:
        yield stack
    finally:
        stack.stop()
