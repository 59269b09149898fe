"""The evidence store: redacted bytes under the name of their own sha256, written whole or not at all.

A blob lies at `<directory>/<first two digits>/<sha256>`, readable by its owner only. It is written beside its place
and renamed into it, so that a reader never sees half of one. Nothing is synced to the platter: `kill -9` loses
nothing by that, and a ledger entry without its blob is found by `check`.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
import re
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from gonogo.errors import OperationError
from gonogo.evidence.redact import Redactor
from gonogo.model.capture import Blob

HEAD = 1024 * 1024
"""Bytes of the redacted stream that a sink keeps in memory for its writer."""

_CHUNK = 256 * 1024
_IN_MEMORY = 64 * 1024
"""Bytes up to which a blob is written with one write, at its end."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_TEMPORARY = re.compile(r"tmp-(\d+)-\d+")
_numbers = itertools.count()

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ESTALE}
_FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}


def _told(directory: Path, error: OSError) -> OperationError:
    """What stopped us from writing below `directory`, in words that say what to do."""
    if error.errno in _NO_ROOM:
        return OperationError(
            f"no room left to keep evidence in `{directory}`: {error.strerror}",
            help="free some space there, then run `gonogo run --resume`",
        )
    if error.errno in _GONE:
        return OperationError(
            f"the evidence directory `{directory}` is gone",
            help="find out what removed it, then run the checklist again: what it held is lost",
        )
    if error.errno in _FORBIDDEN:
        return OperationError(
            f"cannot write evidence into `{directory}`: {error.strerror}",
            help="make it writable for this user, then run `gonogo run --resume`",
        )
    return OperationError(f"cannot keep evidence in `{directory}`: {error.strerror or error}")


@contextlib.contextmanager
def _writing(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _told(directory, error) from error


class Store:
    """Where the evidence of all runs lies. Safe to use from several threads."""

    def __init__(self, directory: Path, redactor: Redactor) -> None:
        """Open the store, and make it where it is not there; raises `OperationError` where that cannot be."""
        self.directory = directory
        self.redactor = redactor
        self._written: set[str] = set()
        with _writing(directory):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not os.access(directory, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def sink(self, name: str, media_type: str = "application/octet-stream", cap: int | None = None) -> Sink:
        """A blob to write piece by piece. Of more than `cap` redacted bytes, head and tail are kept."""
        return Sink(self, name, media_type, cap)

    def put(self, name: str, data: bytes, media_type: str = "application/octet-stream") -> Blob:
        """Redact and store bytes, whole."""
        with self.sink(name, media_type) as sink:
            sink.write(data)
            return sink.close()

    def put_file(
        self, name: str, path: Path, media_type: str = "application/octet-stream", repo_path: str = ""
    ) -> Blob:
        """Redact and store a file, whole whatever its size, in bounded memory.

        Raises `OSError` where the file cannot be read (`FileNotFoundError`, `PermissionError`, `IsADirectoryError`),
        `OperationError` where the store cannot be written.
        """
        with path.open("rb", buffering=0) as source, self.sink(name, media_type) as sink:
            while chunk := source.read(_CHUNK):
                sink.write(chunk)
            return sink.close(path=repo_path)

    def open(self, sha256: str) -> BinaryIO:
        """The stored bytes; raises `OperationError` where there are none of that digest."""
        try:
            return self.path(sha256).open("rb")
        except FileNotFoundError as error:
            raise OperationError(
                f"evidence `{sha256}` is not in `{self.directory}`",
                help="look for who removed it, or run the checklist again",
            ) from error

    def path(self, sha256: str) -> Path:
        """Where the blob of that digest lies, or would lie; raises `ValueError` for what is no digest."""
        if not _DIGEST.fullmatch(sha256):
            raise ValueError(f"not a sha256 digest: {sha256!r}")
        return Path(self._place(sha256))

    def _place(self, sha256: str) -> str:
        return f"{self.directory}/{sha256[:2]}/{sha256}"

    def check(self, expected: Iterable[str] = ()) -> list[str]:
        """What is wrong with the store, a sentence each: blobs altered since, and those of `expected` that are missing.

        Empty: every blob still has its digest.
        """
        wrong = [f"evidence `{digest}` is missing" for digest in dict.fromkeys(expected) if not self._has(digest)]
        for path in sorted(self.directory.glob("??/*")):
            if not _DIGEST.fullmatch(path.name):
                wrong.append(f"`{path}` is no evidence of ours")
            elif not self._intact(path):
                wrong.append(f"evidence `{path.name}` was altered")
        return wrong

    def sweep(self) -> int:
        """Remove what killed writers left half written; returns how many files. Call it with the lease in hand."""
        swept = 0
        for path in self.directory.glob("tmp-*"):
            match = _TEMPORARY.fullmatch(path.name)
            if match and not _alive(int(match[1])):
                path.unlink(missing_ok=True)
                swept += 1
        return swept

    def _has(self, digest: str) -> bool:
        return os.path.isfile(self._place(digest))  # noqa: PTH113 - twice for each gate of a run

    @staticmethod
    def _intact(path: Path) -> bool:
        try:
            with path.open("rb") as stored:
                return hashlib.file_digest(stored, "sha256").hexdigest() == path.name
        except OSError:
            return False

    def _holds(self, digest: str) -> bool:
        """Whether this process wrote that blob and it is still there; what was there before is written anew."""
        return digest in self._written and self._has(digest)

    def _temporary(self) -> tuple[int, Path]:
        path = self.directory / f"tmp-{os.getpid()}-{next(_numbers)}"
        return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), path

    def _adopt(self, temporary: Path, digest: str) -> None:
        place = self.path(digest)
        with contextlib.suppress(FileExistsError):
            place.parent.mkdir(mode=0o700)
        temporary.replace(place)
        self._written.add(digest)


class Sink:
    """One blob being written: redacts, hashes, and keeps all of it or its head and tail. Memory: up to half its cap."""

    def __init__(self, store: Store, name: str, media_type: str, cap: int | None) -> None:
        self._store = store
        self._name = name
        self._media_type = media_type
        self.redactor = store.redactor
        self._stream = store.redactor.stream()
        self._room = None if cap is None else cap - cap // 2
        self._tail_room = 0 if cap is None else cap // 2
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._kept = hashlib.sha256()
        self._whole = self._kept if cap is None else hashlib.sha256()
        self._size = self._total = 0
        self._head = bytearray()
        self._body = bytearray()
        self._file: tuple[int, Path] | None = None
        self._last_line = b""

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    @property
    def head(self) -> bytes:
        """The first MiB of the redacted stream, as far as it is decided; all of that once the sink is closed."""
        return bytes(self._head)

    def line(self) -> bytes:
        """The last whole line written so far that is not blank, redacted; for a live view."""
        return _last_line(self._stream.peek()) or self._last_line

    def write(self, data: bytes) -> None:
        """Take the next bytes; raises `OperationError` where the store cannot be written."""
        decided = self._stream.feed(data)
        if decided:
            self._last_line = _last_line(decided) or self._last_line
            with _writing(self._store.directory):
                self._take(decided)

    def close(self, path: str = "") -> Blob:
        """Store what was written; `path` is the file's place in the repository, for files."""
        with _writing(self._store.directory):
            self._take(self._stream.close())
            left_out = self._total - self._size - self._tail_size
            if left_out:
                self._keep(f"\n[gonogo left out {left_out} bytes here]\n".encode())
            for chunk in self._tail:
                self._keep(chunk)
            digest = self._kept.hexdigest()
            self._settle(digest)
        return Blob(
            name=self._name,
            sha256=digest,
            size=self._size,
            total=self._total,
            media_type=self._media_type,
            total_sha256=self._whole.hexdigest() if left_out else "",
            path=path,
        )

    def discard(self) -> None:
        """Forget what was written; nothing where the sink is closed already."""
        if self._file is not None:
            descriptor, path = self._file
            self._file = None
            os.close(descriptor)
            with contextlib.suppress(OSError):
                path.unlink()

    def _take(self, data: bytes) -> None:
        """Take redacted bytes: into the head while there is room, into the rolling tail from then on."""
        self._total += len(data)
        if len(self._head) < HEAD:
            self._head += data[: HEAD - len(self._head)]
        if self._room is None:
            self._keep(data)
            return
        self._whole.update(data)
        if self._size < self._room:
            room = self._room - self._size
            self._keep(data[:room])
            data = data[room:]
        if data:
            self._roll(data)

    def _roll(self, data: bytes) -> None:
        self._tail.append(data)
        self._tail_size += len(data)
        while self._tail_size > self._tail_room:
            extra = self._tail_size - self._tail_room
            first = self._tail.popleft()
            if len(first) > extra:
                self._tail.appendleft(first[extra:])
            self._tail_size -= min(extra, len(first))

    def _keep(self, data: bytes) -> None:
        self._kept.update(data)
        self._size += len(data)
        if self._file is None and len(self._body) + len(data) <= _IN_MEMORY:
            self._body += data
            return
        if self._file is None:
            self._file = self._store._temporary()
            _write_all(self._file[0], self._body)
            self._body.clear()
        _write_all(self._file[0], data)

    def _settle(self, digest: str) -> None:
        if self._store._holds(digest):
            self.discard()
            return
        if self._file is None:
            self._file = self._store._temporary()
            _write_all(self._file[0], self._body)
        descriptor, path = self._file
        try:
            self._store._adopt(path, digest)
        except OSError:
            self.discard()
            raise
        self._file = None
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes | bytearray) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _last_line(data: bytes) -> bytes:
    """The last whole line of `data` that is not blank; progress written over with a carriage return counts as one."""
    end = max(data.rfind(b"\n"), data.rfind(b"\r"))
    for line in reversed(re.split(rb"[\r\n]+", data[max(0, end - _LONGEST_LINE) : max(0, end)])):
        if line.strip():
            return line
    return b""


_LONGEST_LINE = 2048
"""Bytes of a line that a live view may ask for."""


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
