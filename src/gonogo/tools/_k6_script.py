"""Which load a k6 command line is: its script, whatever that imports, and the options that shape the load."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from gonogo.plugins import Invocation
from gonogo.tools import _options as options

_IMPORTED = re.compile(r"""(?:\bfrom|\bimport|\brequire\(|\bopen\()\s*['"](?P<path>\.{1,2}/[^'"\n]+)['"]""")
_SHAPING = ("--vus", "-u", "--duration", "-d", "--iterations", "-i", "--stage", "-s", "--rps", "--config", "-c")
_SHAPING_VARIABLES = ("K6_VUS", "K6_DURATION", "K6_ITERATIONS", "K6_STAGES", "K6_RPS", "K6_CONFIG")
_WITH_VALUE = options.words(
    "-u --vus -d --duration -i --iterations -s --stage --rps -c --config -o --out -e --env --tag --summary-export "
    "--summary-trend-stats --summary-time-unit --summary-mode --log-output --log-format --execution-segment "
    "--execution-segment-sequence --max-redirects --batch --batch-per-host --user-agent --system-tags "
    "--console-output --compatibility-mode --type --traces-output --dns --min-iteration-duration --blacklist-ip "
    "--block-hostnames --local-ips --address -a --secret-source"
)
"""Options of `k6 run` that take the next word."""
_MOST_FILES = 500


def named(invocation: Invocation) -> dict[str, str]:
    """`script`: its name and a digest of what makes the load, such as `load-tests/light.js 3f2a90c1d4e5`.

    The digest covers the script, the files it imports or opens by a relative path, and the options and variables that
    shape the load; not `-e` variables, which name the target and may be secret. Empty where the script cannot be read.
    """
    words = options.positionals(invocation.argv, _WITH_VALUE)
    script = next(iter(words[words.index("run") + 1 :]), "") if "run" in words else ""
    if not script or not (invocation.cwd / script).is_file():
        return {}
    digest = hashlib.sha256()
    for part in (*_shape(invocation), *_files(invocation.cwd / script)):
        digest.update(part + b"\0")
    return {"script": f"{Path(script).as_posix()} {digest.hexdigest()[:12]}"}


def _shape(invocation: Invocation) -> Iterator[bytes]:
    variables: Mapping[str, str] = invocation.env
    for name in _SHAPING:
        for value in options.values(invocation.argv, name):
            yield f"{name}={value}".encode()
    yield from (f"{name}={variables[name]}".encode() for name in _SHAPING_VARIABLES if variables.get(name))
    config = options.value(invocation.argv, "--config", "-c")
    if config and (invocation.cwd / config).is_file():
        yield (invocation.cwd / config).read_bytes()


def _files(script: Path) -> Iterator[bytes]:
    """The bytes of the script and of all it imports, each once, in the order of the text."""
    pending, seen = [script.resolve()], set[Path]()
    while pending and len(seen) < _MOST_FILES:
        path = pending.pop(0)
        if path in seen or not path.is_file():
            continue
        seen.add(path)
        data = path.read_bytes()
        yield data
        text = data.decode("utf-8", "replace")
        pending += [(path.parent / found["path"]).resolve() for found in _IMPORTED.finditer(text)]
