"""Bundles as somebody would forge them: changed somewhere, and everything after it made to fit again."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gonogo.bundle import manifest as manifests
from gonogo.bundle import pack, record, statements
from gonogo.bundle.manifest import ATTESTATIONS, Listed
from gonogo.ledger.store import data_digest, link_hash
from gonogo.model import codec

Files = dict[str, bytes]


def unpacked(bundle: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def repacked(files: Files) -> bytes:
    """In the one canonical way, with nothing else made to fit."""
    return pack.packed(files)


def listed_anew(files: Files, **changes: Any) -> Files:
    """With a manifest over what the files are now."""
    old = manifests.parse(files[manifests.NAME])
    rest = {n: b for n, b in files.items() if n != manifests.NAME and not n.startswith(ATTESTATIONS)}
    entries = tuple(Listed(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in sorted(rest.items()))
    new = replace(old, files=entries, **changes)
    return {**files, manifests.NAME: new.text()}


def stated_anew(files: Files) -> Files:
    """With the statements that are due for these files, signed by nobody."""
    files = {name: data for name, data in files.items() if not name.startswith(ATTESTATIONS)}
    manifest = manifests.parse(files[manifests.NAME])
    return files | statements.statements(manifest, record.of(record.parse(files["ledger.jsonl"])))


def all_anew(files: Files) -> Files:
    """All that can be made to fit without a key and without the ledger."""
    told = record.of(record.parse(files["ledger.jsonl"]))
    files = {**files, **record.derived(told)}
    about = manifests.of(told, (), ())
    changes = {name: getattr(about, name) for name in ("run", "plan", "commit", "target", "decision", "decided")}
    return stated_anew(listed_anew(files, signers=(), **changes))


def events(files: Files) -> list[dict[str, Any]]:
    return [json.loads(line) for line in files["ledger.jsonl"].splitlines()]


def with_events(files: Files, changed: list[dict[str, Any]], *, rehash: bool) -> Files:
    """With another ledger; `rehash` makes a new chain of it."""
    prev = changed[0]["prev_hash"] if changed else ""
    for event in changed:
        if rehash:
            digest = data_digest(codec.canonical(event["data"]).decode()) if "data" in event else event["data_sha256"]
            event["prev_hash"] = prev
            about = [event[name] for name in ("seq", "run", "gate", "event", "time", "monotonic")]
            prev = event["hash"] = link_hash((*about, digest, prev))
    return {**files, "ledger.jsonl": b"".join(codec.canonical(event) + b"\n" for event in changed)}


def edited(files: Files, event: str, edit: Callable[[dict[str, Any]], None], *, rehash: bool) -> Files:
    """With the data of the last event of that name edited."""
    changed = events(files)
    edit(next(one for one in reversed(changed) if one["event"] == event)["data"])
    return with_events(files, changed, rehash=rehash)
