"""Each kind of notice against a server on loopback: what is sent, what is tried again, and what is never said."""

from __future__ import annotations

import email
import email.policy
import json
import socket
from pathlib import Path

import pytest

from gonogo import checklist, plugins
from gonogo.errors import InputError
from gonogo.model.notice import DECISION, NoticeSpec
from gonogo.notices.mail import MailParams, mail
from gonogo.notices.slack import SlackParams, slack
from gonogo.notices.webhook import WebhookParams, webhook
from gonogo.plugins import Message, NotSent
from tests.notices.smtp_double import smtp_double
from tests.telemetry.receiver import receiving

SECRET = "hunter2-and-more"
TOLD = Message(
    "r1-decision-2026", "decision", "NO-GO: A <checklist> & more", ("1 FAIL", "x: *false*"), {"id": "r1", "title": "é"}
)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def test_webhook_sends_the_facts_with_a_token() -> None:
    with receiving() as server:
        variables = {"HOOK": f"{server.url}/in?key={SECRET}", "TOKEN": SECRET}
        webhook(WebhookParams("HOOK", "TOKEN"), TOLD, variables, 2.0)
    (taken,) = server.taken
    assert (taken.method, taken.path) == ("POST", f"/in?key={SECRET}")
    assert json.loads(taken.body) == {"id": "r1", "title": "é"}
    assert taken.headers["authorization"] == f"Bearer {SECRET}"
    assert taken.headers["content-type"] == "application/json; charset=utf-8"


def test_slack_text_mentions_and_links_nobody() -> None:
    with receiving() as server:
        slack(SlackParams("HOOK"), TOLD, {"HOOK": server.url}, 2.0)
    text = json.loads(server.taken[0].body)["text"]
    assert text.split("\n") == [
        "*NO-GO: A &lt;checklist&gt; &amp; more*",
        "• 1 FAIL",
        "• x: \N{ASTERISK OPERATOR}false\N{ASTERISK OPERATOR}",
    ]


def test_slack_text_is_never_longer_than_it_takes() -> None:
    with receiving() as server:
        long = Message("r", "decision", "t", tuple("x" * 100 for _ in range(100)), {})
        slack(SlackParams("HOOK"), long, {"HOOK": server.url}, 2.0)
    text = json.loads(server.taken[0].body)["text"]
    assert len(text) <= 3002
    assert text.endswith(f"{'x' * 100}\n…")


@pytest.mark.parametrize(("code", "again"), [(500, True), (429, True), (404, False), (302, False)])
def test_an_answer_that_is_no_success(code: int, *, again: bool) -> None:
    with receiving(code) as server, pytest.raises(NotSent, match=f"the answer was {code}") as caught:
        webhook(WebhookParams("HOOK"), TOLD, {"HOOK": f"{server.url}/{SECRET}"}, 2.0)
    assert caught.value.again is again
    assert len(server.taken) == 1, "a redirect is not followed"
    assert SECRET not in str(caught.value)


def test_silence_and_a_closed_port_are_tried_again() -> None:
    with receiving(None) as server, pytest.raises(NotSent, match=r"no answer within 0\.2 s") as silence:
        webhook(WebhookParams("HOOK"), TOLD, {"HOOK": f"{server.url}/{SECRET}"}, 0.2)
    url = f"http://user:{SECRET}@127.0.0.1:{closed_port()}/{SECRET}"
    with pytest.raises(NotSent, match="nothing can be reached") as closed:
        webhook(WebhookParams("HOOK"), TOLD, {"HOOK": url}, 1.0)
    assert silence.value.again
    assert closed.value.again
    assert SECRET not in f"{silence.value}{closed.value}"


@pytest.mark.parametrize("value", [SECRET, f"ftp://{SECRET}/", "http://", f"http://\n{SECRET}", f"//{SECRET}"])
def test_what_is_no_url_is_not_repeated(value: str) -> None:
    with pytest.raises(NotSent) as caught:
        webhook(WebhookParams("HOOK"), TOLD, {"HOOK": value}, 1.0)
    assert not caught.value.again
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_variable_that_is_not_set() -> None:
    with pytest.raises(NotSent, match="the variable `HOOK` is not set"):
        slack(SlackParams("HOOK"), TOLD, {}, 1.0)


# --- mail ----------------------------------------------------------------------------------------------------

LETTER = MailParams(("ada@example.org", "ben@example.org"), "gonogo@example.org", "SMTP")


def test_mail_is_taken() -> None:
    with smtp_double() as server:
        mail(LETTER, TOLD, {"SMTP": server.url}, 2.0)
    letter = email.message_from_bytes(server.letters[0], policy=email.policy.default)
    assert letter["Subject"] == TOLD.title
    assert letter["To"] == "ada@example.org, ben@example.org"
    assert letter["Message-ID"] == "<r1-decision-2026@gonogo.invalid>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content().replace("\r\n", "\n") == "NO-GO: A <checklist> & more\n\n1 FAIL\nx: *false*\n"
    assert [line for line in server.lines if line.lower().startswith("rcpt")] == [
        "rcpt TO:<ada@example.org>",
        "rcpt TO:<ben@example.org>",
    ]


def test_a_password_never_goes_out_unencrypted() -> None:
    with smtp_double() as server, pytest.raises(NotSent, match="a password is never sent without") as caught:
        mail(LETTER, TOLD, {"SMTP": server.url.replace("//", f"//ada:{SECRET}@")}, 2.0)
    assert not caught.value.again
    assert not [line for line in server.lines if line.upper().startswith("AUTH")]
    assert not server.letters


@pytest.mark.parametrize(("reply", "again"), [("451 busy", True), ("550 no", False)])
def test_a_server_that_takes_no_mail(reply: str, *, again: bool) -> None:
    with smtp_double(to_senders=[reply]) as server, pytest.raises(NotSent, match=reply[:3]) as caught:
        mail(LETTER, TOLD, {"SMTP": server.url}, 2.0)
    assert caught.value.again is again


@pytest.mark.parametrize("value", [SECRET, f"http://{SECRET}", "smtp://", f"smtp://x:{SECRET}@h:port"])
def test_what_is_no_mail_server(value: str) -> None:
    with pytest.raises(NotSent, match="the variable `SMTP` holds no") as caught:
        mail(LETTER, TOLD, {"SMTP": value}, 1.0)
    assert SECRET not in str(caught.value)


def test_a_mail_server_that_is_silent_or_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(NotSent, match="said nothing") as caught:
        mail(LETTER, TOLD, {"SMTP": f"smtp://127.0.0.1:{silent.getsockname()[1]}"}, 0.2)
    assert caught.value.again
    with pytest.raises(NotSent, match="ConnectionRefusedError"):
        mail(LETTER, TOLD, {"SMTP": f"smtp://127.0.0.1:{closed_port()}"}, 0.5)


# --- in a checklist ------------------------------------------------------------------------------------------

TEXT = """\
gonogo: 1
title: A checklist
notify:
  - kind: slack
    url_from: RELEASE_SLACK
    about: [decision]
  - kind: mail
    to: [ada@example.org]
    sender: gonogo@example.org
    server_from: SMTP
phases:
  - id: "1"
    gates:
      - {title: G, owners: [Ada], commands: ["true"], criteria: ["exit == 0"]}
"""


def load(tmp_path: Path, text: str) -> checklist.Loaded:
    path = tmp_path / "gonogo.yaml"
    path.write_text(text)
    return checklist.load(path, plugins.builtin())


def test_a_checklist_says_who_is_told(tmp_path: Path) -> None:
    first, second = load(tmp_path, TEXT).checklist.notify
    assert first == NoticeSpec("slack", {"url_from": "RELEASE_SLACK"}, (DECISION,))
    assert second.variables == ("SMTP",)
    assert second.about == ("decision", "waiting")


@pytest.mark.parametrize(
    ("old", "new", "slug"),
    [
        ("kind: slack", "kind: slak", "unknown-kind"),
        ("[decision]", "[decisions]", "unknown-occasion"),
        ("    url_from: RELEASE_SLACK\n", "", "missing-param"),
        ("RELEASE_SLACK", "https://hooks.example.org/T0/B0", "wrong-type"),
        ("url_from:", "url:", "unknown-field"),
        ("[ada@example.org]", "[ada]", "wrong-type"),
        ("[ada@example.org]", "[]", "wrong-type"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, old: str, new: str, slug: str) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path, TEXT.replace(old, new))
    assert slug in [one.slug for one in caught.value.diagnostics]
