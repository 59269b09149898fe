"""Measure, print the table, and exit 1 where a ratio is over its limit."""

from __future__ import annotations

import sys

from bench import deploy, gates, redact, startup
from bench.timing import Timed, raise_file_limit


def row(timed: Timed, against: Timed, limit: str) -> str:
    """One line of the table."""
    ratio = timed.against(against)
    return (
        f"{timed.name:<26} {timed.seconds:>8.3f} s  ±{timed.spread:>6.3f}  {timed.peak_mib:>7.1f} MiB"
        f"  {ratio:>6.2f} x {against.name:<22} {limit}"
    )


def main() -> int:
    """The exit code: 0 where every limit holds."""
    raise_file_limit()
    held = True
    print("300 gates of /bin/true, two at a time")
    measured = gates.measure()
    ours, doit = measured["gonogo run"], measured["doit -n 2"]
    for timed in measured.values():
        limit = f"limit {gates.LIMIT_AGAINST_DOIT} x, {gates.LIMIT_MIB} MiB" if timed is ours else ""
        print(row(timed, doit, limit))
    held &= ours.against(doit) <= gates.LIMIT_AGAINST_DOIT and ours.peak_mib <= gates.LIMIT_MIB

    print("\nstart-up")
    measured = startup.measure()
    ours, peer = measured["gonogo --help"], measured["pre-commit --version"]
    print(row(ours, peer, f"limit {startup.LIMIT} x"))
    print(row(peer, peer, ""))
    held &= ours.against(peer) <= startup.LIMIT

    print("\nredact, hash and store 200 MB with 200 secrets, against grep -F -f secrets")
    found = redact.measure()
    print(found["row"])
    held &= bool(found["held"])

    print("\ndeploy with verification, against plain Compose with the same stack")
    shipped = deploy.measure()
    print("\n".join(shipped.rows))
    held &= shipped.held
    print("\n" + ("every limit holds" if held else "a limit does not hold"))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
