"""The evidence store: content-addressed, private, whole or not at all, and loud where it cannot write."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import stat
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from gonogo.errors import OperationError
from gonogo.evidence.redact import Redactor
from gonogo.evidence.store import HEAD, Store
from tests.everybody import as_everybody

SECRET = "correct-horse-battery"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "evidence", Redactor([SECRET]))


def _stored(store: Store, digest: str) -> bytes:
    with store.open(digest) as file:
        return file.read()


def _files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


def test_a_blob_is_named_by_the_digest_of_its_redacted_bytes(store: Store) -> None:
    blob = store.put("stdout", f"password {SECRET}\n".encode(), "text/plain")
    assert _stored(store, blob.sha256) == b"password [redacted]\n"
    assert blob.sha256 == hashlib.sha256(b"password [redacted]\n").hexdigest()
    assert (blob.name, blob.media_type, blob.size, blob.total, blob.cut) == ("stdout", "text/plain", 20, 20, False)


def test_blobs_are_for_their_owner_only(store: Store) -> None:
    old = os.umask(0)
    try:
        store.put("x", b"x" * 200_000)
        store.put("x", b"y")
    finally:
        os.umask(old)
    for path in [store.directory, *store.directory.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 3_000_000])
def test_any_size_is_kept_whole(store: Store, size: int) -> None:
    data = os.urandom(size).hex().encode()[:size]
    blob = store.put("x", data)
    assert _stored(store, blob.sha256) == data
    assert blob.size == blob.total == size
    assert [path.name for path in _files(store.directory)] == [blob.sha256], "no temporary file is left"


def test_empty_blobs_are_written_once(store: Store) -> None:
    first = store.put("stdout", b"")
    written = store.path(first.sha256).stat()
    for _ in range(300):
        assert store.put("stderr", b"").sha256 == first.sha256
    now = store.path(first.sha256).stat()
    assert (now.st_ino, now.st_mtime_ns) == (written.st_ino, written.st_mtime_ns)


def test_head_and_tail_are_kept_under_a_cap_with_a_mark_between(store: Store) -> None:
    sink = store.sink("stdout", cap=1000)
    data = b"".join(b"%07d\n" % n for n in range(100_000))
    for at in range(0, len(data), 777):
        sink.write(data[at : at + 777])
    blob = sink.close()
    kept = _stored(store, blob.sha256)
    assert kept == data[:500] + b"\n[gonogo left out 799000 bytes here]\n" + data[-500:]
    assert (blob.size, blob.total, blob.cut) == (len(kept), len(data), True)
    assert blob.total_sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("size", [0, 499, 500, 501, 999, 1000])
def test_what_fits_under_the_cap_is_not_cut(store: Store, size: int) -> None:
    sink = store.sink("stdout", cap=1000)
    sink.write(b"z" * size)
    blob = sink.close()
    assert (_stored(store, blob.sha256), blob.size, blob.total, blob.cut) == (b"z" * size, size, size, False)


@pytest.mark.parametrize("cap", [0, 1, 2])
def test_a_tiny_cap_still_tells_what_is_missing(store: Store, cap: int) -> None:
    sink = store.sink("stdout", cap=cap)
    sink.write(b"abc")
    blob = sink.close()
    assert b"left out %d bytes" % (3 - cap) in _stored(store, blob.sha256)
    assert blob.cut


def test_a_file_is_streamed_and_never_cut(store: Store, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with report.open("wb") as file:
        for _ in range(40):
            file.write(b"x" * 1_000_000 + SECRET.encode())
    tracemalloc.start()
    blob = store.put_file("report/x.json", report, "application/json", "out/x.json")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert blob.path == "out/x.json"
    assert blob.size == 40 * (1_000_000 + len("[redacted]"))
    assert not blob.cut
    assert peak < 8_000_000
    assert SECRET.encode() not in _stored(store, blob.sha256)


def test_a_file_that_cannot_be_read_is_its_readers_trouble(store: Store, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.put_file("x", tmp_path / "missing")
    with pytest.raises(IsADirectoryError):
        store.put_file("x", tmp_path)
    assert _files(store.directory) == []


def test_the_head_of_a_sink_is_redacted_and_bounded(store: Store) -> None:
    sink = store.sink("stdout", cap=100)
    sink.write(f"v1.2.3 {SECRET}\n".encode() + b"x" * (2 * HEAD))
    sink.close()
    assert sink.head.startswith(b"v1.2.3 [redacted]\nxxx")
    assert len(sink.head) == HEAD


def test_the_last_line_is_there_before_the_stream_ends(store: Store) -> None:
    with store.sink("stdout") as sink:
        assert sink.line() == b""
        sink.write(f"one\ntwo {SECRET}\n\nthr".encode())
        assert sink.line() == b"two [redacted]"
        sink.write(b"ee 10%\rthree 20%\r")
        assert sink.line() == b"three 20%"
        sink.write(b"y" * 600_000)
        assert sink.line() == b"three 20%"


def test_a_discarded_sink_leaves_nothing(store: Store) -> None:
    with store.sink("stdout") as sink:
        sink.write(b"x" * 1_000_000)
        assert len(_files(store.directory)) == 1
    assert _files(store.directory) == []


def test_s80_altered_and_missing_evidence_is_found(store: Store) -> None:
    good, altered, missing = (store.put("x", data).sha256 for data in (b"good", b"altered", b"missing"))
    assert store.check([good, altered, missing]) == []
    store.path(altered).write_bytes(b"something else")
    store.path(missing).unlink()
    assert store.check([good, altered, missing]) == [
        f"evidence `{missing}` is missing",
        f"evidence `{altered}` was altered",
    ]


def test_an_altered_blob_is_healed_by_the_next_writer(store: Store) -> None:
    digest = store.put("x", b"data").sha256
    store.path(digest).write_bytes(b"other")
    Store(store.directory, Redactor()).put("x", b"data")
    assert store.check() == []


def test_asking_for_what_is_not_there_names_it(store: Store) -> None:
    with pytest.raises(OperationError, match=f"`{'0' * 64}`"):
        store.open("0" * 64)
    with pytest.raises(ValueError, match="not a sha256"):
        store.path("../../etc/passwd")


def test_s8_a_directory_that_vanished_is_told(store: Store) -> None:
    store.put("x", b"")
    sink = store.sink("stdout")
    sink.write(b"x" * 1_000_000)
    shutil.rmtree(store.directory)
    with pytest.raises(OperationError, match="is gone"):
        sink.close()
    for data in (b"", b"y"):
        with pytest.raises(OperationError, match="is gone") as caught:
            store.put("x", data)
        assert caught.value.help
    sink.discard()


def test_s8_a_file_where_the_directory_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("")
    with pytest.raises(OperationError, match=r"cannot keep evidence|is gone"):
        Store(tmp_path / "evidence", Redactor())


def test_s9_a_read_only_directory_is_told(store: Store) -> None:
    store.directory.chmod(0o500)
    try:
        with as_everybody(), pytest.raises(OperationError, match="cannot write evidence"):
            store.put("x", b"y")
        with as_everybody(), pytest.raises(OperationError, match="cannot write evidence"):
            Store(store.directory, Redactor())
    finally:
        store.directory.chmod(0o700)


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="mounting needs root on Linux")
@pytest.mark.parametrize(("options", "message"), [("size=256k", "no room left"), ("size=256k,ro", "cannot write")])
def test_s9_a_full_or_read_only_disk_is_told(tmp_path: Path, options: str, message: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with pytest.raises(OperationError, match=message) as caught:
            Store(disk, Redactor()).put("x", os.urandom(1_000_000))
        assert "gonogo run --resume" in caught.value.help
        assert _files(disk) == [], "the half written file is gone"
    finally:
        subprocess.run(["umount", disk], check=True)


def test_s9_no_room_in_the_middle_of_a_write_is_told(tmp_path: Path) -> None:
    script = (
        "import sys, resource; from pathlib import Path; from gonogo.errors import OperationError\n"
        "from gonogo.evidence.redact import Redactor; from gonogo.evidence.store import Store\n"
        "store = Store(Path(sys.argv[1]), Redactor())\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))\n"
        "try: store.put('x', bytes(1_000_000))\n"
        "except OperationError as error: print(error.message, '|', error.help)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script, tmp_path / "e"], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("no room left to keep evidence in")
    assert _files(tmp_path) == []


def test_leftovers_of_killed_writers_are_swept(store: Store) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (store.directory / f"tmp-{dead.pid}-0").write_bytes(b"half")
    (store.directory / f"tmp-{os.getpid()}-999999").write_bytes(b"being written")
    assert store.sweep() == 1
    assert [path.name for path in _files(store.directory)] == [f"tmp-{os.getpid()}-999999"]


def test_two_hundred_megabytes_fit_into_little_memory(store: Store, tmp_path: Path) -> None:
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(200_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert store.put_file("big", big).size == 200_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000
