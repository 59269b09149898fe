"""go test."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from gonogo.plugins import Ask, AskedReport, Invocation, tool


@tool("go_test", executables=("go",), wrap=("test",), exits={0: "clean", 1: "findings", 2: "Go was called wrongly"})
def go_test(invocation: Invocation) -> Ask | None:
    """Go test: the events of `-json`, which it then prints instead of its text; with `-cover`, its coverage profile.

    Traps: a package that does not build fails without a test; a package without test files passes; results may come
    from the cache (`(cached)`), which is noted.

    Source: `go help test`, `go doc test2json`, and runs of Go 1.2x.
    """
    argv = invocation.argv
    if argv[1:2] != ("test",) or any(word in {"-c", "-list", "-h", "-help", "-n"} for word in argv):
        return None
    asked = argv if "-json" in argv else (*argv[:2], "-json", *argv[2:])
    events = AskedReport("go-test.json", "go_test_json")
    given = _value(asked, "coverprofile")
    if given:
        return Ask(argv=asked, stdout_report=events, reports=(_profile(given, own=True),))
    if not any(_name(word) in {"cover", "covermode", "coverpkg"} and not word.endswith("=false") for word in asked):
        return Ask(argv=asked, stdout_report=events)
    asked = (*asked[:2], "-coverprofile={reports}/cover.out", *asked[2:])
    return Ask(argv=asked, stdout_report=events, reports=(_profile("cover.out", own=False),))


def _profile(file: str, *, own: bool) -> AskedReport:
    return AskedReport(file, "go_coverprofile", cwd_relative=own, optional=True)


def _name(word: str) -> str:
    """The flag that a word sets: `-cover` and `--cover=true` set `cover`."""
    return word.lstrip("-").partition("=")[0] if word.startswith("-") else ""


def _value(argv: Sequence[str], flag: str) -> str:
    """The value of a flag; Go takes `-flag value` and `-flag=value`."""
    for word, following in pairwise((*argv, "")):
        if _name(word) == flag:
            return word.partition("=")[2] if "=" in word else following
    return ""
