"""One file for many: a ZIP that can be written in one way only, so that nothing can hide in it.

Entries are stored (never compressed), sorted by name, dated 1980-01-01, without extra fields, comments, links or
directories. Reading compares every byte between the entries with what writing would have put there, so that a bundle
is equal to its own packing or is refused. Any program that reads ZIP (APPNOTE 6.3, without ZIP64) opens it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from gonogo.errors import IntegrityError, OperationError
from gonogo.frozen import dataclass

LARGEST = (1 << 32) - 1
"""Bytes of a bundle, at most: a ZIP without extensions counts no further."""
MOST_ENTRIES = 65_535

_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL = struct.Struct("<4sHHHHHHLLLHHHHHLL")
_END = struct.Struct("<4sHHHHLLH")
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_NEEDED = 10
"""Version 1.0: stored files."""
_MADE_BY = (3 << 8) | 20
"""Unix, version 2.0."""
_DATE = 0x21
"""1980-01-01, the first day a ZIP can say."""
_FILE = (stat.S_IFREG | 0o644) << 16
_CHUNK = 1 << 20

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)*\Z")
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One packed file, as it was read."""

    name: str
    size: int
    sha256: str
    crc: int
    offset: int
    """Where its local header begins."""

    @property
    def begin(self) -> int:
        """Where its bytes begin."""
        return self.offset + _LOCAL.size + len(self.name)


# --- writing -------------------------------------------------------------------------------------------------


def write(path: Path, files: Mapping[str, bytes | Path]) -> int:
    """Pack bytes and files under their names; returns the size of what was written, whole or not at all.

    Raises:
        OperationError: It cannot be written, or is too large.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("xb") as out:
            for piece in _pieces(files):
                out.write(piece)
            size = out.tell()
        temporary.replace(path)
    except OSError as error:
        raise OperationError(
            f"cannot write `{path}`: {error.strerror or error}", help="name a file in a directory that can be written"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return size


def packed(files: Mapping[str, bytes]) -> bytes:
    """The packing of files that are small enough to hold."""
    return b"".join(_pieces(files))


def _pieces(files: Mapping[str, bytes | Path]) -> Iterator[bytes]:
    entries: list[Entry] = []
    offset = 0
    for name in sorted(files):
        if not _good_name(name):
            raise ValueError(f"not a name in a bundle: {name!r}")
        entry = _measured(name, files[name], offset)
        offset = entry.begin + entry.size
        if offset > LARGEST or len(entries) == MOST_ENTRIES:
            raise OperationError(
                "the evidence of this run is too large for one bundle",
                help="let the checklist name fewer files as evidence: a bundle holds 4 GiB and 65,535 files",
            )
        entries.append(entry)
        yield _local_header(entry)
        yield from _chunks(files[name])
    yield _directory(entries, offset)


def _measured(name: str, source: bytes | Path, offset: int) -> Entry:
    crc, size, digest = 0, 0, hashlib.sha256()
    for chunk in _chunks(source):
        crc, size = zlib.crc32(chunk, crc), size + len(chunk)
        digest.update(chunk)
    return Entry(name, size, digest.hexdigest(), crc, offset)


def _chunks(source: bytes | Path) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _local_header(entry: Entry) -> bytes:
    size = entry.size
    fields = (_LOCAL_MARK, _NEEDED, 0, 0, 0, _DATE, entry.crc, size, size, len(entry.name), 0)
    return _LOCAL.pack(*fields) + entry.name.encode("ascii")


def _directory(entries: Iterable[Entry], offset: int) -> bytes:
    """The central directory with its end."""
    listed = b""
    count = 0
    for entry in entries:
        sizes = (entry.crc, entry.size, entry.size, len(entry.name))
        fields = (_CENTRAL_MARK, _MADE_BY, _NEEDED, 0, 0, 0, _DATE, *sizes, 0, 0, 0, 0, _FILE, entry.offset)
        listed += _CENTRAL.pack(*fields) + entry.name.encode("ascii")
        count += 1
    return listed + _END.pack(_END_MARK, 0, 0, count, count, len(listed), offset, 0)


def _good_name(name: str) -> bool:
    return len(name) <= _LONGEST_NAME and bool(_NAME.match(name))


# --- reading -------------------------------------------------------------------------------------------------


class Packed:
    """A bundle whose packing was checked, open for reading; close it after use."""

    def __init__(self, file: BinaryIO, entries: Iterable[Entry]) -> None:
        self._file = file
        self.entries = {entry.name: entry for entry in entries}

    def open(self, name: str) -> BinaryIO:
        """The bytes of an entry as a stream; raises `KeyError` where there is none of that name."""
        entry = self.entries[name]
        return io.BufferedReader(_Window(self._file, entry.begin, entry.size))

    def read(self, name: str, most: int = 1 << 28) -> bytes:
        """The bytes of an entry; raises `IntegrityError` where it is missing or larger than `most`."""
        entry = self.entries.get(name)
        if entry is None:
            raise IntegrityError(f"`{name}` is missing")
        if entry.size > most:
            raise IntegrityError(f"`{name}` is larger than a bundle of ours ever has it: {entry.size:,} bytes")
        with self.open(name) as stream:
            return stream.read()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Packed:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Window(io.RawIOBase):
    """A part of a file as a file of its own."""

    def __init__(self, file: BinaryIO, begin: int, size: int) -> None:
        self._file, self._begin, self._size, self._at = file, begin, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        want = min(len(buffer), max(0, self._size - self._at))
        self._file.seek(self._begin + self._at)
        got = self._file.read(want)
        buffer[: len(got)] = got
        self._at += len(got)
        return len(got)


def read(path: Path) -> Packed:
    """Open a bundle, every byte of its packing compared with what `write` would have written.

    Raises:
        IntegrityError: It is not its own packing; the message says what is wrong with it.
        OperationError: There is no such file, or it cannot be read.
    """
    try:
        if not path.is_file():
            raise OperationError(f"there is no file `{path}`", help="name a bundle: `gonogo bundle --output FILE`")
        file = path.open("rb")
    except OSError as error:
        raise OperationError(f"cannot read `{path}`: {error.strerror}", help="make it readable") from error
    try:
        return Packed(file, _entries(file))
    except _Odd as odd:
        reason = _known_reason(file) or f"{odd.what}, at byte {odd.at:,}"
        file.close()
        raise IntegrityError(f"this is not a bundle as gonogo packs it: {reason}") from None
    except BaseException:
        file.close()
        raise


class _Odd(Exception):
    """Where the bytes leave the one way to pack."""

    def __init__(self, at: int, what: str) -> None:
        super().__init__(what)
        self.at, self.what = at, what


def _entries(file: BinaryIO) -> list[Entry]:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if size > LARGEST:
        raise _Odd(LARGEST, "it is larger than a bundle can be")
    entries: list[Entry] = []
    while True:
        offset = file.tell()
        header = file.read(_LOCAL.size)
        if not header.startswith(_LOCAL_MARK):
            break
        if len(entries) == MOST_ENTRIES:
            raise _Odd(offset, "it has more files than a bundle can have")
        entries.append(_entry(file, header, entries[-1].name if entries else ""))
    file.seek(offset)
    expected = _directory(entries, offset)
    found = file.read(len(expected) + 1)
    if found != expected:
        raise _Odd(offset + _first_difference(found, expected), _end_problem(found, expected))
    return entries


def _end_problem(found: bytes, expected: bytes) -> str:
    if len(found) < len(expected) and (expected.startswith(found) or _LOCAL_MARK.startswith(found)):
        return "it is cut short"
    if found.startswith(expected):
        return "bytes follow its end"
    return "its directory is not that of its files"


def _first_difference(one: bytes, other: bytes) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _entry(file: BinaryIO, header: bytes, before: str) -> Entry:
    offset = file.tell() - len(header)
    if len(header) < _LOCAL.size:
        raise _Odd(offset + len(header), "it is cut short")
    crc, _, size, length, _ = _LOCAL.unpack(header)[6:]
    raw = file.read(length)
    if len(raw) < length:
        raise _Odd(file.tell(), "it is cut short")
    try:
        name = raw.decode("ascii")
    except UnicodeDecodeError:
        name = ""
    if not _good_name(name):
        raise _Odd(offset + _LOCAL.size, f"`{raw[:_LONGEST_NAME].decode('ascii', 'replace')}` is no name in a bundle")
    if name <= before:
        raise _Odd(offset + _LOCAL.size, f"`{name}` follows `{before}`, out of order")
    digest, got, left = hashlib.sha256(), 0, size
    while left:
        chunk = file.read(min(_CHUNK, left))
        if not chunk:
            raise _Odd(file.tell(), f"it is cut short within `{name}`")
        digest.update(chunk)
        got, left = zlib.crc32(chunk, got), left - len(chunk)
    entry = Entry(name, size, digest.hexdigest(), got, offset)
    expected = _local_header(entry)
    if header + raw != expected:
        what = f"the checksum of `{name}` is not that of its bytes" if got != crc else f"the header of `{name}` is odd"
        raise _Odd(offset + _first_difference(header + raw, expected), what)
    return entry


def _known_reason(file: BinaryIO) -> str:
    """What a ZIP reader sees in a file that is no packing of ours; empty where it sees nothing it can name."""
    file.seek(0)
    try:
        listed = zipfile.ZipFile(file).infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error, EOFError):
        return ""
    names: set[str] = set()
    for info in listed:
        shown = repr(info.filename)[1:-1][:_LONGEST_NAME]
        why = _refusal(info, names)
        if why:
            return f"`{shown}` {why}"
        names.add(info.filename)
    return ""


def _refusal(info: zipfile.ZipInfo, names: set[str]) -> str:
    parts = re.split(r"[/\\]", info.filename)
    if ".." in parts or info.filename.startswith(("/", "\\")) or ":" in info.filename:
        return "leads out of the bundle"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link"
    if info.filename in names:
        return "is in it twice"
    if info.flag_bits & 1:
        return "is encrypted"
    if info.compress_type != zipfile.ZIP_STORED:
        return "is compressed, and files of a bundle never are: so none unfolds into something larger"
    return ""
