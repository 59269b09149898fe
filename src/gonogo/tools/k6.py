"""k6."""

from __future__ import annotations

from pathlib import Path

from gonogo.model.observation import Reading, Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import Ask, AskedReport, Invocation, tool
from gonogo.tools import _options as options
from gonogo.tools._k6_script import named

_STATS = "avg,min,med,max,p(90),p(95),p(99),count"
_LARGEST_POINTS = 128 << 20
"""Bytes of points that are kept: those of about 100,000 requests."""
_HUSHING = frozenset({"--quiet", "-q", "--no-summary"})
"""Switches that keep k6 from saying what is asked of it."""


def _doubts(reading: Reading) -> Trouble | None:
    """Every iteration threw: what k6 measured are the requests of a script that broke."""
    thrown, iterations = reading.value("load.exceptions"), reading.value("load.iterations")
    if not isinstance(thrown, int) or not isinstance(iterations, int) or not 0 < iterations <= thrown:
        return None
    message = f"every iteration threw an exception ({thrown:,} in {iterations:,} iterations)"
    return Trouble(Outcome.UNKNOWN, "every-iteration-threw", message, "mend the script: k6 prints what it threw")


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
    doubts=_doubts,
)
def k6(invocation: Invocation) -> Ask | None:
    """k6: the summary export with the percentiles that criteria ask for, every request's point, and what it prints.

    The summary comes in the shape of k6 0.x, 1.x and 2.x alike. The points (`--out csv`) give figures of each scenario
    and endpoint; where outputs are set by `K6_OUT` or a configuration file, another `--out` would switch those off, so
    the points are not asked for. A load test runs alone: what else the machine does would be measured too.

    Traps: exit 0 where every iteration threw, where not one request was made, and where the summary could not be
    written; `http_req_duration` p95 is 0 where the target is down, which looks like a huge improvement; in the exported
    summary `"p(95)<500": true` means the threshold was *crossed*, and `http_req_failed.passes` counts failed requests;
    with `--no-summary` nothing is exported (left out here, as are `--quiet`, `--log-output none`, `--log-format raw`).

    Source: runs of k6 1.1.0; errext/exitcodes/codes.go.
    """
    argv = invocation.argv
    if options.only_asks(argv) or "run" not in argv[1:]:
        return None
    given, elsewhere = options.value(argv, "--summary-export"), _log_elsewhere(invocation)
    about = named(invocation)
    summary = AskedReport(given or "k6.json", "k6_summary", cwd_relative=bool(given), params=about)
    reports = [summary]
    added = [] if given else ["--summary-export={reports}/k6.json"]
    if not options.has(argv, "--summary-trend-stats"):
        added.append(f"--summary-trend-stats={_STATS}")
    if not _outputs_elsewhere(invocation):
        added.append("--out=csv={reports}/k6.csv")
        reports.append(AskedReport("k6.csv", "k6_points", optional=True, largest=_LARGEST_POINTS))
    return Ask(
        argv=options.extended(_loud(argv), *added),
        reports=tuple(reports),
        env={"K6_NO_USAGE_REPORT": "true", "K6_NO_SUMMARY": "false", **_loud_variables(invocation)},
        text_report=AskedReport("k6.log", "k6_log", params={"elsewhere": elsewhere} if elsewhere else {}),
        exclusive=True,
    )


def _loud(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The command line without what keeps k6 from saying what is asked of it."""
    before = options.before_dashes(argv)
    kept = tuple(word for word in before if word.partition("=")[0] not in _HUSHING)
    for option, hushing in (("--log-output", "none"), ("--log-format", "raw")):
        if options.value(kept, option) == hushing:
            kept = options.without(kept, option)
    return (*kept, *argv[len(before) :])


def _loud_variables(invocation: Invocation) -> dict[str, str]:
    hushing = {"K6_LOG_OUTPUT": ("none", "stderr"), "K6_LOG_FORMAT": ("raw", "text")}
    return {name: loud for name, (hushed, loud) in hushing.items() if invocation.env.get(name) == hushed}


def _log_elsewhere(invocation: Invocation) -> str:
    """Where the log goes instead of to the terminal, as its author wrote it; empty: it is among what k6 prints."""
    given = options.value(_loud(invocation.argv), "--log-output") or invocation.env.get("K6_LOG_OUTPUT", "")
    return "" if given in {"", "none", "stderr", "stdout"} else given.partition("=")[0]


def _outputs_elsewhere(invocation: Invocation) -> bool:
    """Whether outputs are set where the option `--out` would take precedence over them, and none is on the line."""
    if options.has(invocation.argv, "--out", "-o"):
        return False
    if invocation.env.get("K6_OUT"):
        return True
    given = options.value(invocation.argv, "--config", "-c") or invocation.env.get("K6_CONFIG", "")
    home = Path(invocation.env.get("XDG_CONFIG_HOME") or Path(invocation.env.get("HOME", "/")) / ".config")
    places = [invocation.cwd / given] if given else [home / "k6/config.json", home / "loadimpact/k6/config.json"]
    return any('"out"' in _text(place) for place in places)


def _text(place: Path) -> str:
    try:
        return place.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
