"""The packing: one way to write it, and every other way is refused with its reason."""

from __future__ import annotations

import io
import stat
import struct
import subprocess
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gonogo.bundle import pack
from gonogo.errors import IntegrityError, OperationError

FILES: dict[str, bytes] = {"b.json": b"{}", "a/long-name.txt": b"x" * 3_000_000, "a/empty": b""}


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    size = pack.write(path, FILES)
    assert size == path.stat().st_size
    assert path.read_bytes() == pack.packed(FILES)
    with pack.read(path) as packed:
        assert {name: packed.read(name) for name in packed.entries} == FILES
        with packed.open("a/long-name.txt") as stream:
            stream.seek(-5, io.SEEK_END)
            assert stream.read() == b"xxxxx"
            assert stream.seek(10) == 10
            assert stream.readline(7) == b"x" * 7
    assert not list(tmp_path.glob(".*"))


def test_files_and_bytes_pack_alike(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(FILES["a/long-name.txt"])
    pack.write(tmp_path / "x.zip", {**FILES, "a/long-name.txt": source})
    assert (tmp_path / "x.zip").read_bytes() == pack.packed(FILES)


def test_other_programs_open_it(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    pack.write(path, FILES)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(FILES)
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {stat.filemode(info.external_attr >> 16) for info in archive.infolist()} == {"-rw-r--r--"}


@pytest.mark.parametrize("name", ["../x", "/x", "a//b", "A", "a b", "a/../b", ".x", "x" * 201, "", "a\\b", "ä"])
def test_names_it_never_writes(name: str) -> None:
    with pytest.raises(ValueError, match="not a name in a bundle"):
        pack.packed({name: b""})


def test_nowhere_to_write(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="cannot write"):
        pack.write(tmp_path / "none" / "x.zip", FILES)


def test_too_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pack, "LARGEST", 1_000_000)
    with pytest.raises(OperationError, match="too large for one bundle"):
        pack.write(tmp_path / "x.zip", FILES)
    assert list(tmp_path.iterdir()) == []


# --- hostile -------------------------------------------------------------------------------------------------


@pytest.fixture
def reason(tmp_path: Path) -> Callable[[bytes], str]:
    def why(data: bytes) -> str:
        path = tmp_path / "hostile.zip"
        path.write_bytes(data)
        with pytest.raises(IntegrityError) as caught:
            pack.read(path)
        return caught.value.message.removeprefix("this is not a bundle as gonogo packs it: ")

    return why


Reason = Callable[[bytes], str]


def archive(*entries: tuple[str, bytes], compression: int = zipfile.ZIP_STORED, mode: int = 0o100644) -> bytes:
    """What Python's own module writes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as made, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = compression
            made.writestr(info, data)
    return stream.getvalue()


def test_zip_bomb(reason: Reason) -> None:
    bomb = archive(("bomb", b"\0" * 50_000_000), compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 60_000
    assert (
        reason(bomb) == "`bomb` is compressed, and files of a bundle never are: so none unfolds into something larger"
    )


def test_overlapping_entries(reason: Reason) -> None:
    """The other bomb: many names in the directory for the same bytes."""
    one = pack.packed({"a": b"x" * 1000})
    end = one.rindex(b"PK\x05\x06")
    directory = one[one.rindex(b"PK\x01\x02") : end]
    doubled = directory + directory.replace(b"a", b"b")
    count = struct.pack("<HHLL", 2, 2, len(doubled), one.rindex(b"PK\x01\x02"))
    data = one[: one.rindex(b"PK\x01\x02")] + doubled + one[end : end + 8] + count + b"\0\0"
    assert len(zipfile.ZipFile(io.BytesIO(data)).infolist()) == 2
    assert "its directory is not that of its files" in reason(data)


def test_link(reason: Reason) -> None:
    assert reason(archive(("link", b"/etc/passwd"), mode=stat.S_IFLNK | 0o777)) == "`link` is a link"


def test_link_in_an_otherwise_canonical_packing(reason: Reason) -> None:
    data = pack.packed({"link": b"/etc/passwd"})
    link = data.replace(
        struct.pack("<L", (stat.S_IFREG | 0o644) << 16), struct.pack("<L", (stat.S_IFLNK | 0o777) << 16)
    )
    assert reason(link) == "`link` is a link"


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "a/../../b", "..\\..\\x", "c:\\x"])
def test_names_that_lead_out(reason: Reason, name: str) -> None:
    assert "leads out of the bundle" in reason(archive((name, b"x")))


def test_name_that_leads_out_in_an_otherwise_canonical_packing(reason: Reason) -> None:
    assert reason(pack.packed({"aa/b": b"x"}).replace(b"aa/b", b"../b")) == "`../b` leads out of the bundle"


def test_duplicate_names(reason: Reason) -> None:
    assert reason(archive(("a", b"one"), ("a", b"two"))) == "`a` is in it twice"
    doubled = pack.packed({"a": b"one", "b": b"one"}).replace(b"b", b"a")
    assert reason(doubled) == "`a` is in it twice"


def test_encrypted(reason: Reason) -> None:
    data = pack.packed({"a": b"x"})
    at = data.index(b"PK\x01\x02")
    assert reason(data[: at + 8] + b"\1" + data[at + 9 :]) == "`a` is encrypted"


def test_out_of_order(reason: Reason) -> None:
    assert "`a` follows `b`, out of order" in reason(pack.packed({"a": b"1", "b": b"1"}).translate(_swapped()))


def _swapped() -> bytes:
    return bytes.maketrans(b"ab", b"ba")


@pytest.mark.parametrize("left", [0, 3, 10, 29, 31, 500, 2_000_000, -1, -21, -22, -30])
def test_truncated(reason: Reason, left: int) -> None:
    data = pack.packed(FILES)
    told = reason(data[:left])
    assert "it is cut short" in told


def test_bytes_after_its_end(reason: Reason) -> None:
    assert "bytes follow its end" in reason(pack.packed(FILES) + b"\n")


def test_bytes_before_its_beginning(reason: Reason) -> None:
    assert "its directory is not that of its files, at byte 0" in reason(b"#!/bin/sh\n" + pack.packed(FILES))


def test_comment(reason: Reason) -> None:
    data = pack.packed(FILES)
    assert "its directory is not that of its files" in reason(data[:-2] + b"\2\0hi")


def test_extra_field(reason: Reason) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        info = zipfile.ZipInfo("a", (1980, 1, 1, 0, 0, 0))
        info.extra = b"\xfe\xca\4\0evil"
        made.writestr(info, b"x")
    assert "is odd" in reason(stream.getvalue()) or "checksum" in reason(stream.getvalue())


def test_no_zip_at_all(reason: Reason) -> None:
    assert "its directory is not that of its files" in reason(b"hello, I am no archive\n" * 10)


def test_what_other_programs_write_is_refused(tmp_path: Path, reason: Reason) -> None:
    """The same files, stored, packed by somebody else."""
    path = tmp_path / "x.zip"
    pack.write(path, {"a": b"x"})
    with zipfile.ZipFile(path) as made:
        again = archive(("a", made.read("a")))
    assert "the header of `a` is odd" in reason(again)


def test_a_directory_and_a_pipe_are_no_bundles(tmp_path: Path) -> None:
    subprocess.run(["mkfifo", str(tmp_path / "pipe")], check=True)
    for name in ("", "pipe"):
        with pytest.raises(OperationError, match="there is no file"):
            pack.read(tmp_path / name)
