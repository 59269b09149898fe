"""Env files as the dotenv libraries read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonogo.probes._envfile import is_placeholder, is_template, parse


def values(text: str) -> dict[str, str]:
    return {entry.key: entry.value for entry in parse(text)[0]}


def test_the_ways_to_assign() -> None:
    text = (
        "# a comment\n"
        "A=1\n"
        "export B = two words # and a comment\n"
        "C='single # no comment'\n"
        'D="double \\" quoted"  # a comment\n'
        "E=\n"
        "F=a#b\n"
        "G=`back`\r\n"
        "\n"
        'KEY="-----BEGIN\nabc=\n-----END"\n'
        "LAST=x=y"
    )
    assert values(text) == {
        "A": "1",
        "B": "two words",
        "C": "single # no comment",
        "D": 'double \\" quoted',
        "E": "",
        "F": "a#b",
        "G": "back",
        "KEY": "-----BEGIN\nabc=\n-----END",
        "LAST": "x=y",
    }
    assert [entry.line for entry in parse(text)[0]] == [2, 3, 4, 5, 6, 7, 8, 10, 13]


def test_an_open_quote_hides_no_key() -> None:
    assert list(values('A="never closed\nB=1\nC=2\n')) == ["A", "B", "C"]


def test_lines_that_assign_nothing_are_named() -> None:
    assert parse("A=1\nwhat is this\n-B=2\n")[1] == (2, 3)


@given(st.text(alphabet="AB=\"'`\\# \n\r\t<>$x1", max_size=60))
def test_any_text_is_read_line_by_line(text: str) -> None:
    entries, unread = parse(text)
    lines = [entry.line for entry in entries] + list(unread)
    assert len(lines) == len(set(lines))
    assert all(1 <= line <= len(text.splitlines()) for line in lines)


@pytest.mark.parametrize(
    "value",
    [
        "<generate-with-openssl-rand>",
        "changeme",
        "Change-Me-In-Production",
        "your-secret-here",
        "YOUR_API_KEY",
        "xxx",
        "sk-xxxxxxxx",
        "TODO",
        "postgres://app:<password>@db/app",
        "postgres://app:changeme@db/app",
        "replace_with_real_value",
        "...",
        "{{ secret }}",
        "[your key]",
        "generate-me",
        "insert-token-here",
    ],
)
def test_placeholders(value: str) -> None:
    assert is_placeholder(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "production",
        "3000",
        "http://localhost:3000",
        "a7Xxxq9",
        "exchange-media",
        "todolist",
        "s3cr3t",
        "$VAR",
        "[]",
    ],
)
def test_values(value: str) -> None:
    assert not is_placeholder(value)


def test_templates_by_name() -> None:
    assert is_template(".env.staging.example")
    assert is_template("config/.env.sample")
    assert not is_template(".env.staging")
    assert not is_template("example/.env")
