"""go test."""

from __future__ import annotations

from gonogo.plugins import Ask, AskedReport, Invocation, tool


@tool("go_test", executables=("go",), wrap=("test",), exits={0: "clean", 1: "findings", 2: "Go was called wrongly"})
def go_test(invocation: Invocation) -> Ask | None:
    """Go test: the events of `-json`, which it then prints instead of its text.

    Traps: a package that does not build fails without a test; a package without test files passes; results may come
    from the cache (`(cached)`), which is noted.

    Source: `go help test`, `go doc test2json`, and runs of Go 1.2x.
    """
    argv = invocation.argv
    if argv[1:2] != ("test",) or any(word in {"-c", "-list", "-h", "-help", "-n"} for word in argv):
        return None
    asked = argv if "-json" in argv else (*argv[:2], "-json", *argv[2:])
    return Ask(argv=asked, stdout_report=AskedReport("go-test.json", "go_test_json"))
