"""How `assets/bundle-1.zip` was made, once: `python -m tests.bundle.golden FILE`. Its keys are gone.

What names a machine is replaced, and the chain made anew; then it is sealed and signed as every bundle is.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from gonogo.bundle import manifest as manifests
from gonogo.bundle.manifest import Signer
from gonogo.evidence import sign
from gonogo.model.roster import Person
from gonogo.owners import keys
from tests.bundle import forge
from tests.bundle.conftest import LARGE, PASSPHRASE, repository_at

ELSEWHERE = "/home/cleo/thing"


def made(directory: Path) -> bytes:
    os.environ["GONOGO_KEYS"] = str(directory / "keys")
    pem = keys.create("ada", PASSPHRASE)
    ada = keys.unlock("ada", lambda: PASSPHRASE)
    quiet = LARGE.replace("sh talk.sh", "sh hello.sh")
    repository = repository_at(directory / "thing", quiet)
    keys.write(repository.root, Person("ada", "Ada", pem, ("ada@example.org",)))
    repository.commit()
    repository.run()
    run = repository.view().id
    repository.say(ada, "DevOps", gate="dashboard", question="dashboard:1")
    repository.run("--gate", "talks-much")
    repository.run("--resume", run)
    repository.say(ada, "DevOps", run=run)
    repository.run("--resume", run)
    repository.seal(directory / "raw.zip", run=run)
    files = forge.unpacked((directory / "raw.zip").read_bytes())
    events = [_anywhere(event, str(repository.root)) for event in forge.events(files)]
    files = forge.all_anew(forge.with_events(files, events, rehash=True))
    files = forge.stated_anew(forge.listed_anew(files, signers=(Signer("ada", pem),)))
    for name in [name for name in files if name.startswith(manifests.ATTESTATIONS)]:
        files[name] = sign.sign(files[name], ada.private).line()
    return forge.repacked(files)


def _anywhere(event: dict[str, Any], root: str) -> dict[str, Any]:
    data = event.get("data", {})
    if "holder" in data:
        holder = {
            "host": "example",
            "machine": "",
            "boot": "",
            "user": "cleo",
            "pid": 4711,
            "namespace": "",
            "started": "1",
        }
        data["holder"] |= holder
        data["scratch"] = "/tmp/gonogo-run"
    if "evidence" in data:
        data["evidence"] = f"{ELSEWHERE}/.gonogo/state/evidence"
    if "root" in data:
        data["root"] = data["root"].replace(root, ELSEWHERE)
    return event


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        Path(sys.argv[1]).write_bytes(made(Path(scratch)))
