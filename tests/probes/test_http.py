"""The http probe against real servers, also those that hang, lie and break off."""

from __future__ import annotations

import json
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from gonogo import plugins
from gonogo.model.outcome import Outcome
from gonogo.model.plan import Subject
from gonogo.model.release import TargetSpec
from tests.listening import hang_up
from tests.probes.conftest import Look, MemoryContext, look_with

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HEALTH = {"status": "ok", "commit": COMMIT[:12]}


@contextmanager
def raw_server(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server below HTTP: `serve` does with the connection what it likes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, suppress(OSError):  # the probe hangs up, as it should
            serve(connection)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/health"
    finally:
        hang_up(listener, thread)


def test_what_a_server_says(look: Look, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/health", method="GET").respond_with_json(HEALTH)
    seen = look("http", url=httpserver.url_for("/health"))
    assert seen.values["http.status"] == 200
    assert seen.values["http.content_type"] == "application/json"
    assert json.loads(seen.values["http.body"]) == HEALTH
    assert seen.values["http.json_ok"] is True
    assert 0 < seen.values["http.seconds"] < 10
    assert seen.troubles == {}


def test_a_server_error_is_seen_as_it_is(look: Look, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/health").respond_with_data("<h1>oops</h1>", status=503, content_type="text/html")
    seen = look("http", url=httpserver.url_for("/health"), json=True)
    assert seen.values["http.status"] == 503
    assert seen.values["http.json_ok"] is False


def test_a_redirect_is_not_followed(look: Look, httpserver: HTTPServer) -> None:
    moved = Response(status=301, headers={"Location": "/login"})
    httpserver.expect_request("/health").respond_with_response(moved)
    httpserver.expect_request("/login").respond_with_data("please log in")
    seen = look("http", url=httpserver.url_for("/health"))
    assert seen.values["http.status"] == 301
    assert seen.values["http.location"] == "/login"
    assert seen.values["http.redirects"] == 0
    followed = look("http", url=httpserver.url_for("/health"), follow=1)
    assert followed.values["http.status"] == 200
    assert followed.values["http.redirects"] == 1


def test_a_ring_of_redirects_ends(look: Look, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_response(Response(status=302, headers={"Location": "/a"}))
    seen = look("http", url=httpserver.url_for("/a"), follow=3)
    assert seen.troubles == {"too-many-redirects": Outcome.UNKNOWN}
    assert seen.values == {}


@pytest.mark.parametrize("params", [{"json": True}, {"headers": {"accept": "application/json"}}])
def test_s71_a_login_page_with_status_200_is_no_answer(
    look: Look, httpserver: HTTPServer, params: dict[str, Any]
) -> None:
    httpserver.expect_request("/health").respond_with_data("<html>log in</html>", content_type="text/html")
    seen = look("http", url=httpserver.url_for("/health"), **params)
    assert seen.troubles == {"not-json": Outcome.UNKNOWN}
    assert "http.status" not in seen.values


def test_json_that_nests_too_deep_is_no_json(look: Look, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/health").respond_with_data("[" * 200_000, content_type="application/json")
    seen = look("http", url=httpserver.url_for("/health"), json=True)
    assert seen.troubles == {"not-json": Outcome.UNKNOWN}


def test_an_absent_server(look: Look) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    seen = look("http", url=f"http://127.0.0.1:{port}/health")
    assert seen.troubles == {"unreachable": Outcome.UNKNOWN}
    assert seen.values == {}


def test_a_url_that_is_none(look: Look) -> None:
    assert look("http", url="ftp://127.0.0.1/x").troubles == {"bad-url": Outcome.ERROR}
    assert look("http", url="http://").values == {}


def test_a_server_that_hangs(look: Look) -> None:
    def hang(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.settimeout(50)
        connection.recv(1)  # until the probe hangs up

    start = time.monotonic()
    with raw_server(hang) as url:
        seen = look("http", url=url, timeout=0.3)
    assert time.monotonic() - start < 25
    assert seen.troubles == {"timeout": Outcome.ERROR}
    assert seen.values == {}


@pytest.mark.parametrize("prefix", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"], ids=["head", "body"])
def test_a_server_that_drips(look: Look, prefix: bytes) -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(prefix)
        for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    start = time.monotonic()
    with raw_server(drip) as url:
        seen = look("http", url=url, timeout=0.5)
    assert time.monotonic() - start < 25
    assert seen.troubles == {"timeout": Outcome.ERROR}


@pytest.mark.parametrize(
    "answer",
    [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"],
    ids=["nothing", "another protocol", "half a body"],
)
def test_a_server_that_breaks_off(look: Look, answer: bytes) -> None:
    def cut(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)

    with raw_server(cut) as url:
        seen = look("http", url=url)
    assert seen.troubles == {"broken-answer": Outcome.ERROR}
    assert seen.values == {}


def test_a_server_that_sends_100_mb(look: Look) -> None:
    sent = 0

    def flood(connection: socket.socket) -> None:
        nonlocal sent
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b"x" * 100_000)
            sent += 100_000

    with raw_server(flood) as url:
        seen = look("http", url=url)
    assert seen.troubles == {"answer-too-large": Outcome.UNKNOWN}
    assert "http.status" not in seen.values
    assert sent < 50_000_000, "it went on reading"
    assert len(seen.stored) < 2_000_000


def test_an_answer_that_unpacks_to_much_is_not_asked_for(look: Look, httpserver: HTTPServer) -> None:
    def answer(request: Request) -> Response:
        return Response(request.headers.get("Accept-Encoding", ""))

    httpserver.expect_request("/").respond_with_handler(answer)
    assert look("http", url=httpserver.url_for("/")).values["http.body"] == "identity"


def test_secrets_of_the_request_are_kept_from_the_record(
    look: Look, context: MemoryContext, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/health").respond_with_data("ok")
    url = httpserver.url_for("/health").replace("://", "://ada:correct-horse@")
    seen = look("http", url=url, headers={"Authorization": "Bearer swordfish"})
    assert {"correct-horse", "Bearer swordfish"} <= set(context.secrets)
    assert b"correct-horse" not in seen.stored
    assert "correct-horse" not in seen.capture.shown


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (({"commit": COMMIT}, {}, {}), (COMMIT, True)),
        (({"git_sha": COMMIT[:7].upper()}, {}, {}), (COMMIT[:7].upper(), True)),
        (({"version": "1.4.0", "commit": COMMIT[:8]}, {}, {}), (COMMIT[:8], True)),
        (({"commit": "feedfacefeedface"}, {}, {}), ("feedfacefeedface", False)),
        (({"version": "1.4.0"}, {}, {}), ("1.4.0", None)),
        (({}, {"X-Commit": COMMIT}, {}), (COMMIT, True)),
        (({"build": {"id": COMMIT}}, {}, {"release": "build.id"}), (COMMIT, True)),
        (({}, {"X-Built-From": COMMIT}, {"release": "header:x-built-from"}), (COMMIT, True)),
        (({"commit": COMMIT}, {}, {"release": "build.id"}), (None, None)),
        (({"commit": None}, {}, {}), (None, None)),
    ],
)
def test_s57_the_release_that_answered(
    look: Look, context: MemoryContext, httpserver: HTTPServer, answer: Any, expected: Any
) -> None:
    body, headers, params = answer
    release, matches = expected
    context.subject = Subject(commit=COMMIT)
    httpserver.expect_request("/").respond_with_json(body, headers=headers)
    seen = look("http", url=httpserver.url_for("/"), **params)
    assert seen.values.get("http.release") == release
    assert seen.values.get("http.release_matches") is matches


def test_a_page_names_its_release_in_its_head(look: Look, context: MemoryContext, httpserver: HTTPServer) -> None:
    context.subject = Subject(commit=COMMIT)
    page = f'<html><head><meta name="commit" content="{COMMIT}"></head></html>'
    httpserver.expect_request("/").respond_with_data(page, content_type="text/html")
    assert look("http", url=httpserver.url_for("/")).values["http.release_matches"] is True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("`curl -sfS http://<staging>/health`", {"url": "http://<staging>/health"}),
        ("curl https://example.org/", {"url": "https://example.org/"}),
        ("`curl -sL --max-time 5 'http://x/a?b=c'`", {"url": "http://x/a?b=c", "follow": 10, "timeout": 5.0}),
        ("`curl -I http://x/`", {"url": "http://x/", "method": "HEAD"}),
        ("`curl -X POST http://x/`", None),
        ("`curl http://x/ | jq .`", None),
        ("`curl http://x/ && rm -rf /`", None),
    ],
)
def test_curl_in_prose(text: str, expected: dict[str, Any] | None) -> None:
    (phrase,) = plugins.builtin(("probes",)).probe("http").phrases
    match = re.fullmatch(phrase.pattern, text, re.IGNORECASE)
    assert (dict(phrase.params(match)) if match else None) == expected


def test_a_value_a_header_and_a_path_below_the_application(context: MemoryContext, httpserver: HTTPServer) -> None:
    answer = Response(json.dumps({"store": {"reachable": True}, "list": [{"n": 3}]}), content_type="application/json")
    answer.headers["X-Served-By"] = "backend-1"
    httpserver.expect_request("/health").respond_with_response(answer)
    context.spec = TargetSpec("staging", "compose", urls={"app": httpserver.url_for("").rstrip("/")})
    seen = look_with("http", context, url="/health", value="store.reachable", header="x-served-by")
    assert (seen.values["http.value"], seen.values["http.header"]) == ("true", "backend-1")
    assert look_with("http", context, url="/health", value="list.0.n").values["http.value"] == "3"
    absent = look_with("http", context, url="/health", value="store.missing", header="x-none").values
    assert not {"http.value", "http.header"} & set(absent), "absent, not empty"


def test_it_is_asked_again_within_its_time_and_each_try_counts(look: Look, httpserver: HTTPServer) -> None:
    answers = [Response(status=503), Response(status=503), Response("ok", status=200)]
    httpserver.expect_request("/health").respond_with_handler(lambda _: answers.pop(0))
    seen = look("http", url=httpserver.url_for("/health"), retry_within=20)
    assert seen.values["http.status"] == 200
    assert "it answered at try 3" in seen.reading.notes


def test_without_that_it_is_asked_once(look: Look, httpserver: HTTPServer) -> None:
    answers = [Response(status=503), Response("ok", status=200)]
    httpserver.expect_request("/health").respond_with_handler(lambda _: answers.pop(0))
    assert look("http", url=httpserver.url_for("/health")).values["http.status"] == 503


def test_the_days_that_a_certificate_has_left(look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "20", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate, key)
    trusts = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr("gonogo.probes._fetch.trusted", lambda: trusts)
    with HTTPServer(ssl_context=served) as server:
        server.expect_request("/").respond_with_data("ok")
        seen = look("http", url=f"https://localhost:{server.port}/")
    assert 19 < seen.values["http.tls_days"] <= 20
