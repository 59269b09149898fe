"""What a bundle proves, and how each hostile one fails with its own reason."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gonogo.bundle.verify import verify
from gonogo.errors import OperationError
from gonogo.ledger.store import data_digest
from gonogo.model import codec
from tests.bundle import forge
from tests.bundle.conftest import Repository
from tests.bundle.verifying import Verified, why

# --- what holds ----------------------------------------------------------------------------------------------


def test_a_bundle_nobody_signed_is_proven_and_says_so(unsigned: Path) -> None:
    proof = verify(unsigned)
    assert proof.broken is None
    assert proof.exit_code == 0
    assert [claim.number for claim in proof.claims] == list(range(1, 10))
    assert proof.claims[-1].told == "signed by nobody"
    assert proof.facts["decision"] == "GO"


def test_a_signed_bundle_with_sign_offs(signed: Path) -> None:
    proof = verify(signed)
    assert proof.broken is None
    assert proof.facts["signed_by"] == ["ben"]
    assert proof.claims[6].told == "2 sign-offs"
    assert "of other runs between them" in proof.claims[2].told


def test_a_file_that_is_not_there_is_no_broken_bundle(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="there is no file"):
        verify(tmp_path / "none.zip")


# --- hostile -------------------------------------------------------------------------------------------------


def test_s80_evidence_altered(unsigned: Path, verified: Verified) -> None:
    files = forge.unpacked(unsigned.read_bytes())
    name = next(name for name in files if name.startswith("evidence/") and files[name])
    assert "was altered: its sha256 is not the one in the manifest" in why(verified({**files, name: b"hullo\n"}))


def test_evidence_swapped_and_the_manifest_made_to_fit(unsigned: Path, verified: Verified) -> None:
    files = forge.unpacked(unsigned.read_bytes())
    name = next(name for name in files if name.startswith("evidence/") and files[name])
    swapped = forge.stated_anew(forge.listed_anew({**files, name: b"hullo\n"}))
    assert (
        why(verified(swapped))
        == "the bytes of `stdout` of gate `says-hello` are not those that were judged: they were swapped"
    )


def test_two_pieces_of_evidence_swapped(signed: Path, verified: Verified) -> None:
    files = forge.unpacked(signed.read_bytes())
    one, other = [name for name in files if name.startswith("evidence/")][:2]
    swapped = forge.all_anew({**files, one: files[other], other: files[one]})
    assert "they were swapped" in why(verified(swapped))


def test_evidence_that_belongs_to_no_gate(unsigned: Path, verified: Verified) -> None:
    files = forge.unpacked(unsigned.read_bytes())
    smuggled = forge.stated_anew(forge.listed_anew({**files, "evidence/" + "0" * 64: b"hidden"}))
    assert "belongs to no gate of the run" in why(verified(smuggled))


def test_a_file_beside_the_manifest(unsigned: Path, verified: Verified) -> None:
    files = forge.unpacked(unsigned.read_bytes())
    assert why(verified({**files, "extra.txt": b"hi"})) == "`extra.txt` is not listed in the manifest"


def test_a_file_left_out(unsigned: Path, verified: Verified) -> None:
    files = forge.unpacked(unsigned.read_bytes())
    del files["waivers.json"]
    assert why(verified(files)) == "`waivers.json` is listed in the manifest, and missing"
    assert "`waivers.json` is missing" in why(verified(forge.stated_anew(forge.listed_anew(files))))


def test_evidence_left_out(unsigned: Path, verified: Verified) -> None:
    files = forge.unpacked(unsigned.read_bytes())
    del files[next(name for name in files if name.startswith("evidence/"))]
    assert why(verified(forge.all_anew(files))).endswith("is not in the bundle")


def _red_to_green(data: dict[str, Any]) -> None:
    data["verdict"]["outcome"] = "FAIL" if data["verdict"]["outcome"] == "PASS" else "PASS"


def test_forged_event(unsigned: Path, verified: Verified) -> None:
    files = forge.unpacked(unsigned.read_bytes())
    forged = forge.listed_anew(forge.edited(files, "verdict", _red_to_green, rehash=False))
    assert "was altered" in why(verified(forged))


def test_forged_event_with_a_hash_of_its_own(unsigned: Path, verified: Verified) -> None:
    files = forge.unpacked(unsigned.read_bytes())
    events, kept = forge.events(files), forge.events(files)
    at = next(i for i, event in enumerate(events) if event["event"] == "verdict")
    _red_to_green(events[at]["data"])
    anew = forge.events(forge.with_events(files, events, rehash=True))
    mixed = [*kept[:at], anew[at], *kept[at + 1 :]]
    forged = forge.listed_anew(forge.with_events(files, mixed, rehash=False))
    assert "does not follow event" in why(verified(forged))


def test_an_event_left_out_of_the_middle(signed: Path, verified: Verified) -> None:
    files = forge.unpacked(signed.read_bytes())
    events = [event for event in forge.events(files) if event["event"] != "sign-off"]
    forged = forge.listed_anew(forge.with_events(files, events, rehash=False))
    assert "is missing" in why(verified(forged))


def test_an_event_of_another_run_altered(signed: Path, verified: Verified) -> None:
    files = forge.unpacked(signed.read_bytes())
    events = forge.events(files)
    next(event for event in events if "data_sha256" in event)["time"] = "2020-01-01T00:00:00.000000Z"
    forged = forge.listed_anew(forge.with_events(files, events, rehash=False))
    assert "was altered" in why(verified(forged))


def test_an_event_of_this_run_passed_off_as_a_link(signed: Path, verified: Verified) -> None:
    files = forge.unpacked(signed.read_bytes())
    events = forge.events(files)
    at = next(i for i, event in enumerate(events) if event["event"] == "sign-off")
    digest = data_digest(codec.canonical(events[at].pop("data")).decode())
    forged = forge.with_events(
        files, [*events[:at], {**events[at], "data_sha256": digest}, *events[at + 1 :]], rehash=False
    )
    assert "what it says is left out" in why(verified(forge.listed_anew(forged)))


def test_a_decision_that_does_not_follow(unsigned: Path, verified: Verified) -> None:
    """A whole new chain: consistent in itself, and yet the verdicts come to something else."""
    files = forge.unpacked(unsigned.read_bytes())
    forged = forge.all_anew(forge.edited(files, "verdict", _red_to_green, rehash=True))
    assert why(verified(forged)) == "the verdicts come to NO-GO, and the ledger says GO"


def test_s81_a_verdict_left_out_is_no_go(unsigned: Path, verified: Verified) -> None:
    files = forge.unpacked(unsigned.read_bytes())
    events = [event for event in forge.events(files) if event["event"] not in {"verdict", "attempt-started"}]
    for number, event in enumerate(events, start=1):
        event["seq"] = number
    forged = forge.with_events(files, events, rehash=True)
    pieces = codec.canonical({"pieces": [], "wanted": []})
    kept = {name: data for name, data in forged.items() if not name.startswith("evidence/")}
    assert (
        why(verified(forge.all_anew({**kept, "evidence.json": pieces})))
        == "the verdicts come to HOLD, and the ledger says GO"
    )


def test_s84_the_same_go_for_another_commit(unsigned: Path, verified: Verified) -> None:
    def other_commit(data: dict[str, Any]) -> None:
        data["plan"]["subject"]["commit"] = "f" * 40

    files = forge.unpacked(unsigned.read_bytes())
    forged = forge.edited(files, "run-started", other_commit, rehash=True)
    assert why(verified(forge.all_anew(forged))) == "the plan does not have the digest that names it: it was altered"
    listed = forge.listed_anew(files, commit="f" * 40)
    assert "another decision, commit or target" in why(verified(listed))


def test_a_readable_copy_that_says_something_else(unsigned: Path, verified: Verified) -> None:
    files = forge.unpacked(unsigned.read_bytes())
    rosy = files["decision.json"].replace(b"GO", b"GO!")
    forged = forge.stated_anew(forge.listed_anew({**files, "decision.json": rosy}))
    assert why(verified(forged)) == "`decision.json` is not what the ledger says"


def test_json_that_is_not_canonical(unsigned: Path, verified: Verified) -> None:
    files = forge.unpacked(unsigned.read_bytes())
    twice = files["manifest.json"].replace(b'{"commit"', b'{"commit":"","commit"', 1)
    assert why(verified({**files, "manifest.json": twice})) == "the manifest is not in canonical JSON"
    assert why(verified({**files, "manifest.json": b"[" * 100_000})) == "the manifest is no JSON"


def test_a_format_of_the_future(unsigned: Path, verified: Verified) -> None:
    files = forge.unpacked(unsigned.read_bytes())
    later = files["manifest.json"].replace(b"gonogo.bundle/1", b"gonogo.bundle/9")
    assert "the bundle has format `gonogo.bundle/9`" in why(verified({**files, "manifest.json": later}))


def test_names_answered_with_foreign_evidence(unsigned: Path, verified: Verified) -> None:
    files = forge.unpacked(unsigned.read_bytes())
    listed = json.loads(files["evidence.json"])
    listed["wanted"] = [{"group": "g", "name": "backup", "gate": "", "files": ["readme.txt"], "missing": ""}]
    forged = forge.stated_anew(forge.listed_anew({**files, "evidence.json": codec.canonical(listed)}))
    assert why(verified(forged)) == "`backup` is answered by `readme.txt`, which is no evidence of this run"


# --- offline -------------------------------------------------------------------------------------------------

_WATCHED = """
import sys
seen = []
def watch(event, arguments):
    if event.startswith(("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.spawn", "pty.")):
        seen.append(event)
    if event.startswith(("socket.", "urllib.", "http.")):
        seen.append(event)
sys.addaudithook(watch)
from gonogo.cli.main import run
code = run(["verify", *sys.argv[1:]])
kinds = ("gonogo_plugins", "gonogo.probes", "gonogo.tools", "gonogo.parsers", "gonogo.actions", "gonogo.engine")
loaded = [name for name in sys.modules if name.startswith(kinds)]
print("RESULT", code, seen, loaded)
"""


def _watched(cwd: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _WATCHED, *arguments], cwd=cwd, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1]


def test_no_process_no_plugin_no_network(signed: Path, large: Repository) -> None:
    """In a repository with a plugin that must not be loaded."""
    plugin = large.root / ".gonogo" / "plugins" / "trap.py"
    plugin.parent.mkdir(exist_ok=True)
    plugin.write_text("raise SystemExit('loaded')\n")
    try:
        assert _watched(large.root, str(signed), "--require", "DevOps") == "RESULT 0 [] []"
        told = _watched(large.root, str(signed), "--rejudge")
        assert told.startswith("RESULT 0 [] [")
        assert "gonogo_plugins" not in told
        assert "gonogo.engine" not in told
    finally:
        plugin.unlink()


def test_it_needs_no_repository(signed: Path, tmp_path: Path) -> None:
    assert _watched(tmp_path, str(signed)) == "RESULT 0 [] []"
