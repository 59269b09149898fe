"""Redact, hash and store a 200 MB log that 200 secrets are looked for in, against `grep -F -f secrets`.

grep looks for the 200 values as they are; we look for every spelling of each (seven times as many) and for shapes.
"""

from __future__ import annotations

import random
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gonogo.evidence.redact import Redactor
from gonogo.evidence.store import Store

LIMIT = 1.0
LOG_BYTES = 200_000_000
SECRETS = 200
ROUNDS = 3

_LINE = (
    "GET POST /api/v1/media request completed in ms status user level info debug msg pid hostname headers 200 404 "
    "worker queue redis postgres query select from where id connection pool timeout retry https://portal.example/x"
)
_WORDS = _LINE.split()


def _log(path: Path, chance: random.Random, secrets: list[str]) -> None:
    """A log of JSON lines; every secret stands in it a few times, in different spellings."""
    lines = [
        f'{{"level":30,"time":17320{chance.randrange(10**8):08d},"pid":{chance.randrange(30000)},'
        f'"msg":"{" ".join(chance.choices(_WORDS, k=10))}"}}\n'
        for _ in range(20_000)
    ]
    block = "".join(lines).encode()
    found = "".join(f"found {secret} and {secret.encode().hex()}\n" for secret in secrets).encode()
    with path.open("wb") as file:
        while file.tell() < LOG_BYTES:
            file.write(block)
            file.write(found)


def _fastest(measured: Callable[[], Any]) -> float:
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        measured()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def measure() -> dict[str, Any]:
    """Seconds of both, their ratio, whether the limit holds, and the row of the table."""
    chance = random.Random(20)
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
    secrets = ["".join(chance.choices(alphabet, k=chance.randrange(12, 44))) for _ in range(SECRETS)]
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        log, keys = directory / "log", directory / "secrets"
        _log(log, chance, secrets)
        keys.write_text("\n".join(secrets) + "\n")

        def grep() -> None:
            # Into a file: where grep sees that its output is /dev/null it stops at the first match.
            with log.open("rb") as source, (directory / "matches").open("wb") as matches:
                subprocess.run(["grep", "-F", "-f", keys], stdin=source, stdout=matches, check=True)

        def ours() -> None:
            Store(directory / "evidence", Redactor(secrets)).put_file("log", log)

        ours_seconds, grep_seconds = _fastest(ours), _fastest(grep)
    ratio = ours_seconds / grep_seconds
    return {
        "seconds": ours_seconds,
        "grep_seconds": grep_seconds,
        "ratio": ratio,
        "limit": LIMIT,
        "held": ratio <= LIMIT,
        "row": (
            f"{'redact + hash + store':<26} {ours_seconds:>8.3f} s   grep -F -f {grep_seconds:.3f} s"
            f"  {ratio:>6.2f} x {'grep -F -f secrets':<22} limit {LIMIT} x"
        ),
    }


if __name__ == "__main__":
    print(measure()["row"])
