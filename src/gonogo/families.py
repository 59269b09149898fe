"""Observations that many tools share, with the prose of a `Pass:` line that asks for them."""

from __future__ import annotations

from gonogo.model.observation import Combine, ObservationType, Type
from gonogo.plugins import Clause, Family

_INT, _DOUBLE = Type.INT, Type.DOUBLE

_NONE = r"(?:(?:with )?(?:0|no|zero)|without(?: any)?)"
"""How prose says that there is none of something."""
_AT_LEAST = r"(?:(?:is |of |must be )?(?:≥|>=|at least|at minimum|(?:no|not) (?:less|lower) than|minimum(?: of)?))"
_MORE_THAN = r"(?:(?:is |of |must be )?(?:>|above|over|more than|greater than))"
_PERCENT = r"(?P<pct>\d+(?:\.\d+)?) ?(?:%|percent|per cent)"
_TEST_WORDS = (
    r"(?:(?:the|our|unit|integration|e2e|end-to-end|smoke|api|ui|regression|acceptance|component|contract|backend"
    r"|frontend|playwright|vitest|jest|pytest|go|and|/|\+|,) ?)*"
)
_ALL_PASS = ("tests.failed == 0", "tests.errored == 0", "tests.not_run == 0", "tests.passed > 0")

TESTS = Family(
    name="tests",
    doc="Counts of a test run. Where not one test was executed, all of them are absent: the outcome is UNKNOWN.",
    hints=r"\btests?\b|\be2e\b|playwright|vitest|jest|pytest|go test",
    types=(
        ObservationType("tests.total", _INT, "tests collected"),
        ObservationType("tests.passed", _INT, "tests that passed, flaky ones included"),
        ObservationType("tests.failed", _INT, "tests that failed", counts=("failed",)),
        ObservationType(
            "tests.errored",
            _INT,
            "test files or suites that could not be run, and errors outside any test",
            counts=("errored",),
        ),
        ObservationType("tests.skipped", _INT, "tests skipped or marked todo by their authors"),
        ObservationType("tests.flaky", _INT, "tests that failed first and passed on a retry", counts=("flaky",)),
        ObservationType("tests.not_run", _INT, "tests collected that never ran: bail, abort, interruption"),
    ),
    clauses=(
        Clause(
            r"(?:100 ?% pass|all (?:\w+ ){0,3}(?:tests?|e2e|flows?|specs?)(?: are| must)? (?:pass(?:ed|es|ing)?|green)"
            r"|100 ?% of (?:the |all )?tests pass|every (?:\w+ ){0,2}test passes)",
            _ALL_PASS,
            "All tests pass",
        ),
        Clause(
            rf"{_TEST_WORDS}tests? (?:suites? )?(?:must |all |are )?(?:pass(?:es|ed|ing)?|succeeds?|green)",
            _ALL_PASS,
            "Unit and integration tests pass",
        ),
        Clause(
            rf"{_NONE} (?:test |unit test )?failures?|{_NONE} (?:failing|failed|red)(?: tests?)?"
            r"|(?:0|no|zero) tests? (?:fails?|failed|failing|(?:is |are )?red)",
            _ALL_PASS,
            "0 failures",
        ),
        Clause(
            rf"{_NONE} skipped(?: tests?)?|{_NONE} tests? (?:are |is )?skipped",
            ("tests.skipped == 0",),
            "0 skipped tests",
        ),
        Clause(rf"{_NONE} flaky(?: tests?)?", ("tests.flaky == 0",), "no flaky tests"),
        Clause(
            r"at least (?P<count>\d+) (?:\w+ )?tests? (?:pass|run|(?:are )?executed)",
            ("tests.passed >= {count}",),
            "at least 10 tests pass",
        ),
    ),
)

COVERAGE = Family(
    name="coverage",
    doc="Coverage over the whole scope that the tool measured; the scope is shown beside it.",
    hints=r"coverage",
    types=tuple(
        ObservationType(f"coverage.{part}.{figure}", type_, f"{part} {meaning}", unit=unit, combine=combine)
        for part in ("lines", "statements", "functions", "branches")
        for figure, type_, meaning, unit, combine in (
            ("pct", _DOUBLE, "covered, of all in scope", "%", Combine.PERCENT),
            ("covered", _INT, "covered", "", Combine.SUM),
            ("total", _INT, "in scope", "", Combine.SUM),
        )
    )
    + (ObservationType("coverage.files", _INT, "source files in scope"),),
    clauses=tuple(
        Clause(pattern, (f"coverage.{part}.pct {operator} {{pct}}",), example)
        for words, part, said in (
            (r"(?:line|lines) ", "lines", "lines "),
            (r"(?:statement|statements) ", "statements", "statements "),
            (r"(?:function|functions) ", "functions", "functions "),
            (r"(?:branch|branches) ", "branches", "branches "),
            # Whoever says no more than "coverage" means lines: so do the badges of Codecov and Coveralls.
            (r"(?:(?:code|test|overall|total) ){0,2}", "lines", ""),
        )
        for pattern, operator, example in (
            (rf"{words}coverage {_AT_LEAST} ?{_PERCENT}", ">=", f"{said}coverage ≥ 65%"),
            (
                rf"(?:{_AT_LEAST} )?{_PERCENT} {words}coverage(?: or (?:more|better|higher))?",
                ">=",
                f"at least 65% {said}coverage",
            ),
            (rf"{words}coverage {_MORE_THAN} ?{_PERCENT}", ">", f"{said}coverage above 65%"),
        )
    ),
)

LINT = Family(
    name="lint",
    doc="What a linter found.",
    hints=r"\blint|eslint|\bruff\b",
    types=(
        ObservationType("lint.errors", _INT, "errors, fatal parse errors included", counts=("error",)),
        ObservationType("lint.warnings", _INT, "warnings", counts=("warning",)),
        ObservationType("lint.files", _INT, "files looked at"),
    ),
    clauses=(
        Clause(rf"{_NONE} (?:lint(?:ing|er)? |eslint |ruff )?errors?", ("lint.errors == 0",), "0 errors"),
        Clause(
            rf"{_NONE} (?:lint(?:ing|er)? |eslint |ruff )?"
            r"(?:errors?(?:,| or| and)(?: no| zero| 0)? warnings?|warnings?(?:,| or| and)(?: no| zero| 0)? errors?"
            r"|problems?|issues?|findings?|violations?)",
            ("lint.errors == 0", "lint.warnings == 0"),
            "no errors or warnings",
        ),
        Clause(
            r"warnings (?:are )?acceptable only if documented",
            ("lint.warnings == 0",),
            "warnings acceptable only if documented",
            documented=True,
        ),
        Clause(rf"{_NONE} (?:lint(?:ing|er)? |eslint |ruff )?warnings?", ("lint.warnings == 0",), "0 warnings"),
    ),
)

FORMAT = Family(
    name="format",
    doc="What a formatter would change.",
    hints=r"\bformat|prettier",
    types=(
        ObservationType("format.unformatted", _INT, "files that are not formatted", counts=("error",)),
        ObservationType("format.files", _INT, "files looked at, where the tool says so"),
    ),
    clauses=(
        Clause(
            rf"{_NONE} (?:format(?:ting|ter)? |prettier )?errors?|{_NONE} format(?:ting)? "
            rf"(?:problems?|issues?|changes?|differences?)|{_NONE} unformatted files?"
            r"|(?:all|every) (?:files?|code|sources?) (?:is |are )?formatted",
            ("format.unformatted == 0",),
            "0 errors",
        ),
    ),
)

TYPES = Family(
    name="types",
    doc="What a type checker found.",
    hints=r"typecheck|type check|type safety|\btsc\b|typescript|\bmypy\b",
    types=(ObservationType("types.errors", _INT, "type errors", counts=("error",)),),
    clauses=(
        Clause(
            rf"{_NONE} (?:typescript |type |type-checking |tsc |mypy )?(?:errors?|problems?|issues?)",
            ("types.errors == 0",),
            "0 TypeScript errors",
        ),
    ),
)

_ISSUES = r"(?: (?:severity )?(?:vulnerabilities|vulnerability|vulns?|findings?|issues?|advisories))"

VULNERABILITIES = Family(
    name="vulnerabilities",
    doc="Known vulnerabilities in dependencies, by severity. An answer that is no report counts nothing.",
    hints=r"security|audit|vulnerabilit",
    types=(
        ObservationType("vulnerabilities.critical", _INT, "of critical severity", counts=("critical",)),
        ObservationType("vulnerabilities.high", _INT, "of high severity", counts=("high",)),
        ObservationType("vulnerabilities.medium", _INT, "of medium severity (npm: moderate)", counts=("medium",)),
        ObservationType("vulnerabilities.low", _INT, "of low severity", counts=("low",)),
        ObservationType("vulnerabilities.info", _INT, "informational", counts=("info",)),
        ObservationType("vulnerabilities.packages", _INT, "dependencies looked at"),
    ),
    clauses=(
        Clause(
            rf"{_NONE} (?:known )?(?:critical(?: ?/ ?| (?:or|and) )high|high(?: ?/ ?| (?:or|and) )critical)"
            rf"{_ISSUES}?",
            ("vulnerabilities.critical == 0", "vulnerabilities.high == 0"),
            "0 Critical/High",
        ),
        Clause(
            rf"{_NONE} (?:known )?critical{_ISSUES}?", ("vulnerabilities.critical == 0",), "no critical vulnerabilities"
        ),
        Clause(
            rf"{_NONE}(?: known| open)?{_ISSUES}",
            tuple(f"vulnerabilities.{severity} == 0" for severity in ("critical", "high", "medium", "low")),
            "no known vulnerabilities",
        ),
        Clause(
            r"(?:medium|moderate)s? documented(?: \(.*\))?",
            ("vulnerabilities.medium == 0",),
            "Mediums documented (owner/date)",
            documented=True,
        ),
    ),
)

_LIMIT = r"(?P<ms>\d+(?:\.\d+)?) ?ms"
_DURATIONS = (
    ("avg", "mean duration"),
    ("med", "median duration"),
    ("p90", "90th percentile of the duration"),
    ("p95", "95th percentile of the duration"),
    ("p99", "99th percentile of the duration"),
    ("max", "longest duration"),
)


def _of_each(each: str) -> tuple[ObservationType, ...]:
    """What is measured of each scenario or endpoint; of several load tests in one command, the greatest."""
    stem, most = f"load.{each}", Combine.MAX
    return (
        ObservationType(f"{stem}.requests", _INT, f"HTTP requests made, of {each}", combine=most, each=each),
        ObservationType(
            f"{stem}.errors_pct", _DOUBLE, f"requests that failed, of {each}", unit="%", combine=most, each=each
        ),
        *(
            ObservationType(f"{stem}.{figure}", _DOUBLE, f"{meaning}, of {each}", unit="ms", combine=most, each=each)
            for figure, meaning in _DURATIONS
        ),
    )


_TENTHS = "95th percentile of the duration in each tenth of the requests, in order of time, in ms"

LOAD = Family(
    name="load",
    doc=(
        "What a load test measured. Where it made not one request, all of it is absent: the outcome is UNKNOWN. An "
        "endpoint is what the script tags as `endpoint`, else its `name` without scheme and host."
    ),
    hints=r"\bk6\b|load test|performance",
    types=(
        ObservationType("load.requests", _INT, "HTTP requests made"),
        ObservationType("load.rps", _DOUBLE, "HTTP requests a second", unit="/s", combine=Combine.MIN),
        ObservationType("load.iterations", _INT, "iterations of the script completed"),
        ObservationType("load.dropped_iterations", _INT, "iterations that could not be started in time"),
        ObservationType("load.exceptions", _INT, "exceptions that iterations threw", counts=("thrown",)),
        ObservationType("load.errors.pct", _DOUBLE, "requests that failed, of all", unit="%", combine=Combine.MAX),
        ObservationType("load.checks.passed", _INT, "checks that held"),
        ObservationType("load.checks.failed", _INT, "checks that did not hold", counts=("check",)),
        ObservationType("load.thresholds.crossed", _INT, "thresholds of the script crossed", counts=("crossed",)),
        ObservationType("load.vus", _INT, "virtual users, at most", combine=Combine.MAX),
        ObservationType("load.script", Type.STRING, "the script, and what names its load", combine=Combine.JOIN),
        *(
            ObservationType(
                f"load.duration.{figure}", _DOUBLE, f"{meaning} of the requests", unit="ms", combine=Combine.MAX
            )
            for figure, meaning in _DURATIONS
        ),
        ObservationType("load.tenths", Type.LIST, _TENTHS, combine=Combine.JOIN),
        *_of_each("scenario"),
        *_of_each("endpoint"),
        ObservationType(
            "load.endpoint.tenths", Type.LIST, f"{_TENTHS}, of endpoint", combine=Combine.JOIN, each="endpoint"
        ),
    ),
    clauses=(
        # Nobody says how much a spike is; 1 % is the bound of the example in k6's own documentation of thresholds.
        Clause(r"(?:0|no|zero) error spikes?", ("load.errors.pct <= 1.0",), "No error spikes"),
        Clause(
            r"error rate (?:is |stays )?(?:≤|<=|at most|below|under) ?(?P<pct>\d+(?:\.\d+)?) ?(?:%|percent)",
            ("load.errors.pct <= {pct}",),
            "error rate ≤ 2%",
        ),
        Clause(
            rf"error rate (?:is |stays )?(?:<|less than) ?{_PERCENT}", ("load.errors.pct < {pct}",), "error rate < 1%"
        ),
        *(
            clause
            for figure, words in (("p90", "90th percentile"), ("p95", "95th percentile"), ("p99", "99th percentile"))
            for clause in (
                Clause(
                    rf"(?:{figure}|{words})(?: of)?(?: the)?(?: latency| duration| response times?)? (?:is |stays )?"
                    rf"(?:≤|<=|at most) ?{_LIMIT}",
                    (f"load.duration.{figure} <= {{ms}}",),
                    f"{figure} ≤ 500 ms",
                ),
                Clause(
                    rf"(?:{figure}|{words})(?: of)?(?: the)?(?: latency| duration| response times?)? (?:is |stays )?"
                    rf"(?:<|below|under|less than) ?{_LIMIT}",
                    (f"load.duration.{figure} < {{ms}}",),
                    f"{figure} < 500 ms",
                ),
            )
        ),
    ),
)

EXIT = Family(
    name="exit",
    doc="Criteria that *are* the exit code, and marks in what a command printed.",
    hints=r"",
    types=(),
    clauses=(
        Clause(
            r"(?:[\w./ -]+ )?(?:\((?:exit|exits) (?:with )?(?:code |status )?(?:0|zero)\)"
            r"|(?:exits?|returns?|ends?) (?:with )?(?:an? )?(?:exit )?(?:code |status )?(?:of )?(?:0|zero)"
            r"|exit (?:code|status) (?:is |of |must be |== ?)?(?:0|zero)"
            r"|(?:builds?|migrat\w+|commands?|scripts?) (?:succeeds?|exit 0))",
            ("exit == 0",),
            "MkDocs builds (exit 0)",
        ),
        Clause(
            r"(?P<mark>[\w./-]+) ✅(?: in .* output)?", ('output.marked("{mark}")',), "Frontend ✅ in verify output"
        ),
    ),
)
