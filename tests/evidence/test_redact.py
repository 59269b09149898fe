"""Redaction: whatever the secret, its spelling and the chunks, it does not come out; all else comes out unchanged."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
import threading
from collections.abc import Callable
from itertools import pairwise
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gonogo.evidence.forms import MARK, weakness
from gonogo.evidence.patterns import PATTERNS, anchored
from gonogo.evidence.redact import Redactor

SENTINEL = "s3cr3t/Pa$$+w0rd=&'q\"z"

ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda s: s,
    "url": lambda s: quote(s, safe=""),
    "url, slashes kept": quote,
    "url, lower case": lambda s: re.sub("%..", lambda m: m[0].lower(), quote(s, safe="")),
    "form": quote_plus,
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64, urlsafe": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "hex": lambda s: s.encode().hex(),
    "HEX": lambda s: s.encode().hex().upper(),
    "json": lambda s: json.dumps(s)[1:-1],
    "json, not ascii only": lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
    "json in json": lambda s: json.dumps(json.dumps(s)[1:-1])[1:-1],
    "json, slashes escaped": lambda s: json.dumps(s)[1:-1].replace("/", "\\/"),
    "python": lambda s: repr(s)[1:-1],
    "shell": lambda s: shlex.quote(s)[1:-1] if shlex.quote(s) != s else s,
    "shell, quote closed and opened": lambda s: s.replace("'", "'\\''"),
    "compose": lambda s: s.replace("$", "$$"),
    "xml": html.escape,
    "xml, text": lambda s: html.escape(s, quote=False),
}

_SECRETS = st.one_of(
    st.text(st.characters(codec="utf-8"), min_size=6, max_size=60),
    st.text("abcXYZ019-_", min_size=6, max_size=40),
    st.text("aB1/+=&%$'\"\\ {}", min_size=8, max_size=24),
).filter(lambda secret: not weakness(secret) and not weakness(secret.strip()))
_TEXT = st.text(st.characters(codec="utf-8"), max_size=60)


def _through(redactor: Redactor, data: bytes, cuts: list[int], block: int = 1) -> bytes:
    stream = redactor.stream(block)
    borders = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    out = [stream.feed(data[a:b]) for a, b in pairwise(borders)]
    return b"".join(out) + stream.close()


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(secret=_SECRETS, before=_TEXT, after=_TEXT, cuts=st.lists(st.integers(0, 400)))
@settings(max_examples=60, deadline=None)
def test_a_secret_never_comes_out_in_any_encoding_and_any_chunking(
    encoding: str, secret: str, before: str, after: str, cuts: list[int]
) -> None:
    spelled = ENCODINGS[encoding](secret).encode()
    assume(len(spelled) >= 6)
    data = before.encode() + b" " + spelled + b" " + after.encode()
    out = _through(Redactor([secret]), data, cuts)
    assert spelled not in out
    assert MARK in out


@given(secret=_SECRETS, before=st.binary(max_size=40), after=st.binary(max_size=40), safe=st.booleans())
@settings(max_examples=200, deadline=None)
def test_a_secret_inside_longer_base64_goes_at_every_alignment(
    secret: str, before: bytes, after: bytes, safe: bool
) -> None:
    encode = base64.urlsafe_b64encode if safe else base64.b64encode
    encoded = encode(before + secret.encode() + after)
    first, end = -(-len(before) * 8 // 6), (len(before) + len(secret.encode())) * 8 // 6
    out = Redactor([secret]).bytes(encoded)
    assert MARK in out
    assert encoded[first:end] not in out


@given(
    secrets=st.lists(_SECRETS, max_size=4),
    pieces=st.lists(
        st.one_of(
            st.binary(max_size=20),
            st.integers(0, 3),
            st.sampled_from(
                [
                    b"DB_PASSWORD=hunter2;x ",
                    b'{"token": "abcdef", "n": 1}',
                    b"postgres://me:pw@host/db",
                    b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.sig",
                    b"-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----",
                    b"Authorization: Basic abcdef12==",
                    b"secret_token=secret=a&password=",
                ]
            ),
        ),
        max_size=12,
    ),
    cuts=st.lists(st.integers(0, 800), max_size=20),
    block=st.integers(1, 200),
)
@settings(max_examples=300, deadline=None)
def test_the_output_does_not_depend_on_the_chunks(
    secrets: list[str], pieces: list[bytes | int], cuts: list[int], block: int
) -> None:
    spelled = [secret.encode() for secret in secrets] or [b"none"]
    data = b"".join(p if isinstance(p, bytes) else spelled[p % len(spelled)][: 30 - p] for p in pieces)
    redactor = Redactor(secrets)
    assert _through(redactor, data, cuts, block) == redactor.bytes(data)


@given(data=st.binary(max_size=400), cuts=st.lists(st.integers(0, 400)), block=st.integers(1, 100))
@settings(max_examples=200, deadline=None)
def test_what_holds_no_secret_comes_out_unchanged(data: bytes, cuts: list[int], block: int) -> None:
    assume(not any(anchor in data for anchor, _ in anchored()))
    assert _through(Redactor([SENTINEL, "another-secret"]), data, cuts, block) == data


def test_ordinary_reports_come_out_unchanged() -> None:
    report = json.dumps(
        [
            {"filePath": "src/token.ts", "messages": [{"message": "Unexpected token: punc", "line": 3}]},
            {"password": "Password is required", "token": 17, "secret": None, "max_tokens": 4096, "tokens": 5},
            {"href": "https://portal.example:8443/a?b=c@d", "mail": "me@example.org", "git": "ssh://git@host:22/x"},
            {"code": "const token = readToken(); if (token == null) fail(token.value); password=getpass()"},
            {"env": "DB_PASSWORD=${DB_PASSWORD} API_KEY=$KEY TOKEN=<generate-me> SECRET=*** password=true"},
            {"prose": "Basic authentication; bearer of bad news; authorization: required; secret: keep it"},
            {"map": "eyJ2ZXJzaW9uIjozfQ==", "key": "-----BEGIN PUBLIC KEY-----\nMIIabc\n-----END PUBLIC KEY-----"},
        ]
    ).encode()
    assert Redactor([SENTINEL]).bytes(report) == report


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DB_PASSWORD=hunter2 next", "DB_PASSWORD=[redacted] next"),
        ("dbPassword='hunter2'", "dbPassword='[redacted]'"),
        ("JWT_SECRET_KEY=a", "JWT_SECRET_KEY=[redacted]"),
        ("?token=abc&x=1", "?token=[redacted]&x=1"),
        ('{"password":"hunt\\"er2","n":1}', '{"password":"[redacted]","n":1}'),
        ('"{\\"apiKey\\":\\"abcdef\\"}"', '"{\\"apiKey\\":\\"[redacted]\\"}"'),
        ("  api_key: abc123def", "  api_key: [redacted]"),
        ("postgres://u:p@ss@db:5432/x", "postgres://u:[redacted]@db:5432/x"),
        ("redis://:pw@cache", "redis://:[redacted]@cache"),
        ("Authorization: Bearer abcdef", "Authorization: Bearer [redacted]"),
        ('{"authorization":"Basic YWJjZGVm"}', '{"authorization":"Basic [redacted]"}'),
        ("a eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc_def-123 z", "a [redacted] z"),
        ("AKIAIOSFODNN7EXAMPLE.", "[redacted]."),
        ("ghp_" + "a1" * 18, "[redacted]"),
        ("github_pat_" + "a1_" * 10, "[redacted]"),
        ("xoxb-123456789012-abcdef", "[redacted]"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMII+/a\n-----END RSA PRIVATE KEY-----\nend",
            "[redacted]\nend",
        ),
        ("-----BEGIN PRIVATE KEY-----\\nMII+/a\\n-----END PRIVATE KEY-----\\n", "[redacted]\\n"),
        ("-----BEGIN EC PRIVATE KEY-----\nMIIabcdef", "[redacted]"),
    ],
)
def test_secrets_known_by_their_shape(text: str, expected: str) -> None:
    redactor = Redactor()
    assert redactor.text(text) == expected
    assert redactor.text(expected) == expected
    assert _through(redactor, text.encode(), list(range(len(text)))) == expected.encode()


def test_every_pattern_reaches_further_than_its_anchor() -> None:
    for pattern in PATTERNS:
        assert pattern.reach > max(map(len, pattern.anchors))


def test_a_secret_across_the_border_of_two_scans_is_found() -> None:
    redactor = Redactor([SENTINEL])
    for shift in range(len(SENTINEL) + 2):
        data = b"x" * (256 * 1024 - shift) + SENTINEL.encode() + b"y" * 300_000
        stream = redactor.stream()
        out = stream.feed(data[: 256 * 1024]) + stream.feed(data[256 * 1024 :]) + stream.close()
        assert out == data.replace(SENTINEL.encode(), MARK)


def test_a_value_whose_key_was_returned_already_goes() -> None:
    redactor = Redactor(["long" * 3000])  # more is carried over for it than the pattern reaches
    data = b"." * 9000 + b"password=hunter2 " + b"." * 30_000
    stream = redactor.stream(block=1)
    out = b"".join(stream.feed(data[at : at + 1]) for at in range(12_000)) + stream.feed(data[12_000:]) + stream.close()
    assert out == data.replace(b"hunter2", MARK)
    for end in range(33_004, 33_012):  # `password=` is decided, the value is not
        stream = redactor.stream(block=1)
        assert stream.feed(data[:end]) + stream.feed(data[end:]) + stream.close() == out


def test_overlapping_secrets_both_go() -> None:
    assert Redactor(["abcdefgh", "efghijkl", "ghij1234"]).text("<abcdefghijkl>") == "<[redacted]>"


def test_a_secret_that_an_anchor_runs_into_goes() -> None:
    assert Redactor(["n=abcdef"]).text("token=abcdef[0] n=abcdef") == "toke[redacted][0] [redacted]"


def test_a_secret_of_several_lines_goes_line_by_line() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n"
    redactor = Redactor([key])
    for text in (key, key.replace("\n", "\r\n"), "api | MIIEvQIBADANBgkq\napi | hkiG9w0BAQEFAASC\n"):
        out = redactor.text(text)
        assert "MIIEvQ" not in out
        assert "hkiG9w" not in out
    assert redactor.text("-----BEGIN CERTIFICATE-----") == "-----BEGIN CERTIFICATE-----"


def test_base64_broken_into_lines_goes() -> None:
    secret = "correct horse battery staple " * 6
    out = Redactor([secret]).bytes(base64.encodebytes(secret.encode()))
    lines = base64.encodebytes(secret.encode()).splitlines()
    assert [line in out for line in lines] == [False, False, False, True], "the last one is a mere `ZSA=`"


def test_the_password_of_a_url_goes_by_itself() -> None:
    redactor = Redactor(["postgresql://portal:Tr0ub4dor%263@db:5432/portal"])
    assert redactor.text("password authentication failed: Tr0ub4dor&3 or Tr0ub4dor%263") == (
        "password authentication failed: [redacted] or [redacted]"
    )


@pytest.mark.parametrize(
    "value", ["app", "1", "12345", "localhost", "Password", "true", "aaaaaaaa", "redacted", "Medianest"]
)
def test_s75_short_or_common_values_are_no_keys_but_are_reported(value: str) -> None:
    redactor = Redactor([value], common=["medianest"])
    text = f"app 1 12345 localhost Password true aaaaaaaa redacted Medianest {value}"
    assert redactor.text(text) == text
    assert redactor.weak == (value,)


def test_a_good_secret_is_not_reported_as_weak() -> None:
    assert Redactor([SENTINEL, SENTINEL, ""]).weak == ()


def test_secrets_added_later_work_in_open_streams() -> None:
    redactor = Redactor()
    stream = redactor.stream(block=1)
    first = stream.feed(b"early-secret " * 3 + b"." * 20_000)
    redactor.add(["early-secret", "later-secret"])
    rest = stream.feed(b" early-secret later-secret ") + stream.close()
    assert b"early-secret" in first
    assert b"early-secret" not in rest
    assert b"later-secret" not in rest


def test_one_redactor_serves_several_threads() -> None:
    redactor = Redactor()
    leaked: list[bytes] = []

    def work(number: int) -> None:
        for turn in range(30):
            secret = f"thread-{number}-turn-{turn}-secret"
            redactor.add([secret])
            out = redactor.bytes(b"a " + secret.encode() + b" z")
            if secret.encode() in out:
                leaked.append(out)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert leaked == []


def test_a_live_view_shows_whole_lines_only_and_takes_nothing() -> None:
    redactor = Redactor([SENTINEL])
    stream = redactor.stream()
    stream.feed(f"one {SENTINEL}\ntwo {SENTINEL[:9]}".encode())
    assert stream.peek() == b"one [redacted]\n"
    assert stream.feed(SENTINEL[9:].encode()) + stream.close() == b"one [redacted]\ntwo [redacted]"


def test_many_hits_of_a_pattern_stay_cheap() -> None:
    line = b'{"token":"abcdef","url":"https://portal.example/x"}\n'
    assert Redactor().bytes(line * 20_000).count(MARK) == 20_000
