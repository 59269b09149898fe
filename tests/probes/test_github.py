"""CI of the exact commit, as GitHub's API answers: here a loopback server in its place."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from gonogo.model.outcome import Outcome
from gonogo.model.plan import Subject
from gonogo.probes.github import GithubParams, _place
from tests.probes.conftest import Look, Looked, MemoryContext

COMMIT = "0123456789abcdef0123456789abcdef01234567"
AT = f"/repos/ada/portal/commits/{COMMIT}"


def run(name: str, conclusion: str | None = "success", status: str = "completed", sha: str = COMMIT) -> dict[str, Any]:
    return {"name": name, "head_sha": sha, "status": status, "conclusion": conclusion, "html_url": f"http://ci/{name}"}


@pytest.fixture
def ask(look: Look, context: MemoryContext, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Answer with these check runs and statuses, then look."""
    for name in ("GH_TOKEN", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    context.subject = Subject(commit=COMMIT, remote="git@github.com:ada/portal.git")

    def answer(runs: list[dict[str, Any]], statuses: list[dict[str, Any]] | None = None, **params: Any) -> Looked:
        combined = {"state": "pending", "total_count": len(statuses or []), "statuses": statuses or []}
        checks = {"total_count": len(runs), "check_runs": runs}
        httpserver.expect_request(f"{AT}/check-runs").respond_with_json(checks)
        httpserver.expect_request(f"{AT}/status").respond_with_json(combined)
        return look("github", api=httpserver.url_for(""), **params)

    return answer


def test_green(ask: Any) -> None:
    seen = ask([run("build"), run("lint", "skipped"), run("docs", "neutral")], [{"context": "cov", "state": "success"}])
    assert seen.values == {"ci.green": True, "ci.checks": 4, "ci.failed": 0, "ci.waiting": 0, "ci.skipped": 2}
    assert seen.troubles == {}


def test_statuses_alone_are_enough(ask: Any) -> None:
    assert ask([], [{"context": "ci/jenkins", "state": "success"}]).values["ci.green"] is True


@pytest.mark.parametrize("conclusion", ["failure", "cancelled", "timed_out", "action_required", "startup_failure"])
def test_one_red_check(ask: Any, conclusion: str) -> None:
    seen = ask([run("build"), run("test", conclusion)])
    assert seen.values["ci.green"] is False
    assert seen.values["ci.failed"] == 1
    assert seen.findings == ["test"]


@pytest.mark.parametrize("state", ["failure", "error"])
def test_a_red_status_beside_green_checks(ask: Any, state: str) -> None:
    assert ask([run("build")], [{"context": "ci/jenkins", "state": state}]).values["ci.green"] is False


def test_red_is_red_although_others_still_run(ask: Any) -> None:
    assert ask([run("a", "failure"), run("b", None, "in_progress")]).values["ci.green"] is False


@pytest.mark.parametrize(
    ("runs", "statuses", "slug"),
    [
        ([], [], "no-checks"),
        ([run("a"), run("b", None, "in_progress")], [], "ci-running"),
        ([run("a"), run("b", None, "queued")], [], "ci-running"),
        ([run("a"), run("b", "stale")], [], "ci-running"),
        ([run("a")], [{"context": "x", "state": "pending"}], "ci-running"),
        ([run("a", "skipped"), run("b", "neutral")], [], "all-skipped"),
        ([run("a", sha="f" * 40)], [], "wrong-commit"),
        ([{"name": "a"}], [], "not-understood"),
    ],
)
def test_what_could_not_be_seen_is_unknown(ask: Any, runs: Any, statuses: Any, slug: str) -> None:
    seen = ask(runs, statuses)
    assert seen.troubles == {slug: Outcome.UNKNOWN}
    assert "ci.green" not in seen.values


@pytest.mark.parametrize("runs", [[run("build")], [run("build"), run("e2e", "skipped")]])
def test_a_required_check_must_be_a_success(ask: Any, runs: Any) -> None:
    assert ask(runs, required=("build", "e2e")).troubles == {"check-absent": Outcome.UNKNOWN}


def test_all_required_checks(ask: Any) -> None:
    seen = ask([run("build"), run("e2e")], required=("build", "e2e"))
    assert seen.values["ci.green"] is True


def test_every_page_is_read(look: Look, ask: Any, httpserver: HTTPServer) -> None:
    runs = [run(f"job-{number}") for number in range(249)] + [run("the-last", "failure")]

    def page(request: Request) -> Response:
        import json

        number, size = int(request.args["page"]), int(request.args["per_page"])
        part = runs[(number - 1) * size : number * size]
        body = json.dumps({"total_count": len(runs), "check_runs": part})
        return Response(body, content_type="application/json")

    httpserver.expect_request(f"{AT}/check-runs").respond_with_handler(page)
    seen = ask([])
    assert seen.values["ci.checks"] == 250
    assert seen.values["ci.green"] is False
    assert seen.findings == ["the-last"]


def test_fewer_than_promised_is_unknown(ask: Any, httpserver: HTTPServer) -> None:
    def page(request: Request) -> Response:
        import json

        runs = [run("build")] if request.args["page"] == "1" else []
        return Response(json.dumps({"total_count": 2, "check_runs": runs}), content_type="application/json")

    httpserver.expect_request(f"{AT}/check-runs").respond_with_handler(page)
    assert ask([]).troubles == {"incomplete": Outcome.UNKNOWN}


@pytest.mark.parametrize(
    ("status", "headers", "slug"),
    [
        (401, {}, "github-refused"),
        (403, {}, "github-refused"),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000000"}, "rate-limit"),
        (404, {}, "github-refused"),
        (422, {}, "github-refused"),
        (429, {"Retry-After": "60"}, "rate-limit"),
        (502, {}, "github-refused"),
    ],
)
def test_a_refusal_is_unknown(ask: Any, httpserver: HTTPServer, status: int, headers: Any, slug: str) -> None:
    body = {"message": "no"}
    httpserver.expect_request(f"{AT}/check-runs").respond_with_json(body, status=status, headers=headers)
    seen = ask([run("build")])
    assert seen.troubles == {slug: Outcome.UNKNOWN}
    assert seen.values == {}


def test_green_checks_are_nothing_while_statuses_are_refused(ask: Any, httpserver: HTTPServer) -> None:
    httpserver.expect_request(f"{AT}/status").respond_with_json({}, status=403)
    seen = ask([run("build")])
    assert seen.troubles == {"github-refused": Outcome.UNKNOWN}
    assert seen.values == {}


def test_something_else_answers(ask: Any, httpserver: HTTPServer) -> None:
    httpserver.expect_request(f"{AT}/check-runs").respond_with_data("<html>log in</html>", content_type="text/html")
    assert ask([]).troubles == {"not-json": Outcome.UNKNOWN}


def test_nobody_answers(look: Look, context: MemoryContext) -> None:
    context.subject = Subject(commit=COMMIT, remote="https://github.com/ada/portal")
    seen = look("github", api="http://127.0.0.1:1")
    assert seen.troubles == {"github-unreachable": Outcome.UNKNOWN}


@pytest.mark.parametrize("remote", ["", "/srv/git/portal.git"])
def test_without_a_remote(look: Look, context: MemoryContext, remote: str) -> None:
    context.subject = Subject(commit=COMMIT, remote=remote)
    assert look("github").troubles == {"no-remote": Outcome.UNKNOWN}


def test_the_token_is_sent_and_kept_secret(
    look: Look, ask: Any, context: MemoryContext, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GH_TOKEN", "swordfish-token")
    seen = ask([run("build")])
    assert seen.values["ci.green"] is True
    assert {request.headers["Authorization"] for request, _ in httpserver.log} == {"Bearer swordfish-token"}
    assert context.secrets == ["swordfish-token"]
    assert b"swordfish" not in seen.stored


def test_a_token_for_github_goes_to_no_host_that_a_remote_names(
    look: Look, context: MemoryContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GH_TOKEN", "swordfish-token")
    monkeypatch.delenv("GH_ENTERPRISE_TOKEN", raising=False)
    context.subject = Subject(commit=COMMIT, remote="https://localhost/ada/portal")
    look("github", timeout=2)
    assert context.secrets == []


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("git@github.com:ada/portal.git", ("https://api.github.com", "ada/portal")),
        ("https://github.com/ada/portal", ("https://api.github.com", "ada/portal")),
        ("ssh://git@github.com/ada/portal.git", ("https://api.github.com", "ada/portal")),
        ("ssh://git@git.example.org:2222/ada/portal.git", ("https://git.example.org/api/v3", "ada/portal")),
        ("https://git.example.org/ada/my.portal/", ("https://git.example.org/api/v3", "ada/my.portal")),
        ("", None),
        ("../portal.git", None),
    ],
)
def test_where_to_ask(remote: str, expected: tuple[str, str] | None) -> None:
    assert _place(GithubParams(), remote) == expected
