"""Ask GitHub whether CI is green for the exact commit: check runs and statuses."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.observation import Finding, Observation, Reading, Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import Clause, Context, probe
from gonogo.probes._api import Unanswered
from gonogo.probes._facts import count, flag
from gonogo.probes._fetch import Answer, fetch

_REMOTE = re.compile(
    r"(?:[a-z+]+://)?(?:[^@/\s]+@)?(?P<host>[\w.-]+)(?::\d+(?=/))?[:/](?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/?"
)
_GITHUB = "https://api.github.com"
_PAGE = 100
_MOST_PAGES = 50
_LARGEST_PAGE = 16 * 1024 * 1024
_GREEN = "success"
_TOLERATED = ("neutral", "skipped")
"""Green for GitHub itself; here they are counted apart, and alone they prove nothing."""
_UNFINISHED = "stale"


@dataclass(frozen=True, slots=True)
class GithubParams:
    """Which repository, and which checks."""

    repository: str = ""
    """`owner/name`. Empty: from the remote of the subject's branch."""
    api: str = ""
    """Base URL of the API. Empty: from the remote's host, so that GitHub Enterprise is found too."""
    required: tuple[str, ...] = ()
    """Names of checks or statuses that must be there, and a success: a skipped one is none."""
    timeout: float = 30.0
    """Seconds for one request."""


def _read(facts: Mapping[str, Any], params: GithubParams) -> Reading:
    """Green: at least one success, nothing failed, nothing unfinished, every required name a success."""
    if "checks" not in facts:
        return Reading()
    ends = [(check["name"], _end(check), check.get("url", "")) for check in facts["checks"]]
    ends += [(one["context"], one["state"], one.get("url", "")) for one in facts["statuses"]]
    failed = [end for end in ends if end[1] not in {_GREEN, *_TOLERATED, "pending"}]
    waiting = [name for name, end, _ in ends if end == "pending"]
    succeeded = {name for name, end, _ in ends if end == _GREEN}
    absent = [name for name in params.required if name not in succeeded]
    observations = [
        Observation("ci.checks", len(ends), "facts.json"),
        Observation("ci.failed", len(failed), "facts.json"),
        Observation("ci.waiting", len(waiting), "facts.json"),
        Observation("ci.skipped", sum(end in _TOLERATED for _, end, _ in ends), "facts.json"),
    ]
    findings = tuple(Finding("ci", name, "failed", f"`{name}` ended with {end}: {url}") for name, end, url in failed)
    why = _why_unknown(facts["commit"], ends, waiting, succeeded, absent)
    if failed:
        return Reading((*observations, Observation("ci.green", value=False, source="facts.json")), findings)
    if why:
        return Reading((), troubles=(why,), notes=(f"{len(ends)} checks seen",))
    return Reading((*observations, Observation("ci.green", value=True, source="facts.json")))


def _end(check: Mapping[str, Any]) -> str:
    if check["status"] != "completed" or check["conclusion"] in {None, "", _UNFINISHED}:
        return "pending"
    return str(check["conclusion"])


def _why_unknown(
    commit: str, ends: list[tuple[str, str, str]], waiting: list[str], succeeded: set[str], absent: list[str]
) -> Trouble | None:
    if not ends:
        message = f"no check has run for {commit[:10]}"
        return Trouble(Outcome.UNKNOWN, "no-checks", message, "push the commit and let CI run")
    if waiting:
        message = f"{len(waiting)} of {len(ends)} checks have not finished: {', '.join(sorted(waiting)[:5])}"
        return Trouble(Outcome.UNKNOWN, "ci-running", message, "wait for CI, then run again")
    if absent:
        message = f"required checks without a success: {', '.join(absent)}"
        return Trouble(Outcome.UNKNOWN, "check-absent", message, "let them run for this commit")
    if not succeeded:
        return Trouble(Outcome.UNKNOWN, "all-skipped", f"all {len(ends)} checks were skipped", "see why none ran")
    return None


@probe(
    "github",
    yields=(
        flag("ci.green", "every check and status of the exact commit is green, and at least one is a success"),
        count("ci.checks", "checks and statuses of the commit"),
        count("ci.failed", "checks and statuses that are red", "failed"),
        count("ci.waiting", "checks and statuses that have not finished"),
        count("ci.skipped", "checks that were skipped or neutral"),
    ),
    reader=_read,
    clauses=(
        Clause(
            r"(?:ci|checks|github actions) (?:is |are )?(?:green|pass(?:es|ed|ing)?)"
            r"(?: (?:on|for) (?:the )?(?:branch|commit|head))?",
            ("ci.green",),
            "CI green on branch",
            brings={},
        ),
    ),
)
def github(params: GithubParams, context: Context) -> Capture:
    """Ask GitHub about the subject's exact commit.

    Check runs and commit statuses both count, page by page. No remote, no checks, 403, 404 and a spent rate limit
    are UNKNOWN: nothing was seen. `GH_TOKEN` or `GITHUB_TOKEN` (GitHub Enterprise: `GH_ENTERPRISE_TOKEN`) is sent where
    it is set, and is a secret.
    """
    place = _place(params, context.subject.remote)
    commit = context.subject.commit
    if place is None or not commit:
        why = "there is no commit yet" if place else "the branch has no remote on GitHub"
        trouble = Trouble(
            Outcome.UNKNOWN, "no-remote", f"cannot ask for CI: {why}", "push the branch, or name `repository`"
        )
        return Capture("github", "CI of the commit", troubles=(trouble,))
    api, repository = place
    client = _Client(api, _token(params, api, context), min(params.timeout, context.timeout))
    shown = f"CI of {repository} at {commit[:10]}"
    started = time.monotonic()
    facts: dict[str, Any] = {"repository": repository, "commit": commit}
    try:
        at = f"/repos/{quote(repository)}/commits/{commit}"
        facts["checks"] = [_check(run, commit) for run in client.pages(f"{at}/check-runs?filter=latest", "check_runs")]
        facts["statuses"] = [_status(status) for status in client.pages(f"{at}/status", "statuses")]
    except (Unanswered, KeyError, TypeError) as error:
        # what was read so far could be all green: it is left out
        facts = {"repository": repository, "commit": commit, "checks_read": len(facts.get("checks", ()))}
        said = error if isinstance(error, Unanswered) else Unanswered("not-understood", f"no {error} in the answer")
        return Capture("github", shown, blobs=(context.keep_facts(facts),), troubles=(said.trouble,))
    return Capture("github", shown, blobs=(context.keep_facts(facts),), seconds=time.monotonic() - started)


def _place(params: GithubParams, remote: str) -> tuple[str, str] | None:
    """Base URL of the API and `owner/name`; None where neither params nor remote say."""
    match = _REMOTE.fullmatch(remote.strip())
    repository = params.repository or (match["name"] if match else "")
    host = match["host"].lower() if match else "github.com"
    api = params.api or (_GITHUB if host == "github.com" else f"https://{host}/api/v3")
    return (api.rstrip("/"), repository) if repository else None


def _token(params: GithubParams, api: str, context: Context) -> str:
    """The token for this API; one for github.com goes to no host that only a remote names."""
    own = bool(params.api) or api == _GITHUB
    names = ("GH_TOKEN", "GITHUB_TOKEN") if own else ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
    token = next((os.environ[name] for name in names if os.environ.get(name)), "")
    if token:
        context.add_secrets([token])
    return token


def _check(run: Mapping[str, Any], commit: str) -> dict[str, Any]:
    if run["head_sha"] != commit:
        raise Unanswered("wrong-commit", f"GitHub answered for {run['head_sha'][:10]}, not for {commit[:10]}")
    wanted = {"name": run["name"], "status": run["status"], "conclusion": run["conclusion"]}
    return {**wanted, "url": run.get("html_url") or ""}


def _status(status: Mapping[str, Any]) -> dict[str, Any]:
    return {"context": status["context"], "state": status["state"], "url": status.get("target_url") or ""}


@dataclass(frozen=True, slots=True)
class _Client:
    api: str
    token: str
    timeout: float

    def pages(self, path: str, key: str) -> Iterator[Mapping[str, Any]]:
        """Every item under `key`, until as many were seen as `total_count` promises."""
        seen = 0
        for page in range(1, _MOST_PAGES + 1):
            data = self._get(f"{path}{'&' if '?' in path else '?'}per_page={_PAGE}&page={page}")
            try:
                items, total = list(data[key]), int(data["total_count"])
            except (KeyError, TypeError, ValueError) as error:
                raise Unanswered("not-understood", f"GitHub's answer has no {error}") from error
            yield from items
            seen += len(items)
            if seen >= total:
                return
            if not items:
                break
        raise Unanswered("incomplete", f"GitHub named {total} entries and gave {seen}", "run again")

    def _get(self, path: str) -> Mapping[str, Any]:
        headers = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "gonogo",
            **({"Authorization": f"Bearer {self.token}"} if self.token else {}),
        }
        answer = fetch(self.api + path, headers=headers, timeout=self.timeout, follow=3, cap=_LARGEST_PAGE)
        if isinstance(answer, Trouble):
            raise Unanswered("github-unreachable", f"GitHub did not answer: {answer.message}", answer.help)
        if answer.status != 200:  # noqa: PLR2004 - the one answer that is one
            raise _refused(answer, bool(self.token))
        try:
            data = json.loads(answer.body)
        except ValueError:
            data = None
        if answer.cut or not isinstance(data, dict):
            raise Unanswered("not-json", "GitHub's answer is no JSON: something else answers there", "check `api`")
        return data


def _refused(answer: Answer, with_token: bool) -> Unanswered:
    spent = answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers
    if answer.status in {403, 429} and spent:
        until = answer.headers.get("x-ratelimit-reset", "")
        when = f" until {time.strftime('%H:%M:%S', time.gmtime(int(until)))} UTC" if until.isdigit() else ""
        return Unanswered("rate-limit", f"GitHub's rate limit is spent{when}", "wait, or set GH_TOKEN")
    mend = {
        401: "renew GH_TOKEN",
        403: "give the token `checks: read` and `statuses: read`" if with_token else "set GH_TOKEN",
        404: "check `repository`" if with_token else "set GH_TOKEN: a private repository looks absent without it",
        422: "push the commit",
    }.get(answer.status, "run again")
    return Unanswered("github-refused", f"GitHub answered {answer.status}", mend)
