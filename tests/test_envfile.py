"""Env files as the dotenv libraries read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonogo.envfile import is_placeholder, is_template, parse


def values(text: str, *, tolerant: bool = False) -> dict[str, str]:
    return {entry.key: entry.value for entry in parse(text, tolerant=tolerant)[0]}


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
        "HASH=#abc\n"
        "NONE= # only a comment\n"
        "LAST=x=y"
    )
    assert values(text) == {
        "A": "1",
        "B": "two words",
        "C": "single # no comment",
        "D": 'double " quoted',
        "E": "",
        "F": "a#b",
        "G": "back",
        "KEY": "-----BEGIN\nabc=\n-----END",
        "HASH": "#abc",
        "NONE": "",
        "LAST": "x=y",
    }
    assert [entry.line for entry in parse(text)[0]] == [2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15]


ENV = """\
# a comment
export JWT_SECRET="with \\"quotes\\" and \\n a line"   # why
SINGLE='raw \\n $HOME # no comment'
  SPACED = some value here  # comment
EMPTY=
LATE= #never
HASH=abc#def
yaml_style: value-here
PEM="-----BEGIN KEY-----
line one
line two
-----END KEY-----"
AFTER=still-read
not an assignment
#COMMENTED=out
UNCLOSED="oops
LAST=end
"""


def test_tolerantly() -> None:
    assert values(ENV, tolerant=True) == {
        "JWT_SECRET": 'with "quotes" and \n a line',
        "SINGLE": "raw \\n $HOME # no comment",
        "SPACED": "some value here",
        "EMPTY": "",
        "LATE": "#never",
        "HASH": "abc#def",
        "yaml_style": "value-here",
        "PEM": "-----BEGIN KEY-----\nline one\nline two\n-----END KEY-----",
        "AFTER": "still-read",
        "UNCLOSED": "oops",
        "LAST": "end",
    }


def test_windows_files_are_read_too() -> None:
    found = parse('\ufeffA="one\r\ntwo"\r\nB=three\r\n')[0]
    assert [(entry.key, entry.value, entry.line) for entry in found] == [("A", "one\ntwo", 1), ("B", "three", 3)]


def test_an_entry_does_not_show_its_value() -> None:
    assert "hunter2" not in repr(parse("A=hunter2"))


def test_an_open_quote_hides_no_key() -> None:
    assert list(values('A="never closed\nB=1\nC=2\n')) == ["A", "B", "C"]


def test_lines_that_assign_nothing_are_named() -> None:
    assert parse("A=1\nwhat is this\n-B=2\nyaml_style: 1\n")[1] == (2, 3, 4)


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
