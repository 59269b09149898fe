"""k6."""

from __future__ import annotations

from gonogo.plugins import Ask, AskedReport, Invocation, tool
from gonogo.tools import _options as options

_STATS = "avg,min,med,max,p(90),p(95),p(99),count"


@tool(
    "k6",
    executables=("k6",),
    wrap=("run",),
    exits={
        0: "clean",
        97: "the cloud run failed",
        98: "the progress of the cloud run could not be read",
        99: "findings",
        100: "setup() took too long",
        101: "teardown() took too long",
        102: "k6 ran out of time",
        103: "somebody stopped it through its REST interface",
        104: "its configuration is wrong",
        105: "it was interrupted, and its numbers are those of a part",
        106: "its REST interface could not be opened",
        107: "the script threw an exception before it ran",
        108: "the script ended the test itself",
        109: "k6 crashed",
        110: "the script marked the test as failed",
        255: "k6 was called wrongly, or the script is not there",
    },
)
def k6(invocation: Invocation) -> Ask | None:
    """k6: the summary export, with the percentiles that criteria ask for.

    Traps: exit 0 where every iteration threw, where not one request was made, and where the summary could not be
    written; `http_req_duration` p95 is 0 where the target is down, which looks like a huge improvement; in the exported
    summary `"p(95)<500": true` means the threshold was *crossed*, and `http_req_failed.passes` counts failed requests.

    Source: runs of k6 1.1.0; errext/exitcodes/codes.go.
    """
    argv = invocation.argv
    if options.only_asks(argv) or "run" not in argv[1:]:
        return None
    given = options.value(argv, "--summary-export")
    report = AskedReport(given, "k6_summary", cwd_relative=True) if given else AskedReport("k6.json", "k6_summary")
    added = [] if given else ["--summary-export={reports}/k6.json"]
    if not options.has(argv, "--summary-trend-stats"):
        added.append(f"--summary-trend-stats={_STATS}")
    return Ask(argv=options.extended(argv, *added), reports=(report,), env={"K6_NO_USAGE_REPORT": "true"})
